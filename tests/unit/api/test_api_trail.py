"""Every request that reads, changes or is denied leaves one entry, whoever wrote its route."""

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient

from clinic_api.app import create_app
from clinic_api.deps.access import CurrentPerson
from clinic_api.trail import RequestTrail, StampedTrail, about
from tests.unit.api.conftest import Fakes
from triagelens.domain.audit import AuditEntry, network_of
from triagelens.domain.ids import new_id
from triagelens.domain.people import Role

IMAGE = {"specialty": "skin", "content_type": "image/jpeg", "size_bytes": 1000}
Told = list[tuple[str, str, str, str]]


def told(fakes: Fakes) -> Told:
    return [(e.actor, e.action, e.subject, e.outcome) for e in fakes.audit.entries]


def test_an_image_leaves_an_entry_when_it_is_made_read_listed_and_fetched(
    client: TestClient, fakes: Fakes
) -> None:
    ada = fakes.person("ada")
    made = client.post("/v1/images", json=IMAGE, headers=ada).json()["image_id"]
    client.get(f"/v1/images/{made}", headers=ada)
    client.get("/v1/images", headers=ada)
    client.get(f"/v1/images/{made}/content", headers=ada)  # 409: there is nothing to see yet
    assert told(fakes) == [
        ("sub-ada", "POST /v1/images", made, "allowed"),
        ("sub-ada", "GET /v1/images/{image_id}", made, "allowed"),
        ("sub-ada", "GET /v1/images", "-", "allowed"),
    ]


def test_a_list_of_many_is_one_entry(client: TestClient, fakes: Fakes) -> None:
    ada = fakes.person("ada")
    for _ in range(30):
        client.post("/v1/images", json=IMAGE, headers=ada)
    fakes.audit.entries.clear()
    assert len(client.get("/v1/images?limit=30", headers=ada).json()["items"]) == 30
    assert len(fakes.audit.entries) == 1


def test_somebody_elses_image_and_a_missing_one_are_denials_of_the_same_kind(
    client: TestClient, fakes: Fakes
) -> None:
    made = client.post("/v1/images", json=IMAGE, headers=fakes.person("ada")).json()["image_id"]
    fakes.audit.entries.clear()
    missing, eve = new_id(), fakes.person("eve")
    for image_id in (made, missing, "Jane Roe's arm"):
        assert client.get(f"/v1/images/{image_id}", headers=eve).status_code == 404
    action = "GET /v1/images/{image_id}"
    assert told(fakes) == [("sub-eve", action, of, "denied") for of in (made, missing, "-")]
    assert "Jane" not in "".join(entry.model_dump_json() for entry in fakes.audit.entries)


def test_a_number_of_a_case_names_it(client: TestClient, fakes: Fakes) -> None:
    nobody = fakes.person("nobody")
    assert client.delete("/v1/cases/ids/10000", headers=nobody).status_code == 403
    assert client.put("/compat/allcare/cases/10000", json={"notes": "a"}, headers=nobody).status_code == 403
    assert [subject for _, _, subject, _ in told(fakes)] == ["10000", "10000"]


def test_a_use_case_that_tells_what_it_did_is_not_told_twice(client: TestClient, fakes: Fakes) -> None:
    gp = fakes.person("greta", Role.GP)
    patient = client.post("/v1/patients", json={"name": "Jane Roe"}, headers=gp).json()["patient_id"]
    assert [action for _, action, _, _ in told(fakes)] == ["patient.create"]
    fakes.audit.entries.clear()
    client.post("/v1/images", json={**IMAGE, "patient_id": patient}, headers=gp)
    assert [action for _, action, _, _ in told(fakes)] == ["patient.attach", "POST /v1/images"]


def test_who_was_disabled_is_named_in_the_denial(client: TestClient, fakes: Fakes) -> None:
    ada = fakes.person("ada")
    fakes.people.records["sub-ada"] = fakes.people.person("sub-ada").model_copy(update={"disabled": True})
    assert client.get("/v1/images", headers=ada).status_code == 403
    assert told(fakes) == [("sub-ada", "GET /v1/images", "-", "denied")]


def test_a_token_that_does_not_count_is_a_denial_and_no_token_is_not(
    client: TestClient, fakes: Fakes
) -> None:
    assert client.get("/v1/images").status_code == 401
    assert fakes.audit.entries == []
    assert client.get("/v1/images", headers={"Authorization": "Bearer forged"}).status_code == 401
    assert told(fakes) == [("anonymous", "GET /v1/images", "-", "denied")]


@pytest.mark.parametrize("path", ["/health", "/v1/me", "/v1/specialties", "/nothing"])
def test_what_shows_nothing_of_anybody_leaves_no_entry(client: TestClient, fakes: Fakes, path: str) -> None:
    client.get(path, headers=fakes.person("ada"))
    assert fakes.audit.entries == []


def test_an_entry_says_which_request_it_was_and_from_which_network(fakes: Fakes) -> None:
    app = create_app()
    fakes.stand_in(app)
    with TestClient(app, client=("203.0.113.77", 5000)) as client:
        answer = client.get("/v1/images", headers=fakes.person("ada"))
        client.post("/v1/auth/sign-in", json={"username": "nobody", "password": "wrong"})
    (listed, refused) = fakes.audit.entries
    assert listed.correlation_id == answer.headers["X-Correlation-Id"]
    assert (listed.source, refused.source) == ("203.0.113.0/24", "203.0.113.0/24")
    assert (refused.action, refused.outcome) == ("session.sign_in", "denied")
    assert listed.at == fakes.clock()


@pytest.fixture
def faulty(fakes: Fakes) -> TestClient:
    """The application with one more route, that changes something and then breaks."""
    app = create_app()

    @app.post("/v1/broken")
    def broken(person: CurrentPerson) -> None:
        about("01k0000000000000000000000a")
        raise ZeroDivisionError(person.sub)

    fakes.stand_in(app)
    return TestClient(app, raise_server_exceptions=False)


def test_a_fault_in_a_change_is_written_down_as_one(faulty: TestClient, fakes: Fakes) -> None:
    assert faulty.post("/v1/broken", headers=fakes.person("ada")).status_code == 500
    assert told(fakes) == [("sub-ada", "POST /v1/broken", "01k0000000000000000000000a", "failed")]


def test_what_cannot_be_written_down_is_not_answered(
    client: TestClient, fakes: Fakes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(entry: AuditEntry) -> None:
        raise OSError("no room")

    ada = fakes.person("ada")
    client.post("/v1/images", json=IMAGE, headers=ada)
    monkeypatch.setattr(fakes.audit, "append", full)
    answer = client.get("/v1/images", headers=ada)
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "items" not in answer.json()


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:aaaa:bbbb::1", "2001:db8:aaaa::/48"),
        ("testclient", None),
        ("", None),
        (None, None),
    ],
)
def test_an_address_is_kept_as_its_network(address: str | None, network: str | None) -> None:
    assert network_of(address) == network


def test_outside_of_a_request_an_entry_has_no_source(fakes: Fakes) -> None:
    fields: dict[str, Any] = {"actor": "a", "action": "b.c", "subject": "-", "outcome": "allowed"}
    entry = AuditEntry(entry_id=new_id(), at=fakes.clock(), correlation_id="c", **fields)
    StampedTrail(fakes.audit).append(entry)
    assert fakes.audit.entries == [entry]
    assert RequestTrail().told is False
    assert "source" in json.loads(entry.model_dump_json())
