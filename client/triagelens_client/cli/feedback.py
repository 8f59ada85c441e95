"""What people think of the platform."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from triagelens_client.cli.output import failing_plainly, notices, results, table

if TYPE_CHECKING:
    from triagelens_client.cli.connection import Connection
    from triagelens_client.client import Triagelens

app = typer.Typer(help="Say what you think of the platform.", no_args_is_help=True)


@app.command()
@failing_plainly
def give(
    context: typer.Context,
    rating: Annotated[int, typer.Argument(min=1, max=5, help="1 is bad, 5 is good.")],
    text: Annotated[str | None, typer.Argument()] = None,
) -> None:
    """Give feedback, in place of what you said before."""
    with _client(context) as client:
        client.feedback.give(rating, text)
    notices().print("Thank you.")


@app.command("list")
@failing_plainly
def list_feedback(context: typer.Context) -> None:
    """Everybody's feedback, newest first. Admins."""
    with _client(context) as client:
        found = list(client.feedback.all())
    rows = table("Given", "By", "Rating", "Text")
    for entry in found:
        given = f"{entry.submitted_at:%Y-%m-%d %H:%M}"
        rows.add_row(given, escape(entry.person), str(entry.rating), escape(entry.text or "-"))
    results().print(rows)


@app.command()
@failing_plainly
def reset(
    context: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Take all feedback away, so that everybody is asked anew. Admins."""
    if not yes:
        typer.confirm("Take all feedback away?", abort=True)
    with _client(context) as client:
        removed = client.feedback.reset()
    notices().print(f"{removed} taken away.")


def _client(context: typer.Context) -> "Triagelens":
    connection: Connection = context.obj
    return connection.client()
