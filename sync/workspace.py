"""One installation at work: its charter, its rules, how its records read, and its CRM.

Opened for each job; the connection to the CRM and what it has described stay warm in the
process as long as the charter does not change. Neighbours: ``pull``, ``look`` and
``push`` take a ``Workspace``; ``sync/connect.py`` makes the connection.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from integration.deal_pipelines import Pipeline, Stage
from integration.install_specs import InstallingPort
from integration.port import CrmDescription, CrmPort, FieldSpec, FieldType, ReadQuery
from mappings.charter import Charter, from_canonical_bytes, rules_of
from mappings.homes import Homes
from mappings.inbound import Inbound, inbound_of, own_queries
from mappings.openings import openings
from mappings.outbound import object_specs
from success.fold import FoldState
from success.rules import Rules
from sync.connect import Connections
from sync.homes import standing_homes
from sync.runtime import Runtime
from sync.scorings import with_models
from sync.state import charters, installations
from sync.state.engine import reading, writing
from sync.state.errors import StateError
from sync.state.installations import Installation, Status

INSTANT_STEP = timedelta(microseconds=1)


@dataclass(frozen=True)
class Workspace:
    """Everything a job needs for one installation. Read-only; open a new one per job."""

    runtime: Runtime
    installation: Installation
    charter: Charter
    rules: Rules
    pipelines: tuple[Pipeline, ...]

    @property
    def id(self) -> str:
        """Return the installation's id."""
        return self.installation.id

    @property
    def vendor(self) -> str:
        """Return the CRM's vendor."""
        return self.installation.vendor

    @property
    def live(self) -> bool:
        """Return whether looks are made yet: the grid of days has its first point."""
        return self.installation.live

    @cached_property
    def zone(self) -> ZoneInfo:
        """Return the time zone in which the installation's days begin."""
        return ZoneInfo(self.charter.time_zone)

    @cached_property
    def inbound(self) -> Inbound:
        """Return how this CRM's records are read."""
        deals = self.charter.crm_for(self.vendor).reads.deal.object
        seen = _seen_types(self.installation.settings).get(deals, {})
        return inbound_of(self.charter, self.vendor, self.pipelines, seen)

    @cached_property
    def homes(self) -> Homes:
        """Return where each kind of our records stands here, as the install settled it.

        Where deals open follows the charter in force.
        """
        places = openings(self.charter, self.vendor, self.pipelines)
        return replace(standing_homes(self.installation.settings), openings=places)

    @cached_property
    def own_reads(self) -> dict[str, ReadQuery]:
        """Return how the objects of ours are read, by object; none before an install has made them."""
        return {one.object: one for one in own_queries(self.charter, self.vendor, self.homes)}

    @property
    def port(self) -> CrmPort:
        """Return the connected CRM, opened at first use and kept by the process."""
        port, fresh = CONNECTIONS.port(self.runtime, self.installation)
        if fresh:
            for name, fields in _known_fields(self).items():
                port.learn_fields(name, fields)
            if isinstance(port, InstallingPort):
                port.learn_labels(_labels(self.installation.settings))
        return port

    def now(self, conn: Connection | None = None) -> datetime:
        """Return the present instant (UTC) of the deployment's clock, asked by ``conn`` where it is open."""
        return self.runtime.clock.now(conn)

    def day_of(self, instant: datetime) -> date:
        """Return the day of ``instant`` in the installation's time zone."""
        return instant.astimezone(self.zone).date()

    def grid_point(self, day: date) -> datetime:
        """Return the last instant known on the grid at ``day``: just before its 00:00.

        The first point is the epoch itself, whatever the hour.
        """
        if day <= self.day_of(self.installation.epoch):
            return self.installation.epoch
        return datetime.combine(day, time(), self.zone) - INSTANT_STEP


CONNECTIONS = Connections()
_CHARTERS: dict[str, tuple[Charter, Rules]] = {}


def open_workspace(runtime: Runtime, installation_id: str) -> Workspace:
    """Return the installation's workspace under the charter now in force.

    Raises StateError when there is no such installation, or no charter was applied.
    """
    with reading(runtime.engine) as conn:
        installation = installations.get(conn, installation_id)
        stored = charters.current(conn, installation_id, runtime.clock.now())
        if stored is None:
            raise StateError(
                f"{installation_id} has no charter in force; apply one with `colonnade charter apply`"
            )
        charter, rules = _parsed(stored.life.content_hash, stored.body)
        rules = with_models(conn, installation_id, runtime.clock.now(), charter, rules)
    return Workspace(runtime, installation, charter, rules, _pipelines(installation.settings))


def under_charter_of(conn: Connection, ws: Workspace, instant: datetime) -> Workspace:
    """Return the workspace under the charter that was in force at an instant (UTC).

    Raises StateError when there was none yet.
    """
    stored = charters.current(conn, ws.id, instant)
    if stored is None:
        raise StateError(f"{ws.id} had no charter in force at {instant.isoformat()}")
    charter, rules = _parsed(stored.life.content_hash, stored.body)
    return replace(ws, charter=charter, rules=rules)


def rules_before(ws: Workspace, states: Iterable[FoldState]) -> dict[str, Rules]:
    """Return the rules of the charters from which changes of these accounts are told, by hash.

    A charter's hash may be another by a later release than it was kept under; both find it.
    """
    asked = {one for state in states for one in state.anchors.charters}
    found = {ws.rules.charter_hash: ws.rules}
    if asked <= found.keys():
        return found
    with reading(ws.runtime.engine) as conn:
        for kept_under in sorted({one.content_hash for one in charters.history(conn, ws.id)}):
            body = charters.body_of(conn, ws.id, kept_under)
            if body is not None:
                rules = _parsed(kept_under, body)[1]
                found |= {kept_under: rules, rules.charter_hash: rules}
    return {one: found[one] for one in sorted(asked & found.keys())}


def active(runtime: Runtime) -> list[Installation]:
    """Return the installations that may be worked for."""
    with reading(runtime.engine) as conn:
        return installations.every(conn, Status.ACTIVE)


def keep_description(
    runtime: Runtime,
    installation_id: str,
    found: CrmDescription,
    labels: Mapping[tuple[str, str], str],
) -> None:
    """Remember what the CRM said of itself at the install.

    Pipelines, by which deals are read as open, won or lost; the types of the customer's own
    fields and the ids of our labels by (object, target), so that no process has to ask again.
    """
    tied = [[*ends, type_id] for ends, type_id in sorted(labels.items())]
    kept = [json.loads(json.dumps(asdict(one))) for one in found.deal_pipelines]
    types = {
        name: {field.name: field.type.value for field in spec.fields} for name, spec in found.objects.items()
    }
    with writing(runtime.engine) as conn:
        installations.change_settings(
            conn, installation_id, {"pipelines": kept, "field_types": types, "labels": tied}
        )


def forget_field(ws: Workspace, object_name: str, field: str) -> Workspace:
    """Return the workspace without a field the CRM shows us no more, such as one of a package removed."""
    kept = {name: dict(types) for name, types in _seen_types(ws.installation.settings).items()}
    kept.get(object_name, {}).pop(field, None)
    with writing(ws.runtime.engine) as conn:
        installations.change_settings(conn, ws.id, {"field_types": json.loads(json.dumps(kept))})
    CONNECTIONS.forget(ws.id)
    return open_workspace(ws.runtime, ws.id)


def _known_fields(ws: Workspace) -> dict[str, list[FieldSpec]]:
    """Return the fields whose types we know: those seen at the install, and our own."""
    known = {
        name: [FieldSpec(field, field, FieldType(kind)) for field, kind in types.items()]
        for name, types in _seen_types(ws.installation.settings).items()
    }
    for spec in object_specs(ws.charter, ws.vendor, ws.homes):
        known[spec.name] = [*known.get(spec.name, []), *spec.fields]
    return known


def _seen_types(settings: Mapping[str, object]) -> dict[str, dict[str, str]]:
    """Return the types of the fields seen at the install, by object."""
    seen = settings.get("field_types")
    return seen if isinstance(seen, dict) else {}


def _labels(settings: Mapping[str, object]) -> dict[tuple[str, str], str]:
    """Return the ids of our labels as the install kept them."""
    kept = settings.get("labels")
    return {(one[0], one[1]): one[2] for one in kept} if isinstance(kept, list) else {}


def _parsed(content_hash: str, body: str) -> tuple[Charter, Rules]:
    if content_hash not in _CHARTERS:
        charter = from_canonical_bytes(body.encode())
        _CHARTERS[content_hash] = (charter, rules_of(charter))
    return _CHARTERS[content_hash]


def _pipelines(settings: Mapping[str, object]) -> tuple[Pipeline, ...]:
    kept = settings.get("pipelines")
    if not isinstance(kept, list):
        return ()
    return tuple(
        Pipeline(
            one["id"],
            one["label"],
            tuple(Stage(**stage) for stage in one["stages"]),
            one.get("record_type"),
        )
        for one in kept
    )
