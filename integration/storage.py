"""Room for records: asked of a CRM that charges for each row and refuses new ones when its storage is full.

Salesforce counts about 2 KB a row and implements this; HubSpot states no such limit and does not.
Neighbours: ``port`` has the refusal ``FULL``, ``sync/storage.py`` decides what waits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

MEGABYTE: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Storage:
    """What the CRM has left for records and what it has in all, in bytes; ``remedy`` is how to get more."""

    left: int
    limit: int
    remedy: str

    @property
    def words(self) -> str:
        """Return what is left, in whole megabytes."""
        return f"{self.left // MEGABYTE} of {self.limit // MEGABYTE} MB of data storage are left"


@runtime_checkable
class StoringPort(Protocol):
    """A CRM that says how much room there is."""

    def storage(self) -> Storage | None:
        """Return what is left, one call; ``None`` where we may not see it. What was freed may show later."""
        ...
