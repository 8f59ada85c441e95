"""Third-party classifiers are served unchanged, whatever their input and output look like."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from tests.onnx_models import OnnxClassifier, classifier, edited
from triagelens.domain.prediction import Prediction
from triagelens.inference.session import LoadedModel
from triagelens.inference.verify import verify_model

FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


def photo(width: int, height: int, seed: int = 7) -> Image.Image:
    """Coloured structure at several scales, different in each quarter and channel."""
    random = np.random.default_rng(seed)
    blocks = Image.fromarray(random.integers(0, 256, (9, 7, 3), dtype=np.uint8))
    smooth = np.asarray(blocks.resize((width, height), Image.Resampling.BICUBIC), dtype=np.int16)
    grain = random.integers(-20, 21, (height, width, 3), dtype=np.int16)
    return Image.fromarray(np.clip(smooth + grain, 0, 255).astype(np.uint8))


def tensor_of(image: Image.Image, said: dict[str, Any]) -> NDArray[np.float64]:
    """(3, height, width) in the model's channel order, worked out apart from the product's own code."""
    height, width = said["height"], said["width"]
    target = (width, height)
    if said["resize"] == "shortest_side":
        shortest = said["resize_to"] or max(height, width)
        factor = shortest / min(image.size)
        target = (int(image.width * factor + 1e-9), int(image.height * factor + 1e-9))
    resized = np.asarray(image.resize(target, FILTERS[said["interpolation"]]), dtype=np.float64)
    left, top = round((resized.shape[1] - width) / 2), round((resized.shape[0] - height) / 2)
    cropped = resized[top : top + height, left : left + width]
    if said["channel_order"] == "BGR":
        cropped = cropped[..., ::-1]
    normalised = (cropped * said["scale"] - said["mean"]) / said["std"]
    result: NDArray[np.float64] = normalised.transpose(2, 0, 1)
    return result


def expected(made: OnnxClassifier, image: Image.Image) -> dict[str, float]:
    """Label -> probability, in plain numpy."""
    scores = made.scores(tensor_of(image, made.manifest["input"]))
    if made.manifest["output"]["kind"] == "sigmoid":
        scores = np.array([0.0, scores[0]])
    exponentials = np.exp(scores / made.manifest["calibration"]["temperature"])
    return dict(zip(made.manifest["labels"], (exponentials / exponentials.sum()).tolist(), strict=True))


def answered(prediction: Prediction) -> dict[str, float]:
    return {entry.label: entry.probability for entry in prediction.probabilities}


def assert_predicts(made: OnnxClassifier, image: Image.Image, tolerance: float = 1e-4) -> None:
    assert verify_model(made.package) == []
    prediction = LoadedModel.open(made.package).predict(image)
    wanted = expected(made, image)
    assert answered(prediction) == pytest.approx(wanted, abs=tolerance)
    assert prediction.probability == pytest.approx(max(wanted.values()), abs=tolerance)
    assert sum(answered(prediction).values()) == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("channel_order", ["RGB", "BGR"])
@pytest.mark.parametrize("dtype", ["float32", "float16", "uint8"])
def test_any_layout_channel_order_and_input_type_is_served(
    layout: str, channel_order: str, dtype: str
) -> None:
    made = classifier(layout=layout, channel_order=channel_order, dtype=dtype)
    assert_predicts(made, photo(160, 120), tolerance=1e-2 if dtype == "float16" else 1e-4)


@pytest.mark.parametrize("interpolation", list(FILTERS))
@pytest.mark.parametrize("resize", ["stretch", "shortest_side"])
@pytest.mark.parametrize("size", [(160, 120), (90, 200), (12, 16)])
def test_any_resize_and_interpolation_is_served(
    interpolation: str, resize: str, size: tuple[int, int]
) -> None:
    assert_predicts(classifier(interpolation=interpolation, resize=resize), photo(*size))


@pytest.mark.parametrize("resize_to", [16, 20, 33])
def test_a_model_with_a_margin_around_its_crop_is_served(resize_to: int) -> None:
    assert_predicts(classifier(resize_to=resize_to), photo(160, 120))


@pytest.mark.parametrize("batch", [None, 1, 4])
@pytest.mark.parametrize("kind", ["logits", "probabilities", "sigmoid"])
@pytest.mark.parametrize("output_axes", ["width", "width,1,1"])
@pytest.mark.parametrize("output_dtype", ["float32", "float16", "float64"])
def test_any_output_and_batch_is_served(
    batch: int | None, kind: str, output_axes: str, output_dtype: str
) -> None:
    labels = ("normal", "cataract") if kind == "sigmoid" else ("nv", "mel", "bcc")
    made = classifier(
        batch=batch, kind=kind, output_axes=output_axes, output_dtype=output_dtype, labels=labels
    )
    assert_predicts(made, photo(160, 120), tolerance=5e-3 if output_dtype == "float16" else 1e-4)


@pytest.mark.parametrize("batch", [None, 1, 4])
@pytest.mark.parametrize("sigmoid_applied", [True, False])
@pytest.mark.parametrize("temperature", [1.0, 2.5])
def test_a_single_sigmoid_value_speaks_for_the_second_label(
    batch: int | None, sigmoid_applied: bool, temperature: float
) -> None:
    made = classifier(
        kind="sigmoid",
        labels=("normal", "cataract"),
        batch=batch,
        output_axes="none",
        sigmoid_applied=sigmoid_applied,
        temperature=temperature,
    )
    assert_predicts(made, photo(160, 120))


@pytest.mark.parametrize("kind", ["logits", "probabilities"])
@pytest.mark.parametrize("temperature", [0.5, 3.0])
def test_temperature_calibrates_logits_and_probabilities_alike(kind: str, temperature: float) -> None:
    assert_predicts(classifier(kind=kind, temperature=temperature), photo(160, 120))


@settings(max_examples=60)
@given(
    layout=st.sampled_from(["NCHW", "NHWC"]),
    channel_order=st.sampled_from(["RGB", "BGR"]),
    height=st.integers(8, 40),
    width=st.integers(8, 40),
    resize=st.sampled_from(["stretch", "shortest_side"]),
    interpolation=st.sampled_from(list(FILTERS)),
    batch=st.sampled_from([None, 1, 3]),
    kind=st.sampled_from(["logits", "probabilities"]),
    labels=st.integers(2, 12),
    size=st.tuples(st.integers(40, 200), st.integers(40, 200)),
    seed=st.integers(0, 1000),
)
def test_whatever_the_manifest_says_is_what_happens(
    labels: int, size: tuple[int, int], seed: int, **design: Any
) -> None:
    names = tuple(f"label-{number}" for number in range(labels))
    assert_predicts(classifier(labels=names, seed=seed, **design), photo(*size, seed=seed))


@pytest.mark.parametrize(
    "lie",
    [
        {"input__channel_order": "BGR"},
        {"input__interpolation": "nearest"},
        {"input__resize": "stretch"},
        {"input__resize_to": 20},
        {"input__mean": [0.0, 0.0, 0.0]},
        {"input__scale": 1.0},
        {"calibration__temperature": 2.0},
        {"labels": ["mel", "nv", "bcc"]},
    ],
)
def test_each_setting_of_the_manifest_changes_the_answer(lie: dict[str, Any]) -> None:
    made, image = classifier(), photo(160, 120)
    told = answered(LoadedModel.open(edited(made, **lie).package).predict(image))
    assert told != pytest.approx(answered(LoadedModel.open(made.package).predict(image)), abs=1e-3)


def test_a_prediction_ranks_all_classes_and_says_how_sure_it_is() -> None:
    made, image = classifier(), photo(160, 120)
    prediction = LoadedModel.open(made.package).predict(image)
    wanted = sorted(expected(made, image).items(), key=lambda entry: -entry[1])
    chances = np.array([chance for _, chance in wanted])

    assert [entry.label for entry in prediction.probabilities] == [label for label, _ in wanted]
    assert prediction.top_label == wanted[0][0]
    assert prediction.confidence == prediction.probability
    assert prediction.margin == pytest.approx(chances[0] - chances[1], abs=1e-4)
    assert prediction.entropy == pytest.approx(-(chances * np.log(chances)).sum(), abs=1e-4)


def test_a_prediction_names_the_model_and_its_timings() -> None:
    made = classifier(version="2.1.0", intended_use="Triage of naevi by a dermatologist")
    prediction = LoadedModel.open(made.package).predict(photo(160, 120))

    assert (prediction.model.name, prediction.model.version) == ("somebody-elses-model", "2.1.0")
    assert prediction.model.sha256 == made.manifest["sha256"]
    assert prediction.specialty == "skin"
    assert prediction.intended_use == "Triage of naevi by a dermatologist"
    assert prediction.demonstration is False
    assert list(prediction.timings_ms) == ["preprocess", "run", "postprocess"]
    assert all(value >= 0 for value in prediction.timings_ms.values())
    assert list(prediction.with_timings(fetch=1.5, decode=2).timings_ms)[:3] == [
        "fetch",
        "decode",
        "preprocess",
    ]


def test_a_prediction_survives_being_stored_as_json() -> None:
    prediction = LoadedModel.open(classifier(features=True).package).predict(photo(160, 120))
    assert prediction.features is not None
    assert Prediction.model_validate_json(prediction.model_dump_json()) == prediction


def test_a_grey_image_is_read_like_a_coloured_one() -> None:
    loaded = LoadedModel.open(classifier().package)
    grey = photo(160, 120).convert("L")
    assert answered(loaded.predict(grey)) == answered(loaded.predict(grey.convert("RGB")))


def test_several_threads_share_a_loaded_model() -> None:
    loaded = LoadedModel.open(classifier().package)
    images = [photo(160, 120, seed=seed) for seed in range(8)] * 5
    alone = [answered(loaded.predict(image)) for image in images]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda image: answered(loaded.predict(image)), images))
    assert together == alone
    assert len({max(answers.values()) for answers in alone}) == 8


def test_predicting_imports_neither_onnx_nor_opencv() -> None:
    wanted = "import sys, triagelens.inference.model_store, triagelens.inference.baselines"
    check = f"{wanted}; print(sorted({{'onnx', 'cv2', 'scipy', 'boto3', 'torch'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
