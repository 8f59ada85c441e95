"""Training by hand, from a folder of images to a model: whole, measured, repeatable, safe to interrupt."""

import csv
import io
import json
import os
import random
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from training_job.__main__ import main, write_phantoms
from training_job.errors import TrainingError
from training_job.evaluate import open_session
from training_job.run import train
from training_job.settling import merge_settings
from training_job.working_images import WorkingImages
from triagelens.domain.manifest import Manifest
from triagelens.inference.package import ModelPackage
from triagelens.inference.session import LoadedModel
from triagelens.inference.verify import verify_model

EPOCHS = 6


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Phantoms of two classes, a file that is no image among them, and room for the cache."""
    made = tmp_path_factory.mktemp("training")
    write_phantoms("eye", 40, 1, (120, 90), made)
    (made / "eye" / "normal" / "text.jpg").write_text("not an image")
    return made


def settings(folder: Path, output: Path, **changes: object) -> dict[str, object]:
    return {
        "data_dir": folder / "eye",
        "cache_dir": folder / "cache",
        "output": output,
        "arch": "test_efficientnet",
        "image_size": 64,
        "epochs": EPOCHS,
        "batch_size": 8,
        "learning_rate": 0.005,
        "patience": None,
        "version": "1",
        "threads": 1,
    } | changes


def flags(chosen: dict[str, object]) -> list[str]:
    return [
        part
        for name, value in chosen.items()
        for part in (f"--{name.replace('_', '-')}", "none" if value is None else str(value))
    ]


def run(chosen: dict[str, object], *, resume: bool = False) -> Manifest:
    trained = train(merge_settings(None, chosen, resume=resume), resume=resume)
    assert trained is not None
    return trained[0]


def read_metrics(output: Path) -> Any:
    return json.loads((output / "metrics.json").read_text())


@pytest.fixture(scope="module")
def trained(folder: Path) -> Path:
    output = folder / "trained"
    with pytest.raises(SystemExit) as caught:
        main(["train", *flags(settings(folder, output))])
    assert caught.value.code == 0
    return output


def test_a_run_leaves_a_model_that_its_manifest_describes(trained: Path) -> None:
    manifest = Manifest.model_validate_json((trained / "manifest.json").read_text())
    assert manifest.specialty == "eye"
    assert manifest.labels == ["normal", "cataract"]
    assert manifest.name == "eye-test_efficientnet"
    assert (manifest.input.height, manifest.input.width) == (64, 64)
    assert manifest.training is not None
    assert manifest.training.metrics["parity_max_abs_diff"] <= 1e-4
    assert manifest.training.metrics["held_out_images"] > 0
    session = open_session((trained / "model.onnx").read_bytes(), threads=1)
    images = np.random.default_rng(1).normal(0, 1, (3, 3, 64, 64)).astype(np.float32)
    logits, features = session.run(["logits", "features"], {manifest.input.name: images})
    head = np.load(io.BytesIO((trained / "head.npy").read_bytes()))
    bias = logits - features.mean(axis=(2, 3)) @ head.T
    np.testing.assert_allclose(bias, np.broadcast_to(bias[0], bias.shape), atol=1e-4)
    assert not (trained / "checkpoint.pt").exists()


def test_the_model_is_registered_and_served_as_it_is(folder: Path, trained: Path) -> None:
    """Through the code of the deployment: on its own working images it does as well as was measured."""
    files = [(trained / name).read_bytes() for name in ("model.onnx", "manifest.json", "head.npy")]
    package = ModelPackage(*files)
    assert verify_model(package) == []
    model, working = LoadedModel.open(package), WorkingImages(folder / "cache")
    with (trained / "images.csv").open(encoding="utf-8") as file:
        held_out = [row for row in csv.DictReader(file) if row["split"] == "held_out"]
    right = 0
    for row in held_out:
        with Image.open(working.path(row["sha256"])) as image:
            right += model.predict(image).probabilities[0].label == row["label"]
    measured = read_metrics(trained)["held_out"]
    assert len(held_out) == measured["images"]
    assert right / len(held_out) == pytest.approx(measured["accuracy"], abs=1e-4)


def test_a_run_learns(trained: Path) -> None:
    history = read_metrics(trained)["history"]
    assert len(history) == EPOCHS
    assert history[-1]["loss"] < 0.8 * history[0]["loss"]
    assert max(epoch["validation_balanced_accuracy"] for epoch in history) >= 0.7


def test_metrics_have_every_label_with_its_uncertainty_and_calibration(trained: Path) -> None:
    metrics = read_metrics(trained)
    held_out = metrics["held_out"]
    assert set(held_out["labels"]) == {"normal", "cataract"}
    for label in held_out["labels"].values():
        for rate in (label["sensitivity"], label["specificity"]):
            assert 0 <= rate["low"] <= rate["value"] <= rate["high"] <= 1
            assert rate["images"] > 0
    assert {"ece_before", "ece_after", "balanced_accuracy", "confusion"} <= set(held_out)
    assert sum(map(sum, held_out["confusion"])) == held_out["images"]
    assert metrics["temperature"] > 0
    assert sum(sum(split.values()) for split in metrics["images"].values()) == 80


def test_a_run_of_few_images_promises_nothing_and_says_so(trained: Path) -> None:
    manifest = Manifest.model_validate_json((trained / "manifest.json").read_text())
    assert manifest.abstain is None
    assert manifest.training is not None
    assert manifest.training.metrics["calibration_images"] == 0
    assert read_metrics(trained)["conformal"] is None
    assert "too few to choose the epoch and to calibrate" in (trained / "report.html").read_text("utf-8")


def test_a_run_of_more_images_promises_by_those_that_chose_nothing(folder: Path, tmp_path: Path) -> None:
    write_phantoms("eye", 170, 2, (120, 90), tmp_path)
    manifest = run(settings(folder, tmp_path / "out", data_dir=tmp_path / "eye", epochs=1))
    metrics = read_metrics(tmp_path / "out")
    calibrated_on = sum(metrics["images"]["calibration"].values())
    assert calibrated_on == metrics["calibrated_on"] >= 19
    assert sum(
        metrics["validation"]["labels"][label]["sensitivity"]["images"] for label in manifest.labels
    ) == (sum(metrics["images"]["validation"].values()))
    assert manifest.abstain is not None
    assert manifest.abstain.conformal_coverage == 0.9
    assert manifest.abstain.ood is not None
    assert manifest.abstain.ood.quantile == pytest.approx(calibrated_on / (calibrated_on + 1), abs=1e-4)
    assert metrics["outliers_expected"] == pytest.approx(1 / (calibrated_on + 1), abs=2e-4)
    assert manifest.training is not None
    assert manifest.training.metrics["calibration_images"] == calibrated_on
    assert (
        f"Calibrated on {calibrated_on} validation images" in (tmp_path / "out" / "report.html").read_text()
    )


def test_the_report_stands_alone_and_shows_how_training_went(trained: Path) -> None:
    page = (trained / "report.html").read_text(encoding="utf-8")
    for heading in ("Learning", "held-out images", "Confusion", "Calibration", "Most confident mistakes"):
        assert heading in page
    assert page.count("<svg") == 3
    assert not re.findall(r"https?:|<script|<link|src=\"(?!data:image/jpeg;base64,)", page)
    assert len(page) < 1_000_000


def test_what_was_used_and_what_was_left_out_is_listed(trained: Path) -> None:
    with (trained / "images.csv").open(encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == 80
    with (trained / "problems.csv").open(encoding="utf-8") as file:
        (problem,) = csv.DictReader(file)
    assert problem["file"] == "normal/text.jpg"
    assert "not an image" in problem["reason"]
    assert merge_settings(trained / "config.yaml", {}, resume=False).seed == 1


def test_the_same_seed_gives_the_same_model_however_many_processes_load_it(
    folder: Path, trained: Path, tmp_path: Path
) -> None:
    run(settings(folder, tmp_path / "again", workers=2))
    assert read_metrics(tmp_path / "again") == read_metrics(trained)
    assert (tmp_path / "again" / "model.onnx").read_bytes() == (trained / "model.onnx").read_bytes()


def begin_and_kill(arguments: list[str], epoch: int) -> None:
    """Run the command and kill it as soon as it says that an epoch is done."""
    command = [sys.executable, "-m", "training_job", "train", *arguments]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stderr is not None
        said = [next(line for line in process.stderr if f"Epoch {epoch}/" in line)]
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert said
    assert process.returncode == -signal.SIGKILL


def test_a_run_killed_again_and_again_ends_like_one_that_was_not(
    folder: Path, trained: Path, tmp_path: Path
) -> None:
    seed = random.randrange(10_000)
    epochs = sorted(random.Random(seed).sample(range(1, EPOCHS + 1), 3))
    print(f"seed {seed}: killed after epochs {epochs}")
    output = tmp_path / "killed"
    begin_and_kill(flags(settings(folder, output)), epochs[0])
    for epoch in epochs[1:]:
        begin_and_kill(["--resume", "--output", str(output)], epoch)
    run({"output": output}, resume=True)
    assert read_metrics(output) == read_metrics(trained)
    assert (output / "head.npy").read_bytes() == (trained / "head.npy").read_bytes()


def test_a_run_is_not_mixed_with_another(folder: Path, trained: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="--resume"):
        run(settings(folder, trained))
    with pytest.raises(TrainingError, match="is finished"):
        run({"output": trained}, resume=True)
    with pytest.raises(TrainingError, match="with another learning_rate"):
        run({"output": trained, "learning_rate": 0.1}, resume=True)
    with pytest.raises(TrainingError, match="needs --output"):
        run({}, resume=True)


def test_a_run_does_not_go_on_with_other_images(folder: Path, tmp_path: Path) -> None:
    write_phantoms("eye", 12, 1, (120, 90), tmp_path)
    chosen = settings(folder, tmp_path / "out", data_dir=tmp_path / "eye", epochs=2)
    begin_and_kill(flags(chosen), 1)
    write_phantoms("eye", 1, 99, (120, 90), tmp_path)
    with pytest.raises(TrainingError, match="images, their labels or their groups have changed"):
        run(chosen, resume=True)


def test_early_stopping_and_balancing_and_begun_weights_work_together(
    folder: Path, trained: Path, tmp_path: Path
) -> None:
    chosen = settings(folder, tmp_path / "out", epochs=30, patience=1, learning_rate=1e-6)
    chosen |= {"weights": str(trained / "weights.safetensors"), "class_balancing": "loss", "optimizer": "SGD"}
    run(chosen)
    metrics = read_metrics(tmp_path / "out")
    assert len(metrics["history"]) < 30
    assert metrics["best_epoch"] == len(metrics["history"]) - 1
    best = max(epoch["validation_balanced_accuracy"] for epoch in read_metrics(trained)["history"])
    first = metrics["history"][0]["validation_balanced_accuracy"]
    assert first == pytest.approx(best, abs=0.15), "the run begins with what the weights had learnt"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"arch": "DenseNet170"}, "no architecture 'DenseNet170'.*DenseNet169"),
        ({"specialty": "brain"}, "not a label of brain, which has glioma"),
        ({"weights": "model.pth"}, "safetensors files only"),
        ({"weights": "gone.safetensors"}, "cannot be read"),
        ({"device": "cuda"}, "no graphics card"),
        ({"data_dir": "/nowhere"}, "not a folder"),
        ({"arch": "test_vit", "image_size": 160}, "no feature map"),
    ],
)
def test_what_cannot_be_done_is_said(
    folder: Path, tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    if "device" in changes and torch.cuda.is_available():
        pytest.skip("there is a graphics card here")
    with pytest.raises(TrainingError, match=message):
        run(settings(folder, tmp_path / "out", **changes))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ({"mel": 9}, "at least two classes; there is mel"),
        ({"mel": 2, "nv": 2}, "at least 5 images; there are 4"),
        ({"mel": 0, "nv": 0}, "No images found!"),
    ],
)
def test_too_little_is_refused_before_anything_is_written(
    tmp_path: Path, counts: dict[str, int], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for label, count in counts.items():
        (tmp_path / "data" / label).mkdir(parents=True)
        for number in range(count):
            pixels = np.random.default_rng([number, len(label)]).integers(0, 256, (80, 80, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "data" / label / f"{number}.png")
    arguments = ["--data-dir", str(tmp_path / "data"), "--cache-dir", str(tmp_path / "cache")]
    with pytest.raises(SystemExit) as caught:
        main(["train", *arguments, "--output", str(tmp_path / "out")])
    assert caught.value.code == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
