"""Files of an old store: what its records name is looked for inside of its folder, and nowhere else."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from triagelens_client.migrate.records import StoreError, UnfitError

MOST_IMAGE_BYTES = 50_000_000
MOST_DOCUMENT_BYTES = 256_000_000
LEADS_OUT = "its name leads out of the folder"


@dataclass(frozen=True)
class OldFolder:
    """A folder of an old store. Names come from its records and are not trusted.

    Raises:
        StoreError: by `of`, where there is no such folder.
    """

    path: Path

    @classmethod
    def of(cls, path: Path) -> "OldFolder":
        try:
            return cls(path.resolve(strict=True))
        except (OSError, RuntimeError) as error:
            raise StoreError(f"{path} is not there.") from error

    def find(self, name: str, *below: str) -> Path:
        """The file of that name: in the folder, or in one of the folders `below` it.

        A whole path of the old machine (`/srv/storage/images/a.jpg`) is taken by its last part.

        Raises:
            UnfitError: there is none, its name leads out of the folder, or it is no ordinary file.
        """
        parts = PurePosixPath(name.replace("\\", "/"))
        if not parts.name:
            raise UnfitError("it has no name")
        if "\0" in name or ".." in parts.parts:
            raise UnfitError(LEADS_OUT)
        whole = parts.is_absolute() or ":" in parts.parts[0]
        known = PurePosixPath(parts.name) if whole else parts
        for folder in ("", *below):
            for part in dict.fromkeys((known, PurePosixPath(known.name))):
                found = self._inside(self.path / folder / part)
                if found is not None:
                    return found
        raise UnfitError("the file is not there")

    def inner(self, name: str) -> "OldFolder | None":
        """The folder of that name right in this one, if there is one.

        Raises:
            StoreError: it is a link, which may lead anywhere.
        """
        path = self.path / name
        if not path.is_dir():
            return None
        if path.is_symlink():
            raise StoreError(f"{path} is a link: name the folder that it leads to.")
        return OldFolder(path)

    def files(self, name: str = "") -> Iterator[Path]:
        """The ordinary files right in a folder below this one, sorted; links are left where they are."""
        folder = self.path / name
        if not folder.is_dir() or not folder.resolve().is_relative_to(self.path):
            return
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries if entry.is_file(follow_symlinks=False))
        yield from (folder / name for name in names)

    def folders(self) -> Iterator[Path]:
        """The folders right in this one, sorted; links and hidden ones are left out."""
        with os.scandir(self.path) as entries:
            names = sorted(
                entry.name
                for entry in entries
                if entry.is_dir(follow_symlinks=False) and not entry.name.startswith(".")
            )
        yield from (self.path / name for name in names)

    def _inside(self, path: Path) -> Path | None:
        try:
            found = path.resolve(strict=True)
            mode = found.stat().st_mode
        except (OSError, RuntimeError, ValueError):  # a loop of links, or what can be no file's name
            return None
        if not found.is_relative_to(self.path):
            raise UnfitError(LEADS_OUT)
        if not stat.S_ISREG(mode):
            return None
        return found


def read_bytes(path: Path, most: int = MOST_IMAGE_BYTES) -> bytes:
    """A file's bytes.

    Raises:
        UnfitError: it cannot be read, is empty, or has more than `most` bytes.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(most + 1)
    except OSError as error:
        raise UnfitError(f"the file cannot be read: {error.strerror or error}") from error
    if not data:
        raise UnfitError("the file is empty")
    if len(data) > most:
        raise UnfitError(f"the file has more than {most:,} bytes")
    return data
