"""What the gate before the decoder lets pass, and in which words it refuses."""

import struct
import time
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from triagelens.domain.errors import UnreadableImageError
from triagelens.domain.quality import CONTENT_TYPES, ImageLimits
from triagelens.imaging.header import read_header

Encode = Callable[..., bytes]
FORMATS = ["JPEG", "PNG", "WEBP", "BMP"]


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, *extra: bytes) -> bytes:
    """A sound-looking PNG of any size with next to no pixels in it."""
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    pixels = png_chunk(b"IDAT", zlib.compress(b"\0" * 100))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(extra) + pixels + png_chunk(b"IEND", b"")


def webp(*chunks: bytes) -> bytes:
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def webp_chunk(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


VP8 = webp_chunk(b"VP8 ", b"\x10\0\0\x9d\x01\x2a" + struct.pack("<HH", 100, 90) + b"\0" * 8)
VP8L = webp_chunk(b"VP8L", b"\x2f" + (99 | 89 << 14).to_bytes(4, "little") + b"\0" * 8)


def canvas(width: int, height: int) -> bytes:
    return webp_chunk(
        b"VP8X", b"\0\0\0\0" + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    )


def jpeg_frame(kind: int = 0xC0, bits: int = 8, channels: int = 3) -> bytes:
    body = struct.pack(">BHHB", bits, 90, 100, channels) + b"\1\x11\0" * channels
    return b"\xff" + bytes([kind]) + struct.pack(">H", len(body) + 2) + body


def refusal(data: bytes, limits: ImageLimits) -> UnreadableImageError:
    with pytest.raises(UnreadableImageError) as caught:
        read_header(data, limits)
    return caught.value


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


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xd8\xff\xd9",
        b"\xff\xd8\xff\xe0\0\0\xff\xd9",
        b"\xff\xd8\xff\xd8\xff\xd9",
        b"\xff\xd8" + b"\xff\xfe\0\2" * 5000 + b"\xff\xd9",
        b"\xff\xd8\xff\xda\0\2\xff\xd9",
        b"\xff\xd8\xff\xc0\0\3\0\xff\xd9",
        png(100, 100, png_chunk(b"IHDR", b"\0" * 13)),
        png(100, 100).replace(b"IDAT", b"tEXt"),
        b"\xff\xd8" + jpeg_frame() * 2 + b"\xff\xd9",
        png(100, 100, b"\0\0\0\0\1\2\3\4\0\0\0\0"),
        png(100, 100).replace(b"IHDR", b"IDAT", 1),
        webp(b"ABCD\0\0\0\0"),
        webp(VP8, VP8L),
        webp(canvas(101, 90), VP8),
        webp(webp_chunk(b"VP8X", b"\0\0"), VP8),
        webp(VP8.replace(b"\x9d\x01", b"\0\0")),
        webp(VP8L.replace(b"\x2f", b"\0")),
        webp(*[b"ABCD\0\0\0\0"] * 2000),
        b"BM" + b"\0" * 8 + struct.pack("<IIiiHHI", 54, 40, 100, 100, 2, 24, 0) + b"\0" * 40_000,
    ],
)
def test_structures_that_contradict_themselves_are_corrupt(data: bytes, limits: ImageLimits) -> None:
    assert refusal(data, limits).code == "corrupt"


def test_a_jpeg_of_endless_scans_is_refused(scene: Image.Image, encode: Encode, limits: ImageLimits) -> None:
    data = encode(scene, "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    assert refusal(data[:-2] + data[last:-2] * 100 + b"\xff\xd9", limits).code == "corrupt"


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_is_upright(
    value: int, scene: Image.Image, encode: Encode, limits: ImageLimits
) -> None:
    exif = Image.Exif()
    exif[0x0112] = value
    assert read_header(encode(scene, "JPEG", exif=exif.tobytes()), limits).orientation == 1


@pytest.mark.parametrize(
    "block", [b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0MM\0*\0\0\0\x08\xff\xff"]
)
def test_broken_exif_is_no_reason_to_refuse(
    block: bytes, scene: Image.Image, encode: Encode, limits: ImageLimits
) -> None:
    data = encode(scene, "JPEG")
    segment = b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block
    assert read_header(data[:2] + segment + data[2:], limits).orientation == 1


def test_a_png_that_unpacks_to_more_than_it_says_is_refused_in_time(limits: ImageLimits) -> None:
    packer = zlib.compressobj(1)
    zeros = bytes(1_000_000)
    body = b"".join(packer.compress(zeros) for _ in range(300)) + packer.flush()
    assert len(body) > 1_000_000, "only large files are unpacked"
    header = struct.pack(">IIBBBBB", 200, 200, 8, 2, 0, 0, 0)
    data = (
        b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", body) + png_chunk(b"IEND", b"")
    )
    begin = time.process_time()
    assert "more pixels" in str(refusal(data, limits))
    assert time.process_time() - begin < 0.5


def test_a_large_honest_png_passes(limits: ImageLimits, encode: Encode) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (600, 700, 3), dtype=np.uint8)
    data = encode(Image.fromarray(noise), "PNG", compress_level=1)
    assert len(data) > 1_000_000
    assert read_header(data, limits).width == 700


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"\xff\xd8" + jpeg_frame(kind=0xC3) + b"\xff\xd9", "lossless"),
        (b"\xff\xd8" + jpeg_frame(kind=0xC9) + b"\xff\xd9", "arithmetic"),
        (b"\xff\xd8" + jpeg_frame(kind=0xC1, bits=12) + b"\xff\xd9", "12-bit"),
        (b"\xff\xd8" + jpeg_frame(channels=2) + b"\xff\xd9", "2 colour components"),
        (b"BM" + b"\0" * 8 + struct.pack("<IIiiHHI", 54, 40, 100, 100, 1, 8, 1) + b"\0" * 99, "compressed"),
        (b"BM" + b"\0" * 8 + struct.pack("<IIHHHH", 26, 12, 100, 100, 1, 24) + b"\0" * 99, "BMP"),
    ],
    ids=["lossless", "arithmetic", "12 bits", "two components", "run lengths", "OS/2"],
)
def test_rare_kinds_of_known_formats_are_named(data: bytes, word: str, limits: ImageLimits) -> None:
    error = refusal(data, limits)
    assert error.code == "unsupported_format"
    assert word in str(error)


@pytest.mark.parametrize("chunks", [(VP8,), (VP8L,), (canvas(100, 90), VP8), (canvas(100, 90), VP8L)])
def test_both_codings_of_webp_are_read_with_and_without_canvas(
    chunks: tuple[bytes, ...], limits: ImageLimits
) -> None:
    header = read_header(webp(*chunks), limits)
    assert (header.width, header.height) == (100, 90)


def test_markers_without_content_are_passed_over(
    scene: Image.Image, encode: Encode, limits: ImageLimits
) -> None:
    data = encode(scene, "JPEG")
    assert read_header(data[:2] + b"\xff\xff\xff\x01" + data[2:], limits).width == 320


@pytest.mark.parametrize(
    ("pixels", "word"),
    [
        ([b"\xff" * 1_100_000], "do not unpack"),
        ([zlib.compress(b"\0" * 100), b"\xff" * 1_100_000], None),  # nobody unpacks what follows the end
    ],
)
def test_large_pixel_data_is_unpacked_up_to_its_end(
    pixels: list[bytes], word: str | None, limits: ImageLimits
) -> None:
    data = png(100, 100, *(png_chunk(b"IDAT", body) for body in pixels))
    if word is None:
        assert read_header(data, limits).width == 100
    else:
        assert word in str(refusal(data, limits))


def test_a_png_of_endless_chunks_is_refused(limits: ImageLimits) -> None:
    assert refusal(png(100, 100, png_chunk(b"tEXt", b"") * 70_000), limits).code == "corrupt"
