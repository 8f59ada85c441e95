"""What there is, at a glance."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from triagelens_client.cli.output import results, table

if TYPE_CHECKING:
    from triagelens_client.cli.connection import Connection

_Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"])]


def stats(
    context: typer.Context,
    since: _Day = None,
    until: _Day = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of tables.")] = False,
) -> None:
    """Show how many images, cases, patients and reports there are, and the last days.

    Needs the role researcher or admin.
    """
    connection: Connection = context.obj
    with connection.client() as client:
        told = client.statistics(since and since.date(), until and until.date())
    if as_json:
        typer.echo(told.model_dump_json())
        return
    rows = table("Specialty", "Images", "Findings", "Rejected", "Why", "Cases")
    for name, counts in [*told.specialties.items(), ("all", told)]:
        rate = "-" if counts.rejection_rate is None else f"{counts.rejection_rate:.1%}"
        cells = (counts.images, counts.classes, counts.rejection_reasons, counts.cases)
        images, classes, reasons, cases = map(_listed, cells)
        rows.add_row(escape(name), images, classes, rate, reasons, cases)
    results().print(rows)
    clinic = table("Patients", "Reports")
    clinic.add_row(f"{told.patients}", _listed(told.reports))
    results().print(clinic)
    days = table("Day", "Images", "Cases", "Patients", "Reports")
    for day in told.days:
        images, cases, reports = map(_listed, (day.images, day.cases, day.reports))
        days.add_row(f"{day.day}", images, cases, f"{day.patients}", reports)
    results().print(days)


def _listed(counts: Mapping[str, int]) -> str:
    """Counts, the largest first."""
    ranked = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    return "\n".join(escape(f"{name} {count}") for name, count in ranked)
