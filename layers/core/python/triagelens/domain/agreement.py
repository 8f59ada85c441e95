"""How far readers agree beyond chance.

Both measures are (observed - expected) / (1 - expected) agreement: 1 is perfect, 0 is chance. Where
chance alone agrees always (everybody gives one label), they are not defined.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Agreement:
    """Agreement on a number of cases.

    Attributes:
        observed: share of pairs of readings that agree, 0..1.
        expected: the same if labels were drawn by chance in their own frequencies.
        kappa: None where `expected` is 1.
    """

    cases: int
    observed: float
    expected: float

    @property
    def kappa(self) -> float | None:
        if self.expected >= 1:
            return None
        return (self.observed - self.expected) / (1 - self.expected)


def cohen(confusion: Mapping[tuple[str, str], int]) -> Agreement | None:
    """Agreement of the same two readers, each with label frequencies of their own.

    Cohen, J. (1960), A coefficient of agreement for nominal scales, Educational and Psychological
    Measurement 20, 37-46: expected = sum over labels of p(first says it) * p(second says it).

    Args:
        confusion: number of cases by (first reader's label, second reader's label).

    Returns:
        None where there are no cases.
    """
    cases = sum(confusion.values())
    if cases == 0:
        return None
    labels = {label for pair in confusion for label in pair}
    first = {label: sum(n for (a, _), n in confusion.items() if a == label) for label in labels}
    second = {label: sum(n for (_, b), n in confusion.items() if b == label) for label in labels}
    observed = sum(n for (a, b), n in confusion.items() if a == b) / cases
    # One division of whole numbers: where chance agrees always, that is exactly 1.
    expected = sum(first[label] * second[label] for label in labels) / cases**2
    return Agreement(cases, observed, expected)


def fleiss(patterns: Iterable[tuple[Sequence[str], int]]) -> Agreement | None:
    """Agreement of equally many readers a case, who need not be the same people.

    Fleiss, J. L. (1971), Measuring nominal scale agreement among many raters, Psychological Bulletin
    76, 378-382: observed = mean over cases of (sum n_j^2 - n) / (n (n - 1)), expected = sum p_j^2.

    Args:
        patterns: the labels that a case got (n of them, always as many, at least two), and how many
            cases got just these.

    Returns:
        None where there are no cases.
    """
    cases = agreeing = readers = 0
    totals: dict[str, int] = {}
    for labels, times in patterns:
        readers = len(labels)
        cases += times
        for label in set(labels):
            given = labels.count(label)
            agreeing += times * given * (given - 1)
            totals[label] = totals.get(label, 0) + times * given
    if cases == 0:
        return None
    observed = agreeing / (cases * readers * (readers - 1))
    expected = sum(total**2 for total in totals.values()) / (cases * readers) ** 2
    return Agreement(cases, observed, expected)
