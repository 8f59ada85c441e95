"""Names as manifests take them."""

import re


def slug(text: str) -> str:
    """`text` as a name for manifests: lower-case letters, digits, dots, hyphens, underscores."""
    return re.sub(r"[^a-z0-9._-]+", "-", text.lower()).strip("-._")[:64]
