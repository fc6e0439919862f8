"""How many calls a port has made, and what for. Neighbours: ``port`` offers it, the transports count."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class CallCount:
    """API calls made through one port, by lane and reason; counted at the transport."""

    by_reason: dict[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Return all calls made."""
        return sum(self.by_reason.values())

    def add(self, reason: str) -> None:
        """Count one call under ``reason``."""
        self.by_reason[reason] = self.by_reason.get(reason, 0) + 1
