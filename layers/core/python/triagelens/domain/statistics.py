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
from triagelens.domain.patients import Patient
from triagelens.domain.reports import Report

TOTAL = "all"
DAY = "day"
REGISTERED = "registered"
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


def facets_of_patient(patient: Patient) -> frozenset[str]:
    """The counters that a patient is in: that there is one, and nothing of who it is."""
    return frozenset(
        {f"{TOTAL}#patient#{REGISTERED}", f"{DAY}#{patient.created_at:%Y-%m-%d}#patient#{REGISTERED}"}
    )


def facets_of_report(report: Report) -> frozenset[str]:
    """The counters that a report is in."""
    return frozenset(
        {
            f"{TOTAL}#report#{report.status}",
            f"{DAY}#{report.created_at:%Y-%m-%d}#report#{report.status}",
        }
    )


class DayCounts(BaseModel):
    """What was begun on one day (UTC), by what has become of it since.

    Attributes:
        patients: records of patients that were made.
        reports: those that were asked for, or that a former system made.
    """

    day: date
    images: dict[str, int] = {}
    cases: dict[str, int] = {}
    patients: int = 0
    reports: dict[str, int] = {}


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
        patients: those that have a record.
        reports: by status, those of former systems too; those that are ready have a file.
        days: the days that were asked for and have any, the earliest first.
    """

    submissions: int = 0
    received: int = 0
    purposes: dict[str, int] = {}
    patients: int = 0
    reports: dict[str, int] = {}
    specialties: dict[str, SpecialtyCounts] = {}
    days: list[DayCounts] = []


# By kind of facet. What a specialty has is told of all of them together, too; the rest is of none.
_OF_SPECIALTIES = {"image": "images", "case": "cases", "class": "classes", "reason": "rejection_reasons"}
_OF_NONE = {"purpose": "purposes", "patient": "patients", "report": "reports"}


def statistics(totals: Mapping[str, int], days: Mapping[str, int]) -> Statistics:
    """What the counters say: `totals` and `days` hold them by facet."""
    everything: dict[str, dict[str, int]] = {name: {} for name in (_OF_SPECIALTIES | _OF_NONE).values()}
    specialties: dict[str, dict[str, dict[str, int]]] = {}
    for facet, count in totals.items():
        _, kind, name = facet.split("#", 2)
        if kind in _OF_NONE:
            everything[_OF_NONE[kind]][name] = count
            continue
        specialty, _, value = name.partition("#")
        field = _OF_SPECIALTIES[kind]
        specialties.setdefault(specialty, {}).setdefault(field, {})[value] = count
        everything[field][value] = everything[field].get(value, 0) + count
    images = everything["images"]
    submissions = sum(images.values())
    patients = everything.pop("patients")
    told: dict[str, Any] = {**everything, "patients": sum(patients.values())}
    return Statistics(
        **told,
        rejection_rate=_rejection_rate(images),
        submissions=submissions,
        received=submissions - images.get(ImageStatus.AWAITING_UPLOAD, 0),
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
    fields = _OF_SPECIALTIES | _OF_NONE
    days: dict[str, dict[str, dict[str, int]]] = {}
    for facet, count in counters.items():
        _, day, kind, value = facet.split("#", 3)
        days.setdefault(day, {}).setdefault(fields[kind], {})[value] = count
    return [_of_day(day, days[day]) for day in sorted(days)]


def _of_day(day: str, counts: dict[str, dict[str, int]]) -> DayCounts:
    patients = counts.pop("patients", {})
    return DayCounts.model_validate({**counts, "day": day, "patients": sum(patients.values())})
