"""Which fingerprints are of nearly the same picture, found without comparing each with each.

A fingerprint (`imaging.fingerprint`) has 256 bits. Cut into 16 bands, two that differ in at most 15 bits are
equal in at least one band: only those that share a band are compared.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping

BANDS = 16
BAND_BITS = 16
MOST_DIFFERENT_BITS = BANDS - 1
_MASK = (1 << BAND_BITS) - 1


def are_near(one: int, other: int) -> bool:
    """Whether two fingerprints are of nearly the same picture."""
    return (one ^ other).bit_count() <= MOST_DIFFERENT_BITS


def near_pairs(new: Mapping[str, int], known: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """Enough pairs of names to connect all near-duplicates, each with at least one new name.

    Names with the very same fingerprint are chained, and one of them stands for all in the comparison. A pair
    may come more than once. Memory grows with the number of names, not with that of comparisons.
    """
    first_new, first_known = _firsts(new), _firsts(known)
    for name, value in new.items():
        first = first_new[value]
        if name != first:
            yield first, name
    for value, name in first_new.items():
        if value in first_known:
            yield first_known[value], name
    for band in range(BANDS):
        yield from _pairs_of_band(band * BAND_BITS, first_new, first_known)


def _firsts(names: Mapping[str, int]) -> dict[int, str]:
    """The first name of each fingerprint."""
    firsts: dict[int, str] = {}
    for name, value in names.items():
        firsts.setdefault(value, name)
    return firsts


def _pairs_of_band(shift: int, new: Mapping[int, str], known: Mapping[int, str]) -> Iterator[tuple[str, str]]:
    wanted = {value >> shift & _MASK for value in new}
    buckets: defaultdict[int, list[int]] = defaultdict(list)
    for value in known:
        if value >> shift & _MASK in wanted:
            buckets[value >> shift & _MASK].append(value)
    for value, name in new.items():
        bucket = buckets[value >> shift & _MASK]
        for other in bucket:
            if other != value and are_near(value, other):
                yield known.get(other) or new[other], name
        bucket.append(value)
