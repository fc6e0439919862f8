"""Snapshots as records of the CRM: one for the month, and one for each band so that charts can stack them.

Keys are structural: ``snapshot:portfolio:2025-03`` and, for its red part, ``snapshot:portfolio:2025-03:red``.
A restatement stands beside what it restates under a key of its own, which ends in its version.
Neighbours: ``snapshots`` has the figures, ``mappings`` turns records into rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from success.desired import DesiredRecord, RecordKind, Value
from success.explain import shown_points, tenths
from success.facts import Money
from success.snapshots import BandPart, Snapshot

ACROSS = "portfolio"
"""Whose records these are: no account's. No CRM has an account of such an id."""


class SnapshotStatus(StrEnum):
    """Whether a month still runs, has ended for good, or has been restated by a later version."""

    RUNNING = "running"
    FINAL = "final"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True)
class TakenSnapshot:
    """A snapshot as it is kept: its version, from 1, and the day of a restatement (later versions only)."""

    snapshot: Snapshot
    version: int
    final: bool
    restated_on: date | None = None

    @property
    def place(self) -> tuple[str, date]:
        """Return what it is about, whatever its version: portfolio or segment, and the month."""
        return scope_of(self.snapshot), self.snapshot.month


def scope_of(snapshot: Snapshot) -> str:
    """Return the scope in a key: ``portfolio``, or ``segment:`` or ``owner:`` and whose it is."""
    return snapshot.over.value if snapshot.segment is None else f"{snapshot.over.value}:{snapshot.segment}"


def snapshot_records(taken: Iterable[TakenSnapshot]) -> tuple[DesiredRecord, ...]:
    """Return the records of all versions kept, by key; a month of which nothing is known has none."""
    every = [one for one in taken if not _is_empty(one.snapshot)]
    newest: dict[tuple[str, date], int] = {}
    for one in every:
        newest[one.place] = max(one.version, newest.get(one.place, 0))
    made = [record for one in every for record in _records(one, _status(one, newest[one.place]))]
    return tuple(sorted(made, key=lambda record: record.key))


def _is_empty(one: Snapshot) -> bool:
    """Say whether nobody watched yet and there was nothing to count."""
    return one.health is None and one.opening == one.closing == 0 and one.nrr is None


def _status(taken: TakenSnapshot, newest: int) -> SnapshotStatus:
    if taken.version < newest:
        return SnapshotStatus.SUPERSEDED
    return SnapshotStatus.FINAL if taken.final else SnapshotStatus.RUNNING


def _records(taken: TakenSnapshot, status: SnapshotStatus) -> Iterator[DesiredRecord]:
    one = taken.snapshot
    yield _record(taken, status, None, _whole(one))
    for part in one.health.bands if one.health else ():
        yield _record(taken, status, part.band, _part(one, part))


def _record(
    taken: TakenSnapshot, status: SnapshotStatus, band: str | None, figures: Mapping[str, Value]
) -> DesiredRecord:
    one = taken.snapshot
    period = f"{one.month:%Y-%m}"
    subject = "Portfolio" if one.segment is None else f"Segment {one.segment}"
    name = f"{subject} {period}" + (f", {band}" if band else "")
    key = f"snapshot:{scope_of(one)}:{period}" + (f":{band}" if band else "")
    fields: dict[str, Value] = {
        "name": name if taken.version == 1 else f"{name}, version {taken.version}",
        "scope": one.over.value,
        "segment": one.segment,
        "month": one.month,
        "band": band,
        "status": status.value,
        "version": taken.version,
        "restated_on": taken.restated_on,
        **figures,
    }
    key = key.lower() if taken.version == 1 else f"{key.lower()}:version:{taken.version}"
    why = "Each month of the portfolio and of its segments is kept."
    return DesiredRecord(RecordKind.SNAPSHOT, key, ACROSS, fields, reason=why)


def _whole(one: Snapshot) -> dict[str, Value]:
    health = one.health
    return {
        "arr_opening": Money(one.opening, one.currency),
        "arr": Money(one.closing, one.currency),
        "nrr": _percent(one.nrr),
        "grr": _percent(one.grr),
        "logo_retention": _percent(one.logos),
        "accounts": one.accounts,
        "health": None if health is None or health.points is None else shown_points(health.points),
        "coverage": None if health is None else _percent(health.coverage),
        "policies": one.policies,
    }


def _part(one: Snapshot, part: BandPart) -> dict[str, Value]:
    """Return the figures of one band; what only the whole has is empty."""
    empty: dict[str, Value] = dict.fromkeys(_whole(one))
    return {**empty, "arr": Money(part.arr, one.currency), "accounts": part.accounts}


def _percent(thousandths: int | None) -> Decimal | None:
    return None if thousandths is None else tenths(thousandths)
