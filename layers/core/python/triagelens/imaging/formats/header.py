"""What every format's header says, and the errors that readers share."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from triagelens.domain.errors import UnreadableImageError

if TYPE_CHECKING:
    from triagelens.domain.quality import ImageFormat


@dataclass(frozen=True, slots=True)
class Header:
    """An image before it is decoded.

    Attributes:
        width, height: pixels as stored, before `orientation` is applied.
        channels: samples per pixel in the file, alpha included (a palette counts as 3).
        bits: per sample.
        orientation: EXIF orientation 1..8; 1 is upright.
        alpha: whether pixels may be transparent.
        progressive: a JPEG whose coefficients must all be held while it is decoded.
    """

    format: "ImageFormat"
    width: int
    height: int
    channels: int = 3
    bits: int = 8
    orientation: int = 1
    alpha: bool = False
    progressive: bool = False

    @property
    def upright_size(self) -> tuple[int, int]:
        """(width, height) as a person sees the image."""
        return (self.height, self.width) if self.orientation >= 5 else (self.width, self.height)


def truncated() -> UnreadableImageError:
    """The file ends before the image does."""
    return UnreadableImageError("truncated", "The file ends before the image is complete. Send it again.")


def corrupt(what: str) -> UnreadableImageError:
    """The file contradicts itself or its format."""
    return UnreadableImageError("corrupt", f"The file is damaged ({what}). Send the original photo again.")


def unsupported(what: str) -> UnreadableImageError:
    """A file that is sound, but that the platform does not read."""
    return UnreadableImageError(
        "unsupported_format", f"{what} cannot be read here. Send a JPEG, PNG, BMP or WebP image."
    )
