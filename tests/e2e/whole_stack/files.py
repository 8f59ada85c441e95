"""Files that people send: good ones, and those that lie."""

import io
import struct
import zipfile
import zlib

from PIL import ExifTags, Image

from tests.photos import photo

ROTATED = 6
CAMERA = "Canary Camera 3000"


def sharp(seed: int = 1) -> bytes:
    """A small sharp JPEG; another one for each seed."""
    return photo(width=320, height=240, seed=seed)


def blurred() -> bytes:
    return photo(width=1600, height=1200, blur=12)


def told_by_the_camera(seed: int = 1) -> bytes:
    """A sharp photo that lies on its side, with a place and a camera in its metadata."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = ROTATED
    exif[ExifTags.Base.Model] = CAMERA
    exif.get_ifd(ExifTags.IFD.GPSInfo).update(
        {
            ExifTags.GPS.GPSLatitudeRef: "N",
            ExifTags.GPS.GPSLatitude: (47.0, 22.0, 8.0),
            ExifTags.GPS.GPSLongitudeRef: "E",
            ExifTags.GPS.GPSLongitude: (8.0, 32.0, 30.0),
        }
    )
    return _saved(Image.open(io.BytesIO(sharp(seed))), "JPEG", quality=95, exif=exif)


def png(seed: int = 1) -> bytes:
    return _saved(Image.open(io.BytesIO(sharp(seed))), "PNG")


def gif(seed: int = 1) -> bytes:
    return _saved(Image.open(io.BytesIO(sharp(seed))), "GIF")


def two_classes(seed: int = 1) -> bytes:
    """A zip of three photos of each of two labels of the skin, a folder for each."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as packed:
        for number in range(6):
            folder = ("melanoma", "nevus")[number % 2]
            entry = zipfile.ZipInfo(f"{folder}/{number}.jpg")  # without the time: the same bytes each time
            packed.writestr(entry, sharp(seed * 10 + number))
    return stream.getvalue()


def metadata() -> bytes:
    """A metadata.csv that names two photos."""
    return b"image_id,image_path,label\none,sharp401.jpg,mel\ntwo,sharp402.jpg,nv\n"


def letter() -> bytes:
    return b"This is a letter and not a photo."


def large() -> bytes:
    """More than one request takes, and less than a presigned upload does."""
    return sharp() + bytes(4_600_000)


def truncated() -> bytes:
    whole = sharp()
    return whole[: len(whole) // 2]


def header_bomb() -> bytes:
    """A PNG of a few bytes that says it has 3.6 gigapixels."""
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0" * 1000)
    chunks = [(b"IHDR", header), (b"IDAT", pixels), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, body) for kind, body in chunks)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()
