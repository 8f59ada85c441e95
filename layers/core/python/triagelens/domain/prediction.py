"""What a model says about one working image."""

import base64
import math
import struct
from collections.abc import Mapping, Sequence
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from triagelens.domain.abstention import (
    DecisionReason,
    Judgement,
    ModelDecision,
    OutlierScore,
    PredictionSet,
)
from triagelens.domain.manifest import Sha256

_LEVELS = 65535


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LabelProbability(_Part):
    """One class and its calibrated probability."""

    label: str
    probability: float = Field(ge=0, le=1)


class ModelIdentity(_Part):
    """Which model answered. The digests are those of the bytes that were run."""

    name: str
    version: str
    sha256: Sha256
    manifest_sha256: Sha256


class LabelActivation(_Part):
    """One label's grid, packed.

    Attributes:
        peak: the largest activation; 0 where no part of the image speaks for the label.
        levels: base64 of little-endian unsigned 16-bit levels, row by row; 65535 stands for `peak`.
    """

    label: str
    peak: float = Field(ge=0)
    levels: str

    @classmethod
    def pack(cls, label: str, activations: Sequence[float]) -> Self:
        """Packs non-negative activations, row by row; the error is at most peak / 131070."""
        peak = max(activations)
        scale = _LEVELS / peak if peak > 0 else 0.0
        levels = [round(value * scale) for value in activations]
        return cls(
            label=label,
            peak=peak,
            levels=base64.b64encode(struct.pack(f"<{len(levels)}H", *levels)).decode("ascii"),
        )


class FeatureGrid(_Part):
    """Where in the image each label's evidence lies: last-layer Grad-CAM on a coarse grid.

    Kept with the result so that a heatmap can be drawn later without running the model again. The
    grid covers what the model saw (after resize and crop), row 0 at the top.

    Attributes:
        activations: one grid per label, most probable label first. Where there are so many labels
            that the grids would pass 2 KB, the least probable ones are left out.
    """

    rows: int = Field(ge=1)
    columns: int = Field(ge=1)
    activations: tuple[LabelActivation, ...]

    def values(self, label: str) -> list[list[float]] | None:
        """`rows` lists of `columns` activations (0 or more); None if this label's grid was left out."""
        for entry in self.activations:
            if entry.label == label:
                levels = struct.unpack(f"<{self.rows * self.columns}H", base64.b64decode(entry.levels))
                flat = [level * entry.peak / _LEVELS for level in levels]
                return [flat[at : at + self.columns] for at in range(0, len(flat), self.columns)]
        return None


class Prediction(_Part):
    """A finding of one model on one image.

    Attributes:
        probability: calibrated probability of `top_label`.
        confidence: the same figure, under the name that reviewers sort by.
        margin: probability of the first label minus that of the second.
        entropy: Shannon entropy of all probabilities in nats: 0 is certain, ln(labels) is a guess.
        probabilities: every class of the model, most probable first.
        decision: whether the answer may stand by itself; None of findings older than decisions.
        reasons: what the decision rests on.
        prediction_set: labels that together hold the true one as often as promised; None if not assessed.
        out_of_distribution: how unlike training images the image is; None if not assessed.
        features: evidence for a later explanation, if the model gives its feature map.
        demonstration: the model was made to try the platform out, not for patients.
        timings_ms: wall time of each stage in milliseconds.
    """

    specialty: str
    top_label: str
    probability: float = Field(ge=0, le=1)
    confidence: float = Field(ge=0, le=1)
    margin: float = Field(ge=0, le=1)
    entropy: float = Field(ge=0)
    probabilities: tuple[LabelProbability, ...] = Field(min_length=2)
    decision: ModelDecision | None = None
    reasons: tuple[DecisionReason, ...] = ()
    prediction_set: PredictionSet | None = None
    out_of_distribution: OutlierScore | None = None
    features: FeatureGrid | None = None
    model: ModelIdentity
    demonstration: bool
    intended_use: str
    timings_ms: dict[str, float] = Field(default_factory=dict)

    @classmethod
    def ranked(
        cls,
        probabilities: Mapping[str, float],
        *,
        specialty: str,
        model: ModelIdentity,
        demonstration: bool,
        intended_use: str,
        judgement: Judgement | None = None,
        features: FeatureGrid | None = None,
        timings_ms: Mapping[str, float] | None = None,
    ) -> Self:
        """The finding that follows from `probabilities` (label -> 0..1, at least two, sum 1).

        Equal probabilities keep the order of the model's labels.
        """
        ranking = sorted(probabilities.items(), key=lambda entry: -entry[1])
        (top_label, first), (_, second) = ranking[:2]
        entropy = -sum(p * math.log(p) for p in probabilities.values() if p > 0)
        return cls(
            specialty=specialty,
            top_label=top_label,
            probability=first,
            confidence=first,
            margin=first - second,
            entropy=max(0.0, entropy),
            probabilities=tuple(LabelProbability(label=label, probability=p) for label, p in ranking),
            decision=judgement and judgement.decision,
            reasons=judgement.reasons if judgement else (),
            prediction_set=judgement and judgement.prediction_set,
            out_of_distribution=judgement and judgement.out_of_distribution,
            features=features,
            model=model,
            demonstration=demonstration,
            intended_use=intended_use,
            timings_ms=dict(timings_ms or {}),
        )

    def with_timings(self, **milliseconds: float) -> Self:
        """A copy that also tells how long other stages took; they come before those already known."""
        return self.model_copy(update={"timings_ms": {**milliseconds, **self.timings_ms}})
