"""What is sent: a local file or bytes in memory, measured and hashed once, read again for each try."""

import hashlib
import io
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from triagelens_client.errors import UnreadableFileError

CHUNK_BYTES = 1 << 20

_HEAD_BYTES = 12


@dataclass(frozen=True)
class Source:
    """Bytes to upload. A file is streamed, never held in memory as a whole.

    Raises:
        UnreadableFileError: by any member, naming the file and what is wrong with it.
    """

    content: Path | bytes
    name: str

    @classmethod
    def of(cls, content: "Path | str | bytes") -> "Source":
        if isinstance(content, bytes):
            return cls(content, "image")
        return cls(Path(content), Path(content).name)

    def open(self) -> BinaryIO:
        if isinstance(self.content, bytes):
            return io.BytesIO(self.content)
        try:
            return self.content.open("rb")
        except OSError as error:
            raise UnreadableFileError(f"{self.content}: {error.strerror or error}.") from error

    @cached_property
    def size_bytes(self) -> int:
        with self.open() as stream:
            size = stream.seek(0, io.SEEK_END)
        if size == 0:
            raise UnreadableFileError(f"{self._place} is empty.")
        return size

    @cached_property
    def sha256(self) -> str:
        """Hexadecimal digest of the bytes."""
        digest = hashlib.sha256()
        with self.open() as stream:
            while chunk := stream.read(CHUNK_BYTES):
                digest.update(chunk)
        return digest.hexdigest()

    @cached_property
    def image_type(self) -> str:
        """Media type by the first bytes; a file's name says nothing about what is in it."""
        with self.open() as stream:
            head = stream.read(_HEAD_BYTES)
        if head.startswith(b"\xff\xd8\xff"):
            return "image/jpeg"
        if head.startswith(b"\x89PNG\r\n\x1a\n"):
            return "image/png"
        if head.startswith(b"BM"):
            return "image/bmp"
        if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
            return "image/webp"
        raise UnreadableFileError(f"{self._place} is not a JPEG, PNG, BMP or WebP image.")

    @property
    def _place(self) -> str:
        return str(self.content) if isinstance(self.content, Path) else "The image"
