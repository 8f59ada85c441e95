"""Reports: ask for one, list, look, fetch."""

import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from triagelens_client.cli.output import failing_plainly, notices, results, table
from triagelens_client.report_models import Report

if TYPE_CHECKING:
    from triagelens_client.cli.connection import Connection
    from triagelens_client.client import Triagelens

app = typer.Typer(help="Reports of cases and patients, as PDF.", no_args_is_help=True)

_AsJson = Annotated[bool, typer.Option("--json", help="JSON instead of a table.")]
_Case = Annotated[str | None, typer.Option("--case", help="Id of a case.")]
_Patient = Annotated[str | None, typer.Option("--patient", help="Id of a patient.")]


@app.command()
@failing_plainly
def request(
    context: typer.Context,
    case_id: _Case = None,
    patient_id: _Patient = None,
    for_patient: Annotated[
        bool, typer.Option("--for-patient", help="Without notes, reasons, labels and comments.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Wait for it, and save it here.", dir_okay=False)
    ] = None,
) -> None:
    """Ask for a report of a case or a patient; prints its id."""
    _one(case_id, patient_id)
    audience = "patient" if for_patient else "clinic"
    with _client(context) as client:
        report = client.reports.request(case_id=case_id, patient_id=patient_id, audience=audience)
        if output is not None:
            report = client.reports.wait(report.report_id)
            _save(client, report, output)
    typer.echo(report.report_id)


@app.command("list")
@failing_plainly
def list_reports(
    context: typer.Context,
    case_id: _Case = None,
    patient_id: _Patient = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 20,
    as_json: _AsJson = False,
) -> None:
    """List reports that you asked for, or those of a case or a patient; newest first."""
    with _client(context) as client:
        if case_id is None and patient_id is None:
            reports = client.reports.all()
        else:
            _one(case_id, patient_id)
            reports = client.reports.of(case_id=case_id, patient_id=patient_id)
        found = list(itertools.islice(reports, limit))
    if as_json:
        for report in found:
            typer.echo(report.model_dump_json())
        return
    rows = table("Id", "Of", "For", "Status", "Version", "Asked for")
    for report in found:
        number = _version(report)
        asked = f"{report.created_at:%Y-%m-%d %H:%M}"
        rows.add_row(report.report_id, report.kind, report.audience, report.status, number, asked)
    results().print(rows)


@app.command()
@failing_plainly
def show(context: typer.Context, report_id: str, as_json: _AsJson = False) -> None:
    """Show a report's record."""
    with _client(context) as client:
        report = client.reports.get(report_id)
    if as_json:
        typer.echo(report.model_dump_json(exclude={"download"}))
        return
    rows = table("Report", report.report_id)
    for name, value in report.model_dump(exclude={"report_id", "download", "former", "failure"}).items():
        if value is not None:
            rows.add_row(name.replace("_", " ").capitalize(), str(value))
    if report.former is not None:
        counts = ", ".join(f"{name} {count}" for name, count in report.former.counts.items())
        rows.add_row("Made by", escape(f"{report.former.system}: {report.former.reference}"))
        rows.add_row("Counted there", counts or "-")
    if report.failure is not None:
        rows.add_row("Failure", report.failure.message)
    results().print(rows)


@app.command()
@failing_plainly
def download(
    context: typer.Context,
    report_id: str,
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to save it.", dir_okay=False)],
    wait: Annotated[bool, typer.Option("--wait", help="Until it is ready.")] = False,
) -> None:
    """Fetch a report, checked against its digest."""
    with _client(context) as client:
        report = client.reports.wait(report_id) if wait else client.reports.get(report_id)
        _save(client, report, output)


def _save(client: "Triagelens", report: Report, output: Path) -> None:
    if report.failure is not None:
        notices().print(f"Error: {report.failure.message}", markup=False)
        raise typer.Exit(1)
    output.write_bytes(client.reports.download(report.report_id))
    what = "It" if report.number is None else f"Version {report.number}"
    notices().print(f"{what} is in {output}.", markup=False)


def _version(report: Report) -> str:
    """The number, or the system that made it instead."""
    if report.former is not None:
        return escape(report.former.system)
    return "-" if report.number is None else str(report.number)


def _one(case_id: str | None, patient_id: str | None) -> None:
    if (case_id is None) == (patient_id is None):
        raise typer.BadParameter("Give --case or --patient, and not both.")


def _client(context: typer.Context) -> "Triagelens":
    connection: Connection = context.obj
    return connection.client()
