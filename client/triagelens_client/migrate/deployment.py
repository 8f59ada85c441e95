"""Where old records go: to a deployment of the platform."""

import hashlib
import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Protocol, TypeVar

from triagelens_client.account_models import MigratedUser
from triagelens_client.case_models import Case
from triagelens_client.client import Triagelens
from triagelens_client.dataset_models import Dataset
from triagelens_client.errors import ConflictError, TooManyRequestsError
from triagelens_client.files import Source
from triagelens_client.migrate.case_steps import CaseSteps
from triagelens_client.migrate.reading import sayable
from triagelens_client.migrate.records import (
    OldCase,
    OldDataset,
    OldFeedback,
    OldImage,
    OldPatient,
    OldReport,
    OldUser,
    UnfinishedError,
    UnfitError,
)
from triagelens_client.models import Image
from triagelens_client.patient_models import Patient

LONGEST_NAME = 255
USUAL_PAUSE_S = 5.0
LONGEST_PAUSE_S = 900.0
TRIES = 10
_LINE_ENDS = re.compile(r"[\t\n\r\u2028\u2029]")
KEPT = frozenset({"analyzed", "accepted"})

Answer = TypeVar("Answer")
Note = Callable[[str], None]


@dataclass(frozen=True)
class TakenCase:
    """A case that came over, and what of it did not."""

    case_id: str
    number: int | None
    remarks: tuple[str, ...]


class Destination(Protocol):
    """What the engine sends records to. Each method may be called again for the same record."""

    def users(self, users: Sequence[OldUser], patients: Mapping[str, str]) -> Sequence[MigratedUser]: ...

    def patient(self, patient: OldPatient) -> str: ...

    def report(self, report: OldReport, source: Source, patient_id: str) -> str: ...

    def image(self, image: OldImage, source: Source, patient_id: str | None) -> str: ...

    def judged(self, image_id: str) -> tuple[str, ...]: ...

    def case(
        self, case: OldCase, image_ids: Sequence[str], patient_id: str | None, known: str | None, note: Note
    ) -> TakenCase: ...

    def dataset(self, dataset: OldDataset, known: str | None, note: Note) -> str: ...


def former_name(system: str, ref: str) -> str:
    """By what a record can be found again, as file name of an image and in a case's notes: one line."""
    name = _LINE_ENDS.sub(lambda end: end[0].encode("unicode_escape").decode(), sayable(f"{system}:{ref}"))
    if len(name) <= LONGEST_NAME:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:16]
    return f"{system}:{digest}:{name[-(LONGEST_NAME - len(system) - 18) :]}"


@dataclass
class Deployment:
    """A deployment, in the name of whoever is signed in.

    What is there already is gone on with only if it is that person's own: others can write the same marks
    into what is theirs.

    Attributes:
        system: the old one.
        person: opaque id of who is signed in.
        since: nothing was taken over before; None if that is not known.
        within_s: how long to wait for the verdict on an image.
        sleep: replaced in tests.
    """

    client: Triagelens
    system: str
    person: str
    since: datetime | None = None
    within_s: float = 300.0
    sleep: Callable[[float], None] = field(default=time.sleep)

    def users(self, users: Sequence[OldUser], patients: Mapping[str, str]) -> Sequence[MigratedUser]:
        sent = {
            user.username: {
                "password_hash": user.password_hash,
                "first_name": user.first_name,
                "last_name": user.last_name,
                "role": user.role,
                "patient_id": patients.get(user.ref),
                "feedback": None if user.feedback is None else _said(user.feedback),
            }
            for user in users
        }
        return self.patiently(lambda: list(self.client.users.migrate(sent)))

    def patient(self, patient: OldPatient) -> str:
        """Its number is unique, so a second record cannot come about."""
        try:
            made = self.patiently(
                lambda: self.client.patients.create(
                    patient.name, number=patient.number, invite=patient.invite, **patient.details
                )
            )
        except ConflictError:
            known = self._patients.get(patient.number.casefold())
            if known is None or known.name != patient.name or known.owner != self.person:
                raise
            return known.patient_id
        return made.patient_id

    def report(self, report: OldReport, source: Source, patient_id: str) -> str:
        """For the patient to see, who could fetch it before. The platform knows what it has taken."""
        taken = self.patiently(
            lambda: self.client.reports.take_over(
                patient_id,
                source,
                system=self.system,
                reference=report.ref,
                made_at=report.made_at,
                audience="patient",
                counts=report.counts,
            )
        )
        return taken.report_id

    def image(self, image: OldImage, source: Source, patient_id: str | None) -> str:
        """Announced and uploaded, unless an earlier run did."""
        name = former_name(self.system, image.ref)
        known = self._images.get((name, source.sha256, patient_id))
        if known is not None:
            return known
        declaration = {"purpose": "training", "original_filename": name, **image.about}
        if patient_id is not None:
            declaration["patient_id"] = patient_id
        asked = json.dumps([image.specialty, source.sha256, declaration], sort_keys=True)
        key = f"migrate-{hashlib.sha256(asked.encode()).hexdigest()}"
        created = self.patiently(
            lambda: self.client.create_image(source, image.specialty, idempotency_key=key, **declaration)
        )
        self.client.upload_image(created, source)
        return created.image_id

    def judged(self, image_id: str) -> tuple[str, ...]:
        """What is to be said of an image after its quality check.

        Raises:
            DeadlinePassedError: it is not through.
            UnfitError: nothing of it could be kept.
        """
        image = self.patiently(lambda: self.client.wait_for(image_id, self.within_s))
        if image.status in KEPT:
            return ()
        why = _why(image)
        try:
            self.patiently(lambda: self.client.content(image_id))
        except ConflictError as error:
            raise UnfitError(f"the platform could not take it: {why}") from error
        return (f"kept, but not analysed: {why}",)

    def case(
        self, case: OldCase, image_ids: Sequence[str], patient_id: str | None, known: str | None, note: Note
    ) -> TakenCase:
        """The case with all that was said of it; `note` hears its id before anything hangs on it."""
        mark = f"[{former_name(self.system, case.ref)}]"
        case_id = known or self._cases.get(mark)
        if case_id is None:
            new = self.patiently(
                lambda: self.client.cases.create(
                    case.specialty, image_ids, patient_id=patient_id, notes=f"{mark}\n{case.notes}".strip()
                )
            )
        else:
            new = self._checked(self.patiently(lambda: self.client.cases.get(case_id)), image_ids, patient_id)
        note(new.case_id)
        steps = CaseSteps(self.client, self.patiently, case, new, begun=case_id is not None)
        return TakenCase(new.case_id, new.number, steps.finish())

    def dataset(self, dataset: OldDataset, known: str | None, note: Note) -> str:
        """Announced, sent and being ingested. Broken off, the files are sent again to the same dataset."""
        source = f"{former_name(self.system, dataset.ref)} ({dataset.listing})"
        there = known or self._datasets.get(source)
        datasets = self.client.datasets
        if there is None:
            made = self.patiently(
                lambda: datasets.create(
                    dataset.folder,
                    dataset.name,
                    dataset.specialty,
                    new_specialty=dataset.new_specialty,
                    source=source,
                )
            )
        else:
            made = self.patiently(lambda: datasets.get(there))
        note(made.dataset_id)
        return self._arrived(made, dataset)

    def patiently(self, request: Callable[[], Answer]) -> Answer:
        """The answer to a request; refused for there being too many, it is made again when it may.

        Raises:
            TooManyRequestsError: still too many, after ten tries.
        """
        for _ in range(TRIES - 1):
            try:
                return request()
            except TooManyRequestsError as error:
                pause_s = USUAL_PAUSE_S if error.retry_after_s is None else error.retry_after_s
                self.sleep(min(LONGEST_PAUSE_S, max(1.0, pause_s)))
        return request()

    def _checked(self, case: Case, image_ids: Sequence[str], patient_id: str | None) -> Case:
        """Raises UnfinishedError if a form or a comment might come to somebody else's case."""
        if (case.owner, case.image_ids, case.patient_id) != (self.person, tuple(image_ids), patient_id):
            raise UnfinishedError(f"case {case.number} is in its place, of other images or somebody else's")
        return case

    def _arrived(self, made: Dataset, old: OldDataset) -> str:
        if made.status == "awaiting_upload":
            made = self.client.datasets.upload(made.dataset_id, old.folder)
        if made.status in ("failed", "aborted"):
            why = made.failure.message if made.failure is not None else made.status
            raise UnfinishedError(f"its ingestion did not succeed: {why}")
        return made.dataset_id

    @cached_property
    def _images(self) -> dict[tuple[str, str | None, str | None], str]:
        """Own images by former name, digest and patient, of those that were uploaded."""
        found: dict[tuple[str, str | None, str | None], str] = {}
        for image in self.client.all_images():
            if self._is_before(image.created_at):
                break
            name = image.original_filename or ""
            if image.status not in ("awaiting_upload", "expired") and name.startswith(f"{self.system}:"):
                found[name, image.sha256, image.patient_id] = image.image_id
        return found

    @cached_property
    def _cases(self) -> dict[str, str]:
        """Own cases by the first line of their notes."""
        found: dict[str, str] = {}
        for case in self.client.cases.all(limit=100):
            if self._is_before(case.created_at):
                break
            mark = (case.notes or "").split("\n", 1)[0]
            if case.owner == self.person and mark.startswith(f"[{self.system}:"):
                found[mark] = case.case_id
        return found

    @cached_property
    def _patients(self) -> dict[str, Patient]:
        """By number in lower case."""
        return {one.number.casefold(): one for one in self.client.patients.all(50)}

    @cached_property
    def _datasets(self) -> dict[str, str]:
        """Own datasets by their source."""
        own = (one for one in self.client.datasets.all(50) if one.created_by == self.person)
        return {one.source: one.dataset_id for one in own if one.source is not None}

    def _is_before(self, created_at: datetime | None) -> bool:
        return self.since is not None and created_at is not None and created_at < self.since


def _said(feedback: OldFeedback) -> dict[str, Any]:
    when = feedback.submitted_at
    told = {"rating": feedback.rating, "text": feedback.text, "submitted_at": when and when.isoformat()}
    return {name: value for name, value in told.items() if value is not None}


def _why(image: Image) -> str:
    if image.failure is not None:
        return image.failure.message
    reasons = image.quality.reasons if image.quality is not None else ()
    return " ".join(one.message for one in reasons if one.severity == "reject") or image.status
