"""What our session sends without ``requests``' preparations is what ``requests`` would have sent."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from itertools import takewhile

import pytest
from requests import RequestException, Session

from integration.http import pooled_session

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nSet-Cookie: them=us; Path=/\r\n\r\n{}"
METHODS = ("GET", "post", "PATCH", "DELETE")
OURS = {"Authorization": "Bearer token", "Accept": "application/json"}


class Listener:
    """Keeps the bytes of each request, and answers with a cookie."""

    def __init__(self) -> None:
        """Begin to listen."""
        self.heard: list[bytes] = []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                caller, _ = self.socket.accept()
            except OSError:
                return
            caller.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._answer, args=(caller,), daemon=True).start()

    def _answer(self, caller: socket.socket) -> None:
        with caller, caller.makefile("rb") as stream:
            while head := b"".join(takewhile(bool, iter(stream.readline, b"\r\n"))):  # b"" ends a caller
                sizes = [line for line in head.lower().splitlines() if line.startswith(b"content-length:")]
                body = stream.read(int(sizes[0].partition(b":")[2])) if sizes else b""
                self.heard.append(head + b"\r\n" + body)
                caller.sendall(ANSWER)


@pytest.fixture
def listener() -> Iterator[Listener]:
    """Give a server that listens as long as the test lasts."""
    found = Listener()
    yield found
    found.socket.close()


@pytest.mark.parametrize(
    "address",
    [
        "/crm/objects/2026-09/companies?limit=100&properties=name,domain&after=20",
        "/crm/associations/2026-09/2-45000001/0-2/batch/create",
        "/services/data/v67.0/query?q=SELECT%20Id%20FROM%20Account%20WHERE%20Name%20%3D%20%27A%26B%27",
        "/services/data/v67.0/query?q=SELECT Id FROM Account",
        "/crm/objects/ü?x=#end",
        "/a|b",
        "/a/../b/./c?x=..",
        "/%7e%41?y=%2e",
        "",
    ],
)
@pytest.mark.parametrize(
    "given", [{}, {"headers": OURS}, {"headers": OURS, "json": {"a": ["ü", 1, None]}}, {"json": None}]
)
def test_it_sends_what_requests_would(listener: Listener, address: str, given: dict[str, object]) -> None:
    """To the byte: line, headers in their order, body."""
    for send in (pooled_session().request, Session.request.__get__(pooled_session())):
        for method in METHODS:
            assert send(method, f"{listener.url}{address}", **given).json() == {}
    assert listener.heard[: len(METHODS)] == listener.heard[len(METHODS) :]


def test_it_carries_no_cookie_from_call_to_call(listener: Listener) -> None:
    """Both CRMs know us by our token; what their front ends set would tie calls to one of their machines."""
    session = pooled_session()
    for _ in range(2):
        session.request("GET", f"{listener.url}/crm", headers=OURS)
    assert b"cookie" not in listener.heard[1].lower()


def test_hooks_and_parameters_of_the_session_are_heeded(listener: Listener) -> None:
    """The transport to Salesforce learns its limits by a hook."""
    session, met = pooled_session(), []
    session.hooks["response"].append(lambda answer, **_: met.append(answer.status_code))
    session.params = {"a": "b"}
    session.request("GET", f"{listener.url}/crm", headers=OURS)
    assert met == [200]
    assert listener.heard[0].startswith(b"GET /crm?a=b ")


def test_a_header_that_would_be_two_is_refused_as_ever(listener: Listener) -> None:
    """It is an error of the request, which the transports know."""
    with pytest.raises(RequestException):
        pooled_session().request("GET", f"{listener.url}/crm", headers={"Authorization": "Bearer a\nb"})
    assert listener.heard == []
