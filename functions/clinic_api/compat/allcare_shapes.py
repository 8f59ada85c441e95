"""What the AllCare app sends and reads. Where its own texts leave a body open, it is settled here."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from clinic_api.schemas.auth import Code, Password, Username
from triagelens.domain.images import ImageRecord
from triagelens.domain.people import Person
from triagelens.domain.prediction import Prediction
from triagelens.domain.review import MOST_CANDIDATES
from triagelens.domain.training_jobs import JobStatus, TrainingJob
from triagelens.services.review import Candidate as Waiting

SPECIALTY = "skin"
RETRAINING = {
    JobStatus.QUEUED: "in_progress",
    JobStatus.RUNNING: "in_progress",
    JobStatus.COMPLETED: "completed",
    JobStatus.FAILED: "error",
    JobStatus.CANCELLED: "error",
}


class Sent(BaseModel):
    """Fields that are not known here are left out, as they were."""

    model_config = ConfigDict(hide_input_in_errors=True)


class Login(Sent):
    """`code` and `new_password` are for who is asked for them."""

    username: Username
    password: Password
    code: Code | None = None
    new_password: Password | None = None


class User(BaseModel):
    """`user_id` is the username, as it was."""

    user_id: str
    first_name: str
    last_name: str
    role: str

    @classmethod
    def of(cls, person: Person) -> Self:
        first, last = _names(person)
        return cls(user_id=person.username, role=person.role, first_name=first, last_name=last)


class Session(BaseModel):
    access_token: str
    token_type: str = Field(default="bearer")
    user: User


class Confidence(BaseModel):
    label: str
    confidence: float

    @classmethod
    def all_of(cls, finding: Prediction | None) -> list[Self]:
        """The most probable first; none as long as there is no finding."""
        found = finding.probabilities if finding is not None else ()
        return [cls(label=entry.label, confidence=entry.probability) for entry in found]


class Checked(BaseModel):
    """A photo and its finding. `blur_score`: variance of the Laplacian; the higher the sharper."""

    blur_score: float | None
    predictions: list[Confidence]
    status: str
    image_id: str
    case_id: int | None

    @classmethod
    def of(cls, image: ImageRecord, finding: Prediction | None, case_id: int | None) -> Self:
        return cls(
            blur_score=blur_score(image),
            predictions=Confidence.all_of(finding),
            status="processing" if finding is None else "ok",
            image_id=image.image_id,
            case_id=case_id,
        )


class Wish(Sent):
    top_k: int = Field(default=5, ge=1, le=MOST_CANDIDATES)


class Candidate(BaseModel):
    """A case that waits for a label. `margin`: first confidence less the second, of `image_id`."""

    case_id: int
    image_id: str
    margin: float
    uncertainty_score: float

    @classmethod
    def of(cls, waiting: Waiting) -> Self:
        item = waiting.item
        return cls(
            case_id=item.number, image_id=item.image_id, margin=item.margin, uncertainty_score=1 - item.margin
        )


class Candidates(BaseModel):
    candidates: list[Candidate]
    total_candidates: int
    selection_method: str = "minimum_margin_case_sampling"
    description: str = "Unlabelled cases with the least difference between the two most probable labels"


class Retrain(Sent):
    epochs: int = Field(default=5, ge=1, le=1000)
    batch_size: int = Field(default=16, ge=2, le=4096)


class Retraining(BaseModel):
    status: str = "started"
    message: str = "Retraining has been started"
    job_id: str


class RetrainStatus(BaseModel):
    """The latest retraining. `last_retrain`: when it ended."""

    status: str = "not_started"
    last_retrain: datetime | None = None
    message: str = "The model has not been retrained yet"

    @classmethod
    def of(cls, job: TrainingJob | None) -> Self:
        if job is None:
            return cls()
        return cls(status=RETRAINING[job.status], last_retrain=job.completed_at, message=job.message)


def _names(person: Person) -> tuple[str, str]:
    """First and last name: as they came over, else the last word is the last name."""
    name, last = person.name or "", person.last_name
    if last is not None and name.endswith(last):
        return name.removesuffix(last).rstrip(), last
    first, _, last = name.rpartition(" ")
    return (first, last) if first else (last, "")


def blur_score(image: ImageRecord) -> float | None:
    return image.quality.focus_score if image.quality is not None else None


def is_blurred(image: ImageRecord) -> bool:
    """Whether the photo is not taken because it is not sharp."""
    reasons = image.quality.reasons if image.quality is not None else ()
    return any((reason.code, reason.severity) == ("blurred", "reject") for reason in reasons)
