"""What is counted about records, and what the counts say.

A record stands for a set of facets, each of which is one counter. A counter is the number of records that
have its facet; nothing in a facet is of a person.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from pydantic import BaseModel, ConfigDict

from triagelens.domain.cases import Case
from triagelens.domain.images import ImageRecord, ImageStatus

TOTAL = "all"
DAY = "day"
# Of these the quality check has said yes or no.
JUDGED = frozenset({ImageStatus.ACCEPTED, ImageStatus.ANALYZED, ImageStatus.REJECTED})
# Greater than the version of any record: nothing is counted any more behind a record's end.
GONE = 2**53


class Counted(BaseModel):
    """A record as it is in the counters.

    Attributes:
        record: kind and id of the record.
        version: of the record, when it was counted.
        lock: of the note that says so.
    """

    model_config = ConfigDict(frozen=True)

    record: str
    version: int
    facets: frozenset[str]
    lock: int | None = None

    @classmethod
    def gone(cls, record: str) -> "Counted":
        """A record that was deleted."""
        return cls(record=record, version=GONE, facets=frozenset())


def facets_of_image(image: ImageRecord) -> frozenset[str]:
    """The counters that an image is in."""
    found = {
        f"{TOTAL}#image#{image.specialty}#{image.status}",
        f"{TOTAL}#purpose#{image.upload.purpose}",
        f"{DAY}#{image.created_at:%Y-%m-%d}#image#{image.status}",
    }
    if image.status is ImageStatus.ANALYZED and image.prediction is not None:
        found.add(f"{TOTAL}#class#{image.specialty}#{image.prediction.top_label}")
    if image.status is ImageStatus.REJECTED and image.quality is not None:
        decisive = {reason.code for reason in image.quality.reasons if reason.severity == "reject"}
        found |= {f"{TOTAL}#reason#{image.specialty}#{code}" for code in decisive}
    return frozenset(found)


def facets_of_case(case: Case) -> frozenset[str]:
    """The counters that a case is in."""
    return frozenset(
        {
            f"{TOTAL}#case#{case.specialty}#{case.status}",
            f"{DAY}#{case.created_at:%Y-%m-%d}#case#{case.status}",
        }
    )


class DayCounts(BaseModel):
    """What was begun on one day (UTC), by what has become of it since."""

    day: date
    images: dict[str, int] = {}
    cases: dict[str, int] = {}


class SpecialtyCounts(BaseModel):
    """Counts of one specialty.

    Attributes:
        classes: analysed images by their first label.
        rejection_reasons: rejected images by reason; one image may have several.
        rejection_rate: rejected ones among those that the quality check judged; None where there are none.
    """

    images: dict[str, int] = {}
    cases: dict[str, int] = {}
    classes: dict[str, int] = {}
    rejection_reasons: dict[str, int] = {}
    rejection_rate: float | None = None


class Statistics(SpecialtyCounts):
    """Everything that is counted.

    Attributes:
        submissions: every upload that was announced.
        received: those of which an image came.
        purposes: submissions by purpose.
        days: the days that were asked for and have any, the earliest first.
    """

    submissions: int = 0
    received: int = 0
    purposes: dict[str, int] = {}
    specialties: dict[str, SpecialtyCounts] = {}
    days: list[DayCounts] = []


_FIELDS = {"image": "images", "case": "cases", "class": "classes", "reason": "rejection_reasons"}


def statistics(totals: Mapping[str, int], days: Mapping[str, int]) -> Statistics:
    """What the counters say: `totals` and `days` hold them by facet."""
    everything: dict[str, Any] = {name: {} for name in _FIELDS.values()}
    specialties: dict[str, dict[str, dict[str, int]]] = {}
    purposes: dict[str, int] = {}
    for facet, count in totals.items():
        _, kind, name = facet.split("#", 2)
        if kind == "purpose":
            purposes[name] = count
            continue
        specialty, _, value = name.partition("#")
        field = _FIELDS[kind]
        specialties.setdefault(specialty, {}).setdefault(field, {})[value] = count
        everything[field][value] = everything[field].get(value, 0) + count
    images = everything["images"]
    submissions = sum(images.values())
    return Statistics(
        **everything,
        rejection_rate=_rejection_rate(images),
        submissions=submissions,
        received=submissions - images.get(ImageStatus.AWAITING_UPLOAD, 0),
        purposes=purposes,
        specialties={name: _of_specialty(counts) for name, counts in sorted(specialties.items())},
        days=_days(days),
    )


def _of_specialty(counts: dict[str, dict[str, int]]) -> SpecialtyCounts:
    rate = _rejection_rate(counts.get("images", {}))
    return SpecialtyCounts.model_validate({**counts, "rejection_rate": rate})


def _rejection_rate(images: Mapping[str, int]) -> float | None:
    judged = sum(images.get(status, 0) for status in JUDGED)
    return images.get(ImageStatus.REJECTED, 0) / judged if judged else None


def _days(counters: Mapping[str, int]) -> list[DayCounts]:
    days: dict[str, dict[str, Any]] = {}
    for facet, count in counters.items():
        _, day, kind, value = facet.split("#", 3)
        days.setdefault(day, {"day": day}).setdefault(_FIELDS[kind], {})[value] = count
    return [DayCounts.model_validate(days[day]) for day in sorted(days)]
