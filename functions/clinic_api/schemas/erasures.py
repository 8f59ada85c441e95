"""Schemas of erasures."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel, Field

from clinic_api.examples import A_PERSON, AN_ID
from triagelens.domain.erasures import ErasureStatus, Receipt
from triagelens.services.ports import Page


class ErasureResponse(BaseModel):
    """The receipt of an erasure. It holds opaque ids only, and stays."""

    erasure_id: str = Field(examples=[AN_ID])
    patient_id: str = Field(examples=[AN_ID])
    status: ErasureStatus = Field(
        description="`done` after the first pass, `swept` after the second, a quarter of an hour later"
    )
    requested_by: str = Field(description="Opaque id of who asked for it", examples=[A_PERSON])
    begun_at: datetime
    done_at: datetime | None = None
    swept_at: datetime | None = None
    images: int = Field(default=0, description="How many were erased, with their findings", examples=[12])
    cases: int = Field(default=0, description="How many were erased, with all that was said", examples=[3])
    reports: int = Field(default=0, examples=[1])
    kept_cases: list[str] = Field(
        default=[], description="Cases of other patients that held one of the images", examples=[[AN_ID]]
    )
    snapshots: list[str] = Field(
        default=[],
        description="Dataset snapshots that name one of the images",
        examples=[["3f1c9a7e5b2d4c6f8a0b1c2d3e4f5a6b"]],
    )
    models: list[str] = Field(
        default=[], description="Models that were trained on one of these", examples=[["skin/1.4.0"]]
    )
    account_removed: bool | None = Field(
        default=None,
        description="False: the account has another role by now, and stays; null: there was none, or not yet",
    )

    @classmethod
    def of(cls, receipt: Receipt) -> Self:
        begun, outcome = receipt.begun, receipt.outcome
        told = {} if outcome is None else outcome.model_dump(exclude={"at", "account"})
        return cls(
            erasure_id=begun.erasure_id,
            patient_id=begun.patient_id,
            status=receipt.status,
            requested_by=begun.requested_by,
            begun_at=begun.begun_at,
            done_at=None if receipt.done is None else receipt.done.at,
            swept_at=None if receipt.swept is None else receipt.swept.at,
            account_removed=None if outcome is None else outcome.account,
            **told,
        )


class ErasureList(BaseModel):
    """One page, newest first. Ask again with `cursor` until it is null."""

    items: list[ErasureResponse]
    cursor: str | None = None

    @classmethod
    def of(cls, page: Page[Receipt]) -> Self:
        return cls(items=[ErasureResponse.of(receipt) for receipt in page.items], cursor=page.cursor)
