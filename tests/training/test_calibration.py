"""What a model promises is fitted on images that chose nothing about it."""

import logging
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from training_job.calibrate import fit_temperature
from training_job.conformal import conformal_quantile, label_sets
from training_job.evaluate import softmax
from training_job.fitting import judged
from training_job.material import Material, announce
from training_job.splits import FEWEST_TO_CALIBRATE, parts_of
from training_job.working_images import TrainingImage
from triagelens.domain.manifest import InputSpec
from triagelens.domain.splits import Split, split_of

LABELS, EPOCHS, PROMISED = 7, 20, 0.9
NAMES = tuple("abcdefg")


def images(count: int, split: Split = "validation", each: int = 1) -> list[tuple[str, Split]]:
    """Groups of `each` images."""
    return [(f"image:{index // each}", split) for index in range(count)]


def test_half_of_the_validation_groups_calibrate_and_none_is_in_both_halves() -> None:
    told = [(f"patient:{index // 3}", split_of(f"patient:{index // 3}", "key")) for index in range(6000)]
    parts = parts_of(told)
    of_group: dict[str, set[str]] = {}
    for (group, split), part in zip(told, parts, strict=True):
        of_group.setdefault(group, set()).add(part)
        assert part == split or (split, part) == ("validation", "calibration")
    assert {len(found) for found in of_group.values()} == {1}
    sizes = Counter(parts)
    assert sizes["calibration"] / (sizes["calibration"] + sizes["validation"]) == pytest.approx(0.5, abs=0.07)


def test_a_groups_part_depends_on_no_other_group_and_on_no_order() -> None:
    many = images(400)
    parts = dict(zip((group for group, _ in many), parts_of(many), strict=True))
    fewer = many[250:50:-1]
    assert parts_of(fewer) == tuple(parts[group] for group, _ in fewer)


@pytest.mark.parametrize(("count", "each"), [(0, 1), (10, 1), (FEWEST_TO_CALIBRATE * 2 - 1, 1), (400, 400)])
def test_too_few_validation_images_all_choose_and_that_is_said(
    count: int, each: int, caplog: pytest.LogCaptureFixture
) -> None:
    told = images(count, each=each)
    assert set(parts_of(told)) <= {"validation"}
    listed = [TrainingImage("f", "0" * 64, "a", group, split) for group, split in told]
    with caplog.at_level(logging.INFO):
        announce(Path("here"), listed, [])
    assert f"{count} validation, 0 calibration" in caplog.text
    assert f"{count} validation images are too few to choose the epoch and to calibrate" in caplog.text
    caplog.clear()
    announce(Path("here"), [TrainingImage("f", "0" * 64, "a", *told) for told in images(200)], [])
    assert "too few" not in caplog.text


def drawn(count: int, rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """What all epochs of a network have in common on some images, and the true labels."""
    targets = rng.integers(0, LABELS, count)
    return rng.normal(size=(count, LABELS)) + 2.2 * np.eye(LABELS)[targets], targets


def at_epoch(common: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float32]:
    return (common + rng.normal(0, 0.8, common.shape)).astype(np.float32)


def coverage(validation: int, rng: np.random.Generator, *, apart: bool) -> float:
    """How often sets hold the true label, of the best of 20 epochs, which differ by chance alone."""
    listed = [
        TrainingImage(f"{index}", "0" * 64, "a", *told) for index, told in enumerate(images(validation))
    ]
    material = Material(
        listed, NAMES, np.empty((0, 8, 8, 3), np.uint8), InputSpec(name="x", height=8, width=8)
    )
    choose, calibrate = material.rows("validation"), material.rows("calibration")
    if not apart:
        choose = calibrate = np.arange(validation)
    common, targets = drawn(validation, rng)
    epochs = [at_epoch(common, rng) for _ in range(EPOCHS)]
    best = max(epochs, key=lambda logits: judged(logits[choose], targets[choose], NAMES)[1])
    temperature = fit_temperature(best[calibrate], targets[calibrate])
    quantile = conformal_quantile(softmax(best[calibrate], temperature), targets[calibrate], PROMISED)
    common, truth = drawn(1000, rng)
    sets = label_sets(softmax(at_epoch(common, rng), temperature), quantile)
    return float(sets[np.arange(len(truth)), truth].mean())


def test_sets_keep_their_promise_although_the_epoch_was_chosen() -> None:
    """The images that chose an epoch do well in it by luck; a quantile of theirs promises too much."""
    runs = 100
    mean: dict[bool, float] = {}
    for apart in (True, False):
        rng = np.random.default_rng(5)
        found = [coverage(60, rng, apart=apart) for _ in range(runs)]
        mean[apart] = float(np.mean(found))
        error = float(np.std(found)) / np.sqrt(runs)
        print(f"apart: {apart}, coverage {mean[apart]:.4f}, standard error {error:.4f}")
    assert mean[True] >= PROMISED - 2 * error
    assert mean[False] < PROMISED - 3 * error
