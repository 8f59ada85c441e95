"""What people think of the platform itself."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field


class Feedback(BaseModel):
    """One person's feedback; a later one takes the place of an earlier one.

    Attributes:
        feedback_id: ULID of the latest submission; lists sort by it.
        rating: 1 (bad) to 5 (good).
        version: optimistic lock of the stored item.
    """

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    feedback_id: str
    person: str
    rating: int = Field(ge=1, le=5)
    text: str | None = None
    submitted_at: datetime
    version: int | None = None
