"""Accounts in the client and its commands, against the application itself over fakes."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner, Result

from clinic_api.app import create_app
from tests.fake_people import FIRST_PASSWORD, SECRET
from tests.fakes import RIGHT_CODE
from tests.unit.api.conftest import SETTINGS, Fakes
from tests.unit.client.door import Door
from tests.unit.client.fake_api import API
from triagelens.domain.people import Role
from triagelens_client import ApiError, ConflictError, NobodyError, NotSignedInError, Retry, Triagelens
from triagelens_client.cli import app

PASSWORD = "correct-Horse-9"
NEW_PASSWORD = "another-Horse-10"
PROD = SETTINGS.model_copy(update={"stage": "prod"})
Run = Callable[..., Result]


@pytest.fixture(scope="module")
def served() -> Iterator[TestClient]:
    with TestClient(create_app()) as client:
        yield client


@pytest.fixture
def fakes(served: TestClient) -> Fakes:
    """A deployment with an admin and a patient, both with that password."""
    made = Fakes()
    made.stand_in(served.app)  # type: ignore[arg-type]  # TestClient forgets that it is FastAPI's
    for name, role in (("root", Role.ADMIN), ("ada", Role.PATIENT)):
        made.identity.sign_up(name, PASSWORD, f"{name}@example.org", None)
        made.identity.confirm(name, RIGHT_CODE)
        made.person(name, role)
    return made


@pytest.fixture
def client(fakes: Fakes, served: TestClient) -> Iterator[Triagelens]:
    with Triagelens(API, transport=Door(served), retry=Retry(sleep=lambda _: None)) as made:
        yield made


@pytest.fixture
def run(fakes: Fakes, served: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command."""

    def connected(*args: Any, **kwargs: Any) -> Triagelens:
        return Triagelens(
            *args, **{**kwargs, "transport": Door(served), "retry": Retry(sleep=lambda _: None)}
        )

    monkeypatch.setattr("triagelens_client.cli.connection.Triagelens", connected)
    environment = {"TRIAGELENS_CONFIG_DIR": str(tmp_path), "TRIAGELENS_API_URL": API, "COLUMNS": "200"}

    def run(*arguments: object, **options: Any) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments], env=environment, **options)

    return run


@pytest.fixture
def admin(run: Run) -> Run:
    assert run("sign-in", "root", "--password", PASSWORD).exit_code == 0
    return run


def test_a_sign_out_ends_the_session_for_everybody_who_has_its_tokens(
    client: Triagelens, fakes: Fakes, served: TestClient
) -> None:
    tokens = client.sign_in("ada", PASSWORD)
    client.sign_out()
    with pytest.raises(NotSignedInError):
        client.me()
    with (
        Triagelens(API, tokens, transport=Door(served)) as elsewhere,
        pytest.raises(NotSignedInError),
    ):
        elsewhere.me()


def test_passwords_are_changed_and_reset(client: Triagelens, fakes: Fakes) -> None:
    client.sign_in("ada", PASSWORD)
    with pytest.raises(ApiError) as refused:
        client.account.change_password("wrong", NEW_PASSWORD)
    assert refused.value.code == "wrong_password"
    client.account.change_password(PASSWORD, NEW_PASSWORD)
    fakes.clock.advance(seconds=1)
    client.sign_in("ada", NEW_PASSWORD)
    client.account.forgot_password("ada")
    assert fakes.passwords.mailed == ["ada"]
    client.account.reset_password("ada", RIGHT_CODE, PASSWORD)
    fakes.clock.advance(seconds=1)
    client.sign_in("ada", PASSWORD)
    assert client.account.rename("Ada").name == "Ada"
    changed = client.account.mail_me(False)
    assert (changed.name, changed.mail) == ("Ada", False)
    assert client.account.mail_me(True) == client.me() == changed.model_copy(update={"mail": True})


def test_an_admin_looks_after_people(client: Triagelens, fakes: Fakes) -> None:
    client.sign_in("root", PASSWORD)
    eve = client.users.create("eve", "eve@example.org", "doctor", name="Eve")
    assert (eve.role, eve.disabled, client.users.get(eve.id)) == ("doctor", False, eve)
    assert client.users.update(eve.id, role="gp", disabled=True).disabled
    assert [user.username for user in client.users.all()] == ["ada", "eve", "root"]
    assert [user.username for user in client.users.all("gp")] == ["eve"]
    client.users.reset_password(eve.id)
    assert client.users.reset_authenticator(eve.id).second_factor is False
    client.users.delete(eve.id)
    with pytest.raises(NobodyError):
        client.users.named("eve")
    with pytest.raises(ConflictError):
        client.users.delete(client.users.named("root").id)


def test_what_is_secret_is_not_shown_by_accident(client: Triagelens, fakes: Fakes) -> None:
    begun = client.account.begin_authenticator("ada", PASSWORD)
    assert begun.secret == SECRET
    assert SECRET not in repr(begun)


def test_the_command_asks_for_what_an_invitation_needs(admin: Run, fakes: Fakes) -> None:
    result = admin("users", "create", input="eve\neve@example.org\ndoctor\n")
    assert result.exit_code == 0, result.output
    assert "eve (doctor) was invited" in result.stderr
    assert fakes.people.person("sub-eve").role is Role.DOCTOR
    assert FIRST_PASSWORD not in result.output


def test_the_command_lists_and_changes_people(admin: Run, fakes: Fakes) -> None:
    listed = admin("users", "list")
    assert all(name in listed.stdout for name in ("ada", "root", "patient", "admin"))
    found = [
        json.loads(line) for line in admin("users", "list", "--role", "patient", "--json").stdout.splitlines()
    ]
    assert [(user["username"], user["role"]) for user in found] == [("ada", "patient")]
    assert admin("users", "update", "--username", "ada", "--role", "gp", "--disable").exit_code == 0
    assert (fakes.people.person("sub-ada").role, fakes.people.person("sub-ada").disabled) == (Role.GP, True)
    assert admin("users", "update", input="ada\nresearcher\n").exit_code == 0
    assert fakes.people.person("sub-ada").role is Role.RESEARCHER
    assert fakes.people.person("sub-ada").disabled
    assert admin("users", "reset-password", input="ada\n").exit_code == 0
    assert fakes.directory.resets == ["ada"]
    assert admin("users", "reset-authenticator", "--username", "ada").exit_code == 0


def test_the_command_deletes_only_after_a_yes(admin: Run, fakes: Fakes) -> None:
    assert admin("users", "delete", "--username", "ada", input="n\n").exit_code == 1
    assert "sub-ada" in fakes.people.records
    assert admin("users", "delete", "--username", "ada", input="y\n").exit_code == 0
    assert "sub-ada" not in fakes.people.records
    missing = admin("users", "delete", "--username", "ada", "--yes")
    assert (missing.exit_code, missing.stderr) == (1, "Error: There is nobody called ada.\n")


def test_the_command_changes_a_password_and_forgets_the_session(run: Run, fakes: Fakes) -> None:
    run("sign-in", "ada", "--password", PASSWORD)
    asked = f"{PASSWORD}\n{NEW_PASSWORD}\n{NEW_PASSWORD}\n"
    result = run("password", "change", input=asked)
    assert result.exit_code == 0, result.output
    assert PASSWORD not in result.output
    assert fakes.identity.passwords["ada"] == NEW_PASSWORD
    assert run("whoami").exit_code == 1


def test_the_command_resets_a_forgotten_password(run: Run, fakes: Fakes) -> None:
    assert run("password", "forgot", input="ada\n").exit_code == 0
    asked = f"ada\n{RIGHT_CODE}\n{NEW_PASSWORD}\n{NEW_PASSWORD}\n"
    assert run("password", "reset", input=asked).exit_code == 0
    assert fakes.identity.passwords["ada"] == NEW_PASSWORD
    assert run("resend", "ada").exit_code == 0


def test_the_command_sets_up_an_authenticator_app_where_one_is_needed(run: Run, fakes: Fakes) -> None:
    fakes.settings = PROD
    refused = run("sign-in", "root", "--password", PASSWORD)
    assert refused.exit_code == 1
    assert "triagelens authenticator root" in refused.stderr
    done = run("authenticator", "root", input=f"{PASSWORD}\n{RIGHT_CODE}\n")
    assert done.exit_code == 0, done.output
    assert SECRET in done.stdout.splitlines()
    assert run("sign-in", "root", "--password", PASSWORD, "--code", RIGHT_CODE).exit_code == 0
    again = run("authenticator", "root", input=f"{PASSWORD}\n{RIGHT_CODE}\n{RIGHT_CODE}\n{RIGHT_CODE}\n")
    assert again.exit_code == 0, again.output


def test_an_invited_doctor_is_told_about_the_app_after_choosing_a_password(admin: Run, fakes: Fakes) -> None:
    admin("users", "create", input="eve\neve@example.org\ndoctor\n")
    fakes.settings = PROD
    result = admin("sign-in", "eve", "--password", FIRST_PASSWORD, input=f"{NEW_PASSWORD}\n{NEW_PASSWORD}\n")
    assert result.exit_code == 1
    assert "triagelens authenticator eve" in result.stderr


def test_signing_out_twice_does_no_harm(run: Run, fakes: Fakes) -> None:
    run("sign-in", "ada", "--password", PASSWORD)
    assert run("sign-out").exit_code == 0
    assert fakes.identity.signed_out == ["ada"]
    twice = run("sign-out")
    assert (twice.exit_code, fakes.identity.signed_out) == (0, ["ada"])


HASH = "$2b$12$" + "a" * 53
FORMER = {
    "user001": {"password_hash": HASH, "first_name": "Jane", "last_name": "Roe", "role": "doctor"},
    "user002": {"password_hash": HASH, "first_name": "Jim", "last_name": "Poe", "role": "wizard"},
    "no hash": {"first_name": "Joe"},
    "two words": {"password_hash": HASH, "role": "gp"},
}


def test_people_of_a_former_system_are_taken_over_and_who_cannot_be_is_told(
    admin: Run, fakes: Fakes, tmp_path: Path
) -> None:
    former = tmp_path / "users.json"
    former.write_text(json.dumps(FORMER))
    tried = admin("users", "migrate", former, "--dry-run")
    assert (tried.exit_code, fakes.migrations.records) == (1, {})
    assert "1 would be taken, 0 taken before, 3 would be refused." in tried.stderr
    done = admin("users", "migrate", former)
    assert "1 taken, 0 taken before, 3 refused." in done.stderr
    assert set(fakes.migrations.records) == {"user001"}
    assert [name in done.stderr for name in ("user002: the role", "no hash: ", "two words: ")] == [True] * 3
    again = admin("users", "migrate", former)
    assert "0 taken, 1 taken before, 3 refused." in again.stderr
    assert HASH not in tried.stderr + done.stderr + again.stderr


@pytest.mark.parametrize("content", ["", "[]", '"users"', "{nonsense"])
def test_a_file_that_holds_no_users_is_refused(admin: Run, tmp_path: Path, content: str) -> None:
    former = tmp_path / "users.json"
    former.write_text(content)
    assert admin("users", "migrate", former).exit_code == 1


def test_many_people_are_taken_over_in_batches(client: Triagelens, fakes: Fakes) -> None:
    client.sign_in("root", PASSWORD)
    former = {f"user{number:03}": FORMER["user001"] for number in range(120)}
    assert [one.verdict for one in client.users.migrate(former)] == ["taken"] * 120
    assert len(fakes.migrations.records) == 120
