"""Answers of the API about cases."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from triagelens_client.models import Answer, Image


class CaseNumber(Answer):
    number: int


class Decision(Answer):
    """Who gave a case its status, when, and why; `by` and `reason` are for clinicians."""

    at: datetime
    by: str | None = None
    reason: str | None = None


class Case(Answer):
    """A case as it was when it was read.

    Attributes:
        status: `open`, `uncertain`, `confirmed` or `rejected`.
        owner: opaque id of who made it.
        images: only where the case was asked for by its id.
        version: changes are made to this version, and refused if the case has another one by then.
    """

    case_id: str
    number: int
    specialty: str
    status: str
    owner: str
    image_ids: tuple[str, ...]
    images: tuple[Image, ...] = ()
    patient_id: str | None = None
    notes: str | None = None
    final_diagnosis: str | None = None
    decision: Decision | None = None
    created_at: datetime
    updated_at: datetime
    version: int


class Change(Answer):
    """One entry of a case's history. What did not change is in neither `before` nor `after`."""

    at: datetime
    by: str
    action: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    reason: str | None = None


class Comment(Answer):
    """What somebody said about a case."""

    comment_id: str
    author: str
    text: str
    created_at: datetime
    edited_at: datetime | None = None


class CaseLabel(Answer):
    """What one reader takes a case for."""

    reader: str
    correct_label: str
    notes: str | None = None
    created_at: datetime
    updated_at: datetime
