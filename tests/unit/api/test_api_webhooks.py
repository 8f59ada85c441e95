"""Webhooks over HTTP: who may, and that a secret is shown once."""

import io

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from clinic_api.deps import webhooks
from tests.fake_webhooks import FakeAttemptLog, FakeVault, FakeWebhooks
from tests.fakes import START
from tests.unit.api.conftest import Fakes
from triagelens.domain.people import Role
from triagelens.domain.webhooks import Attempt, Outcome

URL = "https://hooks.example.org/triagelens"
ASKED = {"url": URL, "events": ["image.analyzed", "case.confirmed"]}
NOBODYS = "01jd3m4z8yv5q2w7k9x0abcdef"
ROUTES = [
    ("POST", "", ASKED),
    ("GET", "", None),
    ("GET", "/{id}", None),
    ("PATCH", "/{id}", {"enabled": False}),
    ("DELETE", "/{id}", None),
    ("POST", "/{id}/rotate", None),
    ("GET", "/{id}/deliveries", None),
]


@pytest.fixture
def records(client: TestClient) -> FakeWebhooks:
    return stand_in(client)[0]


@pytest.fixture
def log(client: TestClient) -> FakeAttemptLog:
    return stand_in(client)[1]


def stand_in(client: TestClient) -> tuple[FakeWebhooks, FakeAttemptLog]:
    assert isinstance(client.app, FastAPI)
    made = FakeWebhooks(), FakeAttemptLog()
    client.app.dependency_overrides |= {
        webhooks.webhook_records: lambda: made[0],
        webhooks.attempt_log: lambda: made[1],
        webhooks.secret_vault: FakeVault,
    }
    return made


@pytest.fixture
def admin(fakes: Fakes) -> dict[str, str]:
    return fakes.person("ada", Role.ADMIN)


def make(client: TestClient, admin: dict[str, str]) -> tuple[str, str]:
    """A new webhook's id and secret."""
    answer = client.post("/v1/webhooks", json=ASKED, headers=admin)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    return made["webhook_id"], made["secret"]


@pytest.mark.usefixtures("records")
def test_the_secret_is_shown_when_it_is_made_and_never_again(
    client: TestClient, admin: dict[str, str], logged: io.StringIO, fakes: Fakes
) -> None:
    webhook_id, secret = make(client, admin)
    path = f"/v1/webhooks/{webhook_id}"
    rotated = client.post(f"{path}/rotate", headers=admin).json()["secret"]
    assert rotated.startswith("whsec_")
    assert rotated != secret
    later = [
        client.get("/v1/webhooks", headers=admin),
        client.get(path, headers=admin),
        client.patch(path, json={"enabled": False}, headers=admin),
        client.get(f"{path}/deliveries", headers=admin),
    ]
    assert [answer.status_code for answer in later] == [200] * 4
    told = "".join(answer.text for answer in later) + logged.getvalue() + repr(fakes.audit)
    assert "whsec_" not in told
    assert "sealed" not in told


@pytest.mark.usefixtures("records")
def test_a_webhook_is_changed_disabled_and_enabled(client: TestClient, admin: dict[str, str]) -> None:
    path = f"/v1/webhooks/{make(client, admin)[0]}"
    changed = client.patch(path, json={"url": f"{URL}/2", "events": ["case.created"]}, headers=admin).json()
    assert (changed["url"], changed["events"], changed["enabled"]) == (f"{URL}/2", ["case.created"], True)
    disabled = client.patch(path, json={"enabled": False}, headers=admin).json()
    assert (disabled["enabled"], disabled["disabled_reason"]) == (False, "by_admin")
    assert disabled["disabled_at"]
    enabled = client.patch(path, json={"enabled": True}, headers=admin).json()
    assert (enabled["enabled"], enabled["disabled_reason"], enabled["disabled_at"]) == (True, None, None)


@pytest.mark.usefixtures("records")
def test_a_deleted_webhook_is_gone(client: TestClient, admin: dict[str, str]) -> None:
    path = f"/v1/webhooks/{make(client, admin)[0]}"
    assert client.delete(path, headers=admin).status_code == 204
    assert client.get(path, headers=admin).status_code == 404
    assert client.get("/v1/webhooks", headers=admin).json() == {"items": []}


def test_deliveries_come_in_pages(client: TestClient, admin: dict[str, str], log: FakeAttemptLog) -> None:
    webhook_id, _ = make(client, admin)
    for number in range(3):
        log.note(
            Attempt(
                webhook_id=webhook_id,
                event_id=f"e:{number}",
                event_type="image.analyzed",
                event_at=START,
                attempt=1,
                at=START,
                outcome=Outcome.RETRYING,
                problem="timeout",
            )
        )
    path = f"/v1/webhooks/{webhook_id}/deliveries"
    first = client.get(f"{path}?limit=2", headers=admin).json()
    rest = client.get(path, params={"limit": 2, "cursor": first["cursor"]}, headers=admin).json()
    assert [one["event_id"] for one in first["items"] + rest["items"]] == ["e:2", "e:1", "e:0"]
    assert rest["cursor"] is None
    assert rest["items"][0]["problem"] == "timeout"
    assert client.get(f"{path}?cursor=nonsense", headers=admin).status_code == 400


@pytest.mark.usefixtures("records")
@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
@pytest.mark.parametrize(("method", "path", "body"), ROUTES)
def test_nobody_else_gets_at_them_whether_there_is_one_or_not(
    client: TestClient,
    fakes: Fakes,
    admin: dict[str, str],
    role: Role,
    method: str,
    path: str,
    body: dict[str, object] | None,
) -> None:
    there, _ = make(client, admin)
    eve = fakes.person("eve", role)
    answers = [
        client.request(method, f"/v1/webhooks{path.format(id=name)}", json=body, headers=eve)
        for name in (there, NOBODYS)
    ]
    assert [answer.status_code for answer in answers] == [403, 403]
    assert answers[0].json()["detail"] == answers[1].json()["detail"]


@pytest.mark.usefixtures("records")
@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({**ASKED, "url": "http://hooks.example.org/"}, 400),
        ({**ASKED, "url": "https://169.254.169.254/latest/"}, 400),
        ({**ASKED, "url": "https://localhost/"}, 400),
        ({**ASKED, "url": "https://hooks.example.org:22/"}, 400),
        ({**ASKED, "url": "x" * 501}, 422),
        ({**ASKED, "events": []}, 422),
        ({**ASKED, "events": ["image.*"]}, 422),
        ({"url": URL}, 422),
        ({**ASKED, "secret": "mine"}, 422),
    ],
)
def test_what_makes_no_sense_is_a_clear_mistake(
    client: TestClient, admin: dict[str, str], body: dict[str, object], status: int
) -> None:
    assert client.post("/v1/webhooks", json=body, headers=admin).status_code == status


@pytest.mark.usefixtures("records")
@pytest.mark.parametrize(
    ("body", "status"), [({}, 422), ({"url": "https://10.0.0.1/"}, 400), ({"x": 1}, 422)]
)
def test_a_change_that_makes_no_sense_is_one_too(
    client: TestClient, admin: dict[str, str], body: dict[str, object], status: int
) -> None:
    path = f"/v1/webhooks/{make(client, admin)[0]}"
    assert client.patch(path, json=body, headers=admin).status_code == status


@pytest.mark.usefixtures("records")
def test_the_audit_trail_tells_which_webhook_was_made_and_no_address(
    client: TestClient, admin: dict[str, str], fakes: Fakes
) -> None:
    webhook_id, _ = make(client, admin)
    [entry] = [entry for entry in fakes.audit.entries if entry.action == "POST /v1/webhooks"]
    assert (entry.subject, entry.actor) == (webhook_id, "sub-ada")
    assert "example.org" not in repr(fakes.audit)
