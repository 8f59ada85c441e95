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

MAX_SIDE = 8
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

    Args:
        features: last feature map of one image, (channels, rows, columns).
        weights: the classifier's weights, (labels, channels).
        order: indices into `labels`, most probable first.
    """
    channels, rows, columns = features.shape
    flat = features.reshape(channels, -1).astype(np.float32, copy=False)
    leading = list(order[:_MOST_LABELS])
    maps = np.maximum(_shrunk((weights[leading] @ flat).reshape(-1, rows, columns)), 0.0)
    packed: list[LabelActivation] = []
    room = MAX_BYTES - _FRAME_BYTES
    for index, activations in zip(leading, maps, strict=True):
        entry = LabelActivation.pack(labels[index], activations.ravel().tolist())
        room -= len(entry.model_dump_json().encode()) + 1
        if room < 0:
            break
        packed.append(entry)
    return FeatureGrid(rows=maps.shape[1], columns=maps.shape[2], activations=tuple(packed))


def _shrunk(maps: "NDArray[np.float32]") -> "NDArray[np.float32]":
    """(labels, rows, columns) averaged down to at most `MAX_SIDE` rows and columns."""
    for axis in (1, 2):
        side = maps.shape[axis]
        if side > MAX_SIDE:
            edges = np.arange(MAX_SIDE + 1) * side / MAX_SIDE
            starts, stops = np.floor(edges[:-1]).astype(int), np.ceil(edges[1:]).astype(int)
            cells = [
                maps.take(range(a, b), axis=axis).mean(axis=axis) for a, b in zip(starts, stops, strict=True)
            ]
            maps = np.stack(cells, axis=axis)
    return maps
