"""Images: announce, send, wait, read; and all of it in one call."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx

from triagelens_client.files import Source
from triagelens_client.http import Http, read_answer, segment, without_none
from triagelens_client.models import Content, Explanation, Image, ImageCreated, Page, all_of
from triagelens_client.polling import Poll
from triagelens_client.tokens import TokenProvider

RESULT_WITHIN_S = 120.0


class Images:
    """What `Triagelens` does with images."""

    def __init__(self, http: Http, tokens: TokenProvider, poll: Poll) -> None:
        self._http = http
        self._tokens = tokens
        self._poll = poll

    def create_image(
        self,
        source: Path | str | bytes | Source,
        specialty: str,
        *,
        content_type: str | None = None,
        idempotency_key: str | None = None,
        **declaration: Any,
    ) -> ImageCreated:
        """Announces an image and gets a form to upload it with.

        Args:
            content_type: by the first bytes, if None.
            idempotency_key: the same key and request give the same image; a new key, if None.
            declaration: `purpose`, `original_filename`, `on_device_prediction`, `captured_at`, `device`,
                and for clinicians `patient_id`.
        """
        what = source if isinstance(source, Source) else Source.of(source)
        body = without_none(
            specialty=specialty,
            size_bytes=what.size_bytes,
            content_type=content_type or what.image_type,
            sha256=what.sha256,
            **declaration,
        )
        response = self._send(
            "POST",
            "/v1/images",
            body=body,
            headers={"Idempotency-Key": idempotency_key or str(uuid.uuid4())},
            idempotent=True,
        )
        return read_answer(ImageCreated, response)

    def upload_image(
        self, created: ImageCreated, source: Path | str | bytes | Source, content_type: str | None = None
    ) -> None:
        """Sends the bytes that `created` was announced for, unless the platform already has them.

        Raises:
            UploadRefusedError: the storage does not take them.
        """
        if created.upload is None:
            return
        what = source if isinstance(source, Source) else Source.of(source)
        self._http.upload(created.upload, what, content_type or what.image_type)

    def image(self, image_id: str) -> Image:
        """The image as it stands."""
        return read_answer(Image, self._send("GET", f"/v1/images/{segment(image_id)}"))

    def wait_for(self, image_id: str, within_s: float = RESULT_WITHIN_S) -> Image:
        """The image once it is analysed, rejected or failed, by long polls one after the other.

        Raises:
            DeadlinePassedError: it is still on its way after `within_s` seconds.
        """

        def ask(wait_s: int) -> httpx.Response:
            return self._send(
                "GET",
                f"/v1/images/{segment(image_id)}",
                headers={"Prefer": f"wait={wait_s}"} if wait_s else None,
                answers_within_s=wait_s,
            )

        def read(response: httpx.Response) -> tuple[Image, str, bool]:
            image = read_answer(Image, response)
            return image, image.status, image.is_final

        return self._poll.until_final(ask, read, subject=f"Image {image_id}", within_s=within_s)

    def upload_and_wait(
        self,
        source: Path | str | bytes,
        specialty: str,
        *,
        within_s: float = RESULT_WITHIN_S,
        on_stage: Callable[[str], None] | None = None,
        **declaration: Any,
    ) -> Image:
        """The whole way: announce, upload, wait.

        Args:
            within_s: how long to wait after the upload.
            on_stage: told `announcing`, `uploading`, `analysing` as each begins.
            declaration: see `create_image`.

        Raises:
            UnreadableFileError: there is no such file, or it is not an image.
            UploadRefusedError: the storage does not take the bytes.
            DeadlinePassedError: the result is not there in time.
        """
        tell = on_stage or (lambda stage: None)
        what = Source.of(source)
        tell("announcing")
        created = self.create_image(what, specialty, **declaration)
        tell("uploading")
        self.upload_image(created, what)
        tell("analysing")
        return self.wait_for(created.image_id, within_s)

    def images(self, limit: int = 50, cursor: str | None = None) -> Page[Image]:
        """One page of the person's own images, newest first."""
        response = self._send("GET", "/v1/images", query={"limit": limit, "cursor": cursor})
        return read_answer(Page[Image], response)

    def all_images(self) -> Iterator[Image]:
        """All of the person's own images, newest first, page by page."""
        return all_of(lambda cursor: self.images(cursor=cursor))

    def content(self, image_id: str) -> Content:
        """A short-lived link to the working image."""
        return read_answer(Content, self._send("GET", f"/v1/images/{segment(image_id)}/content"))

    def download(self, image_id: str) -> bytes:
        """The working image, a JPEG."""
        return self._http.download(self.content(image_id).url)

    def explanation(self, image_id: str, label: str | None = None) -> Explanation:
        """Where the evidence for a label lies, or for the most probable one."""
        path = f"/v1/images/{segment(image_id)}/explanation"
        answer = self._send("GET", path, query={"label": label}, answers_within_s=30)
        return read_answer(Explanation, answer)

    def fetch(self, link: Content) -> bytes:
        """The bytes behind a short-lived link."""
        return self._http.download(link.url)

    def retry(self, image_id: str) -> Image:
        """Has a failed analysis taken up again. Admins only; safe to repeat."""
        path = f"/v1/images/{segment(image_id)}/retry"
        return read_answer(Image, self._send("POST", path, idempotent=True))

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        return self._http.send(method, path, tokens=self._tokens, **request)
