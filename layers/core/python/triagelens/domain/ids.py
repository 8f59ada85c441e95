"""Identifiers: lower-case ULIDs, which sort by time and are safe in an S3 key."""

import re
from datetime import datetime

from ulid import ULID

ULID_PATTERN = re.compile(r"[0-7][0-9a-hjkmnp-tv-z]{25}")


def new_id() -> str:
    """A new ULID, 26 characters of Crockford's base 32 in lower case."""
    return str(ULID()).lower()


def new_id_of(moment: datetime) -> str:
    """A new id that sorts as if it had been made at that moment."""
    return str(ULID.from_datetime(moment)).lower()


def is_id(text: str) -> bool:
    """Whether `text` could have come from `new_id`."""
    return ULID_PATTERN.fullmatch(text) is not None


def first_id_of(moment: datetime) -> str:
    """What no id that was made later is smaller than."""
    return str(ULID.from_int(int(moment.timestamp() * 1000) << 80)).lower()


def month_of(identifier: str) -> str:
    """The month (UTC) in which an id was made, as `yyyymm`."""
    return ULID.from_str(identifier.upper()).datetime.strftime("%Y%m")
