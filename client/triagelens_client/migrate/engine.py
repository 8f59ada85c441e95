"""Takes an old store over, record by record; broken off anywhere, the next run goes on from there."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from triagelens_client.account_models import MigratedUser
from triagelens_client.errors import (
    ConnectionFailedError,
    NotSignedInError,
    TriagelensClientError,
    UnauthenticatedError,
    UnreadableFileError,
)
from triagelens_client.migrate.at_hand import with_images
from triagelens_client.migrate.contents import image_in, pdf_in
from triagelens_client.migrate.deployment import Destination
from triagelens_client.migrate.ledger import Ledger, LedgerError, Taken, key_of
from triagelens_client.migrate.records import (
    Kind,
    OldCase,
    OldDataset,
    OldImage,
    OldPatient,
    OldReport,
    OldUser,
    Store,
    UnfinishedError,
    UnfitError,
    mark_of,
)
from triagelens_client.migrate.report import Entry, Outcome, Report
from triagelens_client.migrate.roles import ROLES
from triagelens_client.users import unfit_user

CHANGED = "something else was taken over in its place: it has changed, or the ledger is another store's"
# With these, every further record would fail in the same way.
STOPPING = (ConnectionFailedError, NotSignedInError, UnauthenticatedError, LedgerError)
NOT_HERE = "who said it has not come over"
VERDICTS = {"taken": Outcome.TAKEN, "known": Outcome.BEFORE, "refused": Outcome.LEFT_OUT}

Tell = Callable[[str, int, int], None]
"""Hears what is being done, how many records of it are done, and how many there are."""

Record = TypeVar("Record", OldUser, OldPatient, OldReport, OldImage, OldCase, OldDataset)


def _nobody_hears(what: str, done: int, total: int) -> None: ...


@dataclass
class Migration:
    """One run over one store.

    Attributes:
        to: a deployment, or nowhere in a dry run.
        ledger: what earlier runs did; noted in as soon as something is done.
        keeps: whether to note; not in a dry run.
    """

    store: Store
    to: Destination
    ledger: Ledger
    report: Report
    keeps: bool = True
    tell: Tell = _nobody_hears
    _ids: dict[str, str] = field(init=False)
    _failed: set[str] = field(init=False, default_factory=set)
    _at_hand: set[str] = field(init=False, default_factory=set)
    _marks: dict[str, str] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._ids = {key: line.id for key, line in self.ledger.taken.items()}

    def run(self) -> Report:
        """Everything that is left to do. One record's failure stops no other.

        Without a connection, a sign-in or a ledger the run stops, and the report tells why.
        """
        try:
            self._each(Kind.PATIENT, self.store.patients, self._patient)
            self._users()
            self._each(Kind.REPORT, self.store.reports, self._report)
            self._images()
            self._each(Kind.CASE, self.store.cases, self._case)
            self._each(Kind.DATASET, self.store.datasets, self._dataset)
        except STOPPING as error:
            self.report.stopped = str(error)
        except KeyboardInterrupt:
            self.report.stopped = "It was interrupted."
        return self.report

    def _users(self) -> None:
        """All in batches: the platform knows by itself whom it has taken."""
        fit: dict[str, OldUser] = {}
        patients: dict[str, str] = {}
        for user in self._counted("users", self.store.users):
            try:
                patient_id = self._fit_for(user, fit)
            except TriagelensClientError as error:
                outcome = Outcome.LEFT_OUT if isinstance(error, UnfitError) else Outcome.FAILED
                self._add(user, outcome, str(error))
                continue
            fit[user.username] = user
            if patient_id is not None:
                patients[user.ref] = patient_id
        for judged in self._judged(list(fit.values()), patients):
            user = fit[judged.username]
            reasons = (*user.remarks, *([judged.reason] if judged.reason else user.standing))
            self._add(user, VERDICTS[judged.verdict], *reasons)

    def _fit_for(self, user: OldUser, others: Mapping[str, OldUser]) -> str | None:
        """Id of the patient that the user is, if they are one.

        Raises:
            UnfitError, UnfinishedError: they cannot be sent, or their patient is not there.
        """
        fault = unfit_user(user.username, vars(user))
        if fault is not None:
            raise UnfitError(fault)
        if user.role not in ROLES:
            raise UnfitError(f"the role is none of {', '.join(ROLES)}")
        if user.username in others:
            raise UnfitError("the name came twice")
        return self._of_patient(user.patient)

    def _judged(self, users: list[OldUser], patients: Mapping[str, str]) -> Sequence[MigratedUser]:
        """What the platform made of these; of none of them, if it refused them all."""
        if not users:
            return ()
        try:
            return self.to.users(users, patients)
        except STOPPING:
            raise
        except TriagelensClientError as error:
            for user in users:
                self._add(user, Outcome.FAILED, str(error))
            return ()

    def _images(self) -> None:
        """First all are sent, then asked for: most are through by then."""
        sent: list[OldImage] = []
        for image in self._counted("images", self.store.images):
            entry = self._tried(Kind.IMAGE, image, self._send)
            if entry is None:
                sent.append(image)
            else:
                self.report.entries.append(entry)
        self._each(Kind.IMAGE, sent, self._judge, what="quality checks")

    def _each(
        self,
        kind: Kind,
        records: Sequence[Record],
        take: Callable[[Record], Entry],
        what: str | None = None,
    ) -> None:
        for record in self._counted(what or f"{kind}s", records):
            entry = self._tried(kind, record, take)
            if entry is not None:
                self.report.entries.append(entry)

    def _counted(self, what: str, records: Sequence[Record]) -> Iterator[Record]:
        for number, record in enumerate(records):
            self.tell(what, number, len(records))
            yield record
        if records:
            self.tell(what, len(records), len(records))

    def _tried(self, kind: Kind, record: Record, take: Callable[[Record], Entry | None]) -> Entry | None:
        """What `take` makes of the record, unless an earlier run was done with it."""
        key = key_of(kind, record.ref)
        self._marks[key] = mark_of(record)
        known = self.ledger.taken.get(key)
        if known is not None and known.mark not in (None, self._marks[key]):
            self._failed.add(key)
            return Entry(kind, record.ref, Outcome.FAILED, known.id, (CHANGED,), known.number)
        done = self.ledger.done(key)
        if done is not None:
            return self._before(kind, record.ref, done)
        try:
            return take(record)
        except STOPPING:
            raise
        except (UnfitError, UnreadableFileError) as error:
            outcome, reason = Outcome.LEFT_OUT, str(error)
        except TriagelensClientError as error:
            outcome, reason = Outcome.FAILED, str(error)
            self._failed.add(key)
        except OSError as error:
            outcome, reason = Outcome.FAILED, f"it cannot be read: {error.strerror or error}"
            self._failed.add(key)
        return Entry(kind, record.ref, outcome, self._ids.get(key) or None, (reason,))

    def _before(self, kind: Kind, ref: str, done: Taken) -> Entry:
        if not done.refused:
            self._at_hand.add(done.key)
        outcome = Outcome.LEFT_OUT if done.refused else Outcome.BEFORE
        return Entry(kind, ref, outcome, done.id, done.remarks, done.number)

    def _patient(self, patient: OldPatient) -> Entry:
        new_id = self.to.patient(patient)
        return self._taken(Kind.PATIENT, patient.ref, new_id, patient.remarks)

    def _report(self, old: OldReport) -> Entry:
        new_id = self.to.report(old, pdf_in(old.read()), self._patient_id(old.patient))
        return self._taken(Kind.REPORT, old.ref, new_id, old.remarks)

    def _send(self, image: OldImage) -> None:
        """Uploads the image, unless that was done before."""
        key = key_of(Kind.IMAGE, image.ref)
        if key in self._ids:
            return
        source = image_in(image.read())
        new_id = self.to.image(image, source, self._of_patient(image.patient))
        self._note(key, new_id, done=False)

    def _judge(self, image: OldImage) -> Entry:
        key = key_of(Kind.IMAGE, image.ref)
        try:
            remarks = (*image.remarks, *self.to.judged(self._ids[key]))
        except UnfitError as error:
            self._note(key, self._ids[key], done=True, refused=True, remarks=(str(error),))
            raise
        return self._taken(Kind.IMAGE, image.ref, self._ids[key], remarks)

    def _case(self, case: OldCase) -> Entry:
        key = key_of(Kind.CASE, case.ref)
        patient_id = self._of_patient(case.patient)
        if any(key_of(Kind.IMAGE, ref) in self._failed for ref in case.images):
            raise UnfinishedError("an image of it has not come over yet")
        whole = with_images(case, lambda ref: key_of(Kind.IMAGE, ref) in self._at_hand)
        image_ids = [self._ids[key_of(Kind.IMAGE, ref)] for ref in whole.images]

        def note(new_id: str) -> None:
            self._note(key, new_id, done=False)

        taken = self.to.case(whole, image_ids, patient_id, self._ids.get(key), note)
        return self._taken(Kind.CASE, case.ref, taken.case_id, taken.remarks, taken.number)

    def _dataset(self, dataset: OldDataset) -> Entry:
        key = key_of(Kind.DATASET, dataset.ref)

        def note(new_id: str) -> None:
            self._note(key, new_id, done=False)

        new_id = self.to.dataset(dataset, self._ids.get(key), note)
        return self._taken(Kind.DATASET, dataset.ref, new_id, dataset.remarks)

    def _of_patient(self, ref: str | None) -> str | None:
        """As `_patient_id`, of a record that need not have a patient."""
        return None if ref is None else self._patient_id(ref)

    def _patient_id(self, ref: str) -> str:
        """Id of a record's patient.

        Raises:
            UnfitError, UnfinishedError: the patient could not be taken over, or not yet.
        """
        key = key_of(Kind.PATIENT, ref)
        if key in self._failed:
            raise UnfinishedError("its patient has not come over yet")
        if key not in self._ids:
            raise UnfitError("its patient could not be taken over")
        return self._ids[key]

    def _taken(
        self, kind: Kind, ref: str, new_id: str, remarks: tuple[str, ...], number: int | None = None
    ) -> Entry:
        self._note(key_of(kind, ref), new_id, done=True, remarks=remarks, number=number)
        self._at_hand.add(key_of(kind, ref))
        return Entry(kind, ref, Outcome.TAKEN, new_id or None, remarks, number)

    def _note(self, key: str, new_id: str, **more: Any) -> None:
        self._ids[key] = new_id
        if self.keeps:
            self.ledger.note(Taken(key=key, id=new_id, mark=self._marks.get(key), **more))

    def _add(self, user: OldUser, outcome: Outcome, *remarks: str) -> None:
        """What became of a user, and of what they said, which goes with them."""
        self.report.entries.append(Entry(Kind.USER, user.ref, outcome, None, remarks))
        said = user.feedback
        if said is not None:
            why = said.remarks if outcome in (Outcome.TAKEN, Outcome.BEFORE) else (NOT_HERE,)
            self.report.entries.append(Entry(Kind.FEEDBACK, said.ref, outcome, None, why))
