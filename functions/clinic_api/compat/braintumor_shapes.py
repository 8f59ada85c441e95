"""Counts and health, as the brain tumour system's portals are told them."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel

from clinic_api.compat.braintumor_words import NO_TUMOUR, SPECIALTY, tumours
from triagelens.domain.images import ImageStatus
from triagelens.domain.reports import ReportStatus
from triagelens.domain.statistics import SpecialtyCounts, Statistics


class Counts(BaseModel):
    """Counts of the whole clinic, whoever's they are.

    Attributes:
        total_patients: those that have a record.
        total_reports: those that have a file, of whichever images.
        total_scans, tumor_count, no_tumor_count: images of the brain, by the platform's own findings.
    """

    total_patients: int
    total_scans: int
    total_reports: int
    tumor_count: int
    no_tumor_count: int

    @classmethod
    def of(cls, counted: Statistics) -> Self:
        brain = counted.specialties.get(SPECIALTY, SpecialtyCounts())
        return cls(
            total_patients=counted.patients,
            total_scans=brain.images.get(ImageStatus.ANALYZED, 0),
            total_reports=counted.reports.get(ReportStatus.READY, 0),
            tumor_count=tumours(brain.classes),
            no_tumor_count=brain.classes.get(NO_TUMOUR, 0),
        )


class Dashboard(BaseModel):
    success: bool = True
    stats: Counts


class Health(BaseModel):
    success: bool = True
    status: str = "healthy"
    timestamp: datetime
