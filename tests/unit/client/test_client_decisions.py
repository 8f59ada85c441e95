"""What the command says of a model that does not answer."""

from typing import Any

import pytest

from tests.unit.client.fake_api import analysed
from triagelens_client import Image
from triagelens_client.cli.output import decision_of, verdict


def image(**said: Any) -> Image:
    answer = analysed("image1", "skin")
    answer["prediction"] |= said
    return Image.model_validate(answer)


@pytest.mark.parametrize(
    ("said", "line", "told"),
    [
        ({}, "[green]mel[/] 90.0%", "-"),
        ({"decision": "accept"}, "[green]mel[/] 90.0%", "accept"),
        (
            {"decision": "accept", "reasons": ["set_not_assessed", "ood_not_assessed"]},
            "[green]mel[/] 90.0%",
            "accept (set not assessed; ood not assessed)",
        ),
        (
            {
                "decision": "uncertain",
                "reasons": ["several_labels"],
                "prediction_set": {"labels": ["nv", "mel"], "coverage": 0.9},
            },
            "[green]mel[/] 90.0% [yellow]uncertain[/]",
            "uncertain (several labels; possible: nv, mel)",
        ),
        (
            {
                "decision": "abstain",
                "reasons": ["out_of_distribution"],
                "out_of_distribution": {"distance": 300.5, "threshold": 57.0},
            },
            "[green]mel[/] 90.0% [yellow]abstain[/]",
            "abstain (out of distribution)",
        ),
        (
            {"decision": "of a newer api", "reasons": ["[of] a newer api"]},
            "[green]mel[/] 90.0% [yellow]of a newer api[/]",
            "of a newer api ([of] a newer api)",
        ),
    ],
)
def test_a_decision_is_told_with_its_reasons(said: dict[str, Any], line: str, told: str) -> None:
    shown = image(**said)
    assert shown.prediction is not None
    assert verdict(shown) == line
    assert decision_of(shown.prediction) == told
    assert shown.prediction.is_accepted is (said.get("decision", "accept") == "accept")
