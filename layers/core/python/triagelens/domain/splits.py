"""Which images are trained on, which validate, and which are held out: by group, once and for all.

A group is what must stay together: a patient; else a lesion; else near-duplicates; else an image. Its
set follows from a keyed hash of its name, so it depends neither on the other images nor on their order.
"""

import hashlib
import hmac
from typing import Literal, get_args

Split = Literal["train", "validation", "held_out"]
SPLITS: tuple[Split, ...] = get_args(Split)
SHARES: dict[Split, float] = {"train": 0.7, "validation": 0.2, "held_out": 0.1}


def split_of(group: str, key: str) -> Split:
    """The set of a group. `key` keeps anybody who names files from choosing it."""
    digest = hmac.new(key.encode(), group.encode(), hashlib.sha256).digest()
    position = int.from_bytes(digest[:8], "big") / 2**64
    if position < SHARES["train"]:
        return "train"
    return "validation" if position < SHARES["train"] + SHARES["validation"] else "held_out"
