"""Which home each kind of record has in one portal or org: the first in its order with room; pure.

``mappings.catalogue`` lists the homes, the charter the priority, ``integration`` what is left. The
choice is made once, at the install, and kept (``sync.homes``); ``mappings.outbound`` follows it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from integration.port import CrmDescription
from mappings.bindings import HomesEntry
from mappings.catalogue import HOMES, OWN_OBJECTS, Home
from mappings.charter import Charter
from mappings.naming import HUBSPOT, key_field, vendor_name
from mappings.openings import Opening
from success.desired import RecordKind

HUBSPOT_UNIQUE_PROPERTIES = 10
"""Properties with unique values an object may have; none can be made unique later (page "Properties")."""

TASKS = "tasks"
"""HubSpot's object of native tasks."""


@dataclass(frozen=True, slots=True)
class PlanStages:
    """The pipeline of our plans in one portal: its id, and those of its stages by ``PlanStage``."""

    pipeline: str
    stages: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Homes:
    """Where each kind of record stands, and which of the customer's objects carry no unique key of ours.

    Records of ``keyless`` objects are known by the ledger alone: what was created is never asked
    for by key. ``plan_stages`` is where in a pipeline plans stand, where they have one, and
    ``openings`` where deals of ours open.
    """

    of: Mapping[RecordKind, Home]
    keyless: frozenset[str] = frozenset()
    plan_stages: PlanStages | None = None
    openings: Mapping[RecordKind, Opening] = field(default_factory=dict)

    def has_unique_key(self, object_name: str) -> bool:
        """Return whether records of the object can be written by key."""
        return object_name != TASKS and object_name not in self.keyless


OBJECTS = Homes(dict.fromkeys(OWN_OBJECTS, Home.OBJECT))
"""Every kind as a custom object."""


@dataclass(frozen=True, slots=True)
class Move:
    """A kind that could stand in a home earlier in its order if homes were chosen today."""

    kind: RecordKind
    stands: Home
    possible: Home


def choose_homes(
    charter: Charter, vendor: str, left: int | None, existing: Collection[str]
) -> Mapping[RecordKind, Home]:
    """Return the home of each kind: custom objects by the charter's priority while there are any left.

    ``left`` is how many definitions may still be made, ``None`` where the vendor states no limit.
    An object among ``existing`` (vendor names) costs none.
    """
    entry = charter.crm_for(vendor).writes.homes
    chosen: dict[RecordKind, Home] = {}
    for kind in (*entry.priority, *OWN_OBJECTS):
        if kind in chosen:
            continue
        stands = vendor_name(kind.value, vendor) in existing
        chosen[kind] = _first_home(kind, vendor, entry, room=stands or left is None or left > 0)
        if chosen[kind] is Home.OBJECT and not stands and left is not None:
            left -= 1
    return {kind: chosen[kind] for kind in OWN_OBJECTS}


def homes_for(charter: Charter, vendor: str, found: CrmDescription) -> Homes:
    """Return the homes for a portal or org as it is described now."""
    ours = {name for name, spec in found.objects.items() if spec.custom}
    chosen = choose_homes(charter, vendor, found.custom_objects_left, ours)
    return Homes(chosen, frozenset(_keyless(charter, vendor, found)))


def moves(vendor: str, standing: Homes, possible: Homes) -> tuple[Move, ...]:
    """Return the kinds for which a better home is possible now than the one they stand in."""
    found = [Move(kind, standing.of[kind], possible.of[kind]) for kind in OWN_OBJECTS]
    return tuple(
        move for move in found if _rank(move.possible, move, vendor) < _rank(move.stands, move, vendor)
    )


def _rank(home: Home, move: Move, vendor: str) -> int:
    return HOMES[vendor][move.kind].index(home)


def _first_home(kind: RecordKind, vendor: str, entry: HomesEntry, *, room: bool) -> Home:
    homes = HOMES[vendor][kind]
    open_to_it = room and kind in entry.priority
    return next(
        (home for home in homes if (open_to_it if home is Home.OBJECT else home not in entry.without)),
        homes[-1],
    )


def _keyless(charter: Charter, vendor: str, found: CrmDescription) -> Iterator[str]:
    """Yield the deal object where our key is not, and cannot be made, unique."""
    name, key = charter.crm_for(vendor).reads.deal.object, key_field(vendor)
    spec = found.objects.get(name)
    if vendor != HUBSPOT or spec is None:
        return
    held = {field.name: field for field in spec.fields}
    unique = [field for field in spec.fields if field.unique and not field.name.startswith("hs_")]
    if not held[key].unique if key in held else len(unique) >= HUBSPOT_UNIQUE_PROPERTIES:
        yield name
