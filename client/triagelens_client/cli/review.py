"""Reading: what is next, who agrees, who settles it, and what was drawn."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from triagelens_client.cli.output import failing_plainly, notices, results, table
from triagelens_client.errors import UnreadableFileError

if TYPE_CHECKING:
    from typing import Any

    from triagelens_client.cli.connection import Connection
    from triagelens_client.client import Triagelens
    from triagelens_client.review_models import AgreementFigures

app = typer.Typer(help="Read cases: label what teaches most. Doctors and admins.", no_args_is_help=True)

_AsJson = Annotated[bool, typer.Option("--json", help="JSON instead of a table.")]
_Specialty = Annotated[str, typer.Argument(help="skin, eye, ...")]


@app.command("next")
@failing_plainly
def next_cases(
    context: typer.Context,
    specialty: _Specialty,
    top_k: Annotated[int, typer.Option("--top", "-k", min=1, max=50, help="How many at most.")] = 5,
    strategy: Annotated[str, typer.Option(help="margin, entropy, least_confidence or diverse.")] = "margin",
    as_json: _AsJson = False,
) -> None:
    """The cases of which the model is least certain, and that you have not labelled."""
    with _client(context) as client:
        queue = client.review.queue(specialty, top_k=top_k, strategy=strategy)
    if as_json:
        typer.echo(queue.model_dump_json())
        return
    rows = table("Number", "Id", "Margin", "Entropy", "Confidence", "Readers")
    for case in queue.items:
        figures = (f"{figure:.3f}" for figure in (case.margin, case.entropy, case.confidence))
        rows.add_row(str(case.number), case.case_id, *figures, f"{case.readers_in}/{case.readers_wanted}")
    results().print(rows)


@app.command()
@failing_plainly
def readers(context: typer.Context, case_id: str, wanted: Annotated[int, typer.Argument(min=1)]) -> None:
    """Ask for so many readers of a case who do not see each other's labels."""
    with _client(context) as client:
        panel = client.review.want_readers(case_id, wanted)
    notices().print(f"{panel.readers_wanted} readers are wanted.")


@app.command()
@failing_plainly
def adjudicate(
    context: typer.Context,
    case_id: str,
    correct_label: str,
    reason: Annotated[str, typer.Option("--reason", "-r", help="Why; kept in the case's history.")],
) -> None:
    """Settle what the readers of a case disagree about."""
    with _client(context) as client:
        panel = client.review.adjudicate(case_id, correct_label, reason)
    notices().print(f"The case teaches {escape(str(panel.training_label))}.")


@app.command()
@failing_plainly
def agreement(context: typer.Context, specialty: _Specialty) -> None:
    """How well blind readers agree: Cohen's kappa for pairs, Fleiss' for panels."""
    with _client(context) as client:
        found = client.review.agreement(specialty)
    rows = table("Readers", "Cases", "Agree", "By chance", "Kappa")
    told: list[tuple[str, AgreementFigures]] = [(" and ".join(pair.readers), pair) for pair in found.cohen]
    told += [(f"all panels of {panel.readers}", panel) for panel in found.fleiss]
    for name, entry in told:
        kappa = "-" if entry.kappa is None else f"{entry.kappa:.2f}"
        rows.add_row(escape(name), str(entry.cases), f"{entry.observed:.2f}", f"{entry.expected:.2f}", kappa)
    results().print(rows)


@app.command()
@failing_plainly
def accuracy(context: typer.Context, specialty: _Specialty) -> None:
    """How often readers are right on gold cases. Admins."""
    with _client(context) as client:
        found = client.review.accuracy(specialty)
    rows = table("Reader", "Read", "Right", "Accuracy")
    for entry in found:
        rows.add_row(escape(entry.reader), str(entry.read), str(entry.right), f"{entry.accuracy:.0%}")
    results().print(rows)


@app.command()
@failing_plainly
def gold(
    context: typer.Context,
    case_id: str,
    correct_label: Annotated[
        str | None, typer.Argument(help="The label that is known. A case like others, if not given.")
    ] = None,
) -> None:
    """Let a case measure readers, or no more. Admins."""
    with _client(context) as client:
        if correct_label is None:
            client.review.remove_gold(case_id)
        else:
            client.review.set_gold(case_id, correct_label)
    notices().print("No gold case." if correct_label is None else "A gold case.")


@app.command()
@failing_plainly
def annotate(
    context: typer.Context,
    case_id: str,
    file: Annotated[Path, typer.Argument(help="JSON with strokes, boxes, polygons in pixels.")],
    image: Annotated[int, typer.Option(min=0, help="Place of the image in the case, from 0.")] = 0,
) -> None:
    """Draw on an image of a case what a file says; prints the annotation's id."""
    drawing = _document(file)
    with _client(context) as client:
        typer.echo(client.review.annotate(case_id, image, drawing).annotation_id)


@app.command("export")
@failing_plainly
def export_coco(context: typer.Context, case_id: str) -> None:
    """Print the annotations of a case as COCO."""
    with _client(context) as client:
        typer.echo(json.dumps(client.review.coco(case_id), indent=2))


@app.command("import")
@failing_plainly
def import_coco(context: typer.Context, case_id: str, file: Path) -> None:
    """Take annotations of a case from a COCO file; prints the id of each."""
    document = _document(file)
    with _client(context) as client:
        for entry in client.review.import_coco(case_id, document):
            typer.echo(entry.annotation_id)


def _client(context: typer.Context) -> "Triagelens":
    connection: Connection = context.obj
    return connection.client()


def _document(file: Path) -> "dict[str, Any]":
    """A JSON object from a file.

    Raises:
        UnreadableFileError: there is none.
    """
    try:
        document = json.loads(file.read_bytes())
    except (OSError, ValueError) as error:
        raise UnreadableFileError(f"{file} cannot be read as JSON.") from error
    if not isinstance(document, dict):
        raise UnreadableFileError(f"{file} holds no JSON object.")
    return document
