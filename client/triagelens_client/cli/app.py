"""The root of the command and what all its parts share."""

from pathlib import Path
from typing import Annotated

import typer

from triagelens_client.cli import (
    audit,
    cases,
    credentials,
    datasets,
    exports,
    feedback,
    images,
    migrate,
    models,
    patients,
    people,
    predict,
    reports,
    review,
    statistics,
    training,
    users,
    webhooks,
)
from triagelens_client.cli.connection import Connection
from triagelens_client.cli.output import failing_plainly

app = typer.Typer(
    help="Have medical images checked and analysed by Triagelens.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def connect(
    context: typer.Context,
    api: Annotated[
        str | None,
        typer.Option(
            "--api", envvar="TRIAGELENS_API_URL", help="Address of the API. The one used last, if not given."
        ),
    ] = None,
    config_dir: Annotated[
        Path | None,
        typer.Option(
            envvar="TRIAGELENS_CONFIG_DIR", help="Folder in which sign-ins are kept.", show_default=False
        ),
    ] = None,
    ca_file: Annotated[
        Path | None,
        typer.Option(
            help="Certificate authority of the API, where the system does not know it.", exists=True
        ),
    ] = None,
    api_key: Annotated[
        str | None,
        typer.Option(
            envvar="TRIAGELENS_API_KEY",
            help="Where a deployment asks for one besides. Better in the environment than here.",
            show_default=False,
        ),
    ] = None,
) -> None:
    folder = config_dir or Path(typer.get_app_dir("triagelens"))
    context.obj = Connection.to(api, folder, ca_file, api_key)


app.command("sign-up")(failing_plainly(people.sign_up))
app.command("confirm")(failing_plainly(people.confirm))
app.command("sign-in")(failing_plainly(people.sign_in))
app.command("sign-out")(failing_plainly(people.sign_out))
app.command("resend")(failing_plainly(credentials.resend_code))
app.command("authenticator")(failing_plainly(credentials.set_up_authenticator))
app.command("stats")(failing_plainly(statistics.stats))
app.command("whoami")(failing_plainly(people.whoami))
app.command("predict")(failing_plainly(predict.predict))
app.add_typer(images.app, name="images")
app.add_typer(cases.app, name="cases")
app.add_typer(review.app, name="review")
app.add_typer(feedback.app, name="feedback")
app.add_typer(patients.app, name="patients")
app.add_typer(reports.app, name="reports")
app.add_typer(models.app, name="models")
app.add_typer(datasets.app, name="datasets")
app.add_typer(training.app, name="training")
app.add_typer(credentials.app, name="password")
app.add_typer(exports.app, name="exports")
app.add_typer(users.app, name="users")
app.add_typer(audit.app, name="audit")
app.add_typer(webhooks.app, name="webhooks")
app.add_typer(migrate.app, name="migrate")
