"""Cases as the AllCare app sends and reads them. `case_id` is everywhere our case number."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import AliasChoices, BaseModel, Field, model_validator

from clinic_api.compat.allcare_shapes import Confidence, Sent
from clinic_api.schemas.cases import CaseNumber, Diagnosis, Notes, Reason
from triagelens.domain.annotations import Box, Shapes, Stroke
from triagelens.domain.cases import MOST_IMAGES, Case, CaseStatus
from triagelens.domain.prediction import Prediction

ImageIds = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=64)]], Field(default=[], max_length=MOST_IMAGES)
]


class NumberedCase(BaseModel):
    case_id: CaseNumber


class Released(NumberedCase):
    status: str = "success"
    message: str = "Case ID released"


class CaseLog(Sent):
    """A case that somebody has made up their mind about.

    Attributes:
        image_ids: photos that were checked without a `case_id`; all others are the case's already.
    """

    case_id: CaseNumber
    image_ids: ImageIds
    notes: Notes | None = None
    reason: Reason | None = None


class ConfirmedCase(CaseLog):
    final_diagnosis: Diagnosis = Field(validation_alias=AliasChoices("final_diagnosis", "diagnosis"))


class RejectCase(Sent):
    case_id: CaseNumber
    reason: Reason


class CaseUpdate(Sent):
    """What is to be different. A diagnosis confirms the case."""

    image_ids: ImageIds
    notes: Notes | None = None
    reason: Reason | None = None
    final_diagnosis: Diagnosis | None = Field(
        default=None, validation_alias=AliasChoices("final_diagnosis", "diagnosis")
    )

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not (self.image_ids or self.notes is not None or self.final_diagnosis):
            raise ValueError("give notes, image_ids or final_diagnosis")
        return self


class Updated(NumberedCase):
    status: str = "success"


class Logged(BaseModel):
    status: str = "success"
    message: str
    case_id: int
    case_status: CaseStatus


class PastCase(BaseModel):
    """A case of the history. `created_by` is an opaque id; `predictions` are those of its first photo."""

    case_id: int
    status: CaseStatus
    image_ids: list[str]
    predictions: list[Confidence]
    final_diagnosis: str | None
    reason: str | None
    notes: str | None
    created_by: str
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, case: Case, finding: Prediction | None) -> Self:
        return cls(
            case_id=case.number,
            image_ids=list(case.image_ids),
            predictions=Confidence.all_of(finding),
            reason=case.decision.reason if case.decision is not None else None,
            created_by=case.owner,
            **case.model_dump(include={"status", "final_diagnosis", "notes", "created_at", "updated_at"}),
        )


class LabelSubmission(Sent):
    correct_label: str = Field(min_length=1, max_length=64)
    notes: Notes | None = None


class Drawn(Sent):
    """In pixels of the photo as it was sent, held upright."""

    strokes: list[Stroke] = Field(default=[])
    boxes: list[Box] = Field(default=[])


class AnnotationSubmission(LabelSubmission):
    image_index: int = Field(default=0, ge=0, le=1_000)
    annotations: Drawn = Drawn()

    def shapes(self) -> Shapes:
        return Shapes(strokes=tuple(self.annotations.strokes), boxes=tuple(self.annotations.boxes))


class Kept(NumberedCase):
    status: str = "success"
    message: str
