"""What a report says in words: of models and their doubts, of evidence, and of who has decided."""

from typing import Any

import pytest

from tests.fakes import START
from triagelens.domain.abstention import DecisionReason, Judgement, ModelDecision, PredictionSet
from triagelens.domain.cases import Case, CaseStatus, Decision
from triagelens.domain.explanations import Explanation, Method
from triagelens.domain.images import ImageRecord, ImageStatus, UploadDeclaration
from triagelens.domain.prediction import ModelIdentity, Prediction
from triagelens.domain.report_document import percent
from triagelens.domain.reports import findings_of
from triagelens.domain.review import opened_for_review
from triagelens.domain.specialties import label_title
from triagelens.services.report_content import (
    DECISIONS,
    REASONS,
    answer,
    caption,
    case_facts,
    model_facts,
    outcomes,
    summary,
)

MODEL = ModelIdentity(name="m", version="1", sha256="0" * 64, manifest_sha256="1" * 64)


def finding(judgement: Judgement | None = None, **changes: Any) -> Prediction:
    made = Prediction.ranked(
        {"nv": 0.5, "mel": 0.4, "bkl": 0.1},
        specialty="skin",
        model=MODEL,
        demonstration=False,
        intended_use="tests",
        judgement=judgement,
    )
    return made.model_copy(update=changes)


def image(prediction: Prediction | None) -> ImageRecord:
    return ImageRecord(
        image_id="i",
        owner="gp",
        specialty="skin",
        status=ImageStatus.ANALYZED,
        upload=UploadDeclaration(content_type="image/jpeg", size_bytes=1),
        upload_expires_at=START,
        prediction=prediction,
        attempt=1,
        created_at=START,
        updated_at=START,
        correlation_id="request",
    )


def case(**changes: Any) -> Case:
    made = Case(
        case_id="c",
        number=10_042,
        specialty="skin",
        status=CaseStatus.OPEN,
        owner="gp",
        image_ids=("i",),
        created_at=START,
        updated_at=START,
        updated_by="gp",
        correlation_id="request",
    )
    return made.model_copy(update=changes)


def explained(central_share: float | None) -> Explanation:
    return Explanation(
        image_id="i",
        label="nv",
        method=Method.OCCLUSION,
        heatmap_key="h",
        overlay_key="o",
        central_share=central_share,
    )


ABSTAINED = Judgement(decision=ModelDecision.ABSTAIN, reasons=(DecisionReason.LOW_CONFIDENCE,))


def test_a_doubtful_answer_is_said_with_its_reasons_and_the_possible_labels() -> None:
    judgement = Judgement(
        decision=ModelDecision.UNCERTAIN,
        reasons=(DecisionReason.SEVERAL_LABELS, DecisionReason.URGENT_LABEL),
        prediction_set=PredictionSet(labels=("nv", "mel"), coverage=0.995),
    )
    assert answer(finding(judgement)) == (
        "The model is not certain. Several labels are possible. An urgent one is among them. "
        "Possible are Melanocytic naevus, Melanoma. Over all images like those of training, 99.5 % of the "
        "sets that this model gives hold the true label."
    )


def test_a_finding_older_than_decisions_says_nothing_of_them() -> None:
    assert answer(finding(None)) is None


def test_there_are_words_for_every_decision_and_reason() -> None:
    assert set(DECISIONS) == set(ModelDecision)
    assert set(REASONS) == set(DecisionReason)


@pytest.mark.parametrize(
    ("share", "said"),
    [
        *((1.0, ">99.9 %"), (0.99962, ">99.9 %"), (0.9995, ">99.9 %"), (0.9994, "99.9 %")),
        *((0.995, "99.5 %"), (0.9, "90.0 %"), (0.0006, "0.1 %"), (0.00038, "<0.1 %"), (0.0, "<0.1 %")),
    ],
)
def test_no_share_is_rounded_to_certainty(share: float, said: str) -> None:
    assert percent(share) == said


def test_an_image_without_an_answer_is_no_finding() -> None:
    images = [image(finding(ABSTAINED)), image(finding()), image(finding()), image(None)]
    said = {fact.name: fact.value for fact in summary(images, [case()], whole_patient=False)}
    assert said["Findings"] == "Melanocytic naevus: 2"
    assert said["Without an answer"] == "1"
    assert findings_of(images) == {"skin": {"nv": 2}}
    none = {fact.name for fact in summary([image(finding(ABSTAINED))], [], whole_patient=False)}
    assert "Findings" not in none
    all_answered = {fact.name for fact in summary([image(finding())], [], whole_patient=False)}
    assert "Without an answer" not in all_answered


@pytest.mark.parametrize("for_clinic", [True, False])
def test_a_models_doubt_is_nobodys_decision(for_clinic: bool) -> None:
    doubted = opened_for_review(case(), [("i", finding(ABSTAINED))], START, "request")
    assert doubted is not None
    said = {fact.name: fact.value for fact in case_facts(doubted, for_clinic=for_clinic, decided_by=None)}
    assert not any(name.startswith("Decided") for name in said)
    assert said["Opened for review"] == f"{START:%Y-%m-%d %H:%M} UTC"
    assert ("Reason" in said) is for_clinic
    [outcome] = outcomes([doubted], for_clinic=False)
    assert outcome.text == "Uncertain. Opened for review."


def test_a_persons_doubt_is_theirs() -> None:
    decision = Decision(by="doctor", at=START, reason="Blurred.")
    doubted = case(status=CaseStatus.UNCERTAIN, decision=decision)
    said = {fact.name: fact.value for fact in case_facts(doubted, for_clinic=True, decided_by="Dr D")}
    assert (said["Decided by"], said["Reason"]) == ("Dr D", "Blurred.")
    assert "Decided" in said
    assert "Opened for review" not in said
    assert outcomes([doubted], for_clinic=True)[0].text == "Uncertain. Blurred."


def test_a_model_and_its_corrected_manifest_are_two_with_digests_and_uses_of_their_own() -> None:
    corrected = MODEL.model_copy(update={"version": "2", "manifest_sha256": "2" * 64})
    of_adults = finding(intended_use="adults")
    of_children = finding(intended_use="children.", model=corrected, demonstration=True)
    one, two = model_facts([of_children, of_adults, of_adults])
    assert (one.name, two.name) == ("m 1", "m 2")
    assert "Intended use: adults. SHA-256" in one.value
    assert "Intended use: children. Demonstration model. SHA-256" in two.value
    for fact, model in ((one, MODEL), (two, corrected)):
        assert model.sha256 in fact.value.replace(" ", "")
        assert model.manifest_sha256 in fact.value.replace(" ", "")


def test_where_nothing_speaks_for_a_label_the_caption_says_so() -> None:
    said = caption(image(finding()), explained=explained(None))
    assert said == "Dermatology: the image. By occlusion, nothing in it speaks for Melanocytic naevus."
    said = caption(image(finding()), explained=explained(0.25))
    assert said.startswith("Dermatology: evidence for Melanocytic naevus by occlusion: clear where")


@pytest.mark.parametrize(
    ("of_specialty", "label"), [("skin", "mel"), ("skin", "unknown"), ("eye", "mel"), ("unheard_of", "mel")]
)
def test_a_label_without_a_title_goes_by_its_name(of_specialty: str, label: str) -> None:
    title = "Melanoma" if (of_specialty, label) == ("skin", "mel") else label
    assert label_title(of_specialty, label) == title
    top = image(finding(specialty=of_specialty, top_label=label)).model_copy(
        update={"specialty": of_specialty}
    )
    assert f"evidence for {title} by" in caption(top, explained=explained(0.5))
