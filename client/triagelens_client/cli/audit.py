"""The audit trail: look at it, and find out whether anybody has touched it."""

import base64
import itertools
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from cryptography.hazmat.primitives import serialization

from triagelens_client.audit_check import fingerprint
from triagelens_client.cli.output import FAILED, complain, failing_plainly, notices, results, table
from triagelens_client.errors import UnreadableFileError

if TYPE_CHECKING:
    from triagelens_client.cli.connection import Connection

app = typer.Typer(help="Who did what. Needs the role admin.", no_args_is_help=True)

_Day = Annotated[datetime | None, typer.Option("--day", formats=["%Y-%m-%d"], help="Of this day (UTC).")]


@app.command("list")
@failing_plainly
def list_entries(
    context: typer.Context,
    day: _Day = None,
    actor: Annotated[str | None, typer.Option(help="Of this person's id.")] = None,
    subject: Annotated[str | None, typer.Option(help="About this id.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of a table.")] = False,
) -> None:
    """List entries, newest first: today's, if nothing is asked for."""
    connection: Connection = context.obj
    with connection.client() as client:
        asked = client.audit.entries(day=_date(day), actor=actor, subject=subject)
        found = list(itertools.islice(asked, limit))
    if as_json:
        for entry in found:
            typer.echo(entry.model_dump_json())
        return
    rows = table("When (UTC)", "Who", "What", "To what", "Outcome", "From", "Why")
    for entry in found:
        colour = "green" if entry.outcome == "allowed" else "red"
        when = f"{entry.at:%Y-%m-%d %H:%M:%S}"
        told = (entry.actor, entry.action, entry.subject, f"[{colour}]{entry.outcome}[/]")
        rows.add_row(when, *told, entry.source or "-", entry.reason or "")
    results().print(rows)


@app.command()
@failing_plainly
def verify(
    context: typer.Context,
    since: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="First day to look at. All, if not given."),
    ] = None,
    key: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="Public key (PEM or DER) from elsewhere than this API, such as `aws kms get-public-key`.",
        ),
    ] = None,
) -> None:
    """Find out whether anybody has edited, removed, added or moved an entry of a closed day."""
    connection: Connection = context.obj
    pinned = None if key is None else _public_key(key)
    with connection.client() as client:
        verified = client.audit.verify(_date(since), pinned)
    if verified.public_key is not None and pinned is None:
        told = (
            f"Signed by the key {fingerprint(verified.public_key)}, as this API says; pin yours with --key."
        )
        notices().print(told, markup=False, soft_wrap=True)
    for finding in verified.findings:
        complain(f"{finding.day}: {finding.kind}: {finding.message}")
    if verified.findings:
        raise typer.Exit(FAILED)
    notices().print(f"{verified.days} days with {verified.entries} entries are as they were written.")


def _date(moment: datetime | None) -> date | None:
    return None if moment is None else moment.date()


def _public_key(path: Path) -> str:
    """The key in a file, as DER in base64."""
    content = path.read_bytes()
    try:
        pem = content.lstrip().startswith(b"-----")
        load = serialization.load_pem_public_key if pem else serialization.load_der_public_key
        key = load(content)
    except ValueError as error:
        raise UnreadableFileError(f"{path} holds no public key.") from error
    der = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    return base64.b64encode(key.public_bytes(*der)).decode()
