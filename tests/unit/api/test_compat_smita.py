"""SMITA's forms and comments: what becomes of its words on the way in, and of ours on the way out."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx import Response

from tests.photos import photo
from tests.unit.api.conftest import Fakes
from triagelens.domain.abstention import DecisionReason, Judgement, ModelDecision
from triagelens.domain.images import Failure, ImageRecord, ImageStatus
from triagelens.domain.people import Role
from triagelens.domain.prediction import ModelIdentity, Prediction
from triagelens.domain.quality import QualityReport, Reason

PHOTO = photo(width=200, height=150)
PREFIX = "/compat/smita"
Headers = dict[str, str]


class App:
    """The app of a health worker, and what happens to a photo while it waits."""

    def __init__(self, client: TestClient, fakes: Fakes) -> None:
        self.client, self.fakes = client, fakes
        self.worker = fakes.person("greta", Role.GP)

    def ask(self, method: str, path: str, by: Headers | None = None, **sent: Any) -> Response:
        answer: Response = self.client.request(method, f"{PREFIX}{path}", headers=by or {}, **sent)
        return answer

    def submit(
        self, fields: dict[str, Any] | None = None, by: Headers | None = None, data: bytes = PHOTO
    ) -> Response:
        files = {"image": ("mouth.jpg", data, "image/jpeg")}
        form = {"consent": "true", **(fields or {})}
        return self.ask("POST", "/form_submit", by or self.worker, data=form, files=files)

    def while_waiting(self, change: Callable[[ImageRecord], ImageRecord]) -> None:
        """Changes every image that is not final, the next time that somebody waits."""

        def happen() -> None:
            for record in list(self.fakes.casework.records.values()):
                if record.status is ImageStatus.AWAITING_UPLOAD:
                    self.fakes.casework.replace_image(change(record))

        self.fakes.stopwatch.on_pause = happen

    def analysed(self, judgement: Judgement | None = None) -> None:
        """From now on, every photo is found to show a lesion, more or less."""
        found = Prediction.ranked(
            {"normal": 0.25, "lesion": 0.75},
            specialty="oral",
            model=ModelIdentity(name="m", version="1", sha256="0" * 64, manifest_sha256="1" * 64),
            demonstration=False,
            intended_use="test",
            judgement=judgement,
        )
        now = self.fakes.clock()
        self.while_waiting(
            lambda record: record.move(ImageStatus.ACCEPTED, now).move(
                ImageStatus.ANALYZED, now, prediction=found
            )
        )


@pytest.fixture
def app(client: TestClient, fakes: Fakes) -> App:
    return App(client, fakes)


def test_a_form_becomes_a_case_with_its_image_and_is_answered_with_the_finding(app: App) -> None:
    app.analysed(
        Judgement(decision=ModelDecision.UNCERTAIN, reasons=(DecisionReason.SEVERAL_LABELS,)),
    )
    answer = app.submit({"age": "54", "symptoms": "burning, pain", "Dentures?": "no", "phone": ""})
    (case,) = app.fakes.cases.records.values()
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "smita_id": case.case_id,
            "image_id": case.image_ids[0],
            "status": "completed",
            "prediction": "Lesion",
            "confidence": 0.75,
            "decision": "uncertain",
            "reasons": ["several_labels"],
            "demonstration": False,
        },
    )
    assert (case.specialty, case.owner) == ("oral", "sub-greta")
    form = app.fakes.forms.records[case.case_id]
    assert (form.image_id, form.submitted_by) == (case.image_ids[0], "sub-greta")
    told = form.answers.model_dump(exclude_defaults=True)
    assert told == {
        "consent": True,
        "age": 54,
        "symptoms": ("burning", "pain"),
        "answers": {"Dentures?": "no"},
    }
    assert list(app.fakes.originals.objects.values()) == [PHOTO]
    assert [(e.action, e.subject) for e in app.fakes.audit.entries] == [
        ("POST /compat/smita/form_submit", case.case_id)
    ]


def test_what_is_asked_twice_or_under_a_name_of_ours_is_an_answer_like_any_other(app: App) -> None:
    app.analysed()
    app.submit({"Where?": ["cheek", "tongue"], "answers": "none", "symptoms": ["burning", "pain, numbness"]})
    (form,) = app.fakes.forms.records.values()
    assert form.answers.answers == {"Where?": "cheek, tongue", "answers": "none"}
    assert form.answers.symptoms == ("burning", "pain", "numbness")


def test_an_answer_that_takes_longer_is_202_and_the_same_form_asks_again(app: App) -> None:
    begun = app.submit({"age": "54"})
    assert sum(app.fakes.stopwatch.pauses) == pytest.approx(15)
    assert begun.status_code == 202
    told = begun.json()
    assert (told["status"], told["prediction"], told["confidence"]) == ("processing", None, None)
    app.analysed()
    done = app.submit({"age": "54"})
    assert (done.status_code, done.json()["smita_id"], done.json()["prediction"]) == (
        200,
        told["smita_id"],
        "Lesion",
    )
    assert len(app.fakes.casework.records) == len(app.fakes.cases.records) == 1
    assert [entry.action for entry in app.fakes.forms.entries] == ["form.submit"]
    other = app.submit({"age": "55"})
    assert other.json()["smita_id"] != told["smita_id"]


def test_a_photo_that_is_not_good_enough_says_what_to_do_better_and_makes_no_case(app: App) -> None:
    reasons = (
        Reason(code="dark", message="The photo is rather dark.", severity="warn"),
        Reason(code="blurred", message="The photo is blurred. Hold still.", value=3, threshold=10),
    )
    rejected = QualityReport(verdict="rejected", reasons=reasons)
    now = app.fakes.clock()
    app.while_waiting(lambda record: record.move(ImageStatus.REJECTED, now, quality=rejected))
    answer = app.submit()
    assert (answer.status_code, answer.json()) == (
        400,
        {"error": "The photo is blurred. Hold still.", "code": "blurred"},
    )
    assert app.fakes.cases.records == {}


def test_a_model_that_is_missing_is_an_error_and_no_finding(app: App) -> None:
    missing = Failure(code="no_model", message="There is no model of oral.", retryable=False)
    now = app.fakes.clock()
    app.while_waiting(
        lambda record: record.move(ImageStatus.ACCEPTED, now).move(ImageStatus.FAILED, now, failure=missing)
    )
    answer = app.submit()
    assert (answer.status_code, answer.json()) == (
        503,
        {"error": "There is no model of oral.", "code": "no_model"},
    )
    assert "Retry-After" in answer.headers
    assert app.fakes.cases.records == {}


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"consent": "perhaps"}, {"#/consent"}),
        ({"tobacco": "often"}, {"#/tobacco"}),
        ({"x" * 201: "y"}, None),
        ({"question": "y" * 2001}, {"#/answers/question"}),
        ({f"q{n}": "y" for n in range(51)}, {"#/answers"}),
    ],
)
def test_a_form_that_does_not_hold_together_is_refused_by_its_fields(
    app: App, fields: dict[str, str], wrong: set[str] | None
) -> None:
    answer = app.submit(fields)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert wrong is None or answer.json()["fields"].keys() == wrong
    assert app.fakes.casework.records == {}


def test_a_second_file_is_no_answer(app: App) -> None:
    files = {"image": ("mouth.jpg", PHOTO), "letter": ("letter.txt", b"Dear doctor"), "symptoms": ("s", b"s")}
    answer = app.ask("POST", "/form_submit", app.worker, data={"consent": "true"}, files=files)
    assert (answer.status_code, set(answer.json()["fields"])) == (
        422,
        {"#/answers/letter", "#/symptoms/0"},
    )


def test_more_text_than_a_record_takes_is_413(app: App) -> None:
    answer = app.submit({f"question {n}": "\N{TAMIL LETTER A}" * 2000 for n in range(50)})
    assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")
    assert app.fakes.casework.records == {}


def test_more_photo_than_a_request_takes_is_413_and_names_the_other_way(app: App) -> None:
    answer = app.submit(data=PHOTO + bytes(4_600_000))
    assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")
    assert "POST /v1/images" in answer.json()["error"]


def test_a_file_name_of_any_length_is_taken(app: App) -> None:
    files = {"image": ("m" * 300 + ".jpg", PHOTO)}
    answer = app.ask("POST", "/form_submit", app.worker, data={"consent": "true"}, files=files)
    assert answer.status_code == 202
    (record,) = app.fakes.casework.records.values()
    assert record.upload.original_filename == "m" * 255


@pytest.mark.parametrize("role", [Role.PATIENT, Role.RESEARCHER])
def test_who_does_not_work_on_cases_is_told_what_they_can_do(app: App, role: Role) -> None:
    answer = app.submit(by=app.fakes.person("ada", role))
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert "POST /v1/images" in answer.json()["error"]
    assert app.fakes.casework.records == {}


def test_comments_are_those_of_the_case_page_by_page(app: App) -> None:
    app.analysed()
    smita_id = app.submit().json()["smita_id"]
    for text in ("first", "second"):
        body = {"smita_id": smita_id, "comment": text}
        assert app.ask("POST", "/add-comment", app.worker, json=body).status_code == 201
    assert app.fakes.audit.entries[-1].subject == smita_id
    path = f"/get-comments/{smita_id}"
    newest = app.ask("GET", path, app.worker, params={"limit": 1}).json()
    rest = app.ask("GET", path, app.worker, params={"cursor": newest["cursor"]}).json()
    shown = [*newest["comments"], *rest["comments"]]
    assert [comment["comment"] for comment in shown] == ["second", "first"]
    assert rest["cursor"] is None
    body = {"comment_id": shown[1]["comment_id"], "comment": "corrected"}
    edited = app.ask("PUT", f"/edit-comment/{smita_id}", app.worker, json=body).json()
    assert (edited["comment"], edited["author"]) == ("corrected", "sub-greta")
    assert edited["updated_at"] is not None
