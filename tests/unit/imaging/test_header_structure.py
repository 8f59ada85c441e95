"""Files whose parts contradict each other, or that only few programs write."""

import struct
import time
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from tests.unit.imaging.files import VP8, VP8L, canvas, jpeg_frame, png, png_chunk, refusal, webp, webp_chunk
from triagelens.domain.quality import ImageLimits
from triagelens.imaging.header import read_header

Encode = Callable[..., bytes]


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
