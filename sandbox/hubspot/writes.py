"""Every change of records goes through here: checked first, then all of it written at once.

Planning has no effect, so that a batch may be refused whole; ``commit`` writes the plans in
one transaction and tells the webhooks. Callers hold the sandbox's lock.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from sandbox.hubspot.association_types import AssociationType
from sandbox.hubspot.catalogue import ObjectType
from sandbox.hubspot.derived import derive
from sandbox.hubspot.errors import VendorError, error, invalid, invalid_values, problem
from sandbox.hubspot.links import LINE_ITEM, LinkChange
from sandbox.hubspot.portal import Portal
from sandbox.hubspot.quotes import QUOTE, check_quote
from sandbox.hubspot.records import Record, Version
from sandbox.hubspot.rules import broken_rules
from sandbox.hubspot.times import stamp
from sandbox.hubspot.values import ValueProblemError, normalise
from sandbox.hubspot.webhooks import Actor, Event

LinkSpec = tuple[str, str, list[AssociationType]]
STRICT_VERSION = "2026-09"
RESTORE_MS = 90 * 86_400_000


@dataclass(frozen=True, slots=True)
class Plan:
    """A change that passed every check. ``old`` None: a new record. ``links``: (type, id, kinds) to add."""

    kind: ObjectType
    new: Record
    old: Record | None
    changed: tuple[str, ...]
    links: tuple[LinkSpec, ...] = ()
    warnings: tuple[dict[str, Any], ...] = ()


@dataclass(slots=True)
class Draft:
    """What the plans of one request share: who, by which API version, and unique values spoken for."""

    actor: Actor
    version: str
    spoken_for: dict[tuple[str, str, str], str] = field(default_factory=dict)


class Writer:
    """Plans and commits changes of records in one portal."""

    def __init__(self, portal: Portal) -> None:
        """Write to ``portal``."""
        self.portal = portal

    def plan_create(
        self, kind: ObjectType, given: dict[str, Any], links: list[LinkSpec], draft: Draft
    ) -> Plan:
        """Plan a new record. Raises 400 or 409."""
        values, warnings = self._values(kind, given, None, draft)
        values = {name: value for name, value in values.items() if value != ""}
        self._check_minimum(kind, values)
        if draft.version == STRICT_VERSION:
            self._check_rules(kind, values, creating=True)
        record_id = self.portal.records.next_id()
        if kind.type_id == QUOTE:
            values.setdefault("hs_status", "DRAFT")
            check_quote(self.portal, values, record_id, [to_type for to_type, _, _ in links])
        self._check_unique(kind, values, record_id, draft, creating=True)
        now = self.portal.clock.now_ms()
        record = self._new(kind, record_id, values, now, draft.actor)
        return Plan(kind, record, None, tuple(values), tuple(links), tuple(warnings))

    def _new(
        self, kind: ObjectType, record_id: str, values: dict[str, str], now: int, actor: Actor
    ) -> Record:
        system = {
            "hs_object_id": record_id,
            kind.created: stamp(now),
            kind.modified: stamp(now),
            "hs_object_source": actor.source,
            "hs_object_source_id": actor.source_id,
            "hs_object_source_label": actor.source,
            **_saved_by(actor),
        }
        full = derive(self.portal, kind, {**system, **values}, now)
        return Record(kind.type_id, record_id, full, now, now, actor.source, actor.source_id, {})

    def plan_update(self, kind: ObjectType, record: Record, given: dict[str, Any], draft: Draft) -> Plan:
        """Plan a change of a live record; ``changed`` is empty when none would be.

        Raises 400 or 409.
        """
        values, warnings = self._values(kind, given, record, draft)
        changed = {name: value for name, value in values.items() if record.values.get(name, "") != value}
        self._check_unique(kind, changed, record.id, draft, creating=False)
        merged = {name: value for name, value in {**record.values, **changed}.items() if value != ""}
        if kind.type_id == QUOTE and changed:
            check_quote(self.portal, merged, record.id, [])
        if draft.version == STRICT_VERSION and changed:
            self._check_rules(kind, merged, creating=False, touched=set(changed))
        if not changed:
            return Plan(kind, record, record, (), (), tuple(warnings))
        new = self._changed(kind, record, merged, draft.actor)
        return Plan(kind, new, record, tuple(changed), (), tuple(warnings))

    def _changed(self, kind: ObjectType, record: Record, merged: dict[str, str], actor: Actor) -> Record:
        now = self.portal.clock.now_ms()
        saved = {kind.modified: stamp(now), **_saved_by(actor)}
        full = derive(self.portal, kind, {**merged, **saved}, now)
        history = dict(record.history)
        for name in set(full) | set(record.values):
            if name != kind.modified and full.get(name) != record.values.get(name):
                version = Version(full.get(name, ""), now, actor.source, actor.source_id)
                history[name] = (version, *record.versions(name))[:45]
        return replace(record, values=full, updated=now, history=history)

    def _values(
        self, kind: ObjectType, given: dict[str, Any], record: Record | None, draft: Draft
    ) -> tuple[dict[str, str], list[dict[str, Any]]]:
        live = self.portal.properties.live(kind.type_id)
        values: dict[str, str] = {}
        warnings: list[dict[str, Any]] = []
        problems: list[dict[str, Any]] = []
        for name, raw in given.items():
            definition = live.get(name)
            if definition is None:
                problems.append(problem("PROPERTY_DOESNT_EXIST", name, f'Property "{name}" does not exist'))
                continue
            # No call writes a read-only object: HubSpot's own tools do, which have every property.
            if definition["modificationMetadata"].get("readOnlyValue") and not kind.readonly:
                sort = "calculated" if definition["calculated"] else "read only"
                text = f'"{name}" is a {sort} property; its value cannot be set.'
                problems.append(problem("READ_ONLY_VALUE", name, text))
                continue
            try:
                held = record.values.get(name, "") if record else ""
                result = normalise(definition, as_text(name, raw), held, draft.version == STRICT_VERSION)
                self.portal.check_reference(kind, name, result.text)
            except ValueProblemError as refused:
                problems.append(problem(refused.code, name, str(refused), str(raw)))
                continue
            values[name] = result.text
            if result.normalised:
                warnings.append(_warning(name, str(raw), result.text))
        problems += self.portal.check_stage(kind, values, record)
        if problems:
            raise invalid_values(problems, self.portal.options.portal_id)
        return values, warnings

    def _check_minimum(self, kind: ObjectType, values: dict[str, str]) -> None:
        missing = [
            " or ".join(group) for group in kind.minimum if not any(values.get(name) for name in group)
        ]
        if missing:
            raise invalid(
                f"Error creating {kind.label}. Some required properties were not set.",
                context={"properties": missing},
            )

    def _check_rules(
        self, kind: ObjectType, values: dict[str, str], *, creating: bool, touched: set[str] | None = None
    ) -> None:
        problems = broken_rules(self.portal.write_rules(), kind, values, creating=creating, touched=touched)
        if problems:
            raise invalid("Required properties are missing", errors=problems)

    def _check_unique(
        self, kind: ObjectType, values: dict[str, str], record_id: str, draft: Draft, *, creating: bool
    ) -> None:
        live = self.portal.properties.live(kind.type_id)
        for name, value in values.items():
            if not value or name not in live or not live[name]["hasUniqueValue"]:
                continue
            key = (kind.type_id, name, value)
            holder = self.portal.unique_holder(kind, name, value) or draft.spoken_for.get(key)
            if holder is not None and holder != record_id:
                raise self._taken(key, record_id, holder, creating=creating)
            draft.spoken_for[key] = record_id

    def _taken(
        self, key: tuple[str, str, str], record_id: str, holder: str, *, creating: bool
    ) -> VendorError:
        type_id, name, value = key
        if type_id == "0-1" and name == "email" and creating:
            return error(409, "CONFLICT", f"Contact already exists. Existing ID: {holder}")
        text = (
            f"Cannot set PropertyValueCoordinates{{portalId={self.portal.options.portal_id}, "
            f"objectTypeId={type_id}, propertyName={name}, value={value}}} on "
            f"{'new record' if creating else record_id}. {holder} already has that value."
        )
        return invalid_values(
            [problem("CONFLICTING_UNIQUE_VALUE", name, text)], self.portal.options.portal_id
        )

    def commit(self, plans: list[Plan], draft: Draft) -> None:
        """Write all the plans in one transaction, then tell the webhooks."""
        events: list[Event] = []
        moved = [plan for plan in plans if plan.old is None or plan.changed]
        with self.transaction():
            for plan in moved:
                self.portal.move_unique(plan.kind, plan.old, plan.new)
                events += _events(plan, draft.actor)
            self.portal.records.keep(plan.new for plan in moved)
            for plan in plans:
                for to_type, to_id, kinds in plan.links:
                    del to_type
                    events += self.link_events(self.portal.links.add(plan.new.id, to_id, kinds), draft.actor)
        self.portal.webhooks.emit(events)

    def archive(self, kind: ObjectType, records: list[Record], actor: Actor) -> None:
        """Move live records to the recycle bin, where their unique values are free again."""
        now = self.portal.clock.now_ms()
        gone = [(kind, record) for record in records] + self._line_items_of(kind, records)
        with self.transaction():
            for one, record in gone:
                self.portal.move_unique(one, record, None)
            archived = [replace(r, archived=True, archived_at=now, updated=now) for _, r in gone]
            self.portal.records.keep(archived)
        change = {"changeFlag": "DELETED"}
        self.portal.webhooks.emit([Event("deletion", one, record.id, actor, change) for one, record in gone])

    def _line_items_of(self, kind: ObjectType, records: list[Record]) -> list[tuple[ObjectType, Record]]:
        """Return the line items that go with deleted quotes (HubSpot's line items guide)."""
        if kind.type_id != QUOTE:
            return []
        item = self.portal.catalogue.by_id(LINE_ITEM)
        ids = {one for record in records for one in self.portal.links.of(kind.type_id, record.id, LINE_ITEM)}
        live = self.portal.records.table(LINE_ITEM).live
        return [(item, live[one]) for one in sorted(ids, key=int) if one in live]

    def forget(self, kind: ObjectType, record: Record, actor: Actor) -> None:
        """Remove a contact for ever, with its history and links (a privacy deletion)."""
        with self.transaction():
            for to_type, ends in list(self.portal.links.all_of(kind.type_id, record.id).items()):
                for to_id in list(ends):
                    self.portal.links.remove(kind.type_id, record.id, to_type, to_id)
            self.portal.move_unique(kind, record, None)
            self.portal.records.purge(record)
        self.portal.webhooks.emit([Event("privacyDeletion", kind, record.id, actor, {})])

    def restore(self, kind: ObjectType, record: Record, actor: Actor) -> Record:
        """Bring a record back from the recycle bin as a person does, with its links. Raises 400.

        It can't come back after 90 days, nor where another record holds one of its unique values.
        """
        now = self.portal.clock.now_ms()
        if now - (record.archived_at or now) > RESTORE_MS:
            raise invalid(f"{kind.label} {record.id} was deleted more than 90 days ago")
        if self.portal.survivor(record.id):
            raise invalid(f"{kind.label} {record.id} was merged into another record")
        draft = Draft(actor, "v3")
        self._check_unique(kind, record.values, record.id, draft, creating=False)
        values = {**record.values, kind.modified: stamp(now)}
        live = replace(record, values=values, archived=False, archived_at=None, updated=now)
        with self.transaction():
            self.portal.move_unique(kind, None, live)
            self.portal.records.keep([live])
        self.portal.webhooks.emit([Event("restore", kind, live.id, actor, {"changeFlag": "RESTORED"})])
        return live

    def change_links(self, changes: list[LinkChange], actor: Actor) -> None:
        """Tell the webhooks of associations that changed."""
        self.portal.webhooks.emit(self.link_events(changes, actor))

    def link_events(self, changes: list[LinkChange], actor: Actor) -> list[Event]:
        """Return one event per side of each change."""
        catalogue = self.portal.catalogue
        return [
            Event(
                "associationChange",
                catalogue.by_id(change.kind.from_type),
                change.from_id,
                actor,
                {
                    "associationType": change.kind.name.removesuffix("_unlabeled").upper(),
                    "fromObjectId": int(change.from_id),
                    "toObjectId": int(change.to_id),
                    "associationRemoved": change.removed,
                    "isPrimaryAssociation": change.kind.label == "Primary",
                    "associationTypeId": change.kind.type_id,
                    "associationCategory": change.kind.category,
                },
            )
            for change in changes
        ]

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold the lock and one SQLite transaction."""
        connection = self.portal.services.connection
        with self.portal.services.lock:
            connection.execute("BEGIN")
            try:
                yield
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")


def _saved_by(actor: Actor) -> dict[str, str]:
    """Return the property that names the user who saved a record; an app's write names none."""
    prefix, _, user = actor.source_id.partition(":")
    return {"hs_updated_by_user_id": user} if prefix == "userId" else {}


def as_text(name: str, raw: Any) -> str:
    """Return a JSON scalar as HubSpot reads it into a property. Raises ValueProblemError for the rest."""
    if isinstance(raw, str):
        return raw
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, int | float):
        return str(raw)
    raise invalid(
        f'Invalid input JSON: the value of property "{name}" is not a string. Clear a property with "".'
    )


def _warning(name: str, raw: str, kept: str) -> dict[str, Any]:
    context = {"propertyName": [name], "rawValue": [raw], "normalizedValue": [kept]}
    text = f"The value {raw} of {name} was normalized to {kept}"
    return {"category": "PROPERTY_VALUE_NORMALIZED", "context": context, "message": text}


def _events(plan: Plan, actor: Actor) -> list[Event]:
    made = [] if plan.old else [Event("creation", plan.kind, plan.new.id, actor, {"changeFlag": "NEW"})]
    before = plan.old.values if plan.old else {}
    after = plan.new.values
    for name in after.keys() | before.keys():
        if after.get(name) != before.get(name):
            fields = {"propertyName": name, "propertyValue": after.get(name, ""), "isSensitive": False}
            made.append(Event("propertyChange", plan.kind, plan.new.id, actor, fields))
    return made
