"""Archives built byte by byte: sound ones, and those that nobody should send."""

import bz2
import gzip
import io
import lzma
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from functools import lru_cache

import numpy as np
from PIL import Image


@lru_cache
def picture(seed: int, kind: str = "JPEG") -> bytes:
    """A small image of blobs, different for each seed."""
    coarse = np.random.default_rng(seed).integers(30, 225, (9, 12, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(coarse).resize((120, 90), Image.Resampling.BICUBIC).save(stream, kind)
    return stream.getvalue()


GOOD: Mapping[str, bytes] = {"mel/good.jpg": picture(1), "nv/good.jpg": picture(2)}


def zipped(extra: Mapping[str, bytes] | None = None, base: Mapping[str, bytes] = GOOD, **how: int) -> bytes:
    """A zip of the good images and some more."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in base.items():
            archive.writestr(name, content)
        for name, content in (extra or {}).items():
            archive.writestr(name, content, **how)
    return stream.getvalue()


def zip_info(name: str = "mel/bad.jpg", content: bytes = b"", **attributes: int) -> bytes:
    """A zip with one file more, whose entry has these attributes."""
    stream = io.BytesIO(zipped())
    with zipfile.ZipFile(stream, "a") as archive:
        info = zipfile.ZipInfo(name)
        for attribute, value in attributes.items():
            setattr(info, attribute, value)
        archive.writestr(info, content or picture(3))
    return stream.getvalue()


def zip_named(name: bytes, *, utf8: bool = False) -> bytes:
    """A zip with one file more, whose name is exactly these bytes."""
    holder = "mel/" + "#" * (len(name) - 4)
    data = zipped({holder: picture(3)}).replace(holder.encode(), name)
    if utf8:
        data = _with_flags(data, name, 0x800)
    return data


def _with_flags(data: bytes, name: bytes, flags: int) -> bytes:
    """The flags of one file set in both of its headers."""
    local = data.index(name) - 30
    central = data.rindex(name) - 46
    changed = bytearray(data)
    for at in (local + 6, central + 8):
        changed[at : at + 2] = struct.pack("<H", struct.unpack_from("<H", data, at)[0] | flags)
    return bytes(changed)


def encrypted_zip() -> bytes:
    return _with_flags(zipped({"mel/bad.jpg": picture(3)}), b"mel/bad.jpg", 0x1)


def zip_with_changed_content() -> bytes:
    """A file's bytes do not fit its checksum."""
    content = picture(3)
    data = zip_info(content=content, compress_type=zipfile.ZIP_STORED)
    at = data.index(content) + len(content) // 2
    return data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]


def zip_with_lying_size(size: int) -> bytes:
    """A file says that it is of another size than it is, when unpacked."""
    data = bytearray(zipped({"mel/bad.jpg": picture(3)}))
    central = data.rindex(b"mel/bad.jpg") - 46
    data[central + 24 : central + 28] = struct.pack("<L", size)
    return bytes(data)


def overlapping_zip(copies: int = 20) -> bytes:
    """Many entries of the index point at the same bytes."""
    data = zipped({}, base={"mel/a.jpg": picture(1)})
    end = data.rindex(b"PK\x05\x06")
    (start,) = struct.unpack_from("<L", data, end + 16)
    index = data[start:end] * copies
    tail = struct.pack("<4sHHHHLLH", b"PK\x05\x06", 0, 0, copies, copies, len(index), start, 0)
    return data[:start] + index + tail


def zip_with_end(count: int, size: int | None = None) -> bytes:
    """The end record tells another number of files, or size of the index, than there is."""
    data = bytearray(zipped())
    end = data.rindex(b"PK\x05\x06")
    data[end + 8 : end + 12] = struct.pack("<HH", count, count)
    if size is not None:
        data[end + 12 : end + 16] = struct.pack("<L", size)
    return bytes(data)


def zip64_of(count: int, size: int) -> bytes:
    """An index of zip64 that tells an absurd number of files."""
    data = zipped()
    end = data.rindex(b"PK\x05\x06")
    record = struct.pack("<4sQHHLLQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, size, 0)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, end, 1)
    tail = struct.pack("<4sHHHHLLH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return data[:end] + record + locator + tail


def tarred(
    change: Callable[[tarfile.TarFile], None] | None = None,
    mode: str = "w",
    extra: Mapping[str, bytes] | None = None,
) -> bytes:
    """A tar of the good images, of some more files, and of what `change` adds."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as archive:  # type: ignore[call-overload]  # w or w:gz
        for name, content in {**GOOD, **(extra or {})}.items():
            add(archive, name, content)
        if change is not None:
            change(archive)
    return stream.getvalue()


def add(archive: tarfile.TarFile, name: str, content: bytes = b"", **attributes: object) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for attribute, value in attributes.items():
        setattr(info, attribute, value)
    archive.addfile(info, io.BytesIO(content))


def tar_with(name: str, content: bytes = b"", mode: str = "w", **attributes: object) -> bytes:
    """A tar with one member more."""
    return tarred(lambda archive: add(archive, name, content, **attributes), mode)


def raw_header(name: bytes, size: bytes, kind: bytes = b"0") -> bytes:
    """A tar header, with the size field as it is given."""
    header = bytearray(512)
    header[: len(name)] = name
    header[100:108] = b"0000644\0"
    header[124 : 124 + len(size)] = size
    header[156:157] = kind
    header[257:265] = b"ustar\x0000"
    header[148:156] = b"        "
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header)


def tar_then(*blocks: bytes) -> bytes:
    """A tar of the good images that goes on with these blocks."""
    whole = tarred()
    end = len(whole.rstrip(b"\0"))
    return whole[: -(-end // 512) * 512] + b"".join(blocks)


def long_header(kind: bytes, size: int) -> bytes:
    """A tgz whose next member has a header (long name, PAX) of so many bytes, which pack well."""
    return gzip.compress(tar_then(raw_header(b"long", b"%011o" % size, kind), bytes(size)))


def bomb_tgz(size: int) -> bytes:
    content = bytes(size)
    return gzip.compress(tar_then(raw_header(b"mel/bomb.jpg", b"%011o" % size), content, bytes(1024)))


def special(mode: int) -> int:
    """External attributes of a zip entry of that kind."""
    return (mode | stat.S_IRUSR) << 16


def packed_otherwise(kind: str) -> bytes:
    tar = tarred()
    return {"xz": lzma.compress(tar), "bzip2": bz2.compress(tar)}[kind]
