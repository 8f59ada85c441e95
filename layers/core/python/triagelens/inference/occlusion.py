"""Evidence of a model that shows no feature map: what happens to a label's probability when a part is hidden.

Occlusion sensitivity (Zeiler and Fergus, 2014): each cell of a grid over what the model sees is painted
with the image's mean colour in turn; the cell's evidence is by how much the probability falls.
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from triagelens.domain.errors import ModelError
from triagelens.imaging.preprocess import preprocess
from triagelens.inference.reading import probabilities, scores

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL import Image

    from triagelens.inference.session import LoadedModel

SIDES = (10, 8, 7, 6, 5, 4, 3)
"""Cells along each side of the grid; the finest that the time allows is taken."""

LEAST_FALL = 1024 * float(np.finfo(np.float32).eps)
"""About 0.0001. A float32 probability near 1 is known to 2^-23 at best, and the sums of a network round some
thousand times before: a smaller fall may be rounding, and the picture's scale would make evidence of it."""

_PLANNED = 0.8  # of the budget: what comes between the runs, and runs that take longer than the first one


class TooSlowError(ModelError):
    """The model takes too long for even the coarsest grid, or for the one that its first run promised."""

    code = "explanation_too_slow"


def occlusion_grid(
    model: "LoadedModel",
    image: "Image.Image",
    label: str,
    budget_s: float,
    clock: Callable[[], float] = time.perf_counter,
) -> "NDArray[np.float32]":
    """How much of a label's probability hangs on each cell.

    Args:
        image: the working image.
        label: one of the model's labels.
        budget_s: seconds that all of it may take; the grid is as fine as the first run promises.

    Returns:
        (side, side) falls of probability, 0 to 1; 0 where hiding the cell helps the label, or makes less than
        `LEAST_FALL` of a difference.

    Raises:
        TooSlowError: not even the coarsest grid fits into the budget, or the budget is spent.
        ModelError: the model failed on this input.
    """
    tensor = preprocess(image, model.manifest.input)
    index = model.manifest.labels.index(label)
    begun = clock()
    whole = _probability(model, tensor, index)
    one_run = clock() - begun
    side = next((side for side in SIDES if (side * side + 1) * one_run <= _PLANNED * budget_s), None)
    if side is None:
        raise TooSlowError(f"One run takes {one_run:.1f} s: too long for an explanation by occlusion.")
    axes = (2, 3) if model.manifest.input.layout == "NCHW" else (1, 2)
    mean = tensor.mean(axis=axes, keepdims=True).astype(tensor.dtype)
    grid = np.empty((side, side), np.float32)
    rows, columns = (np.linspace(0, tensor.shape[axis], side + 1).round().astype(int) for axis in axes)
    for row in range(side):
        if clock() - begun > budget_s:
            raise TooSlowError(f"An explanation by occlusion was not done within {budget_s:.0f} s.")
        for column in range(side):
            hidden = tensor.copy()
            cell: list[slice] = [slice(None)] * 4
            cell[axes[0]] = slice(rows[row], rows[row + 1])
            cell[axes[1]] = slice(columns[column], columns[column + 1])
            hidden[tuple(cell)] = mean
            grid[row, column] = whole - _probability(model, hidden, index)
    return np.where(grid >= LEAST_FALL, grid, np.float32(0))


def _probability(model: "LoadedModel", tensor: "NDArray[Any]", index: int) -> float:
    outputs = model.run(tensor)
    likely = probabilities(scores(outputs[0], model.manifest, model.batch), model.manifest)
    return float(likely[index])
