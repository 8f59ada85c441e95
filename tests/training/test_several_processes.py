"""Several processes fit one network, as several GPUs would, and end where one alone ends."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from training_job.__main__ import write_phantoms
from training_job.batches import TrainingBatches
from training_job.config import TrainConfig
from training_job.distributed import World
from training_job.errors import TrainingError
from training_job.run import train
from triagelens.domain.manifest import InputSpec

LIMIT_S = 240
SPEC = InputSpec(name="image", height=32, width=32, mean=[0.5] * 3, std=[0.25] * 3)


def settings(folder: Path, name: str) -> dict[str, object]:
    """Layer normalisation and no dropout: so that what two processes do is what one does."""
    return {
        "data_dir": folder / "eye",
        "cache_dir": folder / "cache",
        "output": folder / name,
        "arch": "test_convnext",
        "image_size": 64,
        "epochs": 3,
        "batch_size": 10,  # the last batch has at least four of the 26 images
        "learning_rate": 0.002,
        "dropout": 0.0,
        "class_balancing": "loss",
        "version": "1",
        "threads": 1,
        "int8": False,
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("several")
    write_phantoms("eye", 24, 1, (120, 90), made)
    return made


def read_metrics(output: Path) -> Any:
    return json.loads((output / "metrics.json").read_text())


def test_two_processes_end_with_the_model_of_one_and_only_the_first_writes(folder: Path) -> None:
    flags = [
        part
        for name, value in settings(folder, "two").items()
        if name != "int8"
        for part in (f"--{name.replace('_', '-')}", str(value))
    ]
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    ended = subprocess.run(
        [*launcher, "-m", "training_job", "train", "--no-int8", *flags],
        env=os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    assert ended.stdout.count("manifest.json") == 1, "one process speaks for both"
    assert ended.stderr.count("Epoch 3/3") == 1
    train(TrainConfig.model_validate(settings(folder, "one")))
    one, two = read_metrics(folder / "one"), read_metrics(folder / "two")
    for alone, together in zip(one["history"], two["history"], strict=True):
        assert together == pytest.approx(alone, abs=2e-3)
    heads = [np.load(folder / name / "head.npy") for name in ("one", "two")]
    np.testing.assert_allclose(heads[0], heads[1], atol=1e-3)
    assert sorted(path.name for path in (folder / "two").iterdir()) == sorted(
        path.name for path in (folder / "one").iterdir()
    )


def parts(world: World, images: int, batch_size: int) -> list[list[int]]:
    """Targets of each batch of one epoch; each image's target is its place."""
    pixels = np.zeros((images, 32, 32, 3), np.uint8)
    config = TrainConfig.model_validate(
        {"data_dir": "data", "arch": "test_convnext", "batch_size": batch_size}
    )
    source = TrainingBatches(
        pixels, np.arange(images), np.arange(images), SPEC, config, torch.device("cpu"), world
    )
    return [targets.tolist() for _, targets in source.epoch(0)]


def test_each_process_takes_its_part_of_every_batch() -> None:
    whole = parts(World(), 22, 8)
    first, second = (parts(World(rank, 2), 22, 8) for rank in (0, 1))
    assert [sorted(a + b) for a, b in zip(first, second, strict=True)] == [sorted(batch) for batch in whole]
    assert all(len(batch) >= 2 for batch in first + second)


def test_a_last_batch_too_small_for_all_processes_is_left_out_by_all() -> None:
    first, second = (parts(World(rank, 2), 19, 8) for rank in (0, 1))
    assert [len(batch) for batch in first] == [len(batch) for batch in second] == [4, 4]


def test_batches_too_small_for_the_processes_are_refused() -> None:
    with pytest.raises(TrainingError, match="8 processes need a batch size of 16"):
        parts(World(0, 8), 20, 8)


def test_one_process_shares_and_sums_with_itself() -> None:
    alone = World()
    assert alone.share(lambda: "made") == "made"
    assert alone.sums((1.5, 2.0), torch.device("cpu")) == [1.5, 2.0]


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two GPUs")
def test_batch_statistics_are_gathered_over_gpus() -> None:
    from training_job.model import build

    converted = World(0, 2).prepared(build("test_resnet", 2, 0.0, 1), torch.device("cuda"))
    assert any(isinstance(layer, torch.nn.SyncBatchNorm) for layer in converted.modules())
