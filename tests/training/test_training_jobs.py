"""Training jobs with all but AWS: from a record and a snapshot to a model at the registry's door."""

import hashlib
import io
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.fake_learning import FakeBucket, FakePlatform
from tests.fake_training_jobs import FakeJobRecords, new_job
from tests.fakes import START, FakeClock
from tests.killing import KilledError
from training_job.average import MovingAverage
from training_job.jobs.ports import TrainingPorts
from training_job.jobs.run import DONE, FAILED, run_job
from training_job.jobs.training import train_job
from training_job.phantoms import render
from training_job.snapshots import snapshot_entries
from triagelens.domain.imports import incoming_key
from triagelens.domain.manifest import Manifest
from triagelens.domain.models import ProductionPointer
from triagelens.domain.snapshots import SnapshotEntry, manifest_key
from triagelens.domain.splits import Split
from triagelens.domain.training_jobs import JobStatus, Runner, TrainingJob
from triagelens.inference.package import ModelPackage
from triagelens.inference.parity import parity_problems
from triagelens.inference.session import LoadedModel
from triagelens.inference.verify import verify_model
from triagelens.services.training_jobs import TrainingJobs

LABELS = ("normal", "cataract")
EPOCHS = 3
KILLS = 10
SPLITS: tuple[Split, ...] = ("train", "train", "train", "validation", "held_out")


@dataclass
class WatchedRecords(FakeJobRecords):
    """Remembers every state of every record; `at_write` may raise, as a lost host would."""

    history: list[TrainingJob] = field(default_factory=list)
    at_write: Callable[[], None] = lambda: None

    def replace_job(self, job: TrainingJob) -> TrainingJob:
        self.at_write()
        written = super().replace_job(job)
        self.history.append(written)
        return written


@dataclass
class Deployment:
    """A platform with a snapshot of phantoms, and the hosts that work for it."""

    folder: Path
    snapshot_id: str
    platform: FakePlatform
    records: WatchedRecords = field(default_factory=WatchedRecords)

    @property
    def ports(self) -> TrainingPorts:
        return TrainingPorts(
            jobs=TrainingJobs(self.records, FakeClock()),
            learning=self.platform.learning,
            images=self.platform.images,
            models=self.platform.models,
            registry=self.platform.registry,
            clock=FakeClock(),
            folder=self.folder,
        )

    def add_job(self, **settings: object) -> str:
        config = {"architecture": "test_efficientnet", "epochs": EPOCHS, "batch_size": 8, "image_size": 64}
        config |= {"learning_rate": 0.005} | settings
        job = new_job(config=config, specialty="eye", snapshot_id=self.snapshot_id)
        return self.records.replace_job(job).job_id

    def run(self, job_id: str, start: int = 1) -> int:
        runner = Runner(runner_id="host", start=start)
        ports = self.ports
        return run_job(job_id, runner, ports.jobs, lambda job: train_job(job, ports))

    def incoming(self, job_id: str, name: str) -> bytes:
        return self.platform.models.objects[incoming_key(str(self.records.job(job_id).import_id), name)]


@pytest.fixture(scope="module")
def snapshot() -> tuple[str, FakeBucket]:
    """Small phantoms of two classes, ten groups of three for each."""
    platform = FakePlatform()
    entries = []
    for label in LABELS:
        for number in range(30):
            picture = io.BytesIO()
            render("eye", label, number, (120, 90)).save(picture, "JPEG", quality=90)
            data = picture.getvalue()
            digest = hashlib.sha256(data).hexdigest()
            key = f"datasets/d/images/{digest}.jpg"
            platform.learning.objects[key] = data
            group = f"{label}-{number // 3}"
            made = {"image_id": f"{label}-{number}", "bucket": "learning", "key": key, "sha256": digest}
            made |= {"label": label, "group": group, "split": SPLITS[number // 3 % len(SPLITS)]}
            entries.append(SnapshotEntry.model_validate(made))
    return platform.keep_snapshot(entries), platform.learning


@pytest.fixture(scope="module")
def caches(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("jobs")


@pytest.fixture
def deployment(snapshot: tuple[str, FakeBucket], caches: Path) -> Deployment:
    snapshot_id, learning = snapshot
    return Deployment(
        caches, snapshot_id, FakePlatform(learning=replace(learning, objects={**learning.objects}))
    )


@pytest.fixture(scope="module")
def done(snapshot: tuple[str, FakeBucket], caches: Path) -> tuple[Deployment, TrainingJob]:
    snapshot_id, learning = snapshot
    learning = replace(learning, objects={**learning.objects})
    finished = Deployment(caches, snapshot_id, FakePlatform(learning=learning))
    job_id = finished.add_job()
    assert finished.run(job_id) == DONE
    return finished, finished.records.job(job_id)


def metrics(deployment: Deployment, job_id: str) -> Any:
    return json.loads(deployment.incoming(job_id, "metrics.json"))


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


class Fate:
    """Kills the process when it comes to a point for the n-th time; None lets it live."""

    def __init__(self) -> None:
        self.passed = 0
        self.dies_at: int | None = None

    def point(self, *_: object) -> None:
        self.passed += 1
        if self.passed == self.dies_at:
            raise KilledError

    def next_life(self, dies_at: int | None) -> None:
        self.passed, self.dies_at = 0, dies_at


def test_a_job_killed_at_ten_random_points_ends_like_one_that_was_not(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Points are the steps of training and the writes to S3 and to the record, before they are done."""
    fate, update = Fate(), MovingAverage.update

    def step(average: MovingAverage, model: Any) -> None:
        fate.point()
        update(average, model)

    monkeypatch.setattr(MovingAverage, "update", step)
    deployment.platform.learning.before_write = deployment.platform.models.before_write = fate.point
    deployment.records.at_write = fate.point
    whole = deployment.add_job(epochs=8)
    fate.next_life(None)
    assert deployment.run(whole) == DONE
    points_of_an_epoch = fate.passed // 8
    seed = random.randrange(10_000)
    lots = random.Random(seed)
    lives = [lots.randint(2, 2 * points_of_an_epoch) for _ in range(KILLS)]
    print(f"seed {seed}: killed at points {lives}")
    fate.next_life(None)
    killed = deployment.add_job(epochs=8)
    died = 0
    for start, dies_at in enumerate(lives, start=1):
        fate.next_life(dies_at)
        try:
            deployment.run(killed, start)
        except KilledError:
            died += 1
    fate.next_life(None)
    assert deployment.run(killed, KILLS + 1) == DONE
    assert died >= KILLS // 2
    assert deployment.records.job(killed).status is JobStatus.COMPLETED
    assert metrics(deployment, killed) == metrics(deployment, whole)
    assert deployment.incoming(killed, "head.npy") == deployment.incoming(whole, "head.npy")


def test_a_job_whose_image_is_erased_while_its_host_is_lost_begins_anew_without_it(
    deployment: Deployment,
) -> None:
    """As a patient may ask. The checkpoint is of other images, and must not be gone on with."""
    platform = deployment.platform
    entries = snapshot_entries(platform.learning.objects[manifest_key(deployment.snapshot_id)])
    erased = next(entry for entry in entries if entry.split == "train")
    picture = platform.learning.objects[erased.key] + b"\0"  # bytes of its own, so that no cache knows it
    elsewhere = erased.model_copy(update={"bucket": "images", "sha256": hashlib.sha256(picture).hexdigest()})
    platform.images.objects[erased.key] = picture
    rest = [entry for entry in entries if entry != erased]
    deployment.snapshot_id = platform.keep_snapshot([*rest, elsewhere])
    job_id = deployment.add_job()

    def lost() -> None:
        raise KilledError

    platform.learning.before_write = at_epoch(2, lost)
    with pytest.raises(KilledError):
        deployment.run(job_id)
    platform.learning.before_write = lambda _: None
    del platform.images.objects[erased.key]
    deployment.folder = deployment.folder / "another host"
    assert deployment.run(job_id, 2) == DONE
    found = metrics(deployment, job_id)
    assert len(found["history"]) == EPOCHS
    assert sum(found["images"]["train"].values()) == 35
    assert [state.message for state in deployment.records.history].count(f"Epoch 0/{EPOCHS}") == 2


def at_epoch(number: int, act: Callable[[], object]) -> Callable[[str], None]:
    """Acts just before the checkpoint of that epoch, from 1, is kept."""
    left = iter(range(number - 1))

    def before_write(key: str) -> None:
        if "/checkpoints/" in key and next(left, None) is None:
            act()

    return before_write


def test_a_cancelled_job_leaves_no_model(deployment: Deployment) -> None:
    job_id = deployment.add_job(epochs=20)

    def cancel() -> None:
        job = deployment.records.job(job_id)
        if not job.cancel_requested:
            deployment.records.replace_job(job.model_copy(update={"cancel_requested": True}))

    deployment.platform.learning.before_write = at_epoch(2, cancel)
    assert deployment.run(job_id) == DONE
    assert deployment.records.job(job_id).message == "Epoch 1/20"
    assert deployment.platform.models.objects == {}


def test_an_attempt_that_another_has_taken_over_from_leaves_no_model(deployment: Deployment) -> None:
    job_id = deployment.add_job(epochs=20)
    taken = iter([True])

    def take_over() -> None:
        if next(taken, False):
            deployment.ports.jobs.claim(job_id, Runner(runner_id="host", start=2))

    deployment.platform.learning.before_write = at_epoch(1, take_over)
    assert deployment.run(job_id) == DONE
    assert deployment.platform.models.objects == {}
    assert deployment.records.job(job_id).attempt == 2
    keys = [key for key in deployment.platform.learning.objects if key.startswith("jobs/")]
    assert keys == [f"jobs/{job_id}/checkpoints/1/checkpoint.pt"]


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
