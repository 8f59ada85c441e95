"""Datasets: create, upload, list, show, ingest, from-labels, abort."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from triagelens_client.cli.output import failing_plainly, notices, results, table
from triagelens_client.dataset_files import Folder, Tell
from triagelens_client.dataset_models import Dataset
from triagelens_client.files import Source

if TYPE_CHECKING:
    from triagelens_client.cli.connection import Connection
    from triagelens_client.client import Triagelens

app = typer.Typer(help="Datasets: from labelled images to a snapshot to train on.", no_args_is_help=True)

_AsJson = Annotated[bool, typer.Option("--json", help="JSON instead of a table.")]
_Archive = Annotated[
    Path, typer.Argument(help="A zip, tar or tgz, or a folder of images.", exists=True, readable=True)
]
_COLOURS = {"ready": "green", "failed": "red", "aborted": "yellow"}


@app.command()
@failing_plainly
def create(
    context: typer.Context,
    path: _Archive,
    specialty: Annotated[str, typer.Option("--specialty", "-s", help="skin, eye, oral, brain, ...")],
    name: Annotated[str | None, typer.Option(help="For people; that of the file, if not given.")] = None,
    new_specialty: Annotated[
        bool, typer.Option("--new-specialty", help="The platform does not know it yet: keep its labels.")
    ] = False,
    group_column: Annotated[
        str | None, typer.Option(help="Column of metadata.csv that says which images stay together.")
    ] = None,
    licence: Annotated[str | None, typer.Option(help="Under which the images may be used.")] = None,
    source: Annotated[str | None, typer.Option(help="Where they come from.")] = None,
    upload_too: Annotated[bool, typer.Option("--upload", help="Send it at once.")] = False,
) -> None:
    """Announce a dataset; prints its id."""
    with _client(context) as client:
        dataset = client.datasets.create(
            path,
            name or path.resolve().name,
            specialty,
            new_specialty=new_specialty,
            group_column=group_column,
            licence=licence,
            source=source,
        )
        typer.echo(dataset.dataset_id)
        if upload_too:
            _send(client, dataset.dataset_id, path)


@app.command()
@failing_plainly
def upload(context: typer.Context, dataset_id: str, path: _Archive) -> None:
    """Send a dataset and have it ingested. A large archive goes on from where it was broken off."""
    with _client(context) as client:
        _send(client, dataset_id, path)


@app.command("list")
@failing_plainly
def list_datasets(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 20,
    as_json: _AsJson = False,
) -> None:
    """List datasets, newest first."""
    with _client(context) as client:
        found = list(itertools.islice(client.datasets.all(min(limit, 50)), limit))
    if as_json:
        for dataset in found:
            typer.echo(dataset.model_dump_json())
        return
    rows = table("Dataset", "Name", "Specialty", "Form", "Status", "Images", "Made")
    for dataset in found:
        made = f"{dataset.created_at:%Y-%m-%d %H:%M}"
        images = str(sum(sum(sets.values()) for sets in dataset.counts.values()))
        name = escape(dataset.name)
        rows.add_row(
            dataset.dataset_id, name, dataset.specialty, dataset.form, _status(dataset), images, made
        )
    results().print(rows)


@app.command()
@failing_plainly
def show(
    context: typer.Context,
    dataset_id: str,
    as_json: _AsJson = False,
    problems: Annotated[
        bool, typer.Option("--problems", help="What was left out and why, one JSON line a file.")
    ] = False,
) -> None:
    """Show a dataset, its images by label and set, and what was left out."""
    with _client(context) as client:
        dataset = client.datasets.get(dataset_id)
        listed = client.datasets.problems(dataset).decode() if problems else ""
    if problems:
        typer.echo(listed, nl=False)
        return
    if as_json:
        typer.echo(dataset.model_dump_json())
        return
    rows = table("Dataset", dataset.dataset_id)
    for heading, value in _about(dataset).items():
        rows.add_row(heading, value)
    results().print(rows)
    if dataset.counts:
        sets = sorted({name for of_label in dataset.counts.values() for name in of_label})
        counts = table("Label", *sets)
        for label, of_label in sorted(dataset.counts.items()):
            counts.add_row(escape(label), *(str(of_label.get(name, 0)) for name in sets))
        results().print(counts)


@app.command()
@failing_plainly
def ingest(context: typer.Context, dataset_id: str) -> None:
    """Have a dataset that has arrived ingested, or again after a failure; prints the job's id."""
    with _client(context) as client:
        _tell_job(client.datasets.ingest(dataset_id))


@app.command("from-labels")
@failing_plainly
def from_labels(
    context: typer.Context,
    specialty: str,
    name: Annotated[str | None, typer.Option(help="For people.")] = None,
) -> None:
    """Make a dataset of what readers have labelled by now; prints its id and the job's."""
    with _client(context) as client:
        dataset = client.datasets.from_labels(name or f"Labels of {specialty}", specialty)
        typer.echo(dataset.dataset_id)
        _tell_job(dataset)


@app.command()
@failing_plainly
def abort(context: typer.Context, dataset_id: str) -> None:
    """Give a dataset up before it is ingested."""
    with _client(context) as client:
        dataset = client.datasets.abort(dataset_id)
    notices().print(f"The dataset is {dataset.status}.", markup=False)


def _send(client: "Triagelens", dataset_id: str, path: Path) -> None:
    total = Folder(path).size_bytes if path.is_dir() else Source.of(path).size_bytes
    with _progress(total) as tell:
        dataset = client.datasets.upload(dataset_id, path, tell)
    _tell_job(dataset)


def _tell_job(dataset: Dataset) -> None:
    notices().print(f"The dataset is {dataset.status}; see: triagelens training watch", markup=False)
    if dataset.job_id is not None:
        typer.echo(dataset.job_id)


@contextmanager
def _progress(total: int) -> Iterator[Tell]:
    columns = (TextColumn("Sending"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=notices(), transient=True) as progress:
        task = progress.add_task("Sending", total=total)
        yield lambda sent: progress.update(task, completed=sent)


def _client(context: typer.Context) -> "Triagelens":
    connection: Connection = context.obj
    return connection.client()


def _status(dataset: Dataset) -> str:
    colour = _COLOURS.get(dataset.status)
    return f"[{colour}]{dataset.status}[/]" if colour else dataset.status


def _about(dataset: Dataset) -> dict[str, str]:
    """What is known of a dataset, by heading, as markup."""
    left_out = ", ".join(f"{count} {reason}" for reason, count in sorted(dataset.problems.items()))
    told = {
        "Name": dataset.name,
        "Specialty": dataset.specialty,
        "Form": dataset.form,
        "Failure": dataset.failure.message if dataset.failure else None,
        "Left out": left_out or None,
        "Snapshot": dataset.snapshot_ids[-1] if dataset.snapshot_ids else None,
        "Job": dataset.job_id,
        "Grouped by": dataset.group_column,
        "Licence": dataset.licence,
        "Source": dataset.source,
        "Made": f"{dataset.created_at:%Y-%m-%d %H:%M}",
    }
    shown = {name: escape(value) for name, value in told.items() if value is not None}
    return {"Status": _status(dataset), **shown}
