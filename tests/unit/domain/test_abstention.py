"""What becomes of an answer: the table of decisions, case by case."""

import pytest
from pydantic import ValidationError

from triagelens.domain.abstention import (
    CONSEQUENCES,
    MIN_CONFIDENCE,
    OPENS_REVIEW,
    DecisionReason,
    ModelDecision,
    OutlierScore,
    PredictionSet,
    judge,
)
from triagelens.domain.manifest import AbstainSpec, OutlierSpec
from triagelens.domain.prediction import ModelIdentity, Prediction
from triagelens.domain.specialties import SPECIALTIES

URGENT = frozenset({"mel", "bcc"})
# One direction, one channel: the smallest statistics that there are. float16 of 1 and of 0.
OOD = OutlierSpec(
    components=1,
    channels=1,
    basis="ADw=",
    centre="AAA=",
    classes=[[0.0]],
    precision=[[1.0]],
    residual=1.0,
    threshold=10.0,
)
WHOLE = AbstainSpec(min_confidence=0.6, conformal_quantile=0.3, conformal_coverage=0.9, ood=OOD)
ACCEPT, UNCERTAIN, ABSTAIN = ModelDecision

TABLE = [
    # nv, mel, bkl; distance; decision; reasons; set
    ((0.90, 0.06, 0.04), 1.0, ACCEPT, [], ["nv"]),
    ((0.70, 0.20, 0.10), 1.0, ACCEPT, [], ["nv"]),  # at least 1 - 0.3: the bound itself is in
    ((0.69, 0.21, 0.10), 1.0, UNCERTAIN, ["no_label"], []),
    ((0.59, 0.21, 0.20), 1.0, ABSTAIN, ["low_confidence", "no_label"], []),
    ((0.60, 0.21, 0.19), 1.0, UNCERTAIN, ["no_label"], []),  # as probable as the model requires
    ((0.90, 0.06, 0.04), 10.0, ACCEPT, [], ["nv"]),  # the threshold itself is usual
    ((0.90, 0.06, 0.04), 10.1, ABSTAIN, ["out_of_distribution"], ["nv"]),
    ((0.40, 0.35, 0.25), 99.0, ABSTAIN, ["out_of_distribution", "low_confidence", "no_label"], []),
]


def answer(nv: float, mel: float, bkl: float) -> dict[str, float]:
    return {"nv": nv, "mel": mel, "bkl": bkl}


@pytest.mark.parametrize(("likely", "distance", "decision", "reasons", "labels"), TABLE)
def test_a_model_with_everything_is_judged_by_everything(
    likely: tuple[float, float, float],
    distance: float,
    decision: ModelDecision,
    reasons: list[str],
    labels: list[str],
) -> None:
    found = judge(answer(*likely), WHOLE, distance=distance, urgent=URGENT)
    assert (found.decision, list(found.reasons)) == (decision, reasons)
    assert found.prediction_set == PredictionSet(labels=tuple(labels), coverage=0.9)
    assert found.out_of_distribution == OutlierScore(distance=distance, threshold=10.0)


@pytest.mark.parametrize(
    ("likely", "labels", "reasons"),
    [
        ((0.50, 0.02, 0.48), ["nv", "bkl"], ["several_labels"]),
        ((0.50, 0.48, 0.02), ["nv", "mel"], ["several_labels", "urgent_label"]),
        ((0.48, 0.50, 0.02), ["mel", "nv"], ["several_labels"]),  # the urgent one is the answer already
        ((0.34, 0.33, 0.33), ["nv", "mel", "bkl"], ["low_confidence", "several_labels", "urgent_label"]),
    ],
)
def test_a_set_of_several_labels_is_uncertain_and_says_if_an_urgent_one_could_be_missed(
    likely: tuple[float, float, float], labels: list[str], reasons: list[str]
) -> None:
    wide = WHOLE.model_copy(update={"min_confidence": 0.35, "conformal_quantile": 0.7})
    found = judge(answer(*likely), wide, distance=1.0, urgent=URGENT)
    assert found.prediction_set is not None
    assert list(found.prediction_set.labels) == labels
    assert list(found.reasons) == reasons
    assert found.decision is (ABSTAIN if "low_confidence" in reasons else UNCERTAIN)


@pytest.mark.parametrize("spec", [None, AbstainSpec()])
def test_a_model_without_statistics_is_judged_by_its_confidence_and_says_what_was_not_assessed(
    spec: AbstainSpec | None,
) -> None:
    unknown = [DecisionReason.SET_NOT_ASSESSED, DecisionReason.OOD_NOT_ASSESSED]
    sure = judge(answer(MIN_CONFIDENCE, 0.3, 0.2), spec, distance=1e9, urgent=URGENT)
    assert (sure.decision, list(sure.reasons)) == (ACCEPT, unknown)
    assert (sure.prediction_set, sure.out_of_distribution) == (None, None)
    unsure = judge(answer(0.49, 0.31, 0.2), spec, urgent=URGENT)
    assert (unsure.decision, list(unsure.reasons)) == (ABSTAIN, [DecisionReason.LOW_CONFIDENCE, *unknown])


def test_what_a_manifest_leaves_out_is_said_piece_by_piece() -> None:
    only_sets = judge(answer(0.9, 0.1, 0.0), WHOLE.model_copy(update={"ood": None}))
    assert list(only_sets.reasons) == [DecisionReason.OOD_NOT_ASSESSED]
    only_ood = judge(answer(0.9, 0.1, 0.0), AbstainSpec(ood=OOD), distance=1.0)
    assert list(only_ood.reasons) == [DecisionReason.SET_NOT_ASSESSED]


def test_a_model_may_waive_the_least_confidence() -> None:
    found = judge(answer(0.34, 0.33, 0.33), AbstainSpec(min_confidence=0))
    assert found.decision is ACCEPT


def test_every_reason_has_a_consequence_and_everything_but_an_accepted_answer_opens_a_review() -> None:
    assert set(CONSEQUENCES) == set(DecisionReason)
    assert set(ModelDecision) - {ModelDecision.ACCEPT} == OPENS_REVIEW
    assert all(known.urgent_labels <= set(known.label_names) for known in SPECIALTIES.values())


def test_a_quantile_without_its_promise_and_statistics_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValidationError, match="go together"):
        AbstainSpec(conformal_quantile=0.3)
    unfit: list[dict[str, object]] = [
        {"basis": "AAAA"},
        {"centre": "not base64!"},
        {"classes": [[0.0, 1.0]]},
        {"classes": []},
        {"precision": [[1.0, 0.0]]},
        {"threshold": -1.0},
    ]
    for change in unfit:
        with pytest.raises(ValidationError):
            OutlierSpec.model_validate(OOD.model_dump() | change)


def test_a_finding_older_than_decisions_is_read_as_it_was() -> None:
    identity = ModelIdentity(name="m", version="1", sha256="0" * 64, manifest_sha256="1" * 64)
    new = Prediction.ranked(
        answer(0.9, 0.06, 0.04),
        specialty="skin",
        model=identity,
        demonstration=False,
        intended_use="tests",
        judgement=judge(answer(0.9, 0.06, 0.04), WHOLE, distance=99.0),
    )
    assert (new.decision, new.reasons) == (ABSTAIN, (DecisionReason.OUT_OF_DISTRIBUTION,))
    assert Prediction.model_validate_json(new.model_dump_json()) == new
    added = {"decision", "reasons", "prediction_set", "out_of_distribution"}
    old = Prediction.model_validate(new.model_dump(mode="json", exclude=added))
    assert (old.decision, old.reasons, old.prediction_set, old.out_of_distribution) == (None, (), None, None)
