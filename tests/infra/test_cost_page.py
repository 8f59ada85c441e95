"""docs/cost.md counts what the template holds."""

from docs.making.costs import PAGE, idle_of, written
from infra.template import Template


def test_the_idle_costs_are_those_of_the_template(prod: Template) -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert written(page, "idle", idle_of(prod)) == page, "python -m docs.making.costs"
    assert "| **together** |" in page


def test_nothing_costs_by_the_hour(prod: Template) -> None:
    by_the_hour = ("AWS::EC2::", "AWS::ECS::", "AWS::RDS::", "AWS::ElastiCache::", "AWS::SageMaker::")
    assert [r["Type"] for r in prod.body["Resources"].values() if r["Type"].startswith(by_the_hour)] == []
