"""docs/deploying.md has every setting of a deployment, and no other."""

import re

from infra.config import ROOT
from tests.unit.documentation.pages import DOCS

PAGE = (DOCS / "deploying.md").read_text(encoding="utf-8")
# `endpoint` is the laptop cloud's alone, and set by it.
OF_THE_LAPTOP = {"endpoint"}
_ASKED = re.compile(r"""(?:get_context\(|_yes\(context, |_number\(context, )["'](\w+)["']""")


def test_every_setting_has_a_row_and_every_row_is_a_setting() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "infra").rglob("*.py"))
    asked = set(_ASKED.findall(code)) - OF_THE_LAPTOP
    table = PAGE[PAGE.index("## Context") : PAGE.index("## Stages")]
    cells = re.findall(r"^\| (`[^|]*) \|", table, flags=re.MULTILINE)
    told = {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}
    assert len(asked) > 10
    assert told == asked
