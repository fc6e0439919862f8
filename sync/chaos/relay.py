"""The way between the CRMs and the web process, on which webhooks are lost, doubled, held up and overtaken.

A sender that is answered sends nothing again, so the relay answers for what it loses or holds up, in the
vendor's own form. Drawn from a seed, one draw a delivery; without a seed everything passes as it came.
Neighbours: ``play`` points the sandboxes' webhooks here; usage goes to the web process directly.
"""

from __future__ import annotations

import random
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from requests import RequestException, Response

from integration.http import Timeouts, pooled_session

LOST, DOUBLED, HELD_UP = 0.10, 0.15, 0.20
"""The shares of deliveries; what is held up is overtaken by those after it."""

LONGEST_HOLD_S = 4.0
ATTEMPTS, ATTEMPT_EVERY_S = 20, 0.25
ACK = (
    '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope '
    'xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body><notificationsResponse '
    'xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack></notificationsResponse>'
    "</soapenv:Body></soapenv:Envelope>"
)
NOT_PASSED_ON = ("content-length", "connection", "host", "transfer-encoding", "accept-encoding")


@dataclass(frozen=True, slots=True)
class Delivery:
    """One webhook as it came."""

    path: str
    body: bytes
    headers: dict[str, str]

    @property
    def answer(self) -> tuple[int, bytes, str]:
        """Return what the web process would have answered: status, body and type."""
        if "xml" in self.headers.get("Content-Type", ""):
            return 200, ACK.encode(), "text/xml; charset=utf-8"
        return 204, b"", "application/json"


@dataclass(slots=True)
class Mangled:
    """What was done to deliveries."""

    passed: int = 0
    lost: int = 0
    doubled: int = 0
    held_up: int = 0


@dataclass(slots=True)
class Relay:
    """Listens beside the web process at ``web``. ``seed`` is what mangling is drawn from, while it is on."""

    web: str
    seed: int | None
    mangled: Mangled = field(default_factory=Mangled)
    mangling: bool = False
    longest_hold_s: float = LONGEST_HOLD_S
    _random: random.Random = field(default_factory=random.Random)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _waiting: int = 0
    _server: ThreadingHTTPServer | None = None

    def start(self) -> str:
        """Begin to listen; return the address."""
        self._random.seed(f"relay {self.seed}")
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def stop(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def under_way(self) -> int:
        """Return how many deliveries are held up still."""
        with self._lock:
            return self._waiting

    def take(self, one: Delivery) -> tuple[int, bytes, str]:
        """Do with a delivery what is drawn; return the answer the sender gets."""
        with self._lock:
            draw, hold = self._random.random(), self._random.uniform(0, self.longest_hold_s)
            fate = self._fate(draw)
            setattr(self.mangled, fate, getattr(self.mangled, fate) + 1)
        if fate == "lost":
            return one.answer
        if fate in ("doubled", "held_up"):
            self._later(one, hold)
        if fate == "held_up":
            return one.answer
        return self._now(one)

    def _fate(self, draw: float) -> str:
        if not self.mangling or self.seed is None:
            return "passed"
        for name, share in (("lost", LOST), ("doubled", DOUBLED), ("held_up", HELD_UP)):
            if draw < share:
                return name
            draw -= share
        return "passed"

    def _now(self, one: Delivery) -> tuple[int, bytes, str]:
        try:
            found = self._send(one)
        except RequestException:
            return 502, b"", "text/plain"  # the vendor sends it again
        return found.status_code, found.content, found.headers.get("Content-Type", "text/plain")

    def _later(self, one: Delivery, hold: float) -> None:
        with self._lock:
            self._waiting += 1

        def send() -> None:
            time.sleep(hold)
            for _ in range(ATTEMPTS):
                with suppress(RequestException):
                    if self._send(one).ok:
                        break
                time.sleep(ATTEMPT_EVERY_S)
            with self._lock:
                self._waiting -= 1

        threading.Thread(target=send, daemon=True).start()

    def _send(self, one: Delivery) -> Response:
        session = pooled_session(timeouts=Timeouts(1.0, 5.0))
        return session.post(f"{self.web}{one.path}", data=one.body, headers=one.headers)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 100  # senders that meet five before them would wait a second

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore senders that went away; print anything else."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def _handler(relay: Relay) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {
                name: value for name, value in self.headers.items() if name.lower() not in NOT_PASSED_ON
            }
            status, said, kind = relay.take(Delivery(self.path, body, headers))
            with suppress(ConnectionError):  # a sender that waits no longer sends it again
                self.send_response(status)
                if said:
                    self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the parent's own name
            """Stay silent."""

    return Handler
