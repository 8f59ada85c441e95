"""Whether a model's answer may stand by itself, or a person has to look first.

Three things are asked. How sure is the model of its first label: the temperature-scaled probability
(Guo et al., 2017). Which labels are possible: the prediction set of split conformal prediction (Vovk,
Gammerman & Shafer, 2005) with the score of Sadinle, Lei & Wasserman (2019), 1 - probability of the true
label; `training_job.conformal` fits its quantile. Is the image of the kind that the model was trained
on: the distance of its features (`inference.outliers`).
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from pydantic import BaseModel, ConfigDict, Field

from triagelens.domain.manifest import AbstainSpec

# Of models whose manifest says nothing else. Below one half other labels together are more probable.
MIN_CONFIDENCE = 0.5


class ModelDecision(StrEnum):
    """What is to be made of an answer, from the least grave to the gravest.

    `accept`: nothing speaks against it. `uncertain`: the model does not settle on one label. `abstain`:
    there is no answer to rely on, whatever the probabilities say.
    """

    ACCEPT = "accept"
    UNCERTAIN = "uncertain"
    ABSTAIN = "abstain"


class DecisionReason(StrEnum):
    """What a decision rests on.

    `out_of_distribution`: unlike the images that the model was trained on. `low_confidence`: the first
    label is less probable than the model requires. `no_label`: no label is probable enough to keep the
    set's promise. `several_labels`: the set has more than one. `urgent_label`: a label that a person
    should see first is in the set, and is not the first one. `set_not_assessed`, `ood_not_assessed`: the
    manifest holds nothing to tell possible labels, or images of another kind, by.
    """

    OUT_OF_DISTRIBUTION = "out_of_distribution"
    LOW_CONFIDENCE = "low_confidence"
    NO_LABEL = "no_label"
    SEVERAL_LABELS = "several_labels"
    URGENT_LABEL = "urgent_label"
    SET_NOT_ASSESSED = "set_not_assessed"
    OOD_NOT_ASSESSED = "ood_not_assessed"


# The whole table: what follows of each reason. Of several reasons the gravest counts.
CONSEQUENCES: Mapping[DecisionReason, ModelDecision] = MappingProxyType(
    {
        DecisionReason.OUT_OF_DISTRIBUTION: ModelDecision.ABSTAIN,
        DecisionReason.LOW_CONFIDENCE: ModelDecision.ABSTAIN,
        DecisionReason.NO_LABEL: ModelDecision.UNCERTAIN,
        DecisionReason.SEVERAL_LABELS: ModelDecision.UNCERTAIN,
        DecisionReason.URGENT_LABEL: ModelDecision.UNCERTAIN,
        # A model that came without statistics is not worse for it, only less well known: it is said, not held
        # against each image.
        DecisionReason.SET_NOT_ASSESSED: ModelDecision.ACCEPT,
        DecisionReason.OOD_NOT_ASSESSED: ModelDecision.ACCEPT,
    }
)
_GRAVITY = tuple(ModelDecision)
# What a person has to look at.
OPENS_REVIEW = frozenset({ModelDecision.UNCERTAIN, ModelDecision.ABSTAIN})


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PredictionSet(_Part):
    """Labels that together hold the true one as often as promised, on images like those of training.

    Attributes:
        labels: most probable first; may be empty.
        coverage: the promise, 0..1, over all images; of single ones it says nothing.
    """

    labels: tuple[str, ...]
    coverage: float = Field(gt=0, lt=1)


class OutlierScore(_Part):
    """How far an image is from those of training; beyond `threshold` it is of another kind.

    Both are in the statistics' own unit, and compare only within one model.
    """

    distance: float = Field(ge=0)
    threshold: float = Field(ge=0)

    @property
    def is_beyond(self) -> bool:
        return self.distance > self.threshold


class Judgement(_Part):
    """What is to be made of one answer, why, and what it was judged by.

    Attributes:
        reasons: in the order of their table; an accepted answer may have what was not assessed.
        prediction_set, out_of_distribution: None where the manifest has nothing for it.
    """

    decision: ModelDecision
    reasons: tuple[DecisionReason, ...] = ()
    prediction_set: PredictionSet | None = None
    out_of_distribution: OutlierScore | None = None


def judge(
    probabilities: Mapping[str, float],
    spec: AbstainSpec | None,
    *,
    distance: float | None = None,
    urgent: frozenset[str] = frozenset(),
) -> Judgement:
    """The judgement of an answer by what the model's manifest says.

    Args:
        probabilities: calibrated, of every label of the model.
        distance: of the image's features, if the manifest has statistics of them.
        urgent: labels that a person should see first.
    """
    spec = spec or AbstainSpec()
    least = MIN_CONFIDENCE if spec.min_confidence is None else spec.min_confidence
    top = max(probabilities, key=probabilities.__getitem__)
    labels = _prediction_set(probabilities, spec)
    outlier = None
    if spec.ood is not None and distance is not None:
        outlier = OutlierScore(distance=distance, threshold=spec.ood.threshold)
    possible = labels.labels if labels is not None else ()
    found = {
        DecisionReason.OUT_OF_DISTRIBUTION: outlier is not None and outlier.is_beyond,
        DecisionReason.LOW_CONFIDENCE: probabilities[top] < least,
        DecisionReason.NO_LABEL: labels is not None and not possible,
        DecisionReason.SEVERAL_LABELS: len(possible) > 1,
        DecisionReason.URGENT_LABEL: any(label in urgent for label in possible if label != top),
        DecisionReason.SET_NOT_ASSESSED: labels is None,
        DecisionReason.OOD_NOT_ASSESSED: outlier is None,
    }
    reasons = tuple(reason for reason in DecisionReason if found[reason])
    return Judgement(
        decision=max((CONSEQUENCES[reason] for reason in reasons), key=_GRAVITY.index, default=_GRAVITY[0]),
        reasons=reasons,
        prediction_set=labels,
        out_of_distribution=outlier,
    )


def _prediction_set(probabilities: Mapping[str, float], spec: AbstainSpec) -> PredictionSet | None:
    """All labels of probability at least 1 - quantile; None of a model without a quantile."""
    if spec.conformal_quantile is None or spec.conformal_coverage is None:
        return None
    least = 1 - spec.conformal_quantile
    labels = sorted(
        (label for label, value in probabilities.items() if value >= least),
        key=lambda label: -probabilities[label],
    )
    return PredictionSet(labels=tuple(labels), coverage=spec.conformal_coverage)
