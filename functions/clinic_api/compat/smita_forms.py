"""What the SMITA app sends and reads of patients' forms and the comments on them.

Its text leaves the bodies open; see `smita_shapes`.
"""

from datetime import datetime
from typing import Any, Literal, Self

from fastapi import UploadFile
from pydantic import Field, model_validator

from clinic_api.compat.smita_shapes import Shape
from clinic_api.schemas.readings import Text
from triagelens.domain.abstention import DecisionReason, ModelDecision
from triagelens.domain.cases import Comment
from triagelens.domain.forms import FormAnswers
from triagelens.domain.specialties import specialty
from triagelens.services.ports import Page
from triagelens.services.submissions import Submitted

SPECIALTY = "oral"
TITLES = {label.name: label.title for label in specialty(SPECIALTY).labels}


class FormSubmission(FormAnswers):
    """A form of `multipart/form-data`: the photo as `image`, and what the patient was asked.

    `consent` is required. Known are reference, name, birth_date, age (years), gender (female, male, other,
    unknown), phone, address, complaint, symptoms (each a field of its own, or separated by commas),
    duration_days, site, tobacco, areca_nut and alcohol (never, former, current, unknown), medical_history and
    family_history. A field of any other name is kept as an answer to that question; an empty one is not kept.
    """

    image: UploadFile

    @model_validator(mode="before")
    @classmethod
    def _sorted(cls, sent: dict[str, Any]) -> dict[str, Any]:
        """The fields as the form has them, with all others as further answers."""
        asked = cls.model_fields.keys() - {"answers"}
        known = {name: value for name, value in sent.items() if name in asked}
        others = {name: _joined(value) for name, value in sent.items() if name not in asked and value != ""}
        symptoms = [part for told in known.get("symptoms", ()) for part in _parted(told)]
        return {**known, "symptoms": symptoms, "answers": others}

    def answers_given(self) -> FormAnswers:
        return FormAnswers.model_validate(self.model_dump(exclude={"image"}))


def _parted(told: Any) -> list[Any]:
    """What is separated by commas. What is no text is left for the validation to refuse."""
    return [part.strip() for part in told.split(",") if part.strip()] if isinstance(told, str) else [told]


def _joined(told: Any) -> Any:
    """Several answers to one question as one."""
    texts = isinstance(told, list) and all(isinstance(part, str) for part in told)
    return ", ".join(told) if texts else told


class Finding(Shape):
    """What became of a form.

    Attributes:
        smita_id: the case's id, for comments.
        status: `processing` as long as there is no finding; sending the same form again asks again.
        prediction: `Normal` or `Lesion`.
        confidence: of `prediction`, 0..1.
        decision: `accept` if the finding may stand by itself, `uncertain` or `abstain` for the `reasons`.
        demonstration: the model was made to try the platform out, not for patients.
    """

    smita_id: str
    image_id: str
    status: Literal["completed", "processing"]
    prediction: str | None = None
    confidence: float | None = None
    decision: ModelDecision | None = None
    reasons: tuple[DecisionReason, ...] = ()
    demonstration: bool | None = None

    @classmethod
    def of(cls, submitted: Submitted) -> Self:
        smita_id, image_id, found = submitted.case.case_id, submitted.image.image_id, submitted.finding
        if found is None:
            return cls(smita_id=smita_id, image_id=image_id, status="processing")
        return cls(
            smita_id=smita_id,
            image_id=image_id,
            status="completed",
            prediction=TITLES.get(found.top_label, found.top_label),
            confidence=found.confidence,
            decision=found.decision,
            reasons=found.reasons,
            demonstration=found.demonstration,
        )


class NewComment(Shape):
    smita_id: str = Field(max_length=64)
    comment: Text


class EditedComment(Shape):
    comment_id: str = Field(max_length=64)
    comment: Text


class CommentEntry(Shape):
    """A comment. `author` is an opaque id; `updated_at` is null until somebody edits it."""

    comment_id: str
    smita_id: str
    comment: str
    author: str
    created_at: datetime
    updated_at: datetime | None

    @classmethod
    def of(cls, comment: Comment) -> Self:
        return cls(
            comment_id=comment.comment_id,
            smita_id=comment.case_id,
            comment=comment.text,
            author=comment.author,
            created_at=comment.created_at,
            updated_at=comment.edited_at,
        )


class Comments(Shape):
    """Newest first. Ask again with `cursor` until it is null."""

    smita_id: str
    comments: list[CommentEntry]
    cursor: str | None

    @classmethod
    def of(cls, smita_id: str, page: Page[Comment]) -> Self:
        return cls(
            smita_id=smita_id, comments=[CommentEntry.of(one) for one in page.items], cursor=page.cursor
        )
