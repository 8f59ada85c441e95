"""What archives are read into: one file after the other, within bounds, under names that are safe."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath

from pydantic import BaseModel, ConfigDict, Field

from training_job.arrangement import DatasetError

CHUNK = 1 << 20


class RefusedArchiveError(DatasetError):
    """The archive as a whole cannot be taken; the message says why."""

    code = "archive_refused"


class ArchiveLimits(BaseModel):
    """Bounds on what is uploaded, counted while it streams by, whatever the archive says of itself.

    Attributes:
        most_files: entries of any kind.
        most_bytes: unpacked, in all.
        most_ratio: unpacked over packed bytes, once more than `free_bytes` are unpacked.
        most_file_bytes: of one file, unpacked.
        most_header_bytes: of what a tar file says about one member.
        most_name, most_folders: characters of a path, and how deep it may go.
    """

    model_config = ConfigDict(frozen=True)

    most_files: int = Field(default=200_000, gt=0)
    most_bytes: int = Field(default=200_000_000_000, gt=0)
    most_ratio: float = Field(default=50.0, ge=1)
    free_bytes: int = Field(default=100_000_000, ge=0)
    most_file_bytes: int = Field(default=50_000_000, gt=0)
    most_header_bytes: int = Field(default=1_000_000, gt=0)
    most_name: int = Field(default=500, gt=0)
    most_folders: int = Field(default=16, gt=0)


@dataclass
class Meter:
    """Counts what comes out of one archive of `packed` bytes.

    Raises, in every method, RefusedArchiveError at the first bound that is passed.
    """

    limits: ArchiveLimits
    packed: int
    files: int = 0
    unpacked: int = 0

    def file(self) -> None:
        self.files += 1
        if self.files > self.limits.most_files:
            raise RefusedArchiveError(f"The archive holds more than {self.limits.most_files} files.")

    def bytes(self, count: int) -> None:
        self.unpacked += count
        if self.unpacked > self.limits.most_bytes:
            most = self.limits.most_bytes / 1e9
            raise RefusedArchiveError(f"Unpacked, the archive is larger than {most:.0f} GB.")
        bound = max(self.limits.free_bytes, self.limits.most_ratio * self.packed)
        if self.unpacked > bound:
            raise RefusedArchiveError(
                f"The archive unpacks to more than {self.limits.most_ratio:.0f} times its size: "
                "images do not, archives that are meant to do harm do."
            )


@dataclass(frozen=True)
class Member:
    """One file of an archive.

    Attributes:
        name: its path, fit to be shown; nothing is ever written to it.
        problem: (reason, code), if it is not to be opened.
        read: its content; to be called before the next member is asked for, if at all. Raises
            UnusableMemberError.
    """

    name: str
    problem: tuple[str, str] | None
    read: Callable[[], bytes]


class UnusableMemberError(Exception):
    """This one file of an archive cannot be used; the others may be."""

    def __init__(self, reason: str, code: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code


def nothing() -> bytes:
    """The content of what is not a file."""
    return b""


def wrong_with_name(name: str, limits: ArchiveLimits) -> tuple[str, str] | None:
    """Why a path is refused, if it is; with `/` between folders."""
    path = PurePosixPath(name)
    if any("\udc80" <= letter <= "\udcff" for letter in name):
        return "its name is not UTF-8", "name_not_utf8"
    if any(letter < " " or letter == "\x7f" for letter in name):
        return "its name has control characters", "name_unsafe"
    if path.is_absolute() or (len(name) > 1 and name[1] == ":"):
        return "its path is absolute", "leads_out"
    if ".." in path.parts:
        return "its path leads out of the archive", "leads_out"
    if not path.parts:
        return "it has no name", "name_unsafe"
    if len(name) > limits.most_name or len(path.parts) > limits.most_folders:
        return "its path is too long", "name_unsafe"
    return None


def shown(name: str) -> str:
    """A name as it may stand in a list, whatever bytes it has."""
    plain = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in plain)[:500]


def too_large(limits: ArchiveLimits) -> UnusableMemberError:
    return UnusableMemberError(f"it is larger than {limits.most_file_bytes / 1e6:.0f} MB", "too_many_bytes")
