"""The sandbox's own clock: it may be set, frozen, or left to tick with real time.

Record times, token life, webhook timestamps and daily limits follow it; the short rate-limit
windows and the search-index delay do not (they are real, monotonic time).
"""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta

from sandbox.server.storage import Settings

_SETTING = "clock"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def wall_seconds() -> float:
    """Return real time in seconds since 1970: the one place where the sandboxes read it."""
    return time.time()  # noqa: TID251 -- a sandbox's own clock has to start somewhere


def iso(instant: datetime) -> str:
    """Return ``instant`` as ISO 8601 UTC with milliseconds, ``2024-12-31T09:00:00.000Z``."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{instant.microsecond // 1000:03d}Z"


def iso_seconds(instant: datetime) -> str:
    """Return ``instant`` as ISO 8601 UTC to the second, ``2024-12-31T09:00:00Z``."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def epoch_ms(instant: datetime) -> int:
    """Return whole milliseconds since 1970-01-01 UTC."""
    return round(instant.timestamp() * 1000)


def from_epoch_ms(value: int) -> datetime:
    """Return the UTC instant ``value`` milliseconds after 1970-01-01."""
    return EPOCH + timedelta(milliseconds=value)


def parse_instant(text: str) -> datetime:
    """Return the UTC instant of ISO 8601 ``text``; a bare date is its midnight UTC, no zone means UTC.

    Raises ValueError when ``text`` is neither.
    """
    parsed = datetime.fromisoformat(text)
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


class SandboxClock:
    """Time as the vendor sees it. Starts at real time, running; the setting survives a restart."""

    def __init__(self, settings: Settings | None = None) -> None:
        """Take up the state kept in ``settings``, or real time when there is none."""
        self._settings = settings
        self._lock = threading.Lock()
        self._base = datetime.fromtimestamp(wall_seconds(), UTC)
        self._wall = wall_seconds()
        self._running = True
        kept = settings.get(_SETTING) if settings else None
        if kept:
            self._base = parse_instant(kept["now"])
            self._wall = kept["wall"]
            self._running = kept["running"]

    def now(self) -> datetime:
        """Return the sandbox's present, UTC aware."""
        with self._lock:
            return self._reading()

    def _reading(self) -> datetime:
        if not self._running:
            return self._base
        return self._base + timedelta(seconds=max(0.0, wall_seconds() - self._wall))

    def now_ms(self) -> int:
        """Return the sandbox's present in milliseconds since 1970-01-01 UTC."""
        return epoch_ms(self.now())

    def set(self, now: datetime | None, running: bool | None) -> None:
        """Set the present (None keeps it) and whether it ticks with real time (None keeps that)."""
        with self._lock:
            self._base = now if now is not None else self._reading()
            self._wall = wall_seconds()
            self._running = self._running if running is None else running
            state = {"now": self._base.isoformat(), "wall": self._wall, "running": self._running}
        if self._settings:
            self._settings.put(_SETTING, state)

    def state(self) -> dict[str, object]:
        """Return the body of ``GET /_sandbox/clock``."""
        return {"now": iso_seconds(self.now()), "running": self._running}
