"""Somebody of a role, somebody else, and things of theirs, made through the API's own door."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import bcrypt

from tests.integration.api.conftest import PASSWORD, Api
from tests.integration.api.matrix import Ownership
from tests.integration.api.matrix_things import MAKERS, Names, Somebody, a_name
from triagelens.domain.ids import new_id
from triagelens.domain.people import Role

HASH = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
# What names a thing of a kind, where it is not the kind's name and `_id`.
LAST = {
    "number": "number",
    "day": "day",
    "model": "version",
    "model in question": "version",
    "drawing": "annotation_id",
}
MISSING: Mapping[str, Any] = {"number": 9_999_999, "day": "2026-10-31", "version": "9.9.9"}
# Of whose making both sides are, so that no two roles share one.
BETWEEN_TWO = frozenset({"comment"})

Kept = dict[tuple[str, Ownership], Names]


@dataclass
class Others:
    """Who is there whatever role is tried, and things of theirs."""

    them: Somebody
    third: Somebody
    kept: Kept = field(default_factory=dict)

    @classmethod
    def of(cls, api: Api) -> "Others":
        return cls(somebody(api, Role.ADMIN), somebody(api, Role.ADMIN))


def somebody(api: Api, role: Role) -> Somebody:
    """Somebody new of that role, signed in."""
    name = a_name()
    headers = api.sign_up(name)
    made = Somebody(name, role, headers, api.client.get("/v1/me", headers=headers).json()["id"])
    made.change(role=str(role))
    return made


@dataclass
class World:
    """People and their things.

    Attributes:
        me: whose role is tried; None: nobody, who has no token.
    """

    api: Api
    role: Role | None
    others: Others
    me: Somebody | None = field(init=False)
    _own: Kept = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.me = None if self.role is None else somebody(self.api, self.role)

    def another(self, role: Role) -> Somebody:
        """Somebody new of that role."""
        return somebody(self.api, role)

    def names(self, kind: str, whose: Ownership, *, fresh: bool) -> Names:
        """A thing of that kind. `fresh`: one that no request has used up."""
        owner = self.others.them if whose is not Ownership.OWN or self.me is None else self.me
        shared = owner is self.others.them and kind not in BETWEEN_TWO
        kept = self.others.kept if shared else self._own
        if not fresh and (kind, whose) in kept:
            return kept[kind, whose]
        made = self._made(kind, owner)
        if whose is Ownership.MISSING:
            made = self._without(kind, made)
        return made if fresh else kept.setdefault((kind, whose), made)

    def _made(self, kind: str, owner: Somebody) -> Names:
        if kind.endswith("/mine"):
            kind, owner = kind.removesuffix("/mine"), self.me or owner
        with self._as_admin():
            return MAKERS[kind](self, owner)

    def _without(self, kind: str, made: Names) -> Names:
        """The same names, but the last one made names nothing."""
        kind = kind.partition("/")[0]
        thing = LAST.get(kind, f"{kind}_id")
        nothing = a_name() if thing == "user_id" else new_id()
        return {**made, thing: MISSING.get(thing, nothing)}

    @contextmanager
    def _as_admin(self) -> Iterator[None]:
        """While I may do everything, so that anybody can own anything: roles change."""
        if self.me is None:
            yield
            return
        self.me.change(role="admin")
        yield
        self.me.change(role=str(self.me.role))

    def ask(self, person: Somebody, method: str, path: str, body: Any = None) -> Any:
        """What the API answers somebody who may."""
        answer = self.api.client.request(method, path, json=body, headers=person.headers)
        assert answer.is_success, f"{method} {path}: {answer.text}"
        return answer.json()
