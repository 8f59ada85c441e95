"""Which cases a reader has to see, and which first: those of which the model is least certain.

Settles, B. (2009), Active Learning Literature Survey, section 3.1, for margin, entropy and least
confidence; Sener & Savarese (2018), Active Learning for Convolutional Neural Networks: A Core-Set
Approach, for the batch that covers as much as it can (greedy k-centre, Gonzalez 1985).
"""

import math
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from pydantic import BaseModel, ConfigDict

from triagelens.domain.abstention import OPENS_REVIEW
from triagelens.domain.cases import LABELLED, SYSTEM, Case, CaseStatus, Decision, Move
from triagelens.domain.panels import Panel
from triagelens.domain.prediction import Prediction
from triagelens.domain.specialties import specialty

MOST_CANDIDATES = 50
# `diverse` chooses among this many times as many, those of the least margin.
POOL_FACTOR = 20
Vector = tuple[float, ...]
T = TypeVar("T")


class Strategy(StrEnum):
    MARGIN = "margin"
    ENTROPY = "entropy"
    LEAST_CONFIDENCE = "least_confidence"
    DIVERSE = "diverse"


class ReviewItem(BaseModel):
    """A case that waits for a reader, with the figures that it is sorted by.

    Each figure is that of the case's least certain image by that figure.

    Attributes:
        image_id: the image of the least margin.
        margin: first probability less the second; the smaller the sooner.
        entropy: in nats; the larger the sooner.
        confidence: first probability; the smaller the sooner.
        embedding: where the case's least certain image lies among others, one number for each of the
            specialty's labels, of length 1.
    """

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    case_id: str
    number: int
    specialty: str
    image_id: str
    margin: float
    entropy: float
    confidence: float
    embedding: Vector

    def score(self, strategy: Strategy) -> float:
        """The figure that the strategy sorts by."""
        if strategy is Strategy.ENTROPY:
            return self.entropy
        return self.confidence if strategy is Strategy.LEAST_CONFIDENCE else self.margin


def review_item(case: Case, panel: Panel, predictions: Sequence[tuple[str, Prediction]]) -> ReviewItem | None:
    """What stands in the queue for a case, or None if it waits for no reader.

    Args:
        predictions: (image id, finding with its features) of the case's analysed images.
    """
    if case.status not in LABELLED or panel.is_complete or not predictions:
        return None
    image_id, leading = min(predictions, key=lambda entry: entry[1].margin)
    return ReviewItem(
        case_id=case.case_id,
        number=case.number,
        specialty=case.specialty,
        image_id=image_id,
        margin=leading.margin,
        entropy=max(prediction.entropy for _, prediction in predictions),
        confidence=min(prediction.confidence for _, prediction in predictions),
        embedding=embedding(leading),
    )


def opened_for_review(
    case: Case, predictions: Sequence[tuple[str, Prediction]], now: datetime, correlation_id: str
) -> Case | None:
    """The case as uncertain, if it is open and the model does not stand by what it found on an image of it.

    None if there is nothing to do: that it is uncertain is said once, and nobody's decision is touched.

    Args:
        predictions: (image id, finding) of the case's analysed images.
    """
    doubted = [
        f"Image {image_id}: {finding.decision} ({', '.join(finding.reasons)})."
        for image_id, finding in predictions
        if finding.decision in OPENS_REVIEW
    ]
    if case.status is not CaseStatus.OPEN or not doubted:
        return None
    decision = Decision(by=SYSTEM, at=now, reason=" ".join(doubted))
    return case.after(Move.DOUBT, SYSTEM, now, correlation_id, decision=decision)


def embedding(prediction: Prediction) -> Vector:
    """The evidence for each label, pooled over the image, scaled to length 1.

    Of a model that keeps no feature map the probabilities stand in: the same axes, but nothing of how
    the image looks beyond them.
    """
    labels = specialty(prediction.specialty).label_names
    pooled = dict.fromkeys(labels, 0.0)
    features = prediction.features
    for entry in features.activations if features is not None else ():
        cells = [cell for row in (features.values(entry.label) if features else None) or () for cell in row]
        pooled[entry.label] = math.fsum(cells) / max(1, len(cells))
    if not any(pooled.values()):
        pooled = {entry.label: entry.probability for entry in prediction.probabilities}
    values = [pooled.get(label, 0.0) for label in labels]
    length = math.hypot(*values) or 1.0
    return tuple(round(value / length, 4) for value in values)


def k_centres(entries: Sequence[tuple[T, Vector]], k: int) -> list[T]:
    """`k` of the entries that leave none of them far from a chosen one.

    The first entry is the first chosen, and each next one is the farthest from all chosen; of equals
    the earlier. The farthest distance left is at most twice the least that is possible (Gonzalez, 1985).
    """
    if not entries or k < 1:
        return []
    distances = [math.inf] * len(entries)
    chosen = [0]
    while len(chosen) < min(k, len(entries)):
        centre = entries[chosen[-1]][1]
        distances = [
            min(distance, math.dist(centre, vector))
            for distance, (_, vector) in zip(distances, entries, strict=True)
        ]
        for index in chosen:
            distances[index] = -1.0
        chosen.append(max(range(len(entries)), key=distances.__getitem__))
    return [entries[index][0] for index in chosen]
