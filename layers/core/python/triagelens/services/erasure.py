"""Erasing a patient: asked for in one transaction, then done by a queue worker, twice."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from triagelens.domain.audit import NOTHING
from triagelens.domain.audit import Outcome as Told
from triagelens.domain.cases import Case
from triagelens.domain.erasures import (
    Begun,
    ErasureRequest,
    ErasureStatus,
    Outcome,
    Receipt,
    Scope,
    in_order,
)
from triagelens.domain.errors import ErasedError, NotFoundError, OutdatedError
from triagelens.domain.ids import first_id_of, is_id, new_id
from triagelens.domain.images import ImageRecord
from triagelens.domain.people import Person, Role
from triagelens.services.erasure_ports import (
    Accounts,
    ErasureQueue,
    ErasureRecords,
    Learning,
    StoredFiles,
    Traces,
)
from triagelens.services.journal import Journal
from triagelens.services.patient_ports import PatientRecords
from triagelens.services.ports import Clock, Page

# Longer than a form can be used (10 minutes), and than any request or message that was under way lasts.
SWEEP_AFTER_S = 900
TRIES = 5
# Erasures that stand still are looked for among those of the last month, once they are an hour old.
LOOKED_AT = timedelta(days=30)
STANDS_STILL_AFTER = timedelta(hours=1)


@dataclass(frozen=True)
class Erasures:
    """Erasures as those see them who may ask for one."""

    patients: PatientRecords
    records: ErasureRecords
    queue: ErasureQueue
    clock: Clock
    journal: Journal

    def begin(self, person: Person, patient_id: str) -> Receipt:
        """Erases a patient. From then on nobody finds them; the rest follows within minutes.

        Asked again, it gives the same receipt, and has the work taken up again if it is not done.

        Raises:
            NotFoundError: there is no such patient, or the person does not work on them.
            OutdatedError: the record kept changing.
        """
        missing = NotFoundError("There is no such patient.")
        if not is_id(patient_id):
            raise missing
        for _ in range(TRIES):
            try:
                receipt = self._begun(person, patient_id)
            except OutdatedError:
                continue
            except ErasedError as erased:
                receipt = self.records.receipt(erased.erasure_id)
            except NotFoundError:
                self.journal.write(person.sub, "patient.erase", patient_id, Told.DENIED)
                raise missing from None
            if receipt.status is ErasureStatus.RUNNING:
                self.queue.send(ErasureRequest(erasure_id=receipt.begun.erasure_id))
            return receipt
        raise OutdatedError("The patient's record keeps changing; try again.")

    def one(self, person: Person, erasure_id: str) -> Receipt:
        """The receipt, once the reading is written down.

        Raises:
            NotFoundError: there is no such erasure.
        """
        missing = NotFoundError("There is no such erasure.")
        if not is_id(erasure_id):
            raise missing
        with suppress(NotFoundError):
            receipt = self.records.receipt(erasure_id)
            self.journal.write(person.sub, "erasure.read", erasure_id)
            return receipt
        raise missing

    def page(self, person: Person, limit: int, cursor: str | None) -> Page[Receipt]:
        """All receipts, newest first."""
        page = self.records.receipts(limit, cursor)
        self.journal.write(person.sub, "erasure.list", NOTHING)
        return page

    def _begun(self, person: Person, patient_id: str) -> Receipt:
        patient = self.patients.patient(patient_id)
        if not patient.is_worked_on_by(person):
            raise NotFoundError("There is no such patient.")
        begun = Begun(
            erasure_id=new_id(),
            patient_id=patient_id,
            requested_by=person.sub,
            begun_at=self.clock(),
            correlation_id=self.journal.correlation_id,
            username=None if patient.account is None else patient.account.username,
            sub=None if patient.account is None else patient.account.sub,
        )
        self.journal.write(person.sub, "patient.erase", patient_id)
        self.records.begin(begun, patient)
        return Receipt(begun=begun)


@dataclass(frozen=True)
class Erasing:
    """The work. Killed anywhere and done again, it comes to the same.

    What there is to erase is written down by id before the first of it goes, since what has gone cannot
    lead to the rest any more.
    """

    records: ErasureRecords
    traces: Traces
    files: StoredFiles
    accounts: Accounts
    learning: Learning
    queue: ErasureQueue
    clock: Clock

    def run(self, request: ErasureRequest) -> Receipt:
        """One pass over everything.

        Raises:
            NotFoundError: nobody has asked for this erasure.
        """
        begun = self.records.receipt(request.erasure_id).begun
        erasure_id, now = begun.erasure_id, self.clock()
        self.traces.bury_patient(begun.patient_id, erasure_id, now)
        if begun.username is not None:
            self.accounts.expect_no_more(begun.username, begun.patient_id)
        sub = self._own_account(begun)
        scope = self._scope(begun, sub)
        self._erase(begun, scope, now)
        removed = self._remove_account(begun, sub)
        outcome = self._outcome(scope, removed)
        self.records.complete(erasure_id, outcome, sweep=request.sweep)
        if not request.sweep:
            self.queue.send(ErasureRequest(erasure_id=erasure_id, sweep=True), SWEEP_AFTER_S)
        return self.records.receipt(erasure_id)

    def look(self) -> int:
        """Sends the messages of erasures that stand still again, and tells how many those are."""
        now, sent = self.clock(), 0
        for receipt in self.records.since(first_id_of(now - LOOKED_AT)):
            last = receipt.begun.begun_at if receipt.done is None else receipt.done.at
            if receipt.status is ErasureStatus.SWEPT or now - last < STANDS_STILL_AFTER:
                continue
            sweep = receipt.status is ErasureStatus.DONE
            self.queue.send(ErasureRequest(erasure_id=receipt.begun.erasure_id, sweep=sweep))
            sent += 1
        return sent

    def _own_account(self, begun: Begun) -> str | None:
        """The account that is the patient's and nothing else; None if there is none such.

        Whoever was invited as a patient and has another role by now keeps their account, and what they
        do in that role.
        """
        if begun.username is None:
            return None
        sub = begun.sub or self.records.account(begun.erasure_id)
        if sub is None:
            sub = self.accounts.sub_of(begun.username)
            if sub is None:
                return None
            self.records.note_account(begun.erasure_id, sub)
        person = self.accounts.person(sub)
        if person is not None and person.role is not Role.PATIENT:
            if person.patient_id == begun.patient_id:
                self.accounts.unlink(person)
            return None
        return sub

    def _scope(self, begun: Begun, sub: str | None) -> Scope:
        """What was noted before, and what has turned up since, which is noted now."""
        noted = self.records.scope(begun.erasure_id)
        images = {image.image_id: image for image in self._images(begun.patient_id, sub)}
        cases = {case.case_id: case for case in self.traces.cases_of_patient(begun.patient_id)}
        looked_at: set[str] = set()
        while todo := [image for image in images.values() if image.image_id not in looked_at]:
            looked_at |= set(images)
            for case in self.traces.cases_with(todo):
                cases[case.case_id] = case
            for case in cases.values():
                if _may_go(case, begun.patient_id):
                    images |= {image.image_id: image for image in self._images_in(case, begun, images)}
        own = {case.case_id for case in cases.values() if _may_go(case, begun.patient_id)}
        found = Scope(
            images=frozenset(images), cases=frozenset(own), kept_cases=frozenset(cases) - frozenset(own)
        )
        covered = noted | found
        # A report of a case that stays may show an image that does not.
        reports = self.traces.reports([begun.patient_id], covered.cases | covered.kept_cases)
        new = (found | Scope(reports=frozenset(reports))) - noted
        if not new.is_empty:
            self.records.note_scope(begun.erasure_id, new)
        return noted | new

    def _images(self, patient_id: str, sub: str | None) -> Iterator[ImageRecord]:
        yield from self.traces.images_of_patient(patient_id)
        if sub is not None:
            for image in self.traces.images_of_owner(sub):
                if image.patient_id in (None, patient_id):
                    yield image

    def _images_in(self, case: Case, begun: Begun, known: dict[str, ImageRecord]) -> list[ImageRecord]:
        """Images of the patient's case that name nobody else."""
        read = [self.traces.image(image_id) for image_id in case.image_ids if image_id not in known]
        return [image for image in read if image and image.patient_id in (None, begun.patient_id)]

    def _erase(self, begun: Begun, scope: Scope, now: datetime) -> None:
        """Records before files: whoever still finds a file finds no record to use it by."""
        for report_id in in_order(scope.reports):
            self.traces.erase_report(report_id)
        for case_id in in_order(scope.cases):
            self.traces.erase_case(case_id, begun.erasure_id, now)
            self.files.erase_case(case_id)
        for image_id in in_order(scope.images):
            self.traces.erase_image(image_id, begun.erasure_id, now)
            self.files.erase_image(image_id)
        for case_id in in_order(scope.kept_cases):
            self.traces.erase_editions(case_id)
        for subject_id in (begun.patient_id, *in_order(scope.kept_cases)):
            self.files.erase_reports(subject_id)
        self.files.erase_exports()
        self.traces.erase_rest(begun.patient_id)

    def _remove_account(self, begun: Begun, sub: str | None) -> bool | None:
        if begun.username is None:
            return None
        if sub is None:
            return None if self.accounts.sub_of(begun.username) is None else False
        self.accounts.remove(sub, begun.username)
        self.traces.erase_feedback(sub)  # of somebody who can give no other any more
        return True

    def _outcome(self, scope: Scope, account: bool | None) -> Outcome:
        snapshots = {name for image in scope.images for name in self.learning.snapshots_with(image)}
        return Outcome(
            at=self.clock(),
            images=len(scope.images),
            cases=len(scope.cases),
            reports=len(scope.reports),
            kept_cases=in_order(scope.kept_cases),
            snapshots=in_order(snapshots),
            models=in_order(self.learning.models_from(frozenset(snapshots))),
            account=account,
        )


def _may_go(case: Case, patient_id: str) -> bool:
    """Whether the case is about nobody else."""
    return case.patient_id in (None, patient_id)
