"""From a zip of labelled pictures to a model that answers, and back: the learning loop, on CPU.

It is told in order: a first model of few pictures, which the gate can say nothing of; a second one of many,
which it can. At the end no registered model is left in service, so that later tests find the
demonstration models.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.whole_stack.learning import (
    LABELS,
    SETTINGS,
    SPECIALTY,
    Drawing,
    always,
    archive,
    blind_to_red,
    drawing,
    folder_of_each_class,
    ingested,
    manifest_of,
    out_of_service,
    reddish,
    registered,
    send_dataset,
    trained,
    two_photos_of_each_patient,
    wait_for_version,
    why_no_training,
    worker_of,
)
from tests.e2e.whole_stack.stack import Person, Stack, until
from tests.onnx_models import OnnxClassifier, classifier
from triagelens_client import ConflictError, Dataset, ForbiddenError, ModelCard, ModelImport, TrainingJob

PATIENTS, FEW_EPOCHS = 20, 2  # of each label
MANY, MANY_SEED, MANY_EPOCHS = 400, 10_000, 5  # 400 of each label: about 40 are held out, 20 are needed
REASON = "the first model, tried on phantoms only"
TRIED = "oral"


@dataclass(frozen=True)
class First:
    """The first dataset, and two trainings of it with the same seed."""

    dataset: Dataset
    once: TrainingJob
    again: TrainingJob
    card: ModelCard


@pytest.fixture(scope="module")
def trainer(strict: Stack) -> Person:
    return strict.grant(strict.person("trainer"), "admin")


@pytest.fixture(scope="module")
def colleague(strict: Stack) -> Person:
    return strict.grant(strict.person("colleague"), "admin")


@pytest.fixture(scope="module")
def patient(strict: Stack) -> Person:
    return strict.person("patient")


@pytest.fixture(scope="module", autouse=True)
def worker(strict: Stack, colleague: Person) -> Iterator[None]:
    if reason := why_no_training():
        pytest.skip(reason)
    with worker_of(strict.cloud):
        yield
    for specialty in (SPECIALTY, TRIED):
        out_of_service(colleague, specialty)


@pytest.fixture(scope="module")
def many(worker: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drawing]:
    """Phantoms that are being drawn beside the first tests."""
    with drawing(tmp_path_factory.mktemp("phantoms"), MANY, MANY_SEED) as begun:
        yield begun


@pytest.fixture(scope="module")
def first(trainer: Person, many: Drawing) -> First:
    """Few pictures, and two trainings on them with the same seed."""
    shown = ingested(trainer, send_dataset(trainer, two_photos_of_each_patient(PATIENTS)))
    assert shown.status == "ready", shown
    begun = [train(trainer, shown.dataset_id, FEW_EPOCHS) for _ in range(2)]
    once, again = (trained(trainer, job_id) for job_id in begun)
    return First(shown, once, again, registered(trainer, once))


@pytest.fixture(scope="module")
def second(trainer: Person, colleague: Person, patient: Person, first: First, many: Drawing) -> ModelCard:
    """The model of many pictures, which is compared with the first, in production by then."""
    colleague.client.models.promote(SPECIALTY, first.card.version, reason=REASON)
    wait_for_version(patient, first.card.version)
    shown = ingested(trainer, send_dataset(trainer, folder_of_each_class(many.finished()), form="multipart"))
    assert shown.status == "ready", shown
    job = trained(trainer, train(trainer, shown.dataset_id, MANY_EPOCHS))
    assert job.status == "completed", job
    return registered(trainer, job)


def train(person: Person, dataset_id: str, epochs: int) -> str:
    """Queues a training; the id of its job."""
    started = person.client.training.start(dataset_id=dataset_id, epochs=epochs, seed=1, **SETTINGS)
    assert started.status == "queued"
    return started.job_id


def test_an_archive_becomes_a_dataset_whose_patients_are_each_in_one_set(strict: Stack, first: First) -> None:
    images = 2 * PATIENTS * len(LABELS)
    assert sum(sum(sets.values()) for sets in first.dataset.counts.values()) == images - 1
    assert first.dataset.problems == {"truncated": 1}
    key = f"snapshots/{first.dataset.snapshot_ids[-1]}.jsonl"
    stored = strict.aws("s3").get_object(Bucket=strict.outputs["LearningBucket"], Key=key)["Body"].read()
    entries = [json.loads(line) for line in stored.splitlines()]
    assert len({entry["group"] for entry in entries}) == PATIENTS * len(LABELS)
    assert len({(entry["group"], entry["split"]) for entry in entries}) == PATIENTS * len(LABELS)


def test_the_same_seed_gives_the_same_figures(first: First) -> None:
    assert [job.status for job in (first.once, first.again)] == ["completed"] * 2, first
    assert first.once.metrics == first.again.metrics
    assert "int8_drop" in first.once.metrics
    assert first.once.model_id != first.again.model_id


def test_who_trained_a_model_does_not_put_it_into_service_and_a_colleague_says_why_if_the_gate_cannot(
    trainer: Person, colleague: Person, patient: Person, first: First
) -> None:
    version = first.card.version
    assert first.card.status == "not_evaluable"
    with pytest.raises(ForbiddenError):
        trainer.client.models.promote(SPECIALTY, version, reason=REASON)
    with pytest.raises(ForbiddenError):
        trainer.client.models.activate(SPECIALTY, version, REASON)
    with pytest.raises(ConflictError):
        colleague.client.models.promote(SPECIALTY, version)
    card = colleague.client.models.promote(SPECIALTY, version, reason=REASON)
    assert card.production
    found = wait_for_version(patient, version)
    assert found["demonstration"] is False
    assert {entry["label"] for entry in found["probabilities"]} == set(LABELS)


def test_a_model_of_many_pictures_passes_the_gate_and_serves(
    strict: Stack, colleague: Person, patient: Person, second: ModelCard
) -> None:
    assert second.gate is not None
    assert (second.status, second.gate.verdict) == ("candidate", "passed"), second.gate
    assert {check.name for check in second.gate.checks} >= {"balanced_accuracy", "sensitivity.cataract"}
    assert second.signed
    manifest = manifest_of(strict, second)
    assert manifest["precision"] in ("int8", "fp32")
    assert 0 < manifest["abstain"]["conformal_quantile"] <= 1
    assert manifest["abstain"]["ood"] is not None
    assert manifest["training"]["job"] == second.job_id
    assert {"balanced_accuracy", "conformal_coverage", "int8_drop"} <= set(manifest["training"]["metrics"])
    assert colleague.client.models.promote(SPECIALTY, second.version).production
    wait_for_version(patient, second.version)


def test_a_worse_model_is_refused_by_the_gate_with_its_figures(
    colleague: Person, trainer: Person, second: ModelCard, tmp_path: Path
) -> None:
    brought = bring(trainer, always("normal", version="worse"), tmp_path)
    assert brought.status == "refused"
    assert {problem.code for problem in brought.problems} == {"gate"}
    card = colleague.client.models.get(SPECIALTY, "worse")
    assert card.gate is not None
    failed = {check.name for check in card.gate.checks if check.outcome == "failed"}
    assert failed >= {"balanced_accuracy", "sensitivity.cataract"}
    with pytest.raises(ConflictError):
        colleague.client.models.promote(SPECIALTY, "worse", reason=REASON)
    with pytest.raises(ConflictError):
        colleague.client.models.activate(SPECIALTY, "worse", REASON)


def test_one_write_brings_the_model_before_back(
    colleague: Person, patient: Person, first: First, second: ModelCard
) -> None:
    colleague.client.models.rollback(SPECIALTY, second.version, "to see that it can be")
    wait_for_version(patient, first.card.version)


def test_a_candidate_that_fails_loses_its_share_by_itself_and_no_patient_is_without_a_finding(
    strict: Stack, trainer: Person, colleague: Person, patient: Person, tmp_path: Path
) -> None:
    sound = classifier(specialty=TRIED, labels=("normal", "lesion"), version="sound")
    for model in (sound, blind_to_red(TRIED, "blind-to-red")):
        assert bring(trainer, model, tmp_path / model.manifest["version"]).status == "not_evaluable"
    colleague.client.models.promote(TRIED, "sound", reason=REASON)
    colleague.client.models.promote(TRIED, "blind-to-red", share=0.9, reason=REASON)
    seeds = iter(range(1000))

    def reverted() -> bool:
        image = patient.send(TRIED, reddish(next(seeds)))
        assert image["status"] == "analyzed", image
        assert image["prediction"]["model"]["version"] != "blind-to-red"
        strict.aws("lambda").invoke(FunctionName=strict.outputs["WatchCanaryFunction"])
        return colleague.client.models.get(TRIED, "blind-to-red").share is None

    until(reverted, "the candidate has lost its share")
    assert colleague.client.models.get(TRIED, "sound").production


def test_a_cancelled_ingestion_leaves_no_dataset_that_waits_for_it(trainer: Person) -> None:
    sent = send_dataset(trainer, two_photos_of_each_patient(PATIENTS))
    assert sent.job_id is not None
    trainer.client.training.cancel(sent.job_id)
    assert trained(trainer, sent.job_id).status == "cancelled"
    found = ingested(trainer, sent)
    assert found.failure is not None
    assert (found.status, found.failure.code) == ("failed", "cancelled")


def test_an_archive_without_images_fails_and_says_what_was_looked_for(trainer: Person) -> None:
    found = ingested(trainer, send_dataset(trainer, archive({"notes.txt": b"none"})))
    assert found.failure is not None
    assert "No images found!" in found.failure.message
    assert found.job_id is not None
    assert trained(trainer, found.job_id).status == "failed"


def bring(person: Person, made: OnnxClassifier, folder: Path) -> ModelImport:
    model, manifest = made.write(folder)
    return person.client.models.import_model(model, manifest)
