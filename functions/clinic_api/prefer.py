"""The request header `Prefer` (RFC 7240), as far as the API knows preferences."""

import re
from collections.abc import Iterable

_WAIT = re.compile(r'wait\s*=\s*"?(\d{1,9})"?', re.IGNORECASE)


def wait_of(values: Iterable[str]) -> int | None:
    """Seconds that the caller is ready to wait; None without a (well-formed) preference.

    Unknown and malformed preferences are ignored, and the first of two counts, as the RFC says.
    """
    for value in values:
        for preference in value.split(","):
            found = _WAIT.fullmatch(preference.partition(";")[0].strip())
            if found is not None:
                return int(found[1])
    return None
