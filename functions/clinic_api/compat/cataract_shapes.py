"""What the cataract app sends and reads."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from triagelens.domain.images import Device, ImageStatus, OnDevicePrediction
from triagelens.domain.specialties import specialty
from triagelens.domain.statistics import SpecialtyCounts

SPECIALTY = "eye"


class _Shape(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, hide_input_in_errors=True)


class Metadata(_Shape):
    """The prediction that the app made on the device.

    Attributes:
        prediction: the network's output, 0..1.
        confidence: of `class_name`, in percent.
        inference_time: in seconds.
    """

    prediction: float = Field(ge=0, le=1)
    predicted_class: int = Field(ge=0, le=9_999)
    class_name: str = Field(min_length=1, max_length=100)
    confidence: float = Field(ge=0, le=100)
    inference_time: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    timestamp: datetime | None = None
    device_info: Device | None = None

    def on_device_prediction(self) -> OnDevicePrediction:
        return OnDevicePrediction(
            label=self.class_name,
            probability=self.confidence / 100,
            class_index=self.predicted_class,
            raw_output=self.prediction,
            inference_time_s=self.inference_time,
        )


class Received(_Shape):
    success: bool = True
    submission_id: str
    message: str = "Training data received successfully"


class Stats(_Shape):
    """Counts of the eye's images.

    Attributes:
        total_submissions: uploads that were announced.
        total_images: those of which an image came.
        class_counts: analysed images by our own finding.
    """

    total_submissions: int
    total_images: int
    class_counts: dict[str, int]
    timestamp: datetime

    @classmethod
    def of(cls, counts: SpecialtyCounts, now: datetime) -> Self:
        submissions = sum(counts.images.values())
        return cls(
            total_submissions=submissions,
            total_images=submissions - counts.images.get(ImageStatus.AWAITING_UPLOAD, 0),
            class_counts={
                label.title: counts.classes.get(label.name, 0) for label in specialty(SPECIALTY).labels
            },
            timestamp=now,
        )


class Health(_Shape):
    status: str = "healthy"
    timestamp: datetime
