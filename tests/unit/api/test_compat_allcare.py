"""AllCare's app over the use cases: its words on the way in, and on the way out."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx import Response

from clinic_api.deps import cases as case_deps
from clinic_api.deps import datasets as dataset_deps
from clinic_api.deps import reviewing
from tests.fake_datasets import FakeDatasetRecords, FakeDatasetUploads
from tests.fake_review import FakeAnnotations, FakePanels, FakeReview
from tests.fakes import RIGHT_CODE
from tests.photos import photo
from tests.unit.api.conftest import Fakes
from triagelens.domain.images import Failure, ImageRecord, ImageStatus, WorkingImage
from triagelens.domain.people import Role
from triagelens.domain.prediction import ModelIdentity, Prediction
from triagelens.domain.quality import QualityReport, Reason
from triagelens.domain.training_jobs import JobFailure, JobKind, JobStatus

PASSWORD = "Quite-unusual-42-words"
MODEL = ModelIdentity(name="m", version="1", sha256="0" * 64, manifest_sha256="1" * 64)
SHARP = QualityReport(verdict="accepted", focus_score=120.5, width=160, height=160)
Headers = dict[str, str]


def finding(**probabilities: float) -> Prediction:
    return Prediction.ranked(
        probabilities, specialty="skin", model=MODEL, demonstration=False, intended_use="test"
    )


class App:
    """The app in the hands of a gp and a doctor, and what happens to a photo while it waits."""

    def __init__(self, client: TestClient, fakes: Fakes) -> None:
        self.client, self.fakes = client, fakes
        self.annotations = FakeAnnotations()
        self.datasets = FakeDatasetRecords()
        outer = client.app
        assert isinstance(outer, FastAPI)
        outer.dependency_overrides |= {
            case_deps.panel_records: lambda: FakePanels(fakes.cases),
            reviewing.review_records: lambda: FakeReview(fakes.cases, fakes.casework),
            reviewing.annotation_records: lambda: self.annotations,
            reviewing.shape_files: lambda: None,
            dataset_deps.dataset_records: lambda: self.datasets,
            dataset_deps.dataset_uploads: FakeDatasetUploads,
        }
        self.gp = fakes.person("gp", Role.GP)
        self.doctor = fakes.person("doctor", Role.DOCTOR)
        self.admin = fakes.person("admin", Role.ADMIN)
        self.photos = 0
        self.found(nv=0.75, mel=0.25)

    def ask(self, method: str, path: str, by: Headers | None = None, **sent: Any) -> Response:
        answer: Response = self.client.request(
            method, f"/compat/allcare{path}", headers=self.gp if by is None else by, **sent
        )
        return answer

    def next_id(self, by: Headers | None = None) -> int:
        number: int = self.ask("POST", "/cases/next-id", by).json()["case_id"]
        return number

    def check(
        self, case_id: int | None = None, by: Headers | None = None, seed: int | None = None
    ) -> Response:
        """Sends a photo: another one each time, or that of the seed."""
        self.photos += 1
        files = {"file": ("skin.jpg", photo(width=80, height=80, seed=seed or self.photos))}
        query = {} if case_id is None else {"case_id": case_id}
        return self.ask("POST", "/check-image", by, files=files, params=query)

    def opened(self, **probabilities: float) -> int:
        """A new case of the gp's with one photo."""
        self.found(**probabilities or {"nv": 0.75, "mel": 0.25})
        case_id = self.next_id()
        assert self.check(case_id).status_code == 200
        return case_id

    def found(self, **probabilities: float) -> None:
        """From now on, photos are analysed with these probabilities while their sender waits."""
        now = self.fakes.clock()
        working = WorkingImage(key="working", width=80, height=80)
        self.while_waiting(
            lambda record: record.move(ImageStatus.ACCEPTED, now, quality=SHARP, working_image=working).move(
                ImageStatus.ANALYZED, now, prediction=finding(**probabilities)
            )
        )

    def while_waiting(self, change: Callable[[ImageRecord], ImageRecord]) -> None:
        def happen() -> None:
            for record in list(self.fakes.casework.records.values()):
                if record.status is ImageStatus.AWAITING_UPLOAD:
                    self.fakes.casework.replace_image(change(record))

        self.fakes.stopwatch.on_pause = happen

    def label(self, case_id: int, label: str = "nv") -> None:
        answer = self.ask("POST", f"/cases/{case_id}/label", self.doctor, json={"correct_label": label})
        assert answer.status_code == 200, answer.text


@pytest.fixture
def app(client: TestClient, fakes: Fakes) -> App:
    return App(client, fakes)


def test_the_first_photo_opens_its_case_and_the_next_one_joins_it(app: App) -> None:
    case_id = app.next_id()
    answer = app.check(case_id)
    (case,) = app.fakes.cases.records.values()
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "blur_score": 120.5,
            "predictions": [{"label": "nv", "confidence": 0.75}, {"label": "mel", "confidence": 0.25}],
            "status": "ok",
            "image_id": case.image_ids[0],
            "case_id": case_id,
        },
    )
    assert (case.number, case.owner, case.specialty) == (case_id, "sub-gp", "skin")
    second = app.check(case_id).json()["image_id"]
    (case,) = app.fakes.cases.records.values()
    assert case.image_ids[1:] == (second,)
    assert [(e.action, e.subject) for e in app.fakes.audit.entries][1:] == [
        ("POST /compat/allcare/check-image", image_id) for image_id in case.image_ids
    ]


def test_the_same_photo_for_the_same_case_is_one_image_and_for_another_case_another(app: App) -> None:
    one, other = app.next_id(), app.next_id()
    first = app.check(one, seed=7).json()
    assert app.check(one, seed=7).json() == first
    assert app.check(other, seed=7).json()["image_id"] != first["image_id"]
    assert len(app.fakes.cases.records) == 2


def test_a_photo_without_a_case_stands_alone_until_a_log_names_it(app: App) -> None:
    alone = app.check().json()
    assert alone["case_id"] is None
    assert not app.fakes.cases.records
    log = {"case_id": app.next_id(), "image_ids": [alone["image_id"]], "final_diagnosis": "nv"}
    answer = app.ask("POST", "/cases", json=log)
    assert answer.json() == {
        "status": "success",
        "message": "Case logged",
        "case_id": log["case_id"],
        "case_status": "confirmed",
    }


def test_a_blurred_photo_is_too_blurry_and_is_in_no_case(app: App) -> None:
    reason = Reason(code="blurred", message="Hold still.", value=3, threshold=12)
    blurred = QualityReport(verdict="rejected", reasons=(reason,), focus_score=3.5)
    now = app.fakes.clock()
    app.while_waiting(lambda record: record.move(ImageStatus.REJECTED, now, quality=blurred))
    answer = app.check(app.next_id())
    (image,) = app.fakes.casework.records.values()
    assert (answer.status_code, answer.json()) == (
        400,
        {"detail": "Too Blurry", "blur_score": 3.5, "image_id": image.image_id},
    )
    assert not app.fakes.cases.records


def test_another_reason_than_blur_is_told_in_its_own_words(app: App) -> None:
    dark = QualityReport(verdict="rejected", reasons=(Reason(code="dark", message="Use more light."),))
    now = app.fakes.clock()
    app.while_waiting(lambda record: record.move(ImageStatus.REJECTED, now, quality=dark))
    answer = app.check()
    assert (answer.status_code, answer.json()) == (400, {"detail": "Use more light."})


def test_a_finding_that_takes_longer_is_202_and_the_same_photo_asks_again(app: App) -> None:
    app.fakes.stopwatch.on_pause = lambda: None
    case_id = app.next_id()
    begun = app.check(case_id, seed=3)
    assert begun.status_code == 202
    told = begun.json()
    assert (told["status"], told["predictions"], told["blur_score"]) == ("processing", [], None)
    assert not app.fakes.cases.records
    app.found(nv=0.9, mel=0.1)
    done = app.check(case_id, seed=3)
    assert (done.status_code, done.json()["image_id"]) == (200, told["image_id"])
    assert len(app.fakes.cases.records) == len(app.fakes.casework.records) == 1


def test_a_model_that_is_missing_is_an_error_and_no_finding(app: App) -> None:
    missing = Failure(code="no_model", message="There is no model of skin.", retryable=False)
    now = app.fakes.clock()
    app.while_waiting(
        lambda record: record.move(ImageStatus.ACCEPTED, now).move(ImageStatus.FAILED, now, failure=missing)
    )
    answer = app.check()
    assert (answer.status_code, answer.json()) == (503, {"detail": "There is no model of skin."})
    assert answer.headers["Retry-After"] == "60"


def test_a_photo_whose_analysis_failed_gets_its_finding_when_it_is_sent_again(app: App) -> None:
    missing = Failure(code="no_model", message="There is no model of skin.", retryable=False)
    now, case_id = app.fakes.clock(), app.next_id()
    working = {"working_image": WorkingImage(key="working", width=80, height=80), "object_version": "v1"}
    app.while_waiting(
        lambda record: record.move(ImageStatus.ACCEPTED, now, **working).move(
            ImageStatus.FAILED, now, failure=missing
        )
    )
    assert app.check(case_id, seed=4).status_code == 503

    def analysed() -> None:
        (record,) = app.fakes.casework.records.values()
        if record.status is ImageStatus.ACCEPTED:
            done = record.move(ImageStatus.ANALYZED, now, prediction=finding(nv=0.9, mel=0.1))
            app.fakes.casework.replace_image(done)

    app.fakes.stopwatch.on_pause = analysed  # the model is registered meanwhile
    answer = app.check(case_id, seed=4)
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")
    assert len(app.fakes.casework.records) == len(app.fakes.queue.sent) == 1


def test_nothing_is_kept_for_a_number_of_somebody_elses(app: App) -> None:
    theirs, used, never = app.next_id(app.doctor), app.next_id(app.doctor), 99_999
    app.check(used, app.doctor)
    kept = len(app.fakes.originals.objects)
    for case_id in (theirs, used, never):
        answer = app.check(case_id)
        assert (answer.status_code, answer.json()) == (404, {"detail": "There is no such case."})
    assert len(app.fakes.originals.objects) == kept


def test_a_number_goes_back_once_and_only_without_a_case(app: App) -> None:
    free, used = app.next_id(), app.opened()
    assert free == 10_000
    answers = [app.ask("POST", "/cases/release-id", json={"case_id": n}) for n in (str(free), free, used)]
    assert [answer.status_code for answer in answers] == [200, 404, 409]
    assert answers[0].json() == {"case_id": free, "status": "success", "message": "Case ID released"}
    assert app.next_id() == free


def test_a_case_is_logged_once_however_often_it_is_said(app: App) -> None:
    case_id = app.opened()
    log = {"case_id": case_id, "final_diagnosis": "Naevus", "notes": "Itches", "device": "unknown here"}
    first, again = app.ask("POST", "/cases", json=log), app.ask("POST", "/cases", json=log)
    assert first.json() == again.json()
    (case,) = app.fakes.cases.records.values()
    assert (case.status, case.final_diagnosis, case.notes) == ("confirmed", "Naevus", "Itches")
    assert [entry.action for entry in app.fakes.cases.entries] == [
        "case.create",
        "case.amend",
        "case.confirm",
    ]
    other = app.ask("POST", "/cases", json={**log, "final_diagnosis": "Melanoma"})
    assert other.status_code == 409
    assert app.check(case_id).status_code == 409


def test_a_change_at_the_very_moment_of_a_decision_is_a_conflict(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_id = app.opened()
    write = app.fakes.cases.replace_case

    def late(before: Any, after: Any, entry: Any) -> Any:
        stored = app.fakes.cases.records[before.case_id]
        app.fakes.cases.records[before.case_id] = stored.model_copy(update={"version": 9})
        return write(before, after, entry)

    monkeypatch.setattr(app.fakes.cases, "replace_case", late)
    answer = app.ask("POST", "/cases/uncertain", json={"case_id": case_id, "reason": "Unclear border"})
    assert answer.status_code == 409


def test_an_uncertain_case_is_updated_and_confirmed_by_a_doctor(app: App) -> None:
    case_id = app.opened()
    told = app.ask("POST", "/cases/uncertain", json={"case_id": case_id, "reason": "Border"}).json()
    assert (told["case_status"], told["case_id"]) == ("uncertain", case_id)
    update = {"notes": "Seen", "diagnosis": "Naevus"}
    answer = app.ask("PUT", f"/cases/{case_id}", app.doctor, json=update)
    assert (answer.status_code, answer.json()) == (200, {"case_id": case_id, "status": "success"})
    (case,) = app.fakes.cases.records.values()
    assert (case.status, case.notes, case.final_diagnosis) == ("confirmed", "Seen", "Naevus")
    assert app.ask("PUT", f"/cases/{case_id}", json={"colour": "red"}).status_code == 422
    other = app.fakes.person("other", Role.GP)
    assert app.ask("PUT", f"/cases/{case_id}", other, json=update).status_code == 404


def test_a_rejected_case_is_kept_and_one_without_a_photo_gives_its_number_back(app: App) -> None:
    kept, empty = app.opened(), app.next_id()
    for case_id in (kept, empty):
        answer = app.ask("POST", "/cases/reject", json={"case_id": case_id, "reason": "Not skin"})
        assert (answer.status_code, answer.json()["case_status"]) == (200, "rejected")
    (case,) = app.fakes.cases.records.values()
    assert case.decision is not None
    assert (case.status, case.decision.reason) == ("rejected", "Not skin")
    again = app.ask("POST", "/cases/reject", json={"case_id": empty, "reason": "Not skin"})
    assert again.status_code == 404  # the number is free
    assert app.next_id() == empty


def test_the_history_is_the_newest_first_with_the_findings_and_each_sees_their_own(app: App) -> None:
    open_, unsure, rejected = (app.opened(mel=share, nv=1 - share) for share in (0.6, 0.55, 0.9))
    app.ask("POST", "/cases/uncertain", json={"case_id": unsure, "notes": "Look"})
    app.ask("POST", "/cases/reject", json={"case_id": rejected, "reason": "Twice"})
    theirs = app.next_id(app.doctor)
    app.check(theirs, app.doctor)

    def listed(by: Headers, **query: Any) -> list[int]:
        return [case["case_id"] for case in app.ask("GET", "/cases", by, params=query).json()]

    assert listed(app.gp) == [rejected, unsure, open_]
    assert listed(app.doctor) == [theirs, rejected, unsure, open_]
    assert listed(app.gp, limit=1) == [rejected]
    assert listed(app.gp, status="uncertain") == [unsure]
    assert listed(app.gp, include_uncertain=False, include_rejected=False) == [open_]
    (shown,) = app.ask("GET", "/cases", params={"status": "uncertain"}).json()
    assert (shown["notes"], shown["predictions"][0]) == ("Look", {"label": "mel", "confidence": 0.55})
    assert app.ask("GET", "/cases", params={"limit": 101}).status_code == 422


def test_the_least_certain_cases_come_first_and_labelled_ones_no_more(app: App) -> None:
    sure, unsure, labelled = (app.opened(mel=share, nv=1 - share) for share in (0.9, 0.55, 0.5))
    app.label(labelled)
    answer = app.ask("POST", "/active-learning/candidates", app.doctor)
    told = answer.json()
    assert [candidate["case_id"] for candidate in told["candidates"]] == [unsure, sure]
    assert told["candidates"][0]["uncertainty_score"] == pytest.approx(0.9)
    assert (told["total_candidates"], told["selection_method"]) == (2, "minimum_margin_case_sampling")
    few = app.ask("POST", "/active-learning/candidates", app.doctor, json={"top_k": 1}).json()
    assert [candidate["case_id"] for candidate in few["candidates"]] == [unsure]


def test_what_is_drawn_is_kept_and_labels_the_case(app: App) -> None:
    case_id = app.opened()
    box = {"x": 10, "y": 10, "width": 20, "height": 30}
    drawn = {"strokes": [{"points": [[1, 2], [3, 4]]}], "boxes": [box]}
    body = {"image_index": 0, "correct_label": "mel", "annotations": drawn}
    answer = app.ask("POST", f"/cases/{case_id}/annotations", app.doctor, json=body)
    assert (answer.status_code, answer.json()["message"]) == (200, "Annotations saved")
    (kept,) = app.annotations.written
    assert kept.shapes is not None
    assert (kept.correct_label, kept.shape_count) == ("mel", 2)
    assert {shape.label for shape in kept.shapes.each()} == {"mel"}
    assert kept.shapes.strokes[0].points == ((0.5, 1), (1.5, 2))  # the working image is half as large
    assert kept.shapes.boxes[0].points == ((5, 5), (15, 20))
    (panel,) = app.fakes.cases.panels.values()
    assert panel.training_label == "mel"
    nothing = {**body, "annotations": {}}
    assert app.ask("POST", f"/cases/{case_id}/annotations", app.doctor, json=nothing).status_code == 200
    assert len(app.annotations.written) == 1


def test_what_cannot_be_drawn_labels_nothing(app: App) -> None:
    case_id = app.opened()
    box = {"x": 10, "y": 10, "width": 20, "height": 30}
    wrong: list[dict[str, Any]] = [
        {"annotations": {"boxes": [{**box, "x": 150}]}},
        {"image_index": 5, "annotations": {"boxes": [box]}},
        {"image_index": 5},
    ]
    for told in wrong:
        body = {"correct_label": "mel", **told}
        assert app.ask("POST", f"/cases/{case_id}/annotations", app.doctor, json=body).status_code == 400
    assert not app.annotations.written
    waiting = app.ask("POST", "/active-learning/candidates", app.doctor).json()["candidates"]
    assert [candidate["case_id"] for candidate in waiting] == [case_id]


def labelled_cases(app: App, *labels: str) -> None:
    for label in labels:
        app.label(app.opened(), label)


@pytest.mark.parametrize("labels", [(), ("nv", "mel", "nv", "mel"), ("nv",) * 6])
def test_too_few_labelled_cases_are_told_as_they_were(app: App, labels: tuple[str, ...]) -> None:
    labelled_cases(app, *labels)
    answer = app.ask("POST", "/model/retrain", app.admin)
    assert answer.status_code == 400
    assert "at least 5 labelled cases" in answer.json()["detail"]
    assert not app.fakes.jobs.records
    assert not app.datasets.records


def test_a_retraining_is_a_snapshot_of_the_labels_and_a_training_that_waits_for_it(app: App) -> None:
    labelled_cases(app, "nv", "mel", "nv", "mel", "nv")
    status = app.ask("GET", "/model/retrain-status", app.doctor).json()
    assert (status["status"], status["last_retrain"]) == ("not_started", None)
    started = app.ask("POST", "/model/retrain", app.admin, json={"epochs": 2})
    assert (started.status_code, started.json()["status"]) == (200, "started")
    ingestion, training = sorted(app.fakes.jobs.records.values(), key=lambda job: job.job_id)
    assert (ingestion.kind, training.kind) == (JobKind.INGEST, JobKind.TRAIN)
    assert (training.job_id, training.after) == (started.json()["job_id"], ingestion.job_id)
    asked = {name: training.config[name] for name in ("architecture", "epochs", "batch_size", "base_model")}
    assert asked == {"architecture": "ResNet50", "epochs": 2, "batch_size": 16, "base_model": "timm"}
    assert app.fakes.job_queue.waiting == {"batch-2": "batch-1"}
    assert app.ask("GET", "/model/retrain-status", app.doctor).json()["status"] == "in_progress"
    assert app.ask("POST", "/model/retrain", app.admin).status_code == 409
    assert len(app.datasets.records) == 1


@pytest.mark.parametrize(
    ("end", "told"),
    [(JobStatus.RUNNING, "in_progress"), (JobStatus.COMPLETED, "completed"), (JobStatus.FAILED, "error")],
)
def test_the_status_is_told_in_the_former_words(app: App, end: JobStatus, told: str) -> None:
    labelled_cases(app, "nv", "mel", "nv", "mel", "nv")
    job_id = app.ask("POST", "/model/retrain", app.admin).json()["job_id"]
    job = app.fakes.jobs.job(job_id)
    now = app.fakes.clock()
    changes = {"status": end, "message": "So far", "completed_at": now if end.is_final else None}
    failure = JobFailure(code="diverged", message="So far") if end is JobStatus.FAILED else None
    app.fakes.jobs.replace_job(job.model_copy(update={**changes, "failure": failure}))
    status = app.ask("GET", "/model/retrain-status").json()
    assert (status["status"], status["message"]) == (told, "So far")
    assert (status["last_retrain"] is not None) == end.is_final
    assert app.ask("POST", "/model/retrain", app.admin).status_code == (200 if end.is_final else 409)


def test_a_deployment_that_does_not_train_says_so(app: App) -> None:
    labelled_cases(app, "nv", "mel", "nv", "mel", "nv")
    app.fakes.job_queue.deployed = False
    assert app.ask("POST", "/model/retrain", app.admin).status_code == 503
    assert not app.fakes.jobs.records


def test_a_sign_in_gives_a_token_and_says_who_signed_in(app: App) -> None:
    identity, people = app.fakes.identity, app.fakes.people
    identity.sign_up("user001", PASSWORD, None, None)
    identity.confirm("user001", RIGHT_CODE)
    app.fakes.person("user001", Role.DOCTOR)
    people.replace_person(people.person("sub-user001").model_copy(update={"name": "Johann Otto Doe"}))
    asked = {"username": "user001", "password": PASSWORD}
    assert app.ask("POST", "/auth/login", {}, json=asked).json() == {
        "access_token": "sub-user001",
        "token_type": "bearer",
        "user": {
            "user_id": "user001",
            "first_name": "Johann Otto",
            "last_name": "Doe",
            "role": "doctor",
        },
    }
    for username, password in (("user001", "wrong"), ("admin", "admin")):
        refused = app.ask("POST", "/auth/login", {}, json={"username": username, "password": password})
        assert (refused.status_code, refused.json()) == (401, {"detail": "Invalid username or password"})
    identity.challenges["user001"] = "SOFTWARE_TOKEN_MFA"
    more = app.ask("POST", "/auth/login", {}, json=asked)
    assert (more.status_code, more.json()["challenge"]) == (409, "SOFTWARE_TOKEN_MFA")
    assert app.ask("POST", "/auth/login", {}, json={**asked, "code": RIGHT_CODE}).status_code == 200


@pytest.mark.parametrize(
    ("name", "last_name", "answered"),
    [
        ("Jane van der Roe", "van der Roe", ("Jane", "van der Roe")),
        ("Anna Maria", "", ("Anna Maria", "")),
        ("Roe", "Roe", ("", "Roe")),
        ("Jane van der Roe", None, ("Jane van der", "Roe")),
        ("Jane", None, ("Jane", "")),
        (None, None, ("", "")),
    ],
)
def test_people_who_came_over_keep_their_two_names(
    app: App, name: str | None, last_name: str | None, answered: tuple[str, str]
) -> None:
    app.fakes.identity.sign_up("user001", PASSWORD, None, None)
    app.fakes.identity.confirm("user001", RIGHT_CODE)
    app.fakes.person("user001", Role.GP)
    person = app.fakes.people.person("sub-user001")
    app.fakes.people.replace_person(person.model_copy(update={"name": name, "last_name": last_name}))
    user = app.ask("POST", "/auth/login", {}, json={"username": "user001", "password": PASSWORD}).json()[
        "user"
    ]
    assert (user["first_name"], user["last_name"]) == answered


def test_who_claims_to_be_somebody_is_told_what_to_send_instead(app: App) -> None:
    answer = app.ask("GET", "/cases", {"X-User-Id": "user001", "X-User-Role": "admin"})
    assert answer.status_code == 401
    assert "POST /auth/login" in answer.json()["detail"]


def test_what_does_not_fit_is_told_as_fastapi_told_it(app: App) -> None:
    answer = app.ask("POST", "/cases", json={"case_id": "first", "final_diagnosis": "nv"})
    (told,) = answer.json()["detail"]
    assert (answer.status_code, told["loc"], told["type"]) == (422, ["body", "case_id"], "int_parsing")
