"""A receiver of webhooks on this machine, with a certificate of its own and answers that a test chooses."""

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

from infra.local.certificate import make_certificate

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

Answer = Callable[[ssl.SSLSocket], None]


def answering(text: bytes) -> Answer:
    """Sends these bytes."""
    return lambda connection: connection.sendall(text)


@dataclass
class Receiver:
    """What came, as it came; `names` are the ones that connections asked for in their handshakes."""

    port: int
    trust: ssl.SSLContext
    answer: Answer = field(default_factory=lambda: answering(OK))
    requests: list[bytes] = field(default_factory=list)
    names: list[str | None] = field(default_factory=list)
    stopped: Event = field(default_factory=Event)


@contextmanager
def listening(folder: Path) -> Iterator[Receiver]:
    """A receiver for `localhost` on a free port of 127.0.0.1."""
    certificate, key = make_certificate(folder)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate, key)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        trust = ssl.create_default_context(cafile=str(certificate))
        receiver = Receiver(listener.getsockname()[1], trust)

        def note_name(_socket: object, name: str | None, _context: object) -> None:
            receiver.names.append(name)

        server.sni_callback = note_name
        thread = Thread(target=_serve, args=(listener, server, receiver), daemon=True)
        thread.start()
        yield receiver
        receiver.stopped.set()
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", receiver.port), timeout=1).close()
        thread.join(timeout=5)


def _serve(listener: socket.socket, server: ssl.SSLContext, receiver: Receiver) -> None:
    while not receiver.stopped.is_set():
        plain, _ = listener.accept()
        if receiver.stopped.is_set():
            plain.close()
            return
        plain.settimeout(5)
        with suppress(OSError), server.wrap_socket(plain, server_side=True) as connection:
            receiver.requests.append(_request(connection))
            receiver.answer(connection)


def _request(connection: ssl.SSLSocket) -> bytes:
    """Head and body of a request."""
    came = b""
    while b"\r\n\r\n" not in came:
        came += connection.recv(4096)
    head, _, body = came.partition(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    [length] = [line.split(b":")[1] for line in lines if line.startswith(b"content-length")]
    while len(body) < int(length):
        body += connection.recv(4096)
    return head + b"\r\n\r\n" + body
