"""How much of the account's limits is used (HubSpot's "Limits tracking").

Shapes: HubSpot's SDK. The numbers of the tiers are round ones; the one that decides what an
installer may do, custom object definitions, is an option of the sandbox.
"""

from __future__ import annotations

from typing import Any, Final

from flask import Response

from sandbox.hubspot.api_pipelines import MOST_PIPELINES
from sandbox.hubspot.association_types import MAX_LABELS, AssociationType
from sandbox.hubspot.catalogue import ObjectType
from sandbox.hubspot.errors import error
from sandbox.hubspot.properties import MAX_PROPERTIES
from sandbox.hubspot.quota import PAID
from sandbox.hubspot.schemas import live_schemas
from sandbox.hubspot.web import Call, Web
from sandbox.server.app import json_response, note

_RECORDS: Final = {
    "free": 1_000_000,
    "starter": 1_000_000,
    "professional": 5_000_000,
    "enterprise": 15_000_000,
}
_CUSTOM_RECORDS: Final = 1_000_000
_ALL_PROPERTIES: Final = 10_000
_CALCULATED: Final = {"professional": 25, "enterprise": 200}
_ANY_OBJECT: Final = "crm.objects."


def register(web: Web) -> None:
    """Put the limit handlers on the app."""
    web.route("GET", "limits", "/custom-object-types", custom_object_limit)
    web.route("GET", "limits", "/records", record_limits)
    web.route("GET", "limits", "/custom-properties", property_limits)
    web.route("GET", "limits", "/calculated-properties", calculated_limits)
    web.route("GET", "limits", "/pipelines", pipeline_limits)
    web.route("GET", "limits", "/associations/labels", label_limits)


def _need_any(call: Call) -> None:
    """Raise 403 unless some scope to read or write records is granted, as a live portal did."""
    note().object = "limits"
    if not any(scope.startswith(_ANY_OBJECT) for scope in call.caller.scopes):
        call.caller.need(
            ("crm.objects.companies.read", "crm.objects.contacts.read", "crm.objects.deals.read")
        )


def _share(usage: int, limit: int) -> float:
    return round(100 * usage / limit, 4) if limit else 0


def _row(kind: ObjectType, limit: int, usage: int) -> dict[str, Any]:
    return {**_ends(kind), "limit": limit, "usage": usage, "percentage": _share(usage, limit)}


def _ends(kind: ObjectType) -> dict[str, str]:
    return {"objectTypeId": kind.type_id, "singularLabel": kind.singular, "pluralLabel": kind.plural}


def _overall(rows: list[dict[str, Any]], limit: int) -> dict[str, Any]:
    usage = sum(row["usage"] for row in rows)
    share = _share(usage, limit)
    return {"byObjectType": rows, "overallLimit": limit, "overallUsage": usage, "overallPercentage": share}


def custom_object_limit(call: Call) -> Response:
    """Answer how many custom object definitions the account may have and has."""
    note().object = "limits"
    call.caller.need(
        tuple(f"crm.{part}.custom.{verb}" for part in ("schemas", "objects") for verb in ("read", "write"))
    )
    limit = call.portal.options.custom_objects if call.portal.options.tier == "enterprise" else 0
    usage = len(live_schemas(call.portal))
    percentage = round(100 * usage / limit, 2) if limit else 0
    return json_response({"limit": limit, "usage": usage, "percentage": percentage})


def record_limits(call: Call) -> Response:
    """Answer how many records of each type the account may have and has."""
    _need_any(call)
    limit = _RECORDS[call.portal.options.tier]
    usage = {kind: len(call.portal.records.table(kind.type_id).live) for kind in call.portal.catalogue.all()}
    own = [_row(kind, limit, count) for kind, count in usage.items() if not kind.custom]
    custom = [{**_ends(kind), "usage": count} for kind, count in usage.items() if kind.custom]
    return json_response(
        {"hubspotDefinedObjectTypes": own, "customObjectTypes": _overall(custom, _CUSTOM_RECORDS)}
    )


def property_limits(call: Call) -> Response:
    """Answer how many custom properties each object type may have and has."""
    _need_any(call)
    rows = []
    for kind in call.portal.catalogue.all():
        own = [p for p in call.portal.properties.live(kind.type_id).values() if not p["hubspotDefined"]]
        rows.append(_row(kind, MAX_PROPERTIES, len(own)))
    return json_response(_overall(rows, _ALL_PROPERTIES))


def calculated_limits(call: Call) -> Response:
    """Answer how many calculated properties there may be and are; Professional and Enterprise only."""
    _need_any(call)
    tier = call.portal.options.tier
    if tier not in PAID:
        raise error(403, "BANNED", "Calculated properties need a Professional or Enterprise subscription.")
    rows = []
    for kind in call.portal.catalogue.all():
        own = [p for p in call.portal.properties.live(kind.type_id).values() if p["calculated"]]
        rows.append({**_ends(kind), "usage": len(own)})
    return json_response(_overall(rows, _CALCULATED[tier]))


def pipeline_limits(call: Call) -> Response:
    """Answer how many pipelines each object type may have and has."""
    _need_any(call)
    limit = MOST_PIPELINES[call.portal.options.tier]
    kinds = [kind for kind in call.portal.catalogue.all() if kind.pipeline]
    usage = {kind: len(call.portal.pipelines.of(kind)) for kind in kinds}
    own = [_row(kind, limit, count) for kind, count in usage.items() if not kind.custom]
    custom = [{**_ends(kind), "usage": count} for kind, count in usage.items() if kind.custom]
    return json_response({"hubspotDefinedObjectTypes": own, "customObjectTypes": _overall(custom, limit)})


def label_limits(call: Call) -> Response:
    """Answer the labels of each pair that has any, one row per direction."""
    _need_any(call)
    rows = []
    kinds = call.portal.catalogue.all()
    for one in kinds:
        for other in kinds:
            own = [k for k in call.portal.association_types.between(one.type_id, other.type_id) if _custom(k)]
            if own:
                rows.append(
                    {
                        "limit": MAX_LABELS,
                        "usage": len(own),
                        "percentage": _share(len(own), MAX_LABELS),
                        "fromObjectType": _ends(one),
                        "toObjectType": _ends(other),
                        "allLabels": [kind.label for kind in own],
                    }
                )
    return json_response({"results": rows})


def _custom(kind: AssociationType) -> bool:
    return kind.category == "USER_DEFINED" and bool(kind.label)
