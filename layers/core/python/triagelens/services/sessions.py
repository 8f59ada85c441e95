"""Ending what a person's tokens can do."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from triagelens.domain.errors import ConflictError
from triagelens.domain.people import Person
from triagelens.services.identity_ports import IdentityProvider
from triagelens.services.journal import Journal
from triagelens.services.ports import Clock, People

TRIES = 5


def change_record(people: People, sub: str, **changes: Any) -> Person:
    """Changes a person's record whatever else changes in it at the same time.

    Raises:
        NotFoundError: there is none.
        ConflictError: it kept changing.
    """
    for _ in range(TRIES):
        try:
            return people.replace_person(people.person(sub).model_copy(update=changes))
        except ConflictError:
            continue
    raise ConflictError("The person's record keeps changing; try again.")


def end_of(second: datetime) -> datetime:
    """The next whole second. Tokens tell theirs in whole seconds: this one's all lie before it."""
    return second.replace(microsecond=0) + timedelta(seconds=1)


@dataclass(frozen=True)
class Sessions:
    people: People
    identity: IdentityProvider
    clock: Clock
    journal: Journal

    def sign_out(self, person: Person) -> None:
        """Ends every session of who asks, on every device, from their next request on."""
        self.journal.write(person.sub, "session.sign_out", person.sub)
        self.end(person)

    def end(self, person: Person) -> None:
        """Revokes refresh tokens, and makes access tokens of until now count no more.

        Cognito comes first: should the record's write fail, the access token still works, and the
        person can try again.
        """
        self.identity.sign_out(person.username)
        change_record(self.people, person.sub, valid_after=end_of(self.clock()))
