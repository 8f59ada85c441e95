"""Models: bring one, see what there is, put one into production."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from triagelens_client.errors import UnreadableFileError
from triagelens_client.files import Source
from triagelens_client.http import Http, read_answer, segment
from triagelens_client.models import ImportCreated, Model, ModelImport, Page, all_of
from triagelens_client.polling import Poll
from triagelens_client.tokens import TokenProvider


class Registry:
    """The deployment's models. Made by `Triagelens`, as its `models`."""

    def __init__(self, http: Http, tokens: TokenProvider, poll: Poll) -> None:
        self._http = http
        self._tokens = tokens
        self._poll = poll

    def import_model(
        self,
        model: Path | str,
        manifest: Path | str,
        head: Path | str | None = None,
        *,
        within_s: float = 180.0,
    ) -> ModelImport:
        """Uploads a model, then its head weights, then its manifest, and waits for what the checks say.

        The manifest comes last because its arrival starts the checks.

        Args:
            head: classifier weights for explanations, if the manifest names such a file.

        Raises:
            UnreadableFileError: a file is absent, or the manifest is not a JSON object.
            DeadlinePassedError: no verdict in `within_s` seconds.
        """
        model_file, manifest_file = Source.of(model), Source.of(manifest)
        head_file = None if head is None else Source.of(head)
        created = self._announce(model_file, manifest_file, head_file)
        self._http.upload(created.uploads.model, model_file, "application/octet-stream")
        if head_file is not None and created.uploads.head is not None:
            self._http.upload(created.uploads.head, head_file, "application/octet-stream")
        self._http.upload(created.uploads.manifest, manifest_file, "application/json")
        return self.wait_for_import(created.import_id, within_s)

    def wait_for_import(self, import_id: str, within_s: float = 180.0) -> ModelImport:
        """The import once it is decided.

        Raises:
            DeadlinePassedError: it is not, after `within_s` seconds.
        """

        def ask(wait_s: int) -> httpx.Response:
            return self._send("GET", f"/v1/models/imports/{segment(import_id)}")

        def read(response: httpx.Response) -> tuple[ModelImport, str, bool]:
            answer = read_answer(ModelImport, response)
            return answer, answer.status, answer.is_final

        return self._poll.until_final(ask, read, subject=f"Import {import_id}", within_s=within_s)

    def page(self, specialty: str | None = None, limit: int = 50, cursor: str | None = None) -> Page[Model]:
        """One page of registered models, of one specialty or of all, by specialty and version."""
        query = {"specialty": specialty, "limit": limit, "cursor": cursor}
        return read_answer(Page[Model], self._send("GET", "/v1/models", query=query))

    def all(self, specialty: str | None = None) -> Iterator[Model]:
        """Registered models, of one specialty or of all, page by page."""
        return all_of(lambda cursor: self.page(specialty, cursor=cursor))

    def get(self, specialty: str, version: str) -> Model:
        return read_answer(Model, self._send("GET", f"/v1/models/{segment(specialty)}/{segment(version)}"))

    def activate(self, specialty: str, version: str, reason: str) -> Model:
        """Puts a model into production at once. Admins only; the reason is audited for ever."""
        path = f"/v1/models/{segment(specialty)}/{segment(version)}/activate"
        return read_answer(Model, self._send("POST", path, body={"reason": reason}))

    def _announce(self, model: Source, manifest: Source, head: Source | None) -> ImportCreated:
        body: dict[str, Any] = {"manifest": _json_object(manifest), "size_bytes": model.size_bytes}
        if head is not None:
            body["head_size_bytes"] = head.size_bytes
        return read_answer(ImportCreated, self._send("POST", "/v1/models", body=body))

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        return self._http.send(method, path, tokens=self._tokens, **request)


def _json_object(source: Source) -> dict[str, Any]:
    with source.open() as stream:
        try:
            content = json.load(stream)
        except ValueError as error:
            raise UnreadableFileError(f"{source.name} is not JSON: {error}.") from error
    if not isinstance(content, dict):
        raise UnreadableFileError(f"{source.name} is not a model's manifest.")
    return content
