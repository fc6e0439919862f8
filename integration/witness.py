"""Who saved a record last, where a CRM says so on the record.

A CRM's own automations may rewrite what we write while it is being saved, in our name: nothing but the
value then tells. Neighbours: ``salesforce/witness.py`` answers; ``sync/insistence.py`` asks, only about
records in which something else stands than we wrote.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from integration.port import FieldValues


@dataclass(frozen=True, slots=True)
class Saved:
    """A record as it stands now: its ``values``, and by whom it was saved last, at what instant (UTC).

    ``ours`` says that it was our own connection: then nobody has saved it since our last write.
    """

    values: FieldValues
    by: str
    at: datetime
    ours: bool


@runtime_checkable
class WitnessPort(Protocol):
    """A CRM that says on every record who saved it last."""

    def last_saved(self, object_name: str, ids: Sequence[str], fields: Sequence[str]) -> Mapping[str, Saved]:
        """Return, by id, the records that exist as they stand now; one call for up to 2,000."""
        ...
