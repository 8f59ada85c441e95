"""Counts and health, as the brain tumour system's portals are told them."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel

from clinic_api.compat.braintumor_words import NO_TUMOUR, tumours
from triagelens.domain.images import ImageStatus
from triagelens.domain.statistics import SpecialtyCounts


class Counts(BaseModel):
    """Counts of the brain's images by the platform's own findings, whoever's they are."""

    total_scans: int
    tumor_count: int
    no_tumor_count: int

    @classmethod
    def of(cls, counts: SpecialtyCounts) -> Self:
        return cls(
            total_scans=counts.images.get(ImageStatus.ANALYZED, 0),
            tumor_count=tumours(counts.classes),
            no_tumor_count=counts.classes.get(NO_TUMOUR, 0),
        )


class Dashboard(BaseModel):
    success: bool = True
    stats: Counts


class Health(BaseModel):
    success: bool = True
    status: str = "healthy"
    timestamp: datetime
