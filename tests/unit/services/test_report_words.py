"""What a report says of a model that does not answer."""

from triagelens.domain.abstention import DecisionReason, Judgement, ModelDecision, PredictionSet
from triagelens.domain.prediction import ModelIdentity, Prediction
from triagelens.services.report_content import DECISIONS, REASONS, answer

MODEL = ModelIdentity(name="m", version="1", sha256="0" * 64, manifest_sha256="1" * 64)


def finding(judgement: Judgement | None) -> Prediction:
    return Prediction.ranked(
        {"nv": 0.5, "mel": 0.4, "bkl": 0.1},
        specialty="skin",
        model=MODEL,
        demonstration=False,
        intended_use="tests",
        judgement=judgement,
    )


def test_a_doubtful_answer_is_said_with_its_reasons_and_the_possible_labels() -> None:
    judgement = Judgement(
        decision=ModelDecision.UNCERTAIN,
        reasons=(DecisionReason.SEVERAL_LABELS, DecisionReason.URGENT_LABEL),
        prediction_set=PredictionSet(labels=("nv", "mel"), coverage=0.9),
    )
    assert answer(finding(judgement)) == (
        "The model is not certain. Several labels are possible. An urgent one is among them. "
        "Possible are Melanocytic naevus, Melanoma (90% of such sets hold the true label)."
    )


def test_a_finding_older_than_decisions_says_nothing_of_them() -> None:
    assert answer(finding(None)) is None


def test_there_are_words_for_every_decision_and_reason() -> None:
    assert set(DECISIONS) == set(ModelDecision)
    assert set(REASONS) == set(DecisionReason)
