"""Patients' forms, and what people think of the platform."""

from typing import Any

from httpx import Response

from tests.integration.api.conftest import Api
from tests.integration.api.test_api_cases import case, change, image
from triagelens.domain.people import Role

FORM: dict[str, Any] = {
    "consent": True,
    "reference": "SMITA-12",
    "age": 54,
    "gender": "female",
    "symptoms": ["burning"],
    "site": "left cheek",
    "tobacco": "current",
    "areca_nut": "never",
    "answers": {"Dentures?": "no"},
}


def test_a_form_goes_with_a_case_and_one_of_its_images(api: Api) -> None:
    gp, doctor, patient = (
        api.sign_up("greta", Role.GP),
        api.sign_up("doctor", Role.DOCTOR),
        api.sign_up("pat"),
    )
    photos = [image(api, gp), image(api, gp)]
    case_id = case(api, gp, *photos)["case_id"]
    address = f"/v1/cases/{case_id}/form"
    assert api.client.get(address, headers=gp).status_code == 404

    def submit(version: int | None, **changes: Any) -> Response:
        headers = gp if version is None else {**gp, "If-Match": f'"{version}"'}
        body = {"image_index": 1, "form": {**FORM, **changes}}
        answer: Response = api.client.put(address, json=body, headers=headers)
        return answer

    assert submit(1).status_code == 412  # there is none yet
    made = submit(None)
    assert (made.status_code, made.json()["image_id"], made.headers["ETag"]) == (200, photos[1], '"1"')
    assert {name: made.json()["form"][name] for name in FORM} == FORM
    assert submit(None).status_code == 412
    assert submit(1, age=55).json()["form"]["age"] == 55
    assert submit(1, age=56).status_code == 412
    shown = api.client.get(address, headers=doctor)
    assert (shown.json()["form"]["age"], shown.headers["ETag"]) == (55, '"2"')
    assert api.client.get(address, headers=patient).status_code == 403
    history = api.client.get(f"/v1/cases/{case_id}/history", headers=doctor).json()["items"]
    assert [entry["action"] for entry in history[:2]] == ["form.submit", "form.submit"]
    assert history[0]["before"]["answers"]["age"] == 54
    for wrong in ({"age": 200}, {"tobacco": "often"}, {"consent": "perhaps"}, {"surprise": 1}):
        assert submit(2, **wrong).status_code == 422
    much = {f"question {number}": "\N{TAMIL LETTER A}" * 2000 for number in range(50)}
    assert submit(2, answers=much).status_code == 413
    missing = api.client.put(
        address, json={"image_index": 2, "form": FORM}, headers={**gp, "If-Match": '"2"'}
    )
    assert missing.status_code == 400
    change(api, doctor, f"{case_id}/confirm", {"final_diagnosis": "Normal"}, 1)
    assert submit(3).status_code == 409


def test_everybody_gives_feedback_once_and_admins_read_and_reset_it(api: Api) -> None:
    ada, ben, admin = api.sign_up("ada"), api.sign_up("ben"), api.sign_up("root", Role.ADMIN)
    assert api.client.get("/v1/feedback/mine", headers=ada).json() == {"given": False, "feedback": None}
    for rating, text in ((2, "Slow."), (4, "Fast now.")):
        given = api.client.post("/v1/feedback", json={"rating": rating, "text": text}, headers=ada)
        assert given.status_code == 201
    api.client.post("/v1/feedback", json={"rating": 5}, headers=ben)
    mine = api.client.get("/v1/feedback/mine", headers=ada).json()
    assert (mine["given"], mine["feedback"]["text"]) == (True, "Fast now.")
    for wrong in ({"rating": 0}, {"rating": 6}, {"rating": 3, "text": "x" * 4001}, {"text": "x"}):
        assert api.client.post("/v1/feedback", json=wrong, headers=ada).status_code == 422
    for person in (ada, ben):
        assert api.client.get("/v1/feedback", headers=person).status_code == 403
        assert api.client.delete("/v1/feedback", headers=person).status_code == 403
    first = api.client.get("/v1/feedback", params={"limit": 1}, headers=admin).json()
    rest = api.client.get("/v1/feedback", params={"cursor": first["cursor"]}, headers=admin).json()
    found = [*first["items"], *rest["items"]]
    assert sorted(entry["rating"] for entry in found) == [4, 5]
    assert rest["cursor"] is None
    assert api.client.get("/v1/feedback", params={"cursor": "x"}, headers=admin).status_code == 400
    assert api.client.delete("/v1/feedback", headers=admin).json() == {"removed": 2, "more": False}
    assert api.client.get("/v1/feedback", headers=admin).json()["items"] == []
    assert api.client.get("/v1/feedback/mine", headers=ada).json()["given"] is False
    assert "feedback.reset" in [entry["action"] for entry in api.audited()]
