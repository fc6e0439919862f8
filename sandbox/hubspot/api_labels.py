"""Labels and limits of associations over HTTP (HubSpot's "Associate records", its schema part)."""

from __future__ import annotations

from typing import Any

from flask import Response

from sandbox.hubspot.api_batch import complete, inputs_of
from sandbox.hubspot.api_links import pair
from sandbox.hubspot.association_types import AssociationType
from sandbox.hubspot.errors import VendorError, invalid, missing_fields
from sandbox.hubspot.links import Limit
from sandbox.hubspot.web import Call, Web, number_of
from sandbox.server.app import json_response, note


def register(web: Web) -> None:
    """Put the label handlers on the app."""
    limit = "associations"
    web.route("GET", "links", "/<a>/<b>/labels", read_labels, limit)
    web.route("POST", "links", "/<a>/<b>/labels", create_label, limit)
    web.route("PUT", "links", "/<a>/<b>/labels", update_label, limit)
    web.route("DELETE", "links", "/<a>/<b>/labels/<type_id>", delete_label, limit)
    web.route("GET", "links", "/definitions/configurations/all", all_limits, limit)
    settings = "/definitions/configurations/<a>/<b>"
    web.route("GET", "links", settings, read_limits, limit)
    web.route("POST", "links", f"{settings}/batch/create", set_limits, limit)
    web.route("POST", "links", f"{settings}/batch/update", set_limits, limit)
    web.route("POST", "links", f"{settings}/batch/purge", purge_limits, limit)


def read_labels(call: Call, a: str, b: str) -> Response:
    """Answer the association types from one object type to another."""
    first, second = pair(call, a, b, "read")
    kinds = call.portal.association_types.between(first.type_id, second.type_id)
    return json_response({"results": [kind.spec() for kind in kinds]})


def create_label(call: Call, a: str, b: str) -> Response:
    """Make a label between two object types; both directions' ids come back."""
    first, second = pair(call, a, b, "write")
    body = call.json()
    missing = [key for key in ("name", "label") if not isinstance(body.get(key), str)]
    if missing:
        raise missing_fields(*missing)
    inverse = str(body["inverseLabel"]) if body.get("inverseLabel") else None
    made = call.portal.association_types.add_label(first, second, body["name"], body["label"], inverse)
    note().written = [str(kind.type_id) for kind in made]
    return json_response({"results": [kind.spec() for kind in made]})


def _own(call: Call, ids: tuple[str, str], type_id: int) -> AssociationType:
    try:
        kind = call.portal.association_types.by_id(type_id, *ids)
    except KeyError:
        raise invalid(f"Unable to find association type {type_id}") from None
    if kind.category != "USER_DEFINED":
        raise invalid(f"Association type {type_id} is HubSpot defined and can't be changed")
    return kind


def update_label(call: Call, a: str, b: str) -> Response:
    """Change a label's text; 204. Without ``inverseLabel`` both sides get the same."""
    first, second = pair(call, a, b, "write")
    body = call.json()
    if not body.get("label") or not body.get("associationTypeId"):
        raise missing_fields("associationTypeId", "label")
    type_id = number_of(str(body["associationTypeId"]), "associationTypeId")
    kind = _own(call, (first.type_id, second.type_id), type_id)
    label = str(body["label"])
    call.portal.association_types.relabel(kind, label, str(body.get("inverseLabel") or label))
    return Response(status=204)


def delete_label(call: Call, a: str, b: str, type_id: str) -> Response:
    """Delete a label, both ways, and take it off every record; 204."""
    first, second = pair(call, a, b, "write")
    kind = _own(call, (first.type_id, second.type_id), number_of(type_id, "associationTypeId"))
    others = call.portal.association_types.between(first.type_id, second.type_id)
    if kind.label is None and any(one.label for one in others):
        raise invalid(
            "Definition with label still exists; "
            f"Cannot delete unlabeled type with associationTypeId {kind.type_id}"
        )
    with call.writer.transaction():
        changes = call.portal.links.remove_everywhere(kind)
    call.portal.association_types.drop(kind)
    call.writer.change_links(changes, call.portal.app_actor)
    return Response(status=204)


def set_limits(call: Call, a: str, b: str) -> Response:
    """Set how many associations of a type a record may have."""
    first, second = pair(call, a, b, "write")
    inputs = inputs_of(call.json())
    limits = [_limit(call, (first.type_id, second.type_id), raw) for raw in inputs]
    call.portal.links.set_limits(limits)
    return complete(call, inputs, [], 201)


def _limit(call: Call, ids: tuple[str, str], raw: dict[str, Any]) -> Limit:
    if raw.get("typeId") is None or raw.get("maxToObjectIds") is None:
        raise missing_fields("typeId", "maxToObjectIds")
    type_id = number_of(str(raw["typeId"]), "typeId")
    try:
        call.portal.association_types.by_id(type_id, *ids)
    except KeyError:
        raise invalid(f"Unable to find association type {type_id}") from None
    return Limit(*ids, type_id, number_of(str(raw["maxToObjectIds"]), "maxToObjectIds"))


def purge_limits(call: Call, a: str, b: str) -> Response:
    """Take limits away; 204 also where there are none."""
    first, second = pair(call, a, b, "write")
    for raw in inputs_of(call.json()):
        if raw.get("typeId") is not None:
            call.portal.links.drop_limit(
                first.type_id, second.type_id, number_of(str(raw["typeId"]), "typeId")
            )
    return Response(status=204)


def _shown(call: Call, limit: Limit) -> dict[str, Any]:
    try:
        kind = call.portal.association_types.by_id(limit.type_id, limit.from_type, limit.to_type)
    except KeyError as gone:
        raise VendorError(404, {"message": str(gone)}) from None
    shown = {"typeId": limit.type_id, "category": kind.category, "userEnforcedMaxToObjectIds": limit.most}
    return {**shown, "label": kind.label} if kind.label else shown


def read_limits(call: Call, a: str, b: str) -> Response:
    """Answer the limits set between two object types."""
    first, second = pair(call, a, b, "read")
    ends = (first.type_id, second.type_id)
    rows = [_shown(call, one) for one in call.portal.links.limits() if (one.from_type, one.to_type) == ends]
    return json_response({"results": rows})


def all_limits(call: Call) -> Response:
    """Answer every limit set in the account."""
    return json_response({"results": [_shown(call, one) for one in call.portal.links.limits()]})
