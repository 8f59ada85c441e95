"""The brain tumour system's portals: their words, and what they are told when something is not as ever."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from clinic_api.deps import explanations, statistics
from tests.fake_people import FIRST_PASSWORD
from tests.fake_tally import FakeTally
from tests.fakes import START
from tests.photos import photo
from tests.unit.api.conftest import Fakes
from triagelens.domain.abstention import Judgement, ModelDecision
from triagelens.domain.errors import ConflictError, TriagelensError, UnavailableError
from triagelens.domain.explanations import Explanation, Method
from triagelens.domain.ids import new_id
from triagelens.domain.images import Failure, ImageRecord, ImageStatus, WorkingImage
from triagelens.domain.people import Person, Role
from triagelens.domain.prediction import ModelIdentity, Prediction
from triagelens.domain.quality import QualityReport, Reason
from triagelens.domain.reports import Audience, ReportStatus, failure
from triagelens.domain.statistics import Counted

API = "/compat/braintumor/api"
PASSWORD = "Quite-unusual-42-words"
MODEL = ModelIdentity(name="m", version="1", sha256="a" * 64, manifest_sha256="b" * 64)
SMALL = photo(width=80, height=80)
GLIOMA = {"glioma": 0.6, "meningioma": 0.2, "pituitary": 0.1, "no_tumour": 0.1}
NOTHING = {"glioma": 0.1, "meningioma": 0.05, "pituitary": 0.05, "no_tumour": 0.8}


class Explains:
    """`services.explanations.Explainer`: an answer for each image, or what it raises instead."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.wrong: list[TriagelensError] = []
        self.before: Callable[[], None] = lambda: None

    def explain(self, image_id: str, label: str) -> Explanation:
        self.before()
        self.asked.append(image_id)
        if self.wrong:
            raise self.wrong.pop(0)
        return Explanation(
            image_id=image_id,
            label=label,
            method=Method.GRAD_CAM,
            heatmap_key=f"explanations/{image_id}/heatmap.png",
            overlay_key=f"explanations/{image_id}/overlay.jpg",
            central_share=0.5,
        )


class Portal:
    """The clinic's portal as a gp sees it, with a patient in it, and a pipeline behind it."""

    def __init__(self, client: TestClient, fakes: Fakes) -> None:
        assert isinstance(client.app, FastAPI)
        self.client, self.fakes = client, fakes
        self.explains = Explains()
        client.app.dependency_overrides[explanations.explainer] = lambda: self.explains
        self.gp = fakes.person("greta", Role.GP)
        self.patient: dict[str, Any] = self.add(name="Jane Roe", age=40)["patient"]

    def add(self, **told: Any) -> dict[str, Any]:
        body: dict[str, Any] = self.post("/admin/patients", json=told).json()
        return body

    def get(self, path: str, headers: dict[str, str] | None = None, **more: Any) -> Any:
        return self.client.get(f"{API}{path}", headers=headers or self.gp, follow_redirects=False, **more)

    def post(self, path: str, headers: dict[str, str] | None = None, **more: Any) -> Any:
        return self.client.post(f"{API}{path}", headers=headers or self.gp, **more)

    def send(self, *files: bytes, headers: dict[str, str] | None = None, patient: str = "") -> Any:
        """The answer to an upload by the clinic's portal."""
        sent = [("files", (f"scan{number}.png", data)) for number, data in enumerate(files or [SMALL])]
        data = {"patient_id": patient or self.patient["id"]}
        return self.post("/admin/scans/upload", headers, data=data, files=sent)

    def becomes(self, *ends: Callable[[ImageRecord], ImageRecord]) -> None:
        """What the pipeline makes of the photos that come in, in their order."""
        left = list(ends)

        def work() -> None:
            for record in sorted(self.fakes.casework.records.values(), key=lambda record: record.image_id):
                if record.status is ImageStatus.AWAITING_UPLOAD and left:
                    self.fakes.casework.replace_image(left.pop(0)(record))

        self.fakes.stopwatch.on_pause = work

    def record(self, specialty: str = "brain", probabilities: dict[str, float] | None = None) -> ImageRecord:
        """An analysed image of the patient's."""
        sent = self.send(photo(width=80, height=80, seed=len(self.fakes.casework.records) + 50)).json()
        stored = self.fakes.casework.image(sent["scan"]["scan_id"])
        made = found(probabilities or GLIOMA, specialty=specialty)(stored)
        return self.fakes.casework.replace_image(made.model_copy(update={"specialty": specialty}))


def found(
    probabilities: dict[str, float], decision: ModelDecision = ModelDecision.ACCEPT, specialty: str = "brain"
) -> Callable[[ImageRecord], ImageRecord]:
    prediction = Prediction.ranked(
        probabilities,
        specialty=specialty,
        model=MODEL,
        demonstration=True,
        intended_use="tests",
        judgement=Judgement(decision=decision),
    )

    def end(record: ImageRecord) -> ImageRecord:
        working = WorkingImage(key=f"working/{record.image_id}.jpg", width=80, height=80)
        changes = {"status": ImageStatus.ANALYZED, "prediction": prediction, "working_image": working}
        return record.model_copy(update=changes)

    return end


def blurred(record: ImageRecord) -> ImageRecord:
    reasons = (Reason(code="blurred", message="The photo is blurred."),)
    quality = QualityReport.model_validate({"verdict": "rejected", "reasons": reasons})
    return record.model_copy(update={"status": ImageStatus.REJECTED, "quality": quality})


def failed(record: ImageRecord) -> ImageRecord:
    cause = Failure(code="no_model", message="There is no model for this.", retryable=False)
    return record.model_copy(update={"status": ImageStatus.FAILED, "failure": cause})


@pytest.fixture
def portal(client: TestClient, fakes: Fakes) -> Portal:
    return Portal(client, fakes)


def test_a_finding_is_told_in_the_former_words_with_links_to_its_pictures(portal: Portal) -> None:
    portal.becomes(found(GLIOMA))
    answer = portal.send()
    assert answer.status_code == 200, answer.text
    scan = answer.json()["scan"]
    image = f"https://images.example/explanations/{scan['scan_id']}"
    assert scan == {
        "scan_id": scan["scan_id"],
        "original_filename": "scan0.png",
        "original_path": f"https://images.example/working/{scan['scan_id']}.jpg?expires=300",
        "heatmap_path": f"{image}/heatmap.png?expires=300",
        "overlay_path": f"{image}/overlay.jpg?expires=300",
        "prediction": "Tumor",
        "confidence": 0.6,
        "probability": pytest.approx(0.9),
        "demonstration": True,
        "status": "completed",
        "created_at": scan["created_at"],
    }
    record = portal.fakes.casework.image(scan["scan_id"])
    assert (record.patient_id, record.specialty) == (portal.patient["id"], "brain")


def test_a_model_that_abstains_says_neither_of_the_two_words(portal: Portal) -> None:
    portal.becomes(
        found(NOTHING), found(NOTHING, ModelDecision.ABSTAIN), found(NOTHING, ModelDecision.UNCERTAIN)
    )
    scans = portal.send(*(photo(width=80, height=80, seed=seed) for seed in (1, 2, 3))).json()["scans"]
    assert [scan["prediction"] for scan in scans] == ["No Tumor", "Inconclusive", "No Tumor"]


def test_what_is_not_found_in_time_is_answered_with_its_id_and_asked_for_by_sending_again(
    portal: Portal,
) -> None:
    late = portal.send()
    assert late.status_code == 202
    scan = late.json()["scan"]
    assert (scan["status"], scan["prediction"], scan["confidence"]) == ("processing", None, None)
    portal.becomes(found(GLIOMA))
    again = portal.send()
    assert (again.status_code, again.json()["scan"]["scan_id"]) == (200, scan["scan_id"])
    assert len(portal.fakes.casework.records) == 1


def test_files_that_came_to_nothing_are_told_beside_the_others(portal: Portal) -> None:
    portal.becomes(blurred, found(NOTHING), failed)
    body = portal.send(*(photo(width=80, height=80, seed=seed) for seed in (1, 2, 3))).json()
    assert [scan["original_filename"] for scan in body["scans"]] == ["scan1.png"]
    assert [(one["original_filename"], one["code"]) for one in body["failed"]] == [
        ("scan0.png", "BLURRED"),
        ("scan2.png", "NO_MODEL"),
    ]
    assert body["scan"] == body["scans"][0]


@pytest.mark.parametrize("path", ["/admin/scans/upload", "/scan/upload"])
@pytest.mark.parametrize(
    ("end", "status", "code"),
    [(blurred, 400, "BLURRED"), (failed, 503, "NO_MODEL")],
    ids=["blur", "no model"],
)
def test_where_all_came_to_nothing_it_is_an_error_and_no_prediction(
    portal: Portal, end: Callable[[ImageRecord], ImageRecord], status: int, code: str, path: str
) -> None:
    portal.becomes(end)
    field = "file" if path == "/scan/upload" else "files"
    answer = portal.post(path, data={"patient_id": portal.patient["id"]}, files={field: ("a.png", SMALL)})
    assert (answer.status_code, answer.json()["code"], answer.json()["success"]) == (status, code, False)
    assert set(answer.json()) == {"success", "error", "code"}


def test_what_is_too_large_or_no_image_has_the_former_shape(portal: Portal) -> None:
    large = portal.send(SMALL + bytes(2_300_000), SMALL + bytes(2_300_000))
    assert (large.status_code, large.json()["code"]) == (413, "PAYLOAD_TOO_LARGE")
    assert "POST /v1/images" in large.json()["error"]
    many = portal.send(*(SMALL + bytes([number]) for number in range(21)))
    assert (many.status_code, many.json()["code"]) == (413, "PAYLOAD_TOO_LARGE")
    letter = portal.send(SMALL, b"Dear Sir or Madam")
    assert (letter.status_code, letter.json()["code"]) == (400, "NOT_AN_IMAGE")
    assert portal.fakes.casework.records == {}


def test_an_upload_that_names_a_patient_and_nobody_who_asks_is_told_where_to_sign_in(portal: Portal) -> None:
    sent = {"data": {"patient_id": portal.patient["id"]}, "files": {"file": ("scan.png", SMALL)}}
    answer = portal.client.post(f"{API}/scan/upload", headers={"X-User-Role": "admin"}, **sent)
    assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHENTICATED")
    assert "POST /api/patient/login" in answer.json()["details"]
    stranger = portal.post("/scan/upload", portal.fakes.person("eve"), **sent)
    missing = portal.post("/scan/upload", data={"patient_id": new_id()}, files=sent["files"])
    assert (stranger.status_code, missing.status_code) == (404, 404)
    assert stranger.json() == missing.json()
    assert portal.fakes.casework.records == {}


def test_a_patient_sends_their_own_scan_by_their_number(portal: Portal) -> None:
    entered = invited(portal)
    portal.becomes(found(NOTHING))
    answer = portal.post(
        "/scan/upload",
        {"Authorization": f"Bearer {entered['access_token']}"},
        data={"patient_id": entered["patient"]["patient_id"]},
        files={"file": ("scan.png", SMALL)},
    )
    assert answer.status_code == 200, answer.text
    listed = portal.get(f"/admin/patients/{entered['patient']['id']}/scans").json()["scans"]
    assert [scan["scan_id"] for scan in listed] == [answer.json()["scan"]["scan_id"]]


def test_the_list_of_scans_holds_analysed_scans_of_the_brain(portal: Portal) -> None:
    brain = portal.record()
    portal.record("skin", {"mel": 0.7, "nv": 0.3})
    waiting = portal.send(photo(width=80, height=80, seed=99)).json()["scan"]["scan_id"]
    listed = portal.get(f"/admin/patients/{portal.patient['patient_id']}/scans").json()
    assert [scan["scan_id"] for scan in listed["scans"]] == [brain.image_id]
    assert portal.fakes.casework.image(waiting).status is ImageStatus.AWAITING_UPLOAD


def test_pictures_are_drawn_as_long_as_there_is_time_and_the_rest_is_null(portal: Portal) -> None:
    for _ in range(3):
        portal.record()
    portal.explains.asked.clear()
    portal.explains.before = lambda: portal.fakes.stopwatch.pause(5)
    scans = portal.get(f"/admin/patients/{portal.patient['id']}/scans").json()["scans"]
    assert [scan["overlay_path"] is not None for scan in scans] == [True, True, False]
    assert all(scan["original_path"] for scan in scans)
    assert len(portal.explains.asked) == 2


def test_a_scan_that_cannot_be_explained_keeps_no_other_back(portal: Portal) -> None:
    for _ in range(4):
        portal.record()
    portal.explains.wrong = [ConflictError("not this one")]
    scans = portal.get(f"/admin/patients/{portal.patient['id']}/scans").json()["scans"]
    assert [scan["heatmap_path"] is not None for scan in scans] == [False, True, True, True]
    portal.explains.asked.clear()
    portal.explains.wrong = [UnavailableError("not now", 5)]
    scans = portal.get(f"/admin/patients/{portal.patient['id']}/scans").json()["scans"]
    assert [scan["heatmap_path"] for scan in scans] == [None] * 4
    assert len(portal.explains.asked) == 1


def invited(portal: Portal) -> dict[str, Any]:
    """A patient who was invited, and has chosen a password."""
    made = portal.add(name="Ada Lovelace", email="ada@example.org")["patient"]
    first = {"username": made["username"], "password": FIRST_PASSWORD}
    asked = portal.post("/patient/login", json=first)
    assert (asked.status_code, asked.json()["details"]) == (401, "NEW_PASSWORD_REQUIRED")
    entered = portal.post("/patient/login", json={**first, "new_password": PASSWORD})
    assert entered.status_code == 200, entered.text
    body: dict[str, Any] = entered.json()
    return body


def test_a_patient_is_invited_by_mail_and_the_portal_is_told_no_password(portal: Portal) -> None:
    entered = invited(portal)
    assert portal.fakes.directory.invitations == [entered["patient"]["username"]]
    assert FIRST_PASSWORD not in str(entered)
    own = {"Authorization": f"Bearer {entered['access_token']}"}
    assert portal.get(f"/patient/{entered['patient']['id']}", own).json()["patient"] == entered["patient"]
    assert portal.get(f"/patient/{portal.patient['id']}", own).status_code == 404
    assert portal.get("/admin/patients", own).status_code == 403


def test_each_door_is_for_its_own_people(portal: Portal, fakes: Fakes) -> None:
    entered = invited(portal)
    fakes.identity.sign_up("doris", PASSWORD, None, None)
    fakes.identity.confirmed.add("doris")
    fakes.people.add_person(Person(sub="sub-doris", username="doris", role=Role.DOCTOR, created_at=START))
    doctor = {"username": "doris", "password": PASSWORD}
    fakes.directory.accept(entered["patient"]["username"])
    patient = {"username": entered["patient"]["username"], "password": FIRST_PASSWORD}
    for path, body, status in (
        ("/admin/login", doctor, 200),
        ("/patient/login", doctor, 403),
        ("/patient/login", patient, 200),
        ("/admin/login", patient, 403),
    ):
        assert portal.post(path, json=body).status_code == status, (path, body["username"])


def test_the_former_default_is_told_how_the_first_admin_is_made(portal: Portal) -> None:
    default = portal.post("/admin/login", json={"username": "admin", "password": "admin"})
    assert (default.status_code, default.json()["code"]) == (401, "NO_DEFAULT_ADMIN")
    assert "python -m clinic_api.grant" in default.json()["error"]
    other = portal.post("/admin/login", json={"username": "admin", "password": "nimda"})
    assert (other.status_code, other.json()["code"]) == (401, "SIGN_IN_FAILED")


def test_forms_of_the_portal_send_empty_texts_and_ages_as_texts(portal: Portal) -> None:
    made = portal.add(name="A", email="", age="85", gender="MALE", phone="", address="", patient_id="B-7")
    patient = made["patient"]
    assert (patient["age"], patient["gender"], patient["phone"], patient["username"]) == (
        85,
        "Male",
        None,
        None,
    )
    assert portal.get("/admin/patients/b-7").json()["patient"]["id"] == patient["id"]


def test_what_does_not_fit_is_a_400_with_the_place_and_without_the_value(portal: Portal) -> None:
    answer = portal.post("/admin/patients", json={"name": "A", "age": "canary"})
    assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_REQUEST")
    assert answer.json()["details"].startswith("#/age")
    assert "canary" not in answer.text
    taken = portal.post("/admin/patients", json={"name": "B", "patient_id": portal.patient["patient_id"]})
    assert (taken.status_code, taken.json()["code"]) == (400, "PATIENT_NUMBER_TAKEN")


def test_a_number_in_a_path_is_in_no_trail(portal: Portal) -> None:
    number = portal.patient["patient_id"]
    for path in ("", "/scans", "/reports"):
        assert portal.get(f"/admin/patients/{number}{path}").status_code == 200
    missing = portal.get("/admin/patients/99999999/reports")
    assert missing.status_code == 404
    nosy = portal.fakes.person("nosy")
    for path in (f"/admin/patients/{number}", f"/admin/patients/{number}/reports"):
        assert portal.get(path, nosy).status_code == 403
    told = "".join(entry.model_dump_json() for entry in portal.fakes.audit.entries)
    assert '"actor":"sub-nosy"' in told
    assert number not in told
    assert "99999999" not in told


def test_the_trail_names_the_scan_that_was_sent_or_the_patient_of_several(portal: Portal) -> None:
    portal.becomes(*[found(NOTHING)] * 3)
    portal.fakes.audit.entries.clear()
    one = portal.send().json()["scan"]["scan_id"]
    portal.send(*(photo(width=80, height=80, seed=seed) for seed in (2, 3)))
    report = portal.post("/report/generate", json={"patient_id": portal.patient["id"]}).json()["report_id"]
    told = [(entry.action.rpartition("/")[2], entry.subject) for entry in portal.fakes.audit.entries]
    patient = portal.patient["id"]
    attached = ("patient.attach", patient)
    assert told == [attached, ("upload", one), attached, ("upload", patient), attached, ("generate", report)]


def test_a_report_is_waited_for_and_counts_what_it_shows(portal: Portal, fakes: Fakes) -> None:
    findings = {"brain": {"glioma": 2, "meningioma": 1, "no_tumour": 3}, "skin": {"mel": 4}}

    def make() -> None:
        (report,) = fakes.reports.records.values()
        if report.status is ReportStatus.QUEUED:
            done = fakes.reports.make(report.report_id, b"%PDF", fakes.clock)
            assert done.edition is not None
            edition = done.edition.model_copy(update={"findings": findings, "images": 11})
            fakes.reports.replace_report(done.model_copy(update={"edition": edition}))

    fakes.stopwatch.on_pause = make
    patient = portal.add(name="A", patient_id="7")["patient"]
    answer = portal.post("/report/generate", json={"patient_id": 7})
    assert answer.status_code == 200, answer.text
    report = answer.json()["report"]
    assert (report["scan_count"], report["tumor_count"], report["no_tumor_count"]) == (11, 3, 3)
    assert report["report_path"] == f"reports/{report['report_id']}.pdf"
    listed = portal.get(f"/admin/patients/{patient['id']}/reports").json()["reports"]
    assert listed == portal.get("/admin/reports").json()["reports"] == [report]
    leads = portal.get(f"/report/download/{report['report_id']}")
    assert leads.status_code == 302
    url = leads.headers["Location"]
    assert url.startswith("https://documents.example/reports/")
    for path in ("file", "download-by-filename"):
        told = portal.get(f"/report/{path}/{report['report_id']}.pdf")
        assert (told.status_code, told.json()) == (200, {"success": True, "download_url": url})


def test_a_report_that_is_not_made_in_time_is_answered_with_its_id(portal: Portal) -> None:
    answer = portal.post("/report/generate", json={"patient_id": portal.patient["id"]})
    body = answer.json()
    assert (answer.status_code, body["report"]["status"], body["download_url"]) == (202, "processing", None)
    assert sum(portal.fakes.stopwatch.pauses) == pytest.approx(20)
    early = portal.get(f"/report/download/{body['report_id']}")
    assert (early.status_code, early.json()["code"]) == (400, "REPORT_NOT_READY")


def test_a_report_that_is_asked_for_again_while_it_is_made_is_the_same_one(
    portal: Portal, fakes: Fakes
) -> None:
    asked = {"patient_id": portal.patient["id"]}
    first, again = (portal.post("/report/generate", json=asked).json() for _ in range(2))
    assert first == again
    assert list(fakes.reports.records) == [first["report_id"]]
    fakes.reports.make(first["report_id"], b"%PDF", fakes.clock)
    assert portal.post("/report/generate", json=asked).json()["report_id"] != first["report_id"]


def test_only_ones_own_report_of_that_patient_for_the_patient_is_taken_up(
    portal: Portal, fakes: Fakes
) -> None:
    def ask(patient: str, by: dict[str, str]) -> str:
        answer = portal.post("/report/generate", by, json={"patient_id": patient})
        return str(answer.json()["report_id"])

    patient, other = portal.patient["id"], portal.add(name="Other")["patient"]["id"]
    doctor = fakes.person("doctor", Role.DOCTOR)
    clinics = ask(patient, portal.gp)
    stored = fakes.reports.report(clinics)
    fakes.reports.replace_report(stored.model_copy(update={"audience": Audience.CLINIC}))
    ids = [clinics, ask(patient, doctor), ask(other, portal.gp), ask(patient, portal.gp)]
    fakes.clock.advance(hours=1, seconds=1)  # nobody counts on the last one any more
    ids.append(ask(patient, portal.gp))
    assert len({*ids}) == len(fakes.reports.records) == 5


def test_a_report_that_cannot_be_made_says_so(portal: Portal, fakes: Fakes) -> None:
    def give_up() -> None:
        (report,) = fakes.reports.records.values()
        cause = failure("processing_error", "The report could not be made.", retryable=True)
        fakes.reports.replace_report(report.failed(cause, fakes.clock()))

    fakes.stopwatch.on_pause = give_up
    answer = portal.post("/report/generate", json={"patient_id": portal.patient["id"]})
    assert (answer.status_code, answer.json()["code"]) == (503, "PROCESSING_ERROR")
    assert answer.headers["Retry-After"] == "60"


@pytest.mark.parametrize("name", ["", "../x.pdf", "x.pdf", "{id}", "{id}.PDF", "{id}.pdf.pdf", "{id}/x.pdf"])
def test_no_other_name_than_a_reports_own_leads_to_a_file(portal: Portal, name: str) -> None:
    made = portal.post("/report/generate", json={"patient_id": portal.patient["id"]}).json()["report_id"]
    portal.fakes.reports.make(made, b"%PDF", portal.fakes.clock)
    assert portal.get(f"/report/file/{made}.pdf").status_code == 200
    answer = portal.get(f"/report/file/{name.format(id=made)}")
    assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")


def test_the_dashboard_counts_tumours_of_any_kind(client: TestClient, portal: Portal, fakes: Fakes) -> None:
    tally = FakeTally()
    assert isinstance(client.app, FastAPI)
    client.app.dependency_overrides[statistics.tally] = lambda: tally
    for number, label in enumerate(["glioma", "pituitary", "no_tumour"]):
        facets = frozenset({f"all#class#brain#{label}", "all#image#brain#analyzed"})
        tally.count(None, Counted(record=str(number), version=1, facets=facets))
    skin = frozenset({"all#class#skin#mel", "all#image#skin#analyzed"})
    tally.count(None, Counted(record="skin", version=1, facets=skin))
    for number in range(5):
        patient = frozenset({"all#patient#registered"})
        tally.count(None, Counted(record=f"patient {number}", version=1, facets=patient))
    for number, state in enumerate(["ready", "ready", "queued", "failed"]):
        report = frozenset({f"all#report#{state}"})
        tally.count(None, Counted(record=f"report {number}", version=1, facets=report))
    stats = portal.get("/admin/dashboard/stats", fakes.person("root", Role.ADMIN)).json()["stats"]
    assert stats == {
        "total_patients": 5,
        "total_scans": 3,
        "total_reports": 2,
        "tumor_count": 2,
        "no_tumor_count": 1,
    }
    assert portal.get("/admin/dashboard/stats").status_code == 403
