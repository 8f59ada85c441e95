"""Addresses that are told what happened."""

import itertools
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from triagelens_client.cli.output import failing_plainly, notices, results, table

if TYPE_CHECKING:
    from triagelens_client.cli.connection import Connection
    from triagelens_client.client import Triagelens
    from triagelens_client.webhook_models import Webhook

app = typer.Typer(help="Addresses that are told what happened. Needs the role admin.", no_args_is_help=True)

_JSON = Annotated[bool, typer.Option("--json", help="JSON instead of a table.")]
_Id = Annotated[str, typer.Argument(metavar="WEBHOOK_ID", help="As `create` printed it.")]
_Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


@app.command()
@failing_plainly
def create(
    context: typer.Context,
    url: Annotated[str, typer.Argument(help="Where events are POSTed to: https, with a public name.")],
    events: Annotated[list[str], typer.Argument(help="What it is told of, such as image.analyzed.")],
) -> None:
    """Have an address told of events. The secret is printed this once."""
    with _client(context) as client:
        made = client.webhooks.create(url, events)
    notices().print(f"Webhook {made.webhook_id}. Keep its secret, it is not shown again:", markup=False)
    results().print(made.secret, markup=False, soft_wrap=True)


@app.command("list")
@failing_plainly
def list_webhooks(context: typer.Context, as_json: _JSON = False) -> None:
    """List webhooks, oldest first."""
    with _client(context) as client:
        found = client.webhooks.all()
    if as_json:
        for webhook in found:
            typer.echo(webhook.model_dump_json())
        return
    rows = table("Id", "Address", "Events", "Standing")
    for webhook in found:
        rows.add_row(webhook.webhook_id, escape(webhook.url), ", ".join(webhook.events), _standing(webhook))
    results().print(rows)


@app.command()
@failing_plainly
def show(context: typer.Context, webhook_id: _Id) -> None:
    """Show a webhook as JSON."""
    with _client(context) as client:
        typer.echo(client.webhooks.get(webhook_id).model_dump_json(indent=2))


@app.command()
@failing_plainly
def rotate(context: typer.Context, webhook_id: _Id, yes: _Yes = False) -> None:
    """Give a webhook a new secret; the former one signs nothing from then on."""
    if not yes:
        typer.confirm("The receiver needs the new secret at once. Go on?", abort=True, err=True)
    with _client(context) as client:
        renewed = client.webhooks.rotate(webhook_id)
    notices().print("Keep the new secret, it is not shown again:")
    results().print(renewed.secret, markup=False, soft_wrap=True)


@app.command()
@failing_plainly
def enable(context: typer.Context, webhook_id: _Id) -> None:
    """Tell a webhook again; what happened meanwhile is not told later."""
    with _client(context) as client:
        client.webhooks.change(webhook_id, enabled=True)
    notices().print("Enabled.")


@app.command()
@failing_plainly
def disable(context: typer.Context, webhook_id: _Id) -> None:
    """Tell a webhook nothing until it is enabled."""
    with _client(context) as client:
        client.webhooks.change(webhook_id, enabled=False)
    notices().print("Disabled.")


@app.command()
@failing_plainly
def delete(context: typer.Context, webhook_id: _Id, yes: _Yes = False) -> None:
    """Delete a webhook."""
    if not yes:
        typer.confirm("Delete it?", abort=True, err=True)
    with _client(context) as client:
        client.webhooks.delete(webhook_id)
    notices().print("Deleted.")


@app.command()
@failing_plainly
def deliveries(
    context: typer.Context,
    webhook_id: _Id,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 50,
    as_json: _JSON = False,
) -> None:
    """What a webhook was told, the newest event first."""
    with _client(context) as client:
        found = list(itertools.islice(client.webhooks.deliveries(webhook_id), limit))
    if as_json:
        for one in found:
            typer.echo(one.model_dump_json())
        return
    rows = table("Event (UTC)", "Type", "Id", "Attempt", "Outcome", "Answer")
    for one in found:
        answer = str(one.status) if one.status is not None else one.problem or "-"
        when = f"{one.event_at:%Y-%m-%d %H:%M:%S}"
        rows.add_row(when, one.event_type, one.event_id, str(one.attempt), one.outcome, escape(answer))
    results().print(rows)


def _standing(webhook: "Webhook") -> str:
    return "enabled" if webhook.enabled else f"[red]disabled[/] ({escape(webhook.disabled_reason or '-')})"


def _client(context: typer.Context) -> "Triagelens":
    connection: Connection = context.obj
    return connection.client()
