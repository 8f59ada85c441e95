"""A former system's report through the whole API: announced, sent to S3, taken over, seen, erased."""

import base64
import hashlib
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.cloud import REGION
from tests.integration.api.conftest import Api
from tests.integration.api.reporting import former_file, requested, send_former
from tests.integration.api.test_api_patients import ADA, invited
from tests.integration.api.test_api_patients import patient as new_patient
from tests.integration.erasing import begin_anew, work
from triagelens.adapters.dynamodb.reports import DynamoReports
from triagelens.adapters.dynamodb.tables import CaseworkItem
from triagelens.domain.errors import NotFoundError
from triagelens.domain.ids import new_id
from triagelens.domain.people import Role
from triagelens.domain.reports import FormerKnownError

Headers = dict[str, str]
PDF = b"%PDF-1.4 by the former system"


@pytest.fixture
def root(api: Api) -> Headers:
    return api.sign_up("root", Role.ADMIN)


@pytest.fixture
def patient(api: Api, root: Headers) -> dict[str, Any]:
    return new_patient(api, root, **ADA, invite=True)


def ask(api: Api, who: Headers, patient_id: str, expected: int, **more: Any) -> Any:
    body = former_file(PDF, **more)
    answer = api.client.post(f"/v1/patients/{patient_id}/former-reports", json=body, headers=who)
    assert answer.status_code == expected, answer.text
    return answer.json()


def taken(api: Api, who: Headers, patient_id: str, **more: Any) -> dict[str, Any]:
    asked = ask(api, who, patient_id, 202, **more)
    send_former(api.cloud, asked["upload"], PDF)
    report: dict[str, Any] = ask(api, who, patient_id, 201, **more)["report"]
    return report


def reports() -> list[Any]:
    return [item.body for item in CaseworkItem.scan() if item.kind == "report"]


def seen(api: Api, who: Headers, path: str) -> list[str]:
    answer = api.client.get(path, headers=who)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    return [one["report_id"] for one in body.get("items", body.get("reports"))]


def test_the_form_is_good_for_these_bytes_at_this_place_and_nothing_else(
    api: Api, root: Headers, patient: dict[str, Any]
) -> None:
    asked = ask(api, root, patient["patient_id"], 202)
    assert asked["report"] is None
    upload = asked["upload"]
    policy = json.loads(base64.b64decode(upload["fields"]["policy"]))
    digest = hashlib.sha256(PDF)
    key = f"reports/{patient['patient_id']}/{digest.hexdigest()}.pdf"
    bound = {
        "bucket": "documents",
        "key": key,
        "Content-Type": "application/pdf",
        "x-amz-checksum-algorithm": "SHA256",
        "x-amz-checksum-sha256": base64.b64encode(digest.digest()).decode(),
    }
    for name, value in bound.items():
        assert {name: value} in policy["conditions"]
        assert name == "bucket" or upload["fields"][name] == value
    assert ["content-length-range", len(PDF), len(PDF)] in policy["conditions"]
    assert reports() == []


def test_it_is_then_a_report_like_any_other_and_says_where_it_comes_from(
    api: Api, root: Headers, patient: dict[str, Any]
) -> None:
    patient_id = patient["patient_id"]
    report = taken(api, root, patient_id)
    assert report["former"] == {
        "system": "braintumor",
        "reference": "REP-2025-0003",
        "counts": {"scan_count": 7, "tumor_count": 3, "no_tumor_count": 4},
    }
    assert (report["kind"], report["audience"], report["status"]) == ("patient", "patient", "ready")
    assert (report["created_at"], report["number"], report["pages"]) == ("2025-03-07T14:02:00Z", None, None)
    assert (report["sha256"], report["size_bytes"]) == (hashlib.sha256(PDF).hexdigest(), len(PDF))
    ada, doctor = invited(api, patient["username"]), api.sign_up("dora", Role.DOCTOR)
    for who in (root, doctor, ada):
        shown = api.client.get(f"/v1/reports/{report['report_id']}", headers=who).json()
        assert f"/{shown['sha256']}.pdf" in shown["download"]["url"]
        assert shown["former"] == report["former"]
        assert seen(api, who, f"/v1/patients/{patient_id}/reports") == [report["report_id"]]
    for who in (root, ada):
        assert seen(api, who, "/v1/reports") == [report["report_id"]]
    assert requested(api.cloud) == [], "somebody was told of it, or it is made anew"


def test_who_does_not_see_the_patient_or_is_not_meant_sees_no_former_report(
    api: Api, root: Headers, patient: dict[str, Any]
) -> None:
    ada, other = invited(api, patient["username"]), api.sign_up("greta", Role.GP)
    report = taken(api, root, patient["patient_id"], audience="clinic")
    for who in (ada, other):
        assert api.client.get(f"/v1/reports/{report['report_id']}", headers=who).status_code == 404
    assert seen(api, ada, "/v1/reports") == []


def test_the_former_portals_show_it_as_they_did(api: Api, root: Headers, patient: dict[str, Any]) -> None:
    report = taken(api, root, patient["patient_id"])
    path = f"/compat/braintumor/api/patient/{patient['patient_id']}/reports"
    ada = invited(api, patient["username"])
    (shown,) = api.client.get(path, headers=ada).json()["reports"]
    assert shown == {
        "report_id": report["report_id"],
        "patient_id": patient["patient_id"],
        "report_path": f"reports/{report['report_id']}.pdf",
        "scan_count": 7,
        "tumor_count": 3,
        "no_tumor_count": 4,
        "status": "completed",
        "created_at": "2025-03-07T14:02:00Z",
    }
    file = f"/compat/braintumor/api/report/file/{report['report_id']}.pdf"
    assert hashlib.sha256(PDF).hexdigest() in api.client.get(file, headers=ada).json()["download_url"]


def test_asked_again_it_is_the_same_report_and_nothing_is_sent_again(
    api: Api, root: Headers, patient: dict[str, Any]
) -> None:
    patient_id = patient["patient_id"]
    report = taken(api, root, patient_id)
    other_admin = api.sign_up("boss", Role.ADMIN)
    for who in (root, other_admin):
        again = ask(api, who, patient_id, 200, made_at=None)
        assert (again["report"]["report_id"], again["upload"]) == (report["report_id"], None)
    assert len(reports()) == 1
    assert ask(api, root, patient_id, 201, reference="REP-4")["report"]["sha256"] == report["sha256"]
    assert ask(api, root, new_patient(api, root)["patient_id"], 202)["upload"], "it is another's"


def test_two_who_bring_it_at_once_write_one(api: Api, root: Headers, patient: dict[str, Any]) -> None:
    report_id = taken(api, root, patient["patient_id"])["report_id"]
    records = DynamoReports("casework", REGION)
    stored = records.report(report_id)
    assert stored.former is not None
    mark = stored.former.mark
    assert records.former(patient["patient_id"], mark) == stored
    somebody = new_patient(api, root)["patient_id"]
    assert records.former(somebody, mark) is None

    def bring(_: int) -> str | None:
        new = stored.model_copy(update={"report_id": new_id(), "patient_id": somebody, "version": None})
        try:
            return records.add_former(new).report_id
        except FormerKnownError:
            return None

    with ThreadPoolExecutor(8) as pool:
        (won,) = [brought for brought in pool.map(bring, range(8)) if brought is not None]
    found = records.former(somebody, mark)
    assert found is not None
    assert found.report_id == won
    assert sorted(one["report_id"] for one in reports()) == sorted([report_id, won])


def test_a_former_report_is_no_edition_of_what_is_made_here(
    api: Api, root: Headers, patient: dict[str, Any]
) -> None:
    taken(api, root, patient["patient_id"])
    asked = api.client.post(f"/v1/patients/{patient['patient_id']}/reports", headers=root)
    assert asked.status_code == 202
    records = DynamoReports("casework", REGION)
    assert records.latest_editions(records.report(asked.json()["report_id"])) == []


def test_what_is_no_pdf_stays_out(api: Api, root: Headers, patient: dict[str, Any]) -> None:
    page = b"<html>"
    path = f"/v1/patients/{patient['patient_id']}/former-reports"
    asked = api.client.post(path, json=former_file(page), headers=root).json()
    send_former(api.cloud, asked["upload"], page)
    refused = api.client.post(path, json=former_file(page), headers=root)
    assert (refused.status_code, refused.json()["code"]) == (400, "not_a_pdf")
    assert reports() == []


WRONG: list[dict[str, Any]] = [
    {"size_bytes": 50_000_001},
    {"size_bytes": 0},
    {"sha256": "A" * 64},
    {"sha256": "a" * 63},
    {"system": "../braintumor"},
    {"reference": ""},
    {"reference": "a\nb"},
    {"made_at": "2025-03-07T14:02:00"},
    {"audience": "everybody"},
    {"counts": {"scan count": 1}},
    {"counts": {"scan_count": -1}},
    {"counts": {f"n{number}": 1 for number in range(21)}},
    {"key": "reports/x.pdf"},
]


def test_what_does_not_fit_is_refused(api: Api, root: Headers, patient: dict[str, Any]) -> None:
    for wrong in WRONG:
        ask(api, root, patient["patient_id"], 422, **wrong)
    ask(api, root, patient["patient_id"], 400, made_at="2999-01-01T00:00:00Z")


def test_only_admins_take_over_and_it_is_in_the_trail(
    api: Api, root: Headers, patient: dict[str, Any]
) -> None:
    patient_id = patient["patient_id"]
    doctor = api.sign_up("dora", Role.DOCTOR)
    ask(api, doctor, patient_id, 403)
    ask(api, root, new_id(), 404)
    taken(api, root, patient_id)
    route = "POST /v1/patients/{patient_id}/former-reports"
    told = [(one["action"], one["subject"], one["outcome"]) for one in api.audited()]
    assert told.count((route, patient_id, "allowed")) == 2
    assert told.count(("patient.attach", patient_id, "allowed")) == 2
    assert told.count((route, patient_id, "denied")) == 1


@pytest.fixture
def eraser() -> Iterator[None]:
    begin_anew()
    yield
    begin_anew()


def test_it_goes_with_its_patient_and_does_not_come_back(
    api: Api, root: Headers, patient: dict[str, Any], eraser: None
) -> None:
    patient_id = patient["patient_id"]
    report = taken(api, root, patient_id)
    records = DynamoReports("casework", REGION)
    stored = records.report(report["report_id"])
    receipt = api.client.delete(f"/v1/patients/{patient_id}", headers=root).json()
    message = {"erasure_id": receipt["erasure_id"]}
    assert work(message, {**message, "sweep": True}) == []
    assert api.client.get(f"/v1/reports/{report['report_id']}", headers=root).status_code == 404
    assert "Versions" not in api.cloud.s3.list_object_versions(Bucket="documents")
    left = [item for item in CaseworkItem.scan() if patient_id in item.pk or "eport" in (item.kind or "")]
    assert [item.kind for item in left] == ["erased"]
    ask(api, root, patient_id, 404)
    with pytest.raises(NotFoundError):
        records.add_former(stored.model_copy(update={"report_id": new_id(), "version": None}))
    assert reports() == []
