"""The split ledger: which set an image is in, assigned once, and never crossed by what belongs together.

The ledger knows *names*: of an image (by its bytes), a lesion, a patient. Each name was given a set when
it was first seen, and keeps it. What belongs together is joined into one group, as a forest of parents,
and a group's set is that of its root. When two groups turn out to be one, the root of the set that is
trained on first wins (train before validation before held out), so that nothing held out is ever tied to
what some model has seen. An image is in a snapshot only while its own set and those of its lesion and its
patient are its group's set; else it would cross, and is left out. Why nothing crosses: docs/adr/0085.
"""

import hashlib
import hmac
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Set
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from triagelens.domain.near_duplicates import near_pairs
from triagelens.domain.splits import SPLITS, Split, split_of

IMAGE, LESION, PATIENT = "image:", "lesion:", "patient:"
_KINDS = (PATIENT, LESION, IMAGE)


class LedgerEntry(BaseModel):
    """What the ledger knows of one name.

    Attributes:
        name: `image:` and a sha256, or `lesion:` or `patient:` and a keyed digest.
        split: given when the name was first seen; never changes.
        parent: another name of the same group, towards its root; None for the root.
        fingerprint: of an image, 64 hexadecimal digits; None for other names.
        version: optimistic lock of the stored item; None if it is not stored yet.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    split: Split
    parent: str | None = None
    fingerprint: str | None = None
    version: int | None = None


@dataclass(frozen=True)
class Sighting:
    """An image, and what it is known to show.

    Attributes:
        sha256: of the working image's bytes.
        fingerprint: of `imaging.fingerprint`.
        patient, lesion: as the dataset or the platform names them.
    """

    sha256: str
    fingerprint: int
    patient: str | None = None
    lesion: str | None = None


@dataclass(frozen=True)
class Place:
    """Where the ledger puts an image.

    Attributes:
        group: the root's name.
        split: the image's set, for ever.
        crossing: why it is left out, in words; None if it is in.
    """

    group: str
    split: Split
    crossing: str | None = None


def keyed_name(kind: str, given: str, key: str) -> str:
    """A lesion's or a patient's name in the ledger: nobody can tell from it who it is."""
    digest = hmac.new(key.encode(), f"name of {kind}{given}".encode(), hashlib.sha256)
    return f"{kind}{digest.hexdigest()[:32]}"


class Book:
    """A specialty's ledger as it was read, and all that it comes to with new sightings."""

    def __init__(self, entries: Iterable[LedgerEntry]) -> None:
        self._entries = {entry.name: entry for entry in entries}
        self._changed: dict[str, None] = {}

    @property
    def changes(self) -> list[LedgerEntry]:
        """New and changed entries in the order of writing.

        However few of the first are written, they are a sound ledger: groups are joined before anything
        new is entered that relies on it, and a parent comes before its children.
        """
        return [self._entries[name] for name in self._changed]

    def settle(self, sightings: Iterable[Sighting], key: str) -> dict[str, Place]:
        """Enter what is new, join what belongs together, and tell where each image (by sha256) is.

        The outcome does not depend on the order of the sightings. If only the first of the changes were
        written, settling the same sightings again makes up for the others and comes to the same.
        """
        ties: defaultdict[str, set[str]] = defaultdict(set)
        prints: dict[str, int] = {}
        for sighting in sightings:
            ties[sighting.sha256].update(names_of(sighting, key))
            prints[f"{IMAGE}{sighting.sha256}"] = sighting.fingerprint
        links = _Links()
        for names in ties.values():
            links.add(names)
        for pair in self._near(prints):
            links.add(pair)
        for component in links.components():
            self._settle(component, links, prints, key)
        return {sha256: self._place(f"{IMAGE}{sha256}", ties[sha256]) for sha256 in sorted(ties)}

    def _near(self, prints: Mapping[str, int]) -> Iterable[tuple[str, str]]:
        """Near-duplicates of images that are new; those of others were joined when they were."""
        new = {name: prints[name] for name in sorted(prints) if name not in self._entries}
        known = {
            entry.name: int(entry.fingerprint, 16) for entry in self._entries.values() if entry.fingerprint
        }
        return near_pairs(new, known)

    def _settle(
        self, component: Collection[str], links: "_Links", prints: Mapping[str, int], key: str
    ) -> None:
        """Make one group of names that are linked."""
        fresh = sorted((name for name in component if name not in self._entries), key=_by_kind)
        roots = {self._root(name).name for name in component if name in self._entries}
        if roots:
            winner, *others = sorted((self._entries[name] for name in roots), key=_by_rank)
            for other in others:
                self._put(other.model_copy(update={"parent": winner.name}))
        else:
            name = fresh.pop(0)
            winner = self._put(_new(name, split_of(name, key), None, prints))
        for name in fresh:
            if not name.startswith(IMAGE):
                self._put(_new(name, winner.split, winner.name, prints))
        images = {name for name in fresh if name.startswith(IMAGE)}
        for first in sorted(images):
            if first not in images:
                continue
            alike = links.among(first, images)
            beside = [self._entries[name] for name in links.beside(alike) if name in self._entries]
            # Alike to an image that has to stay out, or of a patient who has: it stays out as well.
            split = max((entry.split for entry in (winner, *beside)), key=SPLITS.index)
            for name in sorted(alike):
                self._put(_new(name, split, winner.name, prints))
            images -= alike

    def _put(self, entry: LedgerEntry) -> LedgerEntry:
        self._entries[entry.name] = entry
        self._changed[entry.name] = None
        return entry

    def _root(self, name: str) -> LedgerEntry:
        entry = self._entries[name]
        while entry.parent is not None:
            entry = self._entries[entry.parent]
        return entry

    def _place(self, image: str, names: Collection[str]) -> Place:
        root, own = self._root(image), self._entries[image].split
        crossing = None
        for entry in (self._entries[name] for name in sorted(names, key=_by_kind)):
            if entry.split != root.split:
                kind = "it" if entry.name == image else f"its {entry.name.partition(':')[0]}"
                crossing = (
                    f"{kind} was put into {_words(entry.split)} before it turned out to belong together "
                    f"with images of {_words(root.split)}"
                )
        return Place(root.name, own, crossing)


class _Links:
    """Names that belong together, directly."""

    def __init__(self) -> None:
        self._beside: defaultdict[str, set[str]] = defaultdict(set)

    def add(self, names: Iterable[str]) -> None:
        """All of these belong together."""
        first, *others = sorted(names)
        self._beside[first].update(others)
        for other in others:
            self._beside[other].add(first)

    def components(self) -> list[set[str]]:
        """All names, by what belongs together through others; in a fixed order."""
        left = set(self._beside)
        found: list[set[str]] = []
        for name in sorted(self._beside):
            if name in left:
                found.append(self.among(name, left))
                left -= found[-1]
        return found

    def among(self, name: str, names: Set[str]) -> set[str]:
        """Those of `names` that belong together with `name`, through each other alone."""
        reached, waiting = {name}, [name]
        while waiting:
            new = (self._beside[waiting.pop()] & names) - reached
            reached |= new
            waiting += new
        return reached

    def beside(self, names: Collection[str]) -> set[str]:
        """What belongs together directly with any of them, and they themselves."""
        return {other for name in names for other in self._beside[name]} | set(names)


def names_of(sighting: Sighting, key: str) -> list[str]:
    """The names that an image ties together, its own first."""
    given = ((LESION, sighting.lesion), (PATIENT, sighting.patient))
    return [f"{IMAGE}{sighting.sha256}", *(keyed_name(kind, name, key) for kind, name in given if name)]


def _new(name: str, split: Split, parent: str | None, prints: Mapping[str, int]) -> LedgerEntry:
    bits = f"{prints[name]:064x}" if name in prints else None
    return LedgerEntry(name=name, split=split, parent=parent, fingerprint=bits)


def _by_kind(name: str) -> tuple[int, str]:
    kind = next(number for number, kind in enumerate(_KINDS) if name.startswith(kind))
    return kind, name


def _by_rank(entry: LedgerEntry) -> tuple[int, str]:
    return SPLITS.index(entry.split), entry.name


def _words(split: Split) -> str:
    return {"train": "training", "validation": "validation", "held_out": "the holdout"}[split]
