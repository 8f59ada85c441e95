"""One place where requests leave this package: retries, tokens, problem documents, uploads."""

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ValidationError

from triagelens_client.errors import (
    ConnectionFailedError,
    UnauthenticatedError,
    UnexpectedAnswerError,
    UnreadableFileError,
    UploadRefusedError,
    api_error,
    retry_after_s,
)
from triagelens_client.files import CHUNK_BYTES, Source
from triagelens_client.models import UploadForm
from triagelens_client.retry import RETRIED_STATUSES, Retry
from triagelens_client.tokens import TokenProvider

Answer = TypeVar("Answer", bound=BaseModel)

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Http:
    """Requests to the API and to its storage. Thread-safe; tokens and keys are sent to the API only.

    Args:
        api_key: sent as `X-API-Key`, where a deployment asks for one besides.

    Raises:
        ValueError: by its constructor, where the API's address would send tokens over the net unencrypted.
        ApiError: by `send`, for each answer that is not a success.
        ConnectionFailedError: no answer came.
    """

    def __init__(self, api_url: str, http: httpx.Client, retry: Retry, api_key: str | None = None) -> None:
        address = httpx.URL(api_url)
        if address.scheme not in ("http", "https") or not address.host:
            raise ValueError(f"{api_url!r} is not an http(s) address.")
        if address.scheme == "http" and not _stays_on_this_machine(address.host):
            raise ValueError(f"{api_url} is not encrypted; only an API on this machine may be http.")
        self._api_url = api_url.rstrip("/")
        self._http = http
        self._retry = retry
        self._key = {} if api_key is None else {"X-API-Key": api_key}

    def send(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str | int | None] | None = None,
        headers: Mapping[str, str] | None = None,
        tokens: TokenProvider | None = None,
        idempotent: bool = False,
        answers_within_s: float = 0.0,
    ) -> httpx.Response:
        """Sends one request and gives its successful answer.

        Args:
            idempotent: whether it may be repeated. GET always may.
            answers_within_s: how much longer than usual the API may take (long polls).
        """
        sent = self._key | dict(headers or {})
        usual = self._http.timeout
        read_s = None if usual.read is None else usual.read + answers_within_s
        timeout = httpx.Timeout(read=read_s, connect=usual.connect, write=usual.write, pool=usual.pool)

        def attempt() -> httpx.Response:
            return self._http.request(
                method,
                self._api_url + path,
                json=body,
                params={key: value for key, value in (query or {}).items() if value is not None},
                headers=sent,
                timeout=timeout,
            )

        repeat = idempotent or method == "GET"
        if tokens is None:
            return self._checked(self._tried(attempt, repeat))
        token = tokens()
        sent["Authorization"] = f"Bearer {token}"
        try:
            return self._checked(self._tried(attempt, repeat))
        except UnauthenticatedError:
            sent["Authorization"] = f"Bearer {tokens(refused=token)}"
            return self._checked(self._tried(attempt, repeat))

    def upload(self, form: UploadForm, source: Source, content_type: str) -> None:
        """POSTs `source` to a presigned form, streaming it; once more from the start after a lost connection.

        Raises:
            UploadRefusedError: the storage says no.
        """

        def attempt() -> httpx.Response:
            with source.open() as stream:
                # httpx writes the files after the fields, as S3 wants it.
                return self._http.post(
                    form.url, data=form.fields, files={"file": (source.name, stream, content_type)}
                )

        response = self._tried(attempt, repeat=True)
        if not response.is_success:
            raise UploadRefusedError.from_response(response)

    def put(self, url: str, content: bytes) -> None:
        """PUTs bytes to a presigned place; once more after a lost connection.

        Raises:
            UploadRefusedError: the storage says no.
        """
        response = self._tried(lambda: self._http.put(url, content=content), repeat=True)
        if not response.is_success:
            raise UploadRefusedError.from_response(response)

    def download(self, url: str) -> bytes:
        """The bytes behind a presigned link.

        Raises:
            UploadRefusedError: the storage says no (the link has ended, or the image is gone).
        """
        response = self._tried(lambda: self._http.get(url), repeat=True)
        if not response.is_success:
            raise UploadRefusedError.from_response(response)
        return response.content

    def save(self, url: str, path: Path) -> None:
        """Writes the bytes behind a presigned link to a file, which is there as a whole or not at all.

        Raises:
            UploadRefusedError: the storage says no (the link has ended, or the file is gone).
            UnreadableFileError: the file cannot be written.
        """
        part = path.with_name(f"{path.name}.part")

        def attempt() -> httpx.Response:
            with self._http.stream("GET", url) as response:
                if not response.is_success:
                    response.read()
                    return response
                part.unlink(missing_ok=True)
                with open(part, "xb", opener=_for_its_owner) as out:
                    for chunk in response.iter_bytes(CHUNK_BYTES):
                        out.write(chunk)
                return response

        try:
            response = self._tried(attempt, repeat=True)
            if not response.is_success:
                raise UploadRefusedError.from_response(response)
            part.replace(path)
        except OSError as error:
            raise UnreadableFileError(f"{path}: {error.strerror or error}.") from error
        finally:
            with suppress(OSError):
                part.unlink()

    def close(self) -> None:
        self._http.close()

    def _tried(self, attempt: Callable[[], httpx.Response], repeat: bool) -> httpx.Response:
        tried = 0
        while True:
            tried += 1
            try:
                response = attempt()
            except httpx.TransportError as error:
                pause_s = self._retry.pause_s(tried, None) if repeat else None
                if pause_s is None:
                    raise _connection_failed(error) from error
            else:
                if not repeat or response.status_code not in RETRIED_STATUSES:
                    return response
                pause_s = self._retry.pause_s(tried, retry_after_s(response))
                if pause_s is None:
                    return response
            self._retry.sleep(pause_s)

    @staticmethod
    def _checked(response: httpx.Response) -> httpx.Response:
        if response.is_success:
            return response
        if response.is_redirect:
            raise UnexpectedAnswerError(
                f"The API answered with a redirect to {response.headers['location']}."
            )
        raise api_error(response)


def _for_its_owner(path: str, flags: int) -> int:
    """Opens a file that nobody else on this machine may read."""
    return os.open(path, flags, 0o600)


def read_answer(kind: type[Answer], response: httpx.Response) -> Answer:
    """The answer as a `kind`.

    Raises:
        UnexpectedAnswerError: it is something else.
    """
    try:
        return kind.model_validate_json(response.content)
    except ValidationError as error:
        where = f"{response.request.method} {response.request.url.path}"
        raise UnexpectedAnswerError(
            f"{where} did not answer with {kind.__name__}: {error.error_count()} fields do not fit."
        ) from error


def segment(text: str) -> str:
    """`text` as one segment of a path: nothing in it can lead elsewhere."""
    return quote(text, safe="")


def _stays_on_this_machine(host: str) -> bool:
    return host in _LOOPBACK or host.endswith(".localhost")


def _connection_failed(error: httpx.TransportError) -> ConnectionFailedError:
    place = f"{error.request.url.scheme}://{error.request.url.netloc.decode('ascii')}"
    return ConnectionFailedError(f"No answer from {place}: {error or type(error).__name__}.")


def without_none(**fields: Any) -> dict[str, Any]:
    """A request's body, without the fields that were not given."""
    return {name: value for name, value in fields.items() if value is not None}
