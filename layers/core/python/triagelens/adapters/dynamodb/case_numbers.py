"""Case numbers in the casework table: a counter, and one item for each number that is free or taken."""

import secrets

from triagelens.adapters.dynamodb.tables import CaseworkItem, bind, transaction_connection
from triagelens.adapters.dynamodb.transactions import Parts
from triagelens.domain.errors import ConflictError, NotFoundError, UnavailableError

NUMBERS = "NUMBERS"
NEXT = "NEXT"
FREE = "FREE#"
TAKEN = "TAKEN#"
USED = "used"
TRIES = 4
CHOICE = 25  # how many released numbers are looked at; more would only matter to more callers at once


def taken_item(number: int, status: str) -> CaseworkItem:
    """The item that says what became of a number."""
    return CaseworkItem(
        NUMBERS, f"{TAKEN}{number:010d}", kind="case_number", status=status, body={"number": number}
    )


def held_by(holder: str) -> str:
    """Status of a number that somebody holds and no case has yet."""
    return f"held#{holder}"


class DynamoCaseNumbers:
    """`services.case_ports.CaseNumbers` on DynamoDB.

    New numbers come from one atomic addition, so no two callers get the same. A process that dies
    between the addition and noting the holder loses that number, and never gives it out twice.
    """

    def __init__(self, table_name: str, region: str, start: int) -> None:
        bind(CaseworkItem, table_name, region)
        self._connection = transaction_connection(region)
        self._start = start

    def take(self, holder: str) -> int:
        for attempt in range(TRIES):
            free = self._free()
            if not free:
                break
            # The lowest; who has just lost a race takes any, so that losers do not meet again.
            number = free[0] if attempt == 0 else secrets.choice(free)
            if self._take_free(number, holder):
                return number
        return self._take_new(holder)

    def release(self, number: int, holder: str) -> None:
        used = ConflictError("This number belongs to a case.")
        parts = Parts()
        parts.delete(taken_item(number, ""), CaseworkItem.status == held_by(holder), used)
        parts.put(_free_item(number), used)
        try:
            status = CaseworkItem.get(NUMBERS, f"{TAKEN}{number:010d}", consistent_read=True).status
        except CaseworkItem.DoesNotExist:
            status = None
        if status not in (held_by(holder), f"{USED}#{holder}"):
            raise NotFoundError("You do not hold this number.")
        parts.write(self._connection)

    def _free(self) -> list[int]:
        found = CaseworkItem.query(
            NUMBERS, CaseworkItem.sk.startswith(FREE), limit=CHOICE, page_size=CHOICE, consistent_read=True
        )
        return [item.body["number"] for item in found]

    def _take_free(self, number: int, holder: str) -> bool:
        lost = ConflictError("Somebody else has just taken this number.")
        parts = Parts()
        parts.delete(_free_item(number), CaseworkItem.pk.exists(), lost)
        parts.put(taken_item(number, held_by(holder)), lost)
        try:
            parts.write(self._connection)
        except (ConflictError, UnavailableError):
            return False
        return True

    def _take_new(self, holder: str) -> int:
        item = CaseworkItem(NUMBERS, NEXT)
        last = CaseworkItem.counter
        item.update(
            [
                last.set((last | (self._start - 1)) + 1),
                CaseworkItem.kind.set("case_number_counter"),
                CaseworkItem.body.set({}),
            ],
            add_version_condition=False,
        )
        number = int(item.counter)
        taken_item(number, held_by(holder)).save()
        return number


def _free_item(number: int) -> CaseworkItem:
    return CaseworkItem(NUMBERS, f"{FREE}{number:010d}", kind="free_case_number", body={"number": number})
