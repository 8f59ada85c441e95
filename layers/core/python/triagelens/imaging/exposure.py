"""Is the image well exposed? Percentiles and clipping of the grey working image.

The rules hold for photos and for scans alike. Darkness is judged by the bright end of the histogram
(a brain slice on a large black ground has bright tissue, an underexposed photo has nothing bright) and
overexposure by its dark end. Black that touches the border is surround, not lost shadow.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from triagelens.domain.quality import Reason

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Bounds in grey levels (0..255) and shares (0..1): warn, reject. The table in docs/quality.md explains them.
DARK = (70.0, 40.0)
BRIGHT = (190.0, 220.0)
CLIPPED_HIGHLIGHTS = (0.10, 0.80)
CLIPPED_SHADOWS = 0.25

_BLACK, _WHITE = 4, 251  # from here on there is no detail
_SAMPLES = 256  # longest side of the sample that is measured


@dataclass(frozen=True, slots=True)
class Exposure:
    """Grey levels (0..255) and shares (0..1), as `QualityReport` describes them."""

    brightness: float
    shadow_level: float
    highlight_level: float
    clipped_shadows: float
    clipped_highlights: float

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """What is wrong with the exposure, the gravest first."""
        found = (
            _remark(
                "too_dark",
                "The image is too dark. Take it again with more light.",
                self.highlight_level,
                DARK,
                low=True,
            ),
            _remark(
                "too_bright",
                "The image is too bright. Take it again with less light or without flash.",
                self.shadow_level,
                BRIGHT,
            ),
            _remark(
                "clipped_highlights",
                "Parts of the image are plain white. Avoid reflections, flash and direct light.",
                self.clipped_highlights,
                CLIPPED_HIGHLIGHTS,
            ),
            _remark(
                "clipped_shadows",
                "Parts of the image are plain black. Light the subject evenly.",
                self.clipped_shadows,
                (CLIPPED_SHADOWS, None),
            ),
        )
        return tuple(
            sorted((remark for remark in found if remark), key=lambda remark: remark.severity == "warn")
        )


def measure_exposure(grey: "NDArray[np.uint8]") -> Exposure:
    """Exposure of a grey working image (rows, columns), on a sample of its pixels."""
    step = max(1, max(grey.shape) // _SAMPLES)
    sample = np.ascontiguousarray(grey[::step, ::step])
    share = np.bincount(sample.ravel(), minlength=256) / sample.size
    at_most = np.cumsum(share)  # share of the pixels up to each grey level
    return Exposure(
        brightness=float(share @ np.arange(256)),
        shadow_level=float(np.searchsorted(at_most, 0.05)),
        highlight_level=float(np.searchsorted(at_most, 0.95)),
        clipped_shadows=_clipped_shadows(sample),
        clipped_highlights=float(share[_WHITE:].sum()),
    )


def _clipped_shadows(sample: "NDArray[np.uint8]") -> float:
    """Share of black pixels among those that do not belong to a black surround."""
    black = (sample <= _BLACK).view(np.uint8)
    count, regions = cv2.connectedComponents(black)  # region 0 is what is not black
    at_border = np.zeros(count, np.bool_)
    for line in (regions[0], regions[-1], regions[:, 0], regions[:, -1]):
        at_border[line] = True
    at_border[0] = False
    inside = ~at_border[regions]
    return float(black[inside].mean()) if inside.any() else 0.0


def _remark(
    code: str, message: str, value: float, bounds: tuple[float, float | None], *, low: bool = False
) -> Reason | None:
    """The remark that `value` earns by passing a bound (warn, reject), downwards if `low`."""
    sign = -1 if low else 1
    warn, reject = bounds
    if reject is not None and sign * value > sign * reject:
        return Reason(code=code, message=message, value=value, threshold=reject, severity="reject")
    if sign * value > sign * warn:
        return Reason(code=code, message=message, value=value, threshold=warn, severity="warn")
    return None
