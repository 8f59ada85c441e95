"""Statistics over HTTP."""

from datetime import datetime
from typing import Self

from pydantic import Field

from triagelens.domain.statistics import DayCounts, SpecialtyCounts, Statistics


class StatisticsResponse(Statistics):
    """Counts of images, cases, patients and reports. They follow a change within seconds, and name nobody."""

    submissions: int = Field(default=0, description="Uploads that were announced", examples=[120])
    received: int = Field(default=0, description="Those of which an image came", examples=[117])
    purposes: dict[str, int] = Field(default={}, description="Submissions by purpose")
    patients: int = Field(default=0, description="Patients that have a record", examples=[85])
    reports: dict[str, int] = Field(
        default={}, description="Reports by status; `ready` ones have a file", examples=[{"ready": 12}]
    )
    images: dict[str, int] = Field(
        default={}, description="Images by status", examples=[{"analyzed": 100, "rejected": 17}]
    )
    cases: dict[str, int] = Field(default={}, description="Cases by status", examples=[{"open": 4}])
    classes: dict[str, int] = Field(
        default={}, description="Analysed images by first label", examples=[{"nv": 80, "mel": 20}]
    )
    rejection_reasons: dict[str, int] = Field(
        default={},
        description="Rejected images by reason; one may have several",
        examples=[{"blurred": 17}],
    )
    rejection_rate: float | None = Field(
        default=None,
        description="Rejected ones among those that the quality check judged; null where there are none",
        examples=[0.145],
    )
    specialties: dict[str, SpecialtyCounts] = Field(default={}, description="The same for each specialty")
    days: list[DayCounts] = Field(
        default=[], description="What was begun on each day (UTC), by what has become of it since"
    )
    read_at: datetime

    @classmethod
    def of(cls, statistics: Statistics, now: datetime) -> Self:
        return cls.model_validate({**statistics.model_dump(), "read_at": now})
