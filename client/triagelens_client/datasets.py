"""Datasets: announce, send, have ingested, look at."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from triagelens_client.dataset_files import Folder, Tell, ToldSource, piece
from triagelens_client.dataset_models import Dataset, FilePlaces, PartPlaces, Parts
from triagelens_client.errors import UnreadableFileError
from triagelens_client.files import Source
from triagelens_client.http import Http, read_answer, segment
from triagelens_client.models import Page, UploadForm, all_of
from triagelens_client.polling import Poll
from triagelens_client.tokens import TokenProvider

IN_PARTS_FROM_BYTES = 100_000_000  # below that, to begin anew costs little
PLACES_AT_ONCE = 20
FILES_AT_ONCE = 100
OCTETS = "application/octet-stream"
DAY_S = 24 * 3600.0


class Datasets:
    """The deployment's datasets. Made by `Triagelens`, as its `datasets`."""

    def __init__(self, http: Http, tokens: TokenProvider, poll: Poll) -> None:
        self._http = http
        self._tokens = tokens
        self._poll = poll

    def create(self, path: Path | str, name: str, specialty: str, **more: Any) -> Dataset:
        """Announces what `path` is: a zip, tar or tgz, in parts if it is large, or a folder's files.

        Args:
            more: `new_specialty`, `group_column`, `licence`, `source`.

        Raises:
            UnreadableFileError: there is no such file or folder, or it is empty.
        """
        body = {"name": name, "specialty": specialty, **_form_of(Path(path)), **more}
        given = {key: value for key, value in body.items() if value is not None}
        return read_answer(Dataset, self._send("POST", "", body=given))

    def from_labels(self, name: str, specialty: str) -> Dataset:
        """A dataset of what readers have labelled by now, being ingested."""
        body = {"name": name, "specialty": specialty}
        return read_answer(Dataset, self._send("POST", "/from-labels", body=body))

    def get(self, dataset_id: str) -> Dataset:
        return read_answer(Dataset, self._send("GET", f"/{segment(dataset_id)}"))

    def page(self, limit: int = 20, cursor: str | None = None) -> Page[Dataset]:
        """One page of datasets, newest first."""
        return read_answer(Page[Dataset], self._send("GET", "", query={"limit": limit, "cursor": cursor}))

    def all(self, limit: int = 20) -> Iterator[Dataset]:
        """Datasets, newest first, page by page of `limit`."""
        return all_of(lambda cursor: self.page(limit, cursor))

    def upload(self, dataset_id: str, path: Path | str, told: Tell = lambda _sent: None) -> Dataset:
        """Sends what was announced, and has it ingested; `told` hears how many bytes have gone.

        An archive in parts goes on from the parts that have come. Everything else begins anew.

        Raises:
            UnreadableFileError: `path` is not what was announced.
            UploadRefusedError: the storage does not take it.
            ConflictError: the dataset takes no files any more.
        """
        dataset, place = self.get(dataset_id), Path(path)
        if dataset.form == "files":
            self._send_files(dataset, Folder(place), told)
            return self.ingest(dataset_id)
        source = Source.of(place)
        if source.size_bytes != dataset.size_bytes:
            raise UnreadableFileError(
                f"{place} has {source.size_bytes} bytes; {dataset.size_bytes} were announced."
            )
        if dataset.form == "multipart":
            self._send_parts(dataset, place, told)
            return self._do(dataset_id, "complete")
        form = read_answer(UploadForm, self._send("POST", f"/{segment(dataset_id)}/form", idempotent=True))
        self._http.upload(form, ToldSource(place, place.name, told), OCTETS)
        return self.ingest(dataset_id)

    def ingest(self, dataset_id: str) -> Dataset:
        """Has a dataset that has arrived ingested; asked twice, there is one job."""
        return self._do(dataset_id, "ingest")

    def abort(self, dataset_id: str) -> Dataset:
        """Gives a dataset up before it is ingested."""
        return self._do(dataset_id, "abort")

    def problems(self, dataset: Dataset) -> bytes:
        """The list of what the latest snapshot left out, one JSON line a file."""
        url = dataset.problems_url or self.get(dataset.dataset_id).problems_url
        return b"" if url is None else self._http.download(url)

    def wait(self, dataset_id: str, *, within_s: float = DAY_S) -> Dataset:
        """The dataset once it is ready, failed or aborted.

        Raises:
            DeadlinePassedError: it is not, after `within_s` seconds.
        """

        def read(response: httpx.Response) -> tuple[Dataset, str, bool]:
            dataset = read_answer(Dataset, response)
            return dataset, dataset.status, dataset.is_settled

        return self._poll.until_final(
            lambda _seconds: self._send("GET", f"/{segment(dataset_id)}"),
            read,
            subject=f"dataset {dataset_id}",
            within_s=within_s,
        )

    def _send_parts(self, dataset: Dataset, path: Path, told: Tell) -> None:
        url = f"/{segment(dataset.dataset_id)}/parts"
        parts = read_answer(Parts, self._send("GET", url))
        here = set(parts.arrived)
        total = dataset.size_bytes or 0
        last_bytes = total - (parts.count - 1) * parts.part_bytes
        sent = sum(last_bytes if number == parts.count else parts.part_bytes for number in here)
        told(sent)
        missing = [number for number in range(1, parts.count + 1) if number not in here]
        for start in range(0, len(missing), PLACES_AT_ONCE):
            numbers = missing[start : start + PLACES_AT_ONCE]
            places = self._send("POST", url, body={"part_numbers": numbers}, idempotent=True)
            for place in read_answer(PartPlaces, places).items:
                offset = (place.part_number - 1) * parts.part_bytes
                self._http.put(place.url, piece(path, offset, place.size_bytes))
                sent += place.size_bytes
                told(sent)

    def _send_files(self, dataset: Dataset, folder: Folder, told: Tell) -> None:
        sent = 0
        url = f"/{segment(dataset.dataset_id)}/files"
        for start in range(0, len(folder.files), FILES_AT_ONCE):
            some = folder.files[start : start + FILES_AT_ONCE]
            announced = [{"path": name, "size_bytes": size} for name, _, size in some]
            answer = self._send("POST", url, body={"files": announced}, idempotent=True)
            places = {place.path: place.upload for place in read_answer(FilePlaces, answer).items}
            for name, file, size in some:
                self._http.upload(places[name], Source.of(file), OCTETS)
                sent += size
                told(sent)

    def _do(self, dataset_id: str, verb: str) -> Dataset:
        return read_answer(Dataset, self._send("POST", f"/{segment(dataset_id)}/{verb}", idempotent=True))

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        return self._http.send(method, f"/v1/datasets{path}", tokens=self._tokens, **request)


def _form_of(path: Path) -> dict[str, Any]:
    """How a file or folder is to be sent."""
    if path.is_dir():
        return {"form": "files"}
    size = Source.of(path).size_bytes
    return {"form": "multipart" if size >= IN_PARTS_FROM_BYTES else "archive", "size_bytes": size}
