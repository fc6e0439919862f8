"""Who is still there: asked of a CRM whose reads by change never tell of what was deleted.

HubSpot's search leaves archived records out, so a deletion no push told of is found by comparing what we
hold with what stands there. A CRM whose reads tell of deletions (Salesforce's ``queryAll``) does not
implement this. Neighbours: ``port`` has the other protocols, ``sync/census.py`` asks.
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
    """How what we hold and what stands there differ: records ``gone``, and ids nobody told us of."""

    gone: tuple[Gone, ...] = ()
    unknown: tuple[str, ...] = ()


@runtime_checkable
class CensusPort(Protocol):
    """A CRM that can be asked which of many records are still there."""

    def census(self, object_name: str, known: Iterable[str]) -> Census:
        """Compare the ids we hold with the records that stand there, in few calls where nothing differs.

        Records above the highest id known are left out: reads by change find what is new. What is
        returned as gone was confirmed by the store; what is unknown may be gone when it is read.
        """
        ...
