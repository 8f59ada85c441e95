"""Models: bring your own, list them, put one into production."""

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
    if result.status != "candidate":
        print_problems(result.problems)
        notices().print(f"The model was not registered as a candidate: {result.status}.")
        raise typer.Exit(FAILED)
    notices().print(
        f"Registered {result.specialty} {result.version} as a candidate. To have it serve:\n"
        f"triagelens models activate {result.specialty} {result.version} --reason ..."
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
