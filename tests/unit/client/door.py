"""The application itself in place of the network."""

import httpx
from fastapi.testclient import TestClient


class Door(httpx.BaseTransport):
    """Takes the client's requests to the application."""

    def __init__(self, client: TestClient) -> None:
        self._client = client

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        target = request.url.raw_path.decode().removeprefix("/api")
        answer = self._client.request(request.method, target, content=request.read(), headers=request.headers)
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)
