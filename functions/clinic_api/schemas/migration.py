"""People of a former system, taken over with their passwords."""

from datetime import UTC, datetime
from typing import Annotated, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, SecretStr

from clinic_api.schemas.auth import Request
from clinic_api.schemas.feedback import Rating
from clinic_api.schemas.images import PatientId
from triagelens.domain.migration import FormerFeedback, Judged, Newcomer, Verdict

MOST_AT_ONCE = 50
Text = Annotated[str, Field(max_length=100)]


def _in_living_memory(moment: datetime) -> datetime:
    if moment < datetime(1970, 1, 1, tzinfo=UTC):
        raise ValueError("nothing was said before 1970")
    return moment


class FormerFeedbackRequest(BaseModel):
    """What somebody said of their former system."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    rating: Rating
    text: str | None = Field(default=None, max_length=4_000, examples=["The result came fast."])
    submitted_at: Annotated[AwareDatetime, AfterValidator(_in_living_memory)] | None = None


class NewcomerRequest(Request):
    """Somebody as their former system knew them."""

    username: str = Field(pattern=r"^[A-Za-z0-9._-]{1,64}$", examples=["user001"])
    password_hash: SecretStr = Field(max_length=200, description="As bcrypt made it; never shown again")
    first_name: Text | None = Field(default=None, examples=["Jane"])
    last_name: Text | None = Field(default=None, examples=["Roe"])
    role: Text = Field(default="", examples=["doctor"])
    patient_id: PatientId | None = Field(
        default=None, description="The record that is theirs, for somebody of the role `patient`"
    )

    feedback: FormerFeedbackRequest | None = Field(
        default=None, description="Theirs once they come, unless they have given other feedback by then"
    )

    def newcomer(self) -> Newcomer:
        name = " ".join(part for part in (self.first_name, self.last_name) if part)
        return Newcomer(
            username=self.username,
            password_hash=self.password_hash.get_secret_value(),
            role=self.role,
            name=name[:100] or None,
            last_name=self.last_name,
            patient_id=self.patient_id,
            feedback=None if self.feedback is None else FormerFeedback(**dict(self.feedback)),
        )


class MigrationRequest(Request):
    """A batch of people."""

    users: list[NewcomerRequest] = Field(min_length=1, max_length=MOST_AT_ONCE)
    dry_run: bool = Field(default=False, description="Says what would become of them and changes nothing")


class JudgedResponse(BaseModel):
    """What became of somebody."""

    username: str = Field(examples=["user001"])
    verdict: Verdict = Field(description="`known`: taken before, whether or not they have come since")
    reason: str | None = Field(default=None, description="Why somebody was refused")


class MigrationResponse(BaseModel):
    """What became of each, in the order in which they were sent."""

    results: list[JudgedResponse]

    @classmethod
    def of(cls, judged: list[Judged]) -> Self:
        return cls(results=[JudgedResponse.model_validate(one.model_dump()) for one in judged])
