"""Statistics over HTTP: who sees them, and what they say."""

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from clinic_api.deps import statistics
from tests.fake_tally import FakeTally
from tests.unit.api.conftest import Fakes
from triagelens.domain.people import Role
from triagelens.domain.statistics import Counted
from triagelens.services.counting import Counting

ANALYZED = frozenset(
    {
        "all#image#skin#analyzed",
        "all#purpose#diagnosis",
        "all#class#skin#nv",
        "day#2026-11-22#image#analyzed",
    }
)
REJECTED = frozenset(
    {
        "all#image#eye#rejected",
        "all#purpose#diagnosis",
        "all#reason#eye#blurred",
        "day#2026-10-01#image#rejected",
    }
)
PATIENT = frozenset({"all#patient#registered", "day#2026-11-22#patient#registered"})
MADE = frozenset({"all#report#ready", "day#2026-11-22#report#ready"})
ASKED_FOR = frozenset({"all#report#queued", "day#2026-10-01#report#queued"})


@pytest.fixture
def tally(client: TestClient) -> FakeTally:
    made = FakeTally()
    assert isinstance(client.app, FastAPI)
    client.app.dependency_overrides[statistics.tally] = lambda: made
    states = [("IMG#1", ANALYZED), ("IMG#2", ANALYZED), ("IMG#3", REJECTED)]
    states += [("PAT#1", PATIENT), ("PAT#2", PATIENT), ("REPORT#1", MADE), ("REPORT#2", ASKED_FOR)]
    Counting(made).count([Counted(record=record, version=1, facets=facets) for record, facets in states])
    return made


@pytest.mark.usefixtures("tally")
@pytest.mark.parametrize("role", [Role.RESEARCHER, Role.ADMIN])
def test_totals_are_told_and_the_last_thirty_days(client: TestClient, fakes: Fakes, role: Role) -> None:
    answer = client.get("/v1/stats", headers=fakes.person("ada", role))
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["submissions"], told["received"]) == (3, 3)
    assert told["images"] == {"analyzed": 2, "rejected": 1}
    assert told["classes"] == {"nv": 2}
    assert told["rejection_rate"] == pytest.approx(1 / 3)
    assert told["specialties"]["eye"]["rejection_reasons"] == {"blurred": 1}
    assert told["specialties"]["eye"]["rejection_rate"] == 1
    assert (told["patients"], told["reports"]) == (2, {"queued": 1, "ready": 1})
    [day] = told["days"]
    assert day == {
        "day": "2026-11-22",
        "images": {"analyzed": 2},
        "cases": {},
        "patients": 2,
        "reports": {"ready": 1},
    }


@pytest.mark.usefixtures("tally")
def test_other_days_can_be_asked_for(client: TestClient, fakes: Fakes) -> None:
    admin = fakes.person("ada", Role.ADMIN)
    answer = client.get("/v1/stats?from=2026-10-01&to=2026-10-31", headers=admin)
    assert [day["day"] for day in answer.json()["days"]] == ["2026-10-01"]


@pytest.mark.usefixtures("tally")
@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("from=2026-10-02&to=2026-10-01", 400),
        ("from=2024-01-01&to=2026-10-01", 400),
        ("from=yesterday", 422),
        ("to=0001-01-01", 422),
    ],
)
def test_days_that_make_no_sense_are_a_clear_mistake(
    client: TestClient, fakes: Fakes, query: str, status: int
) -> None:
    answer = client.get(f"/v1/stats?{query}", headers=fakes.person("ada", Role.ADMIN))
    assert answer.status_code == status


@pytest.mark.usefixtures("tally")
@pytest.mark.parametrize("role", [Role.PATIENT, Role.GP, Role.DOCTOR])
def test_nobody_else_sees_them(client: TestClient, fakes: Fakes, role: Role) -> None:
    assert client.get("/v1/stats", headers=fakes.person("eve", role)).status_code == 403


def test_before_anything_is_counted_there_is_nothing(client: TestClient, fakes: Fakes) -> None:
    assert isinstance(client.app, FastAPI)
    client.app.dependency_overrides[statistics.tally] = lambda: FakeTally()
    told = client.get("/v1/stats", headers=fakes.person("ada", Role.ADMIN)).json()
    assert (told["submissions"], told["rejection_rate"], told["days"]) == (0, None, [])
    assert (told["patients"], told["reports"]) == (0, {})
