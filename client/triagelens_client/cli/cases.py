"""Cases: list, look, make, decide, say something."""

import itertools
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from triagelens_client.case_models import Case
from triagelens_client.cli.output import failing_plainly, notices, results, table, verdict

if TYPE_CHECKING:
    from triagelens_client.cli.connection import Connection
    from triagelens_client.client import Triagelens

app = typer.Typer(help="Cases that you work on.", no_args_is_help=True)

_AsJson = Annotated[bool, typer.Option("--json", help="JSON instead of a table.")]
_Reason = Annotated[str, typer.Option("--reason", "-r", help="Why; kept in the case's history.")]
_Version = Annotated[
    int | None,
    typer.Option(min=1, help="Only if the case still has this version. The one it has now, if not given."),
]


@app.command("list")
@failing_plainly
def list_cases(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 20,
    status: Annotated[str | None, typer.Option(help="open, uncertain, confirmed or rejected.")] = None,
    specialty: Annotated[str | None, typer.Option("--specialty", "-s")] = None,
    as_json: _AsJson = False,
) -> None:
    """List cases, newest first."""
    with _client(context) as client:
        found = list(itertools.islice(client.cases.all(status=status, specialty=specialty), limit))
    if as_json:
        for case in found:
            typer.echo(case.model_dump_json())
        return
    rows = table("Number", "Id", "Specialty", "Status", "Diagnosis", "Made")
    for case in found:
        made = f"{case.created_at:%Y-%m-%d %H:%M}"
        diagnosis = escape(case.final_diagnosis or "-")
        rows.add_row(str(case.number), case.case_id, case.specialty, case.status, diagnosis, made)
    results().print(rows)


@app.command()
@failing_plainly
def show(
    context: typer.Context,
    case_id: str,
    as_json: _AsJson = False,
    history: Annotated[bool, typer.Option(help="Every change too, the latest first.")] = False,
) -> None:
    """Show a case with its images and their findings."""
    with _client(context) as client:
        case = client.cases.get(case_id)
        changes = list(client.cases.history(case_id)) if history else []
    if as_json:
        for answer in (case, *changes):
            typer.echo(answer.model_dump_json())
        return
    rows = table("Case", str(case.number))
    for name, value in _about(case).items():
        rows.add_row(name, escape(value))
    for image in case.images:
        rows.add_row(f"Image {image.image_id}", verdict(image))
    for change in changes:
        why = f": {escape(change.reason)}" if change.reason else ""
        rows.add_row(f"{change.at:%Y-%m-%d %H:%M}", f"{escape(change.action)} by {escape(change.by)}{why}")
    results().print(rows)


@app.command()
@failing_plainly
def new(
    context: typer.Context,
    specialty: str,
    image_ids: list[str],
    number: Annotated[int | None, typer.Option(min=1, help="The next one, if not given.")] = None,
    patient: Annotated[str | None, typer.Option(help="Opaque id of the patient.")] = None,
    notes: str | None = None,
    readers: Annotated[
        int | None, typer.Option(min=1, help="How many label it without knowing of each other.")
    ] = None,
) -> None:
    """Make a case of images; prints its id."""
    with _client(context) as client:
        case = client.cases.create(
            specialty, image_ids, number=number, patient_id=patient, notes=notes, readers=readers
        )
    notices().print(f"Case {case.number} is open.")
    typer.echo(case.case_id)


@app.command()
@failing_plainly
def confirm(
    context: typer.Context,
    case_id: str,
    diagnosis: Annotated[str, typer.Option("--diagnosis", "-d", help="The diagnosis that stands.")],
    reason: Annotated[str | None, typer.Option("--reason", "-r")] = None,
    version: _Version = None,
) -> None:
    """Decide a case with a diagnosis. Final."""
    with _client(context) as client:
        _tell(client.cases.confirm(_read(client, case_id, version), diagnosis, reason))


@app.command()
@failing_plainly
def uncertain(context: typer.Context, case_id: str, reason: _Reason, version: _Version = None) -> None:
    """Leave a case to somebody who knows better."""
    with _client(context) as client:
        _tell(client.cases.uncertain(_read(client, case_id, version), reason))


@app.command()
@failing_plainly
def reject(context: typer.Context, case_id: str, reason: _Reason, version: _Version = None) -> None:
    """Put a case aside. Final."""
    with _client(context) as client:
        _tell(client.cases.reject(_read(client, case_id, version), reason))


@app.command()
@failing_plainly
def comment(
    context: typer.Context,
    case_id: str,
    text: Annotated[str | None, typer.Argument(help="All comments are listed, if not given.")] = None,
) -> None:
    """Say something about a case, or read what was said."""
    with _client(context) as client:
        if text is not None:
            typer.echo(client.cases.comment(case_id, text).comment_id)
            return
        said = list(client.cases.comments(case_id))
    rows = table("Said", "By", "Comment")
    for entry in said:
        rows.add_row(f"{entry.created_at:%Y-%m-%d %H:%M}", escape(entry.author), escape(entry.text))
    results().print(rows)


@app.command()
@failing_plainly
def label(
    context: typer.Context,
    case_id: str,
    correct_label: str,
    notes: Annotated[str | None, typer.Option()] = None,
) -> None:
    """Say what a case is. Needs the role doctor or admin."""
    with _client(context) as client:
        given = client.cases.label(case_id, correct_label, notes)
    notices().print(f"Labelled {escape(given.correct_label)}.")


def _client(context: typer.Context) -> "Triagelens":
    connection: Connection = context.obj
    return connection.client()


def _read(client: "Triagelens", case_id: str, version: int | None) -> Case:
    """The case as it is now, or as the version that the person has seen."""
    case = client.cases.get(case_id)
    return case if version is None else case.model_copy(update={"version": version})


def _tell(case: Case) -> None:
    notices().print(f"Case {case.number} is {case.status}.")


def _about(case: Case) -> dict[str, str]:
    """What is known of a case, by heading."""
    decision = case.decision
    told = {
        "Id": case.case_id,
        "Specialty": case.specialty,
        "Status": case.status,
        "Version": str(case.version),
        "Patient": case.patient_id,
        "Notes": case.notes,
        "Diagnosis": case.final_diagnosis,
        "Reason": decision and decision.reason,
    }
    return {name: value for name, value in told.items() if value}
