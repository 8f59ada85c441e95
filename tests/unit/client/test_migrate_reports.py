"""Reports of the brain tumour system: whose they are, what is known of them, and what is none."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.old_stores import PATIENT, PDF, REPORT, write_csv
from tests.unit.client.test_migrate_engine import REFUSED, FakeDestination, migrated, outcomes
from tests.unit.client.test_migrate_other_readers import left_out, put
from triagelens_client.cli import app
from triagelens_client.migrate.braintumor import REPORT_ELSEWHERE, read_braintumor
from triagelens_client.migrate.records import OldPatient, OldReport, Store


def test_reports_come_as_they_were_made(tmp_path: Path) -> None:
    write_csv(tmp_path, patients=[PATIENT], reports=[REPORT])
    put(tmp_path, "reports/REP 03.pdf", PDF)
    store = read_braintumor(tmp_path)
    (report,) = store.reports
    assert (report.ref, report.patient, report.read()) == ("REP-2025-0003", "P-2025-0007", PDF)
    assert report.made_at == datetime(2025, 3, 7, 14, 2, tzinfo=UTC)
    assert report.counts == {"scan_count": 7, "tumor_count": 3, "no_tumor_count": 4}
    assert (report.remarks, store.unfit) == ((), [])


def test_a_name_that_two_reports_have_leads_to_nobody_elses_report(tmp_path: Path) -> None:
    other = {**REPORT, "id": 4, "report_id": "REP-4", "patient_id": 8, "report_path": "b/REP 03.pdf"}
    patients = [PATIENT, {**PATIENT, "id": 8, "patient_id": "P-8", "username": "y"}]
    write_csv(tmp_path, patients=patients, reports=[REPORT, other])
    put(tmp_path, "reports/REP 03.pdf", PDF)
    put(tmp_path, "reports/REP-4.pdf", PDF + b"4")
    store = read_braintumor(tmp_path)
    assert [(report.patient, report.read()) for report in store.reports] == [("P-8", PDF + b"4")]
    assert left_out(store) == {"REP-2025-0003": REPORT_ELSEWHERE}


@pytest.mark.parametrize("created_at", ["", "yesterday", "1066-10-14", "9999-01-01T00:00:00", "0001-01-01"])
def test_what_of_a_report_cannot_be_read_is_told_and_keeps_it_not_back(
    tmp_path: Path, created_at: str
) -> None:
    weak = {**REPORT, "created_at": created_at, "scan_count": "", "tumor_count": "-3"}
    write_csv(tmp_path, patients=[PATIENT], reports=[weak])
    put(tmp_path, "reports/REP-2025-0003.pdf", PDF)
    (report,) = read_braintumor(tmp_path).reports
    assert (report.made_at, report.counts) == (None, {"no_tumor_count": 4})
    assert report.remarks == (
        "when it was made could not be read",
        "its scan_count could not be read",
        "its tumor_count could not be read",
    )


def test_a_report_goes_to_its_patient_if_it_is_a_pdf() -> None:
    def report(ref: str, patient: str, data: bytes = b"%PDF-1.4") -> OldReport:
        return OldReport(ref, patient, lambda: data, remarks=("its scan_count could not be read",))

    store = Store("x", patients=[OldPatient("p1", "1", "A", {}), OldPatient("p2", "2", "B", {})])
    store.reports = [
        report("r1", "p1"),
        report("r2", "p2"),
        report("r3", "gone"),
        report("page", "p1", b"<h"),
    ]
    to = FakeDestination(failing={"p2": REFUSED})
    made = migrated(store, to)
    assert outcomes(made) == {
        "p1": "taken",
        "p2": "failed",
        "r1": "taken",
        "r2": "failed",
        "r3": "left_out",
        "page": "left_out",
    }
    assert to.report_patients == {"r1": "id-p1"}
    told = {entry.ref: entry.remarks for entry in made.entries}
    assert (told["r1"], told["page"]) == (("its scan_count could not be read",), ("the file is no PDF",))
    assert outcomes(migrated(Store("x", reports=store.reports[3:]), to)) == {"page": "left_out"}


def test_a_dry_run_opens_every_report_and_knows_its_patient(tmp_path: Path) -> None:
    rows = [{**REPORT, "report_id": ref, "patient_id": of} for ref, of in (("R1", 7), ("R2", 7), ("R3", 9))]
    store = write_csv(tmp_path / "b", patients=[PATIENT], reports=rows)
    (store / "reports").mkdir()
    for name, data in (("R1", PDF), ("R2", b"<html>"), ("R3", PDF)):
        (store / "reports" / f"{name}.pdf").write_bytes(data)
    arguments = ["migrate", "braintumor", store, "--dry-run", "--report", tmp_path / "plan.json"]
    result = CliRunner().invoke(app, list(map(str, arguments)))
    assert result.exit_code == 0, result.output
    told = {one["ref"]: one for one in json.loads((tmp_path / "plan.json").read_text())["records"]}
    assert {ref: (told[ref]["outcome"], told[ref]["remarks"]) for ref in ("R1", "R2", "R3")} == {
        "R1": ("taken", []),
        "R2": ("left_out", ["the file is no PDF"]),
        "R3": ("left_out", ["there is no such patient"]),
    }
