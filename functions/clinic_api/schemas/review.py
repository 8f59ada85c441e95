"""The review queue over HTTP."""

from typing import Self

from pydantic import BaseModel, Field

from clinic_api.schemas.cases import CASE_ID_EXAMPLE
from clinic_api.schemas.images import IMAGE_ID_EXAMPLE
from triagelens.domain.review import Strategy
from triagelens.services.ports import Page
from triagelens.services.review import Candidate

METHODS = {
    Strategy.MARGIN: (
        "minimum_margin_case_sampling",
        "Cases by the smallest difference between the first and the second probability of any image.",
    ),
    Strategy.ENTROPY: (
        "maximum_entropy_case_sampling",
        "Cases by the largest entropy of any image, in nats.",
    ),
    Strategy.LEAST_CONFIDENCE: (
        "least_confidence_case_sampling",
        "Cases by the smallest first probability of any image.",
    ),
    Strategy.DIVERSE: (
        "k_centre_case_sampling",
        "Of the cases of the smallest margins those that lie far from each other in what the model saw.",
    ),
}


class ReviewCandidate(BaseModel):
    """A case that waits for your label. Each figure is that of its least certain image."""

    case_id: str = Field(examples=[CASE_ID_EXAMPLE])
    number: int = Field(examples=[10_000])
    image_id: str = Field(description="The image of the smallest margin", examples=[IMAGE_ID_EXAMPLE])
    score: float = Field(description="What the strategy sorts by", examples=[0.04])
    margin: float = Field(examples=[0.04])
    entropy: float = Field(description="In nats", examples=[0.68])
    confidence: float = Field(examples=[0.52])
    readers_wanted: int = Field(examples=[1])
    readers_in: int = Field(examples=[0])


class ReviewQueueResponse(BaseModel):
    """What to read next. A page may hold fewer than asked for although `cursor` says that there are more."""

    specialty: str = Field(examples=["skin"])
    strategy: Strategy
    selection_method: str = Field(examples=["minimum_margin_case_sampling"])
    description: str = Field(examples=[METHODS[Strategy.MARGIN][1]])
    items: list[ReviewCandidate]
    cursor: str | None = None

    @classmethod
    def of(cls, specialty: str, strategy: Strategy, page: Page[Candidate]) -> Self:
        method, description = METHODS[strategy]
        items = [
            ReviewCandidate(
                **candidate.item.model_dump(exclude={"specialty", "embedding"}),
                score=candidate.item.score(strategy),
                readers_wanted=candidate.panel.readers_wanted,
                readers_in=len(candidate.panel.labels),
            )
            for candidate in page.items
        ]
        return cls(
            specialty=specialty,
            strategy=strategy,
            selection_method=method,
            description=description,
            items=items,
            cursor=page.cursor,
        )
