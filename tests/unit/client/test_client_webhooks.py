"""The client's webhooks and their command, against the application itself over fakes."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from clinic_api.app import create_app
from clinic_api.deps import webhooks
from tests.fake_webhooks import FakeAttemptLog, FakeVault, FakeWebhooks
from tests.fakes import START
from tests.unit.api.conftest import Fakes
from tests.unit.client.door import Door
from tests.unit.client.fake_api import API
from triagelens.domain.people import Role
from triagelens.domain.webhooks import Attempt, Outcome
from triagelens_client import ForbiddenError, NotFoundError, Triagelens
from triagelens_client.cli import app

URL = "https://hooks.example.org/"


@pytest.fixture
def log() -> FakeAttemptLog:
    return FakeAttemptLog()


@pytest.fixture
def door(log: FakeAttemptLog) -> Iterator[Door]:
    made, fakes, records = create_app(), Fakes(), FakeWebhooks()
    with TestClient(made) as client:
        assert isinstance(made, FastAPI)
        fakes.stand_in(made)
        made.dependency_overrides |= {
            webhooks.webhook_records: lambda: records,
            webhooks.attempt_log: lambda: log,
            webhooks.secret_vault: FakeVault,
        }
        fakes.person("ada", Role.ADMIN)
        fakes.person("eve")
        yield Door(client)


def client_of(name: str, door: Door) -> Triagelens:
    return Triagelens(API, token_provider=lambda refused=None: f"sub-{name}", transport=door)


def attempt(webhook_id: str, number: int) -> Attempt:
    return Attempt(
        webhook_id=webhook_id,
        event_id=f"e:{number:03}",
        event_type="image.analyzed",
        event_at=START,
        attempt=1,
        at=START,
        outcome=Outcome.GIVEN_UP,
        problem="timeout",
    )


def test_a_webhook_is_made_changed_rotated_and_deleted(door: Door) -> None:
    client = client_of("ada", door)
    made = client.webhooks.create(URL, ["image.analyzed"])
    assert made.secret not in repr(made)
    assert client.webhooks.rotate(made.webhook_id).secret != made.secret
    changed = client.webhooks.change(made.webhook_id, events=["case.created"], enabled=False)
    assert (changed.events, changed.enabled, changed.url) == (("case.created",), False, URL)
    assert client.webhooks.all() == (client.webhooks.get(made.webhook_id),)
    client.webhooks.delete(made.webhook_id)
    with pytest.raises(NotFoundError):
        client.webhooks.get(made.webhook_id)
    with pytest.raises(ForbiddenError):
        client_of("eve", door).webhooks.all()


def test_deliveries_are_read_to_their_end(door: Door, log: FakeAttemptLog) -> None:
    client = client_of("ada", door)
    made = client.webhooks.create(URL, ["image.analyzed"])
    for number in range(120):
        log.note(attempt(made.webhook_id, number))
    told = list(client.webhooks.deliveries(made.webhook_id))
    assert [one.event_id for one in told] == [f"e:{number:03}" for number in reversed(range(120))]


def test_the_command_does_it_all(
    door: Door, log: FakeAttemptLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "triagelens_client.cli.connection.Triagelens", lambda *_, **__: client_of("ada", door)
    )
    environment = {"TRIAGELENS_CONFIG_DIR": str(tmp_path), "TRIAGELENS_API_URL": API, "COLUMNS": "200"}

    def run(*words: str, answer: str = "") -> str:
        done = CliRunner().invoke(app, ["webhooks", *words], env=environment, input=answer)
        assert done.exit_code == 0, done.output
        return done.stdout

    secret = run("create", URL, "image.analyzed", "case.created").strip()
    assert secret.startswith("whsec_")
    [webhook] = client_of("ada", door).webhooks.all()
    shown = run("list") + run("list", "--json") + run("show", webhook.webhook_id)
    assert URL in shown
    assert secret not in shown
    run("disable", webhook.webhook_id)
    assert "disabled (by_admin)" in run("list")
    run("enable", webhook.webhook_id)
    assert "disabled" not in run("list")
    assert run("rotate", webhook.webhook_id, answer="y\n").strip() != secret
    log.note(attempt(webhook.webhook_id, 1))
    assert "timeout" in run("deliveries", webhook.webhook_id)
    assert '"event_id":"e:001"' in run("deliveries", webhook.webhook_id, "--json")
    run("delete", webhook.webhook_id, "--yes")
    assert client_of("ada", door).webhooks.all() == ()
