"""Reading documents that nobody has checked: JSON, JSON lines, and the values in them."""

import json
import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from triagelens_client.migrate.places import MOST_DOCUMENT_BYTES, read_bytes
from triagelens_client.migrate.records import StoreError, UnfitError

MOST_LINE_BYTES = 4_000_000
MOST_LEVELS = 60
LONGEST_REFERENCE = 100
Record = dict[str, Any]

_MILLISECONDS = re.compile(r"-?[0-9]{1,17}")
# All but the ends of lines and the tabs between words.
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def parsed(data: bytes | str) -> Any:
    """A JSON value.

    Raises:
        UnfitError: it is none, or is nested too deeply.
    """
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise UnfitError("it is not JSON") from error


def document(path: Path) -> Any:
    """A file that is one JSON value.

    Raises:
        StoreError: it cannot be read, or is none.
    """
    try:
        return parsed(read_bytes(path, MOST_DOCUMENT_BYTES))
    except UnfitError as error:
        raise StoreError(f"{path}: {error}.") from error


def lines(path: Path) -> Iterator[tuple[int, bytes | None]]:
    """Number and bytes of each line that is not empty; None in place of one that is too long."""
    try:
        with path.open("rb") as stream:
            number = 0
            while line := stream.readline(MOST_LINE_BYTES + 1):
                number += 1
                too_long = len(line) > MOST_LINE_BYTES
                while line and not line.endswith(b"\n") and too_long:
                    line = stream.readline(MOST_LINE_BYTES)
                if too_long:
                    yield number, None
                elif line.strip():
                    yield number, line
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror or error}.") from error


def as_record(value: Any) -> Record:
    """A JSON object.

    Raises:
        UnfitError: it is none, or is nested too deeply for what is done with it afterwards.
    """
    if not isinstance(value, dict):
        raise UnfitError("it is not a JSON object")
    if _levels(value) > MOST_LEVELS:
        raise UnfitError("it is nested too deeply")
    return value


def _levels(value: Any) -> int:
    """How deeply lists and objects are nested, counted no further than matters."""
    inside, levels = [value], 0
    while levels <= MOST_LEVELS and inside:
        inside = [
            one
            for part in inside
            if isinstance(part, dict | list)
            for one in (part.values() if isinstance(part, dict) else part)
        ]
        levels += 1
    return levels


def text(record: Mapping[str, Any], *names: str, most: int = 10_000) -> str | None:
    """The first of these fields that says something, as text; numbers count as text, and MongoDB's ids."""
    for name in names:
        value = record.get(name)
        if isinstance(value, dict) and isinstance(value.get("$oid"), str):
            value = value["$oid"]
        if isinstance(value, str | int | float) and not isinstance(value, bool) and str(value).strip():
            return sayable(str(value)).strip()[:most]
    return None


def reference(record: Mapping[str, Any], *names: str) -> str | None:
    """As `text`, of a field that says which record something is.

    Raises:
        UnfitError: it is so long that, cut short, it might mean another record.
    """
    found = text(record, *names, most=LONGEST_REFERENCE + 1)
    if found is not None and len(found) > LONGEST_REFERENCE:
        raise UnfitError(f"its {names[0]} has more than {LONGEST_REFERENCE} characters")
    return found


def sayable(words: str) -> str:
    """The same words, with what is no character to read spelt out.

    That is half of a pair, a byte of another encoding, and whatever steers a terminal.
    """
    known = words.encode("utf-8", "backslashreplace").decode()
    return _CONTROLS.sub(lambda found: f"\\x{ord(found[0]):02x}", known)


def last_part(stored: str | None) -> str:
    """The name of a file, from its path or address; nothing where there is none in it."""
    plain = stored or ""
    if re.match(r"https?://", plain, re.IGNORECASE):
        try:
            plain = unquote(urlsplit(plain).path)
        except ValueError:
            return ""
    return PurePosixPath(plain.replace("\\", "/")).name


def number(record: Mapping[str, Any], *names: str) -> float | None:
    """The first of these fields that is a number, also one written as text."""
    for name in names:
        value = record.get(name)
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            continue
        try:
            found = float(value.strip().removesuffix("%") if isinstance(value, str) else value)
        except (ValueError, OverflowError):
            continue
        if math.isfinite(found):
            return found
    return None


def probability(record: Mapping[str, Any], *names: str) -> float | None:
    """The first of these fields as a probability; what is above 1 is per cent."""
    found = number(record, *names)
    if found is None or not 0 <= found <= 100:
        return None
    return found / 100 if found > 1 else found


def moment(record: Mapping[str, Any], *names: str) -> datetime | None:
    """The first of these fields that is a date and time; without a zone it is taken for UTC."""
    for name in names:
        value = record.get(name)
        found = _moment(_of_mongodb(value) if isinstance(value, dict) else value)
        if found is not None:
            return found
    return None


def _of_mongodb(value: Record) -> Any:
    """What MongoDB writes for a moment: text, or milliseconds, which come out as seconds."""
    told = value.get("$date")
    told = told.get("$numberLong") if isinstance(told, dict) else told
    milliseconds = _MILLISECONDS.fullmatch(str(told))
    return int(milliseconds[0]) / 1000 if milliseconds else told


def _moment(value: Any) -> datetime | None:
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
        if isinstance(value, str):
            read = datetime.fromisoformat(value.strip())
            return read if read.tzinfo is not None else read.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return None


def listed(record: Mapping[str, Any], *names: str) -> list[Any]:
    """The first of these fields that is a list, else nothing."""
    for name in names:
        value = record.get(name)
        if isinstance(value, list):
            return value
    return []


def day(when: datetime | None) -> str:
    """A day for people to read, with a blank in front; nothing, if it is not known."""
    return "" if when is None else f" {when:%Y-%m-%d}"
