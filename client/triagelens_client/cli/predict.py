"""Many images at once: upload, wait, show."""

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from triagelens_client.cli.output import (
    DEMONSTRATION,
    FAILED,
    complain,
    model_of,
    notices,
    results,
    table,
    verdict,
)
from triagelens_client.client import Triagelens
from triagelens_client.errors import NotSignedInError, TriagelensClientError
from triagelens_client.images import RESULT_WITHIN_S
from triagelens_client.models import Image

if TYPE_CHECKING:
    from triagelens_client.cli.connection import Connection

_ID_WIDTH = 26


@dataclass(frozen=True)
class Outcome:
    """What became of one file: an image's record, or an error."""

    file: Path
    image: Image | None = None
    error: TriagelensClientError | None = None

    @property
    def has_verdict(self) -> bool:
        return self.image is not None and self.image.has_verdict

    @property
    def is_demonstration(self) -> bool:
        finding = self.image.prediction if self.image is not None else None
        return finding is not None and finding.demonstration

    def as_json(self) -> str:
        """One line: the file, and its image as the API gives it or what went wrong."""
        line: dict[str, Any] = {"file": str(self.file)}
        if self.image is not None:
            line |= self.image.model_dump(mode="json")
        if self.error is not None:
            line["error"] = {"code": self.error.code, "message": str(self.error)}
        return json.dumps(line)


def predict(
    context: typer.Context,
    images: Annotated[list[Path], typer.Argument(help="JPEG, PNG, BMP or WebP files.")],
    specialty: Annotated[str, typer.Option("--specialty", "-s", help="skin, eye, oral, brain, ...")],
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a line, as each is ready.")
    ] = False,
    purpose: Annotated[
        str, typer.Option(help="diagnosis, or training to give the image away.")
    ] = "diagnosis",
    at_once: Annotated[
        int, typer.Option("--jobs", "-j", min=1, max=32, help="Images under way at once.")
    ] = 4,
    timeout: Annotated[
        float, typer.Option(min=1, help="Seconds to wait for each result after its upload.")
    ] = RESULT_WITHIN_S,
) -> None:
    """Upload images and show what the platform says about each.

    Exit status 0 if every image got a verdict (a rejection for its quality is one), 1 otherwise.
    """
    connection: Connection = context.obj
    outcomes: list[Outcome] = []
    with connection.client() as client, _progress(len(images)) as advance:
        for outcome in _outcomes(client, images, at_once, specialty, purpose, timeout):
            outcomes.append(outcome)
            advance()
            if as_json:
                typer.echo(outcome.as_json())
            if outcome.error is not None:
                complain(_naming(outcome.file, str(outcome.error)))
    if not as_json:
        _print_table(outcomes, images)
    if not all(outcome.has_verdict for outcome in outcomes):
        raise typer.Exit(FAILED)


def _outcomes(
    client: Triagelens, files: Sequence[Path], at_once: int, specialty: str, purpose: str, within_s: float
) -> Iterator[Outcome]:
    """Each file's outcome, in the order in which they are ready.

    Raises:
        NotSignedInError: there is no use in going on.
    """

    def one(file: Path) -> Outcome:
        try:
            image = client.upload_and_wait(
                file, specialty, within_s=within_s, purpose=purpose, original_filename=file.name
            )
        except NotSignedInError:
            raise
        except TriagelensClientError as error:
            return Outcome(file, error=error)
        return Outcome(file, image=image)

    workers = ThreadPoolExecutor(max_workers=at_once, thread_name_prefix="predict")
    try:
        running: list[Future[Outcome]] = [workers.submit(one, file) for file in files]
        for done in as_completed(running):
            yield done.result()
    finally:
        workers.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _progress(total: int) -> "Iterator[Any]":
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=notices(), transient=True) as progress:
        task = progress.add_task("Analysing", total=total)
        yield lambda: progress.advance(task)


def _print_table(outcomes: Sequence[Outcome], order: Sequence[Path]) -> None:
    rows = table()
    rows.add_column("Image", overflow="fold")
    for heading in ("Verdict", "Focus", "Model"):
        rows.add_column(heading)
    rows.add_column("Id", no_wrap=True, min_width=_ID_WIDTH)
    for outcome in sorted(outcomes, key=lambda outcome: order.index(outcome.file)):
        rows.add_row(escape(outcome.file.name), *_cells(outcome))
    console = results()
    console.print(rows)
    if any(outcome.is_demonstration for outcome in outcomes):
        console.print(f"* {DEMONSTRATION}", style="yellow")


def _cells(outcome: Outcome) -> tuple[str, str, str, str]:
    """Verdict, focus score, model and id, as markup."""
    image = outcome.image
    if image is None:
        return f"[red]{escape(str(outcome.error))}[/]", "-", "-", "-"
    focus = image.quality.focus_score if image.quality is not None else None
    mark = " *" if outcome.is_demonstration else ""
    return verdict(image), "-" if focus is None else f"{focus:.0f}", model_of(image) + mark, image.image_id


def _naming(file: Path, message: str) -> str:
    return message if str(file) in message else f"{file}: {message}"
