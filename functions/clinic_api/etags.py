"""Entity tags (RFC 9110): which version of a record an answer shows, and a change is made to."""

import re

from triagelens.domain.errors import VersionMissingError

_TAG = re.compile(r'(W/)?"([^"]*)"')


def etag(version: int | None) -> str:
    """The tag of a stored record's version."""
    return f'"{version}"'


def versions_in(if_match: str | None) -> frozenset[int]:
    """The versions that the header `If-Match` names. Weak and foreign tags match nothing.

    Raises:
        VersionMissingError: there is no header, or it names no version (`*`).
    """
    tags = _TAG.findall(if_match or "")
    if not tags:
        raise VersionMissingError("Send the `ETag` of the version that you read as `If-Match`.")
    return frozenset(int(tag) for weak, tag in tags if not weak and tag.isdecimal() and len(tag) < 16)
