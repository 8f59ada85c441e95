"""Who is told of what by e-mail, and that nobody is told twice."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from tests.fake_cases import FakeCases
from tests.fake_deliveries import FakeDeliveries
from tests.fake_patients import FakePatients
from tests.fakes import START, FakeCasework, FakeClock, FakePeople
from triagelens.domain.cases import SYSTEM, Case, CaseStatus
from triagelens.domain.errors import UnavailableError
from triagelens.domain.images import ImageRecord, ImageStatus, Purpose, UploadDeclaration
from triagelens.domain.mails import Mail
from triagelens.domain.messages import Event
from triagelens.domain.patients import LinkedAccount, Patient, PatientDetails
from triagelens.domain.people import Person, Role
from triagelens.services.mailing import KINDS, AddressRefusedError, Mailed, Mailing


@dataclass
class FakeMails:
    """Keeps what it was given. `crash_after` raises once a mail was sent; `away` and `refused` before."""

    sent: list[tuple[str, str, Mail]] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    away: set[str] = field(default_factory=set)
    crash_after: int | None = None

    def send(self, mail: Mail, to: str, event_id: str) -> None:
        if to in self.away:
            raise UnavailableError("The mail service is away.", retry_after_s=1)
        if to in self.refused:
            raise AddressRefusedError("No.")
        self.sent.append((to, event_id, mail))
        if self.crash_after == len(self.sent):
            raise KeyboardInterrupt  # the process is killed


class World:
    def __init__(self, **more: Any) -> None:
        self.clock, self.mails, self.people = FakeClock(), FakeMails(), FakePeople()
        self.casework, self.cases, self.patients = FakeCasework(), FakeCases(), FakePatients()
        self.deliveries = FakeDeliveries(self.clock)
        self.mailing = Mailing(
            casework=self.casework,
            cases=self.cases,
            patients=self.patients,
            people=self.people,
            deliveries=self.deliveries,
            mails=self.mails,
            **more,
        )
        self.person("gp", Role.GP)

    def person(self, name: str, role: Role, **more: Any) -> None:
        given = {"email": f"{name}@example.org"} | more
        self.people.add_person(Person(sub=f"sub-{name}", username=name, role=role, created_at=START, **given))

    def image(self, purpose: Purpose = "diagnosis", patient_id: str | None = None) -> None:
        self.casework.records["image"] = ImageRecord(
            image_id="image",
            owner="sub-gp",
            specialty="skin",
            status=ImageStatus.ANALYZED,
            upload=UploadDeclaration(content_type="image/jpeg", size_bytes=1, purpose=purpose),
            upload_expires_at=START,
            created_at=START,
            updated_at=START,
            correlation_id="c",
            patient_id=patient_id,
        )

    def patient(self, sub: str | None) -> None:
        self.patients.records["patient"] = Patient(
            patient_id="patient",
            number="1",
            owner="sub-gp",
            details=PatientDetails(name="Jane Roe"),
            account=LinkedAccount(username="jane", address_digest="d", sub=sub),
            created_at=START,
            updated_at=START,
            updated_by="sub-gp",
            correlation_id="c",
        )

    def case(self, status: CaseStatus = CaseStatus.OPEN) -> None:
        self.cases.records["case"] = Case(
            case_id="case",
            number=10_000,
            specialty="skin",
            status=status,
            owner="sub-gp",
            image_ids=("image",),
            created_at=START,
            updated_at=START,
            updated_by="sub-gp",
            correlation_id="c",
        )

    def tell(self, event: Event, message: str = "m1") -> Mailed:
        return self.mailing.tell(event, message, self.clock() + timedelta(minutes=5))

    @property
    def told(self) -> list[str]:
        return [to.partition("@")[0] for to, _, _ in self.mails.sent]


def event(type_: str, **detail: Any) -> Event:
    return Event(event_id="thing:3", type=type_, time=START, correlation_id="c", detail=detail)


RESULT = event("image.analyzed", image_id="image", owner="sub-gp", top_label="melanoma")
CREATED = event("case.created", case_id="case", by="sub-gp")
REPORT = event("report.ready", report_id="r", kind="case", case_id="case", requested_by="sub-gp")


@pytest.mark.parametrize("kind", ["image.analyzed", "image.rejected"])
def test_a_result_is_told_to_who_sent_the_image_and_to_its_patient(kind: str) -> None:
    world = World()
    world.person("jane", Role.PATIENT)
    world.patient("sub-jane")
    world.image(patient_id="patient")
    assert world.tell(event(kind, image_id="image")) == Mailed(sent=2)
    assert world.told == ["gp", "jane"]


def test_who_is_both_is_told_once() -> None:
    world = World()
    world.patient("sub-gp")
    world.image(patient_id="patient")
    world.tell(RESULT)
    assert world.told == ["gp"]


@pytest.mark.parametrize("account", [None, "sub-gone"])
def test_a_patient_without_an_account_is_told_nothing(account: str | None) -> None:
    world = World()
    world.image(patient_id="patient")
    world.patient(account)
    world.tell(RESULT)
    assert world.told == ["gp"]


def test_a_patient_who_was_erased_keeps_no_other_mail_back() -> None:
    world = World()
    world.image(patient_id="erased")
    world.tell(RESULT)
    assert world.told == ["gp"]


def test_nobody_is_told_of_what_only_serves_training() -> None:
    world = World()
    world.image(purpose="training")
    assert world.tell(RESULT) == Mailed()


def test_five_copies_of_an_event_are_one_mail() -> None:
    world = World()
    world.image()
    for message in ("m1", "m1", "m2", "m3", "m4"):
        world.tell(RESULT, message)
    assert world.told == ["gp"]
    world.tell(RESULT.model_copy(update={"event_id": "thing:4"}))  # analysed once more
    assert world.told == ["gp", "gp"]


def test_a_mail_whose_sender_was_killed_is_sent_again_by_the_same_message_with_the_same_id() -> None:
    world = World()
    world.image()
    world.mails.crash_after = 1
    with pytest.raises(KeyboardInterrupt):
        world.tell(RESULT, "m1")
    assert world.tell(RESULT, "m2") == Mailed(elsewhere=1)  # a copy meanwhile
    assert world.told == ["gp"]
    world.tell(RESULT, "m1")
    world.tell(RESULT, "m1")
    assert [(to, event_id) for to, event_id, _ in world.mails.sent] == [("gp@example.org", "thing:3")] * 2


def test_a_service_that_is_away_loses_no_mail_and_doubles_none() -> None:
    world = World()
    world.case()
    for name in ("ann", "bob", "cid"):
        world.person(name, Role.DOCTOR)
    world.mails.away = {"bob@example.org"}
    with pytest.raises(UnavailableError):
        world.tell(CREATED)
    assert world.told == ["ann"]
    world.mails.away = set()
    assert world.tell(CREATED) == Mailed(sent=2)
    assert world.told == ["ann", "bob", "cid"]


def test_a_refused_address_is_not_tried_again_and_keeps_no_other_back() -> None:
    world = World()
    world.case()
    for name in ("ann", "bob"):
        world.person(name, Role.DOCTOR)
    world.mails.refused = {"ann@example.org"}
    assert world.tell(CREATED) == Mailed(sent=1, refused=1)
    world.mails.refused = set()
    assert world.tell(CREATED) == Mailed()
    assert world.told == ["bob"]


@pytest.mark.parametrize("more", [{"disabled": True}, {"email": None}, {"mail": False}])
def test_who_may_not_come_in_or_wants_no_mails_gets_none(more: dict[str, Any]) -> None:
    world = World()
    world.case()
    world.person("ann", Role.DOCTOR, **more)
    world.person("bob", Role.DOCTOR)
    world.tell(CREATED)
    assert world.told == ["bob"]


def test_the_address_is_the_one_on_the_record_when_the_mail_is_sent() -> None:
    world = World()
    world.image()
    person = world.people.person("sub-gp")
    world.people.replace_person(person.model_copy(update={"email": "new@example.org"}))
    world.tell(RESULT)
    assert world.told == ["new"]


def test_every_doctor_but_the_one_whose_doing_it_was_is_told_of_a_case() -> None:
    world = World()
    world.case(CaseStatus.UNCERTAIN)
    for number in range(105):  # more than a page
        world.person(f"doctor-{number:03}", Role.DOCTOR)
    world.person("adam", Role.ADMIN)
    world.tell(event("case.uncertain", case_id="case", by="sub-doctor-007"))
    assert sorted(world.told) == [f"doctor-{number:03}" for number in range(105) if number != 7]


def test_nobody_is_told_again_when_the_platform_opens_a_case_for_review() -> None:
    for more in ({}, {"case_addresses": ("desk@example.org",)}):
        world = World(**more)
        world.case()
        world.person("doctor", Role.DOCTOR)
        world.tell(event("case.uncertain", case_id="case", by=SYSTEM))
        assert world.mails.sent == []
        world.tell(event("case.uncertain", case_id="case", by="sub-gp"))
        assert len(world.mails.sent) == 1


def test_the_addresses_set_up_for_cases_are_told_instead_of_the_doctors() -> None:
    world = World(case_addresses=("readers@example.org", "night@example.org"))
    world.case()
    world.person("ann", Role.DOCTOR)
    for message in ("m1", "m2"):
        world.tell(CREATED, message)
    assert world.told == ["readers", "night"]


@pytest.mark.parametrize("status", [CaseStatus.CONFIRMED, CaseStatus.REJECTED, None])
def test_a_case_that_was_decided_or_erased_meanwhile_needs_nobody(status: CaseStatus | None) -> None:
    world = World(case_addresses=("readers@example.org",))
    world.person("ann", Role.DOCTOR)
    if status is not None:
        world.case(status)
    assert world.tell(CREATED) == Mailed()


def test_an_image_that_was_erased_meanwhile_is_told_of_to_nobody() -> None:
    assert World().tell(RESULT) == Mailed()


def test_a_report_is_told_to_who_asked_for_it() -> None:
    world = World()
    assert world.tell(REPORT) == Mailed(sent=1)
    assert world.told == ["gp"]
    assert world.tell(event("report.ready", report_id="r", kind="case", requested_by="sub-gone")) == Mailed()


@pytest.mark.parametrize(("audience", "told"), [("patient", ["gp", "jane"]), ("clinic", ["gp"])])
def test_a_report_for_the_patient_is_told_to_the_patient_too(audience: str, told: list[str]) -> None:
    world = World()
    world.person("jane", Role.PATIENT)
    world.patient("sub-jane")
    detail = {**REPORT.detail, "patient_id": "patient", "audience": audience}
    world.tell(event("report.ready", **detail))
    assert world.told == told


def test_of_other_events_nobody_is_told() -> None:
    world = World()
    world.case()
    assert "case.confirmed" not in KINDS
    assert world.tell(event("case.confirmed", case_id="case", by="sub-gp")) == Mailed()


def test_mails_tell_nothing_of_what_the_event_holds_but_its_id() -> None:
    world = World(portal_url="https://portal.example.org")
    world.image()
    world.tell(RESULT)
    [(_, _, mail)] = world.mails.sent
    written = f"{mail.subject} {mail.text} {mail.html}".lower()
    assert "thing:3" in written
    for secret in ("melanoma", "skin", "sub-gp", "gp@", "jane"):
        assert secret not in written
