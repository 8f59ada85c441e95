"""Signing up and in, and being recognised."""

from datetime import timedelta

import pytest

from tests.fakes import RIGHT_CODE, START, FakeAuditTrail, FakeClock, FakeIdentity, FakePeople, FakeTokens
from triagelens.domain.audit import NOBODY, Outcome
from triagelens.domain.errors import (
    ChallengeError,
    ConfirmationError,
    ForbiddenError,
    PasswordRefusedError,
    SignInError,
    UnauthenticatedError,
    WrongDoorError,
)
from triagelens.domain.people import Person, Role
from triagelens.services.accounts import Accounts, Authentication

PASSWORD = "correct-Horse-9"


class World:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.identity, self.people, self.audit = FakeIdentity(), FakePeople(), FakeAuditTrail()
        self.tokens = FakeTokens(self.clock)
        self.accounts = Accounts(self.identity, self.people, self.tokens, self.audit, self.clock)
        self.authentication = Authentication(self.tokens, self.people)

    def sign_up(self, name: str = "ada") -> None:
        self.accounts.sign_up(name, PASSWORD, None, None)

    def ready(self, name: str = "ada") -> None:
        self.sign_up(name)
        self.accounts.confirm(name, RIGHT_CODE)

    def change(self, **changes: object) -> None:
        self.people.records["sub-ada"] = self.people.person("sub-ada").model_copy(update=changes)


def test_who_signs_up_becomes_a_patient() -> None:
    world = World()
    world.sign_up()
    assert world.people.person("sub-ada").role is Role.PATIENT


def test_signing_up_with_a_taken_name_changes_nothing_and_says_nothing() -> None:
    world = World()
    world.ready()
    world.change(role=Role.ADMIN)
    world.accounts.sign_up("ada", "another-Password-1", "eve@example.org", "Eve")
    assert world.people.person("sub-ada").role is Role.ADMIN
    assert world.identity.passwords["ada"] == PASSWORD


@pytest.mark.parametrize(
    ("password", "missing"),
    [
        ("Short-1", "12 characters"),
        ("CORRECT-HORSE-9", "lower-case"),
        ("correct-horse-9", "upper-case"),
        ("correct-Horse-x", "digit"),
        ("correctHorse9999", "symbol"),
    ],
)
def test_a_weak_password_is_refused_alike_for_a_free_and_a_taken_name(password: str, missing: str) -> None:
    world = World()
    world.ready()
    words = set()
    for name in ("ada", "somebody"):
        with pytest.raises(PasswordRefusedError, match=missing) as refused:
            world.accounts.sign_up(name, password, None, None)
        words.add(str(refused.value))
    assert len(words) == 1


def test_confirming_makes_the_record_that_sign_up_could_not_write() -> None:
    world = World()
    world.identity.sign_up("ada", PASSWORD, None, None)  # and then the process died
    world.accounts.confirm("ada", RIGHT_CODE)
    assert world.people.person("sub-ada").role is Role.PATIENT


def test_an_account_is_not_confirmed_before_its_record_is_written() -> None:
    class Broken(FakePeople):
        def add_person(self, person: Person) -> Person:
            raise ConnectionError

    world = World()
    world.sign_up()
    broken = Accounts(world.identity, Broken(), world.tokens, world.audit, world.clock)
    with pytest.raises(ConnectionError):
        broken.confirm("ada", RIGHT_CODE)
    assert world.identity.confirmed == set()


def test_a_wrong_code_and_an_unknown_account_sound_alike() -> None:
    world = World()
    world.sign_up()
    words = set()
    for name in ("ada", "nobody"):
        with pytest.raises(ConfirmationError) as refused:
            world.accounts.confirm(name, "000000")
        words.add(str(refused.value))
    assert len(words) == 1


def test_a_sign_in_is_written_down_with_an_opaque_id() -> None:
    world = World()
    world.ready()
    world.accounts.sign_in("ada", PASSWORD, None, None, "c-1")
    (entry,) = world.audit.entries
    assert (entry.actor, entry.action, entry.outcome) == ("sub-ada", "session.sign_in", Outcome.ALLOWED)
    assert entry.correlation_id == "c-1"


def test_a_refused_sign_in_is_written_down_without_the_name_that_was_tried() -> None:
    world = World()
    world.ready()
    with pytest.raises(SignInError):
        world.accounts.sign_in("ada", "wrong", None, None, "c-2")
    (entry,) = world.audit.entries
    assert (entry.actor, entry.outcome) == (NOBODY, Outcome.DENIED)
    assert '"ada"' not in entry.model_dump_json()


def test_a_door_for_others_stays_shut_and_says_so_only_to_who_knows_the_password() -> None:
    world = World()
    world.ready()
    staff = frozenset(Role) - {Role.PATIENT}
    with pytest.raises(WrongDoorError):
        world.accounts.enter("ada", PASSWORD, None, None, "c", staff)
    with pytest.raises(SignInError):
        world.accounts.enter("ada", "wrong", None, None, "c", staff)
    assert [(entry.actor, entry.outcome, entry.reason) for entry in world.audit.entries] == [
        ("sub-ada", Outcome.DENIED, "wrong_door"),
        (NOBODY, Outcome.DENIED, "sign_in_failed"),
    ]
    _, person = world.accounts.enter("ada", PASSWORD, None, None, "c", frozenset({Role.PATIENT}))
    assert person.sub == "sub-ada"


def test_a_challenge_is_named_and_met_in_the_same_call() -> None:
    world = World()
    world.ready()
    world.identity.challenges["ada"] = "SOFTWARE_TOKEN_MFA"
    with pytest.raises(ChallengeError) as asked:
        world.accounts.sign_in("ada", PASSWORD, None, None, "c")
    assert asked.value.challenge == "SOFTWARE_TOKEN_MFA"
    assert world.accounts.sign_in("ada", PASSWORD, RIGHT_CODE, None, "c").access_token


def test_a_token_without_a_record_opens_nothing() -> None:
    world = World()
    with pytest.raises(ForbiddenError):
        world.authentication.person("sub-ghost")


def test_a_disabled_person_is_turned_away_at_the_next_request() -> None:
    world = World()
    world.ready()
    assert world.authentication.person("sub-ada").username == "ada"
    world.change(disabled=True)
    with pytest.raises(ForbiddenError):
        world.authentication.person("sub-ada")


@pytest.mark.parametrize(
    ("after_s", "counts"), [(-5, True), (0, True), (0.4, False), (1, False), (60, False)]
)
def test_tokens_of_before_a_sign_out_no_longer_count_even_in_its_own_second(
    after_s: float, counts: bool
) -> None:
    world = World()
    world.ready()
    world.change(valid_after=START + timedelta(seconds=after_s))
    world.clock.advance(milliseconds=900)  # the token is of START, in whole seconds
    if counts:
        assert world.authentication.person("sub-ada")
    else:
        with pytest.raises(UnauthenticatedError):
            world.authentication.person("sub-ada")


def test_a_refresh_gives_a_new_access_token_until_it_does_not() -> None:
    world = World()
    world.ready()
    refresh_token = world.accounts.sign_in("ada", PASSWORD, None, None, "c").refresh_token
    assert refresh_token is not None
    assert world.accounts.refresh(refresh_token).access_token == "sub-ada"
    with pytest.raises(SignInError):
        world.accounts.refresh("refresh-nobody")
