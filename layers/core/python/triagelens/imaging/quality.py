"""The quality check of one file: header, bounds, one decode, focus, exposure, working image."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import cv2

from triagelens.domain.errors import UnreadableImageError
from triagelens.domain.quality import ImageLimits, QualityReport, Reason
from triagelens.imaging.decode import decode
from triagelens.imaging.exposure import measure_exposure
from triagelens.imaging.focus import measure_focus
from triagelens.imaging.header import read_header

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["WORKING_JPEG_QUALITY", "Assessment", "ImageLimits", "assess"]

WORKING_JPEG_QUALITY = 92  # 4:2:0, as cameras write; see docs/adr/0012


@dataclass(frozen=True, slots=True)
class Assessment:
    """What became of a file.

    Attributes:
        working_image: JPEG without metadata, or None if there is none to keep.
    """

    report: QualityReport
    working_image: bytes | None


@dataclass(slots=True)
class _Stopwatch:
    timings_ms: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        begin = time.perf_counter()
        try:
            yield
        finally:
            self.timings_ms[name] = round((time.perf_counter() - begin) * 1000, 3)


def assess(
    data: bytes, *, focus_threshold: float, limits: ImageLimits, keep_blurred: bool = False
) -> Assessment:
    """Judges a file and makes its working image. A bad file is an answer, not an exception.

    Args:
        data: the whole file as uploaded.
        focus_threshold: the specialty's least variance of the Laplacian, grey levels squared.
        keep_blurred: make the working image even if the verdict is `rejected` (training uploads),
            as long as the file can be read.
    """
    watch = _Stopwatch()
    try:
        with watch.stage("header"):
            header = read_header(data, limits)
        with watch.stage("decode"):
            pixels = decode(data, header)
    except UnreadableImageError as error:
        return Assessment(_unreadable(error, watch), working_image=None)
    with watch.stage("focus"):
        grey = cast("NDArray[np.uint8]", cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY))
        focus = measure_focus(grey)
    with watch.stage("exposure"):
        exposure = measure_exposure(grey)
    reasons = (*focus.reasons(focus_threshold), *exposure.reasons)
    accepted = all(reason.severity != "reject" for reason in reasons)
    working_image = None
    if accepted or keep_blurred:
        with watch.stage("encode"):
            working_image = _encode(pixels)
    width, height = header.upright_size
    report = QualityReport(
        verdict="accepted" if accepted else "rejected",
        reasons=reasons,
        focus_score=focus.score,
        detail_score=focus.detail,
        focus_threshold=focus_threshold,
        brightness=exposure.brightness,
        shadow_level=exposure.shadow_level,
        highlight_level=exposure.highlight_level,
        clipped_shadows=exposure.clipped_shadows,
        clipped_highlights=exposure.clipped_highlights,
        width=width,
        height=height,
        format=header.format,
        working_width=pixels.shape[1],
        working_height=pixels.shape[0],
        timings_ms=watch.timings_ms,
    )
    return Assessment(report, working_image)


def _unreadable(error: UnreadableImageError, watch: _Stopwatch) -> QualityReport:
    reason = Reason(code=error.code, message=str(error), value=error.value, threshold=error.threshold)
    return QualityReport(verdict="rejected", reasons=(reason,), timings_ms=watch.timings_ms)


def _encode(pixels: "NDArray[np.uint8]") -> bytes:
    done, jpeg = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, WORKING_JPEG_QUALITY])
    if not done:
        raise RuntimeError("OpenCV could not encode the working image")
    return jpeg.tobytes()
