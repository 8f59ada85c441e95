"""Exports over HTTP: who may ask for what, who sees them, and who gets the file."""

from io import BytesIO
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from clinic_api.deps import exports
from tests.fake_exports import FakeExportFiles, FakeExportQueue, FakeExportRecords
from tests.unit.api.conftest import Fakes
from triagelens.domain.exports import ExportFile
from triagelens.domain.ids import new_id
from triagelens.domain.people import Role

IMAGES = {"what": "images", "format": "csv"}
Told = tuple[int, dict[str, Any]]


class Office:
    """Two researchers and an admin."""

    def __init__(self, client: TestClient, fakes: Fakes) -> None:
        self.client, self.fakes = client, fakes
        self.records, self.queue, self.files = FakeExportRecords(), FakeExportQueue(), FakeExportFiles()
        self.rita = fakes.person("rita", Role.RESEARCHER)
        self.rolf = fakes.person("rolf", Role.RESEARCHER)
        self.ada = fakes.person("ada", Role.ADMIN)

    def ask(self, person: dict[str, str], key: str | None = None, /, **body: Any) -> Told:
        headers = person | ({"Idempotency-Key": key} if key else {})
        answer = self.client.post("/v1/exports", json={**IMAGES, **body}, headers=headers)
        return answer.status_code, answer.json()

    def get(self, person: dict[str, str], path: str) -> Told:
        answer = self.client.get(f"/v1/exports{path}", headers=person)
        return answer.status_code, answer.json()

    def finish(self, export_id: str) -> None:
        """As export_records would."""
        export = self.records.export(export_id)
        version = self.files.write(export.key, BytesIO(b"image_id"), "text/csv")
        file = ExportFile(key=export.key, object_version=version, size_bytes=8, rows=3)
        self.records.replace_export(export.ready(file, self.fakes.clock()))


@pytest.fixture
def office(client: TestClient, fakes: Fakes) -> Office:
    made = Office(client, fakes)
    assert isinstance(client.app, FastAPI)
    client.app.dependency_overrides |= {
        exports.export_records: lambda: made.records,
        exports.export_queue: lambda: made.queue,
        exports.export_files: lambda: made.files,
    }
    return made


def test_an_export_is_queued_then_ready_and_has_a_link_for_a_quarter_of_an_hour(office: Office) -> None:
    status, told = office.ask(office.rita, specialty="skin", **{"from": "2026-10-01", "to": "2026-10-31"})
    assert (status, told["status"], told["download"]) == (202, "queued", None)
    assert (told["from"], told["to"], told["specialty"]) == ("2026-10-01", "2026-10-31", "skin")
    assert [request.export_id for request in office.queue.sent] == [told["export_id"]]
    place = f"/{told['export_id']}"
    waiting = office.client.get(f"/v1/exports{place}", headers=office.rita)
    assert (waiting.json()["status"], waiting.headers["Retry-After"]) == ("queued", "5")
    office.finish(told["export_id"])
    status, ready = office.get(office.rita, place)
    assert (status, ready["status"], ready["rows"], ready["size_bytes"]) == (200, "ready", 3, 8)
    assert ready["download"]["url"].endswith("/images.csv?v=v1&for=900")
    [listed] = office.get(office.rita, "")[1]["items"]
    assert listed == {**ready, "download": None}


def test_without_days_it_is_everything_up_to_today(office: Office) -> None:
    _, told = office.ask(office.rita)
    assert (told["from"], told["to"]) == ("2020-01-01", f"{office.fakes.clock():%Y-%m-%d}")


@pytest.mark.parametrize("role", [Role.PATIENT, Role.GP, Role.DOCTOR])
def test_nobody_else_exports_anything(office: Office, role: Role) -> None:
    other = office.fakes.person("eve", role)
    assert office.ask(other)[0] == 403
    _, told = office.ask(office.rita)
    for path in ("", f"/{told['export_id']}", f"/{new_id()}"):
        assert office.get(other, path)[0] == 403


def test_a_researchers_exports_are_their_own_and_an_admin_sees_all(office: Office) -> None:
    _, told = office.ask(office.rita)
    place = f"/{told['export_id']}"
    strange, missing = office.get(office.rolf, place), office.get(office.rolf, f"/{new_id()}")
    assert strange[0] == missing[0] == office.get(office.rolf, "/nonsense")[0] == 404
    assert {**strange[1], "correlation_id": ""} == {**missing[1], "correlation_id": ""}
    assert office.get(office.rolf, "")[1]["items"] == []
    assert office.get(office.ada, place)[1] == told
    assert office.get(office.ada, "")[1]["items"] == [told]


def test_people_are_for_admins_when_it_is_asked_for_and_when_it_is_fetched(office: Office) -> None:
    assert office.ask(office.rita, include_people=True)[0] == 403
    assert not office.records.records
    _, told = office.ask(office.ada, include_people=True)
    office.finish(told["export_id"])
    place = f"/{told['export_id']}"
    assert office.get(office.ada, place)[1]["download"] is not None
    ada = office.fakes.people.person("sub-ada")
    office.fakes.people.replace_person(ada.model_copy(update={"role": Role.RESEARCHER}))
    status, refused = office.get(office.ada, place)
    assert (status, refused["code"]) == (403, "forbidden")
    assert office.get(office.ada, "")[1]["items"][0]["download"] is None


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"format": "coco"}, 400),
        ({"format": "coco", "specialty": "skin", "include_people": True}, 400),
        ({"from": "2026-10-02", "to": "2026-10-01"}, 400),
        ({"specialty": "hair"}, 422),
        ({"from": "1999-01-01"}, 422),
        ({"to": "yesterday"}, 422),
        ({"what": "patients"}, 422),
        ({"format": "xlsx"}, 422),
        ({"surprise": 1}, 422),
    ],
)
def test_what_cannot_be_made_is_a_clear_mistake(office: Office, body: dict[str, Any], status: int) -> None:
    assert office.ask(office.ada, **body)[0] == status
    assert not office.records.records


def test_a_repeated_request_is_one_export_and_its_message_is_sent_until_it_is_taken_up(
    office: Office,
) -> None:
    _, first = office.ask(office.rita, "key-1")
    assert office.ask(office.rita, "key-1") == (202, first)
    assert [request.export_id for request in office.queue.sent] == [first["export_id"]] * 2
    office.finish(first["export_id"])
    assert office.ask(office.rita, "key-1")[1]["status"] == "ready"
    assert len(office.queue.sent) == 2
    assert office.ask(office.rita, "key-1", format="jsonl")[0] == 422
    assert office.ask(office.rolf, "key-1")[1]["export_id"] != first["export_id"]


def test_after_a_week_or_without_its_file_it_is_expired(office: Office) -> None:
    _, told = office.ask(office.rita)
    office.finish(told["export_id"])
    place = f"/{told['export_id']}"
    office.fakes.clock.advance(days=7, minutes=-5)
    assert office.get(office.rita, place)[1]["download"]["url"].endswith("for=300")
    office.fakes.clock.advance(minutes=5)
    assert office.get(office.rita, place)[1]["status"] == "expired"
    assert office.get(office.rita, place)[1]["download"] is None
    _, other = office.ask(office.rita)
    office.finish(other["export_id"])
    office.files.stored.clear()
    assert office.get(office.rita, f"/{other['export_id']}")[1]["status"] == "expired"


def test_one_that_nobody_works_on_any_more_is_told_as_failed(office: Office) -> None:
    _, told = office.ask(office.rita)
    office.fakes.clock.advance(hours=25)
    _, lost = office.get(office.rita, f"/{told['export_id']}")
    assert (lost["status"], lost["failure"]["code"]) == ("failed", "lost")


def test_asking_and_fetching_are_in_the_audit_trail_by_the_exports_id(office: Office) -> None:
    _, told = office.ask(office.rita)
    office.get(office.rita, f"/{told['export_id']}")
    office.get(office.rolf, f"/{told['export_id']}")
    entries = [(e.action, e.actor, str(e.outcome), e.subject) for e in office.fakes.audit.entries]
    place = "GET /v1/exports/{export_id}"
    assert entries == [
        ("POST /v1/exports", "sub-rita", "allowed", told["export_id"]),
        (place, "sub-rita", "allowed", told["export_id"]),
        (place, "sub-rolf", "denied", told["export_id"]),
    ]


def test_a_cursor_of_no_list_is_refused(office: Office) -> None:
    assert office.get(office.rita, "?cursor=nonsense")[0] == 400
