"""Where in an image a model's evidence for a label lies."""

import hashlib
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from triagelens.domain.images import ImageRecord

FOLDER = "explanations/"


class Method(StrEnum):
    """How the evidence was found.

    `grad_cam` is exact for networks that end in pooling and a linear layer, from the run that made the
    finding. `occlusion` is measured afterwards, by hiding one part of the image after the other.
    """

    GRAD_CAM = "grad_cam"
    OCCLUSION = "occlusion"

    @property
    def in_words(self) -> str:
        """What people call it."""
        return {"grad_cam": "Grad-CAM", "occlusion": "occlusion"}[self]

    @property
    def at_first(self) -> str:
        """The same where a sentence begins with it."""
        return self.in_words[0].upper() + self.in_words[1:]


class Explanation(BaseModel):
    """Pictures of the evidence for one label, and what they come to.

    Attributes:
        central_share: share of the evidence in the central region, which has half of each side of what
            the model saw of the image (0.25 where it is spread evenly, whatever was cropped away); None
            where nothing speaks for the label.
    """

    model_config = ConfigDict(frozen=True)

    image_id: str
    label: str
    method: Method
    heatmap_key: str
    overlay_key: str
    central_share: float | None = Field(ge=0, le=1)


def explanation_key(record: ImageRecord, label: str, name: str) -> str:
    """S3 key of one file of an explanation: one folder for each image, its version, its model and label."""
    if record.prediction is None or record.object_version is None:
        raise ValueError("an image without a finding has no explanation")
    made_of = f"{record.object_version}\n{record.prediction.model.sha256}\n{label}"
    digest = hashlib.sha256(made_of.encode()).hexdigest()[:16]
    return f"{FOLDER}{record.image_id}/{digest}/{name}"
