"""What a person may say about a training, and what it will probably cost.

The container takes these as the `config` of a job of kind `train`.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

PRODUCTION = "production"
PRETRAINED = "timm"
USUAL_SIDE = 224

# Images per second that a network is assumed to be trained on at 224 x 224, in mixed precision, on the
# slowest GPU of the compute environment (T4). Careful guesses, to be replaced by what jobs report.
IMAGES_PER_SECOND: Mapping[str, float] = MappingProxyType(
    {
        "DenseNet169": 150,
        "ResNet18": 600,
        "ResNet50": 220,
        "MobileNetV2": 350,
        "EfficientNet-B0": 250,
        "EfficientNet-B3": 110,
    }
)
OF_ANY_OTHER = 80.0


class TrainingSettings(BaseModel):
    """Settings of one training; None leaves it to the container.

    Attributes:
        architecture: one of the known names, or timm's name of any other.
        learning_rate: at its highest, after warming up.
        class_balancing: how rare classes are made to count as much.
        image_size: side of the input in pixels.
        base_model: where the weights begin: `production`, a registered version, or `timm` (its hub).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    architecture: str = "DenseNet169"
    epochs: int = Field(default=30, ge=1, le=1000)
    batch_size: int = Field(default=32, ge=2, le=4096)
    optimizer: Literal["adam", "adamw", "sgd", "rmsprop"] = "adam"
    learning_rate: float = Field(default=1e-3, gt=0, le=10)
    class_balancing: Literal["none", "sampling", "loss"] = "none"
    image_size: int | None = Field(default=None, ge=32, le=1024)
    seed: int = Field(default=1, ge=0, le=10_000)
    base_model: str | None = None


class Prices(BaseModel):
    """What a machine of the training queue costs.

    Attributes:
        usd_per_hour: of the dearest machine that the queue may fall back to, on demand.
        start_up_s: until the container runs: the machine boots and fetches the image.
        overhead: seconds paid for each second of pure training: first decoding, evaluation, checkpoints.
    """

    model_config = ConfigDict(frozen=True)

    usd_per_hour: float = Field(ge=0)
    start_up_s: float = Field(ge=0)
    overhead: float = Field(ge=1)


def known_architecture(name: str) -> str:
    """The known name however it is spelled (`efficientnet_b0`), any other as it is."""
    by_spelling = {_plain(known): known for known in IMAGES_PER_SECOND}
    return by_spelling.get(_plain(name), name)


def _plain(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "")


def training_hours(settings: TrainingSettings, images: int, prices: Prices) -> float:
    """Hours that a machine is paid for: it starts, and sees every image once in each epoch."""
    speed = IMAGES_PER_SECOND.get(known_architecture(settings.architecture), OF_ANY_OTHER)
    pixels = ((settings.image_size or USUAL_SIDE) / USUAL_SIDE) ** 2
    trained_s = settings.epochs * images * pixels / speed
    return (prices.start_up_s + trained_s * prices.overhead) / 3600


def estimated_cost_usd(settings: TrainingSettings, images: int, prices: Prices) -> float:
    """US dollars, to the cent: `usd_per_hour * training_hours`. Careful: early stopping is not counted on."""
    return round(prices.usd_per_hour * training_hours(settings, images, prices), 2)
