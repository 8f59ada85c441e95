"""An API behind a certificate that this machine does not know, as in the strict laptop cloud."""

import http.server
import json
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from infra.local.certificate import make_certificate
from triagelens_client import ConnectionFailedError, Retry, Tokens, Triagelens
from triagelens_client.cli import app

ONCE = Retry(tries=1)


@dataclass(frozen=True)
class SecureApi:
    url: str
    authority: Path


class _Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._answer({"id": "p1", "username": "demo", "role": "patient"})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self._answer({"access_token": "a", "refresh_token": "r", "expires_in": 3600})

    def _answer(self, content: dict[str, object]) -> None:
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Says nothing."""


@pytest.fixture(scope="module")
def secure_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureApi]:
    certificate, key = make_certificate(tmp_path_factory.mktemp("tls"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Answer)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield SecureApi(f"https://localhost:{server.server_port}", certificate)
    server.shutdown()
    server.server_close()
    thread.join(timeout=10)


def test_an_unknown_certificate_is_not_trusted(secure_api: SecureApi, tokens: Tokens) -> None:
    with (
        Triagelens(secure_api.url, tokens, retry=ONCE) as client,
        pytest.raises(ConnectionFailedError, match="certificate verify failed"),
    ):
        client.me()


def test_a_named_authority_is_trusted(secure_api: SecureApi, tokens: Tokens) -> None:
    trusted = ssl.create_default_context(cafile=secure_api.authority)
    with Triagelens(secure_api.url, tokens, verify=trusted, retry=ONCE) as client:
        assert client.me().username == "demo"


def test_the_environment_may_name_the_authority(
    secure_api: SecureApi, tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(secure_api.authority))
    with Triagelens(secure_api.url, tokens, retry=ONCE) as client:
        assert client.me().username == "demo"


def test_the_command_takes_the_authority_as_an_option(secure_api: SecureApi, tmp_path: Path) -> None:
    common = ["--api", secure_api.url, "--config-dir", str(tmp_path), "--ca-file", str(secure_api.authority)]
    signed = CliRunner().invoke(app, [*common, "sign-in", "demo", "--password", "any"])
    assert signed.exit_code == 0, signed.output
    shown = CliRunner().invoke(app, [*common, "whoami"])
    assert shown.stdout == f"demo (patient) at {secure_api.url}\n"
