"""Custom object definitions over HTTP."""

from __future__ import annotations

from flask import Response

from sandbox.hubspot.errors import invalid, missing_fields, not_found
from sandbox.hubspot.schemas import (
    create_schema,
    delete_schema,
    find_schema,
    live_schemas,
    purge_schema,
    shown_schema,
    standard_schema,
    update_schema,
)
from sandbox.hubspot.web import Call, Web, flag
from sandbox.server.app import json_response, note

READ, WRITE = ("crm.schemas.custom.read",), ("crm.schemas.custom.write",)


def register(web: Web) -> None:
    """Put the schema handlers on the app."""
    web.route("GET", "schemas", "", list_schemas)
    web.route("POST", "schemas", "", create)
    web.route("GET", "schemas", "/<name>", read)
    web.route("PATCH", "schemas", "/<name>", update)
    web.route("DELETE", "schemas", "/<name>", delete)
    web.route("POST", "schemas", "/<name>/associations", associate)
    web.route("DELETE", "schemas", "/<name>/associations/<association_id>", dissociate)


def list_schemas(call: Call) -> Response:
    """Answer every custom object definition."""
    call.caller.need(READ)
    note().object = "schemas"
    found = live_schemas(call.portal, flag("archived"))
    return json_response({"results": [shown_schema(call.portal, body) for body in found]})


def create(call: Call) -> Response:
    """Define a custom object; 201."""
    call.caller.need(WRITE)
    note().object = "schemas"
    body = create_schema(call.portal, call.json(), "7", dated=call.version != "v3")
    note().written = [body["objectTypeId"]]
    return json_response(shown_schema(call.portal, body), 201)


def read(call: Call, name: str) -> Response:
    """Answer one definition; HubSpot's own types answer too, with their associations."""
    kind = call.portal.catalogue.find(name)
    if kind is not None and not kind.custom:
        call.caller.need(kind.schema_scopes("read"))
        return json_response(standard_schema(call.portal, kind))
    call.caller.need(READ)
    note().object = "schemas"
    return json_response(shown_schema(call.portal, find_schema(call.portal, name)))


def update(call: Call, name: str) -> Response:
    """Change a definition."""
    call.caller.need(WRITE)
    note().object = "schemas"
    body = update_schema(call.portal, find_schema(call.portal, name), call.json())
    return json_response(shown_schema(call.portal, body))


def delete(call: Call, name: str) -> Response:
    """Delete a definition, or with ``archived=true`` purge a deleted one; 204."""
    call.caller.need(WRITE)
    note().object = "schemas"
    if flag("archived"):
        purge_schema(call.portal, name)
    else:
        delete_schema(call.portal, find_schema(call.portal, name))
    return Response(status=204)


def associate(call: Call, name: str) -> Response:
    """Allow associations between a custom object and another type; 201."""
    call.caller.need(WRITE)
    note().object = "schemas"
    body = call.json()
    missing = [key for key in ("fromObjectTypeId", "toObjectTypeId") if not body.get(key)]
    if missing:
        raise missing_fields(*missing)
    find_schema(call.portal, name)
    one = call.portal.type_of(str(body["fromObjectTypeId"]))
    other = call.portal.type_of(str(body["toObjectTypeId"]))
    if not one.custom and not other.custom:
        raise invalid("One of the two object types must be a custom object")
    made = call.portal.association_types.define(
        one.type_id, other.type_id, str(body.get("name") or one.singular)
    )
    kind = made[0]
    answer = {"id": str(kind.type_id), "fromObjectTypeId": kind.from_type, "toObjectTypeId": kind.to_type}
    return json_response({**answer, "name": kind.name}, 201)


def dissociate(call: Call, name: str, association_id: str) -> Response:
    """Take an association type of a custom object away, both ways; 204."""
    call.caller.need(WRITE)
    note().object = "schemas"
    schema = find_schema(call.portal, name)
    types = call.portal.association_types
    for kind in types.of(schema["objectTypeId"]):
        if str(kind.type_id) == association_id:
            with call.writer.transaction():
                changes = call.portal.links.remove_everywhere(kind)
            types.drop(kind)
            call.writer.change_links(changes, call.portal.app_actor)
            return Response(status=204)
    raise not_found(f"No association {association_id} of {name}")
