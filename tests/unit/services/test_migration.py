"""People of a former system come over with their passwords, each once, and nobody in their place."""

from dataclasses import replace

import bcrypt
import pytest

from tests.fake_forms import FakeFeedback
from tests.fake_migration import FakeHashVault, FakeMigrations
from tests.fake_patients import FakePatients
from tests.fake_people import FakeDirectory
from tests.fakes import START, FakeAuditTrail, FakeClock, FakeIdentity, FakePeople, FakeTokens
from triagelens.domain.errors import ConflictError, ForbiddenError
from triagelens.domain.ids import new_id
from triagelens.domain.migration import Newcomer, Verdict
from triagelens.domain.patients import LinkedAccount, Patient, PatientDetails
from triagelens.domain.people import Person, Role
from triagelens.services.accounts import Accounts
from triagelens.services.identity_ports import Account
from triagelens.services.journal import Journal
from triagelens.services.migration import DECOY, Migrations, Proving
from triagelens.services.sessions import Sessions
from triagelens.services.users import Users

PASSWORD = "oldpass1"  # weaker than ours may be
HASH = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
ROOT = Person(sub="sub-root", username="root", role=Role.ADMIN, created_at=START, version=1)
JOHN = Newcomer(username="user001", password_hash=HASH, role="doctor", name="John Roe")


class World:
    def __init__(self) -> None:
        self.clock, self.identity, self.people = FakeClock(), FakeIdentity(), FakePeople()
        self.audit, self.vault = FakeAuditTrail(), FakeHashVault()
        self.records, self.directory = FakeMigrations(self.people), FakeDirectory(self.identity)
        self.patients, self.feedback = FakePatients(), FakeFeedback()
        self.journal = Journal(self.audit, self.clock, "request")
        self.migrations = Migrations(
            self.records,
            self.vault,
            self.identity,
            self.directory,
            self.clock,
            self.journal,
            self.patients,
            self.feedback,
        )
        tokens = FakeTokens(self.clock)
        self.accounts = Accounts(
            self.identity, self.people, tokens, self.audit, self.clock, arrivals=self.migrations
        )
        self.proving = Proving(self.records, self.vault, bcrypt.checkpw)
        sessions = Sessions(self.people, self.identity, self.clock, self.journal)
        self.users = Users(
            self.people,
            self.identity,
            self.directory,
            sessions,
            self.clock,
            self.journal,
            self.migrations,
        )

    def take(self, *newcomers: Newcomer, dry_run: bool = False) -> list[tuple[str, str]]:
        judged = self.migrations.take(ROOT, newcomers or [JOHN], dry_run=dry_run)
        return [(one.username, one.verdict) for one in judged]

    def come(self, username: str = "user001", proof: str | None = None) -> None:
        """What the provider does once the trigger has said yes."""
        known = self.records.migration(username)
        account = Account(f"sub-{username}", username, migration=proof or (known.proof if known else None))
        self.identity.accounts[username] = account
        self.identity.passwords[username] = PASSWORD
        self.identity.confirmed.add(username)

    def sign_in(self) -> str:
        return self.accounts.sign_in("user001", PASSWORD, None, None, "request").access_token


@pytest.fixture
def world() -> World:
    return World()


def test_somebody_signs_in_with_the_password_they_have_and_the_hash_is_forgotten(world: World) -> None:
    assert world.take() == [("user001", Verdict.TAKEN)]
    assert world.proving.prove("user001", PASSWORD) == world.records.migration("user001")
    world.come()
    assert world.sign_in() == "sub-user001"
    person = world.people.person("sub-user001")
    assert (person.role, person.name, person.username) == (Role.DOCTOR, "John Roe", "user001")
    assert world.directory.groups["user001"] is Role.DOCTOR
    left = world.records.migration("user001")
    assert left is not None
    assert (left.sealed_hash, left.sub) == (None, "sub-user001")
    assert world.proving.prove("user001", PASSWORD) is None
    world.sign_in()
    actions = [(entry.action, entry.actor) for entry in world.audit.entries]
    assert actions == [
        ("person.migrate", "sub-root"),
        ("person.create", "sub-user001"),
        *[("session.sign_in", "sub-user001")] * 2,
    ]


@pytest.mark.parametrize("given", ["wrong", "", PASSWORD + " ", PASSWORD.upper()])
def test_a_wrong_password_proves_nothing(world: World, given: str) -> None:
    world.take()
    assert world.proving.prove("user001", given) is None


def test_an_unknown_name_takes_a_check_of_a_password_like_any_other(world: World) -> None:
    checked: list[bytes] = []

    def matches(password: bytes, known: bytes) -> bool:
        checked.append(known)
        return True

    proving = Proving(world.records, world.vault, matches)
    assert proving.prove("nobody", PASSWORD) is None
    assert checked == [DECOY]
    assert bcrypt.checkpw(b"anything", DECOY) is False


def test_a_password_counts_as_far_as_bcrypt_has_ever_looked(world: World) -> None:
    long = "ü" * 50
    known = bcrypt.hashpw(long.encode()[:72], bcrypt.gensalt(4)).decode()
    world.take(JOHN.model_copy(update={"password_hash": known}))
    assert world.proving.prove("user001", long) is not None
    assert world.proving.prove("user001", "ü" * 35) is None


def test_taking_people_again_goes_on_where_it_stopped(world: World) -> None:
    jane = JOHN.model_copy(update={"username": "user002", "role": "gp"})
    assert world.take() == [("user001", Verdict.TAKEN)]
    first = world.records.migration("user001")
    assert world.take(JOHN, jane) == [("user001", Verdict.KNOWN), ("user002", Verdict.TAKEN)]
    assert world.records.migration("user001") == first
    world.come()
    world.sign_in()
    assert world.take(JOHN) == [("user001", Verdict.KNOWN)]
    assert world.proving.prove("user001", PASSWORD) is None


def test_a_dry_run_says_the_same_and_leaves_nothing(world: World) -> None:
    newcomers = [JOHN, JOHN.model_copy(update={"username": "user002", "role": "wizard"})]
    said = world.take(*newcomers, dry_run=True)
    assert (world.records.records, world.audit.entries) == ({}, [])
    assert world.take(*newcomers) == said == [("user001", "taken"), ("user002", "refused")]


@pytest.mark.parametrize(
    "changes",
    [
        {"role": ""},
        {"role": "root"},
        {"password_hash": ""},
        {"password_hash": "oldpass1"},
        {"password_hash": HASH[:-1]},
        {"password_hash": HASH.replace("$04$", "$03$")},
        {"password_hash": HASH.replace("$04$", "$15$")},
        {"password_hash": HASH.replace("$2b$", "$5$")},
    ],
)
def test_who_cannot_be_taken_is_told_and_keeps_nobody_back(world: World, changes: dict[str, str]) -> None:
    other = JOHN.model_copy(update={"username": "user002"})
    judged = world.migrations.take(ROOT, [JOHN.model_copy(update=changes), other], dry_run=False)
    assert [one.verdict for one in judged] == [Verdict.REFUSED, Verdict.TAKEN]
    assert judged[0].reason
    assert "$" not in judged[0].reason


def test_a_name_that_has_an_account_or_came_twice_is_refused(world: World) -> None:
    world.identity.sign_up("user001", "correct-Horse-9", None, None)
    assert world.take() == [("user001", Verdict.REFUSED)]
    jane = JOHN.model_copy(update={"username": "user002"})
    assert world.take(jane, jane) == [("user002", Verdict.TAKEN), ("user002", Verdict.REFUSED)]


def test_nobody_else_gets_a_name_that_is_kept(world: World) -> None:
    world.take()
    world.accounts.sign_up("user001", "correct-Horse-battery-9", None, None)
    assert world.identity.accounts == {}
    with pytest.raises(ConflictError):
        world.users.invite(ROOT, "user001", "eve@example.org", Role.PATIENT, None)
    assert world.directory.invitations == []


@pytest.mark.parametrize("proof", ["forged", ""])
def test_a_stranger_who_took_the_name_at_the_provider_itself_gets_no_role(world: World, proof: str) -> None:
    world.take()
    world.come(proof=proof)
    if not proof:
        account = world.identity.accounts["user001"]
        world.identity.accounts["user001"] = replace(account, migration=None)
    with pytest.raises(ForbiddenError):
        world.sign_in()
    assert world.people.records == {}


def test_a_sign_in_that_stopped_half_way_is_completed_by_the_next(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: object) -> None:
        raise OSError("a fault")

    world.take()
    world.come()
    with monkeypatch.context() as patch:
        patch.setattr(world.records, "complete", dies)
        with pytest.raises(OSError, match="a fault"):
            world.sign_in()
    assert world.people.records == {}
    assert world.sign_in() == "sub-user001"
    assert world.people.person("sub-user001").role is Role.DOCTOR


def test_who_was_deleted_does_not_come_back_by_an_old_password(world: World) -> None:
    world.take()
    world.come()
    world.sign_in()
    del world.people.records["sub-user001"]
    with pytest.raises(ForbiddenError):
        world.sign_in()


def test_hash_and_proof_are_in_no_repr_and_in_no_entry(world: World) -> None:
    world.take()
    world.come()
    world.sign_in()
    migration = world.records.migration("user001")
    assert migration is not None
    told = f"{JOHN!r} {world.identity.accounts['user001']!r} {migration!r} {world.audit.entries!r}"
    assert HASH not in told
    assert migration.proof not in told
    assert "John" not in repr(world.audit.entries)


def a_patient(world: World, account: LinkedAccount | None = None) -> Patient:
    return world.patients.add_patient(
        Patient(
            patient_id=new_id(),
            number="P-7",
            owner="sub-gp",
            details=PatientDetails(name="Zoe Quux"),
            account=account,
            created_at=START,
            updated_at=START,
            updated_by="sub-gp",
            correlation_id="request",
        )
    )


def zoe(patient_id: str, **changes: str) -> Newcomer:
    known = {"username": "user001", "password_hash": HASH, "role": "patient", "patient_id": patient_id}
    return Newcomer.model_validate({**known, **changes})


def test_a_patient_comes_over_to_the_record_that_is_theirs(world: World) -> None:
    patient_id = a_patient(world).patient_id
    assert world.take(zoe(patient_id)) == [("user001", Verdict.TAKEN)]
    assert world.take(zoe(patient_id)) == [("user001", Verdict.KNOWN)]
    world.come()
    world.sign_in()
    person = world.people.person("sub-user001")
    assert (person.role, person.patient_id) == (Role.PATIENT, patient_id)
    account = world.patients.patient(patient_id).account
    assert account is not None
    assert (account.username, account.sub) == ("user001", "sub-user001")
    assert world.patients.patient(patient_id).is_visible_to(person)
    changes = [entry for entry in world.audit.entries if entry.action == "patient.change"]
    assert [(entry.actor, entry.subject) for entry in changes] == [
        ("sub-root", patient_id),
        ("sub-user001", patient_id),
    ]


def test_nobody_comes_over_to_a_record_that_is_not_theirs(world: World) -> None:
    invited = LinkedAccount(username="patient-1", address_digest="d", sub="sub-1")
    taken = a_patient(world, invited).patient_id
    refused = {
        "there is no such patient": zoe(new_id()),
        "the patient has an account": zoe(taken),
        "only a patient has a patient's record": zoe(taken, role="doctor"),
    }
    for reason, newcomer in refused.items():
        for dry_run in (True, False):
            (judged,) = world.migrations.take(ROOT, [newcomer], dry_run=dry_run)
            assert (judged.verdict, judged.reason) == (Verdict.REFUSED, reason)
    (judged,) = world.migrations.take(ROOT, [zoe("nonsense")], dry_run=False)
    assert judged.reason == "there is no such patient"
    assert world.records.records == {}
    assert world.patients.patient(taken).account == invited


def test_a_name_that_is_kept_is_not_given_another_record(world: World) -> None:
    world.take()
    patient_id = a_patient(world).patient_id
    (judged,) = world.migrations.take(ROOT, [zoe(patient_id)], dry_run=False)
    assert (judged.verdict, judged.reason) == (Verdict.REFUSED, "the name is kept for somebody else")
    assert world.patients.patient(patient_id).account is None


def test_a_dry_run_leaves_the_patients_record_alone(world: World) -> None:
    patient = a_patient(world)
    assert world.take(zoe(patient.patient_id), dry_run=True) == [("user001", Verdict.TAKEN)]
    assert world.patients.patient(patient.patient_id) == patient


def test_whose_record_was_erased_meanwhile_does_not_come_over(world: World) -> None:
    patient_id = a_patient(world).patient_id
    world.take(zoe(patient_id))
    world.come()
    del world.patients.records[patient_id]
    with pytest.raises(ForbiddenError):
        world.sign_in()
    assert world.people.records == {}


def test_an_arrival_that_stopped_after_the_record_was_told_is_completed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: object) -> None:
        raise OSError("a fault")

    patient_id = a_patient(world).patient_id
    world.take(zoe(patient_id))
    world.come()
    with monkeypatch.context() as patch:
        patch.setattr(world.records, "complete", dies)
        with pytest.raises(OSError, match="a fault"):
            world.sign_in()
    world.sign_in()
    assert world.people.person("sub-user001").patient_id == patient_id


def test_a_record_that_changes_while_it_is_written_is_read_again(world: World) -> None:
    patient = a_patient(world)
    steps = iter([lambda: world.patients.replace_patient(patient, patient)])

    def changes_once() -> None:
        world.patients.before_replace = lambda: None
        next(steps)()

    world.patients.before_replace = changes_once
    assert world.take(zoe(patient.patient_id)) == [("user001", Verdict.TAKEN)]
    account = world.patients.patient(patient.patient_id).account
    assert account is not None
    assert account.username == "user001"
