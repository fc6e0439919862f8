"""Uninstall by plan and apply: what an install of ours made goes, and nothing else.

Only parts that were kept as ours go (``state.installed_parts``), so a list, field or object
that stood before us stays whatever its name, and so do deals and tasks: people work with them
by now. Whatever cannot go is told in the CRM's words; running again goes on from there.
Neighbours: ``install`` makes the parts, ``reclaim`` knows our deals again at a later install,
``disconnect`` ends the connection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from integration.parts import OwnedPart, Part, PartKind, Removal, RemovingPort
from mappings.catalogue import OWN_OBJECTS
from mappings.naming import key_field, vendor_name
from mappings.outbound import own_object
from success.desired import RecordKind
from sync.connect import NAMESPACE, UNINSTALLS
from sync.homes import SETTING
from sync.state import cursors, due, fold, installations, installed_parts, ledger_undo
from sync.state.engine import reading, writing
from sync.state.errors import StateError
from sync.state.installations import Status
from sync.withdraw import withdraw_now
from sync.workspace import CONNECTIONS, Workspace

BATCH_ROWS = 100
SHOWING = frozenset({PartKind.LIST, PartKind.REPORT})
"""What only shows records: it goes where the data stays, for it would show what nobody keeps true."""
Progress = Callable[[str, int], None]


def quiet(_object: str, _rows: int) -> None:
    """Show no progress."""


@dataclass(frozen=True, slots=True)
class OwnRecords:
    """The records of an object of ours: how many we wrote, and how many others made in it."""

    object: str
    ours: int
    others: int


@dataclass(frozen=True, slots=True)
class UninstallPlan:
    """What would go, and what stays.

    ``parts`` are in the order in which they were made. ``records`` go before their objects;
    ``stays`` counts native records we opened, by object. ``notes`` are for the admin.
    """

    parts: tuple[OwnedPart, ...]
    kept: tuple[OwnedPart, ...]
    records: tuple[OwnRecords, ...]
    stays: dict[str, int]
    keep_data: bool
    notes: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Return whether nothing of ours is left to go."""
        return not self.parts


@dataclass(frozen=True, slots=True)
class Uninstalled:
    """What an apply did: the parts that went and those that did not, and how many records went."""

    removals: tuple[Removal, ...]
    records: int

    @property
    def refused(self) -> tuple[Removal, ...]:
        """Return the parts that still stand, with the portal's words."""
        return tuple(one for one in self.removals if not one.gone)


def plan_uninstall(ws: Workspace, *, keep_data: bool = False) -> UninstallPlan:
    """Return what would go; reads only. With ``keep_data`` all stays but lists, reports and dashboards.

    Raises StateError where the CRM takes nothing back.
    """
    port = _removing(ws)
    with reading(ws.runtime.engine) as conn:
        owned = _in_making_order(ws, installed_parts.owned(conn, ws.id))
        standing = ledger_undo.count_standing(conn, ws.id)
    goes = [one for one in owned if not keep_data or one.part.kind in SHOWING]
    objects = [one.part.name for one in goes if one.part.kind is PartKind.OBJECT]
    records = tuple(_own_records(ws, name, standing.get(name, 0)) for name in objects)
    native = _native_objects(ws)
    made = {one.part.name for one in owned if one.part.kind is PartKind.OBJECT}
    left = {name: standing[name] for name in _own_names(ws) if name in standing and name not in made}
    return UninstallPlan(
        parts=tuple(goes),
        kept=tuple(one for one in owned if one not in goes),
        records=records,
        stays={name: standing[name] for name in sorted(standing) if name in native},
        keep_data=keep_data,
        notes=(*_notes(records, port.objects_take_records), *_left_behind({} if keep_data else left)),
    )


def apply_uninstall(ws: Workspace, plan: UninstallPlan, progress: Progress = quiet) -> Uninstalled:
    """Take back what the plan says; no job works for the installation from here on.

    A crash, or a part the portal keeps, leaves the rest to another apply. Once all of it is
    gone, what we knew of our own writes is forgotten too, except which deals and tasks are ours.
    Raises StateError while a worker's write is under way: it would land after we have looked.
    """
    port = _removing(ws)
    with writing(ws.runtime.engine) as conn:
        installations.set_status(conn, ws.id, Status.UNINSTALLED)
        writing_now = ledger_undo.held(conn, ws.id, ws.now())
    if writing_now:
        raise StateError(
            f"a worker is writing {writing_now} records of {ws.id} just now, which would stand there for "
            "nobody; no other begins from here on: run again in three minutes. Nothing was taken back yet"
        )
    gone = 0
    if not port.objects_take_records:
        gone = sum(_remove_records(ws, one, progress) for one in plan.records)
    held = list(_with_records_of_others(port, plan))
    stays = {one.part for one in held}
    removals = [*port.remove_parts([one for one in plan.parts if one.part not in stays]), *held]
    if port.objects_take_records:
        went = {one.part.name for one in removals if one.gone and one.part.kind is PartKind.OBJECT}
        for one in plan.records:
            gone += one.ours if one.object in went else 0
            progress(one.object, one.ours if one.object in went else 0)
    with writing(ws.runtime.engine) as conn:
        installed_parts.forget(conn, ws.id, [one.part for one in removals if one.gone])
    done = Uninstalled(tuple(removals), gone)
    if not done.refused and not plan.keep_data:
        _forget_writes(ws)
    CONNECTIONS.forget(ws.id)
    return done


def _removing(ws: Workspace) -> RemovingPort:
    port = ws.port
    if not isinstance(port, RemovingPort):
        raise StateError(
            f"{ws.id} cannot be uninstalled from here: delete our objects and fields in the org's Setup"
        )
    return port


def _in_making_order(ws: Workspace, owned: Sequence[OwnedPart]) -> list[OwnedPart]:
    """Return the parts as an install makes them: parents before children, lists last."""
    kinds, objects = list(PartKind), _own_names(ws)

    def place(one: OwnedPart) -> tuple[int, int]:
        part = one.part
        at = objects.index(part.object) if part.object in objects else len(objects)
        return kinds.index(part.kind), at

    return sorted(owned, key=place)


def _own_records(ws: Workspace, name: str, ours: int) -> OwnRecords:
    """Count them; those whose answer was lost are ours where the CRM knows their keys."""
    port = _removing(ws)
    every = port.count_records(name)
    lost = len(_lost(ws, name)) if every and port.objects_take_records else 0
    return OwnRecords(name, ours + lost, max(0, every - ours - lost))


def _notes(records: Sequence[OwnRecords], take_records: bool) -> Iterator[str]:
    keeps = "we do not delete it with them" if take_records else "the object cannot be deleted"
    for one in records:
        if one.others:
            yield (
                f"{one.object} holds {one.others} records that we did not write: they are not touched, and "
                f"{keeps} while they are there; delete them in the CRM, then run again"
            )


def _left_behind(left: Mapping[str, int]) -> Iterator[str]:
    """Yield the objects that others made, by hand or as a package, and in which our records stay."""
    for name, count in left.items():
        yield (
            f"{name} stood there before us and stays, with {count} records that we wrote: delete them in the "
            "CRM, or take away there what brought the object"
        )


def _with_records_of_others(port: RemovingPort, plan: UninstallPlan) -> Iterator[Removal]:
    """Yield the objects that would take along records we did not write, and what is in them: they stay."""
    if not port.objects_take_records:
        return
    for one in plan.records:
        if one.others:
            words = f"{one.object} holds {one.others} records that we did not write"
            inside = [each.part for each in plan.parts if _belongs(each.part, one.object)]
            yield from (Removal(part, gone=False, message=words) for part in inside)


def _belongs(part: Part, object_name: str) -> bool:
    """Return whether a part is an object, or of it by its name: a field, a view, its layout, its tab."""
    named = part.name == object_name or part.name.startswith((f"{object_name}.", f"{object_name}-"))
    return part.object == object_name or named


def _own_names(ws: Workspace) -> list[str]:
    return [vendor_name(kind.value, ws.vendor) for kind in OWN_OBJECTS]


def _native_objects(ws: Workspace) -> frozenset[str]:
    """Return the CRM's own objects in which records of ours stand by themselves."""
    account = ws.inbound.crm.reads.account.object
    places = {own_object(kind, ws.charter, ws.vendor, ws.homes) for kind in RecordKind}
    return frozenset(name for name in places - set(_own_names(ws)) if name is not None and name != account)


def _lost(ws: Workspace, object_name: str) -> list[str]:
    """Return the ids of records whose answer was lost, and which stand."""
    with reading(ws.runtime.engine) as conn:
        rows = ledger_undo.standing(conn, ws.id, object_name)
    lost = [row.key for row in rows if row.record_id is None]
    found = ws.port.find(object_name, key_field(ws.vendor), lost, []) if lost else {}
    return [record.id for record in found.values()]


def _remove_records(ws: Workspace, records: OwnRecords, progress: Progress) -> int:
    """Archive the records of ours in an object that does not take them along, also those we lost sight of."""
    object_name = records.object
    with reading(ws.runtime.engine) as conn:
        rows = ledger_undo.standing(conn, ws.id, object_name)
    ids = [row.record_id for row in rows if row.record_id is not None]
    ids += _lost(ws, object_name)
    for start in range(0, len(ids), BATCH_ROWS):
        batch = ids[start : start + BATCH_ROWS]
        withdraw_now(ws, object_name, batch)
        progress(object_name, len(batch))
    with writing(ws.runtime.engine) as conn:  # before the object goes: asked again, HubSpot would not know it
        ledger_undo.forget(conn, ws.id, object_name)
    return len(ids)


def _forget_writes(ws: Workspace) -> None:
    """Begin anew at a later install: homes, days, cursors and writes, but for which deals are ours."""
    native = _native_objects(ws)
    deal = ws.inbound.crm.reads.deal.object
    times = ws.installation.settings.get(UNINSTALLS)
    with writing(ws.runtime.engine) as conn:
        ledger_undo.forget_all_but(conn, ws.id, native)
        ledger_undo.empty(conn, ws.id, ws.now(), deal)
        for place in cursors.every(conn, ws.id):
            cursors.forget(conn, ws.id, place.object)
        for task in due.schedule(conn, ws.id):
            due.cancel(conn, ws.id, task)
        fold.drop(conn, ws.id)
        count = times + 1 if isinstance(times, int) else 1
        begun_anew = {SETTING: None, NAMESPACE: None, "live": None, UNINSTALLS: count}
        installations.change_settings(conn, ws.id, begun_anew)
