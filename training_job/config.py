"""What a training run is told: typed, and kept with its results."""

import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from triagelens.domain.manifest import InputSpec, Slug

RELEASES = {"1.1.1": datetime(2026, 11, 24, tzinfo=UTC)}
"""When each version of the baselines was made: fixed, so that a rebuild gives the same manifest."""

_HALF = [0.5, 0.5, 0.5]


class _Config(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Recipe(_Config):
    """How a network is fitted: one cycle of the learning rate, a cosine up and a cosine down."""

    epochs: int = Field(default=30, ge=1, le=10_000, description="times that every training image is seen")
    batch_size: int = Field(default=32, ge=2, le=4096, description="images per step")
    optimizer: Literal["adam", "adamw", "sgd", "rmsprop"] = Field(default="adam")
    learning_rate: float = Field(default=1e-3, gt=0, description="at its highest, after warming up")
    warm_up: float = Field(default=0.1, ge=0, lt=1, description="share of the steps before that")
    cycle_momentum: bool = Field(default=False, description="momentum low while the rate is high")
    weight_decay: float = Field(default=0.0, ge=0)
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    clip_norm: float | None = Field(default=1.0, gt=0, description="longest gradient")
    ema_decay: float | None = Field(default=0.999, gt=0, lt=1, description="of the weights' moving average")
    patience: int | None = Field(default=10, ge=1, description="epochs without progress before stopping")
    mixed_precision: bool = Field(default=True, description="on a GPU")
    seed: int = Field(default=1, ge=0, le=10_000)

    @field_validator("optimizer", mode="before")
    @classmethod
    def _any_case(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value


class FitConfig(Recipe):
    """A training run, wherever its images come from. What is None is found out and then kept."""

    arch: str = Field(default="DenseNet169", description="a known name, or any of timm's")
    weights: str | None = Field(
        default=None,
        description="to begin with: a .safetensors file, here or at s3://, or 'timm' for those of its hub",
    )
    image_size: int | None = Field(default=None, ge=32, le=1024, description="side of the input, in pixels")
    class_balancing: Literal["none", "sampling", "loss"] = Field(
        default="none", description="how rare classes are made to count as much"
    )
    rotation: float = Field(default=20.0, ge=0, le=180, description="degrees, either way")
    shift: float = Field(default=0.1, ge=0, lt=1, description="of the side, either way")
    zoom: float = Field(default=0.15, ge=0, lt=1, description="either way")
    flip: bool = Field(default=True, description="left to right and upside down, each half of the time")
    dropout: float = Field(default=0.1, ge=0, lt=1)
    specialty: Slug | None = Field(default=None, description="found from the labels unless given")
    name: Slug | None = Field(default=None, description="of the model")
    version: Slug | None = Field(default=None, description="of the model; the time of starting unless given")
    licence: str = Field(default="not stated", min_length=1, max_length=200)
    intended_use: str = Field(
        default="research only, not validated for clinical use", min_length=1, max_length=500
    )
    coverage: float = Field(default=0.9, gt=0, lt=1, description="of the sets of labels that the model names")
    int8: bool = Field(default=True, description="serve an int8 variant if it predicts as well")
    output: Path | None = Field(default=None, description="folder for the model and all that belongs to it")
    cache_dir: Path = Field(default=Path("build/training-cache"), description="working images are kept here")
    device: Literal["auto", "cpu", "cuda"] = "auto"
    threads: int | None = Field(default=None, ge=1, description="of PyTorch and ONNX Runtime on the CPU")
    workers: int = Field(default=0, ge=0, le=64, description="processes that prepare batches besides")

    @field_validator("class_balancing", mode="before")
    @classmethod
    def _yes_means_sampling(cls, value: object) -> object:
        switch: dict[object, str] = {True: "sampling", False: "none", "true": "sampling", "false": "none"}
        return switch.get(value.lower() if isinstance(value, str) else value, value)


class TrainConfig(FitConfig):
    """A training run on a folder of images."""

    data_dir: Path = Field(description="metadata.csv and images, or one folder per class")
    split_key: str = Field(default="triagelens", min_length=1, description="of the hash that splits groups")


class PhantomCounts(_Config):
    """Pictures per class. The three sets never share a seed."""

    train: int = Field(default=120, ge=1)
    validation: int = Field(default=300, ge=1)
    held_out: int = Field(default=40, ge=1)
    phone: int = Field(default=2, ge=0, description="Held-out pictures of 12 megapixels")


class BaselineConfig(_Config):
    """One baseline model: a small network fitted to one specialty's phantoms.

    Attributes:
        backbone: a timm architecture; only its feature stages are used.
        side: height and width of the network's input, in pixels.
        threads: of PyTorch and ONNX Runtime; part of what makes a run repeatable.
        steps: batches seen at least; whole epochs are made of them, however many images there are.
        coverage: of the sets of labels that the model names.
    """

    specialty: str
    version: str = "1.1.1"
    seed: int = Field(default=1, ge=0, le=10_000)
    backbone: str = "mobilenetv4_conv_small_050"
    dropout: float = Field(default=0.1, ge=0, lt=1)
    side: int = Field(default=160, ge=32, le=512)
    threads: int = Field(default=1, ge=1)
    counts: PhantomCounts = PhantomCounts()
    steps: int = Field(default=800, ge=1)
    batch_size: int = Field(default=16, ge=2)
    coverage: float = Field(default=0.95, gt=0, lt=1)

    @property
    def name(self) -> str:
        return f"phantom-{self.specialty}"

    @property
    def input(self) -> InputSpec:
        return InputSpec(
            name="image", height=self.side, width=self.side, resize="stretch", mean=_HALF, std=_HALF
        )

    def recipe(self, images: int) -> Recipe:
        """How the network is fitted to that many training images."""
        return Recipe(
            epochs=math.ceil(self.steps / math.ceil(images / self.batch_size)),
            batch_size=self.batch_size,
            optimizer="adamw",
            learning_rate=3e-3,
            warm_up=0.3,
            cycle_momentum=True,
            weight_decay=0.02,
            label_smoothing=0.05,
            clip_norm=None,
            ema_decay=None,
            patience=None,
            seed=self.seed,
        )


_LONGER = {"brain": 1400}
"""Steps of a specialty whose classes take longer to tell apart."""


def baseline_config(specialty: str, seed: int) -> BaselineConfig:
    """How the committed baseline of a specialty is made."""
    steps = _LONGER.get(specialty, 800)
    return BaselineConfig(specialty=specialty, seed=seed, steps=steps)
