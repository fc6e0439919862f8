"""Properties and property groups over HTTP."""

from __future__ import annotations

from typing import Any

from flask import Response

from sandbox.hubspot.api_batch import complete, inputs_of
from sandbox.hubspot.catalogue import ObjectType
from sandbox.hubspot.documents import Document
from sandbox.hubspot.errors import VendorError, entry, missing_fields
from sandbox.hubspot.web import Call, Web, flag
from sandbox.server.app import json_response, note

USER = "7"


def register(web: Web) -> None:
    """Put the handlers of definitions on the app."""
    web.route("GET", "properties", "/<name>", list_properties)
    web.route("POST", "properties", "/<name>", create_property)
    web.route("GET", "properties", "/<name>/groups", list_groups)
    web.route("POST", "properties", "/<name>/groups", create_group)
    web.route("GET", "properties", "/<name>/groups/<group>", read_group)
    web.route("PATCH", "properties", "/<name>/groups/<group>", update_group)
    web.route("DELETE", "properties", "/<name>/groups/<group>", archive_group)
    web.route("POST", "properties", "/<name>/batch/create", batch_create)
    web.route("POST", "properties", "/<name>/batch/read", batch_read)
    web.route("POST", "properties", "/<name>/batch/archive", batch_archive)
    web.route("GET", "properties", "/<name>/<prop>", read_property)
    web.route("PATCH", "properties", "/<name>/<prop>", update_property)
    web.route("DELETE", "properties", "/<name>/<prop>", archive_property)


def _type(call: Call, name: str, verb: str) -> ObjectType:
    kind = call.portal.type_of(name)
    call.caller.need(kind.schema_scopes(verb))
    note().object = f"{kind.plural} definitions"
    return kind


def _public(body: Document) -> Document:
    return {key: value for key, value in body.items() if key != "objectTypeId"}


def _named(raw: dict[str, Any]) -> str:
    if not raw.get("name"):
        raise missing_fields("name")
    return str(raw["name"])


def list_properties(call: Call, name: str) -> Response:
    """Answer every property of a type; no paging."""
    kind = _type(call, name, "read")
    found = call.portal.properties.listed(kind, flag("archived"))
    return json_response({"results": [_public(body) for body in found]})


def create_property(call: Call, name: str) -> Response:
    """Make (or restore) a property; 201."""
    kind = _type(call, name, "write")
    body = call.portal.create_property(kind, call.json(), USER)
    note().written = [body["name"]]
    return json_response(_public(body), 201)


def read_property(call: Call, name: str, prop: str) -> Response:
    """Answer one property."""
    kind = _type(call, name, "read")
    return json_response(_public(call.portal.properties.read(kind, prop, flag("archived"))))


def update_property(call: Call, name: str, prop: str) -> Response:
    """Change a property; ``options`` replaces the whole list."""
    kind = _type(call, name, "write")
    note().written = [prop]
    return json_response(_public(call.portal.properties.update(kind, prop, call.json())))


def archive_property(call: Call, name: str, prop: str) -> Response:
    """Archive a property; 204."""
    kind = _type(call, name, "write")
    call.portal.archive_property(kind, prop)
    note().written = [prop]
    return Response(status=204)


def batch_create(call: Call, name: str) -> Response:
    """Make properties; 201, or 207 with those that were refused."""
    kind = _type(call, name, "write")
    results, errors = [], []
    for raw in inputs_of(call.json()):
        try:
            results.append(_public(call.portal.create_property(kind, raw, USER)))
        except VendorError as refused:
            errors.append(entry(refused, name=[str(raw.get("name", ""))]))
    note().written = [body["name"] for body in results]
    return complete(call, results, errors, 201)


def batch_read(call: Call, name: str) -> Response:
    """Read properties by name; 207 with those that don't exist."""
    kind = _type(call, name, "read")
    body = call.json()
    results, errors = [], []
    for raw in inputs_of(body):
        wanted = _named(raw)
        try:
            results.append(_public(call.portal.properties.read(kind, wanted, bool(body.get("archived")))))
        except VendorError as refused:
            errors.append(entry(refused, name=[wanted]))
    return complete(call, results, errors)


def batch_archive(call: Call, name: str) -> Response:
    """Archive properties by name; 204."""
    kind = _type(call, name, "write")
    for raw in inputs_of(call.json()):
        if _named(raw) in call.portal.properties.live(kind.type_id):
            call.portal.archive_property(kind, _named(raw))
    return Response(status=204)


def list_groups(call: Call, name: str) -> Response:
    """Answer the property groups of a type."""
    return json_response({"results": call.portal.properties.groups(_type(call, name, "read"))})


def create_group(call: Call, name: str) -> Response:
    """Make a property group; 201."""
    kind = _type(call, name, "write")
    return json_response(call.portal.properties.create_group(kind, call.json()), 201)


def read_group(call: Call, name: str, group: str) -> Response:
    """Answer one property group."""
    return json_response(call.portal.properties.group(_type(call, name, "read"), group))


def update_group(call: Call, name: str, group: str) -> Response:
    """Change a group's label or order."""
    kind = _type(call, name, "write")
    held = call.portal.properties.group(kind, group)
    changes = {key: value for key, value in call.json().items() if key in ("label", "displayOrder")}
    return json_response(call.portal.properties.put_group(kind.type_id, {**held, **changes}))


def archive_group(call: Call, name: str, group: str) -> Response:
    """Archive an empty group; 204."""
    call.portal.properties.archive_group(_type(call, name, "write"), group)
    return Response(status=204)
