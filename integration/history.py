"""What records were before: the earlier values a CRM keeps of their fields, as versions of the record.

Backtests ask what the CRM knew on a day; reading that begins with the install would know nothing older.
Neighbours: ``port`` has the other protocols, ``sync/history.py`` asks and keeps.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from integration.port import FieldValues


@dataclass(frozen=True, slots=True)
class Held:
    """The value a field had from ``at`` (UTC) on; ``None`` where it was empty."""

    at: datetime
    value: str | None


@dataclass(frozen=True, slots=True)
class History:
    """What a CRM kept of one record: per field the values it held, in any order."""

    id: str
    created_at: datetime
    fields: Mapping[str, Sequence[Held]]

    def versions(self) -> Iterator[tuple[datetime, FieldValues]]:
        """Yield (instant, values of all the fields) for each change, oldest first, from the creation on.

        Before the oldest value kept a field is ``None``: a CRM keeps only so many, so that is either
        empty or unknown. Values older than the record came with one merged into it.
        """
        ordered = {name: sorted(held, key=lambda one: one.at) for name, held in self.fields.items()}
        instants = {one.at for held in ordered.values() for one in held} | {self.created_at}
        values: dict[str, str | None] = dict.fromkeys(ordered)
        nexts = dict.fromkeys(ordered, 0)
        for instant in sorted(instants):
            for name, held in ordered.items():
                while nexts[name] < len(held) and held[nexts[name]].at <= instant:
                    values[name] = held[nexts[name]].value
                    nexts[name] += 1
            yield instant, dict(values)


@runtime_checkable
class HistoryPort(Protocol):
    """A CRM that keeps earlier values of its fields."""

    @property
    def history_rows(self) -> int:
        """Return how many records are asked for in the fewest calls at once."""
        ...

    def history(self, object_name: str, ids: Sequence[str], fields: Sequence[str]) -> list[History]:
        """Return the history of the records that exist among ``ids``, in batches; links have none."""
        ...
