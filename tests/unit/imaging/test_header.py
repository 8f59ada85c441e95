"""What the gate before the decoder lets pass, and in which words it refuses."""

import struct
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from tests.unit.imaging.files import png, refusal
from triagelens.domain.quality import CONTENT_TYPES, ImageLimits
from triagelens.imaging.header import read_header

Encode = Callable[..., bytes]
FORMATS = ["JPEG", "PNG", "WEBP", "BMP"]


@pytest.mark.parametrize("kind", FORMATS)
def test_the_format_and_size_come_from_the_content(
    kind: str, scene: Image.Image, encode: Encode, limits: ImageLimits
) -> None:
    header = read_header(encode(scene, kind), limits)
    assert header.format == kind.lower()
    assert (header.width, header.height) == (320, 240)
    assert CONTENT_TYPES[header.format] == f"image/{kind.lower()}"


@pytest.mark.parametrize(
    ("mode", "kind", "options", "channels", "alpha"),
    [
        ("L", "JPEG", {}, 1, False),
        ("CMYK", "JPEG", {}, 4, False),
        ("RGB", "JPEG", {"progressive": True, "subsampling": 0}, 3, False),
        ("L", "PNG", {}, 1, False),
        ("LA", "PNG", {}, 2, True),
        ("RGBA", "PNG", {}, 4, True),
        ("P", "PNG", {"transparency": 0}, 3, True),
        ("P", "PNG", {}, 3, False),
        ("1", "PNG", {}, 1, False),
        ("I;16", "PNG", {}, 1, False),
        ("RGBA", "WEBP", {"lossless": True}, 3, True),
        ("RGBA", "WEBP", {"quality": 80}, 3, True),
        ("RGB", "WEBP", {"lossless": True}, 3, False),
        ("L", "BMP", {}, 3, False),
        ("1", "BMP", {}, 3, False),
    ],
)
def test_every_kind_of_pixel_is_known(
    mode: str,
    kind: str,
    options: dict[str, Any],
    channels: int,
    alpha: bool,
    scene: Image.Image,
    encode: Encode,
    limits: ImageLimits,
) -> None:
    image = scene.convert("L").convert(mode) if mode == "I;16" else scene.convert(mode)
    if alpha and mode == "RGBA":
        image.putalpha(128)
    header = read_header(encode(image, kind, **options), limits)
    assert (header.channels, header.alpha) == (channels, alpha)
    assert header.progressive == options.get("progressive", False)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_is_read_and_turns_the_size(
    kind: str, orientation: int, scene: Image.Image, encode: Encode, limits: ImageLimits
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    header = read_header(encode(scene, kind, exif=exif.tobytes()), limits)
    assert header.orientation == orientation
    assert header.upright_size == ((320, 240) if orientation <= 4 else (240, 320))


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("share", [0.02, 0.1, 0.5, 0.9, 0.99])
def test_a_file_cut_short_is_refused(
    kind: str, share: float, scene: Image.Image, encode: Encode, limits: ImageLimits
) -> None:
    data = encode(scene, kind)
    assert refusal(data[: max(20, int(len(data) * share))], limits).code == "truncated"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_file_without_its_last_byte_is_refused(
    kind: str, scene: Image.Image, encode: Encode, limits: ImageLimits
) -> None:
    assert refusal(encode(scene, kind)[:-1], limits).code == "truncated"


@pytest.mark.parametrize("kind", FORMATS)
def test_what_follows_the_image_is_ignored(
    kind: str, scene: Image.Image, encode: Encode, limits: ImageLimits
) -> None:
    assert read_header(encode(scene, kind) + b"\0\xffmotion photo" * 50, limits).width == 320


def test_a_thumbnail_inside_the_metadata_does_not_end_the_image(
    scene: Image.Image, encode: Encode, limits: ImageLimits
) -> None:
    data = encode(scene, "JPEG")
    thumbnail = encode(scene.resize((80, 60)), "JPEG")
    segment = b"\xff\xe2" + struct.pack(">H", len(thumbnail) + 2) + thumbnail
    assert read_header(data[:2] + segment + data[2:], limits).width == 320
    assert refusal(data[:2] + segment + data[2:-2], limits).code == "truncated"


@pytest.mark.parametrize(
    ("data", "code", "word"),
    [
        (b"", "empty_file", "empty"),
        (b"hello, this is text", "not_an_image", "not an image"),
        (b"\0" * 1000, "not_an_image", "not an image"),
        (b"GIF89a" + b"\0" * 100, "unsupported_format", "GIF"),
        (b"II*\0" + b"\0" * 100, "unsupported_format", "TIFF"),
        (b"\0\0\0\x18ftypheic" + b"\0" * 100, "unsupported_format", "HEIC"),
        (b"\0\0\0\x18ftypavif" + b"\0" * 100, "unsupported_format", "AVIF"),
        (b"\0" * 128 + b"DICM", "unsupported_format", "DICOM"),
        (b"%PDF-1.7", "unsupported_format", "PDF"),
    ],
)
def test_other_files_are_named_in_words(data: bytes, code: str, word: str, limits: ImageLimits) -> None:
    error = refusal(data, limits)
    assert error.code == code
    assert word in str(error)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_animations_are_refused(kind: str, scene: Image.Image, encode: Encode, limits: ImageLimits) -> None:
    data = encode(scene, kind, save_all=True, append_images=[scene.rotate(90)])
    error = refusal(data, limits)
    assert (error.code, "animated" in str(error)) == ("unsupported_format", True)


@pytest.mark.parametrize(
    ("width", "height", "code", "value"),
    [
        (60_000, 60_000, "too_many_pixels", 3.6e9),
        (10_000, 5_001, "too_many_pixels", 50_010_000),
        (20_001, 2_400, "too_long", 20_001),
        (63, 80, "too_small", 63),
        (1_000, 124, "too_elongated", 1000 / 124),
        (0, 100, "corrupt", None),
    ],
)
def test_bounds_hold_before_anything_is_decoded(
    width: int, height: int, code: str, value: float | None, limits: ImageLimits
) -> None:
    error = refusal(png(width, height), limits)
    assert (error.code, error.value) == (code, value)
    assert value is None or error.threshold is not None


def test_the_largest_allowed_image_passes(limits: ImageLimits) -> None:
    assert read_header(png(10_000, 5_000), limits).height == 5_000


def test_a_jpeg_that_claims_to_be_huge_is_refused(
    scene: Image.Image, encode: Encode, limits: ImageLimits
) -> None:
    data = bytearray(encode(scene, "JPEG"))
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(">HH", 65_000, 65_000)
    assert refusal(bytes(data), limits).code == "too_many_pixels"


def test_formats_that_need_more_memory_have_a_lower_limit(
    scene: Image.Image, encode: Encode, limits: ImageLimits
) -> None:
    tight = limits.model_copy(update={"max_pixels": 320 * 240})
    assert read_header(encode(scene, "PNG"), tight).width == 320
    assert refusal(encode(scene.convert("RGBA"), "PNG"), tight).code == "too_many_pixels"
    cmyk = scene.convert("CMYK")
    assert read_header(encode(cmyk, "JPEG"), tight).width == 320
    assert refusal(encode(cmyk, "JPEG", progressive=True), tight).code == "too_many_pixels"


def test_a_file_of_too_many_bytes_is_refused(scene: Image.Image, encode: Encode, limits: ImageLimits) -> None:
    data = encode(scene, "PNG")
    assert refusal(data, limits.model_copy(update={"max_bytes": len(data) - 1})).code == "too_many_bytes"


def test_a_png_whose_checksum_does_not_fit_is_corrupt(
    scene: Image.Image, encode: Encode, limits: ImageLimits
) -> None:
    data = bytearray(encode(scene, "PNG"))
    data[len(data) // 2] ^= 1
    assert refusal(bytes(data), limits).code == "corrupt"
