"""People's accounts, for admins."""

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from triagelens_client.cli.output import FAILED, complain, failing_plainly, notices, results, table
from triagelens_client.errors import UnreadableFileError
from triagelens_client.users import unfit_user

if TYPE_CHECKING:
    from triagelens_client.cli.connection import Connection

app = typer.Typer(help="The people of a deployment. Needs the role admin.", no_args_is_help=True)


class Role(StrEnum):
    PATIENT = "patient"
    GP = "gp"
    DOCTOR = "doctor"
    RESEARCHER = "researcher"
    ADMIN = "admin"


_Username = Annotated[str, typer.Option("--username", prompt="Username", help="Asked for if not given.")]
_JSON = Annotated[bool, typer.Option("--json", help="JSON instead of a table.")]


@app.command("list")
@failing_plainly
def list_users(
    context: typer.Context,
    role: Annotated[Role | None, typer.Option(help="Only of this one.")] = None,
    as_json: _JSON = False,
) -> None:
    """List people."""
    connection: Connection = context.obj
    with connection.client() as client:
        found = list(client.users.all(role))
    if as_json:
        for user in found:
            typer.echo(user.model_dump_json())
        return
    rows = table("Username", "Role", "Name", "E-mail", "App", "Standing")
    for user in found:
        standing = "[red]disabled[/]" if user.disabled else "active"
        app_set_up = "yes" if user.second_factor else "no"
        rows.add_row(user.username, user.role, user.name or "", user.email or "", app_set_up, standing)
    results().print(rows)


@app.command("create")
@failing_plainly
def create_user(
    context: typer.Context,
    username: _Username,
    email: Annotated[
        str, typer.Option(prompt="E-mail address", help="Where the first password is sent. Asked for.")
    ],
    role: Annotated[Role, typer.Option(prompt="Role", help="Asked for if not given.")],
    name: Annotated[str | None, typer.Option(help="How others see them.")] = None,
) -> None:
    """Invite somebody: they get their first password by e-mail."""
    connection: Connection = context.obj
    with connection.client() as client:
        user = client.users.create(username, email, role, name=name)
    notices().print(f"{user.username} ({user.role}) was invited.", markup=False)
    results().print(user.id, markup=False)


@app.command("update")
@failing_plainly
def update_user(
    context: typer.Context,
    username: _Username,
    role: Annotated[Role | None, typer.Option(help="Asked for if nothing is given.")] = None,
    name: Annotated[str | None, typer.Option(help="How others see them.")] = None,
    disabled: Annotated[
        bool | None, typer.Option("--disable/--enable", help="Whether they may not come in.")
    ] = None,
) -> None:
    """Change somebody's role, name or standing; it holds for their next request."""
    connection: Connection = context.obj
    with connection.client() as client:
        user = client.users.named(username)
        if role is None and name is None and disabled is None:
            role = Role(typer.prompt("Role", default=user.role, err=True))
        user = client.users.update(user.id, role=role, name=name, disabled=disabled)
    standing = "disabled" if user.disabled else "active"
    notices().print(f"{user.username} is now {user.role} and {standing}.", markup=False)


@app.command("delete")
@failing_plainly
def delete_user(
    context: typer.Context,
    username: _Username,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete somebody's account."""
    connection: Connection = context.obj
    with connection.client() as client:
        user = client.users.named(username)
        if not yes:
            typer.confirm(f"Delete {user.username} ({user.role})?", abort=True, err=True)
        client.users.delete(user.id)
    notices().print(f"{username} was deleted.", markup=False)


@app.command("reset-password")
@failing_plainly
def reset_password(context: typer.Context, username: _Username) -> None:
    """Take somebody's password away; they are mailed the way to a new one."""
    connection: Connection = context.obj
    with connection.client() as client:
        client.users.reset_password(client.users.named(username).id)
    notices().print(f"{username} was sent an e-mail.", markup=False)


@app.command("reset-authenticator")
@failing_plainly
def reset_authenticator(context: typer.Context, username: _Username) -> None:
    """Forget the authenticator app of somebody who has lost theirs."""
    connection: Connection = context.obj
    with connection.client() as client:
        client.users.reset_authenticator(client.users.named(username).id)
    notices().print(f"{username} can set up a new app.", markup=False)


@app.command()
@failing_plainly
def migrate(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="users.json of the former system.")
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would happen, and change nothing.")
    ] = False,
) -> None:
    """Take over people with their bcrypt passwords. Can be repeated; tells who could not be taken."""
    connection: Connection = context.obj
    users, unfit = _former_users(file)
    with connection.client() as client:
        results_of = list(client.users.migrate(users, dry_run=dry_run)) if users else []
    refused = {one.username: one.reason or "" for one in results_of if one.verdict == "refused"} | unfit
    for username, reason in refused.items():
        complain(f"{username}: {reason}")
    taken, known = (sum(one.verdict == verdict for one in results_of) for verdict in ("taken", "known"))
    would = "would be " if dry_run else ""
    told = f"{taken} {would}taken, {known} taken before, {len(refused)} {would}refused."
    notices().print(told, markup=False)
    if refused:
        raise typer.Exit(FAILED)


def _former_users(file: Path) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """The records that can be sent, by username, and why the others cannot. No value is repeated."""
    try:
        content = json.loads(file.read_bytes())
    except ValueError as error:
        raise UnreadableFileError(f"{file} is not JSON.") from error
    if not isinstance(content, dict):
        raise UnreadableFileError(f"{file} does not hold users by their names.")
    unfit = {username: unfit_user(username, record) for username, record in content.items()}
    fit = {username: record for username, record in content.items() if unfit[username] is None}
    return fit, {username: reason for username, reason in unfit.items() if reason is not None}
