"""Images and specialties over HTTP."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

from triagelens.domain.images import (
    Device,
    Failure,
    ImageRecord,
    ImageStatus,
    OnDevicePrediction,
    Purpose,
    UploadDeclaration,
)
from triagelens.domain.prediction import Prediction
from triagelens.domain.quality import QualityReport
from triagelens.domain.specialties import Specialty
from triagelens.services.images import SignedUrl
from triagelens.services.ports import Page
from triagelens.services.uploads import BegunUpload

IMAGE_ID_EXAMPLE = "01k9qq3ztm5c2v8e6x4r1n7d0b"
PATIENT_ID_EXAMPLE = "01k9qr0v6t2m8c4x7e1n5d3b9a"
PatientId = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9-]{1,64}$", description="Opaque id of the patient", examples=[PATIENT_ID_EXAMPLE]
    ),
]


class LabelResponse(BaseModel):
    """One finding that models of the specialty know."""

    name: str = Field(examples=["mel"])
    title: str = Field(examples=["Melanoma"])
    urgent: bool = Field(description="Findings that a person should see first")


class SpecialtyResponse(BaseModel):
    """A field of medicine that photos can be sent for."""

    name: str = Field(examples=["skin"])
    title: str = Field(examples=["Dermatology"])
    labels: list[LabelResponse]
    focus_threshold: float = Field(
        description="Variance of the Laplacian of the grey working image, below which a photo is blurred",
        examples=[100.0],
    )

    @classmethod
    def of(cls, specialty: Specialty) -> Self:
        return cls(
            name=specialty.name,
            title=specialty.title,
            labels=[
                LabelResponse(
                    name=label.name, title=label.title, urgent=label.name in specialty.urgent_labels
                )
                for label in specialty.labels
            ],
            focus_threshold=specialty.focus_threshold,
        )


class SpecialtyList(BaseModel):
    """All specialties of this deployment."""

    items: list[SpecialtyResponse]


class ImageRequest(UploadDeclaration):
    """An image about to be uploaded."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {"specialty": "skin", "content_type": "image/jpeg", "size_bytes": 2_718_281},
                {
                    "specialty": "eye",
                    "content_type": "image/jpeg",
                    "size_bytes": 1_048_576,
                    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                    "purpose": "training",
                    "captured_at": "2026-11-23T10:15:00Z",
                    "device": {"platform": "android", "version": "15", "model": "Pixel 9"},
                    "on_device_prediction": {
                        "label": "cataract",
                        "probability": 0.81,
                        "class_index": 1,
                        "raw_output": 0.81,
                    },
                },
            ]
        },
    )

    specialty: str = Field(min_length=1, max_length=64, description="One of `GET /v1/specialties`")
    patient_id: PatientId | None = Field(
        default=None, description="Of whom the photo is; for clinicians, of patients that they work on"
    )

    def declaration(self) -> UploadDeclaration:
        return UploadDeclaration.model_validate(self.model_dump(exclude={"specialty", "patient_id"}))


class UploadFormResponse(BaseModel):
    """Send `fields` in this order, then the photo as `file`, as multipart/form-data to `url`."""

    url: str = Field(examples=["https://triagelens-uploads.s3.eu-central-1.amazonaws.com/"])
    fields: dict[str, str] = Field(
        examples=[{"Content-Type": "image/jpeg", "key": f"uploads/{IMAGE_ID_EXAMPLE}", "policy": "eyJl..."}]
    )
    expires_at: datetime


class BegunUploadResponse(BaseModel):
    """The new image. `upload` is missing where a repeated request found the photo already processed."""

    image_id: str = Field(examples=[IMAGE_ID_EXAMPLE])
    status: ImageStatus
    upload: UploadFormResponse | None = None

    @classmethod
    def of(cls, begun: BegunUpload) -> Self:
        form = begun.form and UploadFormResponse(
            url=begun.form.url, fields=begun.form.fields, expires_at=begun.record.upload_expires_at
        )
        return cls(image_id=begun.record.image_id, status=begun.record.status, upload=form)


class ImageResponse(BaseModel):
    """An image, its quality verdict and its finding.

    `quality` is there once the photo was checked, `prediction` once `status` is `analyzed`, `failure`
    once it is `failed`. What a model on the device said stands apart, in `on_device_prediction`.
    """

    image_id: str = Field(examples=[IMAGE_ID_EXAMPLE])
    specialty: str = Field(examples=["skin"])
    status: ImageStatus
    purpose: Purpose
    created_at: datetime
    updated_at: datetime
    upload_expires_at: datetime
    attempt: int = Field(description="How often analysis was begun anew", examples=[0])
    quality: QualityReport | None = None
    prediction: Prediction | None = None
    failure: Failure | None = None
    on_device_prediction: OnDevicePrediction | None = None
    original_filename: str | None = None
    sha256: str | None = Field(default=None, description="Of the photo, as it was announced")
    captured_at: datetime | None = None
    device: Device | None = None
    patient_id: str | None = Field(default=None, description="Of whom the photo is, if a clinician said so")
    correlation_id: str

    @classmethod
    def of(cls, record: ImageRecord) -> Self:
        return cls(
            image_id=record.image_id,
            specialty=record.specialty,
            status=record.status,
            purpose=record.upload.purpose,
            created_at=record.created_at,
            updated_at=record.updated_at,
            upload_expires_at=record.upload_expires_at,
            attempt=record.attempt,
            quality=record.quality,
            prediction=record.prediction,
            failure=record.failure,
            on_device_prediction=record.upload.on_device_prediction,
            original_filename=record.upload.original_filename,
            sha256=record.upload.sha256,
            captured_at=record.upload.captured_at,
            device=record.upload.device,
            patient_id=record.patient_id,
            correlation_id=record.correlation_id,
        )


class ImageList(BaseModel):
    """One page, newest first. Ask again with `cursor` until it is null."""

    items: list[ImageResponse]
    cursor: str | None = None

    @classmethod
    def of(cls, page: Page[ImageRecord]) -> Self:
        return cls(items=[ImageResponse.of(record) for record in page.items], cursor=page.cursor)


class ContentResponse(BaseModel):
    """Where the working image can be fetched."""

    url: str = Field(description="Presigned; no further authorisation is needed or allowed")
    expires_at: datetime

    @classmethod
    def of(cls, signed: SignedUrl, now: datetime) -> Self:
        return cls(url=signed.url, expires_at=now + signed.lifetime)
