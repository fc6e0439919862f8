"""Which records are associated with which, and by what labels. Both directions are always kept.

A labelled association always carries the unlabelled one too; a primary label moves when it is
set on another record; a line item has one parent, a deal or a quote (HubSpot's line items guide).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sandbox.hubspot.association_types import AssociationType, AssociationTypes
from sandbox.hubspot.errors import invalid
from sandbox.server.app import Services

Ends = dict[str, set[int]]


@dataclass(frozen=True, slots=True)
class Limit:
    """How many records of one type a record may have under one kind of association."""

    from_type: str
    to_type: str
    type_id: int
    most: int


LINE_ITEM, PARENTS = "0-8", ("0-3", "0-14")


@dataclass(frozen=True, slots=True)
class LinkChange:
    """One direction of one kind of association that appeared or went."""

    kind: AssociationType
    from_id: str
    to_id: str
    removed: bool


class Links:
    """Associations of records. Mutators run inside the caller's transaction and return what changed."""

    def __init__(self, services: Services, types: AssociationTypes) -> None:
        """Read every association in the file."""
        self._connection, self._types = services.connection, types
        self._ends: dict[tuple[str, str], dict[str, Ends]] = {}
        self._settings = services.settings
        kept = [Limit(*row) for row in services.settings.get("association_limits", [])]
        self._limits = {(one.from_type, one.to_type, one.type_id): one for one in kept}
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS links (from_type TEXT, from_id TEXT, to_type TEXT, to_id TEXT, "
            "type_id INTEGER, PRIMARY KEY (from_type, from_id, to_type, to_id, type_id)) WITHOUT ROWID"
        )
        for a, a_id, b, b_id, type_id in self._connection.execute("SELECT * FROM links"):
            self._remember(a, a_id, b, b_id, type_id)

    def _remember(self, a: str, a_id: str, b: str, b_id: str, type_id: int) -> None:
        self._ends.setdefault((a, a_id), {}).setdefault(b, {}).setdefault(b_id, set()).add(type_id)

    def limits(self) -> list[Limit]:
        """Return the limits set through the API."""
        return list(self._limits.values())

    def set_limits(self, limits: list[Limit]) -> None:
        """Set or change limits; they stay after a restart."""
        self._limits |= {(one.from_type, one.to_type, one.type_id): one for one in limits}
        self._keep_limits()

    def drop_limit(self, from_type: str, to_type: str, type_id: int) -> None:
        """Take a limit away, if there is one."""
        self._limits.pop((from_type, to_type, type_id), None)
        self._keep_limits()

    def _keep_limits(self) -> None:
        rows = [[one.from_type, one.to_type, one.type_id, one.most] for one in self._limits.values()]
        self._settings.put("association_limits", rows)

    def of(self, type_id: str, record_id: str, to_type: str) -> Ends:
        """Return the associated ids with their association type ids."""
        return self._ends.get((type_id, record_id), {}).get(to_type, {})

    def all_of(self, type_id: str, record_id: str) -> dict[str, Ends]:
        """Return everything a record is associated with, by object type."""
        return self._ends.get((type_id, record_id), {})

    def check(self, from_id: str, to_id: str, kinds: Iterable[AssociationType]) -> None:
        """Raise 400 where adding these would break a limit."""
        for kind in kinds:
            for one, other, type_id, end, end_id in (
                (kind.from_type, from_id, kind.type_id, kind.to_type, to_id),
                (kind.to_type, to_id, kind.inverse, kind.from_type, from_id),
            ):
                self._check_side(one, other, type_id, end, end_id)

    def _check_side(self, a: str, a_id: str, type_id: int, b: str, b_id: str) -> None:
        if a == LINE_ITEM and b in PARENTS and self._parents(a_id) - {(b, b_id)}:
            raise invalid(f"Line item {a_id} already belongs to another record; a line item has one parent")
        held = self.of(a, a_id, b)
        limit = self._limits.get((a, b, type_id))
        others = sum(1 for other, kinds in held.items() if type_id in kinds and other != b_id)
        if limit is not None and others >= limit.most:
            raise invalid(
                f"Record {a_id} has reached the limit of {limit.most} associations of type {type_id}",
                sub_category="Associations.LIMIT_EXCEEDED",
            )

    def _parents(self, line_item_id: str) -> set[tuple[str, str]]:
        return {(b, one) for b in PARENTS for one in self.of(LINE_ITEM, line_item_id, b)}

    def add(self, from_id: str, to_id: str, kinds: list[AssociationType]) -> list[LinkChange]:
        """Associate two records by these kinds, which all have the same two object types."""
        changes: list[LinkChange] = []
        first = kinds[0]
        default = self._default(first)
        for kind in dict.fromkeys([*kinds, *([default] if default else [])]):
            if kind.primary:
                changes += self._unset_primary(kind, from_id, to_id)
            if kind.type_id not in self.of(kind.from_type, from_id, kind.to_type).get(to_id, set()):
                self._write(kind, from_id, to_id)
                changes += self._both(kind, from_id, to_id, removed=False)
        return changes

    def _default(self, kind: AssociationType) -> AssociationType | None:
        for other in self._types.between(kind.from_type, kind.to_type):
            if other.label is None:
                return other
        return None

    def _unset_primary(self, kind: AssociationType, from_id: str, to_id: str) -> list[LinkChange]:
        changes: list[LinkChange] = []
        for other, kinds in list(self.of(kind.from_type, from_id, kind.to_type).items()):
            if other != to_id and kind.type_id in kinds:
                changes += self._erase(kind, from_id, other)
        return changes

    def _both(self, kind: AssociationType, from_id: str, to_id: str, *, removed: bool) -> list[LinkChange]:
        back = self._types.by_id(kind.inverse, kind.to_type, kind.from_type)
        return [LinkChange(kind, from_id, to_id, removed), LinkChange(back, to_id, from_id, removed)]

    def _rows(self, kind: AssociationType, from_id: str, to_id: str) -> list[tuple[str, str, str, str, int]]:
        return [
            (kind.from_type, from_id, kind.to_type, to_id, kind.type_id),
            (kind.to_type, to_id, kind.from_type, from_id, kind.inverse),
        ]

    def _write(self, kind: AssociationType, from_id: str, to_id: str) -> None:
        rows = self._rows(kind, from_id, to_id)
        self._connection.executemany("INSERT OR IGNORE INTO links VALUES (?, ?, ?, ?, ?)", rows)
        for row in rows:
            self._remember(*row)

    def _erase(self, kind: AssociationType, from_id: str, to_id: str) -> list[LinkChange]:
        for a, a_id, b, b_id, type_id in self._rows(kind, from_id, to_id):
            self._connection.execute(
                "DELETE FROM links WHERE from_type = ? AND from_id = ? "
                "AND to_type = ? AND to_id = ? AND type_id = ?",
                (a, a_id, b, b_id, type_id),
            )
            ends = self._ends.get((a, a_id), {}).get(b, {})
            ends.get(b_id, set()).discard(type_id)
            if b_id in ends and not ends[b_id]:
                del ends[b_id]
        return self._both(kind, from_id, to_id, removed=True)

    def replace(self, from_id: str, to_id: str, kinds: list[AssociationType]) -> list[LinkChange]:
        """Make ``kinds`` (and the unlabelled one) the only kinds between two records."""
        first = kinds[0]
        wanted = {kind.type_id for kind in kinds}
        default = self._default(first)
        wanted |= {default.type_id} if default else set()
        held = set(self.of(first.from_type, from_id, first.to_type).get(to_id, set()))
        changes: list[LinkChange] = []
        for type_id in held - wanted:
            kind = self._types.by_id(type_id, first.from_type, first.to_type)
            changes += self._erase(kind, from_id, to_id)
        return changes + self.add(from_id, to_id, kinds)

    def remove(self, from_type: str, from_id: str, to_type: str, to_id: str) -> list[LinkChange]:
        """Take two records apart altogether."""
        changes: list[LinkChange] = []
        for type_id in list(self.of(from_type, from_id, to_type).get(to_id, set())):
            changes += self._erase(self._types.by_id(type_id, from_type, to_type), from_id, to_id)
        return changes

    def remove_kind(self, kind: AssociationType, from_id: str, to_id: str) -> list[LinkChange]:
        """Take one kind away; the unlabelled one goes with the last label's record only by ``remove``."""
        if kind.type_id not in self.of(kind.from_type, from_id, kind.to_type).get(to_id, set()):
            return []
        if kind.label is None:
            return self.remove(kind.from_type, from_id, kind.to_type, to_id)
        return self._erase(kind, from_id, to_id)

    def remove_everywhere(self, kind: AssociationType) -> list[LinkChange]:
        """Take one kind off every record that has it."""
        changes: list[LinkChange] = []
        for (type_id, record_id), ends in list(self._ends.items()):
            if type_id == kind.from_type:
                for to_id in list(ends.get(kind.to_type, {})):
                    changes += self.remove_kind(kind, record_id, to_id)
        return changes
