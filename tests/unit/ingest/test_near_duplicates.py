"""Near-duplicates are found, all of them, without comparing each image with each."""

import io
import random
from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageEnhance

from tests.photos import photo
from triagelens.domain.near_duplicates import MOST_DIFFERENT_BITS, are_near, near_pairs
from triagelens.imaging.fingerprint import fingerprint

ANOTHER = 40  # bits; other pictures differ in more


def encoded(picture: Image.Image, quality: int = 92) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=quality)
    return stream.getvalue()


ORIGINAL = photo(seed=1)
PICTURE = Image.open(io.BytesIO(ORIGINAL)).convert("RGB")
ALIKE = {
    "compressed again": encoded(PICTURE, quality=50),
    "half the size": encoded(PICTURE.resize((320, 240))),
    "a quarter of the size": encoded(PICTURE.resize((160, 120))),
    "darker": encoded(ImageEnhance.Brightness(PICTURE).enhance(0.8)),
    "more contrast": encoded(ImageEnhance.Contrast(PICTURE).enhance(1.2)),
    "grey": encoded(PICTURE.convert("L").convert("RGB")),
}


@pytest.mark.parametrize("name", ALIKE)
def test_a_picture_that_looks_the_same_is_near(name: str) -> None:
    assert are_near(fingerprint(ORIGINAL), fingerprint(ALIKE[name]))


def test_other_pictures_of_the_same_kind_are_far() -> None:
    prints = [fingerprint(photo(320, 240, seed=seed)) for seed in range(25)]
    assert min((a ^ b).bit_count() for a, b in combinations(prints, 2)) > ANOTHER


def test_what_is_no_image_has_no_fingerprint() -> None:
    with pytest.raises(ValueError, match="does not decode"):
        fingerprint(b"no image")


FEW_BITS = st.sets(st.integers(0, 255), max_size=MOST_DIFFERENT_BITS + 3)


@given(st.lists(FEW_BITS, min_size=1, max_size=8), st.lists(FEW_BITS, max_size=8))
def test_pairs_connect_what_comparing_each_with_each_would(
    new: list[set[int]], known: list[set[int]]
) -> None:
    base = random.Random(3).getrandbits(256)

    def named(prefix: str, flips: list[set[int]]) -> dict[str, int]:
        return {f"{prefix}{n}": base ^ sum(1 << bit for bit in bits) for n, bits in enumerate(flips)}

    ours, theirs = named("n", new), named("k", known)
    everything = ours | theirs
    found = list(near_pairs(ours, theirs))
    assert all(are_near(everything[one], everything[other]) for one, other in found)
    # Known ones that are near each other were connected when the later of them was new.
    before = [pair for pair in combinations(theirs, 2) if are_near(*(theirs[name] for name in pair))]
    plain = [pair for pair in combinations(everything, 2) if are_near(*(everything[name] for name in pair))]
    assert _groups(everything, [*found, *before]) == _groups(everything, plain)


def _groups(names: dict[str, int], pairs: list[tuple[str, str]]) -> set[frozenset[str]]:
    group = {name: frozenset([name]) for name in names}
    for one, other in pairs:
        joined = group[one] | group[other]
        group.update(dict.fromkeys(joined, joined))
    return set(group.values())


def test_of_a_hundred_thousand_images_each_is_compared_with_a_few(monkeypatch: pytest.MonkeyPatch) -> None:
    bits = random.Random(4)
    known = {f"k{number}": bits.getrandbits(256) for number in range(50_000)}
    new = {f"n{number}": bits.getrandbits(256) for number in range(50_000)}
    new["copy"] = known["k7"] ^ 0b10101
    comparisons = Counter[str]()

    def compared(one: int, other: int) -> bool:
        comparisons["made"] += 1
        return are_near(one, other)

    monkeypatch.setattr("triagelens.domain.near_duplicates.are_near", compared)
    assert set(near_pairs(new, known)) == {("k7", "copy")}
    assert comparisons["made"] < 40 * len(new), "each with each would be 3,750,000,000"


def test_a_thousand_images_of_one_scene_are_one_chain_and_not_a_million_pairs() -> None:
    same = dict.fromkeys((f"n{number}" for number in range(1000)), np.iinfo(np.int64).max)
    assert len(list(near_pairs(same, {}))) == 999
