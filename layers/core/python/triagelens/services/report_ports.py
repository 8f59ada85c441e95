"""What the use cases of reports need from the outside."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from triagelens.domain.report_document import ReportDocument
from triagelens.domain.reports import Edition, Report
from triagelens.services.ports import Page, UploadForm


class ReportRecords(Protocol):
    """Requests for reports, and editions. Every list is newest first, and raises InvalidRequestError for a
    cursor that it did not give out."""

    def report(self, report_id: str) -> Report:
        """The record, read consistently.

        Raises:
            NotFoundError: there is none.
        """

    def add_report(self, report: Report) -> Report:
        """Writes a new request.

        Raises:
            NotFoundError: its case or its patient has been erased.
        """

    def replace_report(self, report: Report) -> Report:
        """Writes over the version that was read.

        Raises:
            ConflictError: the stored record has changed since.
        """

    def finish_report(self, report: Report, image_ids: Sequence[str], *, newest: int) -> Report:
        """Writes a report that is ready, with its edition if that is new: the next after `newest`.

        Args:
            image_ids: of the images that it shows, of a case's report.
            newest: number of the newest edition before the report was gathered; 0 if there was none.

        Raises:
            EditionTakenError: that is not the newest edition any more.
            NotFoundError: the case, the patient or an image has been erased meanwhile.
            ConflictError: the stored record has changed since.
        """

    def add_former(self, report: Report) -> Report:
        """Writes a former system's report, of which there is one for each `FormerReport.mark` of a patient.

        Raises:
            FormerKnownError: it is there.
            NotFoundError: its patient has been erased.
        """

    def former(self, patient_id: str, mark: str) -> Report | None:
        """The patient's former report of that mark, read consistently."""

    def latest_editions(self, report: Report) -> Sequence[Edition]:
        """The latest of the report's case or patient, read consistently; the highest number first."""

    def requested_by(self, person: str, limit: int, cursor: str | None) -> Page[Report]:
        """Reports that the person asked for."""

    def of_case(self, case_id: str, limit: int, cursor: str | None) -> Page[Report]:
        """Reports of the case."""

    def of_patient(self, patient_id: str, limit: int, cursor: str | None) -> Page[Report]:
        """Reports that show the patient's details: their own, and those of their cases."""


@dataclass(frozen=True)
class ArrivedFile:
    """What lies under a key, and the first bytes of it."""

    size_bytes: int
    sha256: str
    head: bytes


class ReportFiles(Protocol):
    """The documents bucket."""

    def write(self, key: str, data: bytes) -> None: ...

    def url(self, key: str, name: str, lifetime: timedelta) -> str:
        """A presigned GET that saves the file under `name`."""

    def form(self, key: str, size_bytes: int, sha256: str, lifetime: timedelta) -> UploadForm:
        """A presigned POST for exactly that key, type PDF, and bytes of that number and digest."""

    def arrived(self, key: str) -> ArrivedFile | None:
        """What lies there, read as a whole; None if nothing does."""


class Pictures(Protocol):
    """The images bucket, as far as reports show what is in it."""

    def read(self, key: str) -> bytes:
        """Raises NotFoundError if it is gone."""


class Typesetter(Protocol):
    """Sets a document as PDF."""

    def __call__(self, document: ReportDocument) -> tuple[bytes, int]:
        """The file, and how many pages it has."""
