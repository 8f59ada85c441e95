"""Every operation of the document x every role x whose the thing is: each cell stated, each exercised.

`matrix.py` states the cells, `matrix_world.py` makes people and things. A new operation fails here until it
has a row.
"""

from collections.abc import Mapping
from typing import Any

import pytest
from httpx import Response
from moto.dynamodb.models.table import StreamShard

from clinic_api.app import create_app
from clinic_api.deps import training
from tests.cloud import REGION
from tests.fake_training_jobs import FakeJobQueue
from tests.integration.api.conftest import PASSWORD, Api
from tests.integration.api.matrix import ROWS, Ownership, Row
from tests.integration.api.matrix_things import Names, a_name
from tests.integration.api.matrix_world import HASH, Others, World
from tests.integration.api.test_models_by_hand import MANIFEST
from triagelens.adapters.cognito import cognito_client
from triagelens.domain.people import Role

WHO = [None, *Role]
DENIALS = frozenset({401, 403, 404})
TOLD_APART = frozenset({"x-correlation-id"})
ONE_OF_THE_FIRST = ", ".join(f'"{version}"' for version in range(1, 9))


def operations() -> dict[str, tuple[str, str, Mapping[str, Any]]]:
    """Method, path and description of each operation, by its id."""
    document = create_app().openapi()
    return {
        operation["operationId"]: (method.upper(), path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


OPERATIONS = operations()


def operation_of(name: str) -> str:
    return name.partition(":")[0]


class Matrix:
    """Exercises the cells of one role."""

    def __init__(self, api: Api, role: Role | None, others: Others) -> None:
        self.world, self.role = World(api, role, others), role
        self.wrong: list[str] = []

    def row(self, name: str, row: Row) -> int:
        """Exercises a row; gives the number of its cells."""
        denials: list[Any] = []
        for whose in row.ownerships:
            answer = self.answer(name, row, whose)
            denied = answer.status_code in DENIALS
            fine = answer.is_success or answer.status_code in row.also
            stated = row.allows(self.role, whose)
            if denied == stated or not (denied or fine):
                self.wrong.append(f"{name}, {self.role}, {whose}, {stated=}: {answer.text or answer}")
            if denied:
                denials.append(look_of(answer))
        if not row.tells and any(denial != denials[0] for denial in denials):
            self.wrong.append(f"{name}, {self.role}: denials differ: {denials}")
        return len(row.ownerships)

    def answer(self, name: str, row: Row, whose: Ownership) -> Response:
        """What the API says to the request that the cell is about."""
        method, path, operation = OPERATIONS[operation_of(name)]
        names = self.names(row, whose)
        headers = {} if self.world.me is None else self.world.me.headers
        if row.own_session and self.role is not None:
            headers = self.world.another(self.role).headers
        takes_version = any(one["name"] == "If-Match" for one in operation.get("parameters", []))
        if takes_version and row.if_match:
            headers = {**headers, "If-Match": ONE_OF_THE_FIRST}
        body = filled(row.body or example_of(operation), names)
        answer: Response = self.world.api.client.request(
            method, path.format(**names), params=dict(row.query), json=body, headers=headers
        )
        return answer

    def names(self, row: Row, whose: Ownership) -> Names:
        names: Names = {"new": a_name(), "password": PASSWORD, "hash": HASH, "username": a_name()}
        names["manifest"] = {**MANIFEST, "version": a_name()}
        fresh = row.spends and row.allows(self.role, whose)
        for kind in row.needs:
            names |= self.world.names(kind, Ownership.ANY, fresh=True)
        return names | (self.world.names(row.of, whose, fresh=fresh) if row.of else {})


def example_of(operation: Mapping[str, Any]) -> Any:
    """The document's own example of what the operation takes."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content is None:
        return None
    if "example" in content:
        return content["example"]
    return next(iter(content["examples"].values()))["value"]


def filled(body: Any, names: Names) -> Any:
    """The body with `{name}` replaced by what it names."""
    if isinstance(body, Mapping):
        return {field: filled(value, names) for field, value in body.items()}
    if isinstance(body, list):
        return [filled(value, names) for value in body]
    if not isinstance(body, str):
        return body
    whole = body.removeprefix("{").removesuffix("}")
    return names[whole] if body == f"{{{whole}}}" else body.format(**names)


def look_of(answer: Response) -> tuple[int, Any, dict[str, str]]:
    """All that a caller can tell a denial by."""
    body = {name: value for name, value in answer.json().items() if name != "correlation_id"}
    headers = {name: value for name, value in answer.headers.items() if name not in TOLD_APART}
    return answer.status_code, body, headers


@pytest.fixture
def whole(api: Api, monkeypatch: pytest.MonkeyPatch) -> Api:
    """The API with what moto does not have: a queue that takes jobs, and codes that are sent again."""
    # moto copies each table with all that its stream ever held at each transaction; nobody reads it here.
    monkeypatch.setattr(StreamShard, "__deepcopy__", lambda shard, _: shard, raising=False)
    app: Any = api.client.app
    queue = FakeJobQueue()
    app.dependency_overrides[training.job_queue] = lambda: queue
    monkeypatch.setattr(cognito_client(REGION), "resend_confirmation_code", lambda **_: {})
    return api


@pytest.mark.parametrize("role", WHO, ids=str)
def test_each_role_may_do_what_is_stated_and_nothing_else(whole: Api, role: Role | None) -> None:
    matrix = Matrix(whole, role, Others.of(whole))
    cells = sum(matrix.row(name, row) for name, row in ROWS.items())
    assert matrix.wrong == [], "\n".join(matrix.wrong)
    assert cells == sum(len(row.ownerships) for row in ROWS.values())


def test_every_operation_is_stated_and_nothing_that_is_none() -> None:
    stated = {operation_of(name) for name in ROWS}
    unstated = set(OPERATIONS) - stated
    assert unstated == set(), "state who may do it and with whose things: a row in matrix.py"
    assert stated == set(OPERATIONS)


def test_whatever_a_path_names_has_an_owner_or_is_the_organisations() -> None:
    """A row cannot leave out whose the thing is."""
    for name, row in ROWS.items():
        path = OPERATIONS[operation_of(name)][1]
        assert ("{" in path) <= (row.of is not None), name


def test_what_needs_no_token_is_what_the_document_says() -> None:
    without = {name for name, (_, _, operation) in OPERATIONS.items() if not operation.get("security")}
    assert {operation_of(name) for name, row in ROWS.items() if row.roles is None} == without
