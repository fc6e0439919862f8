"""Custom object definitions over HTTP."""

from __future__ import annotations

from flask import Response, request

from sandbox.hubspot.errors import invalid
from sandbox.hubspot.schemas import (
    create_schema,
    delete_schema,
    find_schema,
    live_schemas,
    purge_schema,
    shown_schema,
    update_schema,
)
from sandbox.hubspot.web import Call, Web
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


def _archived() -> bool:
    return request.args.get("archived", "false").lower() == "true"


def list_schemas(call: Call) -> Response:
    """Answer every custom object definition."""
    call.caller.need(READ)
    note().object = "schemas"
    found = live_schemas(call.portal, _archived())
    return json_response({"results": [shown_schema(call.portal, body) for body in found]})


def create(call: Call) -> Response:
    """Define a custom object; 201."""
    call.caller.need(WRITE)
    note().object = "schemas"
    body = create_schema(call.portal, call.json(), "7")
    note().written = [body["objectTypeId"]]
    return json_response(shown_schema(call.portal, body), 201)


def read(call: Call, name: str) -> Response:
    """Answer one definition."""
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
    if _archived():
        purge_schema(call.portal, find_schema(call.portal, name, archived=True))
    else:
        delete_schema(call.portal, find_schema(call.portal, name))
    return Response(status=204)


def associate(call: Call, name: str) -> Response:
    """Allow associations between a custom object and another type; 201."""
    call.caller.need(WRITE)
    note().object = "schemas"
    body = call.json()
    one = call.portal.type_of(str(body.get("fromObjectTypeId") or name))
    other = call.portal.type_of(str(body.get("toObjectTypeId") or ""))
    if not one.custom and not other.custom:
        raise invalid("One of the two object types must be a custom object")
    made = call.portal.association_types.define(
        one.type_id, other.type_id, str(body.get("name") or one.singular)
    )
    kind = made[0]
    answer = {"id": str(kind.type_id), "fromObjectTypeId": kind.from_type, "toObjectTypeId": kind.to_type}
    return json_response({**answer, "name": kind.name}, 201)
