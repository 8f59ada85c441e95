"""What a model promises, fitted on images that chose nothing, and how that comes out on held-out ones."""

import numpy as np
from numpy.typing import NDArray

from training_job.conformal import ConformalMeasures, conformal_quantile, measure_sets
from training_job.evaluate import Observed, softmax
from training_job.outliers import fit_outliers
from triagelens.domain.manifest import AbstainSpec
from triagelens.inference.outliers import OutlierMeasure

Targets = NDArray[np.int64]


def promised(
    calibration: Observed,
    targets: Targets,
    trained: tuple[Observed, Targets],
    *,
    temperature: float,
    coverage: float,
    output: str,
) -> AbstainSpec | None:
    """When the model is not to answer; None where the images can tell neither sets nor other kinds.

    Args:
        calibration: what the model gives for images that neither trained it nor chose it.
        trained: of training images.
        coverage: of the sets of labels.
        output: of the graph, that the summaries are made of.
    """
    if not len(targets):
        return None
    return AbstainSpec(
        conformal_quantile=conformal_quantile(softmax(calibration.logits, temperature), targets, coverage),
        conformal_coverage=coverage,
        ood=fit_outliers(trained[0].summaries, trained[1], calibration.summaries, output),
    )


def sets_of(
    abstain: AbstainSpec | None, seen: Observed, targets: Targets, temperature: float
) -> ConformalMeasures | None:
    """How often the sets of held-out images hold the true label; None without sets or images."""
    if abstain is None or abstain.conformal_quantile is None or abstain.conformal_coverage is None:
        return None
    if not len(targets):
        return None
    likely = softmax(seen.logits, temperature)
    return measure_sets(likely, targets, abstain.conformal_quantile, abstain.conformal_coverage)


def share_flagged(abstain: AbstainSpec | None, seen: Observed) -> float | None:
    """How many held-out images are taken for another kind, 0..1; None without statistics or images."""
    if abstain is None or abstain.ood is None or not len(seen.summaries):
        return None
    return round(float(OutlierMeasure(abstain.ood).flagged(seen.summaries).mean()), 4)
