"""Comments and labels over HTTP."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

from triagelens.domain.cases import Comment, ReaderLabel
from triagelens.services.ports import Page

Text = Annotated[str, Field(min_length=1, max_length=10_000, examples=["Compare with last year's photo."])]


class CommentRequest(BaseModel):
    """What there is to say about the case."""

    model_config = ConfigDict(extra="forbid")

    text: Text


class CommentResponse(BaseModel):
    """A comment. Former texts are in the case's history."""

    comment_id: str = Field(examples=["01k9qs0e4m2t9x6c8z1r5v3npd"])
    author: str = Field(description="Opaque id of who wrote it")
    text: str
    created_at: datetime
    edited_at: datetime | None = None

    @classmethod
    def of(cls, comment: Comment) -> Self:
        return cls.model_validate(comment.model_dump(include=set(cls.model_fields)))


class CommentList(BaseModel):
    """One page, newest first. Ask again with `cursor` until it is null."""

    items: list[CommentResponse]
    cursor: str | None = None

    @classmethod
    def of(cls, page: Page[Comment]) -> Self:
        return cls(items=[CommentResponse.of(comment) for comment in page.items], cursor=page.cursor)


class CaseLabelRequest(BaseModel):
    """What the reader takes the case for."""

    model_config = ConfigDict(extra="forbid")

    correct_label: str = Field(
        min_length=1, max_length=64, description="A label of the case's specialty", examples=["nv"]
    )
    notes: str | None = Field(default=None, max_length=10_000)


class CaseLabelResponse(BaseModel):
    """One reader's label of a case."""

    reader: str = Field(description="Opaque id of the reader")
    correct_label: str = Field(examples=["nv"])
    notes: str | None = None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, label: ReaderLabel) -> Self:
        return cls.model_validate(label.model_dump(include=set(cls.model_fields)))


class CaseLabelList(BaseModel):
    """One page, one label for each reader. Ask again with `cursor` until it is null."""

    items: list[CaseLabelResponse]
    cursor: str | None = None

    @classmethod
    def of(cls, page: Page[ReaderLabel]) -> Self:
        return cls(items=[CaseLabelResponse.of(label) for label in page.items], cursor=page.cursor)
