"""The one resource of the User Interface API that is asked: the picklist values of a record type.

Source: User Interface API guide, "Get Values for All Picklist Fields of a Record Type"; the attributes of
an opportunity's stages as quoted in public threads, the vendor's own spelling included.
"""

from __future__ import annotations

from typing import Any

from sandbox.salesforce.errors import SfError, resource_missing
from sandbox.salesforce.ids import to18
from sandbox.salesforce.org import Org
from sandbox.salesforce.record_types import MASTER_RECORD_TYPE
from sandbox.salesforce.schema import Field, Pick, SObject
from sandbox.salesforce.web import Answer, Call, Router, acting

Json = dict[str, Any]
_STAGE = "StageName"


def register(router: Router) -> None:
    """Add the route."""
    router.add("GET", "ui-api/object-info/*/picklist-values/*", picklist_values)


def picklist_values(org: Org, call: Call, name: str, record_type: str) -> Answer:
    """Return the values of every picklist the user sees, as one record type has them."""
    access = acting(org, call).access
    obj = access.object(name)
    if obj is None:
        raise resource_missing()
    call.note.object = obj.name
    wanted = to18(record_type)
    chosen = next((one for one in obj.record_types if one.id == wanted), None)
    if chosen is None and wanted != MASTER_RECORD_TYPE:
        raise SfError("INVALID_PARAMETER_VALUE", f"Invalid record type id: {record_type}")
    subsets = dict(chosen.picks) if chosen else {}
    base = f"/services/data/v{call.version}.0/ui-api/object-info/{obj.name}/picklist-values/{record_type}"
    found: dict[str, Json] = {
        f.name: {
            "controllerValues": {}, "defaultValue": None, "eTag": str(org.schema.version),
            "url": f"{base}/{f.name}",
            "values": [_value(org, obj, f, p) for p in f.picks if p.active and _has(subsets, f.name, p)],
        }
        for f in access.fields(obj).values()
        if f.type in ("picklist", "multipicklist")
    }  # fmt: skip
    return Answer(body={"eTag": str(org.schema.version), "picklistFieldValues": found})


def _has(subsets: dict[str, tuple[str, ...]], name: str, pick: Pick) -> bool:
    return name not in subsets or pick.value in subsets[name]


def _value(org: Org, obj: SObject, f: Field, pick: Pick) -> Json:
    stage = org.stage(pick.value) if (obj.name, f.name) == ("Opportunity", _STAGE) else None
    attributes = stage and {
        "closed": stage["IsClosed"], "defaultProbability": stage["DefaultProbability"],
        "forecastCategoryName": stage["ForecastCategoryName"],
        "picklistAtrributesValueType": "OpportunityStage", "won": stage["IsWon"],
    }  # fmt: skip
    return {"attributes": attributes, "label": pick.label, "validFor": [], "value": pick.value}
