"""Models: bring your own, list them, put one into service and take it out again."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from triagelens_client.cli.output import FAILED, failing_plainly, notices, print_problems, results, table

if TYPE_CHECKING:
    from triagelens_client.cli.connection import Connection

app = typer.Typer(help="The models of a deployment.", no_args_is_help=True)

_File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)]


@app.command("import")
@failing_plainly
def import_model(
    context: typer.Context,
    model: _File,
    manifest: _File,
    head: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Classifier weights, for explanations.")
    ] = None,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds to wait for the checks.")] = 180.0,
) -> None:
    """Upload an ONNX classifier and its manifest, and have them checked and registered as a candidate."""
    connection: Connection = context.obj
    with connection.client() as client, notices().status("Uploading and checking the model"):
        result = client.models.import_model(model, manifest, head, within_s=timeout)
    if not result.is_registered:
        print_problems(result.problems)
        notices().print(f"The model was not registered as a candidate: {result.status}.")
        raise typer.Exit(FAILED)
    name = f"{result.specialty} {result.version}"
    if result.status == "candidate":
        notices().print(
            f"Registered {name} as a candidate. To have it serve, somebody else says:\n"
            f"triagelens models promote {name}\n"
            f"Past the gate, with a reason: triagelens models activate {name} --reason ..."
        )
        return
    print_problems(result.problems)
    notices().print(
        f"Registered {name}, without a verdict of the gate. To have it serve all the same:\n"
        f"triagelens models activate {name} --reason ..."
    )


@app.command("list")
@failing_plainly
def list_models(
    context: typer.Context,
    specialty: Annotated[str | None, typer.Option("--specialty", "-s")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of a table.")] = False,
) -> None:
    """List registered models."""
    connection: Connection = context.obj
    with connection.client() as client:
        found = list(client.models.all(specialty))
    if as_json:
        for model in found:
            typer.echo(model.model_dump_json())
        return
    rows = table("Specialty", "Version", "Name", "Status", "Problems")
    for model in found:
        status = "[green]production[/]" if model.production else model.status
        if model.share is not None:
            status = f"[yellow]on trial, {model.share:.0%} of the images[/]"
        problems = "\n".join(problem.message for problem in model.problems)
        rows.add_row(model.specialty, model.version, model.name, status, problems)
    results().print(rows)


@app.command()
@failing_plainly
def activate(
    context: typer.Context,
    specialty: str,
    version: str,
    reason: Annotated[str, typer.Option(help="Why; kept in the audit trail.")],
) -> None:
    """Put a model into production at once. Needs the role admin."""
    connection: Connection = context.obj
    with connection.client() as client:
        client.models.activate(specialty, version, reason)
    notices().print(f"{specialty} is answered by {version} from now on; within 30 s everywhere.")


_Reason = Annotated[str | None, typer.Option(help="Why; kept in the audit trail.")]


@app.command()
@failing_plainly
def show(
    context: typer.Context,
    specialty: str,
    version: str,
    as_json: Annotated[bool, typer.Option("--json", help="Everything, as JSON.")] = False,
) -> None:
    """Show a model's card: where it comes from, what the gate found, who put it into service."""
    connection: Connection = context.obj
    with connection.client() as client:
        card = client.models.get(specialty, version)
    if as_json:
        typer.echo(card.model_dump_json())
        return
    rows = table("Field", "Value")
    rows.add_row("model", f"{card.specialty} {card.version} ({card.name})")
    rows.add_row("status", "production" if card.production else card.status)
    rows.add_row("job", card.job_id or "brought by hand")
    for name, value in (card.training or {}).items():
        rows.add_row(f"training: {name}", str(value))
    if card.gate is not None:
        rows.add_row("gate", "\n".join((card.gate.verdict, *card.gate.reasons)))
        for check in card.gate.checks:
            rows.add_row(check.name, f"{check.outcome}: {check.message}")
    for decision in card.decisions:
        share = "" if decision.share is None else f" with share {decision.share:g}"
        rows.add_row(decision.action, f"{decision.at:%Y-%m-%d %H:%M} by {decision.by}{share}")
    results().print(rows)


@app.command()
@failing_plainly
def promote(
    context: typer.Context,
    specialty: str,
    version: str,
    share: Annotated[float, typer.Option(min=0, max=1, help="Of the images; 1 for all.")] = 1.0,
    reason: _Reason = None,
) -> None:
    """Give a model a share of the images, or all. Needs the role admin, and not who trained it."""
    connection: Connection = context.obj
    with connection.client() as client:
        client.models.promote(specialty, version, share, reason)
    part = "all images" if share == 1 else f"{share:.0%} of the images"
    notices().print(f"{version} answers {part} of {specialty} from now on; within 30 s everywhere.")


@app.command()
@failing_plainly
def rollback(context: typer.Context, specialty: str, version: str, reason: _Reason = None) -> None:
    """Take a model out of service: its trial ends, or the model before it is in production again."""
    connection: Connection = context.obj
    with connection.client() as client:
        client.models.rollback(specialty, version, reason)
    notices().print(f"{version} no longer answers for {specialty}; within 30 s everywhere.")


@app.command()
@failing_plainly
def retire(context: typer.Context, specialty: str, version: str, reason: _Reason = None) -> None:
    """Keep a model from ever serving again. Needs the role admin."""
    connection: Connection = context.obj
    with connection.client() as client:
        client.models.retire(specialty, version, reason)
    notices().print(f"{specialty} {version} is retired.")


@app.command()
@failing_plainly
def replay(
    context: typer.Context,
    specialty: str,
    version: str,
    limit: Annotated[int, typer.Option(min=1, max=2000, help="Images, the latest first.")] = 200,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds to wait.")] = 900.0,
    as_json: Annotated[bool, typer.Option("--json", help="Everything, image ids too, as JSON.")] = False,
) -> None:
    """Score stored images with a model, and list every other answer than the stored one."""
    connection: Connection = context.obj
    with connection.client() as client, notices().status("Scoring stored images"):
        found = client.models.replay(specialty, version, limit, within_s=timeout)
    if as_json:
        typer.echo(found.model_dump_json())
    else:
        rows = table("From", "To", "Images", "First of them")
        for pair in found.flips:
            rows.add_row(pair.old, pair.new, str(pair.count), "\n".join(pair.image_ids[:3]))
        results().print(rows)
        notices().print(f"{found.flipped} of {found.scored} images would be answered otherwise.")
    if found.status == "failed":
        notices().print(found.message or "The replay failed.")
        raise typer.Exit(FAILED)
