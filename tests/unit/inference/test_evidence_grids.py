"""The grid kept for a later heatmap is last-layer Grad-CAM, and stays small."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from tests.onnx_models import classifier
from triagelens.domain.prediction import FeatureGrid, LabelActivation
from triagelens.imaging.preprocess import preprocess
from triagelens.inference.activation import MAX_BYTES, feature_grid
from triagelens.inference.session import LoadedModel


def random_map(channels: int, rows: int, columns: int, seed: int = 3) -> NDArray[np.float32]:
    return np.random.default_rng(seed).random((channels, rows, columns), dtype=np.float32)


def random_head(labels: int, channels: int, seed: int = 4) -> NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal((labels, channels)).astype(np.float32)


def grad_cam(features: NDArray[np.float32], head: NDArray[np.float32], label: int) -> NDArray[np.float64]:
    """Grad-CAM by its definition: the gradients of the label's logit, taken by finite differences."""

    def logit(feature_map: NDArray[np.float64]) -> float:
        return float(head[label].astype(np.float64) @ feature_map.mean(axis=(1, 2)))

    base = features.astype(np.float64)
    gradients = np.zeros_like(base)
    for place in np.ndindex(*base.shape):
        moved = base.copy()
        moved[place] += 1.0
        gradients[place] = logit(moved) - logit(base)
    channel_weights = gradients.mean(axis=(1, 2))
    result: NDArray[np.float64] = np.maximum(np.tensordot(channel_weights, base, axes=1), 0)
    return result


def normalised(grid: NDArray[np.float64]) -> NDArray[np.float64]:
    return grid / grid.max() if grid.max() > 0 else grid


def values(grid: FeatureGrid, label: str) -> NDArray[np.float64]:
    stored = grid.values(label)
    assert stored is not None
    return np.array(stored)


def test_the_grid_is_grad_cam_up_to_a_factor() -> None:
    features, head = random_map(6, 4, 5), random_head(3, 6)
    grid = feature_grid(features, head, ["a", "b", "c"], [2, 0, 1])

    assert (grid.rows, grid.columns) == (4, 5)
    assert [entry.label for entry in grid.activations] == ["c", "a", "b"]
    compared = 0
    for index, label in enumerate(["a", "b", "c"]):
        wanted = grad_cam(features, head, index)
        assert normalised(values(grid, label)) == pytest.approx(normalised(wanted), abs=1e-4)
        compared += int(wanted.max() > 0)
    assert compared >= 2


def test_a_models_own_features_give_its_grid() -> None:
    made = classifier(features=True, height=32, width=24)
    random = np.random.default_rng(1)
    image = Image.fromarray(random.integers(0, 256, (48, 64, 3), dtype=np.uint8))
    loaded = LoadedModel.open(made.package)
    prediction = loaded.predict(image)

    features = loaded.session.run(["features"], {"image": preprocess(image, loaded.manifest.input)})[0][0]
    assert prediction.features is not None
    assert (prediction.features.rows, prediction.features.columns) == (8, 6)
    for index, label in enumerate(made.manifest["labels"]):
        wanted = np.maximum(np.tensordot(made.weights[index], features, axes=1), 0)
        assert values(prediction.features, label) == pytest.approx(wanted, abs=1e-4)


def test_a_fixed_batch_gives_the_same_grid() -> None:
    image = Image.fromarray(np.random.default_rng(1).integers(0, 256, (48, 64, 3), dtype=np.uint8))
    single, four = (
        LoadedModel.open(classifier(features=True, batch=batch).package).predict(image) for batch in (1, 4)
    )
    assert single.features is not None
    assert single.features == four.features


def test_a_model_without_features_has_no_grid() -> None:
    image = Image.new("RGB", (64, 48), (200, 120, 90))
    assert LoadedModel.open(classifier().package).predict(image).features is None


@pytest.mark.parametrize(("rows", "columns"), [(7, 7), (14, 14), (10, 9), (1, 1), (32, 3)])
@pytest.mark.parametrize("labels", [2, 7, 9, 1000])
def test_the_grid_never_passes_two_kilobytes(rows: int, columns: int, labels: int) -> None:
    names = [f"label {number}" for number in range(labels)]
    grid = feature_grid(
        random_map(4, rows, columns), random_head(labels, 4), names, list(range(labels))[::-1]
    )
    kept = [entry.label for entry in grid.activations]
    assert len(grid.model_dump_json().encode()) <= MAX_BYTES == 2048
    assert kept == names[::-1][: len(kept)]
    assert len(kept) == labels or labels > 8
    assert grid.rows <= 10
    assert grid.columns <= 10


@pytest.mark.parametrize(
    ("side", "labels", "kept"), [(7, 9, 7), (9, 7, 9), (10, 5, 10), (9, 9, 7), (14, 2, 10)]
)
def test_a_usual_map_is_kept_as_it_is_while_every_label_fits(side: int, labels: int, kept: int) -> None:
    """7 x 7: most networks at 224 pixels; 9 x 9 and 10 x 10: EfficientNet-B3 at 288 and 320."""
    names = ["akiec", "bcc", "bkl", "df", "mel", "nv", "vasc", "scc", "ak"][:labels]
    grid = feature_grid(random_map(4, side, side), random_head(labels, 4), names, range(labels))
    assert (grid.rows, grid.columns) == (kept, kept)
    assert [entry.label for entry in grid.activations] == names


def test_a_large_map_is_averaged_down() -> None:
    features = np.zeros((1, 20, 20), np.float32)
    features[0, :2, :2] = [[1, 2], [3, 6]]
    grid = feature_grid(features, np.ones((2, 1), np.float32), ["a", "b"], [0, 1])
    top_left, *others = values(grid, "a").ravel()
    assert top_left == pytest.approx(3.0)
    assert not any(others)


def test_a_label_that_nothing_speaks_for_has_an_empty_grid() -> None:
    head = np.array([[1.0], [-1.0]], np.float32)
    grid = feature_grid(random_map(1, 2, 2), head, ["for", "against"], [0, 1])
    assert values(grid, "against").tolist() == [[0, 0], [0, 0]]
    assert values(grid, "for").max() > 0


def test_a_label_that_was_left_out_has_none() -> None:
    grid = FeatureGrid(rows=1, columns=2, activations=(LabelActivation.pack("a", [0.0, 1.0]),))
    assert grid.values("b") is None
    assert grid.values("a") == [[0.0, 1.0]]


@given(st.lists(st.floats(0, 1e6, width=32), min_size=6, max_size=6))
def test_packing_loses_next_to_nothing(activations: list[float]) -> None:
    grid = FeatureGrid(rows=2, columns=3, activations=(LabelActivation.pack("a", activations),))
    assert values(grid, "a").ravel() == pytest.approx(activations, abs=max(activations) / 100_000)
