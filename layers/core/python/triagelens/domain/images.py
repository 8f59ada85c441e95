"""An image's record and its status machine."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from triagelens.domain.errors import TransitionError
from triagelens.domain.people import Action, Person
from triagelens.domain.prediction import Prediction
from triagelens.domain.quality import QualityReport


class ImageStatus(StrEnum):
    """Where an image stands. `expired` is derived when read and never stored."""

    AWAITING_UPLOAD = "awaiting_upload"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    ANALYZED = "analyzed"
    FAILED = "failed"
    EXPIRED = "expired"


TRANSITIONS: frozenset[tuple[ImageStatus, ImageStatus]] = frozenset(
    {
        (ImageStatus.AWAITING_UPLOAD, ImageStatus.ACCEPTED),
        (ImageStatus.AWAITING_UPLOAD, ImageStatus.REJECTED),
        (ImageStatus.AWAITING_UPLOAD, ImageStatus.FAILED),
        (ImageStatus.ACCEPTED, ImageStatus.ANALYZED),
        (ImageStatus.ACCEPTED, ImageStatus.FAILED),
        # Redrives: a message that gave up is processed again once its cause is gone.
        (ImageStatus.FAILED, ImageStatus.ACCEPTED),
        (ImageStatus.FAILED, ImageStatus.REJECTED),
    }
)

FINAL = frozenset({ImageStatus.REJECTED, ImageStatus.ANALYZED, ImageStatus.FAILED})

Purpose = Literal["diagnosis", "training"]
WORKING_IMAGE_GONE = "working_image_gone"


class _Part(BaseModel):
    # A record that does not parse must not spill what it holds into a log.
    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


class OnDevicePrediction(_Part):
    """What a model on the photographer's own device said, kept beside ours and never mixed with it.

    `probability` is of `label`; `class_index` is that label's place among the model's classes, and
    `raw_output` the number that the model itself gave, where it is another.
    """

    label: str = Field(max_length=100)
    probability: float = Field(ge=0, le=1)
    class_index: int | None = Field(default=None, ge=0, le=9_999)
    raw_output: float | None = Field(default=None, allow_inf_nan=False)
    inference_time_s: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    model: str | None = Field(default=None, max_length=100)


class Device(_Part):
    """The device that took the image."""

    platform: str = Field(max_length=50)
    version: str | None = Field(default=None, max_length=50)
    model: str | None = Field(default=None, max_length=100)


class UploadDeclaration(_Part):
    """What the client said about the image before it sent a single byte."""

    content_type: Literal["image/jpeg", "image/png", "image/bmp", "image/webp"]
    size_bytes: int = Field(ge=1)
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    purpose: Purpose = "diagnosis"
    original_filename: str | None = Field(default=None, max_length=255)
    on_device_prediction: OnDevicePrediction | None = None
    captured_at: datetime | None = None
    device: Device | None = None


class Failure(_Part):
    """Why the platform could not finish. `retryable` failures are taken up again by a redrive."""

    code: str
    message: str
    retryable: bool


class WorkingImage(_Part):
    """Where the working image lies, and its size in pixels."""

    key: str
    width: int
    height: int


class ImageRecord(_Part):
    """Everything the platform knows about one image, without the bytes.

    Attributes:
        patient_id: of whom the image is, where a clinician said so; no name.
        object_version: S3 version of the original that was processed; the first processed one wins.
        attempt: how often analysis was begun; a redrive raises it.
        version: optimistic lock of the stored item.
    """

    image_id: str
    owner: str
    specialty: str
    status: ImageStatus
    upload: UploadDeclaration
    upload_expires_at: datetime
    created_at: datetime
    updated_at: datetime
    correlation_id: str
    patient_id: str | None = None
    object_version: str | None = None
    attempt: int = 0
    working_image: WorkingImage | None = None
    quality: QualityReport | None = None
    prediction: Prediction | None = None
    failure: Failure | None = None
    version: int | None = None

    @property
    def upload_key(self) -> str:
        return upload_key(self.image_id)

    def is_visible_to(self, person: Person) -> bool:
        """Whether `person` sent it, is the patient, or sees all images."""
        is_patient = self.patient_id is not None and self.patient_id == person.patient_id
        return person.sub == self.owner or is_patient or person.may(Action.SEE_ALL_IMAGES)

    def move(self, to: ImageStatus, now: datetime, **changes: Any) -> Self:
        """A copy in status `to`, with `changes` applied.

        Raises:
            TransitionError: the status machine has no such edge.
        """
        if (self.status, to) not in TRANSITIONS:
            raise TransitionError(f"An image cannot go from {self.status} to {to}.")
        failure = changes.pop("failure", None)
        return self.model_copy(update={"status": to, "updated_at": now, "failure": failure, **changes})

    def is_done_with(self, object_version: str) -> bool:
        """Whether an event about `object_version` has nothing left to do.

        Final states end it, and so does another version that came first. A retryable failure does
        not: the message that failed comes back by a redrive, and is then worth doing.
        """
        if self.object_version is not None and self.object_version != object_version:
            return True
        if self.status is ImageStatus.FAILED:
            return self.failure is None or not self.failure.retryable
        return self.status in FINAL


UPLOADS = "uploads/"


def upload_key(image_id: str) -> str:
    """S3 key of the original."""
    return f"{UPLOADS}{image_id}"


def image_id_of(key: str) -> str:
    """The image that an upload's key names."""
    return key.removeprefix(UPLOADS)
