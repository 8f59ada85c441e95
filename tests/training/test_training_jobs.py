"""Training jobs with all but AWS: from a record and a snapshot to a model at the registry's door."""

import hashlib
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.fake_learning import FakeBucket, FakePlatform
from tests.fakes import START
from tests.training.deployments import EPOCHS, Deployment, metrics
from training_job.jobs.run import DONE, FAILED
from triagelens.domain.manifest import Manifest
from triagelens.domain.models import ProductionPointer
from triagelens.domain.training_jobs import JobStatus, TrainingJob
from triagelens.inference.package import ModelPackage
from triagelens.inference.parity import parity_problems
from triagelens.inference.session import LoadedModel
from triagelens.inference.verify import verify_model


@pytest.fixture(scope="module")
def done(snapshot: tuple[str, FakeBucket], caches: Path) -> tuple[Deployment, TrainingJob]:
    snapshot_id, learning = snapshot
    learning = replace(learning, objects={**learning.objects})
    finished = Deployment(caches, snapshot_id, FakePlatform(learning=learning))
    job_id = finished.add_job()
    assert finished.run(job_id) == DONE
    return finished, finished.records.job(job_id)


def test_a_job_ends_with_a_model_that_the_registry_accepts(done: tuple[Deployment, TrainingJob]) -> None:
    deployment, job = done
    files = [deployment.incoming(job.job_id, name) for name in ("model.onnx", "manifest.json", "head.npy")]
    package = ModelPackage(*files)
    assert verify_model(package) == []
    assert parity_problems(deployment.incoming(job.job_id, "parity.json"), LoadedModel.open(package)) == []
    manifest = Manifest.model_validate_json(package.manifest)
    assert (manifest.specialty, manifest.labels) == ("eye", ["normal", "cataract"])
    assert manifest.training is not None
    assert (manifest.training.job, manifest.training.dataset_snapshot) == (job.job_id, job.snapshot_id)
    announced = deployment.platform.registry.imports[str(job.import_id)]
    assert (announced.version, announced.job_id) == (manifest.version, job.job_id)
    assert deployment.platform.models.written[-1].endswith("manifest.json")


def test_the_record_told_the_truth_all_along(done: tuple[Deployment, TrainingJob]) -> None:
    deployment, job = done
    assert (job.status, job.progress, job.message) == (JobStatus.COMPLETED, 1.0, "Completed")
    assert job.metrics["held_out_images"] == 12
    said = [state.message for state in deployment.records.history]
    assert said[:2] == ["Queued", "Started"]
    assert {"Fetching images", "Exporting", "Quantising", "Handing over"} <= set(said)
    epochs = [state for state in deployment.records.history if state.message.startswith("Epoch")]
    assert [state.message for state in epochs] == [f"Epoch {number}/{EPOCHS}" for number in range(EPOCHS + 1)]
    assert [state.progress for state in epochs] == [number / EPOCHS for number in range(EPOCHS + 1)]


def test_a_job_keeps_what_the_next_one_needs_and_no_checkpoint(done: tuple[Deployment, TrainingJob]) -> None:
    deployment, job = done
    kept = {key for key in deployment.platform.learning.objects if key.startswith(f"jobs/{job.job_id}/")}
    names = ("weights.safetensors", "model-fp32.onnx", "metrics.json", "report.html", "config.yaml")
    assert kept == {f"jobs/{job.job_id}/output/{name}" for name in names}


def test_the_next_job_begins_with_the_model_in_production(done: tuple[Deployment, TrainingJob]) -> None:
    deployment, job = done
    models = deployment.platform.models.objects
    manifest = deployment.incoming(job.job_id, "manifest.json")
    models["models/eye/manifest.json"] = manifest
    files = {"version": str(job.model_version), "model_object_version": "v", "manifest_object_version": "v"}
    pointer = ProductionPointer(
        **files,
        model_key="models/eye/model.onnx",
        model_sha256="0" * 64,
        manifest_key="models/eye/manifest.json",
        manifest_sha256=hashlib.sha256(manifest).hexdigest(),
        specialty="eye",
        activated_by="admin",
        activated_at=START,
        revision=1,
    )
    deployment.platform.registry.pointers["eye"] = pointer
    next_job = deployment.add_job(base_model="production", epochs=1, learning_rate=1e-7)
    assert deployment.run(next_job) == DONE
    begun, base = (
        np.load(io.BytesIO(deployment.incoming(job_id, "head.npy"))) for job_id in (next_job, job.job_id)
    )
    np.testing.assert_allclose(begun, base, atol=1e-4)


@pytest.mark.parametrize(
    ("settings", "code", "words"),
    [
        ({"epochs": 0}, "invalid_settings", "epochs"),
        ({"momentum": 1}, "invalid_settings", "momentum"),
        ({"architecture": "DenseNet170"}, "architecture_unusable", "DenseNet169"),
        ({"base_model": "production"}, "weights_unusable", "No model of eye is in production"),
        ({"base_model": "9"}, "not_found", ""),
    ],
)
def test_a_job_that_cannot_be_done_says_why(
    deployment: Deployment, settings: dict[str, object], code: str, words: str
) -> None:
    job_id = deployment.add_job(**settings)
    assert deployment.run(job_id) == FAILED
    failure = deployment.records.job(job_id).failure
    assert failure is not None
    assert failure.code == code
    assert words in failure.message
    assert deployment.platform.models.objects == {}


def test_a_job_that_waited_is_trained_on_the_snapshot_that_was_made_meanwhile(
    deployment: Deployment,
) -> None:
    job_id = deployment.add_waiting_job()
    assert deployment.run(job_id) == DONE
    job = deployment.records.job(job_id)
    assert (job.status, job.snapshot_id) == (JobStatus.COMPLETED, deployment.snapshot_id)
    manifest = Manifest.model_validate_json(deployment.incoming(job_id, "manifest.json"))
    assert manifest.training is not None
    assert manifest.training.dataset_snapshot == deployment.snapshot_id


def test_the_same_seed_gives_the_same_model(
    deployment: Deployment, done: tuple[Deployment, TrainingJob]
) -> None:
    first, job = done
    again = deployment.add_job()
    assert deployment.run(again) == DONE
    assert metrics(deployment, again) == metrics(first, job.job_id)
    assert np.array_equal(
        np.frombuffer(deployment.incoming(again, "model.onnx"), np.uint8),
        np.frombuffer(first.incoming(job.job_id, "model.onnx"), np.uint8),
    )
    other = deployment.add_job(seed=2)
    assert deployment.run(other) == DONE
    assert metrics(deployment, other)["history"] != metrics(deployment, again)["history"]
