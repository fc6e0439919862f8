"""Change Data Capture: every commit of a selected object becomes events, kept 72 hours.

Source: Change Data Capture guide ("Change Event Message Structure", "ChangeEventHeader Fields", "Merged
Change Events", "Gap Events", "Overflow Events"); Pub/Sub API guide, "Event Message Durability". Events are
in memory: a restart is what the guide calls a reset of the stream, older replay ids are refused then.
Neighbours: ``store`` tells of commits, ``change_events_schema`` gives events their form, ``pubsub`` sends
them, ``change_events_control`` makes those that no write makes.
"""

from __future__ import annotations

import threading
import uuid
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sandbox.salesforce.access import Access
from sandbox.salesforce.change_events_schema import EventSchema, avro_value, event_name, schema_of
from sandbox.salesforce.org import Org
from sandbox.salesforce.schema import SObject
from sandbox.salesforce.store import Row, Saved

KEPT = timedelta(hours=72)
ALLOCATION_WINDOW = timedelta(hours=24)
# Change Data Capture guide, "Allocations": events delivered in 24 hours, Enterprise Edition.
ENTERPRISE_ALLOCATION = 25_000
ALL_CHANGES = "ChangeEvents"
WITHOUT_EVENTS = ("Professional Edition", "Group Edition")
_AUDIT = frozenset({"SystemModstamp", "LastModifiedDate", "LastModifiedById"})
_STRIDE = 7


@dataclass(frozen=True, slots=True)
class ChangeEvent:
    """One event on the bus. ``values`` are those it carries, by field of the object."""

    replay: int
    at: datetime
    id: str
    object: str
    schema: EventSchema
    header: Mapping[str, Any]
    values: Mapping[str, Any] = field(default_factory=dict)
    changed: frozenset[str] = frozenset()
    nulled: frozenset[str] = frozenset()

    def seen_by(self, access: Access, obj: SObject) -> bytes:
        """Return the event as a user receives it: what field-level security hides is left out."""
        sight = {f.name for f in access.fields(obj).values()}
        values = {name: value for name, value in self.values.items() if name in sight}
        bitmaps = {"changedFields": self.schema.bitmap(self.changed & sight),
                   "nulledFields": self.schema.bitmap(self.nulled & sight), "diffFields": []}  # fmt: skip
        return self.schema.payload({**self.header, **bitmaps}, values)


class Bus:
    """The events of one org. Its own lock is ``condition``; the org's is taken first where both are."""

    def __init__(self, org: Org) -> None:
        """Listen to the org's commits."""
        self._org = org
        self.condition = threading.Condition()
        self.schemas: dict[str, EventSchema] = {}
        self.allocation = ENTERPRISE_ALLOCATION
        self.keepalives = 0
        self._events: list[ChangeEvent] = []
        self._marks: dict[int, datetime] = {}
        self._delivered: deque[datetime] = deque()
        self._tip = 0
        org.store.committed = self.committed

    def objects_of(self, topic: str) -> frozenset[str] | None:
        """Return the objects whose events a topic carries, ``None`` where there is no such topic."""
        details = self._org.store.noted("details", {})
        standing = set(self._org.store.noted("components", {}).get("PlatformEventChannelMember", ()))
        members = [pair for name, pair in details.get("members", {}).items() if name in standing]
        page = frozenset(self._org.store.noted("cdc selected", ()))
        edition = next(iter(self._org.store.live("Organization")))["OrganizationType"]
        name = topic.removeprefix("/data/")
        if not topic.startswith("/data/") or edition in WITHOUT_EVENTS:
            return None
        if name == ALL_CHANGES:
            return page
        if name.endswith("__chn"):
            channels = self._org.store.noted("components", {}).get("PlatformEventChannel", ())
            return frozenset(obj for channel, obj in members if channel == name) if name in channels else None
        chosen = page | {obj for _, obj in members}
        return next((frozenset({one}) for one in chosen if event_name(self._org.schema[one]) == name), None)

    def selected(self) -> frozenset[str]:
        """Return the objects that have change events at all: chosen for a channel, or on the Setup page."""
        members = self._org.store.noted("details", {}).get("members", {}).values()
        page = frozenset(self._org.store.noted("cdc selected", ()))
        return page | {obj for _, obj in members}

    def committed(self, saved: list[Saved]) -> None:
        """Make the events of one commit."""
        chosen = self.selected()
        found = [(one, kind) for one in saved if one.object in chosen and (kind := _kind(one))]
        groups: list[tuple[str, str, Mapping[str, Any], list[Saved]]] = []
        for one, kind in found:
            values = _carried(self._org.schema[one.object], one, kind)
            if groups and groups[-1][:2] == (one.object, kind) and _same(groups[-1][2], values):
                groups[-1][3].append(one)
            else:
                groups.append((one.object, kind, values, [one]))
        key = str(uuid.uuid4())
        self.put(
            self._event(group, number, key, self._org.origin) for number, group in enumerate(groups, start=1)
        )

    def announce(self, object_name: str, kind: str, ids: list[str], origin: str) -> None:
        """Put an event without values on the bus, as the platform itself makes gap and overflow events."""
        header = self._header(object_name, kind, ids, uuid.uuid4().hex, 1, origin)
        self.put([self._bare(object_name, header)])

    def put(self, events: Iterable[ChangeEvent]) -> None:
        """Add events and wake subscribers."""
        with self.condition:
            self._events += events
            self.condition.notify_all()

    def mark(self) -> int:
        """Return a new replay id that stands for no event: the position of a keep-alive."""
        self._tip = self._next()
        self._marks[self._tip] = self._org.now()
        return self._tip

    @property
    def tip(self) -> int:
        """Return the position of the newest event or keep-alive."""
        return self._tip

    def knows(self, replay: int) -> bool:
        """Return whether a replay id is one of the last 72 hours."""
        self._purge()
        return replay in self._marks or any(one.replay == replay for one in self._events)

    def after(self, replay: int, objects: frozenset[str], most: int) -> list[ChangeEvent]:
        """Return the next events of some objects behind a position."""
        self._purge()
        return [one for one in self._events if one.replay > replay and one.object in objects][:most]

    def left(self) -> int:
        """Return how many events may still be delivered in this day of the sandbox clock."""
        since = self._org.now() - ALLOCATION_WINDOW
        while self._delivered and self._delivered[0] <= since:
            self._delivered.popleft()
        return max(0, self.allocation - len(self._delivered))

    def delivered(self, events: int) -> None:
        """Count events delivered to one subscriber."""
        self._delivered.extend([self._org.now()] * events)

    def schema(self, obj: SObject) -> EventSchema:
        """Return an object's present schema, and keep it to be asked for."""
        found = schema_of(obj)
        return self.schemas.setdefault(found.id, found)

    def _event(
        self, group: tuple[str, str, Mapping[str, Any], list[Saved]], number: int, key: str, origin: str
    ) -> ChangeEvent:
        name, kind, values, rows = group
        header = self._header(name, kind, [one.id for one in rows], key, number, origin)
        header["commitUser"] = (rows[0].after or {}).get("LastModifiedById") or header["commitUser"]
        bare, update = self._bare(name, header), kind == "UPDATE"
        changed = frozenset(values) if update else frozenset[str]()
        nulled = frozenset(one for one in changed if values[one] is None)
        return ChangeEvent(bare.replay, bare.at, bare.id, name, bare.schema, header, values, changed, nulled)

    def _bare(self, object_name: str, header: Mapping[str, Any]) -> ChangeEvent:
        schema = self.schema(self._org.schema[object_name])
        self._tip = self._next()
        return ChangeEvent(self._tip, self._org.now(), str(uuid.uuid4()), object_name, schema, header)

    def _header(
        self, object_name: str, kind: str, ids: list[str], key: str, number: int, origin: str
    ) -> dict[str, Any]:
        user = next(iter(self._org.store.table("User")))
        return {
            "entityName": object_name, "recordIds": ids, "changeType": kind, "changeOrigin": origin,
            "transactionKey": key, "sequenceNumber": number, "commitUser": user,
            "commitTimestamp": int(self._org.now().timestamp() * 1000),
            "commitNumber": self._org.count("change commits"), "nulledFields": [], "diffFields": [],
            "changedFields": [],
        }  # fmt: skip

    def _next(self) -> int:
        """Return a replay id above every one before; they are not contiguous."""
        return self._org.count("replay") * _STRIDE

    def _purge(self) -> None:
        oldest = self._org.now() - KEPT
        with self.condition:
            self._events = [one for one in self._events if one.at > oldest]
            self._marks = {mark: at for mark, at in self._marks.items() if at > oldest}


def _kind(one: Saved) -> str | None:
    """Return what happened to a row, ``None`` where no event tells of it (hard deletes, the recycle bin)."""
    was = one.before is not None and not one.before.get("IsDeleted")
    if one.after is None:
        return None
    if one.after.get("IsDeleted"):
        return "DELETE" if was else None
    if was:
        return "UPDATE" if _differences(one.before or {}, one.after) - _AUDIT else None
    return "CREATE" if one.before is None else "UNDELETE"


def _differences(before: Row, after: Row) -> set[str]:
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


def _carried(obj: SObject, one: Saved, kind: str) -> dict[str, Any]:
    """Return the values an event carries: all of a record that came, what changed of one that was there."""
    after = one.after or {}
    if kind == "DELETE":
        return {}
    places = schema_of(obj).places
    names = _differences(one.before or {}, after) if kind == "UPDATE" else set(after)
    fields = {f.name: f for f in obj.fields.values() if f.name in places and f.name in names}
    values = {name: avro_value(f, after.get(name)) for name, f in fields.items()}
    return values if kind == "UPDATE" else {name: v for name, v in values.items() if v is not None}


def _same(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    """Return whether two changes are told by one event: the same fields took the same values."""
    return dict(first) == dict(second)
