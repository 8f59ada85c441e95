"""Patients: list, look, make, change, erase."""

import itertools
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from triagelens_client.cli.output import failing_plainly, notices, results, table, verdict
from triagelens_client.patient_models import Erasure, Patient

if TYPE_CHECKING:
    from triagelens_client.cli.connection import Connection
    from triagelens_client.client import Triagelens

app = typer.Typer(help="Patients that you may see.", no_args_is_help=True)

_AsJson = Annotated[bool, typer.Option("--json", help="JSON instead of a table.")]
_Email = Annotated[str | None, typer.Option("--email")]
_BirthDate = Annotated[str | None, typer.Option("--birth-date", help="As 1985-12-10.")]
_Age = Annotated[int | None, typer.Option("--age", min=0, help="Where nobody knows the birth date.")]
_Gender = Annotated[str | None, typer.Option("--gender", help="female, male, other or unknown.")]
_Phone = Annotated[str | None, typer.Option("--phone")]
_Address = Annotated[str | None, typer.Option("--address")]


@app.command("list")
@failing_plainly
def list_patients(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 20,
    as_json: _AsJson = False,
) -> None:
    """List patients, newest first."""
    with _client(context) as client:
        found = list(itertools.islice(client.patients.all(min(limit, 50)), limit))
    if as_json:
        for patient in found:
            typer.echo(patient.model_dump_json())
        return
    rows = table("Number", "Id", "Name", "Age", "Account", "Made")
    for patient in found:
        age = "-" if patient.age is None else str(patient.age)
        made = f"{patient.created_at:%Y-%m-%d %H:%M}"
        name, account = escape(patient.name), patient.username or "-"
        rows.add_row(patient.number, patient.patient_id, name, age, account, made)
    results().print(rows)


@app.command()
@failing_plainly
def show(context: typer.Context, patient_id: str, as_json: _AsJson = False) -> None:
    """Show a patient with their images and cases."""
    with _client(context) as client:
        patient = client.patients.get(patient_id)
        images, cases = list(client.patients.images(patient_id)), list(client.patients.cases(patient_id))
    if as_json:
        for answer in (patient, *images, *cases):
            typer.echo(answer.model_dump_json())
        return
    rows = table("Patient", patient.number)
    for name, value in _about(patient).items():
        rows.add_row(name, escape(value))
    for image in images:
        rows.add_row(f"Image {image.image_id}", verdict(image))
    for case in cases:
        rows.add_row(f"Case {case.number}", escape(case.final_diagnosis or case.status))
    results().print(rows)


@app.command()
@failing_plainly
def new(
    context: typer.Context,
    name: str,
    number: Annotated[str | None, typer.Option(help="One by chance, if not given.")] = None,
    invite: Annotated[
        bool, typer.Option("--invite", help="Make an account and mail its first password.")
    ] = False,
    email: _Email = None,
    birth_date: _BirthDate = None,
    age: _Age = None,
    gender: _Gender = None,
    phone: _Phone = None,
    address: _Address = None,
) -> None:
    """Make a patient's record; prints its id. If an invitation stops half-way, give the same again."""
    details = _given(email=email, birth_date=birth_date, age=age, gender=gender, phone=phone, address=address)
    with _client(context) as client:
        patient = client.patients.create(name, number=number, invite=invite, **details)
    invited = f", invited as {patient.username}" if patient.username else ""
    notices().print(f"Patient {patient.number} is there{invited}.", markup=False)
    typer.echo(patient.patient_id)


@app.command()
@failing_plainly
def edit(
    context: typer.Context,
    patient_id: str,
    name: Annotated[str | None, typer.Option()] = None,
    number: Annotated[str | None, typer.Option()] = None,
    email: _Email = None,
    birth_date: _BirthDate = None,
    age: _Age = None,
    gender: _Gender = None,
    phone: _Phone = None,
    address: _Address = None,
    clear: Annotated[
        list[str] | None, typer.Option(help="A detail to take away, such as phone; may come again.")
    ] = None,
    version: Annotated[
        int | None,
        typer.Option(min=1, help="Only if the record still has this version. Any, if not given."),
    ] = None,
) -> None:
    """Change a patient's record; what is not given stays."""
    changes = dict.fromkeys(detail.replace("-", "_") for detail in clear or []) | _given(
        name=name,
        number=number,
        email=email,
        birth_date=birth_date,
        age=age,
        gender=gender,
        phone=phone,
        address=address,
    )
    with _client(context) as client:
        patient = client.patients.get(patient_id)
        if version is not None:
            patient = patient.model_copy(update={"version": version})
        patient = client.patients.amend(patient, **changes)
    notices().print(f"Patient {patient.number} is changed.", markup=False)


@app.command()
@failing_plainly
def erase(
    context: typer.Context,
    patient_id: str,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: _AsJson = False,
) -> None:
    """Erase a patient, with images, cases, reports and account. It cannot be undone.

    Prints the receipt's id. Give the same again to see how far it has come.
    """
    with _client(context) as client:
        if not yes:
            typer.confirm("Erase this patient and everything that is theirs, for good?", abort=True, err=True)
        receipt = client.patients.erase(patient_id)
    _show_receipts([receipt], as_json)


@app.command()
@failing_plainly
def erasures(
    context: typer.Context,
    erasure_id: Annotated[str | None, typer.Argument(help="One receipt; all, if not given.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 20,
    as_json: _AsJson = False,
) -> None:
    """Show receipts of erasures, newest first."""
    with _client(context) as client:
        if erasure_id is not None:
            found = [client.patients.erasure(erasure_id)]
        else:
            found = list(itertools.islice(client.patients.erasures(), limit))
    _show_receipts(found, as_json)


def _show_receipts(receipts: list[Erasure], as_json: bool) -> None:
    if as_json:
        for receipt in receipts:
            typer.echo(receipt.model_dump_json())
        return
    rows = table("Erasure", "Status", "Images", "Cases", "Reports", "Snapshots", "Models", "Cases kept")
    for receipt in receipts:
        counts = (str(receipt.images), str(receipt.cases), str(receipt.reports))
        named = (receipt.snapshots, receipt.models, receipt.kept_cases)
        rows.add_row(receipt.erasure_id, receipt.status, *counts, *(escape("\n".join(n)) for n in named))
    results().print(rows)


def _client(context: typer.Context) -> "Triagelens":
    connection: Connection = context.obj
    return connection.client()


def _given(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _about(patient: Patient) -> dict[str, str]:
    """What is known of a patient, by heading."""
    told = {
        "Id": patient.patient_id,
        "Version": patient.version,
        "Name": patient.name,
        "E-mail": patient.email,
        "Born": patient.birth_date,
        "Age": patient.age,
        "Gender": patient.gender,
        "Phone": patient.phone,
        "Address": patient.address,
        "Account": patient.username,
    }
    return {name: str(value) for name, value in told.items() if value is not None}
