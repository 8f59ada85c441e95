"""Reports and their editions in the casework table.

A request lies under its own key, listed by who asked, by case and by patient. Editions lie beside the case
or the patient that they are of, so that they go when that goes; so does the mark of each former system's
report, which is there once.
"""

from collections.abc import Sequence
from typing import Any

from triagelens.adapters.dynamodb.case_items import case_pk
from triagelens.adapters.dynamodb.casework import META, image_pk
from triagelens.adapters.dynamodb.months import check_cursor
from triagelens.adapters.dynamodb.patients import patient_pk
from triagelens.adapters.dynamodb.tables import CaseworkItem, bind, transaction_connection
from triagelens.adapters.dynamodb.tombstones import not_erased
from triagelens.adapters.dynamodb.transactions import Parts
from triagelens.domain.errors import ConflictError, NotFoundError
from triagelens.domain.reports import Edition, EditionTakenError, FormerKnownError, Report, ReportKind
from triagelens.services.ports import Page

REPORT = "REPORT"
EDITION = "EDITION#"
FORMER = "FORMER#"
EDITIONS_READ = 20


class DynamoReports:
    """`services.report_ports.ReportRecords` on DynamoDB."""

    def __init__(self, table_name: str, region: str) -> None:
        bind(CaseworkItem, table_name, region)
        self._connection = transaction_connection(region)

    def report(self, report_id: str) -> Report:
        try:
            return report_from_item(CaseworkItem.get(report_pk(report_id), META, consistent_read=True))
        except CaseworkItem.DoesNotExist:
            raise NotFoundError("There is no such report.") from None

    def add_report(self, report: Report) -> Report:
        parts = Parts()
        _check_subjects(parts, report)
        return self._written(parts, report)

    def replace_report(self, report: Report) -> Report:
        return self._written(Parts(), report)

    def finish_report(self, report: Report, image_ids: Sequence[str], *, newest: int) -> Report:
        edition = report.edition
        if edition is None:
            raise ValueError("a report that is ready has an edition")
        parts = Parts()
        _check_subjects(parts, report)
        for image_id in image_ids:
            not_erased(parts, image_pk(image_id), "There is no such image.")
        _check_editions(parts, report, edition, newest)
        return self._written(parts, report)

    def add_former(self, report: Report) -> Report:
        if report.former is None:
            raise ValueError("a former system's report has its file")
        parts = Parts()
        _check_subjects(parts, report)
        mark = CaseworkItem(
            subject_pk(report),
            f"{FORMER}{report.former.mark}",
            kind="former_report",
            body={"report_id": report.report_id},
        )
        known = FormerKnownError("This report of the former system is there already.")
        parts.put(mark, known, CaseworkItem.pk.does_not_exist())
        return self._written(parts, report)

    def former(self, patient_id: str, mark: str) -> Report | None:
        try:
            item = CaseworkItem.get(patient_pk(patient_id), f"{FORMER}{mark}", consistent_read=True)
        except CaseworkItem.DoesNotExist:
            return None
        return self.report(item.body["report_id"])

    def latest_editions(self, report: Report) -> Sequence[Edition]:
        found = CaseworkItem.query(
            subject_pk(report),
            CaseworkItem.sk.startswith(EDITION),
            scan_index_forward=False,
            limit=EDITIONS_READ,
            consistent_read=True,
        )
        return [Edition.model_validate(item.body) for item in found]

    def requested_by(self, person: str, limit: int, cursor: str | None) -> Page[Report]:
        check_cursor(cursor)
        behind = None if cursor is None else CaseworkItem.gsi1sk < cursor
        found = CaseworkItem.gsi1.query(f"OWNER#{person}#{REPORT}", behind, **_newest(limit))
        return _page(found, limit)

    def of_case(self, case_id: str, limit: int, cursor: str | None) -> Page[Report]:
        check_cursor(cursor)
        behind = None if cursor is None else CaseworkItem.gsi2sk < cursor
        found = CaseworkItem.gsi2.query(reports_of_case_partition(case_id), behind, **_newest(limit))
        return _page(found, limit)

    def of_patient(self, patient_id: str, limit: int, cursor: str | None) -> Page[Report]:
        check_cursor(cursor)
        behind = None if cursor is None else CaseworkItem.gsi3sk < cursor
        found = CaseworkItem.gsi3.query(reports_of_patient_partition(patient_id), behind, **_newest(limit))
        return _page(found, limit)

    def _written(self, parts: Parts, report: Report) -> Report:
        item = _item(report)
        parts.put(item, ConflictError("The report has changed since it was read."))
        parts.write(self._connection)
        return report.model_copy(update={"version": item.version})


def report_pk(report_id: str) -> str:
    return f"{REPORT}#{report_id}"


def subject_pk(report: Report) -> str:
    """The key of the case or the patient that a report is of."""
    of = case_pk if report.kind is ReportKind.CASE else patient_pk
    return of(report.subject_id)


def reports_of_case_partition(case_id: str) -> str:
    """Where a case's reports are listed (second index)."""
    return f"{case_pk(case_id)}#{REPORT}"


def reports_of_patient_partition(patient_id: str) -> str:
    """Where the reports are listed that show a patient's details (third index)."""
    return f"{patient_pk(patient_id)}#{REPORT}"


def report_from_item(item: CaseworkItem) -> Report:
    """The report that an item holds."""
    return Report.model_validate({**item.body, "version": item.version})


def _item(report: Report) -> CaseworkItem:
    case_id, patient_id = report.case_id, report.patient_id
    return CaseworkItem(
        report_pk(report.report_id),
        META,
        kind="report",
        status=str(report.status),
        body=report.model_dump(mode="json", exclude={"version"}),
        gsi1pk=f"OWNER#{report.requested_by}#{REPORT}",
        gsi1sk=report.report_id,
        gsi2pk=reports_of_case_partition(case_id) if case_id else None,
        gsi2sk=report.report_id if case_id else None,
        gsi3pk=reports_of_patient_partition(patient_id) if patient_id else None,
        gsi3sk=report.report_id if patient_id else None,
        version=report.version,
    )


def _check_subjects(parts: Parts, report: Report) -> None:
    if report.case_id is not None:
        not_erased(parts, case_pk(report.case_id), "There is no such case.")
    if report.patient_id is not None:
        not_erased(parts, patient_pk(report.patient_id), "There is no such patient.")


def _check_editions(parts: Parts, report: Report, edition: Edition, newest: int) -> None:
    """Adds the edition if it is new; whichever it is, the newest has to be the newest still, and there."""
    overtaken = EditionTakenError("Another report of this has just been made; try again.")
    following = _edition_key(report, newest + 1)
    for number in sorted({newest, edition.number} - {0, newest + 1}):
        parts.check(CaseworkItem, *_edition_key(report, number), CaseworkItem.pk.exists(), overtaken)
    if edition.number > newest:
        item = CaseworkItem(*following, kind="edition", body=edition.model_dump(mode="json"))
        parts.put(item, overtaken, CaseworkItem.pk.does_not_exist())
    else:
        parts.check(CaseworkItem, *following, CaseworkItem.pk.does_not_exist(), overtaken)


def _edition_key(report: Report, number: int) -> tuple[str, str]:
    return subject_pk(report), f"{EDITION}{number:08d}"


def _newest(limit: int) -> dict[str, Any]:
    """One more than a page holds, so that it is known whether there is another."""
    return {"scan_index_forward": False, "limit": limit + 1, "page_size": limit + 1}


def _page(found: Any, limit: int) -> Page[Report]:
    reports = [report_from_item(item) for item in found]
    shown = reports[:limit]
    return Page(shown, shown[-1].report_id if len(reports) > limit else None)
