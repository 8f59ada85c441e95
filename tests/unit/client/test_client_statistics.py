"""The client's statistics and their command, against the application itself over fakes."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from clinic_api.app import create_app
from clinic_api.deps import statistics
from tests.fake_tally import FakeTally
from tests.unit.api.conftest import Fakes
from tests.unit.client.door import Door
from tests.unit.client.fake_api import API
from triagelens.domain.people import Role
from triagelens.domain.statistics import Counted
from triagelens.services.counting import Counting
from triagelens_client import ForbiddenError, Triagelens
from triagelens_client.cli import app

FACETS = frozenset({"all#image#skin#rejected", "all#reason#skin#blurred", "day#2026-11-22#image#rejected"})
PATIENT = frozenset({"all#patient#registered", "day#2026-11-22#patient#registered"})
REPORT = frozenset({"all#report#ready", "day#2026-11-22#report#ready"})


@pytest.fixture
def door() -> Iterator[Door]:
    made, fakes, tally = create_app(), Fakes(), FakeTally()
    with TestClient(made) as client:
        assert isinstance(made, FastAPI)
        fakes.stand_in(made)
        made.dependency_overrides[statistics.tally] = lambda: tally
        Counting(tally).count(
            [
                Counted(record="IMG#1", version=1, facets=FACETS),
                Counted(record="PAT#1", version=1, facets=PATIENT),
                Counted(record="REPORT#1", version=1, facets=REPORT),
            ]
        )
        fakes.person("ada", Role.ADMIN)
        fakes.person("eve")
        yield Door(client)


def client_of(name: str, door: Door) -> Triagelens:
    return Triagelens(API, token_provider=lambda refused=None: f"sub-{name}", transport=door)


def test_statistics_are_read_for_the_days_asked_for(door: Door) -> None:
    told = client_of("ada", door).statistics()
    assert (told.submissions, told.rejection_rate) == (1, 1.0)
    assert told.specialties["skin"].rejection_reasons == {"blurred": 1}
    assert (told.patients, told.reports) == (1, {"ready": 1})
    [day] = told.days
    assert (day.day, day.patients, day.reports) == (date(2026, 11, 22), 1, {"ready": 1})
    assert client_of("ada", door).statistics(date(2026, 11, 1), date(2026, 11, 21)).days == ()
    with pytest.raises(ForbiddenError):
        client_of("eve", door).statistics()


@pytest.mark.parametrize(
    ("flags", "shown"),
    [
        ([], "blurred 1"),
        ([], "ready 1"),
        (["--json"], '"submissions":1'),
        (["--json"], '"patients":1'),
    ],
)
def test_the_command_shows_them(
    door: Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flags: list[str], shown: str
) -> None:
    monkeypatch.setattr(
        "triagelens_client.cli.connection.Triagelens", lambda *_, **__: client_of("ada", door)
    )
    environment = {"TRIAGELENS_CONFIG_DIR": str(tmp_path), "TRIAGELENS_API_URL": API, "COLUMNS": "200"}
    done = CliRunner().invoke(app, ["stats", "--since", "2026-11-22", *flags], env=environment)
    assert done.exit_code == 0, done.output
    assert shown in done.stdout
