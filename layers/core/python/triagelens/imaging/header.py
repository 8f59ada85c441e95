"""From bytes to a header within bounds: the gate that every file passes before it is decoded."""

from collections.abc import Callable

from triagelens.domain.errors import UnreadableImageError
from triagelens.domain.quality import ImageLimits
from triagelens.imaging.formats.bmp import read_bmp
from triagelens.imaging.formats.header import Header, corrupt, unsupported
from triagelens.imaging.formats.jpeg import read_jpeg
from triagelens.imaging.formats.png import read_png
from triagelens.imaging.formats.webp import read_webp

_READERS: tuple[tuple[int, bytes, Callable[[bytes], Header]], ...] = (
    (0, b"\xff\xd8\xff", read_jpeg),
    (0, b"\x89PNG\r\n\x1a\n", read_png),
    (8, b"WEBP", read_webp),
    (0, b"BM", read_bmp),
)
# What people send by mistake, named so that they know what to change: (offset, signature, name).
_FOREIGN = (
    (0, b"GIF8", "A GIF image"),
    (0, b"II*\0", "A TIFF or camera raw file"),
    (0, b"MM\0*", "A TIFF or camera raw file"),
    (4, b"ftypavi", "An AVIF image"),
    (4, b"ftyphei", "An HEIC photo"),
    (4, b"ftyphev", "An HEIC photo"),
    (4, b"ftypmif1", "An HEIC photo"),
    (4, b"ftypmsf1", "An HEIC photo"),
    (4, b"ftyp", "A video"),
    (0, b"\0\0\0\x0cjP  ", "A JPEG 2000 image"),
    (0, b"\xff\x4f\xff\x51", "A JPEG 2000 image"),
    (0, b"\xff\x0a", "A JPEG XL image"),
    (0, b"\0\0\0\x0cJXL ", "A JPEG XL image"),
    (128, b"DICM", "A DICOM file"),
    (0, b"%PDF", "A PDF document"),
    (0, b"8BPS", "A Photoshop file"),
    (0, b"\x89HDF", "An HDF file"),
)


def read_header(data: bytes, limits: ImageLimits) -> Header:
    """The header of an image that is whole and within `limits`; no pixel is decoded.

    Raises:
        UnreadableImageError: `empty_file`, `too_many_bytes`, `not_an_image`, `unsupported_format`,
            `truncated`, `corrupt`, `too_small`, `too_long`, `too_many_pixels`, `too_elongated`.
    """
    if not data:
        raise UnreadableImageError("empty_file", "The file is empty. Send it again.")
    if len(data) > limits.max_bytes:
        raise UnreadableImageError(
            "too_many_bytes",
            f"The file is larger than {limits.max_bytes / 1e6:.0f} MB. Save it with less quality or size.",
            value=len(data),
            threshold=limits.max_bytes,
        )
    header = _reader(data)(data)
    _check_bounds(header, limits)
    return header


def _reader(data: bytes) -> Callable[[bytes], Header]:
    for offset, signature, reader in _READERS:
        if data.startswith(signature, offset):
            return reader
    for offset, signature, name in _FOREIGN:
        if data.startswith(signature, offset):
            raise unsupported(name)
    raise UnreadableImageError("not_an_image", "The file is not an image. Send a photo or a scan.")


def _check_bounds(header: Header, limits: ImageLimits) -> None:
    short, long = sorted((header.width, header.height))
    if short == 0:
        raise corrupt("it says that it has no size")
    allowed = limits.max_pixels * _share_of_pixels(header)
    if short * long > allowed:
        raise UnreadableImageError(
            "too_many_pixels",
            f"The image has more than {allowed / 1e6:.0f} megapixels. Send a smaller one.",
            value=short * long,
            threshold=allowed,
        )
    if long > limits.max_side:
        raise UnreadableImageError(
            "too_long",
            f"The image is longer than {limits.max_side} pixels. Send a smaller one.",
            value=long,
            threshold=limits.max_side,
        )
    if short < limits.min_side:
        raise UnreadableImageError(
            "too_small",
            f"The image is less than {limits.min_side} pixels wide or high. Send the original photo.",
            value=short,
            threshold=limits.min_side,
        )
    if long > short * limits.max_aspect_ratio:
        raise UnreadableImageError(
            "too_elongated",
            "The image is a narrow strip. Send the whole photo.",
            value=long / short,
            threshold=limits.max_aspect_ratio,
        )


def _share_of_pixels(header: Header) -> float:
    """How much of the limit on pixels holds for a format that needs more memory per pixel.

    The limit is set for three bytes, or three 16-bit coefficients, per pixel while decoding.
    """
    if header.progressive:
        return min(1.0, 3 / header.channels)
    return 4 / header.bits if header.alpha else 1.0
