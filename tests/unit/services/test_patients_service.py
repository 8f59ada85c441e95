"""Patients: invitations that stop anywhere and are repaired, numbers, ages, and what is written down."""

from datetime import date, timedelta

import pytest

from tests.fake_patients import FakePatients
from tests.fake_people import FakeDirectory
from tests.fakes import START, FakeAuditTrail, FakeCasework, FakeClock, FakeIdentity, FakePeople
from triagelens.domain.audit import Outcome
from triagelens.domain.errors import (
    AddressTakenError,
    ConflictError,
    ForbiddenError,
    InvalidRequestError,
    NotFoundError,
    OutdatedError,
    PatientNumberTakenError,
    UnavailableError,
)
from triagelens.domain.ids import new_id
from triagelens.domain.patients import LinkedAccount, PatientDetails, age_on, username_of
from triagelens.domain.people import Person, Role
from triagelens.services import patients as module
from triagelens.services.changes import Asked
from triagelens.services.identity_ports import Account
from triagelens.services.images import Images
from triagelens.services.journal import Journal
from triagelens.services.patients import NewPatient, Patients
from triagelens.services.sessions import Sessions
from triagelens.services.users import Users

MAIL = "jane.roe@example.org"
NEW = NewPatient(PatientDetails(name="Jane Roe", email=MAIL, age=40), invite=True)


def someone(name: str, role: Role) -> Person:
    return Person(sub=f"sub-{name}", username=name, role=role, created_at=START)


GP, OTHER_GP = someone("greta", Role.GP), someone("gert", Role.GP)
DOCTOR = someone("doris", Role.DOCTOR)


class World:
    def __init__(self) -> None:
        self.clock, self.identity, self.people = FakeClock(), FakeIdentity(), FakePeople()
        self.audit, self.records = FakeAuditTrail(), FakePatients()
        self.directory = FakeDirectory(self.identity)
        journal = Journal(self.audit, self.clock, "request")
        sessions = Sessions(self.people, self.identity, self.clock, journal)
        users = Users(self.people, self.identity, self.directory, sessions, self.clock, journal)
        images = Images(FakeCasework(), self.clock, timedelta(hours=1))
        self.patients = Patients(self.records, users, images, self.clock, journal)

    def told(self) -> list[tuple[str, str, str]]:
        return [(entry.action, entry.subject, entry.outcome) for entry in self.audit.entries]


def fail() -> None:
    raise UnavailableError("The table does not answer.", retry_after_s=1)


def test_an_invited_patient_and_their_account_know_each_other() -> None:
    world = World()
    made = world.patients.create(GP, NEW)
    assert made.account is not None
    person = world.people.person(made.account.sub or "")
    assert (person.patient_id, person.role, person.email) == (made.patient_id, Role.PATIENT, MAIL)
    assert world.directory.invitations == [username_of(made.patient_id)] == [made.account.username]
    assert world.patients.page(person, 20, None).items == [made]
    assert world.patients.visible_to(person, made.patient_id) == made


@pytest.mark.parametrize("broken", ["invite", "add_person", "set_role", "link"])
def test_the_same_request_again_repairs_an_invitation_that_stopped(
    broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World()
    with monkeypatch.context() as patch:
        if broken == "link":
            patch.setattr(world.records, "before_replace", fail)
        else:
            where = world.people if broken == "add_person" else world.directory
            patch.setattr(where, broken, lambda *_: fail())
        with pytest.raises(UnavailableError):
            world.patients.create(GP, NEW)
    [half] = world.records.records.values()
    assert half.account is not None
    assert half.account.sub is None
    if broken in ("set_role", "link"):  # meanwhile the person may have come in already
        world.directory.accept(half.account.username)
    made = world.patients.create(GP, NEW)
    assert made.patient_id == half.patient_id
    assert made.account is not None
    assert world.people.person(made.account.sub or "").patient_id == made.patient_id
    assert world.directory.groups == {made.account.username: Role.PATIENT}
    assert len(world.directory.invitations) == len(world.records.records) == 1


def test_an_address_is_invited_once_however_it_is_written() -> None:
    world = World()
    world.patients.create(GP, NEW)
    loud = NEW.details.model_copy(update={"email": MAIL.upper()})
    for worker, new in ((GP, NEW), (DOCTOR, NEW), (OTHER_GP, NewPatient(loud, invite=True))):
        with pytest.raises(AddressTakenError):
            world.patients.create(worker, new)
    assert len(world.records.records) == 1
    # Who is not invited may share an address: a child that of a parent.
    world.patients.create(OTHER_GP, NewPatient(NEW.details))


def test_nobody_else_takes_up_an_invitation_and_not_with_other_details(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World()
    with monkeypatch.context() as patch:
        patch.setattr(world.directory, "invite", lambda *_: fail())
        with pytest.raises(UnavailableError):
            world.patients.create(GP, NEW)
    other = NewPatient(NEW.details.model_copy(update={"age": 41}), invite=True)
    for worker, new in ((OTHER_GP, NEW), (GP, other)):
        with pytest.raises(AddressTakenError):
            world.patients.create(worker, new)
    assert world.directory.invitations == []


def test_an_address_that_somebody_signed_up_with_leaves_no_half_patient() -> None:
    world = World()
    world.identity.accounts["jane"] = Account("sub-jane", "jane", MAIL)
    with pytest.raises(ConflictError):
        world.patients.create(GP, NEW)
    assert world.records.records == {}


def test_an_invitation_needs_an_address() -> None:
    with pytest.raises(InvalidRequestError):
        World().patients.create(GP, NewPatient(PatientDetails(name="Jane"), invite=True))


def test_numbers_are_unique_and_generated_ones_are_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    numbers = iter(["1", "1", "2"])
    monkeypatch.setattr(module, "new_number", lambda: next(numbers))
    plain = NewPatient(PatientDetails(name="A"))
    made = [world.patients.create(GP, plain) for _ in range(2)]
    assert [patient.number for patient in made] == ["1", "2"]
    world.patients.create(GP, NewPatient(PatientDetails(name="A"), number="a/7"))
    with pytest.raises(PatientNumberTakenError):
        world.patients.create(GP, NewPatient(PatientDetails(name="B"), number="A/7"))
    monkeypatch.setattr(module, "new_number", lambda: "1")
    with pytest.raises(PatientNumberTakenError):
        world.patients.create(GP, plain)


def test_birth_date_and_age_take_each_others_place() -> None:
    details = PatientDetails(name="A", age=40)
    born = details.changed({"birth_date": date(2000, 2, 29)})
    assert (born.age, born.birth_date) == (None, date(2000, 2, 29))
    assert born.changed({"age": 3}).birth_date is None
    assert born.changed({"phone": "1234"}).birth_date == date(2000, 2, 29)
    assert born.changed({"birth_date": None}).birth_date is None
    with pytest.raises(InvalidRequestError):
        details.changed({"age": 3, "birth_date": date(2000, 1, 1)})
    assert age_on(date(2026, 2, 28), date(2000, 2, 29)) == 25
    assert age_on(date(2026, 3, 1), date(2000, 2, 29)) == 26


def test_every_read_change_and_refusal_is_written_down_without_a_name() -> None:
    world = World()
    made = world.patients.create(GP, NEW)
    patient_id, missing = made.patient_id, new_id()
    world.audit.entries.clear()
    world.patients.read(GP, world.patients.visible_to(GP, patient_id))
    world.patients.page(DOCTOR, 20, None)
    world.patients.amend(Asked(GP, frozenset({made.version or 0}), "r"), made, {"phone": "12345"})
    for which in (patient_id, missing, "Jane Roe"):
        with pytest.raises(NotFoundError, match=r"^There is no such patient\.$"):
            world.patients.visible_to(OTHER_GP, which)
    world.patients.images_of(GP, made, 20, None)
    world.patients.cases_of(GP, made, 20, None)
    assert world.told() == [
        ("patient.read", patient_id, "allowed"),
        ("patient.list", "-", "allowed"),  # one entry names the list
        ("patient.change", patient_id, "allowed"),
        ("patient.read", patient_id, "denied"),
        ("patient.read", missing, "denied"),
        ("patient.images", patient_id, "allowed"),
        ("patient.cases", patient_id, "allowed"),
    ]
    assert not [entry for entry in world.audit.entries if "Jane" in str(entry) or MAIL in str(entry)]


def test_a_change_is_made_to_the_version_that_was_read() -> None:
    world = World()
    made = world.patients.create(GP, NewPatient(PatientDetails(name="A")))
    asked = Asked(GP, frozenset({made.version or 0}), "r")
    changed = world.patients.amend(asked, made, {"name": "B", "number": "77"})
    assert (changed.details.name, changed.number, changed.version) == ("B", "77", 2)
    for stored in (made, changed):  # lost the race; old when it came
        with pytest.raises(OutdatedError):
            world.patients.amend(asked, stored, {"name": "C"})


def test_clinicians_who_are_patients_do_not_keep_their_own_record() -> None:
    world = World()
    made = world.patients.create(DOCTOR, NEW)
    assert made.account is not None
    person = world.people.person(made.account.sub or "").model_copy(update={"role": Role.GP})
    assert world.patients.visible_to(person, made.patient_id) == made
    with pytest.raises(ForbiddenError):
        world.patients.amend(Asked(person, frozenset({made.version or 0}), "r"), made, {"name": "B"})
    with pytest.raises(ForbiddenError):
        world.patients.check_attachable(person, made.patient_id)
    assert [entry.outcome for entry in world.audit.entries][-2:] == [Outcome.DENIED] * 2


def test_a_gp_who_is_one_no_more_sees_their_patients_no_more() -> None:
    world = World()
    made = world.patients.create(GP, NewPatient(PatientDetails(name="A")))
    for role in (Role.PATIENT, Role.RESEARCHER):
        former = GP.model_copy(update={"role": role})
        assert world.patients.page(former, 20, None).items == []
        with pytest.raises(NotFoundError):
            world.patients.visible_to(former, made.patient_id)
        with pytest.raises(ForbiddenError):
            world.patients.check_attachable(former, made.patient_id)


def test_a_record_is_found_by_its_number_by_whom_it_shows_itself_to() -> None:
    world = World()
    made = world.patients.create(GP, NewPatient(PatientDetails(name="A"), number="a-7"))
    assert world.patients.numbered(GP, "A-7") == made
    for person, number in ((OTHER_GP, "a-7"), (GP, "8")):
        with pytest.raises(NotFoundError, match="There is no such patient"):
            world.patients.numbered(person, number)
    denied = [(subject, outcome) for action, subject, outcome in world.told() if action == "patient.read"]
    assert denied == [(made.patient_id, Outcome.DENIED), ("-", Outcome.DENIED)]


@pytest.mark.parametrize("number", ["", "a b", "x" * 33, "№7"])
def test_what_is_no_number_is_nobodys(number: str) -> None:
    with pytest.raises(NotFoundError):
        World().patients.numbered(DOCTOR, number)


def test_patients_send_photos_of_themselves_and_of_nobody_else() -> None:
    world = World()
    made, other = (world.patients.create(GP, NewPatient(PatientDetails(name=name))) for name in "AB")
    account = LinkedAccount(username="jane", address_digest="d", sub="sub-jane")
    world.records.replace_patient(made, made.model_copy(update={"account": account}))
    jane = someone("jane", Role.PATIENT).model_copy(update={"patient_id": made.patient_id})
    world.patients.check_photo_of(jane, made.patient_id)
    for stranger in (other.patient_id, new_id()):
        with pytest.raises(ForbiddenError):
            world.patients.check_photo_of(jane, stranger)
    with pytest.raises(ForbiddenError):  # to make more than a photo theirs is up to others
        world.patients.check_attachable(jane, made.patient_id)
    world.patients.check_photo_of(GP, made.patient_id)
    attached = [subject for action, subject, outcome in world.told() if action == "patient.attach"]
    assert attached.count(made.patient_id) == 3


def test_an_account_that_says_it_is_a_patients_without_the_record_saying_so_sends_none() -> None:
    world = World()
    made = world.patients.create(GP, NewPatient(PatientDetails(name="A")))
    eve = someone("eve", Role.PATIENT).model_copy(update={"patient_id": made.patient_id})
    with pytest.raises(NotFoundError):
        world.patients.check_photo_of(eve, made.patient_id)
