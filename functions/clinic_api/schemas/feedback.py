"""Feedback over HTTP."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

from triagelens.domain.feedback import Feedback
from triagelens.services.feedback import Removed
from triagelens.services.ports import Page

Rating = Annotated[int, Field(ge=1, le=5, description="1 is bad, 5 is good", examples=[4])]


class FeedbackRequest(BaseModel):
    """What you think of the platform."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    rating: Rating
    text: str | None = Field(default=None, max_length=4_000, examples=["The result came fast."])


class FeedbackResponse(BaseModel):
    """One person's feedback."""

    feedback_id: str
    person: str = Field(
        description="Opaque id of who gave it", examples=["11111111-2222-3333-4444-555555555555"]
    )
    rating: Rating
    text: str | None = Field(default=None, examples=["The result came fast."])
    submitted_at: datetime

    @classmethod
    def of(cls, feedback: Feedback) -> Self:
        return cls.model_validate(feedback.model_dump(include=set(cls.model_fields)))


class FeedbackStatusResponse(BaseModel):
    """Whether you have given feedback, and what you said."""

    given: bool
    feedback: FeedbackResponse | None = None

    @classmethod
    def of(cls, feedback: Feedback | None) -> Self:
        return cls(given=feedback is not None, feedback=feedback and FeedbackResponse.of(feedback))


class FeedbackList(BaseModel):
    """One page of everybody's feedback, newest first. Ask again with `cursor` until it is null."""

    items: list[FeedbackResponse]
    cursor: str | None = None

    @classmethod
    def of(cls, page: Page[Feedback]) -> Self:
        return cls(items=[FeedbackResponse.of(entry) for entry in page.items], cursor=page.cursor)


class FeedbackResetResponse(BaseModel):
    """What a reset took away. Call it again as long as there is more."""

    removed: int = Field(examples=[12])
    more: bool

    @classmethod
    def of(cls, removed: Removed) -> Self:
        return cls(removed=removed.count, more=removed.more)
