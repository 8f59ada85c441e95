"""Training jobs: start, list, show, watch, cancel."""

import itertools
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from triagelens_client.cli.output import FAILED, failing_plainly, notices, print_problems, results, table
from triagelens_client.training_models import TrainingJob

if TYPE_CHECKING:
    from triagelens_client.cli.connection import Connection
    from triagelens_client.client import Triagelens

app = typer.Typer(help="Training jobs: from labelled images to the next model.", no_args_is_help=True)

CHECKED_WITHIN_S = 900.0
"""A check of a model may take ten minutes."""

_AsJson = Annotated[bool, typer.Option("--json", help="JSON instead of a table.")]
_COLOURS = {"completed": "green", "failed": "red", "cancelled": "yellow"}


@app.command()
@failing_plainly
def start(
    context: typer.Context,
    dataset: Annotated[str | None, typer.Option(help="Id of the dataset to train on.")] = None,
    specialty: Annotated[
        str | None, typer.Option(help="Instead: the newest snapshot of this specialty's labels.")
    ] = None,
    architecture: Annotated[
        str | None, typer.Option("--architecture", "--arch", help="DenseNet169, if not given.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1)] = None,
    batch_size: Annotated[int | None, typer.Option(min=2)] = None,
    optimizer: Annotated[str | None, typer.Option(help="adam, adamw, sgd or rmsprop.")] = None,
    learning_rate: Annotated[float | None, typer.Option()] = None,
    class_balancing: Annotated[str | None, typer.Option(help="none, sampling or loss.")] = None,
    image_size: Annotated[int | None, typer.Option(min=32, help="Side of the input in pixels.")] = None,
    seed: Annotated[int | None, typer.Option(min=0)] = None,
    base_model: Annotated[str | None, typer.Option(help="production, a registered version, or timm.")] = None,
    max_cost_usd: Annotated[
        float | None, typer.Option(help="Refuse a training that would probably cost more.")
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Stay until its model is registered.")] = False,
) -> None:
    """Start a training; prints the job's id."""
    with _client(context) as client:
        job = client.training.start(
            dataset_id=dataset,
            specialty=specialty,
            architecture=architecture,
            epochs=epochs,
            batch_size=batch_size,
            optimizer=optimizer,
            learning_rate=learning_rate,
            class_balancing=class_balancing,
            image_size=image_size,
            seed=seed,
            base_model=base_model,
            max_cost_usd=max_cost_usd,
        )
        cost = "" if job.cost_estimate_usd is None else f", about ${job.cost_estimate_usd:.2f}"
        notices().print(f"Training of {job.specialty} is {job.status}{cost}.", markup=False)
        typer.echo(job.job_id)
        if watch:
            _watch(client, job.job_id)


@app.command("list")
@failing_plainly
def list_jobs(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 20,
    as_json: _AsJson = False,
) -> None:
    """List jobs, newest first."""
    with _client(context) as client:
        found = list(itertools.islice(client.training.all(min(limit, 50)), limit))
    if as_json:
        for job in found:
            typer.echo(job.model_dump_json())
        return
    rows = table("Job", "Kind", "Specialty", "Status", "Done", "Message", "Made")
    for job in found:
        made = f"{job.created_at:%Y-%m-%d %H:%M}"
        message = escape(job.message)
        rows.add_row(job.job_id, job.kind, job.specialty, _status(job), f"{job.progress:.0%}", message, made)
    results().print(rows)


@app.command()
@failing_plainly
def show(context: typer.Context, job_id: str, as_json: _AsJson = False) -> None:
    """Show a job with its settings and what was measured."""
    with _client(context) as client:
        job = client.training.get(job_id)
    if as_json:
        typer.echo(job.model_dump_json())
        return
    rows = table("Job", job.job_id)
    for name, value in _about(job).items():
        rows.add_row(name, value)
    results().print(rows)


@app.command()
@failing_plainly
def watch(context: typer.Context, job_id: str) -> None:
    """Follow a job until it has ended and its model is registered, if it makes one.

    Exit status 1 unless the job has completed, and its model can serve.
    """
    with _client(context) as client:
        _watch(client, job_id)


@app.command()
@failing_plainly
def cancel(context: typer.Context, job_id: str) -> None:
    """Cancel a job that is queued or running."""
    with _client(context) as client:
        job = client.training.cancel(job_id)
    notices().print(f"The job is {'being cancelled' if not job.has_ended else job.status}.", markup=False)


def _watch(client: "Triagelens", job_id: str) -> None:
    said = ""

    def tell(job: TrainingJob) -> None:
        nonlocal said
        news = f"{job.status} {job.progress:4.0%}  {job.message}"
        if news != said:
            notices().print(news, markup=False, highlight=False)
            said = news

    job = client.training.wait(job_id, told=tell)
    if job.status != "completed":
        raise typer.Exit(FAILED)
    if job.import_id is not None:
        _registered(client, job.import_id)
        typer.echo(job.model_id)


def _registered(client: "Triagelens", import_id: str) -> None:
    """Stays until the registry has checked the model that a job handed over."""
    with notices().status("Checking and registering the model"):
        result = client.models.wait_for_import(import_id, CHECKED_WITHIN_S)
    print_problems(result.problems)
    if not result.is_registered:
        notices().print(f"The model was not registered as a candidate: {result.status}.")
        raise typer.Exit(FAILED)


def _client(context: typer.Context) -> "Triagelens":
    connection: Connection = context.obj
    return connection.client()


def _status(job: TrainingJob) -> str:
    colour = _COLOURS.get(job.status)
    return f"[{colour}]{job.status}[/]" if colour else job.status


def _about(job: TrainingJob) -> dict[str, str]:
    """What is known of a job, by heading, as markup."""
    told = {
        "Kind": job.kind,
        "Specialty": job.specialty,
        "Message": job.message,
        "Failure": job.failure and job.failure.code,
        "Dataset": job.dataset_id,
        "Snapshot": job.snapshot_id,
        "Model": job.model_id,
        "Estimate": None if job.cost_estimate_usd is None else f"${job.cost_estimate_usd:.2f}",
        "Log": job.log_location,
        "Made": f"{job.created_at:%Y-%m-%d %H:%M}",
        **{name.replace("_", " ").capitalize(): value for name, value in job.config.items()},
        **{name.replace("_", " "): f"{value:.4g}" for name, value in job.metrics.items()},
    }
    shown = {name: escape(str(value)) for name, value in told.items() if value is not None}
    return {"Status": f"{_status(job)} {job.progress:.0%}", **shown}
