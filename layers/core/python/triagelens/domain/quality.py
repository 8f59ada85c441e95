"""What the quality check says about an image, and the bounds that it holds files to."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

ImageFormat = Literal["jpeg", "png", "bmp", "webp"]

CONTENT_TYPES: Mapping[str, str] = MappingProxyType(
    {"jpeg": "image/jpeg", "png": "image/png", "bmp": "image/bmp", "webp": "image/webp"}
)


class ImageLimits(BaseModel):
    """Bounds on an upload, all checked from the header before anything is decoded.

    Attributes:
        max_bytes: size of the file.
        max_pixels: width x height.
        max_side, min_side: pixels, of the longer and of the shorter side.
        max_aspect_ratio: longer side over shorter side.
    """

    model_config = ConfigDict(frozen=True)

    max_bytes: int = Field(default=50_000_000, gt=0)
    max_pixels: int = Field(default=50_000_000, gt=0)
    max_side: int = Field(default=20_000, gt=0)
    min_side: int = Field(default=64, gt=0)
    max_aspect_ratio: float = Field(default=8.0, ge=1)


class Reason(BaseModel):
    """One remark on an image, in words that a photographer can act on.

    Attributes:
        code: stable and machine-readable.
        value, threshold: the measured figure and the bound that it passed, where there are such.
        severity: `reject` decides the verdict, `warn` does not.
    """

    model_config = ConfigDict(frozen=True)

    code: str
    message: str
    value: float | None = None
    threshold: float | None = None
    severity: Literal["reject", "warn"] = "reject"


class QualityReport(BaseModel):
    """The outcome of the quality check; of an unreadable file all measurements are None.

    Attributes:
        focus_score: variance of the Laplacian of the grey working image, grey levels squared.
        detail_score: the same after a light smoothing, on the same scale, so that noise does not count.
        focus_threshold: what both scores of a sharp image of this specialty reach.
        brightness: mean grey level, 0..255.
        shadow_level, highlight_level: grey levels below which 5 % and 95 % of the pixels lie.
        clipped_shadows, clipped_highlights: share (0..1) of pixels without detail: black ones
            (the dark surround of a scan or scope left out) and white ones.
        width, height: of the original when held upright, pixels.
        format: by content, not by name or declared type.
        timings_ms: milliseconds per stage.
    """

    model_config = ConfigDict(frozen=True)

    verdict: Literal["accepted", "rejected"]
    reasons: tuple[Reason, ...] = ()
    focus_score: float | None = None
    detail_score: float | None = None
    focus_threshold: float | None = None
    brightness: float | None = None
    shadow_level: float | None = None
    highlight_level: float | None = None
    clipped_shadows: float | None = None
    clipped_highlights: float | None = None
    width: int | None = None
    height: int | None = None
    format: ImageFormat | None = None
    working_width: int | None = None
    working_height: int | None = None
    timings_ms: dict[str, float] = Field(default_factory=dict)

    @property
    def content_type(self) -> str | None:
        """The media type of what the file really holds."""
        return None if self.format is None else CONTENT_TYPES[self.format]
