"""Answers of the API about what was counted."""

from collections.abc import Mapping
from datetime import date, datetime

from triagelens_client.models import Answer


class DayCounts(Answer):
    """What was begun on one day (UTC), by status; patients have none."""

    day: date
    images: Mapping[str, int] = {}
    cases: Mapping[str, int] = {}
    patients: int = 0
    reports: Mapping[str, int] = {}


class SpecialtyCounts(Answer):
    """Counts of one specialty.

    Attributes:
        classes: analysed images by their first label.
        rejection_rate: rejected ones among those that were judged; None where there are none.
    """

    images: Mapping[str, int] = {}
    cases: Mapping[str, int] = {}
    classes: Mapping[str, int] = {}
    rejection_reasons: Mapping[str, int] = {}
    rejection_rate: float | None = None


class Statistics(SpecialtyCounts):
    """Everything that is counted.

    Attributes:
        submissions: every upload that was announced.
        received: those of which an image came.
        patients: those that have a record.
        reports: by status; those that are ready have a file.
    """

    submissions: int
    received: int
    purposes: Mapping[str, int] = {}
    patients: int = 0
    reports: Mapping[str, int] = {}
    specialties: Mapping[str, SpecialtyCounts] = {}
    days: tuple[DayCounts, ...] = ()
    read_at: datetime
