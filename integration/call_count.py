"""How many calls a port has made, what for and in which lane. ``port`` offers it, the transports count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import NamedTuple, Protocol


class CallKind(NamedTuple):
    """What a call was for, in which lane it waited, and whether it was made once more after a failure."""

    reason: str
    lane: str
    again: bool


class Count(Protocol):
    """Is told of every call before it is made."""

    def __call__(self, reason: str, lane: str = "", *, again: bool = False) -> None:
        """Count one call."""
        ...


@dataclass(slots=True)
class CallCount:
    """API calls made through one port, every try of a call counted at the transport. Thread-safe."""

    by_reason: dict[str, int] = field(default_factory=dict)
    _untold: dict[CallKind, int] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    @property
    def total(self) -> int:
        """Return all calls made."""
        return sum(self.by_reason.values())

    def add(self, reason: str, lane: str = "", *, again: bool = False) -> None:
        """Count one call; see ``CallKind``."""
        kind = CallKind(reason, lane, again)
        with self._lock:
            self.by_reason[reason] = self.by_reason.get(reason, 0) + 1
            self._untold[kind] = self._untold.get(kind, 0) + 1

    def tell(self) -> Mapping[CallKind, int]:
        """Return the calls made since this was asked last, for whoever adds them up over all processes."""
        with self._lock:
            told, self._untold = self._untold, {}
        return told
