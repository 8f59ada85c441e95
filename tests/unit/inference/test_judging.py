"""What an answer is judged by comes from the same run of the model as the answer."""

import base64
import timeit
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.onnx_models import OnnxClassifier, classifier, edited
from triagelens.domain.abstention import DecisionReason, ModelDecision, judge
from triagelens.domain.manifest import AbstainSpec, OutlierSpec
from triagelens.imaging.preprocess import preprocess
from triagelens.inference.outliers import OutlierMeasure, encoded
from triagelens.inference.reading import ModelOutputError
from triagelens.inference.session import LoadedModel
from triagelens.inference.verify import verify_model

CHANNELS = 5
PICTURES = 12


def picture(seed: int) -> Image.Image:
    random = np.random.default_rng(seed)
    return Image.fromarray(random.integers(0, 256, (40, 30, 3), dtype=np.uint8))


def maps(made: OnnxClassifier) -> NDArray[np.float64]:
    """Feature maps of the pictures, (pictures, channels, rows, columns)."""
    loaded = LoadedModel.open(made.package)
    fed = [preprocess(picture(seed), loaded.manifest.input) for seed in range(PICTURES)]
    return np.concatenate([loaded.session.run(["features"], {"image": one})[0] for one in fed])


def statistics(made: OnnxClassifier, **changes: Any) -> dict[str, Any]:
    """Of one class, with the first channel as the only direction."""
    means = maps(made).mean(axis=(2, 3))
    centre = means.mean(axis=0).astype("<f2").astype(np.float64)
    shifted = means - centre
    return {
        "components": 1,
        "channels": CHANNELS,
        "basis": encoded(np.eye(CHANNELS)[:1]),
        "centre": encoded(centre),
        "classes": [[0.0]],
        "precision": [[float(1 / shifted[:, 0].var())]],
        "residual": float((shifted[:, 1:] ** 2).sum(axis=1).mean()),
        "threshold": 100.0,
    } | changes


def by_hand(made: OnnxClassifier, said: dict[str, Any], seed: int) -> float:
    shifted = maps(made)[seed].mean(axis=(1, 2)) - np.frombuffer(
        base64.b64decode(said["centre"]), "<f2"
    ).astype(np.float64)
    inside, outside = shifted[0], float((shifted[1:] ** 2).sum())
    return float(inside**2 * said["precision"][0][0] + outside / said["residual"])


@pytest.fixture(scope="module")
def plain() -> OnnxClassifier:
    return classifier(features=True)


def test_the_distance_is_that_of_the_formula(plain: OnnxClassifier) -> None:
    said = statistics(plain)
    judged = edited(plain, abstain={"ood": said})
    assert verify_model(judged.package) == []
    loaded = LoadedModel.open(judged.package)
    for seed in range(PICTURES):
        found = loaded.predict(picture(seed)).out_of_distribution
        assert found is not None
        assert found.distance == pytest.approx(by_hand(plain, said, seed), rel=1e-3, abs=1e-3)
        assert found.threshold == 100.0


def test_the_same_picture_is_usual_or_not_by_the_threshold_of_the_manifest(plain: OnnxClassifier) -> None:
    for threshold, decision in ((100.0, ModelDecision.ACCEPT), (0.0, ModelDecision.ABSTAIN)):
        said = {"min_confidence": 0, "ood": statistics(plain, threshold=threshold)}
        found = LoadedModel.open(edited(plain, abstain=said).package).predict(picture(3))
        assert found.decision is decision
        assert (DecisionReason.OUT_OF_DISTRIBUTION in found.reasons) is (decision is ModelDecision.ABSTAIN)


def test_statistics_need_no_head_weights_only_the_output(plain: OnnxClassifier) -> None:
    said = statistics(plain, output="features")
    bare = OnnxClassifier(plain.model, {**plain.manifest, "explain": None}, plain.weights, plain.bias)
    found = LoadedModel.open(edited(bare, abstain={"ood": said}).package).predict(picture(1))
    assert found.features is None
    assert found.out_of_distribution is not None


def test_a_summary_that_the_model_averages_itself_is_read_as_it_is(plain: OnnxClassifier) -> None:
    said = edited(plain, abstain={"ood": statistics(plain)})
    ood = LoadedModel.open(said.package).manifest.abstain
    assert ood is not None
    assert ood.ood is not None
    measure = OutlierMeasure(ood.ood)
    for feature_map in maps(plain):
        assert measure.distance(feature_map) == pytest.approx(
            measure.distance(feature_map.mean(axis=(1, 2))), rel=1e-5
        )


def test_the_set_of_labels_is_of_the_calibrated_probabilities(plain: OnnxClassifier) -> None:
    for temperature, quantile in ((1.0, 0.4), (3.0, 0.7), (1.0, 1.0)):
        abstain = {"conformal_quantile": quantile, "conformal_coverage": 0.9}
        made = edited(plain, calibration__temperature=temperature, abstain=abstain)
        loaded = LoadedModel.open(made.package)
        for seed in range(PICTURES):
            found = loaded.predict(picture(seed))
            assert found.prediction_set is not None
            wanted = [entry.label for entry in found.probabilities if entry.probability >= 1 - quantile]
            assert list(found.prediction_set.labels) == wanted


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"output": "texture"}, "ood_missing"),
        ({"output": "scores"}, "features_shape"),
        ({"channels": 2, "basis": encoded(np.eye(2)[:1]), "centre": encoded(np.zeros(2))}, "features_shape"),
    ],
)
def test_statistics_of_something_else_are_refused_before_the_model_serves(
    plain: OnnxClassifier, change: dict[str, Any], code: str
) -> None:
    made = edited(plain, abstain={"ood": statistics(plain, **change)})
    assert [problem.code for problem in verify_model(made.package)] == [code]


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"basis": encoded(np.full((1, CHANNELS), np.nan))}, "manifest_invalid", "basis must be finite"),
        ({"centre": encoded(np.full(CHANNELS, np.inf))}, "manifest_invalid", "centre must be finite"),
        ({"precision": [[float("nan")]]}, "manifest_invalid", "precision"),
        ({"threshold": float("inf")}, "manifest_invalid", "threshold"),
        ({"residual": float("inf")}, "manifest_invalid", "residual"),
        ({"classes": [[float("-inf")]]}, "manifest_invalid", "classes"),
        ({"precision": [[-1.0]]}, "does_not_load", "positive definite"),
        ({"precision": [[0.0]]}, "does_not_load", "positive definite"),
        ({"precision": [[1e308]], "classes": [[1e200]]}, "output_not_finite", "distance"),
    ],
)
def test_statistics_that_would_call_every_image_usual_are_refused(
    plain: OnnxClassifier, change: dict[str, Any], code: str, words: str
) -> None:
    """A distance that is no number is beyond no threshold."""
    made = edited(plain, abstain={"min_confidence": 0, "ood": statistics(plain, threshold=0.0) | change})
    [problem] = verify_model(made.package)
    assert problem.code == code
    assert words in problem.message


def test_no_number_of_a_manifest_is_infinite(plain: OnnxClassifier) -> None:
    made = edited(plain, calibration__temperature=float("inf"))
    [problem] = verify_model(made.package)
    assert (problem.code, "temperature" in problem.message) == ("manifest_invalid", True)


def test_a_distance_that_is_no_number_ends_the_answer(plain: OnnxClassifier) -> None:
    spec = OutlierSpec.model_validate(statistics(plain, precision=[[1e308]], classes=[[1e200]]))
    with pytest.raises(ModelOutputError, match="not finite"):
        OutlierMeasure(spec).distance(np.ones(CHANNELS, np.float32))


def test_statistics_of_an_output_that_nobody_names_are_refused(plain: OnnxClassifier) -> None:
    bare = OnnxClassifier(plain.model, {**plain.manifest, "explain": None}, plain.weights, plain.bias)
    made = edited(bare, abstain={"ood": statistics(plain)})
    [problem] = verify_model(made.package)
    assert problem.code == "manifest_invalid"
    assert "abstain.ood" in problem.message


def test_judging_takes_less_than_a_hundredth_of_a_usual_models_run() -> None:
    """A ResNet50 takes some 20 ms; it has 512 channels at most at an eighth of the side."""
    random = np.random.default_rng(1)
    spec = AbstainSpec.model_validate(
        {
            "conformal_quantile": 0.3,
            "conformal_coverage": 0.9,
            "ood": {
                "components": 8,
                "channels": 512,
                "basis": encoded(np.eye(512)[:8]),
                "centre": encoded(np.zeros(512)),
                "classes": random.normal(0, 1, (7, 8)).tolist(),
                "precision": np.eye(8).tolist(),
                "residual": 1.0,
                "threshold": 10.0,
            },
        }
    )
    assert spec.ood is not None
    measure, summary = OutlierMeasure(spec.ood), random.normal(0, 1, 512).astype(np.float32)
    likely = dict(zip("abcdefg", (0.5, 0.2, 0.1, 0.1, 0.05, 0.03, 0.02), strict=True))

    def judging() -> None:
        judge(likely, spec, distance=measure.distance(summary))

    assert min(timeit.repeat(judging, number=20, repeat=50)) / 20 < 0.0002
