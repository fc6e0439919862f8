"""Where our records stand in one portal or org: chosen at the install, kept in its settings.

The choice is pinned once an install has done all of its plan. A later plan keeps it, whatever
room there is by then, and says what could stand elsewhere: moving records is never a side
effect. Neighbours: ``mappings.homes`` chooses, ``install`` plans by it, ``onboard`` pins it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace

from integration.port import CrmDescription
from mappings.catalogue import OWN_OBJECTS, Home
from mappings.charter import Charter
from mappings.homes import OBJECTS, Homes, PlanStages, homes_for, moves
from mappings.naming import key_field, plural_label, vendor_name
from success.desired import RecordKind
from sync.runtime import Runtime
from sync.state import installations
from sync.state.engine import writing
from sync.state.schema import JsonValue

SETTING = "homes"
LATER = frozenset({RecordKind.SNAPSHOT})
"""Kinds that no program wrote before homes were settled at installs."""

NOWHERE = dict.fromkeys(OWN_OBJECTS, Home.MIRROR)


def pinned_homes(settings: Mapping[str, JsonValue]) -> Homes | None:
    """Return the homes an install has settled, ``None`` before the first.

    An installation that went live before homes were settled stands in objects. A kind that came with a
    later program has no home in it until the next install.
    """
    held = settings.get(SETTING)
    if not isinstance(held, dict):
        before = {kind: home for kind, home in OBJECTS.of.items() if kind not in LATER}
        return replace(OBJECTS, of=before) if settings.get("live") else None
    of = {kind: Home(held["of"][kind.value]) for kind in OWN_OBJECTS if kind.value in held["of"]}
    plan = held.get("plan_stages")
    stages = PlanStages(plan["pipeline"], plan["stages"]) if isinstance(plan, dict) else None
    return Homes(of, frozenset(held["keyless"]), stages)


def standing_homes(settings: Mapping[str, JsonValue]) -> Homes:
    """Return the homes in force; an object for every kind where no install has settled them.

    A kind without a home yet stands with us only.
    """
    pinned = pinned_homes(settings)
    return OBJECTS if pinned is None else replace(pinned, of={**NOWHERE, **pinned.of})


def pin_homes(runtime: Runtime, installation_id: str, homes: Homes) -> None:
    """Keep the homes from now on."""
    kept: JsonValue = {
        "of": {kind.value: home.value for kind, home in homes.of.items()},
        "keyless": sorted(homes.keyless),
        "plan_stages": None if homes.plan_stages is None else asdict(homes.plan_stages),
    }
    with writing(runtime.engine) as conn:
        installations.change_settings(conn, installation_id, {SETTING: kept})


def settle(charter: Charter, vendor: str, found: CrmDescription, pinned: Homes | None) -> Homes:
    """Return the pinned homes, else the ones there is room for now; these too for a kind not pinned yet."""
    possible = homes_for(charter, vendor, found)
    return possible if pinned is None else replace(pinned, of={**possible.of, **pinned.of})


def told(charter: Charter, vendor: str, found: CrmDescription, homes: Homes) -> Iterator[str]:
    """Yield, for the admin, what stands elsewhere than in an object of ours, and what could move."""
    account = charter.crm_for(vendor).reads.account.object
    asked = charter.crm_for(vendor).writes.homes.priority
    for kind, home in homes.of.items():
        if home is not Home.OBJECT:
            why = "no custom object is left for it" if kind in asked else "the charter gives it no object"
            yield f"{plural_label(kind.value)} {_where(kind, home, vendor, account)}: {why}"
    for name in sorted(homes.keyless):
        yield (
            f"{name}.{key_field(vendor)} is not unique there and cannot be made so: "
            f"which of the {name} are ours is kept here instead"
        )
    for move in moves(vendor, homes, homes_for(charter, vendor, found)):
        yield (
            f"{plural_label(move.kind.value)} could now {_where(move.kind, move.possible, vendor, account)}; "
            "nothing moves by itself: uninstall and install again to have homes chosen anew"
        )


def _where(kind: RecordKind, home: Home, vendor: str, account: str) -> str:
    places = {
        Home.OBJECT: f"stand in {vendor_name(kind.value, vendor)}",
        Home.ACCOUNT: f"stand in properties of {account}",
        Home.TASK: f"stand as tasks of {account}",
        Home.MIRROR: "are not written; they are known here only",
    }
    return places[home]
