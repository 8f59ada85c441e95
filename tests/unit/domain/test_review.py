"""What goes first to a reader: figures of the least certain image, and batches that cover much."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import START
from triagelens.domain.cases import Case, CaseStatus
from triagelens.domain.panels import Panel
from triagelens.domain.prediction import FeatureGrid, LabelActivation, ModelIdentity, Prediction
from triagelens.domain.review import Strategy, embedding, k_centres, review_item

MODEL = ModelIdentity(name="m", version="1", sha256="0" * 64, manifest_sha256="1" * 64)
POINTS = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=8)


def finding(normal: float, features: FeatureGrid | None = None) -> Prediction:
    return Prediction.ranked(
        {"normal": normal, "cataract": 1 - normal},
        specialty="eye",
        model=MODEL,
        demonstration=True,
        intended_use="test",
        features=features,
    )


def case(status: CaseStatus = CaseStatus.OPEN) -> Case:
    return Case(
        case_id="case",
        number=10_000,
        specialty="eye",
        status=status,
        owner="gp",
        image_ids=("sure", "unsure"),
        created_at=START,
        updated_at=START,
        updated_by="gp",
        correlation_id="request",
    )


def test_a_case_is_as_certain_as_its_least_certain_image() -> None:
    found = review_item(
        case(), Panel(case_id="case", specialty="eye"), [("sure", finding(0.99)), ("unsure", finding(0.55))]
    )
    assert found is not None
    assert found.image_id == "unsure"
    assert found.margin == pytest.approx(0.1)
    assert found.score(Strategy.LEAST_CONFIDENCE) == pytest.approx(0.55)
    expected = -(0.55 * math.log(0.55) + 0.45 * math.log(0.45))
    assert found.score(Strategy.ENTROPY) == pytest.approx(expected)
    assert found.score(Strategy.DIVERSE) == found.score(Strategy.MARGIN) == found.margin


@pytest.mark.parametrize("status", CaseStatus)
def test_a_case_waits_until_it_is_rejected_or_all_its_readers_are_in(status: CaseStatus) -> None:
    panel = Panel(case_id="case", specialty="eye", readers_wanted=2)
    one_in = panel.after_label("anna", "normal", START)
    both_in = one_in.after_label("bert", "normal", START)
    findings = [("unsure", finding(0.55))]
    waits = status is not CaseStatus.REJECTED
    assert (review_item(case(status), panel, findings) is not None) == waits
    assert (review_item(case(status), one_in, findings) is not None) == waits
    assert review_item(case(status), both_in, findings) is None
    assert review_item(case(status), panel, []) is None


def test_an_embedding_is_the_evidence_pooled_over_the_image() -> None:
    grid = FeatureGrid(
        rows=1,
        columns=2,
        activations=(
            LabelActivation.pack("cataract", [6.0, 0.0]),
            LabelActivation.pack("normal", [4.0, 4.0]),
        ),
    )
    assert embedding(finding(0.4, grid)) == pytest.approx((0.8, 0.6), abs=1e-3)
    assert embedding(finding(0.5)) == pytest.approx((math.sqrt(0.5), math.sqrt(0.5)), abs=1e-3)


def farthest(points: list[tuple[float, float]], centres: list[tuple[float, float]]) -> float:
    return max(min(math.dist(point, centre) for centre in centres) for point in points)


@given(POINTS, st.integers(1, 4))
def test_chosen_centres_leave_nobody_farther_than_twice_the_best_that_is_possible(
    points: list[tuple[float, float]], k: int
) -> None:
    chosen = k_centres([(number, point) for number, point in enumerate(points)], k)
    assert chosen[0] == 0
    assert len(set(chosen)) == len(chosen) == min(k, len(points))
    best = min(
        farthest(points, list(centres)) for centres in itertools.combinations(points, min(k, len(points)))
    )
    assert farthest(points, [points[number] for number in chosen]) <= 2 * best + 1e-9


def test_without_entries_nothing_is_chosen() -> None:
    assert k_centres([], 3) == []
