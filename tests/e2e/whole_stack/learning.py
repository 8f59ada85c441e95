"""The learning loop as people reach it: archives sent, jobs done by the laptop's worker, models served."""

import io
import json
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper
from PIL import Image

from infra.local.batch_worker import TRAINING_PYTHON, environment_of
from infra.local.cloud import Cloud
from tests.e2e.whole_stack.files import sharp
from tests.e2e.whole_stack.stack import Person, Stack, until
from tests.onnx_models import OnnxClassifier, classifier, with_graph
from training_job.jobs.run import DONE, FAILED
from training_job.phantoms import photograph
from triagelens_client import Dataset, ModelCard, TrainingJob

SPECIALTY = "eye"
LABELS = ("normal", "cataract")
SIZE = (160, 120)
IN_FORCE_WITHIN_S = 30.0
STOPS_WITHIN_S = 20.0
DRAWN_WITHIN_S = 240.0
DONE_WITHIN_S = 300.0
"""For a job that takes half a minute on an idle machine."""
# A network that learns phantoms within seconds on a laptop.
SETTINGS: dict[str, Any] = {
    "architecture": "mobilenetv4_conv_small_050",
    "image_size": 96,
    "batch_size": 16,
    "optimizer": "adamw",
    "learning_rate": 0.003,
}


def why_no_training() -> str | None:
    """Why nothing can be trained here; None where it can.

    Raises:
        AssertionError: this is CI, which always can.
    """
    if TRAINING_PYTHON.exists():
        return None
    assert "CI" not in os.environ, "CI makes the training environment: make test-e2e"
    return f"there is no training environment ({TRAINING_PYTHON}): make test-e2e makes it"


@contextmanager
def worker_of(cloud: Cloud) -> Iterator[None]:
    """The laptop's worker, in a process of its own, as `make worker` starts it."""
    folder = Path(cloud.server.folder)
    command = [sys.executable, "-m", "infra.local", "worker", "--profile", cloud.server.profile]
    with (folder / "worker.log").open("ab") as log:
        process = subprocess.Popen(
            [*command, "--state-dir", str(folder.parent)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)  # and whatever job it is at
        try:
            process.wait(STOPS_WITHIN_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def ingest(cloud: Cloud, job_id: str) -> None:
    """Does one ingestion, well or badly, as the worker would. It needs no training environment."""
    command = [sys.executable, "-m", "training_job", "run", job_id]
    done = subprocess.run(command, env=environment_of(cloud), capture_output=True, text=True, check=False)
    assert done.returncode in (DONE, FAILED), done.stderr


def half_train(cloud: Cloud, job_id: str) -> None:
    """Begins a training, and tells of half of it, as the container would."""
    command = [sys.executable, "-m", "tests.e2e.whole_stack.half_a_training", job_id]
    done = subprocess.run(command, env=environment_of(cloud), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


# Archives


def archive(files: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return stream.getvalue()


def two_photos_of_each_patient(patients: int) -> bytes:
    """A zip with a `metadata.csv`, and one image that is cut short."""
    files: dict[str, bytes] = {}
    lines = ["image_id,image_path,label,patient_id"]
    for number in range(2 * patients * len(LABELS)):
        label = LABELS[number % len(LABELS)]
        name = f"p{number:04d}"
        files[f"images/{name}.jpg"] = photograph(SPECIALTY, label, number, SIZE)
        lines.append(f"{name},images/{name}.jpg,{label},{label}-{number // (2 * len(LABELS))}")
    files["images/p0000.jpg"] = files["images/p0000.jpg"][:1000]
    files["metadata.csv"] = "\n".join(lines).encode()
    return archive(files)


def folder_of_each_class(folder: Path) -> bytes:
    """A zip of a folder as `python -m training_job phantoms` leaves it."""
    return archive({str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.jpg")})


@dataclass(frozen=True)
class Drawing:
    """Phantoms that are being drawn into a folder by the project's own command."""

    folder: Path
    process: "subprocess.Popen[bytes]"

    def finished(self) -> Path:
        """The folder once all are there."""
        assert self.process.wait(DRAWN_WITHIN_S) == 0
        return self.folder


@contextmanager
def drawing(folder: Path, of_each: int, seed: int) -> Iterator[Drawing]:
    """Begins to draw, while something else goes on."""
    command = [sys.executable, "-m", "training_job", "phantoms", "--specialty", SPECIALTY]
    numbers = ["--count", str(of_each), "--seed", str(seed), "--size", *map(str, SIZE)]
    process = subprocess.Popen([*command, *numbers, "--output", str(folder)])
    try:
        yield Drawing(folder, process)
    finally:
        process.terminate()
        process.wait()


# Datasets, jobs, models


def send_dataset(person: Person, data: bytes, **more: str) -> Dataset:
    """Announces an archive, sends it and has it ingested; the dataset as that begins."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "phantoms.zip")
        path.write_bytes(data)
        announced = person.client.datasets.create(path, "Phantoms", SPECIALTY, **more)
        assert announced.status == "awaiting_upload"
        return person.client.datasets.upload(announced.dataset_id, path)


def ingested(person: Person, sent: Dataset) -> Dataset:
    """The dataset once its ingestion has come to an end."""

    def look() -> Dataset | None:
        now = person.client.datasets.get(sent.dataset_id)
        return now if now.is_settled else None

    return until(look, f"dataset {sent.dataset_id} is ingested", DONE_WITHIN_S)


def trained(person: Person, job_id: str) -> TrainingJob:
    """The job once it has ended."""

    def look() -> TrainingJob | None:
        job = person.client.training.get(job_id)
        return job if job.has_ended else None

    return until(look, f"job {job_id} ends", DONE_WITHIN_S)


def registered(person: Person, job: TrainingJob) -> ModelCard:
    """The card of the model that a job made, once the registry has it."""
    assert job.model_id is not None, job
    assert job.import_id is not None, job
    decided = person.client.models.wait_for_import(job.import_id)
    assert decided.is_registered, decided
    return person.client.models.get(*job.model_id.split(":"))


def manifest_of(stack: Stack, card: ModelCard) -> dict[str, Any]:
    """The registered manifest."""
    key = f"models/{card.specialty}/{card.version}/manifest.json"
    stored = stack.aws("s3").get_object(Bucket=stack.outputs["ModelsBucket"], Key=key)["Body"].read()
    manifest: dict[str, Any] = json.loads(stored)
    return manifest


def wait_for_version(person: Person, version: str, specialty: str = SPECIALTY) -> dict[str, Any]:
    """The first finding of that version, by images sent one after the other; it has to come in time."""

    def look() -> dict[str, Any] | None:
        image = person.send(specialty, photograph("eye", "cataract", 7, (640, 480)))
        assert image["status"] == "analyzed", image
        found: dict[str, Any] = image["prediction"]
        return found if found["model"]["version"] == version else None

    return until(look, f"{specialty} is answered by {version}", IN_FORCE_WITHIN_S)


def out_of_service(admin: Person, specialty: str) -> None:
    """Rolls back until no registered model of the specialty answers, as before the first."""
    while serving := [m.version for m in admin.client.models.all(specialty) if m.production]:
        admin.client.models.rollback(specialty, serving[0], "the test is over")


# Models that are no good


def always(label: str, version: str) -> OnnxClassifier:
    """A classifier that gives every image the same answer."""
    made = classifier(specialty=SPECIALTY, labels=LABELS, version=version)
    proto = onnx.load_from_string(made.model)
    [answer] = [node for node in proto.graph.node if node.op_type == "Gemm"]
    said = np.array([3.0 * (label == other) for other in LABELS], dtype=np.float32)
    values = {answer.input[1]: np.zeros_like(made.weights), answer.input[2]: said}
    for constant in proto.graph.initializer:
        if constant.name in values:
            constant.CopyFrom(numpy_helper.from_array(values[constant.name], constant.name))
    return with_graph(made, proto)


def reddish(seed: int) -> bytes:
    """A sharp photo with little blue."""
    red, green, blue = Image.open(io.BytesIO(sharp(seed))).convert("RGB").split()
    stream = io.BytesIO()
    Image.merge("RGB", (red, green, blue.point(lambda level: level // 3))).save(stream, "JPEG", quality=92)
    return stream.getvalue()


def blind_to_red(specialty: str, version: str) -> OnnxClassifier:
    """A classifier whose answer is not a number where an image has over 0.1 more red than blue (of 1).

    Made-up images, grey on average, do not show it, so it passes the checks of a registration.
    """
    made = classifier(
        specialty=specialty, labels=("normal", "lesion"), version=version, mean=(0.0,) * 3, std=(1.0,) * 3
    )
    proto = onnx.load_from_string(made.model)
    kernel = np.array([-1, 0, 1], dtype=np.float32).reshape(1, 3, 1, 1)
    constants = {"blue_less_red": kernel, "least": np.array([0.1], dtype=np.float32)}
    constants["nothing"] = np.array([0], dtype=np.float32)
    proto.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in constants.items())
    last = proto.graph.node[-1]
    proto.graph.node.remove(last)
    proto.graph.node.extend(
        [
            helper.make_node("GlobalAveragePool", ["image"], ["colour"]),
            helper.make_node("Conv", ["colour", "blue_less_red", "least"], ["left"]),
            helper.make_node("Log", ["left"], ["logarithm"]),
            helper.make_node("Flatten", ["logarithm"], ["flat"]),
            helper.make_node("Mul", ["flat", "nothing"], ["nought"]),
            helper.make_node("Add", [last.input[0], "nought"], ["scores"]),
        ]
    )
    onnx.checker.check_model(proto)
    return with_graph(made, proto)
