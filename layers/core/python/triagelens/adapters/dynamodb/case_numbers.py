"""Case numbers in the casework table: a counter, and one item for each number that is free or taken."""

import secrets

from triagelens.adapters.dynamodb.tables import CaseworkItem, bind, transaction_connection
from triagelens.adapters.dynamodb.transactions import Parts
from triagelens.domain.errors import ConflictError, NotFoundError, UnavailableError
from triagelens.services.case_ports import TakenNumber

NUMBERS = "NUMBERS"
NEXT = "NEXT"
FREE = "FREE#"
TAKEN = "TAKEN#"
USED = "used"
TRIES = 4
CHOICE = 25  # how many released numbers are looked at; more would only matter to more callers at once


def taken_item(number: int, status: str, case_id: str | None = None) -> CaseworkItem:
    """The item that says what became of a number. `case_id` is of the case that has it."""
    body = {"number": number} if case_id is None else {"number": number, "case_id": case_id}
    return CaseworkItem(NUMBERS, f"{TAKEN}{number:010d}", kind="case_number", status=status, body=body)


def held_by(holder: str) -> str:
    """Status of a number that somebody holds and no case has yet."""
    return f"held#{holder}"


def put_used(parts: Parts, number: int, owner: str, case_id: str) -> None:
    """Makes a number that `owner` holds the case's own: its item is there, or it is not theirs to use."""
    used = taken_item(number, f"{USED}#{owner}", case_id)
    parts.update(
        used,
        [CaseworkItem.status.set(used.status), CaseworkItem.body.set(used.body)],
        ConflictError("This case number is not one that you hold."),
        CaseworkItem.status == held_by(owner),
    )


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
        known = self.taken(number)
        if known is None or known.holder != holder:
            raise NotFoundError("You do not hold this number.")
        parts.write(self._connection)

    def taken(self, number: int) -> TakenNumber | None:
        try:
            item = CaseworkItem.get(NUMBERS, f"{TAKEN}{number:010d}", consistent_read=True)
        except CaseworkItem.DoesNotExist:
            return None
        _, _, holder = str(item.status).partition("#")
        return TakenNumber(holder, item.body.get("case_id"))

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
