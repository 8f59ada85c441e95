"""Telling people by e-mail what is ready and what waits for them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Protocol

from triagelens.domain.cases import SYSTEM
from triagelens.domain.errors import NotFoundError, TriagelensError
from triagelens.domain.mails import Mail, MailKind, render
from triagelens.domain.messages import Event
from triagelens.domain.people import Person, Role
from triagelens.services.case_ports import CaseRecords
from triagelens.services.deliveries import Claim, Deliveries
from triagelens.services.patient_ports import PatientRecords
from triagelens.services.ports import Casework, People

PAGE = 100
# The kind of mail for each event; of all others nobody is told.
KINDS: Mapping[str, MailKind] = MappingProxyType(
    {
        "image.analyzed": MailKind.RESULT_READY,
        "image.rejected": MailKind.RESULT_READY,
        "case.created": MailKind.CASE_WAITS,
        "case.uncertain": MailKind.CASE_WAITS,
        "report.ready": MailKind.REPORT_READY,
    }
)


class AddressRefusedError(TriagelensError):
    """No mail will ever go to this address. The message does not name it."""

    code = "address_refused"


class MailService(Protocol):
    """Sends mails. No error that it raises names an address."""

    def send(self, mail: Mail, to: str, event_id: str) -> None:
        """Sends `mail` with the event's id in its header.

        Raises:
            AddressRefusedError: trying again would not help.
            UnavailableError: it may work later.
        """


@dataclass
class Mailed:
    """What an event led to.

    Attributes:
        sent: mails that the mail service took.
        refused: mails that it will never take.
        elsewhere: mails that another message of the same event is at; whether they are sent is not known yet.
    """

    sent: int = 0
    refused: int = 0
    elsewhere: int = 0


@dataclass(frozen=True)
class _Recipient:
    """Where a mail goes, and by what name its delivery is known."""

    name: str
    address: str


@dataclass(frozen=True)
class Mailing:
    """One mail for each event and person, however often the event comes.

    Who is told, and at which address, is read when the mail is sent: who was disabled or erased since
    gets none, and of what was erased or decided since nobody is told.

    Attributes:
        case_addresses: told of waiting cases instead of each doctor.
    """

    casework: Casework
    cases: CaseRecords
    patients: PatientRecords
    people: People
    deliveries: Deliveries
    mails: MailService
    portal_url: str | None = None
    case_addresses: tuple[str, ...] = ()

    def tell(self, event: Event, holder: str, until: datetime) -> Mailed:
        """Mails everybody whom an event concerns.

        Args:
            holder: the message that brought the event, which lives `until` then.

        Raises:
            UnavailableError: the mail service is; who was told already is not told again.
        """
        mailed = Mailed()
        if event.type not in KINDS:
            return mailed
        mail = render(KINDS[event.type], self.portal_url, event.event_id)
        for recipient in self._recipients(event):
            key = f"mail|{event.event_id}|{recipient.name}"
            claim = self.deliveries.begin(key, holder, until)
            if claim is not Claim.MINE:
                mailed.elsewhere += claim is Claim.ELSEWHERE
                continue
            try:
                self.mails.send(mail, recipient.address, event.event_id)
                mailed.sent += 1
            except AddressRefusedError:
                mailed.refused += 1
            self.deliveries.finish(key)
        return mailed

    def _recipients(self, event: Event) -> Iterator[_Recipient]:
        try:
            if event.type.startswith("image."):
                yield from self._of_image(str(event.detail["image_id"]))
            elif event.type.startswith("case."):
                yield from self._of_case(str(event.detail["case_id"]), str(event.detail["by"]))
            else:
                yield from self._of_report(event)
        except NotFoundError:
            return  # what it was about is gone

    def _of_image(self, image_id: str) -> Iterator[_Recipient]:
        """Who sent it, and the patient; nobody for what only serves training."""
        image = self.casework.image(image_id)
        if image.upload.purpose == "training":
            return
        concerned = [image.owner]
        if image.patient_id is not None:
            account = self._account_of(image.patient_id)
            concerned += [account] if account else []
        yield from self._reachable(concerned)

    def _of_report(self, event: Event) -> Iterator[_Recipient]:
        """Who asked for it, and the patient if it is for them."""
        concerned = [str(event.detail["requested_by"])]
        if event.detail.get("audience") == "patient" and event.detail.get("patient_id"):
            account = self._account_of(str(event.detail["patient_id"]))
            concerned += [account] if account else []
        yield from self._reachable(concerned)

    def _account_of(self, patient_id: str) -> str | None:
        try:
            account = self.patients.patient(patient_id).account
        except NotFoundError:
            return None
        return None if account is None else account.sub

    def _of_case(self, case_id: str, by: str) -> Iterator[_Recipient]:
        """The addresses set up for it, or else every doctor but the one whose doing it was.

        Nobody when the platform has opened a case for review: of the case they were told when it was made.
        """
        if by == SYSTEM or not self.cases.case(case_id).is_undecided:
            return
        if self.case_addresses:
            yield from (_Recipient(address, address) for address in self.case_addresses)
        else:
            yield from self._reachable(sub for sub in self._doctors() if sub != by)

    def _doctors(self) -> Iterator[str]:
        cursor: str | None = None
        while True:
            page = self.people.people(Role.DOCTOR, PAGE, cursor)
            yield from (person.sub for person in page.items)
            cursor = page.cursor
            if cursor is None:
                return

    def _reachable(self, subs: Iterable[str]) -> Iterator[_Recipient]:
        """Those who may come in and can and want to be mailed, each once, by their records of this moment."""
        for sub in dict.fromkeys(subs):
            try:
                person = self.people.person(sub)
            except NotFoundError:
                continue
            if (address := _address_of(person)) is not None:
                yield _Recipient(sub, address)


def _address_of(person: Person) -> str | None:
    return person.email if person.mail and not person.disabled else None
