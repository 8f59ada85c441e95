"""What the API says about the evidence for a finding."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel, Field

from clinic_api.schemas.images import ContentResponse
from triagelens.domain.explanations import Explanation, Method
from triagelens.services.images import SignedUrl


class ExplanationResponse(BaseModel):
    """Where in an image the evidence for a label lies."""

    image_id: str
    label: str = Field(examples=["mel"])
    method: Method = Field(
        description="`grad_cam`: from the very run that made the finding. `occlusion`: measured afterwards, "
        "by hiding one part of the image after the other, where a model shows no features"
    )
    central_share: float | None = Field(
        description="Share of the evidence in the central region, which has half of each side of what the "
        "model saw of the image: 0.25 where it is spread evenly, whatever was cropped away; null where "
        "nothing in the image speaks for the label",
        examples=[0.81],
    )
    heatmap: ContentResponse = Field(description="PNG, as large as the working image")
    overlay: ContentResponse = Field(description="JPEG: the working image under its heatmap, with a legend")

    @classmethod
    def of(cls, explanation: Explanation, heatmap: SignedUrl, overlay: SignedUrl, now: datetime) -> Self:
        return cls(
            image_id=explanation.image_id,
            label=explanation.label,
            method=explanation.method,
            central_share=explanation.central_share,
            heatmap=ContentResponse.of(heatmap, now),
            overlay=ContentResponse.of(overlay, now),
        )
