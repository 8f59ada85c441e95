"""The command `triagelens migrate` on the whole API, and what it leaves there."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tests.integration.api.platform_door import Platform, client_on
from tests.killing import KilledError
from tests.unit.client.fake_api import API
from triagelens.adapters.dynamodb.tables import CaseworkItem
from triagelens_client.cli import app

Run = Callable[..., Result]
KINDS = ("image", "case", "label", "annotation", "comment", "form", "patient", "history", "report")


def runner(admin: dict[str, str], config: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command in an admin's name; a kill comes out as what it is."""

    def run(platform: Platform, *arguments: object) -> Result:
        def connected(*_: object, **__: object) -> Any:
            return client_on(platform, admin)

        monkeypatch.setattr("triagelens_client.cli.connection.Triagelens", connected)
        environment = {"TRIAGELENS_CONFIG_DIR": str(config), "TRIAGELENS_API_URL": API, "COLUMNS": "160"}
        result = CliRunner().invoke(app, ["migrate", *map(str, arguments)], env=environment)
        if isinstance(result.exception, KilledError):
            raise result.exception
        return result

    return run


def kept() -> Counter[str]:
    """How many items of each kind the casework table has."""
    return Counter(item.kind for item in CaseworkItem.scan() if item.kind in KINDS)


def without_history(counted: Counter[str]) -> dict[str, int]:
    """A label that is set again has an entry of its own."""
    return {kind: count for kind, count in counted.items() if kind != "history"}


def report_of(path: Path) -> dict[str, dict[str, Any]]:
    """What became of each record, by its reference."""
    return {one["ref"]: one for one in json.loads(path.read_text())["records"]}
