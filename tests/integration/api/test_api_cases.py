"""Casework through the API's door: numbers, cases, who sees what, who may change what."""

import json
from typing import Any

import pytest
from httpx import Response

from tests.integration.api.conftest import Api
from tests.integration.api.test_api_way_of_an_image import accept, analyse
from triagelens.domain.ids import new_id
from triagelens.domain.people import Role

Person = dict[str, str]
PHOTO = {"specialty": "eye", "content_type": "image/jpeg", "size_bytes": 2000}


def image(api: Api, person: Person, **more: Any) -> str:
    image_id: str = api.client.post("/v1/images", json={**PHOTO, **more}, headers=person).json()["image_id"]
    return image_id


def case(api: Api, person: Person, *image_ids: str, **more: Any) -> dict[str, Any]:
    body = {"specialty": "eye", "image_ids": image_ids or [image(api, person)], **more}
    answer = api.client.post("/v1/cases", json=body, headers=person)
    assert answer.status_code == 201, answer.text
    assert answer.headers["ETag"] == '"1"'
    made: dict[str, Any] = answer.json()
    return made


def _patient(api: Api, person: Person) -> str:
    answer = api.client.post("/v1/patients", json={"name": "Anybody"}, headers=person)
    return str(answer.json()["patient_id"])


def change(api: Api, person: Person, path: str, body: dict[str, Any], version: int | None) -> Response:
    headers = person if version is None else {**person, "If-Match": f'"{version}"'}
    method = "POST" if path.endswith(("/confirm", "/uncertain", "/reject")) else "PATCH"
    answer: Response = api.client.request(method, f"/v1/cases/{path}", json=body, headers=headers)
    return answer


def test_a_gp_makes_a_case_and_a_doctor_decides_it(api: Api) -> None:
    gp, doctor = api.sign_up("greta", Role.GP), api.sign_up("doctor", Role.DOCTOR)
    number = api.client.post("/v1/cases/ids", headers=gp)
    assert (number.status_code, number.json()) == (201, {"number": 10_000})
    photo = image(api, gp)
    made = case(api, gp, photo, number=10_000, notes="Since summer.", patient_id=_patient(api, gp))
    assert (made["status"], made["number"], made["notes"]) == ("open", 10_000, "Since summer.")
    accept(photo)
    analyse(photo)
    address = f"/v1/cases/{made['case_id']}"
    shown = api.client.get(address, headers=doctor)
    assert shown.headers["ETag"] == '"1"'
    [of_case] = shown.json()["images"]
    assert (of_case["image_id"], of_case["prediction"]["top_label"]) == (photo, "cataract")
    doubted = change(api, gp, f"{made['case_id']}/uncertain", {"reason": "Reflections."}, 1)
    assert (doubted.status_code, doubted.json()["status"], doubted.headers["ETag"]) == (
        200,
        "uncertain",
        '"2"',
    )
    said = {"final_diagnosis": "Cataract, right", "reason": "Clear in the second look."}
    confirmed = change(api, doctor, f"{made['case_id']}/confirm", said, 2)
    assert confirmed.status_code == 200
    me = api.client.get("/v1/me", headers=doctor).json()["id"]
    assert confirmed.json()["decision"] | {"at": ""} == {"at": "", "by": me, "reason": said["reason"]}
    assert confirmed.json()["final_diagnosis"] == "Cataract, right"
    history = api.client.get(f"{address}/history", headers=gp).json()["items"]
    assert [entry["action"] for entry in history] == ["case.confirm", "case.uncertain", "case.create"]
    assert history[1]["reason"] == "Reflections."
    assert history[1]["before"] == {"status": "open"}


def test_a_change_says_which_version_it_is_made_to(api: Api) -> None:
    gp = api.sign_up("greta", Role.GP)
    case_id = case(api, gp)["case_id"]
    assert change(api, gp, case_id, {"notes": "a"}, None).status_code == 428
    assert change(api, gp, f"{case_id}/reject", {"reason": "a"}, None).status_code == 428
    assert (
        api.client.patch(
            f"/v1/cases/{case_id}", json={"notes": "a"}, headers={**gp, "If-Match": "*"}
        ).status_code
        == 428
    )
    assert change(api, gp, case_id, {"notes": "first"}, 1).status_code == 200
    lost = change(api, gp, case_id, {"notes": "second"}, 1)
    assert (lost.status_code, lost.json()["code"]) == (412, "outdated")
    assert change(api, gp, f"{case_id}/reject", {"reason": "b"}, 1).status_code == 412
    assert change(api, gp, f"{case_id}/reject", {"reason": "b"}, 2).status_code == 200
    refused = change(api, gp, case_id, {"notes": "third"}, 3)
    assert (refused.status_code, refused.json()["code"]) == (409, "invalid_transition")
    assert api.client.get(f"/v1/cases/{case_id}", headers=gp).json()["notes"] == "first"


def test_an_image_is_put_into_one_undecided_case_by_those_who_see_it(api: Api) -> None:
    gp, other = api.sign_up("greta", Role.GP), api.sign_up("other", Role.GP)
    photo, foreign = image(api, gp), image(api, other)
    made = case(api, gp, photo)
    again = api.client.post("/v1/cases", json={"specialty": "eye", "image_ids": [photo]}, headers=gp)
    assert again.status_code == 409
    answers = [
        api.client.post("/v1/cases", json={"specialty": "eye", "image_ids": [wrong]}, headers=gp)
        for wrong in (foreign, new_id(), "nonsense")
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.json()["detail"] for answer in answers}) == 1
    assert change(api, gp, made["case_id"], {"image_ids": [photo, foreign]}, 1).status_code == 404
    second = image(api, gp)
    both = change(api, gp, made["case_id"], {"image_ids": [photo, second]}, 1)
    assert both.json()["image_ids"] == [photo, second]
    # The refused tries gave their numbers back.
    assert case(api, gp)["number"] == made["number"] + 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"image_ids": []},
        {"specialty": "skin"},
        {"specialty": "feet"},
        {"number": 12},
        {"patient_id": "Jane Doe"},
        {"surprise": 1},
    ],
)
def test_a_case_that_does_not_fit_is_refused(api: Api, wrong: dict[str, Any]) -> None:
    gp = api.sign_up("greta", Role.GP)
    body = {"specialty": "eye", "image_ids": [image(api, gp)], **wrong}
    answer = api.client.post("/v1/cases", json=body, headers=gp)
    assert answer.status_code in (400, 409, 422)
    assert api.client.get("/v1/cases", headers=gp).json()["items"] == []


def test_strangers_and_unknown_cases_are_told_apart_by_nobody(api: Api) -> None:
    gp, stranger = api.sign_up("greta", Role.GP), api.sign_up("stranger", Role.GP)
    case_id = case(api, gp)["case_id"]
    calls: list[tuple[str, str, dict[str, Any] | None, bool]] = [
        ("GET", "", None, False),
        ("GET", "/history", None, False),
        ("GET", "/comments", None, False),
        ("POST", "/comments", {"text": "x"}, False),
        ("PATCH", "", {"notes": "x"}, True),
        ("PATCH", "", {"notes": "x"}, False),
        ("POST", "/reject", {"reason": "x"}, True),
    ]
    for method, path, body, versioned in calls:
        headers = {**stranger, "If-Match": '"1"'} if versioned else stranger
        answers = [
            api.client.request(method, f"/v1/cases/{which}{path}", json=body, headers=headers)
            for which in (case_id, new_id(), "nonsense")
        ]
        assert [answer.status_code for answer in answers] == [404] * 3
        assert len({json.dumps({**answer.json(), "correlation_id": ""}) for answer in answers}) == 1


def test_a_patient_sees_the_outcome_of_their_own_images_and_nothing_else(api: Api) -> None:
    patient, other = api.sign_up("patient"), api.sign_up("other")
    doctor = api.sign_up("doctor", Role.DOCTOR)
    of_whom = _patient(api, doctor)
    made = case(api, doctor, image(api, patient), image(api, doctor), notes="Worrying.", patient_id=of_whom)
    unrelated = case(api, doctor)
    change(api, doctor, f"{made['case_id']}/confirm", {"final_diagnosis": "Normal", "reason": "Sure."}, 1)
    shown = api.client.get(f"/v1/cases/{made['case_id']}", headers=patient).json()
    assert (shown["status"], shown["final_diagnosis"], len(shown["images"])) == ("confirmed", "Normal", 2)
    assert (shown["notes"], shown["patient_id"]) == (None, None)
    assert (shown["decision"]["by"], shown["decision"]["reason"]) == (None, None)
    listed = api.client.get("/v1/cases", headers=patient).json()["items"]
    assert [entry["case_id"] for entry in listed] == [made["case_id"]]
    assert listed[0]["notes"] is None
    assert api.client.get(f"/v1/cases/{unrelated['case_id']}", headers=patient).status_code == 404
    for path in ("history", "comments", "labels"):
        assert api.client.get(f"/v1/cases/{made['case_id']}/{path}", headers=patient).status_code == 403
    assert api.client.post("/v1/cases/ids", headers=patient).status_code == 403
    assert api.client.get("/v1/cases", headers=other).json()["items"] == []
    mixed = {"specialty": "eye", "image_ids": [image(api, patient), image(api, other)]}
    assert api.client.post("/v1/cases", json=mixed, headers=doctor).status_code == 400


def test_lists_show_what_was_asked_for(api: Api) -> None:
    gp, doctor = api.sign_up("greta", Role.GP), api.sign_up("doctor", Role.DOCTOR)
    ids = {}
    for name in ("open", "uncertain", "rejected"):
        ids[name] = case(api, gp)["case_id"]
    skin = image(api, gp, specialty="skin")
    ids["skin"] = case(api, gp, skin, specialty="skin")["case_id"]
    ids["doctor's"] = case(api, doctor)["case_id"]
    change(api, gp, f"{ids['uncertain']}/uncertain", {"reason": "?"}, 1)
    change(api, doctor, f"{ids['rejected']}/reject", {"reason": "!"}, 1)
    names = {case_id: name for name, case_id in ids.items()}

    def listed(person: Person, **query: Any) -> list[str]:
        found = api.client.get("/v1/cases", params=query, headers=person).json()["items"]
        return [names[entry["case_id"]] for entry in found]

    assert listed(doctor) == ["doctor's", "skin", "rejected", "uncertain", "open"]
    assert listed(gp) == ["skin", "rejected", "uncertain", "open"]
    assert listed(gp, include_uncertain=False, include_rejected=False) == ["skin", "open"]
    assert listed(doctor, status="uncertain") == ["uncertain"]
    assert listed(doctor, specialty="skin", status="open") == ["skin"]
    first = api.client.get("/v1/cases", params={"limit": 2}, headers=doctor).json()
    rest = api.client.get("/v1/cases", params={"cursor": first["cursor"]}, headers=doctor).json()
    assert [names[entry["case_id"]] for entry in rest["items"]] == ["rejected", "uncertain", "open"]
    assert rest["cursor"] is None
    assert api.client.get("/v1/cases", params={"cursor": "x"}, headers=doctor).status_code == 400
    assert api.client.get("/v1/cases", params={"specialty": "feet"}, headers=doctor).status_code == 422


def test_a_number_is_released_by_its_holder_while_no_case_has_it(api: Api) -> None:
    gp, other = api.sign_up("greta", Role.GP), api.sign_up("other", Role.GP)
    number = api.client.post("/v1/cases/ids", headers=gp).json()["number"]
    assert api.client.delete(f"/v1/cases/ids/{number}", headers=other).status_code == 404
    assert api.client.delete(f"/v1/cases/ids/{number}", headers=gp).status_code == 204
    assert case(api, other)["number"] == number
    assert api.client.delete(f"/v1/cases/ids/{number}", headers=other).status_code == 409


def test_comments_and_labels_go_with_a_case(api: Api) -> None:
    gp, doctor = api.sign_up("greta", Role.GP), api.sign_up("doctor", Role.DOCTOR)
    address = f"/v1/cases/{case(api, gp)['case_id']}"
    said = api.client.post(f"{address}/comments", json={"text": "Look left."}, headers=gp)
    assert said.status_code == 201
    comment = f"{address}/comments/{said.json()['comment_id']}"
    assert api.client.patch(comment, json={"text": "Mine!"}, headers=doctor).status_code == 403
    assert api.client.patch(comment, json={"text": "Look right."}, headers=gp).status_code == 200
    [found] = api.client.get(f"{address}/comments", headers=doctor).json()["items"]
    assert found["text"] == "Look right."
    assert found["edited_at"] is not None
    assert (
        api.client.patch(f"{address}/comments/{new_id()}", json={"text": "x"}, headers=gp).status_code == 404
    )
    assert api.client.put(f"{address}/label", json={"correct_label": "normal"}, headers=gp).status_code == 403
    assert (
        api.client.put(f"{address}/label", json={"correct_label": "mel"}, headers=doctor).status_code == 400
    )
    for label in ("normal", "cataract"):
        body = {"correct_label": label, "notes": f"{label}, I think"}
        assert api.client.put(f"{address}/label", json=body, headers=doctor).status_code == 200
    assert api.client.get(f"{address}/labels", headers=gp).status_code == 403
    [label] = api.client.get(f"{address}/labels", headers=doctor).json()["items"]
    assert (label["correct_label"], label["notes"]) == ("cataract", "cataract, I think")
    history = api.client.get(f"{address}/history", headers=doctor).json()["items"]
    assert [entry["action"] for entry in history] == [
        "label.set",
        "label.set",
        "comment.edit",
        "comment.add",
        "case.create",
    ]
    assert history[0]["before"] == {"correct_label": "normal", "notes": "normal, I think"}
    assert history[2]["before"]["text"] == "Look left."
    assert api.client.get(address, headers=gp).headers["ETag"] == '"1"'
    version = {**gp, "If-Match": '"1"'}
    assert api.client.post(f"{address}/reject", json={"reason": "x"}, headers=version).status_code == 200
    refused = api.client.put(f"{address}/label", json={"correct_label": "normal"}, headers=doctor)
    assert refused.status_code == 409
