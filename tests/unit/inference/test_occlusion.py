"""A model without features is explained by hiding parts of the image."""

from dataclasses import dataclass, field
from itertools import chain, repeat
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.onnx_models import classifier
from triagelens.domain.manifest import Manifest
from triagelens.imaging.heatmap import central_share, evidence_map
from triagelens.inference.occlusion import LEAST_FALL, SIDES, TooSlowError, occlusion_grid
from triagelens.inference.session import LoadedModel

GREY = Image.new("RGB", (60, 60), (40, 40, 40))


@dataclass
class LooksInACorner:
    """The first label is as likely as the top left quarter is bright."""

    layout: str = "NCHW"
    batch: int = 1
    runs: int = 0
    manifest: Manifest = field(init=False)

    def __post_init__(self) -> None:
        made = classifier(layout=self.layout, height=30, width=30, resize="stretch", kind="probabilities")
        self.manifest = Manifest.model_validate(made.manifest)

    def run(self, tensor: NDArray[Any]) -> list[NDArray[np.float32]]:
        self.runs += 1
        pixels = tensor[0] if self.layout == "NCHW" else tensor[0].transpose(2, 0, 1)
        bright = float(np.clip(pixels[:, :15, :15].max() / 4, 0.01, 0.9))
        return [np.array([[bright, (1 - bright) / 2, (1 - bright) / 2]], np.float32)]


def photo() -> Image.Image:
    image = GREY.copy()
    image.paste((255, 255, 255), (6, 6, 12, 12))  # the only bright thing
    return image


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
def test_the_cell_that_the_label_hangs_on_is_found(layout: str) -> None:
    model = LooksInACorner(layout)
    grid = occlusion_grid(cast("LoadedModel", model), photo(), "nv", 1000, times(0, 1))
    assert grid.shape == (SIDES[0], SIDES[0])
    assert model.runs == 1 + grid.size
    assert divmod(int(grid.argmax()), SIDES[0]) == (1, 1)  # 6 of 60 pixels, in cells of 6
    assert grid.max() > 0.3
    assert grid[5:, 5:].max() == 0


@dataclass
class HardlyLooks(LooksInACorner):
    """Its scores differ with the picture by so much: as rounding does, or by more."""

    weight: float = 0.0

    def run(self, tensor: NDArray[Any]) -> list[NDArray[np.float32]]:
        seen = float(tensor[0, :, :3, :3].mean())
        return [np.array([[0.5 + self.weight * seen, 0.5 - self.weight * seen, 0.0]], np.float32)]


def evidence_of(weight: float) -> float | None:
    picture = GREY.copy()
    picture.paste((255, 255, 255), (0, 0, 12, 12))
    model = HardlyLooks(weight=weight)
    grid = occlusion_grid(cast("LoadedModel", model), picture, "nv", 1000, times(0, 1))
    return central_share(
        evidence_map(grid.tolist(), model.manifest.input, picture.size), model.manifest.input
    )


def test_rounding_is_no_evidence_and_a_little_more_than_that_is() -> None:
    assert evidence_of(1e-7) is None
    assert evidence_of(1e-5) is None
    assert evidence_of(1e-3) is not None
    assert 1e-5 < LEAST_FALL < 1e-3


def test_a_slow_model_gets_a_coarser_grid_and_too_slow_a_one_none() -> None:
    coarse = occlusion_grid(cast("LoadedModel", LooksInACorner()), photo(), "nv", 22, times(0, 1))
    assert coarse.shape == (4, 4)
    with pytest.raises(TooSlowError, match=r"2\.0 s"):
        occlusion_grid(cast("LoadedModel", LooksInACorner()), photo(), "nv", 22, times(0, 2))


def test_a_model_that_gets_slower_ends_with_the_budget() -> None:
    model = LooksInACorner()
    clock = times(0, 0.01, 2, 4, 6, 11)
    with pytest.raises(TooSlowError, match="not done within 10 s"):
        occlusion_grid(cast("LoadedModel", model), photo(), "nv", 10, clock)
    assert model.runs == 1 + 3 * SIDES[0], "three rows, and no further one after the ten seconds"


def times(*told: float) -> Any:
    """A clock that tells these times, and stands still at the last one."""
    left = chain(told, repeat(told[-1]))
    return lambda: next(left)


def test_a_real_model_is_explained_too() -> None:
    model = LoadedModel.open(classifier(height=16, width=12).package)
    grid = occlusion_grid(model, photo(), "mel", 10)
    assert grid.shape[0] in SIDES
    assert (grid >= 0).all()
    assert (grid <= 1).all()
