"""Which images are trained on, which validate, and which are held out: by group, once and for all.

A group is what must stay together: a patient; else a lesion; else an image. Its set follows from a keyed
hash of its name, so it depends neither on the other images nor on their order.
"""

import hashlib
import hmac
from collections.abc import Iterable
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


def group_names(members: Iterable[tuple[str | None, str | None, str]]) -> list[str]:
    """The group of each image, given as (patient, lesion, image).

    Images are in one group if they share a patient or a lesion, directly or through other images: an
    image whose patient is not known stays with the others of its lesion. A group is named after its
    first patient, else its first lesion, else its image.
    """
    leader: dict[str, str] = {}

    def lead(name: str) -> str:
        while leader.setdefault(name, name) != name:
            leader[name] = name = leader[leader[name]]
        return name

    firsts: list[str] = []
    for patient, lesion, image in members:
        names = [f"1:{patient}"] * bool(patient) + [f"2:{lesion}"] * bool(lesion) + [f"3:{image}"]
        leaders = sorted(lead(name) for name in names)
        for name in leaders[1:]:
            leader[name] = leaders[0]
        firsts.append(names[0])
    kinds = {"1": "patient", "2": "lesion", "3": "image"}
    return [f"{kinds[name[0]]}{name[1:]}" for name in map(lead, firsts)]
