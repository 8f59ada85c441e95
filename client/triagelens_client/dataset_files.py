"""What is sent of a dataset: an archive whole or by parts, or the files of a folder; and how far that is."""

import io
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from triagelens_client.errors import UnreadableFileError
from triagelens_client.files import CHUNK_BYTES, Source

if TYPE_CHECKING:
    from typing_extensions import Buffer

Tell = Callable[[int], object]


class _Told(io.FileIO):
    """A file that tells how far it has been read."""

    def __init__(self, path: Path, tell: Tell) -> None:
        super().__init__(path)
        self._tell = tell

    def readinto(self, buffer: "Buffer", /) -> int | None:
        read = super().readinto(buffer)
        self._tell(self.tell())
        return read


@dataclass(frozen=True)
class ToldSource(Source):
    """A file that is sent whole, and tells how many of its bytes are on their way: from 0 for each try."""

    tell: Tell

    def open(self) -> BinaryIO:
        if isinstance(self.content, bytes):
            return super().open()
        try:
            return io.BufferedReader(_Told(self.content, self.tell), CHUNK_BYTES)
        except OSError as error:
            raise UnreadableFileError(f"{self.content}: {error.strerror or error}.") from error


@dataclass(frozen=True)
class Folder:
    """A folder of images, perhaps with `metadata.csv`. Hidden and empty files and links stay where they are.

    Raises:
        UnreadableFileError: there is no file in it.
    """

    path: Path

    @cached_property
    def files(self) -> list[tuple[str, Path, int]]:
        """Path below the folder with `/`, the file, its bytes; sorted."""
        found = sorted((file.relative_to(self.path).as_posix(), file) for file in self._walk())
        sized = [(name, file, file.stat().st_size) for name, file in found]
        filled = [entry for entry in sized if entry[2] > 0]
        if not filled:
            raise UnreadableFileError(f"{self.path} holds no files.")
        return filled

    @property
    def size_bytes(self) -> int:
        return sum(size for _, _, size in self.files)

    def _walk(self) -> Iterator[Path]:
        for folder, folders, names in os.walk(self.path):
            folders[:] = [name for name in folders if not name.startswith(".")]
            for name in names:
                file = Path(folder) / name
                if not name.startswith(".") and file.is_file() and not file.is_symlink():
                    yield file


def piece(path: Path, start: int, size: int) -> bytes:
    """`size` bytes of a file from `start` on.

    Raises:
        UnreadableFileError: it cannot be read, or has become shorter.
    """
    try:
        with path.open("rb") as stream:
            stream.seek(start)
            data = stream.read(size)
    except OSError as error:
        raise UnreadableFileError(f"{path}: {error.strerror or error}.") from error
    if len(data) < size:
        raise UnreadableFileError(f"{path} has become shorter while it was sent.")
    return data
