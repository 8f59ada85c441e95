"""Exports: request, list, show, download."""

import itertools
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from triagelens_client.cli.output import FAILED, complain, failing_plainly, notices, results, table
from triagelens_client.export_models import Export

if TYPE_CHECKING:
    from triagelens_client.cli.connection import Connection
    from triagelens_client.client import Triagelens

app = typer.Typer(help="Images and cases as files. Needs the role researcher or admin.", no_args_is_help=True)

_AsJson = Annotated[bool, typer.Option("--json", help="JSON instead of a table.")]
_COLOURS = {"ready": "green", "failed": "red", "expired": "yellow"}


class What(StrEnum):
    IMAGES = "images"
    CASES = "cases"


class Form(StrEnum):
    CSV = "csv"
    JSONL = "jsonl"
    COCO = "coco"


@app.command()
@failing_plainly
def request(
    context: typer.Context,
    what: What,
    form: Annotated[Form, typer.Option("--format", help="coco needs --specialty.")] = Form.CSV,
    specialty: Annotated[str | None, typer.Option(help="Only this one.")] = None,
    since: Annotated[
        datetime | None,
        typer.Option("--from", formats=["%Y-%m-%d"], help="First day on which they were begun."),
    ] = None,
    until: Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day.")] = None,
    include_people: Annotated[
        bool, typer.Option("--include-people", help="With names and free text; admins only.")
    ] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Stay until it is ready or has failed.")] = False,
) -> None:
    """Have images or cases written to a file; prints the export's id."""
    with _client(context) as client:
        export = client.exports.request(
            what,
            form,
            specialty=specialty,
            since=since and since.date(),
            until=until and until.date(),
            include_people=include_people,
        )
        typer.echo(export.export_id)
        if wait:
            _tell(client.exports.wait(export.export_id))


@app.command("list")
@failing_plainly
def list_exports(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 20,
    as_json: _AsJson = False,
) -> None:
    """List your exports, for admins everybody's, newest first."""
    with _client(context) as client:
        found = list(itertools.islice(client.exports.all(min(limit, 50)), limit))
    if as_json:
        for export in found:
            typer.echo(export.model_dump_json(by_alias=True))
        return
    rows = table("Export", "What", "Specialty", "From", "To", "People", "Status", "Rows", "Made")
    for export in found:
        rows.add_row(
            export.export_id,
            f"{export.what} {export.format}",
            escape(export.specialty or "all"),
            f"{export.first}",
            f"{export.last}",
            "yes" if export.include_people else "no",
            _status(export),
            "-" if export.rows is None else str(export.rows),
            f"{export.created_at:%Y-%m-%d %H:%M}",
        )
    results().print(rows)


@app.command()
@failing_plainly
def show(context: typer.Context, export_id: str) -> None:
    """Show an export as JSON, with the link to its file once it is ready."""
    with _client(context) as client:
        typer.echo(client.exports.get(export_id).model_dump_json(by_alias=True, indent=2))


@app.command()
@failing_plainly
def download(
    context: typer.Context,
    export_id: str,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Where to; a folder, or a file's name. Here, if not given."),
    ] = None,
) -> None:
    """Fetch an export's file, waiting for it if it is still to come; prints the file's name."""
    with _client(context) as client:
        export = client.exports.wait(export_id)
        if export.status != "ready":
            _tell(export)
        path = output or Path()
        path = path / f"{export_id}-{export.filename}" if path.is_dir() else path
        client.exports.download(export, path)
    typer.echo(str(path))


def _tell(export: Export) -> None:
    """Says how it ended; exit status 1 unless it is ready."""
    if export.status == "ready":
        notices().print(f"{export.rows} rows, {export.size_bytes} bytes.", markup=False)
        return
    complain(export.failure.message if export.failure is not None else f"The export is {export.status}.")
    raise typer.Exit(FAILED)


def _status(export: Export) -> str:
    colour = _COLOURS.get(export.status)
    return f"[{colour}]{escape(export.status)}[/]" if colour else escape(export.status)


def _client(context: typer.Context) -> "Triagelens":
    connection: Connection = context.obj
    return connection.client()
