"""People of a former system, whose bcrypt hashes are kept until they first sign in here."""

import re
from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from triagelens.domain.people import Role

# $2b$12$ and 53 characters of bcrypt's own base 64.
BCRYPT = re.compile(r"\$2[aby]\$(?P<cost>\d\d)\$[./A-Za-z0-9]{53}")
# The identity provider waits five seconds for an answer; cost 14 takes about one.
LOWEST_COST, HIGHEST_COST = 4, 14
# bcrypt has never looked at more of a password than this.
LONGEST_PASSWORD_BYTES = 72


class Verdict(StrEnum):
    TAKEN = "taken"
    KNOWN = "known"
    REFUSED = "refused"


class FormerFeedback(BaseModel):
    """What somebody said of their former system; `submitted_at` None if nobody knows when."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    rating: int = Field(ge=1, le=5)
    text: str | None = Field(default=None, repr=False)
    submitted_at: datetime | None = None


class Newcomer(BaseModel):
    """A person as their former system knew them.

    Attributes:
        last_name: which last part of `name` is it, and empty if none is; None if that is not known.
        patient_id: of the record that is theirs, for a patient.
    """

    model_config = ConfigDict(frozen=True)

    username: str
    password_hash: str = Field(repr=False)
    role: str
    name: str | None = None
    last_name: str | None = None
    patient_id: str | None = None
    feedback: FormerFeedback | None = None


class Migration(BaseModel):
    """A person who is expected.

    Attributes:
        proof: random; the account that is made at their first sign-in carries it, and no other can.
        sealed_hash: the encrypted bcrypt hash, base 64; None once they have come.
        sub: theirs, once they have come.
        patient_id: the patient that they are.
        feedback: what they said before, until they have come.
    """

    model_config = ConfigDict(frozen=True)

    username: str
    role: Role
    name: str | None = None
    last_name: str | None = None
    proof: str = Field(repr=False)
    sealed_hash: str | None = Field(default=None, repr=False)
    taken_at: datetime
    sub: str | None = None
    patient_id: str | None = None
    feedback: FormerFeedback | None = None
    version: int | None = None


class Judged(BaseModel):
    """What became of a newcomer; `reason` where they were refused."""

    model_config = ConfigDict(frozen=True)

    username: str
    verdict: Verdict
    reason: str | None = None


def fault_of(newcomer: Newcomer) -> str | None:
    """Why somebody cannot be taken, in words that tell nothing of the hash; None if they can."""
    if newcomer.role not in set(Role):
        return f"the role is none of {', '.join(Role)}"
    if newcomer.patient_id is not None and newcomer.role != Role.PATIENT:
        return "only a patient has a patient's record"
    known = BCRYPT.fullmatch(newcomer.password_hash)
    if known is None:
        return "the password hash is not one of bcrypt"
    if not LOWEST_COST <= int(known["cost"]) <= HIGHEST_COST:
        return f"the password hash has a cost of more than {HIGHEST_COST}, or less than {LOWEST_COST}"
    return None
