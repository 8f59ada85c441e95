"""Every alarm that can wake somebody has a place in the runbook, and the runbook has no other."""

import re

from infra.config import ROOT
from infra.redrive import QUEUES, STREAMS
from infra.template import Template

PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
PREFIX, HASH = "Operations", re.compile(r"[0-9A-F]{8}$")
ALARM = re.compile(r"`([a-z_]+(?:-[a-z0-9]+)+)`")


def told() -> dict[str, str]:
    """Alarms with a heading or the first cell of a row of their own, by their names without signs."""
    places = re.findall(r"^(?:#+ (.*)|\| (`[^|]*) \|)", PAGE, flags=re.MULTILINE)
    names = [name for place in places for name in ALARM.findall("".join(place))]
    assert len(names) == len(set(names)), "an alarm has two places"
    return {re.sub(r"[^a-z0-9]", "", name): name for name in names}


def alarms(template: Template) -> set[str]:
    named = template.of_type("AWS::CloudWatch::Alarm")
    assert all(name.startswith(PREFIX) for name in named)
    return {HASH.sub("", name.removeprefix(PREFIX)) for name in named}


def test_every_alarm_has_a_place_and_every_place_an_alarm(prod: Template) -> None:
    assert len(alarms(prod)) > 40
    assert set(told()) == alarms(prod)


def test_each_section_of_an_alarm_says_what_it_means_where_to_look_and_what_to_do() -> None:
    sections = re.findall(r"^### (`[^\n]*)\n(.*?)(?=^##|\Z)", PAGE, flags=re.MULTILINE | re.DOTALL)
    assert len(sections) > 20
    for title, text in sections:
        for word in ("**Means**", "**Look**", "**do**" if "**do**" in text else "**Do**"):
            assert word in text, title


def test_dead_letters_are_sent_back_by_the_name_that_the_command_knows() -> None:
    commands = set(re.findall(r"python -m infra\.redrive (\w+)`|\(or `(\w+)`\)", PAGE))
    named = {name for pair in commands for name in pair if name}
    assert named == {*QUEUES, *STREAMS}
