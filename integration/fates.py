"""What became of records a write was told are gone: deleted, erased, merged into another, or there after all.

Beside ``port.CrmPort``; asked only after a refusal ``GONE``, so it costs nothing while nothing vanishes.
Salesforce implements it; HubSpot tells of both by webhook, census and the surviving record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class Fate:
    """A record that is gone: since when (UTC; ``None`` once erased), and which one goes on in its place."""

    id: str
    at: datetime | None
    survivor: str | None = None


@runtime_checkable
class FatePort(Protocol):
    """A CRM that says what became of single records."""

    def fates(self, object_name: str, ids: Sequence[str]) -> list[Fate]:
        """Return those of ``ids`` that are gone, by id; a survivor is itself still there, or ``None``."""
        ...
