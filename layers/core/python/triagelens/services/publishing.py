"""From a changed record to a fact on the bus: the outbox."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from triagelens.domain.cases import Case
from triagelens.domain.images import ImageRecord
from triagelens.domain.messages import Event
from triagelens.domain.reports import Report
from triagelens.services.ports import MOST_EVENTS, EventBus


@dataclass(frozen=True)
class ImageChange:
    """One change of an image's record, as the table's stream tells it.

    Attributes:
        position: where in the stream the change stands.
        before: None for a new record.
    """

    position: str
    before: ImageRecord | None
    after: ImageRecord


@dataclass(frozen=True)
class CaseChange:
    """One change of a case's record, as the table's stream tells it."""

    position: str
    before: Case | None
    after: Case


@dataclass(frozen=True)
class ReportChange:
    """One change of a report's record, as the table's stream tells it."""

    position: str
    before: Report | None
    after: Report


Change: TypeAlias = ImageChange | CaseChange | ReportChange


@dataclass(frozen=True)
class Publishing:
    """Publishes changes in their order, and says from where to go on if the bus refuses."""

    bus: EventBus

    def publish(self, changes: Sequence[Change]) -> str | None:
        """Publishes an event for each change of status.

        Returns:
            The position of the first change that the bus did not take; it and all after it are to be
            published again. None if all were taken.
        """
        events = [(change.position, event_of(change)) for change in changes]
        outbox = [(position, event) for position, event in events if event is not None]
        for start in range(0, len(outbox), MOST_EVENTS):
            batch = outbox[start : start + MOST_EVENTS]
            refused = set(self.bus.publish([event for _, event in batch]))
            for position, event in batch:
                if event.event_id in refused:
                    return position
        return None


def event_of(change: Change) -> Event | None:
    """The event of a change, or None if there is nothing to tell."""
    if isinstance(change, ReportChange):
        return report_event(change)
    return image_event(change) if isinstance(change, ImageChange) else case_event(change)


def case_event(change: CaseChange) -> Event | None:
    """The event of a new case, a decision, or other images; None of other changes.

    No free text goes with it.
    """
    case, before = change.after, change.before
    kind = "case.created" if before is None else f"case.{case.status}"
    if before is not None and before.status is case.status:
        if before.image_ids == case.image_ids:
            return None
        kind = "case.amended"
    return Event(
        event_id=f"{case.case_id}:{case.version}",
        type=kind,
        time=case.updated_at,
        correlation_id=case.correlation_id,
        detail={
            "case_id": case.case_id,
            "number": case.number,
            "owner": case.owner,
            "image_owner": case.image_owner,
            "image_ids": list(case.image_ids),
            "patient_id": case.patient_id,
            "specialty": case.specialty,
            "status": str(case.status),
            "by": case.updated_by,
        },
    )


def image_event(change: ImageChange) -> Event | None:
    """The event of a change, or None if the status stayed. It names nobody and no file."""
    record = change.after
    if change.before is None or change.before.status is record.status:
        return None
    prediction = record.prediction
    return Event(
        event_id=f"{record.image_id}:{record.version}",
        type=f"image.{record.status}",
        time=record.updated_at,
        correlation_id=record.correlation_id,
        detail={
            "image_id": record.image_id,
            "owner": record.owner,
            "specialty": record.specialty,
            "status": str(record.status),
            "purpose": record.upload.purpose,
            "attempt": record.attempt,
            "reasons": [reason.code for reason in record.quality.reasons] if record.quality else [],
            "failure": record.failure and record.failure.code,
            "top_label": prediction and prediction.top_label,
            "probability": prediction and prediction.probability,
            "decision": prediction and prediction.decision and str(prediction.decision),
            "decision_reasons": [str(reason) for reason in prediction.reasons] if prediction else [],
            "model": prediction and prediction.model.model_dump(mode="json"),
            "demonstration": prediction and prediction.demonstration,
        },
    )


def report_event(change: ReportChange) -> Event | None:
    """The event of a new request, and of how it ended; None if the status stayed.

    Of a former system's report nobody is told: it is as old as it was.
    """
    report, before = change.after, change.before
    if report.former is not None:
        return None
    if before is not None and before.status is report.status:
        return None
    kind = "report.requested" if before is None else f"report.{report.status}"
    return Event(
        event_id=f"{report.report_id}:{report.version}",
        type=kind,
        time=report.completed_at or report.created_at,
        correlation_id=report.correlation_id,
        detail={
            "report_id": report.report_id,
            "kind": str(report.kind),
            "audience": str(report.audience),
            "case_id": report.case_id,
            "patient_id": report.patient_id,
            "requested_by": report.requested_by,
            "status": str(report.status),
            "number": report.edition and report.edition.number,
            "failure": report.failure and report.failure.code,
        },
    )
