"""Requests to addresses that others have chosen.

A name is resolved once, every address of the answer is judged, and the connection is made to the very
address that was judged; the name is only what the certificate is checked for. So neither a private
address, nor a second answer of the name server, nor a redirect leads into a network of ours.
"""

import io
import socket
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException, HTTPSConnection
from ipaddress import ip_address
from typing import cast
from urllib.parse import urlsplit

from triagelens.domain.addresses import Address, is_public
from triagelens.services.webhook_ports import Reply

TOTAL_S = 10.0
CONNECT_S = 4.0
MOST_BYTES = 16_384  # of an answer's head; its body is not read
PORT = 443

Resolver = Callable[[str, int], Sequence[str]]


class RefusedAddressError(Exception):
    """A name leads to an address that is not everybody's."""


class TooLargeAnswerError(Exception):
    """An answer's head does not end."""


def resolve(name: str, port: int) -> Sequence[str]:
    """The addresses of a name, in the system's order.

    Raises:
        OSError: there are none.
    """
    found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    return [str(sockaddr[0]) for *_, sockaddr in found]


class PublicSender:
    """`services.webhook_ports.Sender`.

    Args:
        resolver, judge, trust, port: what tests replace. No setting of a deployment does.
    """

    def __init__(
        self,
        *,
        resolver: Resolver = resolve,
        judge: Callable[[Address], bool] = is_public,
        trust: ssl.SSLContext | None = None,
        port: int = PORT,
        total_s: float = TOTAL_S,
    ) -> None:
        self._resolver = resolver
        self._judge = judge
        self._trust = trust or ssl.create_default_context()
        self._port = port
        self._total_s = total_s

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        deadline = _Deadline(self._total_s)
        try:
            return Reply(status=self._status(url, headers, body, deadline))
        except RefusedAddressError:
            return Reply(problem="address_refused")
        except TooLargeAnswerError:
            return Reply(problem="answer_too_large")
        except socket.gaierror:
            return Reply(problem="name_not_found")
        except TimeoutError:
            return Reply(problem="timeout")
        except ssl.SSLError:
            return Reply(problem="tls")
        except OSError:
            return Reply(problem="unreachable")
        except (HTTPException, UnicodeError):
            return Reply(problem="bad_answer")

    def _status(self, url: str, headers: Mapping[str, str], body: bytes, deadline: "_Deadline") -> int:
        parts = urlsplit(url)
        name = parts.hostname or ""
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        address = self._address(name, deadline)
        connection = _PinnedConnection(name, address, self._port, self._trust, deadline)
        try:
            connection.request("POST", target, body, {**headers, "Host": name, "Connection": "close"})
            return connection.getresponse().status
        finally:
            connection.close()

    def _address(self, name: str, deadline: "_Deadline") -> str:
        """The address to connect to: the first, if all are everybody's.

        Raises:
            RefusedAddressError: one of them is not.
        """
        pool = ThreadPoolExecutor(1, thread_name_prefix="resolver")
        try:
            found = pool.submit(self._resolver, name, self._port).result(timeout=deadline.left())
        finally:
            pool.shutdown(wait=False)
        if not found or not all(self._good(text) for text in found):
            raise RefusedAddressError
        return found[0]

    def _good(self, text: str) -> bool:
        try:
            return self._judge(ip_address(text))
        except ValueError:
            return False


class _Deadline:
    """A moment that everything together has to come before."""

    def __init__(self, seconds: float) -> None:
        self._ends = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds left.

        Raises:
            TimeoutError: none.
        """
        left = self._ends - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


class _PinnedConnection(HTTPSConnection):
    """A connection to one address, in the name of another."""

    def __init__(
        self, name: str, address: str, port: int, trust: ssl.SSLContext, deadline: _Deadline
    ) -> None:
        super().__init__(name, port, context=trust)
        self._address = address
        self._trust = trust
        self._deadline = deadline

    def connect(self) -> None:
        pause = min(CONNECT_S, self._deadline.left())
        plain = socket.create_connection((self._address, self.port), timeout=pause)
        try:
            plain.settimeout(self._deadline.left())  # Python holds a whole handshake to it
            secure = self._trust.wrap_socket(plain, server_hostname=self.host)
        except OSError:
            plain.close()
            raise
        self.sock = cast("socket.socket", _TimedSocket(secure, self._deadline))


class _TimedSocket:
    """As much of a socket as `http.client` uses: one deadline for everything, a bound on what comes."""

    def __init__(self, inner: ssl.SSLSocket, deadline: _Deadline) -> None:
        self._inner = inner
        self._deadline = deadline

    def sendall(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            self._inner.settimeout(self._deadline.left())
            left = left[self._inner.send(left) :]

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_TimedReader(self._inner, self._deadline))

    def close(self) -> None:
        self._inner.close()


class _TimedReader(io.RawIOBase):
    def __init__(self, inner: ssl.SSLSocket, deadline: _Deadline) -> None:
        super().__init__()
        self._inner = inner
        self._deadline = deadline
        self._read = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview") -> int:  # type: ignore[override]  # what io gives it
        self._inner.settimeout(self._deadline.left())
        if self._read >= MOST_BYTES:
            raise TooLargeAnswerError
        count = self._inner.recv_into(buffer[: MOST_BYTES - self._read])
        self._read += count
        return count
