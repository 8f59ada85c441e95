"""The parts of training: settings, batches, the moving average, optimisers, early stopping, architectures."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import save_file

from training_job import weights
from training_job.architectures import KNOWN, input_spec, timm_name
from training_job.average import MovingAverage
from training_job.batches import TrainingBatches, class_weights
from training_job.checkpoints import Checkpoint, FileStore
from training_job.config import Recipe, TrainConfig
from training_job.errors import WeightsError
from training_job.export import export
from training_job.model import Classifier, build
from training_job.settling import SettingsError, merge_settings
from training_job.trainer import Batch, DivergedError, Trainer
from training_job.weights import load_weights
from triagelens.domain.manifest import InputSpec

LABELS = ("normal", "cataract")
SMALL = "test_efficientnet"
SPEC = InputSpec(name="image", height=32, width=32, mean=[0.5] * 3, std=[0.25] * 3)
PIXELS = np.random.default_rng(1).integers(0, 256, (40, 32, 32, 3), dtype=np.uint8)
TARGETS = np.array([0] * 36 + [1] * 4)


def config(**changes: object) -> TrainConfig:
    return TrainConfig.model_validate({"data_dir": "data", "arch": SMALL, "batch_size": 8} | changes)


def source(**changes: object) -> TrainingBatches:
    chosen = config(**changes)
    return TrainingBatches(PIXELS, np.arange(40), TARGETS, SPEC, chosen, torch.device("cpu"))


def trainer(recipe: Recipe, steps: int = 5) -> Trainer:
    return Trainer(build(SMALL, 2, 0.1, recipe.seed), recipe, steps, torch.device("cpu"))


class Same:
    """One batch, again and again."""

    def __init__(self, images: torch.Tensor) -> None:
        self._batch = (images, torch.arange(len(images)) % 2)

    def __len__(self) -> int:
        return 1

    def epoch(self, number: int) -> Iterator[Batch]:
        yield self._batch


NOISE = Same(torch.randn(8, 3, 32, 32, generator=torch.Generator().manual_seed(1)))


def test_flags_go_before_the_file_and_the_file_before_defaults(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text("data_dir: images\nepochs: 7\nlearning_rate: 0.01\noptimizer: AdamW\n")
    merged = merge_settings(file, {"epochs": "9", "class_balancing": "true"}, resume=False)
    assert (merged.epochs, merged.learning_rate, merged.optimizer) == (9, 0.01, "adamw")
    assert merged.class_balancing == "sampling"
    assert merged.batch_size == 32


@pytest.mark.parametrize("text", ["- a\n- b\n", "a: [", "1: 2\n"])
def test_a_file_that_holds_no_settings_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "settings.yaml").write_text(text)
    with pytest.raises(SettingsError, match=r"settings\.yaml"):
        merge_settings(tmp_path / "settings.yaml", {}, resume=False)


@pytest.mark.parametrize("wrong", [{"epoch": 3}, {"optimizer": "adamax"}, {"epochs": 0}, {"version": "A b"}])
def test_an_unknown_setting_or_value_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        config(**wrong)


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_the_known_architectures_have_a_feature_map_that_their_head_weighs(name: str) -> None:
    architecture = timm_name(name.lower().replace("-", ""))
    assert input_spec(architecture, None).height >= 224
    network = build(architecture, 3, 0.0, 1, side=64).eval()
    with torch.inference_mode():
        logits, features = network(torch.zeros(2, 3, 64, 64))
    assert logits.shape == (2, 3)
    assert features.shape[:2] == (2, network.head.in_features)


def test_every_epoch_sees_each_image_once_and_differently() -> None:
    batches = source(rotation=0, shift=0, zoom=0, flip=False)
    seen = [torch.cat([images for images, _ in batches.epoch(number)]) for number in (0, 1)]
    gain, offset = 1 / 255 / 0.25, -0.5 / 0.25
    expected = torch.from_numpy(PIXELS).permute(0, 3, 1, 2) * gain + offset
    for epoch in seen:
        assert sorted(epoch.flatten(1).sum(1).tolist()) == pytest.approx(
            sorted(expected.flatten(1).sum(1).tolist()), abs=0.05
        )
    assert not torch.equal(seen[0], seen[1])


def test_augmentation_changes_images_and_is_the_same_for_the_same_epoch() -> None:
    plain = next(source(rotation=0, shift=0, zoom=0, flip=False).epoch(0))[0]
    once, again = (next(source().epoch(0))[0] for _ in range(2))
    assert torch.equal(once, again)
    assert once.shape == plain.shape
    assert bool(((once - plain).abs().amax(dim=(1, 2, 3)) > 0.5).all())


def test_batches_leave_the_runs_random_numbers_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    list(source().epoch(0))
    assert torch.equal(torch.rand(3), expected)


def test_sampling_makes_a_rare_label_as_likely_as_any_other() -> None:
    balanced = source(class_balancing="sampling")
    drawn = torch.cat([targets for number in range(20) for _, targets in balanced.epoch(number)])
    assert float(drawn.float().mean()) == pytest.approx(0.5, abs=0.06)


def test_weights_in_the_loss_make_labels_count_alike() -> None:
    weight = class_weights(TARGETS)
    assert float(36 * weight[0]) == pytest.approx(float(4 * weight[1]))
    assert float(weight[TARGETS].mean()) == pytest.approx(1.0)


def test_a_last_batch_of_one_image_is_left_out() -> None:
    batches = TrainingBatches(PIXELS, np.arange(9), TARGETS[:9], SPEC, config(), torch.device("cpu"))
    assert [len(targets) for _, targets in batches.epoch(0)] == [8]


@pytest.mark.parametrize("optimizer", ["Adam", "AdamW", "SGD", "RMSprop"])
def test_each_optimiser_brings_the_loss_down(optimizer: str) -> None:
    rate = 0.05 if optimizer == "SGD" else 0.003
    recipe = Recipe.model_validate({"epochs": 25, "optimizer": optimizer, "learning_rate": rate})
    fitted = trainer(recipe, steps=1)
    losses = [fitted.run_epoch(NOISE)["loss"] for _ in range(25)]
    assert min(losses[-5:]) < 0.6 * losses[0]


@pytest.mark.parametrize(("steps", "warm_up"), [(2, 0.0), (2, 0.5), (10, 0.1), (10, 0.5), (40, 0.1)])
def test_the_learning_rate_goes_up_to_its_peak_and_down_to_nothing(steps: int, warm_up: float) -> None:
    fitted = trainer(Recipe(epochs=steps, warm_up=warm_up, learning_rate=0.01), steps=1)
    rates = []
    for _ in range(steps):
        rates.append(fitted.learning_rate)
        fitted.run_epoch(NOISE)
    peak = rates.index(max(rates))
    assert max(rates) <= 0.01
    assert rates[:peak] == sorted(rates[:peak])
    assert rates[peak:] == sorted(rates[peak:], reverse=True)
    assert peak == pytest.approx(warm_up * steps, abs=1)
    assert rates[-1] < 1e-5


def test_the_average_follows_the_weights_slowly() -> None:
    model = build(SMALL, 2, 0.0, 1)
    average = MovingAverage(model, 0.5)
    before = model.head.weight.detach().clone()
    with torch.no_grad():
        model.head.weight += 1
    average.update(model)
    keep = 2 / 11
    torch.testing.assert_close(average.model.head.weight, before + 1 - keep)


def test_training_stops_when_nothing_gets_better_and_keeps_the_best_weights() -> None:
    fitted = trainer(Recipe(epochs=50, patience=3, learning_rate=0.01))
    kept: dict[int, torch.Tensor] = {}
    for score in (0.2, 0.6, 0.5, 0.5, 0.4):
        assert not fitted.finished
        fitted.run_epoch(NOISE)
        fitted.judge({"validation_balanced_accuracy": score}, (score,))
        kept[fitted.epoch] = fitted.network.head.weight.detach().clone()
    assert fitted.finished
    assert fitted.best_epoch == 2
    assert torch.equal(fitted.result().head.weight, kept[2])
    assert not torch.equal(kept[2], kept[5])


def test_a_loss_out_of_bounds_stops_the_run() -> None:
    with pytest.raises(DivergedError, match="lower learning rate"):
        trainer(Recipe(epochs=2)).run_epoch(Same(torch.full((4, 3, 32, 32), torch.nan)))


def test_a_checkpoint_holds_no_code_and_brings_back_everything(tmp_path: Path) -> None:
    recipe = Recipe(epochs=6, seed=3)
    whole, broken, resumed = (trainer(recipe, steps=1) for _ in range(3))
    torch.manual_seed(3)
    for _ in range(6):
        whole.run_epoch(NOISE)
    torch.manual_seed(3)
    for _ in range(4):
        broken.run_epoch(NOISE)
        broken.judge({}, (0.5,))
    Checkpoint(FileStore(tmp_path), "images").save(broken)
    torch.manual_seed(99)
    Checkpoint(FileStore(tmp_path), "images").restore(resumed)
    assert (resumed.epoch, resumed.best_epoch) == (4, 1)
    for _ in range(2):
        resumed.run_epoch(NOISE)
    assert resumed.history == whole.history
    torch.testing.assert_close(resumed.network.state_dict(), whole.network.state_dict(), rtol=0, atol=0)


def test_an_interrupted_write_leaves_the_last_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted = trainer(Recipe(epochs=6), steps=1)
    fitted.run_epoch(NOISE)
    Checkpoint(FileStore(tmp_path), "images").save(fitted)

    def full(_: int) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("os.fsync", full)
    fitted.run_epoch(NOISE)
    with pytest.raises(OSError, match="no space"):
        Checkpoint(FileStore(tmp_path), "images").save(fitted)
    again = trainer(Recipe(epochs=6), steps=1)
    Checkpoint(FileStore(tmp_path), "images").restore(again)
    assert again.epoch == 1
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.pt"]


def whole_network(path: Path, **changes: torch.Tensor) -> Classifier:
    """A file as timm keeps it, classifier included; the network whose backbone it holds."""
    original = build(SMALL, 5, 0.0, 9)
    tensors = {name: tensor.clone() for name, tensor in original.backbone.state_dict().items()}
    classifier = {"classifier.weight": torch.zeros(1000, 4), "classifier.bias": torch.zeros(1000)}
    save_file(tensors | classifier | changes, path)
    return original


def test_pretrained_weights_come_from_a_file_without_its_classifier(tmp_path: Path) -> None:
    original = whole_network(tmp_path / "model.safetensors")
    model = build(SMALL, 2, 0.0, 1)
    load_weights(model, SMALL, str(tmp_path / "model.safetensors"), LABELS)
    torch.testing.assert_close(model.backbone.state_dict(), original.backbone.state_dict(), rtol=0, atol=0)


def test_weights_at_an_s3_address_are_fetched_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = whole_network(tmp_path / "kept.safetensors")
    asked: list[str] = []

    def fetch(address: str, folder: Path) -> Path:
        asked.append(address)
        return (tmp_path / "kept.safetensors").rename(folder / "kept.safetensors")

    monkeypatch.setattr(weights, "fetch_weights", fetch)
    model = build(SMALL, 2, 0.0, 1)
    load_weights(model, SMALL, "s3://bucket/kept.safetensors", LABELS)
    assert asked == ["s3://bucket/kept.safetensors"]
    torch.testing.assert_close(model.backbone.state_dict(), original.backbone.state_dict(), rtol=0, atol=0)


def test_a_head_is_taken_over_only_for_the_same_labels_in_the_same_order(tmp_path: Path) -> None:
    original = build(SMALL, 2, 0.0, 9)
    file = tmp_path / "weights.safetensors"
    file.write_bytes(weights.serialise(original, LABELS))
    same, turned = build(SMALL, 2, 0.0, 1), build(SMALL, 2, 0.0, 1)
    load_weights(same, SMALL, str(file), LABELS)
    load_weights(turned, SMALL, str(file), LABELS[::-1])
    torch.testing.assert_close(same.state_dict(), original.state_dict(), rtol=0, atol=0)
    torch.testing.assert_close(turned.backbone.state_dict(), original.backbone.state_dict(), rtol=0, atol=0)
    assert torch.equal(turned.head.weight, build(SMALL, 2, 0.0, 1).head.weight)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    whole_network(tmp_path / "more.safetensors", **{"surprise.weight": torch.zeros(3)})
    for network in (SMALL, "test_resnet"):
        with pytest.raises(WeightsError, match="another network"):
            load_weights(build(network, 2, 0.0, 1), network, str(tmp_path / "more.safetensors"), LABELS)


def test_a_hub_that_cannot_be_reached_is_named_with_the_way_around(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(repository: str, file: str) -> str:
        assert file.endswith(".safetensors")
        raise OSError(f"no connection to {repository}")

    monkeypatch.setattr(weights, "hf_hub_download", unreachable)
    with pytest.raises(WeightsError, match=r"(?s)no connection to timm/densenet169.*--weights a "):
        load_weights(build(SMALL, 2, 0.0, 1), "densenet169", "timm", LABELS)


def test_a_network_that_people_know_exports_with_the_same_answers() -> None:
    network = build(timm_name("ResNet18"), 2, 0.0, 1, side=32)
    images = np.random.default_rng(1).normal(0, 1, (32, 3, 32, 32)).astype(np.float32)
    assert export(network, SPEC, images).parity <= 1e-4
