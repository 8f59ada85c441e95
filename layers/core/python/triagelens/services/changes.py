"""A change, made to a version that the caller has read."""

from dataclasses import dataclass

from triagelens.domain.errors import OutdatedError
from triagelens.domain.people import Person


@dataclass(frozen=True)
class Asked:
    """Who asks, on which version of the record (any of `versions`), in which request."""

    person: Person
    versions: frozenset[int]
    correlation_id: str

    def check(self, version: int | None, thing: str) -> None:
        """Makes sure that the caller has read the version that is stored.

        Raises:
            OutdatedError: the record has changed since.
        """
        if version not in self.versions:
            raise OutdatedError(f"The {thing} has changed since you read it. Read it again, then decide.")
