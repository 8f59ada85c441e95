"""What a training run is told: typed, and kept with its results."""

from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict, Field

from triagelens.domain.manifest import InputSpec

RELEASES = {"1.0.0": datetime(2026, 11, 23, tzinfo=UTC)}
"""When each version of the baselines was made: fixed, so that a rebuild gives the same manifest."""

_HALF = [0.5, 0.5, 0.5]


class _Config(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PhantomCounts(_Config):
    """Pictures per class. The three sets never share a seed."""

    train: int = Field(default=120, ge=1)
    validation: int = Field(default=30, ge=1)
    held_out: int = Field(default=40, ge=1)
    phone: int = Field(default=2, ge=0, description="Held-out pictures of 12 megapixels")


class Schedule(_Config):
    """How a network is fitted: AdamW with one cycle of the learning rate.

    Attributes:
        steps: batches seen at least; whole epochs are made of them, however many images there are.
    """

    steps: int = Field(default=800, ge=1)
    batch_size: int = Field(default=16, ge=2)
    learning_rate: float = Field(default=3e-3, gt=0)
    weight_decay: float = Field(default=0.02, ge=0)
    label_smoothing: float = Field(default=0.05, ge=0, lt=1)


class BaselineConfig(_Config):
    """One baseline model: a small network fitted to one specialty's phantoms.

    Attributes:
        backbone: a timm architecture; only its feature stages are used.
        side: height and width of the network's input, in pixels.
        threads: of PyTorch and ONNX Runtime; part of what makes a run repeatable.
    """

    specialty: str
    version: str = "1.0.0"
    seed: int = Field(default=1, ge=0, le=10_000)
    backbone: str = "mobilenetv4_conv_small_050"
    dropout: float = Field(default=0.1, ge=0, lt=1)
    side: int = Field(default=160, ge=32, le=512)
    threads: int = Field(default=1, ge=1)
    counts: PhantomCounts = PhantomCounts()
    schedule: Schedule = Schedule()

    @property
    def name(self) -> str:
        return f"phantom-{self.specialty}"

    @property
    def input(self) -> InputSpec:
        return InputSpec(
            name="image", height=self.side, width=self.side, resize="stretch", mean=_HALF, std=_HALF
        )


_LONGER = {"brain": 1400}
"""Steps of a specialty whose classes take longer to tell apart."""


def baseline_config(specialty: str, seed: int) -> BaselineConfig:
    """How the committed baseline of a specialty is made."""
    schedule = Schedule(steps=_LONGER.get(specialty, Schedule().steps))
    return BaselineConfig(specialty=specialty, seed=seed, schedule=schedule)
