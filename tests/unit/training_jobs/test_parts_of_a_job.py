"""What a training job fetches, keeps and hands over, with hosts that die in between."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.fake_learning import FakeBucket, FakePlatform
from tests.fake_training_jobs import FakeJobRecords, new_job
from tests.fakes import START, FakeClock
from tests.killing import KilledError
from training_job.errors import WeightsError
from training_job.jobs.base_weights import base_weights
from training_job.jobs.checkpoints import AttemptCheckpoints
from training_job.jobs.hand_over import BESIDE, KEPT, MANIFEST, hand_over, handed_over
from training_job.jobs.images import SnapshotError, fetch_images, read_snapshot, snapshot_of
from training_job.jobs.ports import TrainingPorts, output_key
from training_job.working_images import WorkingImages
from triagelens.domain.errors import FencedError, ModelIntegrityError
from triagelens.domain.imports import incoming_key
from triagelens.domain.manifest import InputSpec, Manifest, OutputSpec, TrainingSpec
from triagelens.domain.models import ModelStatus, ProductionPointer, RegisteredModel
from triagelens.domain.snapshots import SnapshotEntry, manifest_key
from triagelens.domain.training_jobs import JobKind, Report, Runner, TrainingJob
from triagelens.services.training_jobs import TrainingJobs

JOB = "01jz0000000000000000000000"
DIGEST = hashlib.sha256(b"weights").hexdigest()


@pytest.fixture
def platform() -> FakePlatform:
    return FakePlatform()


@pytest.fixture
def records() -> FakeJobRecords:
    return FakeJobRecords()


@pytest.fixture
def ports(platform: FakePlatform, records: FakeJobRecords, tmp_path: Path) -> TrainingPorts:
    return TrainingPorts(
        jobs=TrainingJobs(records, FakeClock()),
        learning=platform.learning,
        images=platform.images,
        models=platform.models,
        registry=platform.registry,
        clock=FakeClock(),
        folder=tmp_path,
    )


def manifest(training: TrainingSpec | None) -> Manifest:
    return Manifest(
        specialty="skin",
        name="skin-resnet18",
        version="2",
        sha256="0" * 64,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        labels=["mel", "nv"],
        input=InputSpec(name="image", height=64, width=64),
        output=OutputSpec(name="logits"),
        training=training,
        licence="none",
        intended_use="tests",
    )


def nothing() -> None:
    """What is done after an image here."""


# Snapshots and their images


def entry(platform: FakePlatform, name: str, bucket: str = "learning") -> SnapshotEntry:
    data = f"picture of {name}".encode()
    kept: FakeBucket = getattr(platform, bucket)
    kept.objects[f"{name}.jpg"] = data
    digest = hashlib.sha256(data).hexdigest()
    return SnapshotEntry.model_validate(
        {"image_id": name, "bucket": bucket, "key": f"{name}.jpg", "sha256": digest}
        | {"label": "nv", "group": name, "split": "train"}
    )


def test_images_are_fetched_once_from_where_they_are(
    platform: FakePlatform, ports: TrainingPorts, tmp_path: Path
) -> None:
    entries = [entry(platform, "a"), entry(platform, "b", "images")]
    snapshot = platform.keep_snapshot(entries)
    working = WorkingImages(tmp_path)
    for _ in range(2):
        images, problems = fetch_images(read_snapshot(snapshot, ports), ports, working, nothing)
        assert {image.file for image in images} == {"a", "b"}
        assert problems == []
    assert platform.images.reads == ["b.jpg"]
    assert working.path(entries[0].sha256).read_bytes() == b"picture of a"


def test_an_image_that_was_erased_is_left_out_and_named(
    platform: FakePlatform, ports: TrainingPorts, tmp_path: Path
) -> None:
    entries = [entry(platform, "a"), entry(platform, "b", "images")]
    del platform.images.objects["b.jpg"]
    images, (problem,) = fetch_images(entries, ports, WorkingImages(tmp_path), nothing)
    assert [image.file for image in images] == ["a"]
    assert (problem.file, "erased" in problem.reason) == ("b", True)


def test_an_image_of_a_dataset_that_is_gone_or_changed_stops_the_job(
    platform: FakePlatform, ports: TrainingPorts, tmp_path: Path
) -> None:
    made = entry(platform, "a")
    platform.learning.objects["a.jpg"] = b"another picture"
    with pytest.raises(SnapshotError, match="not the one"):
        fetch_images([made], ports, WorkingImages(tmp_path), nothing)
    del platform.learning.objects["a.jpg"]
    with pytest.raises(SnapshotError, match="gone"):
        fetch_images([made], ports, WorkingImages(tmp_path), nothing)
    assert not list(tmp_path.rglob("*.jpg"))


def test_a_snapshot_that_is_gone_or_changed_is_refused(platform: FakePlatform, ports: TrainingPorts) -> None:
    snapshot = platform.keep_snapshot([entry(platform, "a")])
    platform.learning.objects[manifest_key(snapshot)] += b"\n"
    with pytest.raises(SnapshotError, match="has changed"):
        read_snapshot(snapshot, ports)
    with pytest.raises(SnapshotError, match="gone"):
        read_snapshot("0" * 32, ports)


# Checkpoints


def test_a_job_that_waited_for_an_ingestion_is_of_the_snapshot_which_that_made(
    records: FakeJobRecords, ports: TrainingPorts
) -> None:
    made = records.add_job(new_job(kind=JobKind.INGEST), None)
    waiting = records.add_job(new_job(after=made.job_id), None)
    claimed = ports.jobs.claim(waiting.job_id, Runner(runner_id="host", start=1))
    with pytest.raises(SnapshotError, match="it is queued"):
        snapshot_of(claimed, ports)
    attempt = ports.jobs.claim(made.job_id, Runner(runner_id="host", start=1)).attempt
    ports.jobs.finish(made.job_id, attempt, Report(snapshot_id="e" * 32))
    assert snapshot_of(claimed, ports) == "e" * 32
    assert records.job(waiting.job_id).snapshot_id == "e" * 32
    assert snapshot_of(new_job(snapshot_id="f" * 32), ports) == "f" * 32


def test_an_attempt_begins_with_the_latest_checkpoint_before_it() -> None:
    bucket = FakeBucket()
    first, second, third = (AttemptCheckpoints(bucket, JOB, attempt) for attempt in (1, 2, 3))
    assert second.read() is None
    first.write(b"epoch 3")
    assert third.read() == b"epoch 3"
    second.write(b"epoch 4")
    assert third.read() == b"epoch 4"


def test_an_attempt_that_is_over_writes_where_nobody_reads() -> None:
    bucket = FakeBucket()
    over, latest = AttemptCheckpoints(bucket, JOB, 1), AttemptCheckpoints(bucket, JOB, 2)
    over.write(b"epoch 3")
    latest.write(b"epoch 4 of the latest")
    over.write(b"epoch 4 of the one that is over")
    assert latest.read() == b"epoch 4 of the latest"
    latest.remove()
    assert bucket.objects == {}


# The hand-over


def finished(folder: Path) -> Path:
    for name in {*BESIDE, *KEPT, MANIFEST}:
        (folder / name).write_bytes(f"content of {name}".encode())
    return folder


def claimed(records: FakeJobRecords, ports: TrainingPorts, start: int = 1) -> TrainingJob:
    if not records.records:
        records.replace_job(new_job(job_id=JOB))
    return ports.jobs.claim(JOB, Runner(runner_id="host", start=start))


def test_a_model_is_announced_and_sent_with_its_manifest_last(
    platform: FakePlatform, records: FakeJobRecords, ports: TrainingPorts, tmp_path: Path
) -> None:
    trained = manifest(TrainingSpec(job=JOB, metrics={"balanced_accuracy": 0.8}))
    told = hand_over(claimed(records, ports), trained, finished(tmp_path), ports)
    (announced,) = platform.registry.imports.values()
    assert (announced.job_id, announced.started_by) == (JOB, "researcher")
    assert (told.import_id, told.model_version) == (announced.import_id, "2")
    assert told.metrics == {"balanced_accuracy": 0.8}
    assert platform.models.written == [
        incoming_key(announced.import_id, name) for name in (*BESIDE, "manifest.json")
    ]
    assert platform.learning.objects[output_key(JOB, "weights.safetensors")] == (
        b"content of weights.safetensors"
    )


def killing_at(number: int) -> Callable[[str], None]:
    left = iter(range(number))

    def before_write(_: str) -> None:
        if next(left, None) is None:
            raise KilledError

    return before_write


@pytest.mark.parametrize("number", range(len(BESIDE) + 1))
def test_a_host_that_dies_while_it_hands_over_leaves_one_whole_model_in_the_end(
    platform: FakePlatform, records: FakeJobRecords, ports: TrainingPorts, tmp_path: Path, number: int
) -> None:
    platform.models.before_write = killing_at(number)
    with pytest.raises(KilledError):
        hand_over(claimed(records, ports), manifest(None), finished(tmp_path), ports)
    platform.models.before_write = lambda _: None
    again = claimed(records, ports, start=2)
    assert not handed_over(again, ports)
    told = hand_over(again, manifest(None), tmp_path, ports)
    whole = [key for key in platform.models.objects if key.endswith("/manifest.json")]
    assert whole == [incoming_key(str(told.import_id), "manifest.json")]
    folder = {key for key in platform.models.objects if f"/{told.import_id}/" in key}
    assert len(folder) == len(BESIDE) + 1


def test_a_host_that_dies_after_the_manifest_has_handed_over(
    records: FakeJobRecords, ports: TrainingPorts, tmp_path: Path
) -> None:
    told = hand_over(claimed(records, ports), manifest(None), finished(tmp_path), ports)
    again = claimed(records, ports, start=2)
    assert handed_over(again, ports)
    assert again.import_id == told.import_id


def test_an_attempt_that_is_over_never_sends_a_manifest(
    platform: FakePlatform, records: FakeJobRecords, ports: TrainingPorts, tmp_path: Path
) -> None:
    job = claimed(records, ports)

    def taken_over(key: str) -> None:
        if key.endswith("/head.npy"):
            claimed(records, ports, start=2)

    platform.models.before_write = taken_over
    with pytest.raises(FencedError):
        hand_over(job, manifest(None), finished(tmp_path), ports)
    assert not [key for key in platform.models.objects if key.endswith("manifest.json")]


# Weights to begin with


def register(platform: FakePlatform, training: TrainingSpec | None, *, production: bool) -> None:
    data = manifest(training).model_dump_json().encode()
    platform.models.objects["models/skin/2/manifest.json"] = data
    files = {
        "version": "2",
        "model_key": "models/skin/2/model.onnx",
        "model_object_version": "v",
        "model_sha256": "0" * 64,
        "manifest_key": "models/skin/2/manifest.json",
        "manifest_object_version": "v",
        "manifest_sha256": hashlib.sha256(data).hexdigest(),
        "specialty": "skin",
    }
    if production:
        more = {"activated_by": "admin", "activated_at": START, "revision": 1}
        platform.registry.point(ProductionPointer.model_validate(files | more))
    else:
        more = {"name": "skin-resnet18", "status": ModelStatus.CANDIDATE, "intended_use": "tests"}
        more |= {"registered_by": "researcher", "created_at": START}
        platform.registry.add_model(RegisteredModel.model_validate(files | more))


@pytest.mark.parametrize(("base", "production"), [("production", True), ("2", False)])
def test_a_registered_model_that_was_trained_here_gives_its_weights(
    platform: FakePlatform, ports: TrainingPorts, tmp_path: Path, base: str, production: bool
) -> None:
    register(platform, TrainingSpec(job=JOB, weights_sha256=DIGEST), production=production)
    platform.learning.objects[output_key(JOB, "weights.safetensors")] = b"weights"
    path = base_weights(base, "skin", ports, tmp_path)
    assert path is not None
    assert path.endswith(".safetensors")
    assert Path(path).read_bytes() == b"weights"


@pytest.mark.parametrize("base", [None, "timm", "s3://bucket/weights.safetensors", "here.safetensors"])
def test_other_weights_are_for_the_script_to_find(
    ports: TrainingPorts, tmp_path: Path, base: str | None
) -> None:
    assert base_weights(base, "skin", ports, tmp_path) == base


@pytest.mark.parametrize(
    "training", [None, TrainingSpec(job="by hand", weights_sha256=DIGEST), TrainingSpec(job=JOB)]
)
def test_a_model_that_came_as_onnx_alone_is_refused(
    platform: FakePlatform, ports: TrainingPorts, tmp_path: Path, training: TrainingSpec | None
) -> None:
    register(platform, training, production=True)
    with pytest.raises(WeightsError, match=r"was not trained here.*`timm`"):
        base_weights("production", "skin", ports, tmp_path)


def test_weights_that_are_gone_or_changed_are_refused(
    platform: FakePlatform, ports: TrainingPorts, tmp_path: Path
) -> None:
    with pytest.raises(WeightsError, match="No model of skin is in production"):
        base_weights("production", "skin", ports, tmp_path)
    register(platform, TrainingSpec(job=JOB, weights_sha256=DIGEST), production=True)
    with pytest.raises(WeightsError, match="are gone"):
        base_weights("production", "skin", ports, tmp_path)
    platform.learning.objects[output_key(JOB, "weights.safetensors")] = b"other weights"
    with pytest.raises(WeightsError, match="have changed"):
        base_weights("production", "skin", ports, tmp_path)
    platform.models.objects["models/skin/2/manifest.json"] += b" "
    with pytest.raises(ModelIntegrityError):
        base_weights("production", "skin", ports, tmp_path)
