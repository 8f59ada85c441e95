"""Images that were sent before."""

import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from triagelens_client.cli.output import (
    DEMONSTRATION,
    decision_of,
    failing_plainly,
    model_of,
    notices,
    results,
    table,
    verdict,
)

if TYPE_CHECKING:
    from triagelens_client.cli.connection import Connection

app = typer.Typer(help="Images that you have sent.", no_args_is_help=True)

_AsJson = Annotated[bool, typer.Option("--json", help="JSON instead of a table.")]


@app.command("list")
@failing_plainly
def list_images(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 20,
    as_json: _AsJson = False,
) -> None:
    """List your images, newest first."""
    connection: Connection = context.obj
    with connection.client() as client:
        found = list(itertools.islice(client.all_images(), limit))
    if as_json:
        for image in found:
            typer.echo(image.model_dump_json())
        return
    rows = table("Id", "Specialty", "Verdict", "Sent")
    for image in found:
        sent = f"{image.created_at:%Y-%m-%d %H:%M}" if image.created_at else "-"
        rows.add_row(image.image_id, image.specialty, verdict(image), sent)
    results().print(rows)


@app.command()
@failing_plainly
def show(context: typer.Context, image_id: str, as_json: _AsJson = False) -> None:
    """Show all that is known about one image."""
    connection: Connection = context.obj
    with connection.client() as client:
        image = client.image(image_id)
    if as_json:
        typer.echo(image.model_dump_json())
        return
    rows = table("Image", image.image_id)
    rows.add_row("Specialty", image.specialty)
    rows.add_row("Verdict", verdict(image))
    if image.prediction is not None:
        rows.add_row("Decision", escape(decision_of(image.prediction)))
    rows.add_row("Model", model_of(image))
    if image.prediction is not None and image.prediction.demonstration:
        rows.add_row("", f"[yellow]{DEMONSTRATION}[/]")
    if image.quality is not None and image.quality.focus_score is not None:
        rows.add_row("Focus score", f"{image.quality.focus_score:.0f}")
    for entry in image.prediction.probabilities if image.prediction is not None else ():
        rows.add_row(entry.label, f"{entry.probability:.1%}")
    results().print(rows)


@app.command()
@failing_plainly
def content(
    context: typer.Context,
    image_id: str,
    to: Annotated[
        Path | None, typer.Option("--to", "-o", dir_okay=False, help="Save the image here, as JPEG.")
    ] = None,
) -> None:
    """Print a short-lived link to an image's pixels, or save them."""
    connection: Connection = context.obj
    with connection.client() as client:
        if to is None:
            typer.echo(client.content(image_id).url)
            return
        data = client.download(image_id)
    to.write_bytes(data)
    notices().print(f"{len(data)} bytes in {to}", markup=False)


@app.command()
@failing_plainly
def explain(
    context: typer.Context,
    image_id: str,
    label: Annotated[str | None, typer.Option(help="Which one; the most probable unless told.")] = None,
    to: Annotated[
        Path, typer.Option("--to", "-o", file_okay=False, help="Folder for the two pictures.")
    ] = Path(),
) -> None:
    """Save a heatmap of the evidence for a label, and the image under it."""
    connection: Connection = context.obj
    with connection.client() as client:
        found = client.explanation(image_id, label)
        pictures = {"heatmap.png": client.fetch(found.heatmap), "overlay.jpg": client.fetch(found.overlay)}
    to.mkdir(parents=True, exist_ok=True)
    for name, data in pictures.items():
        file = to / f"{image_id}-{found.label}-{name}"
        file.write_bytes(data)
        typer.echo(file)
    centre = "none" if found.central_share is None else f"{found.central_share:.0%} in the middle"
    notices().print(f"evidence for {found.label} by {found.method}: {centre}", markup=False)
