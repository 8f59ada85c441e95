"""The ledger in DynamoDB: assigned once, whoever writes at the same time and wherever a writer dies."""

import random
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import pytest

from tests.cloud import REGION, Cloud
from tests.killing import KilledError, watched
from triagelens.adapters.dynamodb.ledger import DynamoLedgers
from triagelens.domain.errors import ConflictError
from triagelens.domain.ledger import LedgerEntry, Sighting
from triagelens.services.ledger import SplitLedger
from triagelens.services.snapshot_ports import LedgerState


def sightings(count: int, seed: int, patients: int = 40) -> list[Sighting]:
    source = random.Random(seed)
    return [
        Sighting(f"{source.getrandbits(256):064x}", source.getrandbits(256), f"p{number % patients}")
        for number in range(count)
    ]


@pytest.fixture
def ledgers(cloud: Cloud) -> DynamoLedgers:
    return DynamoLedgers("registry", REGION)


def no_pause(_: float) -> None:
    """Conflicts are sorted out at once."""


def test_the_key_is_made_once_and_is_long(ledgers: DynamoLedgers) -> None:
    with ThreadPoolExecutor(4) as pool:
        keys = set(pool.map(lambda _: DynamoLedgers("registry", REGION).key(), range(4)))
    assert keys == {ledgers.key()}
    assert len(ledgers.key()) == 64


def test_assignments_are_permanent_and_have_about_the_right_shares(ledgers: DynamoLedgers) -> None:
    ledger = SplitLedger(ledgers, no_pause)
    images = sightings(200, seed=1, patients=200)
    first = ledger.assign("skin", images)
    again = ledger.assign("skin", list(reversed(images)))
    assert again.places == first.places
    assert again.revision == first.revision
    splits = [place.split for place in first.places.values()]
    assert 0.55 < splits.count("train") / len(splits) < 0.85
    assert 0.1 < splits.count("validation") / len(splits) < 0.3
    assert 0.03 < splits.count("held_out") / len(splits) < 0.16


def test_specialties_have_ledgers_of_their_own(ledgers: DynamoLedgers) -> None:
    SplitLedger(ledgers, no_pause).assign("skin", sightings(3, seed=1))
    assert ledgers.read("eye") == LedgerState(0, [])


def test_the_ledger_holds_no_patient_as_it_was_given(ledgers: DynamoLedgers) -> None:
    image = Sighting("0" * 64, 1, patient="Jane Roe", lesion="lesion-of-jane")
    SplitLedger(ledgers, no_pause).assign("skin", [image])
    names = {entry.name for entry in ledgers.read("skin").entries}
    assert len(names) == 3
    assert not [name for name in names if "jane" in name.lower()]


def test_a_write_over_an_older_revision_is_refused(ledgers: DynamoLedgers) -> None:
    assert ledgers.write("skin", 0, [LedgerEntry(name="image:a", split="train")]) == 1
    with pytest.raises(ConflictError):
        ledgers.write("skin", 0, [LedgerEntry(name="image:b", split="train")])
    with pytest.raises(ConflictError):  # an assignment is made once
        ledgers.write("skin", 1, [LedgerEntry(name="image:a", split="held_out")])
    (entry,) = ledgers.read("skin").entries
    assert (entry.name, entry.split) == ("image:a", "train")


def test_two_ingestions_at_once_agree(ledgers: DynamoLedgers) -> None:
    """They share images and patients, and each writes between the other's writes."""
    shared, mine, yours = (sightings(50, seed) for seed in (1, 2, 3))

    def assign(images: list[Sighting]) -> dict[str, str]:
        places = SplitLedger(DynamoLedgers("registry", REGION), no_pause).assign("skin", images).places
        return {sha256: place.split for sha256, place in places.items() if place.crossing is None}

    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(assign, ([*shared, *mine], [*yours, *shared]))
    assert len(one) == len(other) == 100
    assert {sha256: one[sha256] for sha256 in other if sha256 in one}.keys() == {s.sha256 for s in shared}
    assert all(one[sha256] == other[sha256] for sha256 in one.keys() & other.keys())
    patients = {s.sha256: s.patient for s in (*shared, *mine, *yours)}
    sets: dict[str | None, set[str]] = {}
    for sha256, split in (*one.items(), *other.items()):
        sets.setdefault(patients[sha256], set()).add(split)
    assert {len(splits) for splits in sets.values()} == {1}


def test_somebody_who_writes_in_between_has_everything_worked_out_anew(cloud: Cloud) -> None:
    images = sightings(5, seed=4, patients=1)

    class Interrupted(DynamoLedgers):
        written = False

        def read(self, specialty: str) -> LedgerState:
            state = super().read(specialty)
            if not Interrupted.written:
                Interrupted.written = True
                SplitLedger(DynamoLedgers("registry", REGION), no_pause).assign(specialty, images[:2])
            return state

    pauses: list[float] = []
    assignment = SplitLedger(Interrupted("registry", REGION), pauses.append).assign("skin", images)
    assert len(pauses) == 1
    assert len({place.split for place in assignment.places.values()}) == 1
    assert assignment.revision == 2


@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_at_any_write_and_repeated_it_comes_to_the_same(
    cloud: Cloud, moment: Literal["before", "after"]
) -> None:
    images = sightings(110, seed=5)
    ledgers = DynamoLedgers("registry", REGION)
    ledgers.key()
    with watched() as writes:
        wanted = SplitLedger(ledgers, no_pause).assign("whole", images).places
    assert len(writes.made) >= 2
    for number in range(len(writes.made)):
        specialty = f"killed-{number}"
        with pytest.raises(KilledError), watched(kill_at=number, moment=moment):
            SplitLedger(ledgers, no_pause).assign(specialty, images)
        assert SplitLedger(ledgers, no_pause).assign(specialty, images).places == wanted
