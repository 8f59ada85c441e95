"""Evidence grids from the last feature map: Grad-CAM for pooling + linear heads, without gradients.

For logits = W . mean(features) + b the gradient of a label's logit with respect to the feature map is
W / (rows * columns) everywhere, so Grad-CAM (Selvaraju et al., 2017) is relu(W . features) up to a
constant factor, which is CAM (Zhou et al., 2016).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from triagelens.domain.prediction import FeatureGrid, LabelActivation

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Maps are averaged down to the first of these that lets every label's grid in. Usual networks at 224 pixels
# have 7 x 7, EfficientNet-B3 at 288 has 9 x 9: these stay as they are.
SIDES = (10, 8, 7)
MAX_BYTES = 2048
# Braces, keys and the two sides of a FeatureGrid in JSON.
_FRAME_BYTES = 64
# No more labels than this could fit, however small their grids.
_MOST_LABELS = 64


def feature_grid(
    features: "NDArray[np.floating]",
    weights: "NDArray[np.float32]",
    labels: Sequence[str],
    order: Sequence[int],
) -> FeatureGrid:
    """Each label's activations, as many labels as fit into `MAX_BYTES` of JSON.

    The map is kept as it is if it is small enough; else it is averaged down to one of `SIDES`.

    Args:
        features: last feature map of one image, (channels, rows, columns).
        weights: the classifier's weights, (labels, channels).
        order: indices into `labels`, most probable first.
    """
    channels, rows, columns = features.shape
    flat = features.reshape(channels, -1).astype(np.float32, copy=False)
    leading = list(order[:_MOST_LABELS])
    # Not by BLAS: where it has several threads, they keep a core busy well into the next run of the network.
    maps = np.einsum("lc,cp->lp", weights[leading], flat).reshape(-1, rows, columns)
    names = [labels[index] for index in leading]
    for side in SIDES:
        grid = _packed(np.maximum(_shrunk(maps, side), 0.0), names)
        if len(grid.activations) == len(labels):
            break
    return grid


def _packed(maps: "NDArray[np.float32]", labels: Sequence[str]) -> FeatureGrid:
    """As many of the maps (labels, rows, columns) as fit."""
    packed: list[LabelActivation] = []
    room = MAX_BYTES - _FRAME_BYTES
    for label, activations in zip(labels, maps, strict=True):
        entry = LabelActivation.pack(label, activations.ravel().tolist())
        room -= len(entry.model_dump_json().encode()) + 1
        if room < 0:
            break
        packed.append(entry)
    return FeatureGrid(rows=maps.shape[1], columns=maps.shape[2], activations=tuple(packed))


def _shrunk(maps: "NDArray[np.float32]", most: int) -> "NDArray[np.float32]":
    """(labels, rows, columns) averaged down to `most` rows and columns."""
    for axis in (1, 2):
        side = maps.shape[axis]
        if side > most:
            edges = np.arange(most + 1) * side / most
            starts, stops = np.floor(edges[:-1]).astype(int), np.ceil(edges[1:]).astype(int)
            cells = [
                maps.take(range(a, b), axis=axis).mean(axis=axis) for a, b in zip(starts, stops, strict=True)
            ]
            maps = np.stack(cells, axis=axis)
    return maps
