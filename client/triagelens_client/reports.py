"""Reports: ask for them, wait for them, fetch them."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from triagelens_client.errors import UnexpectedAnswerError
from triagelens_client.files import Source
from triagelens_client.http import Http, read_answer, segment, without_none
from triagelens_client.models import Page, all_of
from triagelens_client.polling import Poll
from triagelens_client.report_models import Report, TakenOver
from triagelens_client.tokens import TokenProvider

READY_WITHIN_S = 120.0
PDF_TYPE = "application/pdf"


class Reports:
    """Reports of cases and patients, as PDF. Made by `Triagelens`, as its `reports`."""

    def __init__(self, http: Http, tokens: TokenProvider, poll: Poll) -> None:
        self._http = http
        self._tokens = tokens
        self._poll = poll

    def request(
        self, *, case_id: str | None = None, patient_id: str | None = None, audience: str = "clinic"
    ) -> Report:
        """Asks for a report of a case or of a patient.

        Args:
            audience: `clinic`, with notes, reasons, labels and comments, or `patient`.
        """
        path = f"/v1/{_subject(case_id, patient_id)}/reports"
        return read_answer(Report, self._send("POST", path, body={"audience": audience}))

    def take_over(
        self,
        patient_id: str,
        source: Path | str | bytes | Source,
        *,
        system: str,
        reference: str,
        made_at: datetime | None = None,
        audience: str = "clinic",
        counts: Mapping[str, int] | None = None,
    ) -> Report:
        """Makes a PDF of a former system one of the patient's reports. Admins only; safe to repeat.

        Args:
            reference: by which that system knew it. The same one with the same file is one report.
            made_at: with its zone.
            audience: `patient` where the patient may see and fetch it, too.
            counts: what that system counted for it, in its own words.

        Raises:
            UploadRefusedError: the storage does not take the file.
            UnexpectedAnswerError: the storage took it, and the platform does not find it.
        """
        what = source if isinstance(source, Source) else Source.of(source)
        asked = without_none(
            system=system,
            reference=reference,
            sha256=what.sha256,
            size_bytes=what.size_bytes,
            made_at=made_at.isoformat() if made_at is not None else None,
            audience=audience,
            counts=dict(counts or {}),
        )
        path = f"/v1/patients/{segment(patient_id)}/former-reports"
        taken = read_answer(TakenOver, self._send("POST", path, body=asked, idempotent=True))
        if taken.upload is not None:
            self._http.upload(taken.upload, what, PDF_TYPE)
            taken = read_answer(TakenOver, self._send("POST", path, body=asked, idempotent=True))
        if taken.report is None:
            raise UnexpectedAnswerError("The report's file was sent, and the platform does not find it.")
        return taken.report

    def get(self, report_id: str) -> Report:
        """A report, and where to fetch it."""
        return read_answer(Report, self._send("GET", f"/v1/reports/{segment(report_id)}"))

    def page(self, limit: int = 20, cursor: str | None = None) -> Page[Report]:
        """One page of the reports that you asked for, newest first; of a patient, those about them."""
        return self._page("/v1/reports", limit, cursor)

    def all(self, limit: int = 20) -> Iterator[Report]:
        """What `page` gives, page by page of `limit`."""
        return all_of(lambda cursor: self.page(limit, cursor))

    def of(self, *, case_id: str | None = None, patient_id: str | None = None) -> Iterator[Report]:
        """Reports of a case or a patient, newest first."""
        path = f"/v1/{_subject(case_id, patient_id)}/reports"
        return all_of(lambda cursor: self._page(path, 50, cursor))

    def wait(
        self,
        report_id: str,
        within_s: float = READY_WITHIN_S,
        on_status: Callable[[str], None] = lambda status: None,
    ) -> Report:
        """The report once it is ready or has failed.

        Raises:
            DeadlinePassedError: neither came in `within_s` seconds.
        """

        def ask(_seconds: int) -> httpx.Response:
            return self._send("GET", f"/v1/reports/{segment(report_id)}")

        def read(response: httpx.Response) -> tuple[Report, str, bool]:
            report = read_answer(Report, response)
            on_status(report.status)
            return report, report.status, report.is_final

        return self._poll.until_final(ask, read, subject=f"report {report_id}", within_s=within_s)

    def download(self, report_id: str) -> bytes:
        """The PDF, checked against its digest.

        Raises:
            UnexpectedAnswerError: there is none, or its bytes are not those of the record.
        """
        report = self.get(report_id)
        if report.download is None:
            raise UnexpectedAnswerError(f"Report {report_id} has no file: it is {report.status}.")
        data = self._http.download(report.download.url)
        if hashlib.sha256(data).hexdigest() != report.sha256:
            raise UnexpectedAnswerError(f"What came is not report {report_id}: its digest is another.")
        return data

    def _page(self, path: str, limit: int, cursor: str | None) -> Page[Report]:
        return read_answer(Page[Report], self._send("GET", path, query={"limit": limit, "cursor": cursor}))

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        return self._http.send(method, path, tokens=self._tokens, **request)


def _subject(case_id: str | None, patient_id: str | None) -> str:
    if (case_id is None) == (patient_id is None):
        raise ValueError("Name a case or a patient, and not both.")
    return f"cases/{segment(case_id)}" if case_id is not None else f"patients/{segment(str(patient_id))}"
