"""Who is still there: asked of a CRM whose reads by change do not tell of everything that was deleted.

HubSpot's search leaves archived records out, Salesforce's ``queryAll`` what was purged from the recycle bin
meanwhile; so what we hold is compared with what stands there. Neighbours: ``port`` has the other protocols,
``roll_call`` finds who is missing, ``sync/census.py`` asks.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class Gone:
    """A record that stands there no more; ``at`` is when it was deleted (UTC), ``None`` once erased."""

    id: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Census:
    """How what we hold and what stands there differ: records ``gone``, and ids nobody told us of.

    ``logged_until``: up to when the CRM's own log of deletions was read (UTC), ``None`` where it was not.
    """

    gone: tuple[Gone, ...] = ()
    unknown: tuple[str, ...] = ()
    logged_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class LogWindow:
    """What has not been read of a CRM's log of deletions: from ``start`` to the present, ``end`` (UTC)."""

    start: datetime
    end: datetime


@runtime_checkable
class CensusPort(Protocol):
    """A CRM that can be asked which of many records are still there."""

    def census(self, object_name: str, known: Iterable[str], log: LogWindow | None = None) -> Census:
        """Compare the ids we hold with the records that stand there, in few calls where nothing differs.

        Records above the highest id known are left out: reads by change find what is new. What is
        returned as gone was confirmed by the store or by the log of deletions, where the CRM keeps one and
        ``log`` is given; what is unknown may be gone when it is read.
        """
        ...
