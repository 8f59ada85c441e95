"""Former systems: allcare, cataract, braintumor, smita, dermascan."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from triagelens_client.cli.output import FAILED, complain, failing_plainly, notices, results, table
from triagelens_client.errors import UnreadableFileError
from triagelens_client.migrate.allcare import read_allcare
from triagelens_client.migrate.braintumor import PatientKey, read_braintumor
from triagelens_client.migrate.cataract import read_cataract
from triagelens_client.migrate.deployment import Deployment
from triagelens_client.migrate.dermascan import read_dermascan
from triagelens_client.migrate.engine import Migration, Tell
from triagelens_client.migrate.ledger import Ledger, written_whole
from triagelens_client.migrate.nowhere import Nowhere
from triagelens_client.migrate.records import Store, StoreError
from triagelens_client.migrate.report import Outcome, Report
from triagelens_client.migrate.roles import check_role
from triagelens_client.migrate.smita import read_smita

if TYPE_CHECKING:
    from triagelens_client.cli.connection import Connection

app = typer.Typer(
    help="Take over what a former system holds. Can be broken off and repeated: nothing is made twice.",
    no_args_is_help=True,
)

MOST_REMARKS = 12
# This machine's clock and the platform's may differ.
CLOCKS_DIFFER = timedelta(days=1)

_Directory = Annotated[
    Path, typer.Argument(help="The former system's folder.", exists=True, file_okay=False, readable=True)
]
_DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Read and check everything, send nothing, tell what would happen.")
]
_Ledger = Annotated[
    Path | None,
    typer.Option(
        help="Where to keep what is done. FOLDER.migration.jsonl beside the folder, if not given.",
        dir_okay=False,
        show_default=False,
    ),
]
_Report = Annotated[
    Path | None,
    typer.Option(help="Write what became of each record into this JSON file.", dir_okay=False),
]
_Wait = Annotated[
    float, typer.Option(min=1, help="Seconds to wait for the quality check of one image, once all are sent.")
]


class FormerRole(StrEnum):
    """What those may become of whom the former system knew no more than that they had signed up."""

    PATIENT = "patient"
    GP = "gp"
    DOCTOR = "doctor"


@dataclass(frozen=True)
class _Wanted:
    """How a migration is to be done."""

    directory: Path
    dry_run: bool
    ledger: Path | None
    report: Path | None
    wait_s: float

    @property
    def ledger_path(self) -> Path:
        if self.ledger is not None:
            return self.ledger
        place = self.directory.resolve()
        return place.with_name(f"{place.name}.migration.jsonl")


@app.command()
@failing_plainly
def allcare(
    context: typer.Context,
    directory: Annotated[
        Path,
        typer.Argument(
            metavar="STORAGE_DIR",
            help="Its storage folder: a folder with images and metadata.jsonl for each user.",
            exists=True,
            file_okay=False,
        ),
    ],
    users: Annotated[
        Path | None,
        typer.Option(
            help="users.json, if it is neither in the folder nor beside it.", exists=True, dir_okay=False
        ),
    ] = None,
    key_file: Annotated[
        Path | None,
        typer.Option(
            help="File with the key, where the storage is encrypted. Or set DATA_ENCRYPTION_KEY.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    dry_run: _DryRun = False,
    ledger: _Ledger = None,
    report: _Report = None,
    wait: _Wait = 300.0,
) -> None:
    """Users with their passwords, images, cases, labels and annotations of AllCare. Needs the role admin."""
    wanted = _Wanted(directory, dry_run, ledger, report, wait)
    _migrate(context, wanted, lambda: read_allcare(directory, users=users, key=_key(key_file)))


@app.command()
@failing_plainly
def cataract(
    context: typer.Context,
    directory: _Directory,
    dry_run: _DryRun = False,
    ledger: _Ledger = None,
    report: _Report = None,
    wait: _Wait = 300.0,
) -> None:
    """Images for training that the cataract app collected, with what the model on the device said."""
    _migrate(context, _Wanted(directory, dry_run, ledger, report, wait), lambda: read_cataract(directory))


@app.command()
@failing_plainly
def braintumor(
    context: typer.Context,
    directory: _Directory,
    invite: Annotated[
        bool,
        typer.Option("--invite", help="Mail a first password to patients whose own cannot be taken over."),
    ] = False,
    patient_key: Annotated[
        PatientKey | None,
        typer.Option(help="Column of patients.csv that scans and reports mean. Else either, if it is clear."),
    ] = None,
    dry_run: _DryRun = False,
    ledger: _Ledger = None,
    report: _Report = None,
    wait: _Wait = 300.0,
) -> None:
    """Patients, their accounts and scans of the brain tumour system. Needs the role admin.

    The folder holds its tables as patients.csv, scans.csv, reports.csv and admins.csv, scans/ and reports/.
    """
    _migrate(
        context,
        _Wanted(directory, dry_run, ledger, report, wait),
        lambda: read_braintumor(directory, invite=invite, patient_key=patient_key),
    )


@app.command()
@failing_plainly
def smita(
    context: typer.Context,
    directory: _Directory,
    role: Annotated[
        FormerRole, typer.Option(help="Of its users who are no admins. Everybody could sign up there.")
    ] = FormerRole.PATIENT,
    dry_run: _DryRun = False,
    ledger: _Ledger = None,
    report: _Report = None,
    wait: _Wait = 300.0,
) -> None:
    """Users with their passwords, forms, images and comments of SMITA. Needs the role admin.

    The folder holds its collections as users.json, forms.json, comments.json and feedbacks.json, and images/.
    """
    wanted = _Wanted(directory, dry_run, ledger, report, wait)
    _migrate(context, wanted, lambda: read_smita(directory, role=role))


@app.command()
@failing_plainly
def dermascan(
    context: typer.Context,
    directory: _Directory,
    specialty: Annotated[str, typer.Option("--specialty", "-s", help="Of its datasets.")] = "skin",
    new_specialty: Annotated[
        bool, typer.Option("--new-specialty", help="The platform does not know it yet: keep its labels.")
    ] = False,
    dry_run: _DryRun = False,
    ledger: _Ledger = None,
    report: _Report = None,
    wait: _Wait = 300.0,
) -> None:
    """Datasets of DermaScan's server folder. Needs the role researcher or admin.

    Models of Keras cannot be taken over; the report names them.
    """
    wanted = _Wanted(directory, dry_run, ledger, report, wait)
    read = partial(read_dermascan, directory, specialty=specialty, new_specialty=new_specialty)
    _migrate(context, wanted, read)


def _key(file: Path | None) -> str | None:
    """The key out of a file or the environment: an argument would be seen by everybody on the machine."""
    if file is None:
        return os.environ.get("DATA_ENCRYPTION_KEY")
    try:
        return file.read_text(encoding="ascii")
    except (OSError, ValueError) as error:
        raise UnreadableFileError(f"{file} is not a key's file.") from error


def _migrate(context: typer.Context, wanted: _Wanted, read: Callable[[], Store]) -> None:
    """Reads, sends, reports; exit status 1 if anything failed."""
    try:
        store = read()
    except OSError as error:
        raise StoreError(f"{wanted.directory} cannot be read: {error.strerror or error}.") from error
    ledger = Ledger.read(wanted.ledger_path)
    with _progress() as tell:
        if wanted.dry_run:
            report = Report.begun(store, None, dry_run=True)
            Migration(store, Nowhere(), ledger, report, keeps=False, tell=tell).run()
        else:
            report = _sent(context.obj, store, ledger, wanted, tell)
    _show(report)
    if wanted.report is not None:
        written_whole(wanted.report, report.document())
    if report.has_failed:
        raise typer.Exit(FAILED)


def _sent(connection: "Connection", store: Store, ledger: Ledger, wanted: _Wanted, tell: Tell) -> Report:
    report = Report.begun(store, connection.api_url, dry_run=False)
    with connection.client() as client:
        me = client.me()
        check_role(me.role, store)
        with ledger.open(store.system, connection.api_url, me.username):
            since = ledger.head.begun_at - CLOCKS_DIFFER if ledger.was_there and ledger.head else None
            to = Deployment(client, store.system, me.id, since, wanted.wait_s)
            return Migration(store, to, ledger, report, tell=tell).run()


@contextmanager
def _progress() -> Iterator[Tell]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=notices(), transient=True) as progress:
        tasks: dict[str, TaskID] = {}

        def tell(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(what.capitalize(), total=total)
            progress.update(tasks[what], completed=done, total=total)

        yield tell


def _show(report: Report) -> None:
    would = "would be " if report.dry_run else ""
    rows = table("", f"{would}taken", "there before", f"{would}left out", "failed")
    for kind, counts in report.counts().items():
        rows.add_row(f"{kind}s", *(str(counts[outcome]) for outcome in Outcome))
    results().print(rows)
    if report.admins:
        notices().print(f"As admins: {', '.join(report.admins)}", markup=False, soft_wrap=True)
    remarks = list(report.remarks())
    for remark, count in remarks[:MOST_REMARKS]:
        notices().print(f"{count} x {escape(remark)}", soft_wrap=True)
    if len(remarks) > MOST_REMARKS:
        notices().print(f"... and {len(remarks) - MOST_REMARKS} further remarks; see --report.", markup=False)
    if report.stopped is not None:
        complain(f"Stopped: {report.stopped} Run the same command again to go on.")
