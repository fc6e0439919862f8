"""The sender of ``bench intake``, a process of its own: ``python -m sync.bench.intake_load PLAN``.

Bodies are made and signed before anything is measured, and one thread keeps every connection busy with
bytes that are ready, so that it costs the servers little of the processors. Prints its figures as JSON.
Neighbour: ``intake`` starts it.
"""

from __future__ import annotations

import json
import resource
import selectors
import socket
import sys
import time
from collections import deque
from dataclasses import asdict, dataclass, field
from typing import Final

from integration.hubspot.signature import sign_v3
from sync.clock import WallClock

EVENTS: Final = 100
"""As many as HubSpot puts into one request (page "Webhooks API")."""

COMPANIES: Final = 5_000
BURST_CONNECTIONS: Final = 64
GIVES_UP_S: Final = 60.0
HEAD_END: Final = b"\r\n\r\n"
KEPT: Final = b"204"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is sent: ``batches`` requests over ``connections``; ``per_s`` 0 means as fast as answers come."""

    port: int
    path: str
    public_url: str
    secret: str
    portal: int
    first_event: int
    batches: int
    connections: int
    per_s: float


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of it. Times in seconds; ``waits_ms`` one a request, from when it was due."""

    seconds: float
    cpu_seconds: float
    not_kept: int
    waits_ms: list[float]


def requests_of(plan: Plan) -> list[bytes]:
    """Return whole HTTP requests, signed now; every event is one of its own."""
    stamp = str(int(WallClock().now().timestamp() * 1000))
    return [_request(plan, number, stamp) for number in range(plan.batches)]


def _request(plan: Plan, number: int, stamp: str) -> bytes:
    first = plan.first_event + number * EVENTS
    events = [_event(plan.portal, one, int(stamp)) for one in range(first, first + EVENTS)]
    body = json.dumps(events, separators=(",", ":")).encode()
    signature = sign_v3(plan.secret, "POST", plan.public_url + plan.path, body, stamp)
    head = (
        f"POST {plan.path} HTTP/1.1\r\nHost: 127.0.0.1:{plan.port}\r\nContent-Type: application/json\r\n"
        f"X-HubSpot-Request-Timestamp: {stamp}\r\nX-HubSpot-Signature-v3: {signature}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _event(portal: int, number: int, occurred_at: int) -> dict[str, object]:
    return {
        "eventId": number,
        "subscriptionId": 1_000_001,
        "portalId": portal,
        "appId": 1_357_911,
        "occurredAt": occurred_at,
        "subscriptionType": "company.propertyChange",
        "attemptNumber": 0,
        "objectId": 9_000_000_000 + number % COMPANIES,
        "changeSource": "CRM_UI",
        "sourceId": "userId:7",
        "propertyName": "name",
        "propertyValue": f"Account {number}",
    }


@dataclass(slots=True)
class _Line:
    """One connection: what is still to be written, what came, since when its request was due."""

    sock: socket.socket
    out: memoryview = field(default_factory=lambda: memoryview(b""))
    came: bytes = b""
    due: float = 0.0


class Sender:
    """Sends requests over many connections from one thread; a line carries one request at a time."""

    def __init__(self, port: int, per_s: float, connections: int) -> None:
        """Send to ``port`` of this machine."""
        self._port, self._per_s, self._most = port, per_s, connections
        self._selector = selectors.DefaultSelector()
        self._idle: list[_Line] = []
        self._opened = 0
        self._waits: list[float] = []
        self._not_kept = 0

    def send(self, requests: list[bytes]) -> Sent:
        """Send all of them and wait for the answers."""
        start, used = time.monotonic(), time.process_time()
        waiting = deque(
            (start + n / self._per_s if self._per_s else start, one) for n, one in enumerate(requests)
        )
        while len(self._waits) + self._not_kept < len(requests):
            self._start_due(waiting)
            self._turn(self._pause(waiting))
            if time.monotonic() - start > GIVES_UP_S + (len(requests) / self._per_s if self._per_s else 600):
                raise TimeoutError(f"{len(self._waits)} of {len(requests)} requests were answered")
        ended = time.monotonic()
        return Sent(ended - start, time.process_time() - used, self._not_kept, self._waits)

    def _start_due(self, waiting: deque[tuple[float, bytes]]) -> None:
        """Give requests whose time has come to idle lines, opening lines as long as there may be more."""
        while waiting and waiting[0][0] <= time.monotonic() and (self._idle or self._opened < self._most):
            due, request = waiting.popleft()
            line = self._idle.pop() if self._idle else self._open()
            line.due = due if self._per_s else time.monotonic()
            line.out, line.came = memoryview(request), b""
            self._selector.modify(line.sock, selectors.EVENT_READ | selectors.EVENT_WRITE, line)

    def _open(self) -> _Line:
        sock = socket.create_connection(("127.0.0.1", self._port), timeout=GIVES_UP_S)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setblocking(False)
        line = _Line(sock)
        self._opened += 1
        self._selector.register(sock, selectors.EVENT_READ, line)
        return line

    def _pause(self, waiting: deque[tuple[float, bytes]]) -> float:
        if waiting and (self._idle or self._opened < self._most):
            return max(0.0, min(1.0, waiting[0][0] - time.monotonic()))
        return 1.0

    def _turn(self, pause: float) -> None:
        for key, mask in self._selector.select(pause):
            line: _Line = key.data
            if mask & selectors.EVENT_WRITE:
                self._write(line)
            if mask & selectors.EVENT_READ:
                self._read(line)

    def _write(self, line: _Line) -> None:
        line.out = line.out[line.sock.send(line.out) :]
        if not line.out:
            self._selector.modify(line.sock, selectors.EVENT_READ, line)

    def _read(self, line: _Line) -> None:
        try:
            got = line.sock.recv(65_536)
        except ConnectionError:
            got = b""
        line.came += got
        head, found, rest = line.came.partition(HEAD_END)
        if got and not (found and len(rest) >= _length(head)):
            return
        if line.due and head.split(b" ", 2)[1:2] == [KEPT]:
            self._waits.append((time.monotonic() - line.due) * 1000)
        elif line.due:
            self._not_kept += 1
        line.due, line.came = 0.0, b""
        self._again(line, alive=bool(got) and b"connection: close" not in head.lower())

    def _again(self, line: _Line, *, alive: bool) -> None:
        if alive:
            self._idle.append(line)
            return
        self._selector.unregister(line.sock)
        line.sock.close()
        self._opened -= 1
        if line in self._idle:
            self._idle.remove(line)


def _length(head: bytes) -> int:
    for one in head.split(b"\r\n")[1:]:
        name, _, value = one.partition(b":")
        if name.strip().lower() == b"content-length":
            return int(value)
    return 0


def main() -> None:
    """Send what the plan on the command line says, and print what became of it."""
    plan = Plan(**json.loads(sys.argv[1]))
    made = requests_of(plan)
    sent = Sender(plan.port, plan.per_s, plan.connections).send(made)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    sys.stdout.write(json.dumps({**asdict(sent), "peak_kb": peak}) + "\n")


if __name__ == "__main__":
    main()
