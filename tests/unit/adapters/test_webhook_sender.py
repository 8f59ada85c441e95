"""Requests to addresses that others have chosen: where they go, and how little an answer can do."""

import socket
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from ipaddress import ip_address
from pathlib import Path

import pytest

from tests.tls_receiver import Answer, Receiver, answering, listening
from triagelens.adapters.webhook_sender import MOST_BYTES, PublicSender
from triagelens.domain.addresses import Address, is_public
from triagelens.services.webhook_ports import Reply

URL = "https://localhost/hook?token=1"
LOOPBACK = "127.0.0.1"


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    with listening(tmp_path) as made:
        yield made


def at_loopback(_name: str, _port: int) -> Sequence[str]:
    return [LOOPBACK]


def anywhere(_address: Address) -> bool:
    return True


def sender(
    receiver: Receiver,
    resolver: Callable[[str, int], Sequence[str]] = at_loopback,
    judge: Callable[[Address], bool] = anywhere,
    total_s: float = 5.0,
) -> PublicSender:
    return PublicSender(
        resolver=resolver, judge=judge, trust=receiver.trust, port=receiver.port, total_s=total_s
    )


def test_a_request_arrives_in_the_name_that_was_asked_for(receiver: Receiver) -> None:
    reply = sender(receiver).post(URL, {"Triagelens-Event-Id": "e:1"}, b'{"id":"e:1"}')
    assert reply == Reply(status=200)
    [request] = receiver.requests
    head, _, body = request.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /hook?token=1 HTTP/1.1"
    assert "Host: localhost" in lines
    assert "Triagelens-Event-Id: e:1" in lines
    assert body == b'{"id":"e:1"}'
    assert receiver.names == ["localhost"]


def test_a_name_is_resolved_once_and_the_judged_address_is_the_one_connected_to(receiver: Receiver) -> None:
    answers = iter([[LOOPBACK], ["127.0.0.2"]])
    judged: list[Address] = []

    def rebinding(_name: str, _port: int) -> Sequence[str]:
        return next(answers)

    def noting(address: Address) -> bool:
        judged.append(address)
        return str(address) == LOOPBACK

    rebound = sender(receiver, rebinding, noting)
    assert rebound.post(URL, {}, b"{}") == Reply(status=200)
    assert judged == [ip_address(LOOPBACK)], "one answer, judged once, and connected to"
    assert rebound.post(URL, {}, b"{}") == Reply(problem="address_refused"), "judged anew at every send"
    assert len(receiver.requests) == 1


@pytest.mark.parametrize(
    "found",
    [
        ["127.0.0.1"],
        ["8.8.8.8", "10.0.0.1"],
        ["2001:4860:4860::8888", "::1"],
        ["fe80::1%eth0"],
        ["no address"],
        [],
    ],
)
def test_one_bad_address_among_good_ones_refuses_them_all(receiver: Receiver, found: list[str]) -> None:
    tried = sender(receiver, lambda _name, _port: found, is_public)
    assert tried.post(URL, {}, b"{}") == Reply(problem="address_refused")
    assert receiver.names == []


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "2130706433", "0x7f.1", "127.1"])
def test_nothing_that_leads_to_this_machine_is_told_without_a_tests_help(name: str) -> None:
    assert PublicSender().post(f"https://{name}/", {}, b"{}") == Reply(problem="address_refused")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_told_and_not_followed(receiver: Receiver, status: int) -> None:
    location = f"https://localhost:{receiver.port}/elsewhere"
    receiver.answer = answering(f"HTTP/1.1 {status} Moved\r\nLocation: {location}\r\n\r\n".encode())
    assert sender(receiver).post(URL, {}, b"{}") == Reply(status=status)
    assert len(receiver.requests) == 1


def test_the_certificate_has_to_be_for_the_name(receiver: Receiver) -> None:
    assert sender(receiver).post("https://other.example.org/", {}, b"{}") == Reply(problem="tls")
    assert receiver.requests == []


def test_a_certificate_that_nobody_vouches_for_is_refused(receiver: Receiver) -> None:
    receiver.trust = ssl.create_default_context()
    assert sender(receiver).post(URL, {}, b"{}") == Reply(problem="tls")
    assert receiver.requests == []


def dripping(receiver: Receiver, drop: bytes) -> Answer:
    """A drop at a time, each well within any timeout of a single read."""

    def drip(connection: ssl.SSLSocket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
        while not receiver.stopped.wait(0.02):
            connection.sendall(drop)

    return drip


def test_an_answer_that_drips_ends_at_the_deadline(receiver: Receiver) -> None:
    receiver.answer = dripping(receiver, b"x")
    began = time.monotonic()
    assert sender(receiver, total_s=0.5).post(URL, {}, b"{}") == Reply(problem="timeout")
    assert time.monotonic() - began < 3


def test_a_silent_receiver_ends_at_the_deadline(receiver: Receiver) -> None:
    def silent(_connection: ssl.SSLSocket) -> None:
        receiver.stopped.wait(5)

    receiver.answer = silent
    assert sender(receiver, total_s=0.3).post(URL, {}, b"{}") == Reply(problem="timeout")


def test_a_name_server_that_does_not_answer_ends_at_the_deadline(receiver: Receiver) -> None:
    def hanging(_name: str, _port: int) -> Sequence[str]:
        receiver.stopped.wait(1)
        return [LOOPBACK]

    assert sender(receiver, hanging, total_s=0.2).post(URL, {}, b"{}") == Reply(problem="timeout")
    assert receiver.requests == []


@pytest.mark.parametrize("line", [b"X: " + b"x" * 60 + b"\r\n", b"x" * 64])
def test_a_head_without_end_is_not_read_to_its_end(receiver: Receiver, line: bytes) -> None:
    sent = 0

    def flooding(connection: ssl.SSLSocket) -> None:
        nonlocal sent
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        while sent < 100 * MOST_BYTES:
            connection.sendall(line * 16)
            sent += 16 * len(line)

    receiver.answer = flooding
    reply = sender(receiver).post(URL, {}, b"{}")
    assert reply.problem in {"answer_too_large", "bad_answer"}  # too many lines, or too many bytes


def test_a_huge_body_is_not_read(receiver: Receiver) -> None:
    receiver.answer = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n" + b"x" * 4096)
    began = time.monotonic()
    assert sender(receiver).post(URL, {}, b"{}") == Reply(status=200)
    assert time.monotonic() - began < 3


@pytest.mark.parametrize("text", [b"SSH-2.0-OpenSSH\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n"])
def test_what_is_no_answer_is_told_as_such(receiver: Receiver, text: bytes) -> None:
    receiver.answer = answering(text)
    assert sender(receiver).post(URL, {}, b"{}") == Reply(problem="bad_answer")


def test_nobody_at_home_and_no_such_name_are_told_apart(receiver: Receiver) -> None:
    with socket.create_server((LOOPBACK, 0)) as free:
        port = free.getsockname()[1]
    nobody = PublicSender(resolver=at_loopback, judge=anywhere, trust=receiver.trust, port=port)
    assert nobody.post(URL, {}, b"{}") == Reply(problem="unreachable")

    def unknown(_name: str, _port: int) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    assert sender(receiver, unknown).post(URL, {}, b"{}") == Reply(problem="name_not_found")
