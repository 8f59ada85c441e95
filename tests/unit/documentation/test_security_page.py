"""docs/security.md says what the code and the stack's settings say."""

import json
import re

import pytest

from infra.config import (
    ARCHIVES_EXPIRE_DAYS,
    AUDIT_KEPT_DAYS,
    DLQ_RETENTION_DAYS,
    EXPORTS_EXPIRE_DAYS,
    MULTIPART_ABORT_DAYS,
    ORIGINALS_EXPIRE_DAYS,
    QUEUE_RETENTION_DAYS,
)
from infra.constructs.api import BURST, REQUESTS_PER_SECOND
from infra.constructs.firewall import REQUESTS_PER_ADDRESS
from tests.unit.documentation.pages import DOCS
from triagelens.domain.people import MAY, Role
from triagelens.services.uploads import KEY_LIFETIME

PAGE = (DOCS / "security.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.splitlines()
    if line.startswith("|")
]


def row(first: str) -> str:
    [found] = [cells for cells in ROWS if cells[0] == first]
    return " ".join(found[1:])


def test_the_table_of_roles_is_that_of_the_code() -> None:
    begin = ROWS.index(["action", *Role])
    told = {cells[0]: cells[1:] for cells in ROWS[begin + 2 : begin + 2 + len(MAY)]}
    assert told == {
        action.value.replace("_", " "): ["yes" if role in roles else "-" for role in Role]
        for action, roles in MAY.items()
    }


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("originals", f"{ORIGINALS_EXPIRE_DAYS} days"),
        ("exports", f"{EXPORTS_EXPIRE_DAYS} days"),
        ("archives for a dataset", f"{ARCHIVES_EXPIRE_DAYS} days"),
        ("archives for a dataset", f"nobody put together {MULTIPART_ABORT_DAYS}"),
        ("messages", f"{QUEUE_RETENTION_DAYS} days; dead letters {DLQ_RETENTION_DAYS}"),
        ("what makes a request safe to repeat", f"{KEY_LIFETIME.total_seconds() / 3600:g} hours"),
    ],
)
def test_what_is_kept_is_kept_as_long_as_told(what: str, said: str) -> None:
    kept = [cells for cells in ROWS if cells[0] == what and said in cells[1]]
    assert len(kept) == 1


def test_closed_days_are_locked_for_six_years() -> None:
    assert round(AUDIT_KEPT_DAYS / 365.25) == 6
    assert "six years" in row("audit trail")


def test_the_limits_in_front_of_the_api_are_told() -> None:
    assert f"{REQUESTS_PER_ADDRESS:,} requests in five minutes" in row("a stranger")
    assert f"{REQUESTS_PER_SECOND} requests a second" in row("a stranger")
    assert BURST > REQUESTS_PER_SECOND


def test_what_answers_without_a_token_is_told() -> None:
    paths = json.loads((DOCS / "openapi.json").read_text(encoding="utf-8"))["paths"]
    open_paths = {
        path for path, methods in paths.items() for of in methods.values() if not of.get("security")
    }
    ours = {path for path in open_paths if not path.startswith("/compat/")}
    assert {path for path in ours if not path.startswith("/v1/auth/")} == {"/health"}
    assert {re.sub(r"^/v1/auth/", "", path) for path in ours - {"/health"}} == {
        *("sign-up", "confirm", "resend", "sign-in", "refresh", "totp", "totp/verify"),
        *("forgot-password", "reset-password"),
    }
    assert "`GET /health`" in row("a stranger")
