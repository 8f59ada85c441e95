"""Kappa, against values worked out by hand and in the papers that defined it."""

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triagelens.domain.agreement import cohen, fleiss

LABEL = st.sampled_from(["mel", "nv", "bkl"])
# Fleiss (1971), table 1: 14 raters, 10 subjects, 5 categories; kappa is 0.210 there.
FLEISS_1971 = [
    (0, 0, 0, 0, 14),
    (0, 2, 6, 4, 2),
    (0, 0, 3, 5, 6),
    (0, 3, 9, 2, 0),
    (2, 2, 8, 1, 1),
    (7, 7, 0, 0, 0),
    (3, 2, 6, 3, 0),
    (2, 5, 3, 2, 2),
    (6, 5, 2, 1, 0),
    (0, 2, 2, 3, 7),
]


def test_cohens_kappa_is_what_paper_and_pencil_give() -> None:
    # 50 cases: both yes 20, both no 15, 5 and 10 apart. Observed 35/50; by chance
    # 25/50 * 30/50 + 25/50 * 20/50 = 1/2; kappa = (0.7 - 0.5) / (1 - 0.5).
    found = cohen({("yes", "yes"): 20, ("yes", "no"): 5, ("no", "yes"): 10, ("no", "no"): 15})
    assert found is not None
    assert (found.cases, found.observed, found.expected) == (50, 0.7, 0.5)
    assert found.kappa == pytest.approx(0.4)


def test_three_labels_against_a_worked_example() -> None:
    # Rows 44 5 1 / 7 20 3 / 9 5 6 of 100: observed 0.70; by chance
    # 0.50 * 0.60 + 0.30 * 0.30 + 0.20 * 0.10 = 0.41; kappa = 0.29 / 0.59.
    rows = [[44, 5, 1], [7, 20, 3], [9, 5, 6]]
    found = cohen({(str(i), str(j)): rows[i][j] for i in range(3) for j in range(3)})
    assert found is not None
    assert found.expected == pytest.approx(0.41)
    assert found.kappa == pytest.approx(0.29 / 0.59)


def test_fleiss_kappa_is_that_of_the_papers_example() -> None:
    patterns = [
        ([str(label) for label, times in enumerate(row) for _ in range(times)], 1) for row in FLEISS_1971
    ]
    found = fleiss(patterns)
    assert found is not None
    assert found.observed == pytest.approx(0.378, abs=5e-4)
    assert found.expected == pytest.approx(0.213, abs=5e-4)
    assert found.kappa == pytest.approx(0.210, abs=5e-4)


def test_without_cases_there_is_no_agreement_and_where_chance_agrees_always_no_kappa() -> None:
    assert cohen({}) is None
    assert fleiss([]) is None
    for found in (cohen({("nv", "nv"): 7}), fleiss([(["nv", "nv", "nv"], 7)])):
        assert found is not None
        assert (found.observed, found.expected, found.kappa) == (1, 1, None)


@given(st.lists(st.lists(LABEL, min_size=3, max_size=3), min_size=1, max_size=20))
def test_counting_like_cases_together_changes_nothing(cases: list[list[str]]) -> None:
    counted = Counter(tuple(sorted(labels)) for labels in cases)
    one_by_one, together = fleiss([(labels, 1) for labels in cases]), fleiss(list(counted.items()))
    assert one_by_one == together
    assert one_by_one is not None
    assert one_by_one.kappa is None or -1 <= one_by_one.kappa <= 1


@given(st.lists(st.tuples(LABEL, LABEL), min_size=1, max_size=30))
def test_kappa_is_one_exactly_if_readers_always_agree(pairs: list[tuple[str, str]]) -> None:
    for found in (cohen(Counter(pairs)), fleiss([(list(pair), 1) for pair in pairs])):
        assert found is not None
        if found.kappa is not None:
            agree = all(first == second for first, second in pairs)
            assert math.isclose(found.kappa, 1) == agree
