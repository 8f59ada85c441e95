"""A user pool's key set on a local port, keys to sign with, and a count of how often it was fetched."""

import gzip
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

KEY_ID = "pool-key"


@dataclass
class KeySet:
    """One signing key, published at `url` while `serving()`."""

    private: rsa.RSAPrivateKey = field(
        default_factory=lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048)
    )
    fetches: int = 0
    broken: bool = False
    _server: ThreadingHTTPServer | None = None

    @property
    def document(self) -> dict[str, Any]:
        """Our own key and the one that moto signs with."""
        own = jwt.algorithms.RSAAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        motos = json.loads(
            gzip.decompress((files("moto.cognitoidp") / "resources" / "jwks-public.json.gz").read_bytes())
        )
        return {"keys": [{**own, "kid": KEY_ID, "use": "sig", "alg": "RS256"}, *motos["keys"]]}

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.server_port}/.well-known/jwks.json"

    def start(self) -> None:
        keys = self

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                keys.fetches += 1
                body = b"<html>" if keys.broken else json.dumps(keys.document).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base class's name)
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
