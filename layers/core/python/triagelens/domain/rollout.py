"""A candidate's share of the images, and when it loses it by itself."""

import hashlib
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field

Arm = Literal["candidate", "production"]
ARMS: tuple[Arm, ...] = ("candidate", "production")

WINDOW_H = 24
# Answers of an arm before its confidence and abstention are compared with the other's.
LEAST_ANSWERS = 20
# Failures need fewer: a model that fails its first images should not get twenty.
LEAST_FAILURES = 3
MOST_FAILURE_EXCESS = 0.05
MOST_ABSTENTION_EXCESS = 0.15
MOST_CONFIDENCE_SHIFT = 0.15
_SPACE = 2**64


def is_in_share(image_id: str, share: float) -> bool:
    """Whether a candidate with this share (0..1) answers the image.

    The same image always gets the same answer, and a larger share only adds images.
    """
    place = int.from_bytes(hashlib.sha256(image_id.encode()).digest()[:8], "big")
    return place < share * _SPACE


class Tally(BaseModel):
    """What one arm of a trial did in the window.

    Attributes:
        answers: findings given.
        failures: images that it could not answer.
        abstained: findings under the confidence from which its manifest says it should answer, or under 0.5.
        confidence_sum: of all findings, each 0..1.
    """

    model_config = ConfigDict(frozen=True)

    answers: int = Field(default=0, ge=0)
    failures: int = Field(default=0, ge=0)
    abstained: int = Field(default=0, ge=0)
    confidence_sum: float = Field(default=0.0, ge=0)

    def plus(self, other: "Tally") -> Self:
        """Both together."""
        return type(self)(
            answers=self.answers + other.answers,
            failures=self.failures + other.failures,
            abstained=self.abstained + other.abstained,
            confidence_sum=self.confidence_sum + other.confidence_sum,
        )

    @property
    def images(self) -> int:
        return self.answers + self.failures

    @property
    def failure_rate(self) -> float:
        return self.failures / self.images if self.images else 0.0

    @property
    def abstention_rate(self) -> float:
        return self.abstained / self.answers if self.answers else 0.0

    @property
    def mean_confidence(self) -> float:
        return self.confidence_sum / self.answers if self.answers else 0.0


def breach(candidate: Tally, production: Tally) -> str | None:
    """Why the candidate has to go, in words; None if nothing speaks against it yet."""
    excess = candidate.failure_rate - production.failure_rate
    if candidate.failures >= LEAST_FAILURES and excess > MOST_FAILURE_EXCESS:
        return (
            f"It failed on {candidate.failures} of {candidate.images} images "
            f"({candidate.failure_rate:.0%}); production on {production.failure_rate:.0%}."
        )
    if min(candidate.answers, production.answers) < LEAST_ANSWERS:
        return None
    if candidate.abstention_rate - production.abstention_rate > MOST_ABSTENTION_EXCESS:
        return (
            f"It would abstain on {candidate.abstention_rate:.0%} of its images; "
            f"production on {production.abstention_rate:.0%}."
        )
    shift = candidate.mean_confidence - production.mean_confidence
    if abs(shift) > MOST_CONFIDENCE_SHIFT:
        return (
            f"Its mean confidence is {candidate.mean_confidence:.2f}, "
            f"that of production {production.mean_confidence:.2f}."
        )
    return None
