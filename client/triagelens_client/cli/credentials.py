"""Passwords and the authenticator app."""

from typing import TYPE_CHECKING, Annotated

import typer

from triagelens_client.cli.output import failing_plainly, notices, results
from triagelens_client.errors import ApiError

if TYPE_CHECKING:
    from triagelens_client.cli.connection import Connection

app = typer.Typer(help="Change or reset your password.", no_args_is_help=True)

_Present = Annotated[
    str,
    typer.Option(
        "--password",
        envvar="TRIAGELENS_PASSWORD",
        prompt="Present password",
        hide_input=True,
        help="Asked for if not given. Better in the environment than on the command line.",
    ),
]
_New = Annotated[
    str,
    typer.Option(
        "--new-password",
        envvar="TRIAGELENS_NEW_PASSWORD",
        prompt="New password",
        hide_input=True,
        confirmation_prompt=True,
        help="Asked for if not given.",
    ),
]
_Username = Annotated[str, typer.Option("--username", prompt="Username", help="Asked for if not given.")]


@app.command("change")
@failing_plainly
def change_password(context: typer.Context, password: _Present, new_password: _New) -> None:
    """Change your password. Ends every session of yours, this one too."""
    connection: Connection = context.obj
    with connection.client() as client:
        client.account.change_password(password, new_password)
    connection.sessions.forget(connection.api_url)
    notices().print("The password was changed. Sign in again.")


@app.command("forgot")
@failing_plainly
def forgot_password(context: typer.Context, username: _Username) -> None:
    """Have a code for a new password sent to your e-mail address."""
    connection: Connection = context.obj
    with connection.client() as client:
        client.account.forgot_password(username)
    notices().print("If there is such an account, a code is on its way. With it: triagelens password reset")


@app.command("reset")
@failing_plainly
def reset_password(
    context: typer.Context,
    username: _Username,
    code: Annotated[str, typer.Option(prompt="Code from the e-mail", help="Asked for if not given.")],
    new_password: _New,
) -> None:
    """Set a new password with the code that was sent. Ends every session of yours."""
    connection: Connection = context.obj
    with connection.client() as client:
        client.account.reset_password(username, code, new_password)
    connection.sessions.forget(connection.api_url)
    notices().print("The password was changed. Sign in again.")


def set_up_authenticator(context: typer.Context, username: str, password: _Present) -> None:
    """Set up an authenticator app, or another one. Doctors and admins need one in production."""
    connection: Connection = context.obj
    code: str | None = None
    with connection.client() as client:
        try:
            begun = client.account.begin_authenticator(username, password)
        except ApiError as error:
            if error.challenge != "SOFTWARE_TOKEN_MFA":
                raise
            code = typer.prompt("Code of your present app", err=True)
            begun = client.account.begin_authenticator(username, password, code=code)
        results().print(begun.secret, markup=False)
        notices().print(f"Put this secret into your app, or this address into a QR code:\n{begun.uri}")
        new_code = typer.prompt("Code that the app shows", err=True)
        if code is not None:  # each code counts once
            code = typer.prompt("The next code of your present app", err=True)
        client.account.finish_authenticator(username, password, new_code, code=code)
    notices().print("The app is set up. Every sign-in asks for its code from now on.")


def resend_code(context: typer.Context, username: str) -> None:
    """Have the code for `triagelens confirm` sent again."""
    connection: Connection = context.obj
    with connection.client() as client:
        client.account.resend_code(username)
    notices().print("If such an account waits for a code, a new one is on its way.")
