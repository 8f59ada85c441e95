"""Models: bring one, see what there is, put one into service and take it out again."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from triagelens_client.errors import UnreadableFileError
from triagelens_client.files import Source
from triagelens_client.http import Http, read_answer, segment
from triagelens_client.model_cards import ModelCard, ModelReplay
from triagelens_client.models import Page, all_of
from triagelens_client.polling import Poll
from triagelens_client.registry_models import ImportCreated, Model, ModelImport
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

    def get(self, specialty: str, version: str) -> ModelCard:
        """A model's card: where it comes from, what the gate found, who put it into service."""
        return read_answer(ModelCard, self._send("GET", _path(specialty, version)))

    def promote(
        self, specialty: str, version: str, share: float = 1.0, reason: str | None = None
    ) -> ModelCard:
        """Gives a model a share of the images, 1 for all. Admins only, and not who trained or brought it.

        Args:
            reason: required where the gate had no verdict.
        """
        body = {"share": share, **_said(reason)}
        return read_answer(ModelCard, self._send("POST", _path(specialty, version, "promote"), body=body))

    def rollback(self, specialty: str, version: str, reason: str | None = None) -> ModelCard:
        """Takes a model out of service: its trial ends, or the model before it is in production again."""
        path = _path(specialty, version, "rollback")
        return read_answer(ModelCard, self._send("POST", path, body=_said(reason)))

    def retire(self, specialty: str, version: str, reason: str | None = None) -> ModelCard:
        """Keeps a model from ever serving again."""
        path = _path(specialty, version, "retire")
        return read_answer(ModelCard, self._send("POST", path, body=_said(reason)))

    def activate(self, specialty: str, version: str, reason: str) -> ModelCard:
        """Puts a model into production at once. Admins only; the reason is audited for ever."""
        path = _path(specialty, version, "activate")
        return read_answer(ModelCard, self._send("POST", path, body={"reason": reason}))

    def replay(
        self, specialty: str, version: str, limit: int = 200, *, within_s: float = 900.0
    ) -> ModelReplay:
        """Has stored images scored with a model, and waits for every other answer than the stored ones.

        Raises:
            DeadlinePassedError: it is not through after `within_s` seconds.
        """
        path = _path(specialty, version, "replay")
        begun = read_answer(ModelReplay, self._send("POST", path, body={"limit": limit}))
        return self.wait_for_replay(begun, within_s)

    def wait_for_replay(self, begun: ModelReplay, within_s: float = 900.0) -> ModelReplay:
        """The replay once it is completed or failed.

        Raises:
            DeadlinePassedError: it is not, after `within_s` seconds.
        """
        path = _path(begun.specialty, begun.version, f"replays/{segment(begun.replay_id)}")

        def ask(wait_s: int) -> httpx.Response:
            return self._send("GET", path)

        def read(response: httpx.Response) -> tuple[ModelReplay, str, bool]:
            answer = read_answer(ModelReplay, response)
            return answer, answer.status, answer.is_final

        return self._poll.until_final(ask, read, subject=f"Replay {begun.replay_id}", within_s=within_s)

    def _announce(self, model: Source, manifest: Source, head: Source | None) -> ImportCreated:
        body: dict[str, Any] = {"manifest": _json_object(manifest), "size_bytes": model.size_bytes}
        if head is not None:
            body["head_size_bytes"] = head.size_bytes
        return read_answer(ImportCreated, self._send("POST", "/v1/models", body=body))

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        return self._http.send(method, path, tokens=self._tokens, **request)


def _path(specialty: str, version: str, deed: str = "") -> str:
    path = f"/v1/models/{segment(specialty)}/{segment(version)}"
    return f"{path}/{deed}" if deed else path


def _said(reason: str | None) -> dict[str, str]:
    return {} if reason is None else {"reason": reason}


def _json_object(source: Source) -> dict[str, Any]:
    with source.open() as stream:
        try:
            content = json.load(stream)
        except ValueError as error:
            raise UnreadableFileError(f"{source.name} is not JSON: {error}.") from error
    if not isinstance(content, dict):
        raise UnreadableFileError(f"{source.name} is not a model's manifest.")
    return content
