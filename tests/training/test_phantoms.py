"""Phantoms are repeatable, sharp, and differ by more than their colour."""

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from training_job.__main__ import main
from training_job.evaluate import balanced_accuracy, softmax
from training_job.phantoms import photograph, render
from triagelens.domain.specialties import SPECIALTIES, specialty

PER_CLASS = 80
SMALL = (200, 150)


def sharpness(image: Image.Image) -> float:
    grey = cv2.cvtColor(np.asarray(image), cv2.COLOR_RGB2GRAY)
    return float(cv2.Laplacian(grey, cv2.CV_64F).var())


def mean_colours(name: str, first_seed: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    labels = specialty(name).label_names
    colours = [
        np.asarray(render(name, label, first_seed + index, SMALL), dtype=np.float64).mean(axis=(0, 1))
        for label in labels
        for index in range(PER_CLASS)
    ]
    return np.asarray(colours), np.repeat(np.arange(len(labels)), PER_CLASS)


def fit_linear(inputs: NDArray[np.float64], targets: NDArray[np.int64], labels: int) -> NDArray[np.float64]:
    """Weights (features + 1, labels) of a softmax regression, by gradient descent."""
    padded = np.c_[inputs, np.ones(len(inputs))]
    weights = np.zeros((padded.shape[1], labels))
    for _ in range(2000):
        weights -= 0.5 * padded.T @ (softmax(padded @ weights) - np.eye(labels)[targets]) / len(padded)
    return weights


@pytest.mark.parametrize("name", sorted(SPECIALTIES))
def test_a_linear_classifier_on_mean_colour_does_not_tell_the_classes_apart(name: str) -> None:
    seen, seen_targets = mean_colours(name, 700_000_000)
    unseen, unseen_targets = mean_colours(name, 701_000_000)
    centre, spread = seen.mean(axis=0), seen.std(axis=0)
    labels = len(specialty(name).labels)
    weights = fit_linear((seen - centre) / spread, seen_targets, labels)
    predicted = (np.c_[(unseen - centre) / spread, np.ones(len(unseen))] @ weights).argmax(axis=1)
    assert balanced_accuracy(predicted, unseen_targets, labels) < 0.6


def test_a_linear_classifier_on_mean_colour_would_find_a_difference_if_there_were_one() -> None:
    rng = np.random.default_rng(3)
    targets = np.repeat([0, 1], PER_CLASS)
    colours = rng.normal(size=(2 * PER_CLASS, 3)) + 2.0 * targets[:, None]
    predicted = (np.c_[colours, np.ones(len(colours))] @ fit_linear(colours, targets, 2)).argmax(axis=1)
    assert balanced_accuracy(predicted, targets, 2) > 0.9


@pytest.mark.parametrize("name", sorted(SPECIALTIES))
def test_the_same_seed_gives_the_same_picture_and_another_seed_another(name: str) -> None:
    label = specialty(name).label_names[0]
    first, again, other = (np.asarray(render(name, label, seed, SMALL)) for seed in (5, 5, 6))
    assert np.array_equal(first, again)
    assert np.abs(first.astype(int) - other.astype(int)).mean() > 2


@pytest.mark.parametrize("name", sorted(SPECIALTIES))
def test_classes_look_different_with_the_same_seed(name: str) -> None:
    pictures = [np.asarray(render(name, label, 8, SMALL)).tobytes() for label in specialty(name).label_names]
    assert len(set(pictures)) == len(pictures)


@pytest.mark.parametrize("name", sorted(SPECIALTIES))
def test_every_picture_in_focus_is_sharp_and_blur_lowers_its_score(name: str) -> None:
    for seed, label in enumerate(specialty(name).label_names):
        scores = [
            sharpness(render(name, label, seed, (1024, 768), defocus=blur, noise=1.5))
            for blur in (0.0, 1.0, 3.0)
        ]
        assert scores[0] > 150
        assert scores[0] > scores[1] > scores[2]
        assert scores[2] < 0.3 * scores[0]


def test_a_phone_photograph_has_twelve_megapixels_and_is_in_focus_once_reduced() -> None:
    content = photograph("skin", "mel", 11)
    picture = Image.open(io.BytesIO(content))
    assert picture.size == (4032, 3024)
    assert 2_000_000 < len(content) < 4_000_000
    assert sharpness(picture.resize((1024, 768), Image.Resampling.BOX)) > 150


def test_an_unknown_label_is_refused() -> None:
    with pytest.raises(ValueError, match="skin/glioma"):
        render("skin", "glioma", 1)


def test_the_command_writes_one_folder_per_class(tmp_path: Path) -> None:
    main(["phantoms", "--specialty", "eye", "--count", "2", "--size", "120", "90", "--output", str(tmp_path)])
    written = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.jpg"))
    assert written == [f"eye/{label}/00000{n}.jpg" for label in ("cataract", "normal") for n in (1, 2)]
    assert Image.open(tmp_path / written[0]).size == (120, 90)
