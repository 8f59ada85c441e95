"""Reports over HTTP: asked for, made from what is stored, fetched by whom they are for and by nobody else."""

import hashlib
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

import render_report.settings
import render_report.wiring
from tests.integration.api.conftest import Api
from tests.integration.api.reporting import (
    FakeExplainer,
    files,
    made,
    requested,
    stored_image,
    text_of,
)
from triagelens.adapters.dynamodb.tables import CaseworkItem, UsersItem
from triagelens.domain.errors import ConflictError
from triagelens.domain.ids import new_id
from triagelens.domain.images import ImageRecord, ImageStatus
from triagelens.domain.people import Role

Headers = dict[str, str]
NAME, COMMENT, NOTES, REASON = "王 Ångström", "#eval(1) and *bold*", "Grows since spring", "Dermoscopy agrees"


@pytest.fixture
def explainer(api: Api, monkeypatch: pytest.MonkeyPatch) -> FakeExplainer:
    made = FakeExplainer(api.cloud)
    monkeypatch.setattr(render_report.wiring, "LambdaExplainer", lambda *_: made)
    monkeypatch.setenv("CLINIC_NAME", "Example Clinic")
    monkeypatch.setenv("PORTAL_URL", "https://portal.example.org/")
    for cache in (
        render_report.settings.settings,
        render_report.wiring.making,
        render_report.wiring.giving_up,
    ):
        cache.cache_clear()
    return made


def answered(api: Api, method: str, path: str, headers: Headers, expected: int = 200, **more: Any) -> Any:
    answer = api.client.request(method, path, headers=headers, **more)
    assert answer.status_code == expected, answer.text
    return answer.json()


def patient_of(api: Api, headers: Headers) -> str:
    body = {"name": NAME, "birth_date": "1985-12-10", "number": new_id()[-8:].upper()}
    patient_id: str = answered(api, "POST", "/v1/patients", headers, 201, json=body)["patient_id"]
    return patient_id


def case_of(api: Api, headers: Headers, images: list[ImageRecord], **more: Any) -> str:
    body = {"specialty": "skin", "image_ids": [image.image_id for image in images], "notes": NOTES, **more}
    case_id: str = answered(api, "POST", "/v1/cases", headers, 201, json=body)["case_id"]
    return case_id


def me(api: Api, headers: Headers) -> str:
    """The person's `sub`."""
    username = answered(api, "GET", "/v1/me", headers)["username"]
    [sub] = [item.body["sub"] for item in UsersItem.scan() if item.body.get("username") == username]
    return str(sub)


def ask(api: Api, path: str, headers: Headers, audience: str | None = None) -> str:
    body = None if audience is None else {"audience": audience}
    told = answered(api, "POST", f"{path}/reports", headers, 202, json=body)
    assert told["status"] == "queued"
    report_id: str = told["report_id"]
    return report_id


def test_a_report_is_asked_for_made_and_fetched(api: Api, explainer: FakeExplainer) -> None:
    doctor = api.sign_up("dora", Role.DOCTOR)
    patient_id = patient_of(api, doctor)
    image = stored_image(api.cloud, me(api, doctor), patient_id=patient_id)
    case_id = case_of(api, doctor, [image], patient_id=patient_id)
    answered(api, "POST", f"/v1/cases/{case_id}/comments", doctor, 201, json={"text": COMMENT})
    report_id = ask(api, f"/v1/cases/{case_id}", doctor)
    [told] = requested(api.cloud)
    assert told["detail-type"] == "report.requested"
    assert told["detail"]["detail"]["report_id"] == report_id
    assert NAME not in str(told)
    assert "download" not in {
        key for key, value in answered(api, "GET", f"/v1/reports/{report_id}", doctor).items() if value
    }
    assert made(report_id) == []
    report = answered(api, "GET", f"/v1/reports/{report_id}", doctor)
    assert (report["status"], report["number"], report["images"]) == ("ready", 1, 1)
    [(key, pdf)] = files(api.cloud).items()
    assert report["sha256"] == hashlib.sha256(pdf).hexdigest()
    assert key == f"reports/{case_id}/{report['sha256']}.pdf"
    assert report["size_bytes"] == len(pdf)
    text = text_of(pdf)
    for said in (NAME, COMMENT, NOTES, "Example Clinic", "Melanoma", "70.0 %", "phantom-skin 1.0.0", "dora"):
        assert said in text, said
    for said in (
        "aaaaaaaaaaaaaaaa",
        "demonstration",
        "not for clinical use",
        "version 1",
        "evidence for melanoma by grad",
        "unlike those that it was trained on",
    ):
        assert said.lower() in " ".join(text.lower().split()), said
    query = parse_qs(urlsplit(report["download"]["url"]).query)
    assert query["response-content-disposition"] == [f'attachment; filename="report-{case_id[-8:]}-1.pdf"']
    assert query["X-Amz-Expires"] == ["300"]


def test_the_same_content_is_the_same_file_and_a_change_is_another(
    api: Api, explainer: FakeExplainer
) -> None:
    doctor = api.sign_up("dora", Role.DOCTOR)
    case_id = case_of(api, doctor, [stored_image(api.cloud, me(api, doctor))])
    first, again = (ask(api, f"/v1/cases/{case_id}", doctor) for _ in range(2))
    made(first), made(again), made(first)
    assert len(files(api.cloud)) == 1
    reports = answered(api, "GET", f"/v1/cases/{case_id}/reports", doctor)["items"]
    assert [report["report_id"] for report in reports] == [again, first]
    assert len({(report["number"], report["sha256"]) for report in reports}) == 1
    answered(api, "POST", f"/v1/cases/{case_id}/comments", doctor, 201, json={"text": "New."})
    changed = ask(api, f"/v1/cases/{case_id}", doctor)
    made(changed)
    assert answered(api, "GET", f"/v1/reports/{changed}", doctor)["number"] == 2
    assert answered(api, "GET", f"/v1/reports/{first}", doctor)["number"] == 1, "it never changes"
    assert len(files(api.cloud)) == 2
    own = answered(api, "GET", "/v1/reports?limit=2", doctor)
    rest = answered(api, "GET", f"/v1/reports?limit=2&cursor={own['cursor']}", doctor)
    assert [one["report_id"] for one in (*own["items"], *rest["items"])] == [changed, again, first]
    assert rest["cursor"] is None


def test_what_is_for_the_patient_holds_nothing_that_clinicians_wrote(
    api: Api, explainer: FakeExplainer
) -> None:
    doctor, ada = api.sign_up("dora", Role.DOCTOR), api.sign_up("ada")
    case_id = case_of(api, doctor, [stored_image(api.cloud, me(api, ada))])
    answered(api, "POST", f"/v1/cases/{case_id}/comments", doctor, 201, json={"text": COMMENT})
    headers = {**doctor, "If-Match": '"1"'}
    answered(
        api,
        "POST",
        f"/v1/cases/{case_id}/confirm",
        headers,
        json={"final_diagnosis": "mel", "reason": REASON},
    )
    clinic, for_ada = (ask(api, f"/v1/cases/{case_id}", doctor, who) for who in ("clinic", "patient"))
    made(clinic), made(for_ada)
    told = {"clinic": clinic, "patient": for_ada}
    texts = {}
    for who, report_id in told.items():
        sha256 = answered(api, "GET", f"/v1/reports/{report_id}", doctor)["sha256"]
        texts[who] = text_of(files(api.cloud)[f"reports/{case_id}/{sha256}.pdf"])
    for private in (COMMENT, NOTES, REASON):
        assert private in texts["clinic"]
        assert private not in texts["patient"]
    assert "confirmed" in texts["patient"]
    assert answered(api, "GET", f"/v1/reports/{for_ada}", ada)["download"]["url"]
    assert "There is no such report." in answered(api, "GET", f"/v1/reports/{clinic}", ada, 404)["detail"]
    listed = answered(api, "GET", f"/v1/cases/{case_id}/reports", ada)["items"]
    assert [report["report_id"] for report in listed] == [for_ada]


def test_who_may_not_see_the_patient_gets_no_details_and_no_report_that_has_them(
    api: Api, explainer: FakeExplainer
) -> None:
    doctor, gp = api.sign_up("dora", Role.DOCTOR), api.sign_up("greta", Role.GP)
    patient_id = patient_of(api, doctor)
    case_id = case_of(api, gp, [stored_image(api.cloud, me(api, gp))])
    answered(
        api,
        "PATCH",
        f"/v1/cases/{case_id}",
        {**doctor, "If-Match": '"1"'},
        json={"patient_id": patient_id},
    )
    by_doctor, by_gp = ask(api, f"/v1/cases/{case_id}", doctor), ask(api, f"/v1/cases/{case_id}", gp)
    made(by_doctor), made(by_gp)
    answered(api, "GET", f"/v1/reports/{by_doctor}", gp, 404)
    sha256 = answered(api, "GET", f"/v1/reports/{by_gp}", gp)["sha256"]
    assert NAME not in text_of(files(api.cloud)[f"reports/{case_id}/{sha256}.pdf"])
    listed = answered(api, "GET", f"/v1/cases/{case_id}/reports", gp)["items"]
    assert [report["report_id"] for report in listed] == [by_gp]
    listed = answered(api, "GET", f"/v1/patients/{patient_id}/reports", doctor)["items"]
    assert [report["report_id"] for report in listed] == [by_doctor]


@pytest.mark.parametrize("path", ["/v1/cases/{}", "/v1/patients/{}"])
def test_strangers_and_patients_ask_for_nothing(api: Api, path: str) -> None:
    gp, stranger, ada = (
        api.sign_up("greta", Role.GP),
        api.sign_up("gert", Role.GP),
        api.sign_up("ada"),
    )
    image = stored_image(api.cloud, me(api, gp))
    thing = case_of(api, gp, [image]) if "cases" in path else patient_of(api, gp)
    for found in (thing, new_id()):
        answered(api, "POST", f"{path.format(found)}/reports", stranger, 404)
        answered(api, "GET", f"{path.format(found)}/reports", stranger, 404)
        answered(api, "POST", f"{path.format(found)}/reports", ada, 403)
    answered(api, "POST", f"{path.format(thing)}/reports", gp, 422, json={"audience": "everybody"})
    for report_id in (new_id(), "x"):
        answered(api, "GET", f"/v1/reports/{report_id}", gp, 404)
    answered(api, "GET", "/v1/reports?cursor=nonsense", gp, 400)
    assert not [item for item in CaseworkItem.scan() if item.kind == "report"]


def test_a_patients_report_shows_analysed_images_and_counts_the_others(
    api: Api, explainer: FakeExplainer
) -> None:
    doctor = api.sign_up("dora", Role.DOCTOR)
    sub, patient_id = me(api, doctor), patient_of(api, doctor)
    images = [stored_image(api.cloud, sub, patient_id=patient_id) for _ in range(3)]
    stored_image(api.cloud, sub, ImageStatus.REJECTED, patient_id=patient_id)
    explainer.wrong[images[0].image_id] = ConflictError("The model is no longer here.")
    case_of(api, doctor, images[:1], patient_id=patient_id)
    report_id = ask(api, f"/v1/patients/{patient_id}", doctor, "patient")
    assert made(report_id) == []
    report = answered(api, "GET", f"/v1/reports/{report_id}", doctor)
    assert (report["kind"], report["images"]) == ("patient", 3)
    text = text_of(files(api.cloud)[f"reports/{patient_id}/{report['sha256']}.pdf"])
    for said in (
        NAME,
        "Image 3 of 3",
        "Without an answer 3",
        "open: 1",
        "The model is no longer here.",
        "Rejected",
    ):
        assert said in text, said
    assert NOTES not in text
