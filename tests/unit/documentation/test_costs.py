"""The tables of docs/cost.md are what their arithmetic gives."""

import re

import pytest

from docs.making.costs import PAGE, PRICES, Line, Run, idle, images, table, written
from infra.config import CLOUD_SIZES, ROOT

TEXT = PAGE.read_text(encoding="utf-8")


def test_the_page_has_the_table_of_images_as_it_is_calculated() -> None:
    assert written(TEXT, "images", images()) == TEXT, "python -m docs.making.costs"
    assert table(images()) in TEXT


def test_a_functions_run_is_paid_by_memory_and_time() -> None:
    line = Run("clinic_api", 2, 0.5, "").line
    assert line.amount == 1000 * 2 * 0.5 * CLOUD_SIZES["clinic_api"].memory_mb / 1024
    assert line.usd == pytest.approx(line.amount * PRICES["GB-seconds"])


def test_a_table_ends_with_its_sum() -> None:
    lines = [Line("a", 3, "keys", "counted"), Line("b", 10, "alarms", "counted")]
    assert table(lines).splitlines()[-1] == "| **together** | | | **4.00** |"


def test_twice_the_keys_cost_twice_as_much() -> None:
    one, two = (idle(keys=keys, rules=4, alarms=1, queues=1)[0] for keys in (1, 2))
    assert two.usd == 2 * one.usd == 2.0


def test_what_is_a_guess_is_called_one() -> None:
    for line in images():
        assert any(
            word in line.known
            for word in (
                "guess",
                "counted",
                "measured",
                "as above",
                "announcement",
                "same",
                "3 MB",
                "image",
                "before",
            )
        ) or line.unit in {"queue requests", "events", "traces"}, line


def test_the_readme_tells_the_same_sums() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    [idle_sum] = re.findall(r"idle: begin.*\| \*\*(\d+\.\d+)\*\* \|\n<!-- idle", TEXT, flags=re.DOTALL)
    assert f"about {float(idle_sum):.0f} US dollars a month" in readme
    assert f"{sum(line.usd for line in images()):.1f} for a thousand images" in readme


def test_every_price_is_used() -> None:
    used = {line.unit for line in [*images(), *idle(1, 1, 1, 1)]}
    assert set(PRICES) - used == {"GB sent out"}
