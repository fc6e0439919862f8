"""What was asked of the vendor: one line per vendor request, kept in memory, oldest dropped at the cap."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import asdict, dataclass, field

from sandbox.server.clock import SandboxClock, iso, wall_seconds

_KEPT = 500_000


@dataclass(slots=True)
class RequestNote:
    """What a handler tells the log about the request it serves (``flask.g.note``)."""

    object: str = ""
    rows_in: int = 0
    rows_out: int = 0
    written: list[str] = field(default_factory=list)
    fault: str = ""


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """One vendor request. ``wall`` is real epoch seconds, ``at`` the sandbox clock, ``fault`` what it met."""

    seq: int
    wall: float
    at: str
    method: str
    path: str
    status: int
    object: str
    rows_in: int
    rows_out: int
    written: list[str]
    fault: str


class RequestLog:
    """Vendor requests in the order they were answered; ``seq`` counts from 1 in this process."""

    def __init__(self, clock: SandboxClock) -> None:
        """Stamp lines with ``clock``."""
        self._clock = clock
        self._lock = threading.Lock()
        self._lines: deque[LoggedRequest] = deque(maxlen=_KEPT)
        self._last = 0

    def add(self, method: str, path: str, status: int, note: RequestNote) -> None:
        """Append a request; ``status`` 0 means that the connection was closed without an answer."""
        with self._lock:
            self._last += 1
            self._lines.append(
                LoggedRequest(
                    seq=self._last,
                    wall=wall_seconds(),
                    at=iso(self._clock.now()),
                    method=method,
                    path=path,
                    status=status,
                    object=note.object,
                    rows_in=note.rows_in,
                    rows_out=note.rows_out,
                    written=note.written,
                    fault=note.fault,
                )
            )

    def after(self, seq: int) -> dict[str, object]:
        """Return the body of ``GET /_sandbox/requests?after=seq``."""
        with self._lock:
            return {"requests": [asdict(line) for line in self._lines if line.seq > seq], "last": self._last}
