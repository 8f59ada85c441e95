"""The application and its storage in place of the network: what is uploaded is analysed at once."""

from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

import check_quality.handler
import run_inference.handler
from tests.cloud import FakeContext, failed_ids, sqs_event
from tests.integration.api.conftest import Api
from tests.killing import KilledError
from tests.unit.client.door import Door
from tests.unit.client.fake_api import API, parts
from triagelens_client import Retry, Triagelens

HOST = httpx.URL(API).host


@dataclass
class Platform(httpx.BaseTransport):
    """Counts what changes something, and dies at a number of these if asked to.

    Attributes:
        kill_at: number of the request, from 0, at which the process is gone.
        after: whether it is gone after the request was answered, or before it is sent.
        refuse: may answer a request in the application's place.
    """

    api: Api
    kill_at: int | None = None
    after: bool = False
    refuse: Callable[[httpx.Request], httpx.Response | None] = lambda request: None
    sent: list[str] = field(default_factory=list)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        refused = self.refuse(request)
        if refused is not None:
            return refused
        if request.method == "GET":
            return Door(self.api.client).handle_request(request)
        dies = self.kill_at == len(self.sent)
        if dies and not self.after:
            raise KilledError
        self.sent.append(f"{request.method} {request.url.path if request.url.host == HOST else 'upload'}")
        is_upload = request.url.host != HOST
        answer = self._stored(request) if is_upload else Door(self.api.client).handle_request(request)
        if dies:
            raise KilledError
        return answer

    def _stored(self, request: httpx.Request) -> httpx.Response:
        request.read()
        form = dict(parts(request))
        cloud = self.api.cloud
        for prefix, bucket in ((b"archives/", "learning"), (b"reports/", "documents")):
            if form["key"].startswith(prefix):
                cloud.s3.put_object(Bucket=bucket, Key=form["key"].decode(), Body=form["file"])
                return httpx.Response(204)
        event = sqs_event(cloud.upload(form["key"].decode(), form["file"]))
        assert failed_ids(check_quality.handler.handler(event, FakeContext())) == []
        waiting = cloud.waiting("inference")
        if waiting:
            assert failed_ids(run_inference.handler.handler(sqs_event(*waiting), FakeContext())) == []
        return httpx.Response(204)


def client_on(platform: Platform, person: dict[str, str]) -> Triagelens:
    """A client in somebody's name."""
    token = person["Authorization"].removeprefix("Bearer ")
    retry = Retry(sleep=lambda _: None)
    return Triagelens(API, token_provider=lambda refused=None: token, transport=platform, retry=retry)
