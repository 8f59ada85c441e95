"""Patients through the API's door: who sees whom, who changes what, and what is theirs."""

import io
import json
from typing import Any

import boto3
import pytest

from clinic_api.observability import logger
from tests.cloud import REGION
from tests.integration.api.conftest import PASSWORD, Api
from triagelens.adapters.cognito_directory import CognitoDirectory
from triagelens.adapters.dynamodb.tables import CaseworkItem
from triagelens.domain.ids import new_id
from triagelens.domain.people import Role

Person = dict[str, str]
PHOTO = {"specialty": "eye", "content_type": "image/jpeg", "size_bytes": 2000}
ADA = {
    "name": "Adeline Quux",
    "email": "adeline.quux@example.org",
    "birth_date": "1985-12-10",
    "gender": "female",
    "phone": "+49 30 901820",
    "address": "1 Quux Street",
}


def patient(api: Api, person: Person, **more: Any) -> dict[str, Any]:
    answer = api.client.post("/v1/patients", json={"name": "Nobody", **more}, headers=person)
    assert answer.status_code == 201, answer.text
    assert answer.headers["ETag"] == f'"{answer.json()["version"]}"'
    made: dict[str, Any] = answer.json()
    return made


def image(api: Api, person: Person, patient_id: str | None) -> str:
    answer = api.client.post("/v1/images", json={**PHOTO, "patient_id": patient_id}, headers=person)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["image_id"])


def invited(api: Api, username: str) -> Person:
    """The headers of an invited person, whose first password is set as if they had replaced it."""
    boto3.client("cognito-idp", region_name=REGION).admin_set_user_password(
        UserPoolId=api.pool_id, Username=username, Password=PASSWORD, Permanent=True
    )
    return api.sign_in(username)


def listed(api: Api, person: Person, path: str, key: str) -> list[str]:
    """All pages of a list, two entries each."""
    found: list[str] = []
    cursor = None
    while True:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        answer = api.client.get(path, params=query, headers=person)
        assert answer.status_code == 200, answer.text
        found += [entry[key] for entry in answer.json()["items"]]
        cursor = answer.json()["cursor"]
        if cursor is None:
            return found


def test_a_patient_is_invited_and_sees_the_own_record_and_outcome_and_nothing_else(api: Api) -> None:
    gp, doctor = api.sign_up("greta", Role.GP), api.sign_up("doctor", Role.DOCTOR)
    made = patient(api, gp, **ADA, invite=True, number="K-17/a")
    assert {name: made[name] for name in ADA} == ADA
    assert (made["number"], made["age"] >= 40, made["version"]) == ("K-17/a", True, 2)
    other = patient(api, doctor)
    assert other["username"] is None
    assert other["number"].isdecimal()
    photo, foreign = image(api, doctor, made["patient_id"]), image(api, doctor, other["patient_id"])
    of_patient = {"specialty": "eye", "patient_id": made["patient_id"], "notes": "Hm."}
    case_id = api.client.post("/v1/cases", json={**of_patient, "image_ids": [photo]}, headers=doctor).json()[
        "case_id"
    ]
    me = invited(api, made["username"])
    assert api.client.get("/v1/me", headers=me).json()["patient_id"] == made["patient_id"]
    address = f"/v1/patients/{made['patient_id']}"
    assert api.client.get(address, headers=me).json() == made
    assert listed(api, me, "/v1/patients", "patient_id") == [made["patient_id"]]
    assert listed(api, me, f"{address}/images", "image_id") == [photo]
    assert listed(api, me, f"{address}/cases", "case_id") == [case_id]
    assert api.client.get(f"/v1/images/{photo}", headers=me).json()["patient_id"] == made["patient_id"]
    assert api.client.get(f"/v1/images/{foreign}", headers=me).status_code == 404
    assert api.client.get(f"/v1/cases/{case_id}", headers=me).json()["notes"] is None
    assert api.client.get(f"/v1/patients/{other['patient_id']}", headers=me).status_code == 404
    assert api.client.post("/v1/patients", json={"name": "X"}, headers=me).status_code == 403
    refused = api.client.patch(address, json={"name": "X"}, headers={**me, "If-Match": '"2"'})
    assert refused.status_code == 403
    again = api.client.post("/v1/patients", json={**ADA, "invite": True}, headers=doctor)
    assert (again.status_code, again.json()["code"]) == (409, "address_taken")


def test_an_address_that_has_an_account_is_not_invited_and_nothing_stays(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    gp = api.sign_up("greta", Role.GP)
    # moto does not refuse a second account of one address, as Cognito does.
    monkeypatch.setattr(CognitoDirectory, "invite", lambda *_: None)
    body = {"name": "Jane", "email": "jane@example.org", "number": "5", "invite": True}
    assert api.client.post("/v1/patients", json=body, headers=gp).status_code == 409
    assert listed(api, gp, "/v1/patients", "patient_id") == []
    kinds = {item.kind for item in CaseworkItem.scan()}
    assert kinds == {"month"}
    patient(api, gp, number="5")


def test_roles_and_ownership_decide_who_sees_a_patient(api: Api) -> None:
    gp, other_gp = api.sign_up("greta", Role.GP), api.sign_up("gert", Role.GP)
    doctor, admin = api.sign_up("doctor", Role.DOCTOR), api.sign_up("admin", Role.ADMIN)
    researcher, stranger = api.sign_up("rita", Role.RESEARCHER), api.sign_up("stranger")
    made = [patient(api, gp)["patient_id"] for _ in range(3)]
    foreign = patient(api, other_gp)["patient_id"]
    sees = {
        "gp": (gp, made[::-1]),
        "other gp": (other_gp, [foreign]),
        "doctor": (doctor, [foreign, *made[::-1]]),
        "admin": (admin, [foreign, *made[::-1]]),
        "researcher": (researcher, []),
        "stranger": (stranger, []),
    }
    missing = (new_id(), "nonsense")
    for name, (person, expected) in sees.items():
        assert listed(api, person, "/v1/patients", "patient_id") == expected, name
        works = name not in ("researcher", "stranger")
        for which in (*made, foreign, *missing):
            seen = which in expected
            for path in ("", "/images", "/cases"):
                answer = api.client.get(f"/v1/patients/{which}{path}", headers=person)
                assert answer.status_code == (200 if seen else 404), (name, path)
            change = {"json": {"phone": "123456"}, "headers": {**person, "If-Match": '"99"'}}
            answer = api.client.patch(f"/v1/patients/{which}", **change)
            assert answer.status_code == (403 if not works else 412 if seen else 404), name
            upload = {"json": {**PHOTO, "patient_id": which}, "headers": person}
            expected_status = 403 if not works else 201 if seen else 404
            assert api.client.post("/v1/images", **upload).status_code == expected_status, name
    assert api.client.post("/v1/patients", json={"name": "X"}, headers=researcher).status_code == 403
    assert api.client.get("/v1/patients").status_code == 401


def test_strangers_and_unknown_patients_are_told_apart_by_nobody(api: Api) -> None:
    gp, stranger = api.sign_up("greta", Role.GP), api.sign_up("gert", Role.GP)
    patient_id = patient(api, gp)["patient_id"]
    photo = image(api, stranger, None)
    calls: list[tuple[str, str, dict[str, Any] | None]] = [
        ("GET", "/v1/patients/{}", None),
        ("GET", "/v1/patients/{}/images", None),
        ("GET", "/v1/patients/{}/cases", None),
        ("PATCH", "/v1/patients/{}", {"name": "X"}),
        ("POST", "/v1/images", PHOTO),
        ("POST", "/v1/cases", {"specialty": "eye", "image_ids": [photo]}),
    ]
    for method, path, body in calls:
        told = set()
        for which in (patient_id, new_id(), "nonsense"):
            sent = {**body, "patient_id": which} if body and method == "POST" else body
            answer = api.client.request(method, path.format(which), json=sent, headers=stranger)
            assert answer.status_code == 404, (method, path)
            told.add(json.dumps({**answer.json(), "correlation_id": ""}))
        assert len(told) == 1
    denied = [entry for entry in api.audited() if entry["outcome"] == "denied" and entry["subject"] != "-"]
    assert {entry["action"] for entry in denied} == {"patient.read"}
    assert sum(entry["subject"] == patient_id for entry in denied) == len(calls)


def test_a_change_names_its_version_and_numbers_stay_unique(api: Api) -> None:
    gp = api.sign_up("greta", Role.GP)
    made, other = patient(api, gp, age=40, number="1"), patient(api, gp, number="2")
    address = f"/v1/patients/{made['patient_id']}"

    def change(version: str | None, **body: Any) -> Any:
        headers = gp if version is None else {**gp, "If-Match": version}
        return api.client.patch(address, json=body, headers=headers)

    assert change(None, name="A").status_code == 428
    assert change('"1"').status_code == 422
    first = change('"1"', name="A", birth_date="2000-01-01", phone="12345")
    assert (first.status_code, first.headers["ETag"]) == (200, '"2"')
    assert first.json()["name"] == "A"
    assert change('"1"', name="B").status_code == 412
    taken = change('"2"', number="2")
    assert (taken.status_code, taken.json()["code"]) == (409, "patient_number_taken")
    assert change('"2"', number="3", phone=None).json()["phone"] is None
    assert patient(api, gp, number="1")["patient_id"] != made["patient_id"]
    assert change('"3"', name=None).status_code == 422
    assert change('"3"', age=1, birth_date="2000-01-01").status_code == 422
    both = api.client.post("/v1/patients", json={"name": "A", "number": "2"}, headers=gp)
    assert both.status_code == 409
    assert api.client.get(f"/v1/patients/{other['patient_id']}", headers=gp).json()["number"] == "2"


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"email": "nobody"},
        {"age": -1},
        {"age": 4, "birth_date": "2000-01-01"},
        {"gender": "?"},
        {"phone": "call me"},
        {"number": "a b"},
        {"surprise": 1},
        {"invite": True},
    ],
)
def test_a_patient_that_does_not_fit_is_refused(api: Api, wrong: dict[str, Any]) -> None:
    gp = api.sign_up("greta", Role.GP)
    answer = api.client.post("/v1/patients", json={"name": "A", **wrong}, headers=gp)
    assert answer.status_code in (400, 422)
    assert listed(api, gp, "/v1/patients", "patient_id") == []


def test_lists_of_a_patient_go_page_by_page_and_refuse_foreign_cursors(api: Api) -> None:
    gp = api.sign_up("greta", Role.GP)
    patient_id = patient(api, gp)["patient_id"]
    photos = [image(api, gp, patient_id) for _ in range(5)]
    image(api, gp, None)
    body = {"specialty": "eye", "patient_id": patient_id}
    cases = [
        api.client.post("/v1/cases", json={**body, "image_ids": [photo]}, headers=gp).json()["case_id"]
        for photo in photos
    ]
    address = f"/v1/patients/{patient_id}"
    assert listed(api, gp, f"{address}/images", "image_id") == photos[::-1]
    assert listed(api, gp, f"{address}/cases", "case_id") == cases[::-1]
    freed = api.client.patch(
        f"/v1/cases/{cases[0]}", json={"patient_id": None}, headers={**gp, "If-Match": '"1"'}
    )
    assert freed.status_code == 200
    assert listed(api, gp, f"{address}/cases", "case_id") == cases[:0:-1]
    for path in ("/v1/patients", f"{address}/images", f"{address}/cases"):
        assert api.client.get(path, params={"cursor": "x"}, headers=gp).status_code == 400


def test_a_repeated_announcement_is_of_the_same_patient(api: Api) -> None:
    gp = api.sign_up("greta", Role.GP)
    first, second = patient(api, gp)["patient_id"], patient(api, gp)["patient_id"]
    headers = {**gp, "Idempotency-Key": "k1"}
    statuses = [
        api.client.post("/v1/images", json={**PHOTO, "patient_id": which}, headers=headers).status_code
        for which in (first, first, second)
    ]
    assert statuses == [201, 200, 422]


def test_no_patient_is_named_in_logs_or_in_the_audit_trail(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr(logger.registered_handler, "stream", out)
    gp, stranger = api.sign_up("greta", Role.GP), api.sign_up("gert", Role.GP)
    made = patient(api, gp, **ADA, invite=True)
    address = f"/v1/patients/{made['patient_id']}"
    api.client.get(address, headers=stranger)
    api.client.post("/v1/patients", json={**ADA, "invite": True}, headers=gp)
    api.client.post("/v1/patients", json={**ADA, "gender": "Adeline Quux"}, headers=gp)
    api.client.patch(address, json={"address": "2 Quux Street"}, headers={**gp, "If-Match": '"2"'})
    assert "answered" in out.getvalue()
    told = out.getvalue() + json.dumps(api.audited())
    assert "quux" not in told.lower()
    assert "901820" not in told
    actions = [entry["action"] for entry in api.audited() if entry["subject"] == made["patient_id"]]
    assert actions == ["patient.create", "patient.read", "patient.change"]
