"""What belongs together in a folder of images, and which validation images choose and which calibrate."""

import hashlib
import hmac
from collections import Counter
from collections.abc import Iterable
from typing import Literal

from triagelens.domain.splits import Split

Part = Split | Literal["calibration"]
PARTS: tuple[Part, ...] = ("train", "validation", "calibration", "held_out")

FEWEST_TO_CALIBRATE = 19
"""Fewer images can promise nothing of 95 % of further ones; as many have to be left to choose the epoch."""

_KEY = b"triagelens calibration"


def parts_of(images: Iterable[tuple[str, Split]]) -> tuple[Part, ...]:
    """The part that each image, given as (group, set), has in a run.

    About half of the validation groups, by a keyed hash of their names, choose nothing: what a model
    promises is fitted on them alone (docs/adr/0175). Where either half has fewer than
    `FEWEST_TO_CALIBRATE` images, all of them choose, and nothing is promised.
    """
    told = list(images)
    parted: list[Part] = [
        "calibration" if split == "validation" and _calibrates(group) else split for group, split in told
    ]
    sizes = Counter(parted)
    if min(sizes["validation"], sizes["calibration"]) < FEWEST_TO_CALIBRATE:
        return tuple(split for _, split in told)
    return tuple(parted)


def _calibrates(group: str) -> bool:
    return hmac.new(_KEY, group.encode(), hashlib.sha256).digest()[0] < 128


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
