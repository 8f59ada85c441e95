"""Exports of images and cases: ask for one, wait for it, fetch its file."""

import uuid
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import httpx

from triagelens_client.errors import NoFileError
from triagelens_client.export_models import Export
from triagelens_client.http import Http, read_answer, segment
from triagelens_client.models import Page, all_of
from triagelens_client.polling import Poll
from triagelens_client.tokens import TokenProvider

READY_WITHIN_S = 1800.0


class Exports:
    """Exports, for researchers and admins. Made by `Triagelens`, as its `exports`."""

    def __init__(self, http: Http, tokens: TokenProvider, poll: Poll) -> None:
        self._http = http
        self._tokens = tokens
        self._poll = poll

    def request(
        self,
        what: str,
        format: str = "csv",  # noqa: A002  # the field's name
        *,
        specialty: str | None = None,
        since: date | None = None,
        until: date | None = None,
        include_people: bool = False,
        idempotency_key: str | None = None,
    ) -> Export:
        """Has `images` or `cases` written to a file, as `csv`, `jsonl` or `coco`.

        Args:
            since, until: days (UTC) on which they were begun; all, if None.
            include_people: with names and free text; admins only.
            idempotency_key: the same key never makes a second export; one by chance, if not given.
        """
        given = {
            "what": what,
            "format": format,
            "specialty": specialty,
            "from": since and f"{since}",
            "to": until and f"{until}",
            "include_people": include_people,
        }
        body = {name: value for name, value in given.items() if value is not None}
        headers = {"Idempotency-Key": idempotency_key or str(uuid.uuid4())}
        return read_answer(Export, self._send("POST", "", body=body, headers=headers, idempotent=True))

    def get(self, export_id: str) -> Export:
        """The export, with the link to its file if it is ready."""
        return read_answer(Export, self._send("GET", f"/{segment(export_id)}"))

    def page(self, limit: int = 20, cursor: str | None = None) -> Page[Export]:
        """One page of one's own exports, or for admins of all, newest first."""
        return read_answer(Page[Export], self._send("GET", "", query={"limit": limit, "cursor": cursor}))

    def all(self, limit: int = 20) -> Iterator[Export]:
        """Exports, newest first, page by page of `limit`."""
        return all_of(lambda cursor: self.page(limit, cursor))

    def wait(self, export_id: str, *, within_s: float = READY_WITHIN_S) -> Export:
        """The export once it is ready or has failed.

        Raises:
            DeadlinePassedError: it is still to come after `within_s` seconds.
        """

        def read(response: httpx.Response) -> tuple[Export, str, bool]:
            export = read_answer(Export, response)
            return export, export.status, export.has_ended

        return self._poll.until_final(
            lambda _seconds: self._send("GET", f"/{segment(export_id)}"),
            read,
            subject=f"export {export_id}",
            within_s=within_s,
        )

    def download(self, export: Export, path: Path) -> None:
        """Writes the file of an export that is ready to `path`, which only its owner may read.

        Raises:
            NoFileError: the export has none, or none any more.
            UploadRefusedError: the storage says no: the link has ended.
            UnreadableFileError: the file cannot be written.
        """
        if export.download is None:
            why = export.failure.message if export.failure is not None else f"it is {export.status}"
            raise NoFileError(f"Export {export.export_id} has no file to fetch: {why}")
        self._http.save(export.download.url, path)

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        return self._http.send(method, f"/v1/exports{path}", tokens=self._tokens, **request)
