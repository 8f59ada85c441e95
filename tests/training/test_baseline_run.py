"""A whole run in small: the same seed gives the same files, and what is exported is what was trained."""

import io
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray

from training_job import phantom_sets
from training_job.baseline import fit, make_baseline
from training_job.config import BaselineConfig, PhantomCounts
from training_job.evaluate import balanced_accuracy, open_session
from training_job.export import ExportedModel, ParityError, check_parity, export
from training_job.model import Classifier, build
from training_job.phantom_batches import augment
from triagelens.domain.manifest import Manifest

TINY = BaselineConfig(
    specialty="eye",
    side=64,
    counts=PhantomCounts(train=8, validation=16, held_out=4, phone=0),
    steps=1,
    batch_size=8,
)
BATCH: NDArray[np.float32] = np.random.default_rng(1).uniform(-1, 1, (32, 3, 64, 64)).astype(np.float32)


def settled(seed: int = 1) -> Classifier:
    """An untrained network whose normalisation has seen images, with a head that is not zero."""
    model = build("mobilenetv4_conv_small_050", 3, 0.1, seed)
    with torch.no_grad():
        for _ in range(20):
            model(torch.from_numpy(BATCH))
    model.eval()
    return model


@pytest.fixture(scope="module")
def network() -> Classifier:
    return settled()


@pytest.fixture(scope="module")
def exported(network: Classifier) -> ExportedModel:
    return export(network, TINY.input, BATCH)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Manifest]:
    folder = tmp_path_factory.mktemp("made")
    return folder / "eye", make_baseline(TINY, folder)


def test_the_same_seed_gives_the_same_files(made: tuple[Path, Manifest], tmp_path: Path) -> None:
    folder, manifest = made
    again = make_baseline(TINY, tmp_path)
    assert again == manifest
    for name in ("model.onnx", "head.npy", "manifest.json"):
        assert (tmp_path / "eye" / name).read_bytes() == (folder / name).read_bytes()


def test_another_seed_gives_another_model(made: tuple[Path, Manifest], tmp_path: Path) -> None:
    assert make_baseline(TINY.model_copy(update={"seed": 2}), tmp_path).sha256 != made[1].sha256


def test_the_written_manifest_is_valid_and_describes_the_run(made: tuple[Path, Manifest]) -> None:
    folder, manifest = made
    assert Manifest.model_validate_json((folder / "manifest.json").read_text()) == manifest
    assert manifest.name == "phantom-eye"
    assert manifest.labels == ["normal", "cataract"]
    assert manifest.intended_use == "demonstration only"
    assert manifest.training is not None
    assert manifest.training.metrics["held_out_images"] == 8
    assert manifest.training.metrics["parity_max_abs_diff"] <= 1e-4


def test_the_exported_model_takes_any_batch_and_answers_as_the_network_does(
    network: Classifier, exported: ExportedModel
) -> None:
    session = open_session(exported.onnx, threads=1)
    for count in (1, 5, 32):
        logits, features = session.run(["logits", "features"], {"image": BATCH[:count]})
        with torch.inference_mode():
            expected = network(torch.from_numpy(BATCH[:count]))
        np.testing.assert_allclose(logits, expected[0].numpy(), atol=1e-4)
        np.testing.assert_allclose(features, expected[1].numpy(), atol=1e-3)


def test_pooled_features_times_the_head_are_the_logits(network: Classifier, exported: ExportedModel) -> None:
    session = open_session(exported.onnx, threads=1)
    logits, features = session.run(["logits", "features"], {"image": BATCH})
    head = np.load(io.BytesIO(exported.head))
    assert head.dtype == np.dtype("<f4")
    pooled = features.mean(axis=(2, 3)) @ head.T + network.head.bias.detach().numpy()
    np.testing.assert_allclose(pooled, logits, atol=1e-4)


def test_an_export_that_answers_differently_is_refused(exported: ExportedModel) -> None:
    with pytest.raises(ParityError) as caught:
        check_parity(settled(seed=2), exported.onnx, BATCH)
    assert caught.value.difference > 1e-4


def test_parity_on_too_few_images_is_refused(network: Classifier) -> None:
    with pytest.raises(ValueError, match="at least 32"):
        export(network, TINY.input, BATCH[:31])


def test_the_exported_file_names_no_place_on_the_machine_that_made_it(exported: ExportedModel) -> None:
    for trace in (b"site-packages", b"/home/", b"/root/", b".venv", b"training_job"):
        assert trace not in exported.onnx
    assert {entry.domain for entry in onnx.load_from_string(exported.onnx).opset_import} <= {"", "ai.onnx"}


def test_the_sets_of_a_run_have_no_phantom_in_common() -> None:
    roles: tuple[phantom_sets.Role, ...] = ("train", "validation", "held_out", "phone")
    sets = [set(phantom_sets.phantoms("oral", role, 50, seed)) for seed in (1, 2) for role in roles]
    assert sum(map(len, sets)) == len(set.union(*sets)) == 8 * 100


def test_augmentation_keeps_shape_and_range_and_changes_every_image() -> None:
    batch = torch.from_numpy(BATCH)
    changed = augment(batch, torch.Generator().manual_seed(1))
    assert changed.shape == batch.shape
    assert float(changed.abs().max()) <= 1
    assert bool(((changed - batch).abs().amax(dim=(1, 2, 3)) > 0.1).all())


def test_a_few_steps_of_training_learn_the_pupil() -> None:
    """The classes can be learnt: a short run is far better than chance on pictures it has not seen."""
    config = TINY.model_copy(update={"side": 96, "steps": 150, "batch_size": 16})
    train = phantom_sets.load(phantom_sets.phantoms("eye", "train", 60, 3), config.input)
    unseen = phantom_sets.load(phantom_sets.phantoms("eye", "validation", 20, 3), config.input)
    model = fit(config, train, 2)
    with torch.inference_mode():
        predicted = model(torch.from_numpy(unseen.inputs))[0].numpy().argmax(axis=1)
    assert balanced_accuracy(predicted, unseen.targets, 2) > 0.8
