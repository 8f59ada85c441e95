"""Whatever is uploaded, merged, relabelled and trained again: what belongs together is never in two sets.

The machine plays a deployment's life with a few patients, lesions and pictures, so that they meet often.
What is known of an image may grow from one dataset to the next. A write may break off at any entry.
"""

import random
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TypeAlias

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from triagelens.domain.ledger import Book, LedgerEntry, Place, Sighting
from triagelens.domain.near_duplicates import are_near
from triagelens.domain.splits import SPLITS, Split

KEY = "a key"
PICTURES, COPIES, PATIENTS, LESIONS = 8, 3, 5, 6
Assign: TypeAlias = Callable[["Life", list[Sighting]], dict[str, Place]]


@dataclass(frozen=True)
class Line:
    """An image as a snapshot has it, with what was known of it."""

    sighting: Sighting
    label: str
    split: Split


def image(picture: int, copy: int, patient: int | None, lesion: int | None) -> Sighting:
    """A picture has near-duplicates: other bytes, a fingerprint that differs in a few bits."""
    base = random.Random(picture).getrandbits(256)
    return Sighting(
        sha256=f"{picture * COPIES + copy:064x}",
        fingerprint=base ^ ((1 << 3 * copy) - 1),
        patient=None if patient is None else f"p{patient}",
        lesion=None if lesion is None else f"l{lesion}",
    )


SIGHTINGS = st.builds(
    image,
    st.integers(0, PICTURES - 1),
    st.integers(0, COPIES - 1),
    st.none() | st.integers(0, PATIENTS - 1),
    st.none() | st.integers(0, LESIONS - 1),
)


def by_ledger(life: "Life", sightings: list[Sighting]) -> dict[str, Place]:
    book = Book(life.entries.values())
    places = book.settle(sightings, KEY)
    life.write(book.changes)
    return places


def at_random(life: "Life", sightings: list[Sighting]) -> dict[str, Place]:
    """What people do without a ledger: every image on its own, every time anew."""
    return {
        sighting.sha256: Place(
            f"image:{sighting.sha256}", life.random.choices(SPLITS, weights=(0.7, 0.2, 0.1))[0]
        )
        for sighting in sightings
    }


class Life(RuleBasedStateMachine):
    """Datasets come, snapshots are made, models are trained on them."""

    assign: Assign = staticmethod(by_ledger)

    def __init__(self) -> None:
        super().__init__()
        self.entries: dict[str, LedgerEntry] = {}
        self.known: dict[str, list[Sighting]] = {}  # by dataset
        self.labels: dict[str, str] = {}
        self.seen: list[Sighting] = []
        self.published: list[Line] = []

    @initialize(seed=st.integers(0, 2**32))
    def begin(self, seed: int) -> None:
        self.random = random.Random(seed)

    def write(self, changes: Iterable[LedgerEntry]) -> None:
        for entry in changes:
            stored = self.entries.get(entry.name)
            assert stored is None or stored.split == entry.split, "an assignment changed"
            assert entry.parent is None or entry.parent in self.entries, "a parent is missing"
            self.entries[entry.name] = entry

    @rule(dataset=st.sampled_from("abc"), sightings=st.lists(SIGHTINGS, min_size=1, max_size=6))
    def upload(self, dataset: str, sightings: list[Sighting]) -> None:
        held = self.known.setdefault(dataset, [])
        held += sightings
        self.seen += sightings
        self.make_snapshot(held)

    @rule(dataset=st.sampled_from("abc"), picture=st.integers(0, PICTURES - 1), data=st.data())
    def learn_whose_picture_it_is(self, dataset: str, picture: int, data: st.DataObject) -> None:
        """A patient becomes known later, or a lesion does."""
        patient = f"p{data.draw(st.integers(0, PATIENTS - 1))}"
        held = self.known.get(dataset, [])
        better = [
            replace(sighting, patient=patient) if int(sighting.sha256, 16) // COPIES == picture else sighting
            for sighting in held
        ]
        if better != held:
            self.known[dataset] = better
            self.seen += better
            self.make_snapshot(better)

    @rule(sha256=st.integers(0, PICTURES * COPIES - 1), label=st.sampled_from(("mel", "nv")))
    def relabel(self, sha256: int, label: str) -> None:
        self.labels[f"{sha256:064x}"] = label

    @rule()
    def train_again(self) -> None:
        """A snapshot of everything, as a new training would have."""
        everything = [sighting for held in self.known.values() for sighting in held]
        if everything:
            self.make_snapshot(everything)

    @rule(sightings=st.lists(SIGHTINGS, min_size=1, max_size=6), written=st.integers(0, 12))
    def break_off(self, sightings: list[Sighting], written: int) -> None:
        """An ingestion dies while it writes; what it did write is sound, and a repetition completes it."""
        uninterrupted, book = Book(self.entries.values()), Book(self.entries.values())
        wanted = uninterrupted.settle(sightings, KEY)
        book.settle(sightings, KEY)
        self.write(book.changes[:written])
        self.seen += sightings
        assert Book(self.entries.values()).settle(sightings, KEY) == wanted
        self.make_snapshot(sightings)

    def make_snapshot(self, sightings: list[Sighting]) -> None:
        places = self.assign(self, sightings)
        lines = [
            Line(sighting, self.labels.get(sighting.sha256, "nv"), places[sighting.sha256].split)
            for sighting in sightings
            if places[sighting.sha256].crossing is None
        ]
        self.published += lines
        nothing_crosses_within(lines, self.seen)
        nothing_crosses_over_time(self.published)
        nothing_held_out_was_trained_on(lines, self.published, self.seen)


def components(sightings: Iterable[Sighting]) -> dict[str, str]:
    """Image -> a name of all that belongs together through anything, worked out the plain way."""
    leader: dict[str, str] = {}

    def lead(name: str) -> str:
        while leader.setdefault(name, name) != name:
            name = leader[name]
        return name

    prints = {sighting.sha256: sighting.fingerprint for sighting in sightings}
    ties = [(s.sha256, name) for s in sightings for name in (s.patient, s.lesion) if name]
    ties += [(one, other) for one in prints for other in prints if are_near(prints[one], prints[other])]
    for one, other in ties:
        leader[lead(one)] = lead(other)
    return {sha256: lead(sha256) for sha256 in prints}


def nothing_crosses_within(lines: list[Line], seen: list[Sighting]) -> None:
    """In one snapshot, of all that is known by now, through any number of steps."""
    group = components(seen)
    sets: defaultdict[str, set[Split]] = defaultdict(set)
    for line in lines:
        sets[group[line.sighting.sha256]].add(line.split)
    assert all(len(splits) == 1 for splits in sets.values()), sets


def nothing_crosses_over_time(published: list[Line]) -> None:
    """In all snapshots ever made: the same bytes, patient, lesion or near-duplicates."""
    sets: defaultdict[str, set[Split]] = defaultdict(set)
    for line in published:
        for name in (line.sighting.sha256, line.sighting.patient, line.sighting.lesion):
            if name:
                sets[name].add(line.split)
    assert all(len(splits) == 1 for splits in sets.values()), sets
    distinct = {(line.sighting.fingerprint, line.split) for line in published}
    near = [(a, b) for a in distinct for b in distinct if a < b and are_near(a[0], b[0])]
    assert all(one[1] == other[1] for one, other in near)


def nothing_held_out_was_trained_on(lines: list[Line], published: list[Line], seen: list[Sighting]) -> None:
    """A snapshot's holdout is tied to nothing that any model has seen, whatever was learnt since."""
    group = components(seen)
    trained = {group[line.sighting.sha256] for line in published if line.split != "held_out"}
    held_out = {group[line.sighting.sha256] for line in lines if line.split == "held_out"}
    assert not trained & held_out


LIVES = settings(
    max_examples=200,
    stateful_step_count=20,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)


def test_nothing_ever_crosses() -> None:
    run_state_machine_as_test(Life, settings=LIVES)


def test_a_plain_random_split_fails_the_same_test() -> None:
    class Careless(Life):
        assign = staticmethod(at_random)

    with pytest.raises((AssertionError, BaseExceptionGroup)):
        run_state_machine_as_test(Careless, settings=LIVES)
