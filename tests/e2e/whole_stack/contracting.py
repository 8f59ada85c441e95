"""A former system's app: sends what a contract tells, and looks at the answers."""

import json
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import cached_property
from time import time
from typing import Any

import httpx

from tests.contracts.contract import Contract, Step
from tests.contracts.matching import differences
from tests.e2e.whole_stack import files
from tests.e2e.whole_stack.learning import half_train, ingest
from tests.e2e.whole_stack.mails import invitation
from tests.e2e.whole_stack.stack import CODE, PASSWORD, PATIENCE_S, Person, Stack, until

_NAME = re.compile(r"\{([a-z_0-9]+)\}")
_FILE = re.compile(r"([a-z_]+?)(\d*)(\.[a-z]+)?")


class Staff:
    """People of every role, made when somebody asks for them."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._people: dict[str, Person] = {}

    def ingest(self, job_id: str) -> None:
        """Has an ingestion done at once."""
        ingest(self._stack.cloud, job_id)

    def half_train(self, job_id: str) -> None:
        """Has a training begun, and half of its epochs done."""
        half_train(self._stack.cloud, job_id)

    @contextmanager
    def crowd(self) -> Iterator[None]:
        """Takes every place of the waiting room."""
        table, dynamodb = self._stack.outputs["EphemeralTable"], self._stack.aws("dynamodb")
        keys = [{"pk": {"S": f"WAIT#{place}"}, "sk": {"S": "LEASE"}} for place in range(self._places)]
        lease = {"kind": {"S": "lease#crowd"}, "expires_at": {"N": str(int(time()) + 60)}}
        for key in keys:
            dynamodb.put_item(TableName=table, Item=key | lease)
        try:
            yield
        finally:
            for key in keys:
                dynamodb.delete_item(TableName=table, Key=key)

    @cached_property
    def _places(self) -> int:
        """How many requests may wait at the same time, as the API was told."""
        functions = self._stack.aws("lambda").list_functions()["Functions"]
        told = [one.get("Environment", {}).get("Variables", {}) for one in functions]
        (waiters,) = [one["WAITERS"] for one in told if "WAITERS" in one]
        return int(waiters)

    def invitation(self, address: str) -> dict[str, str]:
        """What the mail of an invitation tells."""
        username, password = invitation(self._stack, address)
        return {"mailed_username": username, "mailed_password": password}

    def __getitem__(self, name: str) -> Person:
        """By role, with a number where another person of it is meant."""
        if name not in self._people:
            role = name.rstrip("0123456789")
            person = self._stack.person(role)
            self._people[name] = person if role == "patient" else self._stack.grant(person, role)
        return self._people[name]


class FormerApp:
    """Goes through one contract."""

    def __init__(self, staff: Staff, http: httpx.Client, system: str, contract: Contract) -> None:
        self._staff = staff
        self._http = http
        self._prefix = f"/compat/{system}"
        self._contract = contract
        self._kept: dict[str, Any] = {
            "unique": uuid.uuid4().hex[:10],
            "password": PASSWORD,
            "code": CODE,
            "reset_code": "654321",
        }

    def go(self) -> None:
        """Every step in its order.

        Raises:
            AssertionError: an answer is not as the contract tells.
        """
        for step in (*self._contract.before, *self._contract.steps):
            if step.eventually:
                self._wait_for(step)
            else:
                wrong = self._take(step)
                assert not wrong, "\n".join([step.what, *wrong])

    def _wait_for(self, step: Step) -> None:
        wrong: list[str] = []

        def right() -> bool:
            wrong[:] = self._take(step)
            return not wrong

        try:
            until(right, step.what, PATIENCE_S)
        except AssertionError as error:
            raise AssertionError("\n".join([str(error), *wrong])) from error

    def _take(self, step: Step) -> list[str]:
        """Sends one request; what is wrong with its answer."""
        with self._staff.crowd() if step.crowded else nullcontext():
            answer = self._send(step)
        if answer.status_code != step.status:
            return [f"status {answer.status_code}, not {step.status}: {answer.text[:500]}"]
        assert "x-correlation-id" in answer.headers
        if step.answer is None and not step.keep:
            return []
        found = answer.json()
        wrong = [] if step.answer is None else differences(self._filled(step.answer), found)
        if not wrong:
            self._kept |= {name: _at(found, path) for name, path in step.keep.items()}
        return wrong

    def _send(self, step: Step) -> httpx.Response:
        if step.ingest is not None:
            self._staff.ingest(str(self._filled(step.ingest)))
        if step.train is not None:
            self._staff.half_train(str(self._filled(step.train)))
        if step.mail is not None:
            self._kept |= self._staff.invitation(str(self._filled(step.mail)))
        path = str(self._filled(step.path or self._contract.path))
        headers = {name: str(self._filled(value)) for name, value in step.headers.items()}
        if step.by is not None:
            person = self._staff[step.by]
            headers["Authorization"] = f"Bearer {person.access_token}"
        sent: dict[str, Any] = {}
        if step.body is not None:
            sent["json"] = self._filled(step.body)
        if step.form is not None:
            sent["data"] = {name: _field(self._filled(value)) for name, value in step.form.items()}
        if step.files:
            sent["files"] = [(name, _file(one)) for name, some in step.files.items() for one in _list(some)]
        return self._http.request(
            step.method or self._contract.method,
            path if path.startswith("/v1/") else f"{self._prefix}{path}",
            params=self._filled(step.query),
            headers=headers,
            **sent,
        )

    def _filled(self, value: Any) -> Any:
        """`value` with what was kept in the place of its name; a name alone keeps its type."""
        if isinstance(value, dict):
            return {key: self._filled(part) for key, part in value.items()}
        if isinstance(value, list):
            return [self._filled(part) for part in value]
        if not isinstance(value, str):
            return value
        if alone := _NAME.fullmatch(value):
            return self._known(alone[1])
        return _NAME.sub(lambda found: str(self._known(found[1])), value)

    def _known(self, name: str) -> Any:
        """What an earlier step kept, or `<role>_username`, `<role>_email`, `<role>_token` of a person."""
        if name in self._kept:
            return self._kept[name]
        who, _, what = name.rpartition("_")
        attribute = "access_token" if what == "token" else what
        return getattr(self._staff[who], attribute)


def _at(value: Any, path: str) -> Any:
    """The value at a path such as `user.user_id` or `0.image_id`."""
    for step in path.split("."):
        value = value[int(step)] if isinstance(value, list) else value[step]
    return value


def _field(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def _file(name: str) -> tuple[str, bytes]:
    """A test file by its function's name, its seed where it takes one (`sharp7`), and its ending."""
    found = _FILE.fullmatch(name)
    assert found is not None, name
    make = getattr(files, found[1])
    return name if found[3] else f"{name}.jpg", make(int(found[2])) if found[2] else make()
