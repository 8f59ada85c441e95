"""What a model says of its own certainty: sets of labels, unlike images, and its int8 variant."""

import math
import random
from functools import partial

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from training_job.conformal import conformal_quantile, label_sets, measure_sets
from training_job.evaluate import Observed, observe, open_session, predict, softmax
from training_job.export import to_onnx
from training_job.model import build
from training_job.outliers import FEWEST_HELD_OUT, FEWEST_IMAGES, fit_outliers
from training_job.parity import parity_of
from training_job.quantise import compare, head_nodes, quantise
from triagelens.domain.manifest import AbstainSpec, InputSpec, OutlierSpec
from triagelens.inference.outliers import OutlierMeasure
from triagelens.services.models import MOST_MANIFEST_BYTES

SPEC = InputSpec(name="image", height=32, width=32, mean=[0.5] * 3, std=[0.25] * 3)


def drawn(images: int, rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Probabilities of five labels, and targets that follow from them more or less."""
    targets = rng.integers(0, 5, images)
    logits = rng.normal(0, 1, (images, 5)) + 1.5 * np.eye(5)[targets]
    return softmax(logits), targets


@pytest.mark.parametrize("promised", [0.8, 0.9, 0.95])
def test_sets_hold_the_true_label_as_often_as_promised(promised: float) -> None:
    seed = random.randrange(10_000)
    print(f"seed {seed}")
    rng = np.random.default_rng(seed)
    held: list[float] = []
    for _ in range(200):
        quantile = conformal_quantile(*drawn(200, rng), promised)
        probabilities, targets = drawn(200, rng)
        found = measure_sets(probabilities, targets, quantile, promised)
        assert found is not None
        held.append(found.coverage.value)
        assert sum(found.sizes) == 200
        assert found.mean_size == pytest.approx(np.arange(6) @ np.array(found.sizes) / 200, abs=1e-4)
    error = 4 * math.sqrt(promised * (1 - promised) / 200 * 2 / 200)
    assert promised - error <= float(np.mean(held)) <= promised + 1 / 200 + error


def test_the_quantile_covers_the_images_that_it_was_made_of() -> None:
    probabilities, targets = drawn(99, np.random.default_rng(1))
    sets = label_sets(probabilities, conformal_quantile(probabilities, targets, 0.9))
    assert int(sets[np.arange(99), targets].sum()) == 90


def test_too_few_images_promise_nothing_less_than_all_labels() -> None:
    probabilities, targets = drawn(8, np.random.default_rng(1))
    quantile = conformal_quantile(probabilities, targets, 0.9)
    assert quantile == 1.0
    assert label_sets(probabilities, quantile).all()


def test_no_images_are_no_measure() -> None:
    assert measure_sets(np.empty((0, 5)), np.empty(0, np.int64), 0.5, 0.9) is None


def features_of(images: int, rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Two classes around two places in 64 channels, spread along three directions for the most part."""
    spread = np.random.default_rng(7).normal(0, 1, (3, 64))
    targets = rng.integers(0, 2, images)
    places = np.stack([np.zeros(64), np.full(64, 2.0)])[targets]
    return places + rng.normal(0, 1, (images, 3)) @ spread + rng.normal(0, 0.1, (images, 64)), targets


def measure_of(found: OutlierSpec | None) -> OutlierMeasure:
    assert found is not None
    return OutlierMeasure(found)


def test_images_of_another_kind_are_told_from_those_that_training_saw() -> None:
    rng = np.random.default_rng(3)
    training, targets = features_of(400, rng)
    found = measure_of(fit_outliers(training, targets, features_of(400, rng)[0]))
    usual = features_of(400, rng)[0]
    assert float(found.flagged(usual).mean()) <= 0.04
    elsewhere = usual + 3 * np.random.default_rng(8).normal(0, 1, 64)
    between = np.full((50, 64), 8.0)
    assert float(found.flagged(elsewhere).mean()) >= 0.95
    assert found.flagged(between).all()


def test_the_statistics_fit_into_a_manifest_and_come_back_from_it() -> None:
    rng = np.random.default_rng(3)
    wide = rng.normal(0, 1, (60, 2048))
    found = fit_outliers(wide, np.arange(60) % 7, wide, "texture")
    assert found is not None
    text = AbstainSpec(ood=found).model_dump_json()
    assert len(text) < MOST_MANIFEST_BYTES / 2
    back = AbstainSpec.model_validate_json(text).ood
    assert back == found
    np.testing.assert_array_equal(measure_of(back).distances(wide), measure_of(found).distances(wide))


def test_a_class_without_training_images_and_features_that_never_change_do_no_harm() -> None:
    still = measure_of(fit_outliers(np.ones((40, 8)), np.full(40, 3), np.ones((FEWEST_HELD_OUT, 8))))
    assert np.isfinite(still.distances(np.ones((2, 8)))).all()
    assert still.flagged(np.zeros((1, 8))).all()


def test_few_images_say_nothing_about_what_is_usual() -> None:
    def fitted(training: int, held_out: int) -> OutlierSpec | None:
        return fit_outliers(np.ones((training, 8)), np.zeros(training, np.int64), np.ones((held_out, 8)))

    assert fitted(FEWEST_IMAGES, FEWEST_HELD_OUT) is not None
    assert fitted(FEWEST_IMAGES - 1, FEWEST_HELD_OUT) is None
    assert fitted(10 * FEWEST_IMAGES, FEWEST_HELD_OUT - 1) is None


@pytest.mark.parametrize("far", [1e5, np.inf, np.nan])
def test_summaries_that_a_manifest_cannot_hold_end_no_run(
    far: float, caplog: pytest.LogCaptureFixture
) -> None:
    summaries = np.random.default_rng(1).normal(far, 1, (60, 8))
    assert fit_outliers(summaries, np.zeros(60, np.int64), summaries) is None
    assert "beyond float16" in caplog.text


@pytest.mark.parametrize("held_out", [19, 30, 60, 98, 99, 300])
def test_images_of_the_very_same_kind_are_flagged_no_more_often_than_the_manifest_says(held_out: int) -> None:
    """In the mean over many fits, with features that decay as a network's do."""
    rng, scale = np.random.default_rng(held_out), 1 / np.sqrt(1 + np.arange(32))
    flagged, allowed = [], 0.0
    for _ in range(60):
        training, kept, fresh = (rng.normal(0, scale, (images, 32)) for images in (200, held_out, 500))
        found = fit_outliers(training, rng.integers(0, 2, 200), kept)
        assert found is not None
        flagged.append(float(OutlierMeasure(found).flagged(fresh).mean()))
        assert float(OutlierMeasure(found).flagged(kept).mean()) <= 0.01
        allowed = 1 - found.quantile
    error = 4 * np.std(flagged) / math.sqrt(len(flagged))
    assert float(np.mean(flagged)) <= allowed + error
    assert float(np.mean(flagged)) >= allowed - 1 / (held_out + 1) - error, "nor is it far too careful"
    assert allowed <= max(0.01, 1 / (held_out + 1)) + 1e-4


@pytest.fixture(scope="module")
def images() -> NDArray[np.float32]:
    return np.random.default_rng(1).normal(0, 1, (40, 3, 32, 32)).astype(np.float32)


@pytest.fixture(scope="module")
def graphs(images: NDArray[np.float32]) -> tuple[bytes, bytes]:
    """A network in float32 and in int8."""
    model = build("test_efficientnet", 3, 0.0, 1).eval()
    whole = to_onnx(model, SPEC)
    return whole, quantise(whole, images)


def both(graphs: tuple[bytes, bytes], images: NDArray[np.float32]) -> tuple[Observed, Observed]:
    fp32, int8 = (observe(open_session(graph, 1), images) for graph in graphs)
    return fp32, int8


def test_the_int8_variant_answers_about_the_same_and_is_smaller(
    graphs: tuple[bytes, bytes], images: NDArray[np.float32]
) -> None:
    fp32, int8 = both(graphs, images)
    assert int8.summaries.dtype == np.float32
    assert np.corrcoef(fp32.logits.ravel(), int8.logits.ravel())[0, 1] > 0.95
    assert any(node.op_type == "QuantizeLinear" for node in onnx.load_from_string(graphs[1]).graph.node)


def test_the_head_stays_as_its_sidecar_says(graphs: tuple[bytes, bytes], images: NDArray[np.float32]) -> None:
    model = build("test_efficientnet", 3, 0.0, 1)
    weights = model.head.weight.detach().numpy()
    logits, features = open_session(graphs[1], 1).run(["logits", "features"], {"image": images})
    np.testing.assert_allclose(logits, features.mean(axis=(2, 3)) @ weights.T, atol=1e-4)
    assert head_nodes(onnx.load_from_string(graphs[0]).graph)


def test_texture_is_the_mean_of_a_map_of_an_eighth_of_the_side_and_int8_keeps_it_in_float32(
    graphs: tuple[bytes, bytes], images: NDArray[np.float32]
) -> None:
    graph = onnx.load_from_string(graphs[0]).graph
    makers = {output: node for node in graph.node for output in node.output}
    averaged = makers[makers["texture"].input[0]]
    assert averaged.op_type == "GlobalAveragePool"
    shapes = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in graph.value_info}
    assert shapes[averaged.input[0]][2:] == [4, 4]
    fp32, int8 = both(graphs, images)
    assert fp32.summaries.shape == int8.summaries.shape == (len(images), shapes[averaged.input[0]][1])
    assert np.corrcoef(fp32.summaries.ravel(), int8.summaries.ravel())[0, 1] > 0.98
    quantised = [node.name for node in onnx.load_from_string(graphs[1]).graph.node]
    assert {"texture_map", "texture"} <= set(quantised)


def test_quantising_again_gives_the_same_bytes(
    graphs: tuple[bytes, bytes], images: NDArray[np.float32]
) -> None:
    assert quantise(graphs[0], images) == graphs[1]


@pytest.mark.parametrize(
    ("fp32", "int8", "kept"),
    [(0.8, 0.8, True), (0.8, 0.7951, True), (0.8, 0.795, False), (0.8, 0.7, False), (0.8, 0.9, True)],
)
def test_int8_is_kept_only_if_it_loses_less_than_half_a_point(fp32: float, int8: float, kept: bool) -> None:
    assert compare(fp32, int8).kept is kept


def test_a_parity_file_has_clear_answers_and_room_for_rounding(graphs: tuple[bytes, bytes]) -> None:
    for graph, precision in zip(graphs, ("fp32", "int8"), strict=True):
        parity = parity_of(partial(predict, open_session(graph, 1)), SPEC, precision)
        assert len(parity.inputs) == len(parity.outputs) == 4
        assert parity.tolerance == {"fp32": 1e-3, "int8": 0.1}[precision]
        leads = [sorted(row)[-1] - sorted(row)[-2] for row in parity.outputs]
        assert leads == sorted(leads, reverse=True)
