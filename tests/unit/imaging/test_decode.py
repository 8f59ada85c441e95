"""From file to working pixels, compared with Pillow's reading of the same file."""

import struct
import zlib
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageOps

from triagelens.domain.errors import UnreadableImageError
from triagelens.domain.quality import ImageLimits
from triagelens.imaging.decode import decode, reduction
from triagelens.imaging.formats.header import Header
from triagelens.imaging.header import read_header

Encode = Callable[..., bytes]


def working(data: bytes, limits: ImageLimits) -> NDArray[np.uint8]:
    """The working pixels as RGB."""
    return decode(data, read_header(data, limits))[:, :, ::-1]


def difference(left: NDArray[np.uint8], right: Image.Image) -> float:
    """Mean absolute difference, grey levels."""
    reference = np.asarray(right.convert("RGB"), np.float64)
    assert left.shape == reference.shape
    return float(np.abs(left - reference).mean())


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_comes_out_upright(
    kind: str, orientation: int, scene: Image.Image, encode: Encode, limits: ImageLimits
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encode(scene, kind, exif=exif.tobytes(), quality=95)
    tagged = scene.copy()
    tagged.getexif()[0x0112] = orientation
    assert difference(working(data, limits), ImageOps.exif_transpose(tagged)) < 4


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_comes_out_upright_from_a_reduced_decode(
    orientation: int, scene: Image.Image, encode: Encode, limits: ImageLimits
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    large = scene.resize((1920, 1440), Image.Resampling.NEAREST)
    data = encode(large, "JPEG", exif=exif.tobytes(), quality=95)
    tagged = scene.resize((960, 720), Image.Resampling.NEAREST)
    tagged.getexif()[0x0112] = orientation
    assert difference(working(data, limits), ImageOps.exif_transpose(tagged)) < 4


@pytest.mark.parametrize(
    ("side", "scale"),
    [(64, 1), (1919, 1), (1920, 2), (3839, 2), (3840, 4), (4032, 4), (7679, 4), (7680, 8), (20_000, 8)],
)
def test_the_largest_reduction_is_taken_that_leaves_960_pixels(side: int, scale: int) -> None:
    assert reduction(Header(format="jpeg", width=side, height=64)) == scale
    assert reduction(Header(format="jpeg", width=64, height=side)) == scale
    assert reduction(Header(format="png", width=side, height=64)) == 1


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((4032, 3024), (1008, 756)),  # one reduced decode
        ((2560, 1440), (1024, 576)),  # 1280 x 720 averaged down
        ((1500, 1000), (1024, 683)),
        ((1024, 768), (1024, 768)),
        ((640, 480), (640, 480)),  # never enlarged
        ((1921, 1081), (961, 541)),  # odd sides round up
    ],
)
def test_the_working_image_is_at_most_1024_pixels_long(
    size: tuple[int, int], expected: tuple[int, int], scene: Image.Image, encode: Encode, limits: ImageLimits
) -> None:
    pixels = working(encode(scene.resize(size), "JPEG"), limits)
    assert (pixels.shape[1], pixels.shape[0]) == expected


@pytest.mark.parametrize("kind", ["PNG", "BMP", "WEBP"])
def test_other_formats_are_averaged_not_thinned_out(kind: str, encode: Encode, limits: ImageLimits) -> None:
    stripes = np.zeros((1200, 2048, 3), np.uint8)
    stripes[:, ::2] = 255
    pixels = working(encode(Image.fromarray(stripes), kind, lossless=True), limits)
    assert pixels.shape == (600, 1024, 3)
    assert abs(int(pixels.min()) - 128) <= 1
    assert abs(int(pixels.max()) - 128) <= 1


@pytest.mark.parametrize(
    ("mode", "kind", "options"),
    [
        ("L", "JPEG", {"quality": 95}),
        ("CMYK", "JPEG", {"quality": 95}),
        ("RGB", "JPEG", {"quality": 95, "progressive": True, "subsampling": 0}),
        ("L", "PNG", {}),
        ("1", "PNG", {}),
        ("P", "PNG", {}),
        ("RGB", "PNG", {}),
        ("RGB", "WEBP", {"lossless": True}),
        ("RGB", "BMP", {}),
        ("L", "BMP", {}),
        ("P", "BMP", {}),
        ("1", "BMP", {}),
    ],
)
def test_every_kind_of_pixel_looks_as_in_pillow(
    mode: str, kind: str, options: dict[str, Any], scene: Image.Image, encode: Encode, limits: ImageLimits
) -> None:
    image = scene.convert(mode)
    assert difference(working(encode(image, kind, **options), limits), image) < 3


@pytest.mark.parametrize(("mode", "kind"), [("RGBA", "PNG"), ("RGBA", "WEBP"), ("LA", "PNG")])
def test_transparent_pixels_lie_on_white(
    mode: str, kind: str, scene: Image.Image, encode: Encode, limits: ImageLimits
) -> None:
    image = scene.convert(mode)
    alpha = Image.fromarray(np.tile(np.linspace(0, 255, 320).astype(np.uint8), (240, 1)))
    image.putalpha(alpha)
    white = Image.new("RGBA", image.size, "white")
    white.alpha_composite(image.convert("RGBA"))
    pixels = working(encode(image, kind, **({"lossless": True} if kind == "WEBP" else {})), limits)
    assert difference(pixels, white) < 1
    assert (pixels[:, 0] == 255).all()


def test_a_transparent_palette_colour_lies_on_white(encode: Encode, limits: ImageLimits) -> None:
    image = Image.new("P", (80, 70), 1)
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.paste(0, (0, 0, 40, 70))
    pixels = working(encode(image, "PNG", transparency=0), limits)
    assert pixels[0, 0].tolist() == [255, 255, 255]
    assert pixels[0, 79].tolist() == [200, 100, 50]


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_sixteen_bit_samples_keep_their_high_byte(channels: int, limits: ImageLimits) -> None:
    samples = np.random.default_rng(0).integers(0, 65_536, (70, 80, channels)).astype(np.uint16)
    if channels == 4:
        samples[:, :, 3] = 65_535
    done, data = cv2.imencode(".png", samples)
    assert done
    high = (samples[:, :, :3] >> 8).astype(np.uint8)
    pixels = decode(data.tobytes(), read_header(data.tobytes(), limits))
    np.testing.assert_allclose(pixels.astype(int), np.broadcast_to(high, (70, 80, 3)).astype(int), atol=1)


def test_a_file_whose_pixels_are_cut_short_behind_sound_marks_is_corrupt(
    scene: Image.Image, encode: Encode, limits: ImageLimits
) -> None:
    jpeg = encode(scene, "JPEG")
    with_end_mark = jpeg[: len(jpeg) // 2] + b"\xff\xd9"
    with pytest.raises(UnreadableImageError, match="lower part is missing"):
        working(with_end_mark, limits)


def test_a_png_whose_pixels_end_early_is_corrupt(limits: ImageLimits) -> None:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 100, 100, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"\0" * (301 * 60))
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    with pytest.raises(UnreadableImageError) as caught:
        working(data, limits)
    assert caught.value.code == "corrupt"


def test_content_of_another_size_than_the_header_says_is_corrupt(
    scene: Image.Image, encode: Encode, limits: ImageLimits
) -> None:
    data = encode(scene, "PNG")
    header = read_header(data, limits)
    with pytest.raises(UnreadableImageError, match="differ in size"):
        decode(data, Header(format="png", width=header.width + 1, height=header.height))


def test_a_plain_grey_image_is_not_taken_for_a_damaged_one(encode: Encode, limits: ImageLimits) -> None:
    assert working(encode(Image.new("RGB", (100, 100), (128, 128, 128)), "JPEG"), limits).shape == (
        100,
        100,
        3,
    )


@pytest.mark.parametrize(("mode", "clear", "shown"), [("L", 0, 0), ("RGB", (0, 0, 0), 255)])
def test_a_single_transparent_colour_lies_on_white_but_in_grey_it_is_shown_as_it_is(
    mode: str, clear: int | tuple[int, int, int], shown: int, encode: Encode, limits: ImageLimits
) -> None:
    image = Image.new(mode, (80, 70), "grey")
    image.paste(clear, (0, 0, 40, 70))
    pixels = working(encode(image, "PNG", transparency=clear), limits)
    assert pixels[0, 0].tolist() == [shown] * 3
    assert pixels[0, 79].tolist() == [128] * 3


def test_the_decoders_own_bound_is_an_answer_too(limits: ImageLimits) -> None:
    header = Header(format="bmp", width=40_000, height=40_000)
    info = struct.pack("<IIiiHHIIiiII", 54, 40, 40_000, 40_000, 1, 24, 0, 0, 0, 0, 0, 0)
    with pytest.raises(UnreadableImageError, match="does not decode"):
        decode(b"BM" + b"\0" * 8 + info, header)
