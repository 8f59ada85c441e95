"""Entries of the audit trail and its closed days."""

from datetime import date, datetime
from typing import Self

from pydantic import BaseModel, Field

from triagelens.domain.audit import AuditEntry, Outcome
from triagelens.domain.audit_chain import Seal
from triagelens.services.ports import Page


class AuditEntryResponse(BaseModel):
    """Who did what, when, from where, and whether it was allowed. It names nobody."""

    entry_id: str = Field(examples=["01k9yq3v6n8m2r5t7w9x1z3b5d"])
    at: datetime
    actor: str = Field(
        description="Id of the person, or `anonymous`", examples=["6b1f0f3a-6f5e-4f43-8f0e-2d2b8a4f1c11"]
    )
    action: str = Field(
        description="In a use case's words, or as method and route", examples=["patient.read"]
    )
    subject: str = Field(
        description="Id of what it was done to; `-` if no one thing", examples=["01k9yq3v6n8m2r5t7w9x1z3b5c"]
    )
    outcome: Outcome
    correlation_id: str = Field(description="Of the request; its log lines carry it too")
    reason: str | None = Field(default=None, description="Why, where somebody had to say")
    source: str | None = Field(
        default=None, description="Network that the request came from", examples=["203.0.113.0/24"]
    )


class AuditEntryList(BaseModel):
    """One page of entries, newest first. Ask again with `cursor` until it is null."""

    items: list[AuditEntryResponse]
    cursor: str | None = None

    @classmethod
    def of(cls, page: Page[AuditEntry]) -> Self:
        items = [AuditEntryResponse.model_validate(entry.model_dump()) for entry in page.items]
        return cls(items=items, cursor=page.cursor)


class AuditDayResponse(BaseModel):
    """A closed day: where its chain of hashes ends, signed."""

    day: date
    count: int = Field(description="Links of the day's chain", examples=[1250])
    head: str = Field(description="Hash of the last link, hex", examples=["9f86d081884c7d65..."])
    previous_day: date | None = None
    previous_head: str | None = None
    signature: str = Field(description="Of day, count, head and the day before, as canonical JSON; base64")
    public_key: str = Field(description="To check the signature with; DER in base64")
    algorithm: str = Field(examples=["ECDSA_SHA_256"])
    export_url: str | None = Field(
        default=None, description="Good for five minutes: the day's links as JSON Lines. Not in lists"
    )

    @classmethod
    def of(cls, seal: Seal, export_url: str | None = None) -> Self:
        told = {**seal.head.model_dump(), **seal.model_dump(exclude={"head"})}
        return cls.model_validate({**told, "export_url": export_url})


class AuditDayList(BaseModel):
    """One page of closed days, newest first. Ask again with `cursor` until it is null."""

    items: list[AuditDayResponse]
    cursor: str | None = None

    @classmethod
    def of(cls, page: Page[Seal]) -> Self:
        return cls(items=[AuditDayResponse.of(seal) for seal in page.items], cursor=page.cursor)
