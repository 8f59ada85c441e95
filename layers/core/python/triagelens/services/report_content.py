"""What a report says of images, cases and patients, in words. Nothing is read here, and nothing is set."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from triagelens.domain.abstention import DecisionReason, ModelDecision
from triagelens.domain.cases import Case, Comment, ReaderLabel
from triagelens.domain.explanations import Explanation
from triagelens.domain.images import ImageRecord, ImageStatus
from triagelens.domain.patients import Patient, age_on
from triagelens.domain.prediction import Prediction
from triagelens.domain.report_document import Fact, Remark, ShownImage, ShownLabel, percent
from triagelens.domain.reports import findings_of
from triagelens.domain.specialties import SPECIALTIES, label_title, specialty

MOST_LABELS = 8
DISCLAIMER = (
    "Findings and heatmaps in this report were made by software that supports clinicians. They are no "
    "diagnosis: a clinician decides, with the whole patient in view. A heatmap shows which parts of an image "
    "the model's answer rests on, and not where a disease is."
)
DECISIONS: Mapping[ModelDecision, str] = {
    ModelDecision.ACCEPT: "The model stands by its answer.",
    ModelDecision.UNCERTAIN: "The model is not certain.",
    ModelDecision.ABSTAIN: "The model does not answer for this image.",
}
REASONS: Mapping[DecisionReason, str] = {
    DecisionReason.OUT_OF_DISTRIBUTION: "The image is unlike those that it was trained on.",
    DecisionReason.LOW_CONFIDENCE: "Its first label is not probable enough.",
    DecisionReason.NO_LABEL: "No label is probable enough.",
    DecisionReason.SEVERAL_LABELS: "Several labels are possible.",
    DecisionReason.URGENT_LABEL: "An urgent one is among them.",
    DecisionReason.SET_NOT_ASSESSED: "Which labels are possible was not assessed.",
    DecisionReason.OOD_NOT_ASSESSED: "Whether it knows images of this kind was not assessed.",
}
DEMONSTRATION = "At least one finding is of a demonstration model, which is not for clinical use."


@dataclass(frozen=True)
class Evidence:
    """What is shown of an image: JPEG bytes, and a sentence on what they are."""

    picture: bytes | None
    said: str


def facts(**values: object) -> tuple[Fact, ...]:
    """Lines of a table, in this order; what is None is left out. `patient_number` reads "Patient number"."""
    return tuple(
        Fact(name=name.replace("_", " ").capitalize(), value=str(value))
        for name, value in values.items()
        if value is not None and value != ""
    )


def day(moment: date | datetime | None) -> str | None:
    return None if moment is None else f"{moment:%Y-%m-%d}"


def minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def patient_facts(patient: Patient, today: date) -> tuple[Fact, ...]:
    details = patient.details
    age = details.age if details.birth_date is None else age_on(today, details.birth_date)
    return facts(
        name=details.name,
        number=patient.number,
        birth_date=day(details.birth_date),
        age=age,
        gender=details.gender,
        phone=details.phone,
        email=details.email,
        address=details.address,
    )


def case_facts(case: Case, *, for_clinic: bool, decided_by: str | None) -> tuple[Fact, ...]:
    """What a case is and what became of it; who decided it and the notes are for the clinic.

    That a model was in doubt is no decision: it opened the case for review.
    """
    diagnosis = case.final_diagnosis
    decision = case.decision
    doubted = case.is_doubted_by_the_platform
    since = None if decision is None else minute(decision.at)
    return facts(
        specialty=specialty(case.specialty).title,
        opened=minute(case.created_at),
        status=str(case.status),
        final_diagnosis=None if diagnosis is None else label_title(case.specialty, diagnosis),
        opened_for_review=since if doubted else None,
        decided=None if doubted else since,
        decided_by=decided_by if for_clinic and not doubted else None,
        reason=decision.reason if decision is not None and for_clinic else None,
        notes=case.notes if for_clinic else None,
    )


def shown_image(record: ImageRecord, evidence: Evidence) -> ShownImage:
    """An image with its finding, and how good it is."""
    prediction = record.prediction
    labels: tuple[ShownLabel, ...] = ()
    if prediction is not None:
        labels = tuple(
            ShownLabel(title=label_title(record.specialty, entry.label), probability=entry.probability)
            for entry in prediction.probabilities[:MOST_LABELS]
        )
    return ShownImage(
        picture=evidence.picture, caption=evidence.said, labels=labels, facts=_image_facts(record)
    )


def _image_facts(record: ImageRecord) -> tuple[Fact, ...]:
    quality, prediction = record.quality, record.prediction
    said = None
    if quality is not None:
        reasons = " ".join(reason.message for reason in quality.reasons)
        said = f"{quality.verdict}. {reasons}".strip() if reasons else quality.verdict
    return facts(
        answer=None if prediction is None else answer(prediction),
        status=str(record.status),
        taken=None if record.upload.captured_at is None else minute(record.upload.captured_at),
        received=minute(record.created_at),
        quality=said,
        model=None if prediction is None else f"{prediction.model.name} {prediction.model.version}",
        image_id=record.image_id,
    )


def answer(prediction: Prediction) -> str | None:
    """What the model says of its own answer; None of findings older than decisions."""
    if prediction.decision is None:
        return None
    said = [DECISIONS[prediction.decision], *(REASONS[reason] for reason in prediction.reasons)]
    possible = prediction.prediction_set
    if possible is not None and len(possible.labels) > 1:
        titles = ", ".join(label_title(prediction.specialty, label) for label in possible.labels)
        said.append(
            f"Possible are {titles}. Over all images like those of training, {percent(possible.coverage)} "
            "of the sets that this model gives hold the true label."
        )
    return " ".join(said)


def caption(record: ImageRecord, *, explained: Explanation | None, why_not: str = "") -> str:
    """What a picture shows, for who sees it and who does not."""
    field = SPECIALTIES[record.specialty].title if record.specialty in SPECIALTIES else record.specialty
    if record.prediction is None:
        shown = "the image" if record.working_image is not None else "there is no picture to show"
        return f"{field}: {shown}, without a finding ({record.status})."
    title = label_title(record.specialty, record.prediction.top_label)
    if explained is None:
        return f"{field}: the image without a heatmap. {why_not}"
    method = explained.method.in_words
    if explained.central_share is None:
        return f"{field}: the image. By {method}, nothing in it speaks for {title}."
    return (
        f"{field}: evidence for {title} by {method}: clear where there is none, yellow where "
        "it is strongest, half of that or more within the line."
    )


def summary(images: Sequence[ImageRecord], cases: Sequence[Case], *, whole_patient: bool) -> tuple[Fact, ...]:
    """Counts: images by what became of them, findings by label, and cases by status.

    An image for which the model does not answer is none of the findings.
    """
    by_status = Counter(image.status for image in images)
    findings: Counter[str] = Counter()
    for of_specialty, counts in findings_of(images).items():
        findings.update({label_title(of_specialty, label): count for label, count in counts.items()})
    predicted = sum(image.prediction is not None for image in images)
    statuses = Counter(str(case.status) for case in cases)
    return facts(
        images=len(images),
        analysed=by_status[ImageStatus.ANALYZED],
        rejected=by_status[ImageStatus.REJECTED],
        findings=_counted(findings),
        without_an_answer=predicted - findings.total() or None,
        cases=_counted(statuses) if whole_patient else None,
    )


def _counted(counter: Mapping[str, int]) -> str | None:
    ordered = sorted(counter.items(), key=lambda entry: (-entry[1], entry[0]))
    return ", ".join(f"{name}: {count}" for name, count in ordered) or None


def model_facts(predictions: Iterable[Prediction]) -> tuple[Fact, ...]:
    """Each model that answered, once: name and version, digests, intended use.

    Versions may share model.onnx and differ in their manifest: in labels, calibration or intended use.
    """
    return tuple(sorted({_model(one) for one in predictions}, key=lambda fact: (fact.name, fact.value)))


def _model(prediction: Prediction) -> Fact:
    model = prediction.model
    use = f"Intended use: {prediction.intended_use.rstrip('.')}."
    digests = (
        f"SHA-256 of model.onnx {_in_groups(model.sha256)}, "
        f"of manifest.json {_in_groups(model.manifest_sha256)}."
    )
    value = f"{use} Demonstration model. {digests}" if prediction.demonstration else f"{use} {digests}"
    return Fact(name=f"{model.name} {model.version}", value=value)


def _in_groups(digest: str) -> str:
    return " ".join(digest[at : at + 16] for at in range(0, len(digest), 16))


def disclaimer(predictions: Iterable[Prediction]) -> str:
    if any(prediction.demonstration for prediction in predictions):
        return f"{DISCLAIMER} {DEMONSTRATION}"
    return DISCLAIMER


def remarks(
    case: Case, labels: Sequence[ReaderLabel], comments: Sequence[Comment], names: Mapping[str, str]
) -> tuple[Remark, ...]:
    """Readers' labels and what clinicians wrote, each in the order of time."""
    said = [
        Remark(
            who=names[label.reader],
            when=minute(label.updated_at),
            text=f"Label: {label_title(case.specialty, label.correct_label)}."
            + (f" {label.notes}" if label.notes else ""),
        )
        for label in sorted(labels, key=lambda label: (label.updated_at, label.reader))
    ]
    said += [
        Remark(who=names[comment.author], when=minute(comment.created_at), text=comment.text)
        for comment in sorted(comments, key=lambda comment: comment.comment_id)
    ]
    return tuple(said)


def outcomes(cases: Sequence[Case], *, for_clinic: bool) -> tuple[Remark, ...]:
    """What became of each of a patient's cases, the oldest first."""
    found = []
    for case in sorted(cases, key=lambda case: case.case_id):
        said = f"{str(case.status).capitalize()}."
        if case.final_diagnosis is not None:
            said += f" Final diagnosis: {label_title(case.specialty, case.final_diagnosis)}."
        if case.is_doubted_by_the_platform:
            said += " Opened for review."
        if for_clinic and case.decision is not None and case.decision.reason:
            said += f" {case.decision.reason}"
        when = case.decision.at if case.decision is not None else case.created_at
        found.append(Remark(who=f"Case {case.number}", when=minute(when), text=said))
    return tuple(found)
