"""The person in whose name the demo acts: made up for each laptop cloud, with a password nobody knows."""

import os
import secrets
from pathlib import Path

from pydantic import BaseModel, Field, ValidationError

from triagelens_client import InvalidRequestError, Triagelens, UnauthenticatedError
from triagelens_client.sessions import Sessions

_CONFIRMATION_CODE = "123456"  # the laptop cloud posts no e-mail; its codes are always this one


class DemoPerson(BaseModel):
    """A sign-in that only this laptop's cloud knows."""

    username: str
    password: str = Field(repr=False)

    @classmethod
    def invented(cls) -> "DemoPerson":
        return cls(username=f"demo-{secrets.token_hex(3)}", password=f"Aa1-{secrets.token_urlsafe(24)}")


def signed_in(client: Triagelens, api_url: str, folder: Path) -> str:
    """Signs the demo person in, and up first where this cloud does not know them; gives the username.

    The password is kept in `folder`, readable by this user only, and the sign-in too: the command
    `triagelens --config-dir` with that folder acts for the same person.
    """
    kept = folder / "person.json"
    person = _read(kept)
    tokens = None
    if person is not None:
        try:
            tokens = client.sign_in(person.username, person.password)
        except (InvalidRequestError, UnauthenticatedError):
            person = None  # the cloud was made anew since
    if person is None or tokens is None:
        person = DemoPerson.invented()
        client.sign_up(person.username, person.password, email=f"{person.username}@example.org")
        client.confirm(person.username, _CONFIRMATION_CODE)
        _keep(person, kept)
        tokens = client.sign_in(person.username, person.password)
    Sessions(folder / "session.json").remember(api_url, tokens)
    return person.username


def _read(file: Path) -> DemoPerson | None:
    try:
        return DemoPerson.model_validate_json(file.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


def _keep(person: DemoPerson, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        stream.write(person.model_dump_json())
