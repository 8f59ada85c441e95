"""Addresses in the CDK context: what is none is refused before anything is deployed."""

import re
from collections.abc import Iterable

# Bare and without wildcards, as they also go into policies.
_EMAIL = re.compile(r"[^@\s,<>\"*?]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_WEB = re.compile(r"https?://[^\s\"'<>]+")


def email_address(value: object) -> str | None:
    """A bare e-mail address, or nothing.

    Raises:
        ValueError: it is none.
    """
    return _matching(_EMAIL, value, "e-mail address")


def email_addresses(values: Iterable[str]) -> tuple[str, ...]:
    """Bare e-mail addresses.

    Raises:
        ValueError: one of them is none.
    """
    return tuple(address for address in map(email_address, values) if address is not None)


def web_address(value: object) -> str | None:
    """A web address, or nothing.

    Raises:
        ValueError: it is none.
    """
    return _matching(_WEB, value, "web address")


def _matching(pattern: re.Pattern[str], value: object, name: str) -> str | None:
    if value is None:
        return None
    if not pattern.fullmatch(str(value)):
        raise ValueError(f"{value!r} is no {name}")
    return str(value)
