"""Other people's accounts, for admins."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import httpx

from triagelens_client.account_models import MigratedUser, User
from triagelens_client.errors import NobodyError
from triagelens_client.http import Http, read_answer, segment
from triagelens_client.models import Answer, Page, all_of
from triagelens_client.tokens import TokenProvider

MIGRATED_AT_ONCE = 50

USERNAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
HASH_OF_BCRYPT = re.compile(r"\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}")
_MIGRATED_FIELDS = ("password_hash", "first_name", "last_name", "role", "patient_id")

_SENT_FIELDS = (*_MIGRATED_FIELDS, "feedback")


class _Migrated(Answer):
    results: tuple[MigratedUser, ...]


class Users:
    """Everybody. Made by `Triagelens`, as its `users`; each method needs the role admin.

    A change holds for the person's next request.
    """

    def __init__(self, http: Http, tokens: TokenProvider) -> None:
        self._http = http
        self._tokens = tokens

    def page(self, role: str | None = None, limit: int = 50, cursor: str | None = None) -> Page[User]:
        """One page of people, of one role or of all, by role and username."""
        query = {"role": role, "limit": limit, "cursor": cursor}
        return read_answer(Page[User], self._send("GET", "", query=query))

    def all(self, role: str | None = None) -> Iterator[User]:
        """People of one role or of all, page by page."""
        return all_of(lambda cursor: self.page(role, cursor=cursor))

    def named(self, username: str) -> User:
        """The person of that username. Looks through the list.

        Raises:
            NobodyError: there is none.
        """
        for user in self.all():
            if user.username == username:
                return user
        raise NobodyError(f"There is nobody called {username}.")

    def get(self, user_id: str) -> User:
        return read_answer(User, self._send("GET", f"/{segment(user_id)}"))

    def create(self, username: str, email: str, role: str, *, name: str | None = None) -> User:
        """Invites somebody, who gets their first password by e-mail."""
        body = {"username": username, "email": email, "role": role, "name": name}
        return read_answer(User, self._send("POST", "", body=_without_none(body)))

    def update(
        self,
        user_id: str,
        *,
        role: str | None = None,
        name: str | None = None,
        disabled: bool | None = None,
    ) -> User:
        """Changes what is given; the rest stays."""
        body = _without_none({"role": role, "name": name, "disabled": disabled})
        return read_answer(User, self._send("PATCH", f"/{segment(user_id)}", body=body))

    def delete(self, user_id: str) -> None:
        self._send("DELETE", f"/{segment(user_id)}")

    def reset_password(self, user_id: str) -> None:
        """Takes the password away; the person is mailed the way to a new one."""
        self._send("POST", f"/{segment(user_id)}/reset-password")

    def reset_authenticator(self, user_id: str) -> User:
        """Forgets the person's authenticator app, for who has lost theirs."""
        return read_answer(User, self._send("POST", f"/{segment(user_id)}/reset-authenticator"))

    def migrate(
        self, users: Mapping[str, Mapping[str, Any]], *, dry_run: bool = False
    ) -> Iterator[MigratedUser]:
        """Takes over people of a former system, who sign in with the password they have. Safe to repeat.

        Args:
            users: by username: `password_hash` (bcrypt), `first_name`, `last_name`, `role`, and of a patient
                `patient_id`, whose record is theirs. `feedback`: `rating` (1 to 5), `text`, `submitted_at`;
                theirs once they come, unless they give other feedback before.
            dry_run: says what would become of them and changes nothing.
        """
        sent = [
            {"username": name} | {key: record[key] for key in _SENT_FIELDS if record.get(key) is not None}
            for name, record in users.items()
        ]
        for start in range(0, len(sent), MIGRATED_AT_ONCE):
            body = {"users": sent[start : start + MIGRATED_AT_ONCE], "dry_run": dry_run}
            answer = self._send("POST", "/migrations", body=body, idempotent=True)
            yield from read_answer(_Migrated, answer).results

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        return self._http.send(method, f"/v1/users{path}", tokens=self._tokens, **request)


def _without_none(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def unfit_user(username: str, record: Any) -> str | None:
    """Why the API would not even look at a former user's record, without its values; None if it would."""
    if not isinstance(record, Mapping) or not record.get("password_hash"):
        return "the record is not one of a user with a password hash"
    fields = [record.get(field) for field in _MIGRATED_FIELDS]
    if not all(isinstance(value, str | None) and len(value or "") <= 100 for value in fields):
        return "the record is not one of a user with a password hash"
    if not HASH_OF_BCRYPT.fullmatch(record["password_hash"]):
        return "the password hash is not one of bcrypt"
    if not USERNAME.fullmatch(username):
        return "the name may hold letters, digits, dots, dashes and underscores only"
    return None
