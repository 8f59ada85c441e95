"""What has been taken over so far, in a file that survives being killed at any moment."""

import json
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from triagelens_client.errors import TriagelensClientError
from triagelens_client.migrate.locks import lock


class LedgerError(TriagelensClientError):
    """The ledger cannot be read or written, is that of another migration, or another process has it."""

    code = "ledger"


class _Line(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Head(_Line):
    """First line: which migration this is the ledger of.

    Attributes:
        person: opaque id of who migrates, to whom cases and images then belong.
    """

    ledger: int = 1
    system: str
    api: str
    person: str
    begun_at: datetime


class Taken(_Line):
    """One record that is on the platform.

    Attributes:
        key: kind and reference.
        number: of a case, for people to say aloud.
        done: whether nothing of it is left to do.
        refused: whether the platform has looked at it and could not take it.
        mark: by what the old record is told from another one of the same reference; None: it is not known.
    """

    key: str
    id: str
    number: int | None = None
    done: bool
    refused: bool = False
    mark: str | None = None
    remarks: tuple[str, ...] = ()


@dataclass
class Ledger:
    """Records by key. Each is appended as one line and is on the disk before `note` returns.

    A line that was cut off is dropped when the ledger is opened again. Nothing hangs on the last line:
    whoever finds a record missing asks the platform for it. `path` None keeps nothing. Whoever has it open
    has it alone, until they close it or are no more.
    """

    path: Path | None
    head: Head | None = None
    taken: dict[str, Taken] = field(default_factory=dict)
    was_there: bool = False
    _file: IO[bytes] | None = field(default=None, repr=False)

    @classmethod
    def read(cls, path: Path) -> Self:
        """The ledger as it is; an empty one, if there is no file.

        Raises:
            LedgerError: the file is not a ledger.
        """
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return cls(path)
        except OSError as error:
            raise LedgerError(f"{path}: {error.strerror or error}.") from error
        ledger = cls(path)
        ledger._learn(path, data)
        return ledger

    def open(self, system: str, api: str, person: str) -> Self:
        """Takes the ledger for this process alone, reads it again, and makes it ready for notes.

        Raises:
            LedgerError: it is that of another system, deployment or person, another process has it, or it
                cannot be written.
        """
        if self.path is None:
            return self
        try:
            self._open(self.path)
            self._check_is_of(system, api, person)
            if self.head is None:
                self.head = Head(system=system, api=api, person=person, begun_at=datetime.now(UTC))
                self._append(self.head)
        except OSError as error:
            self._close()
            raise LedgerError(f"{self.path}: {error.strerror or error}.") from error
        except LedgerError:
            self._close()
            raise
        return self

    def note(self, line: Taken) -> None:
        """Raises LedgerError if the disk does not take it: then nothing more may be sent."""
        try:
            self._append(line)
        except OSError as error:
            raise LedgerError(f"{self.path}: {error.strerror or error}.") from error
        self.taken[line.key] = line

    def done(self, key: str) -> Taken | None:
        """What is known of a record of which nothing is left to do."""
        line = self.taken.get(key)
        return line if line is not None and line.done else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _learn(self, path: Path, data: bytes) -> None:
        """Takes up what the file says.

        Raises:
            LedgerError: it is not a ledger.
        """
        whole = [line for line in data.split(b"\n")[:-1] if line.strip()]
        if not whole:
            return
        try:
            head = Head.model_validate_json(whole[0])
            lines = [Taken.model_validate_json(line) for line in whole[1:]]
        except ValidationError as error:
            raise LedgerError(f"{path} is not a migration's ledger.") from error
        self.head, self.taken, self.was_there = head, {line.key: line for line in lines}, True

    def _check_is_of(self, system: str, api: str, person: str) -> None:
        if self.head is None or (self.head.system, self.head.api, self.head.person) == (system, api, person):
            return
        raise LedgerError(
            f"{self.path} belongs to a migration of {self.head.system} to {self.head.api} by the person "
            f"{self.head.person}. Name another file with --ledger, or sign in as that person."
        )

    def _open(self, path: Path) -> None:
        """Another process may have had it since it was read: what it says now counts."""
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        self._file = os.fdopen(handle, "r+b")
        try:
            lock(self._file)
        except BlockingIOError as error:
            raise LedgerError(
                f"{path} is in use: another migration of this store is under way. Wait for it to end."
            ) from error
        data = self._file.read()
        self._learn(path, data)
        self._file.truncate(data.rfind(b"\n") + 1)  # a line that was cut off
        self._file.seek(0, os.SEEK_END)

    def _append(self, line: BaseModel) -> None:
        if self._file is None:
            return
        text = json.dumps(line.model_dump(mode="json"), ensure_ascii=True)
        self._file.write(text.encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())


def key_of(kind: str, ref: str) -> str:
    """By what a record is known in the ledger. A file's name may hold bytes that are no characters."""
    return f"{kind} {ref}".encode("utf-8", "backslashreplace").decode()


def written_whole(path: Path, content: Any) -> None:
    """Writes a JSON document so that it is there as a whole or not at all, for its owner alone.

    Raises:
        LedgerError: it cannot be written.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            json.dump(content, stream, indent=2)
            stream.write("\n")
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise LedgerError(f"{path}: {error.strerror or error}.") from error
