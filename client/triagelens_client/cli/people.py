"""Sign up, confirm, sign in and out."""

from typing import TYPE_CHECKING, Annotated

import typer

from triagelens_client.cli.output import notices, results
from triagelens_client.errors import ApiError, NotSignedInError, UnauthenticatedError

if TYPE_CHECKING:
    from triagelens_client.cli.connection import Connection
    from triagelens_client.client import Triagelens

_Password = Annotated[
    str,
    typer.Option(
        "--password",
        envvar="TRIAGELENS_PASSWORD",
        prompt=True,
        hide_input=True,
        show_envvar=True,
        help="Asked for if not given. Better in the environment than on the command line.",
    ),
]
_NewPassword = Annotated[
    str,
    typer.Option(
        "--password",
        envvar="TRIAGELENS_PASSWORD",
        prompt=True,
        hide_input=True,
        confirmation_prompt=True,
        help="Asked for if not given.",
    ),
]


def sign_up(
    context: typer.Context,
    username: str,
    password: _NewPassword,
    email: Annotated[str | None, typer.Option(help="Where the confirmation code is sent.")] = None,
    name: Annotated[str | None, typer.Option(help="Your name, as others see it.")] = None,
) -> None:
    """Make an account."""
    connection: Connection = context.obj
    with connection.client() as client:
        answer = client.sign_up(username, password, email=email, name=name)
    connection.sessions.remember(connection.api_url)
    notices().print(answer.message, markup=False)
    notices().print(f"With the code: triagelens confirm {username} CODE")


def confirm(context: typer.Context, username: str, code: str) -> None:
    """Give back the code that came by e-mail."""
    connection: Connection = context.obj
    with connection.client() as client:
        client.confirm(username, code)
    notices().print(f"Confirmed. Next: triagelens sign-in {username}")


def sign_in(
    context: typer.Context,
    username: str,
    password: _Password,
    code: Annotated[str | None, typer.Option(help="Code of your authenticator app.")] = None,
    new_password: Annotated[
        str | None, typer.Option(envvar="TRIAGELENS_NEW_PASSWORD", help="Replaces an invitation's password.")
    ] = None,
) -> None:
    """Sign in; later commands use this sign-in and renew it by themselves."""
    connection: Connection = context.obj
    with connection.client() as client:
        try:
            _sign_in(client, username, password, code, new_password)
        except ApiError as error:
            if error.code == "second_factor_required":
                notices().print(f"First: triagelens authenticator {username}", markup=False)
            raise
    notices().print(f"Signed in to {connection.api_url} as {username}.")


def _sign_in(
    client: "Triagelens", username: str, password: str, code: str | None, new_password: str | None
) -> None:
    """Signs in, and asks for what the account needs beyond the password if it did not come along."""
    try:
        client.sign_in(username, password, code=code, new_password=new_password)
    except ApiError as error:
        if error.challenge == "SOFTWARE_TOKEN_MFA" and code is None:
            code = typer.prompt("Code of your authenticator app", err=True)
        elif error.challenge == "NEW_PASSWORD_REQUIRED" and new_password is None:
            new_password = typer.prompt("A new password", hide_input=True, confirmation_prompt=True, err=True)
        else:
            raise
        client.sign_in(username, password, code=code, new_password=new_password)


def sign_out(context: typer.Context) -> None:
    """End every session of yours, and forget this one on this machine whatever the API says."""
    connection: Connection = context.obj
    try:
        with connection.client() as client:
            client.sign_out()
    except (NotSignedInError, UnauthenticatedError):
        notices().print("This sign-in had ended already.")
    finally:
        connection.sessions.forget(connection.api_url)
    notices().print("Signed out.")


def whoami(context: typer.Context) -> None:
    """Show who is signed in."""
    connection: Connection = context.obj
    with connection.client() as client:
        me = client.me()
    results().print(f"{me.username} ({me.role}) at {connection.api_url}", markup=False, soft_wrap=True)
