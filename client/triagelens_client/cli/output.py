"""How the command speaks: results on stdout, everything else on stderr."""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from triagelens_client.errors import TriagelensClientError
from triagelens_client.models import Image, Prediction
from triagelens_client.registry_models import Problem

FAILED = 1

DEMONSTRATION = "demonstration model, not for clinical use"

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def results() -> Console:
    """The console for results."""
    return Console()


def notices() -> Console:
    """The console for progress, questions and errors."""
    return Console(stderr=True)


def failing_plainly(command: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """`command`, ending with one line and exit status 1 where the client raises one of its errors."""

    @functools.wraps(command)
    def run(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        try:
            return command(*args, **kwargs)
        except TriagelensClientError as error:
            complain(str(error))
            raise typer.Exit(FAILED) from error

    return run


def complain(message: str) -> None:
    """One line about what went wrong."""
    notices().print(f"[bold red]Error:[/] {escape(message)}", soft_wrap=True)


def verdict(image: Image) -> str:
    """An image's outcome in a few words, as markup."""
    if image.status == "analyzed" and image.prediction is not None:
        finding = image.prediction
        said = f"[green]{escape(finding.top_label)}[/] {finding.probability:.1%}"
        return said if finding.is_accepted else f"{said} [yellow]{escape(str(finding.decision))}[/]"
    if image.status == "rejected":
        return f"[yellow]rejected[/]: {escape(why_rejected(image))}"
    if image.failure is not None:
        return f"[red]{image.status}[/]: {escape(image.failure.message)}"
    return escape(image.status.replace("_", " "))


def decision_of(finding: Prediction) -> str:
    """What is to be made of the answer, and why, as plain text; a dash of findings older than decisions."""
    if finding.decision is None:
        return "-"
    reasons = [reason.replace("_", " ") for reason in finding.reasons]
    possible = finding.prediction_set
    if possible is not None and len(possible.labels) > 1:
        reasons.append(f"possible: {', '.join(possible.labels)}")
    return f"{finding.decision} ({'; '.join(reasons)})" if reasons else finding.decision


def why_rejected(image: Image) -> str:
    reasons = image.quality.reasons if image.quality is not None else ()
    decisive = [reason.message for reason in reasons if reason.severity == "reject"]
    return " ".join(decisive) or "no reason was given"


def model_of(image: Image) -> str:
    """Name and version of the model that answered, as markup; a dash if none did."""
    if image.prediction is None:
        return "-"
    return escape(f"{image.prediction.model.name} {image.prediction.model.version}")


def table(*headings: str) -> Table:
    return Table(*headings, header_style="bold", show_lines=False)


def print_problems(problems: tuple[Problem, ...]) -> None:
    for problem in problems:
        complain(f"{problem.message} ({problem.code})")
