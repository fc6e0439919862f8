"""Single records: list, read, create, change, archive, merge (HubSpot's objects API)."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from sandbox.hubspot.association_types import AssociationType
from sandbox.hubspot.catalogue import ObjectType
from sandbox.hubspot.errors import VendorError, invalid, missing_fields, no_record
from sandbox.hubspot.links import LINE_ITEM, PARENTS
from sandbox.hubspot.merging import merge_records
from sandbox.hubspot.reading import a_text, an_object, objects
from sandbox.hubspot.records import Record
from sandbox.hubspot.shapes import Wanted, shown, written
from sandbox.hubspot.web import Call, Web, after_of, check_permission, flag, limit_of, listed, next_page
from sandbox.hubspot.writes import LinkSpec
from sandbox.server.app import json_response, note

MAX_PAGE, MAX_PAGE_WITH_HISTORY = 100, 50


def register(web: Web) -> None:
    """Put the handlers of single records on the app."""
    web.route("GET", "objects", "/<name>", list_records)
    web.route("POST", "objects", "/<name>", create_record)
    web.route("POST", "objects", "/<name>/merge", merge)
    web.route("GET", "objects", "/<name>/<record_id>", read_record)
    web.route("PATCH", "objects", "/<name>/<record_id>", update_record)
    web.route("DELETE", "objects", "/<name>/<record_id>", archive_record)


def _wanted() -> Wanted:
    return Wanted(listed("properties"), listed("propertiesWithHistory"), listed("associations"))


def list_records(call: Call, name: str) -> Response:
    """Answer a page of records by id; ``after`` is the id of the next record."""
    kind = call.read_type(name)
    wanted = _wanted()
    limit = limit_of(MAX_PAGE_WITH_HISTORY if wanted.history else MAX_PAGE, 10)
    found = call.portal.records.table(kind.type_id).page(after_of(), limit + 1, flag("archived"))
    body: dict[str, Any] = {"results": [shown(call.portal, kind, record, wanted) for record in found[:limit]]}
    if len(found) > limit:
        body["paging"] = next_page(found[limit].id)
    note().rows_out = len(body["results"])
    return json_response(body)


def read_record(call: Call, name: str, record_id: str) -> Response:
    """Answer one record by id, or by a unique property (``idProperty``)."""
    kind = call.read_type(name)
    if flag("archived"):
        record = call.portal.records.table(kind.type_id).gone.get(record_id)
    else:
        record = call.portal.by_id_property(kind, record_id, request.args.get("idProperty"))
    if record is None:
        raise _missing(record_id)
    note().rows_out = 1
    return json_response(shown(call.portal, kind, record, _wanted()))


def _missing(record_id: str) -> VendorError:
    return no_record("0" if request.args.get("idProperty") else record_id)


def _target(call: Call, kind: ObjectType, record_id: str) -> Record:
    record = call.portal.by_id_property(kind, record_id, request.args.get("idProperty"))
    if record is None and not request.args.get("idProperty"):
        record = call.portal.records.find(kind.type_id, call.portal.survivor(record_id))
    if record is None:
        raise _missing(record_id)
    return record


def properties_in(body: dict[str, Any]) -> dict[str, Any]:
    """Return ``properties`` of a write's body. Raises 400 when there is none."""
    properties = body.get("properties")
    if not isinstance(properties, dict):
        raise missing_fields("properties")
    return properties


def link_specs(call: Call, kind: ObjectType, body: dict[str, Any]) -> list[LinkSpec]:
    """Return the associations a create asks for. Raises 400 for an unknown type or record."""
    found: list[LinkSpec] = []
    given = objects(body.get("associations"), "associations")
    if given:
        check_permission(call)
    for raw in given:
        to_id, types = _association(raw)
        kinds = [_kind_from(call, kind, spec, to_id) for spec in types]
        call.portal.links.check("", to_id, kinds)
        found.append((kinds[0].to_type, to_id, kinds))
    parents = {(to_type, to_id) for to_type, to_id, _ in found if to_type in PARENTS}
    if kind.type_id == LINE_ITEM and len(parents) > 1:
        raise invalid("A line item has one parent")
    return found


def _association(raw: dict[str, Any]) -> tuple[str, list[dict[str, Any]]]:
    to, types = an_object(raw.get("to"), "to"), objects(raw.get("types"), "types")
    if not to.get("id") or not types:
        raise missing_fields("to", "types")
    return a_text(to["id"], "id"), types


def _kind_from(call: Call, kind: ObjectType, spec: dict[str, Any], to_id: str) -> AssociationType:
    for other in call.portal.catalogue.all():
        for known in call.portal.association_types.between(kind.type_id, other.type_id):
            named = (spec.get("associationCategory"), spec.get("associationTypeId"))
            if (known.category, known.type_id) == named:
                if call.portal.records.find(other.type_id, to_id) is None:
                    context = {"INVALID_OBJECT_IDS": [f"{other.label}={to_id}"], "objectId": [to_id]}
                    raise invalid(
                        "One or more associations are invalid",
                        context={**context, "objectType": [other.type_id]},
                    )
                return known
    raise invalid(f"invalid association type {spec.get('associationTypeId')} from object type {kind.type_id}")


def create_record(call: Call, name: str) -> Response:
    """Make a record; 201 with all its values."""
    kind = call.write_type(name)
    body = call.json()
    note().rows_in = 1
    draft = call.draft()
    plan = call.writer.plan_create(kind, properties_in(body), link_specs(call, kind, body), draft)
    call.writer.commit([plan], draft)
    note().written = [plan.new.id]
    answer = written(call.portal, plan.new)
    if plan.warnings:
        answer["warnings"] = list(plan.warnings)
    return json_response(answer, 201, {"Location": f"{request.base_url}/{plan.new.id}"})


def update_record(call: Call, name: str, record_id: str) -> Response:
    """Change a record; the id of a record that was merged away leads to the one it became."""
    kind = call.write_type(name)
    note().rows_in = 1
    draft = call.draft()
    plan = call.writer.plan_update(kind, _target(call, kind, record_id), properties_in(call.json()), draft)
    call.writer.commit([plan], draft)
    note().written = [plan.new.id]
    answer = written(call.portal, plan.new)
    if plan.warnings:
        answer["warnings"] = list(plan.warnings)
    return json_response(answer)


def archive_record(call: Call, name: str, record_id: str) -> Response:
    """Move a record to the recycle bin; 204, also when it is there already."""
    kind = call.write_type(name)
    record = call.portal.records.find(kind.type_id, record_id)
    if record is None and record_id not in call.portal.records.table(kind.type_id).gone:
        raise no_record(record_id)
    if record is not None:
        call.writer.archive(kind, [record], call.portal.app_actor)
        note().written = [record.id]
    return Response(status=204)


def merge(call: Call, name: str) -> Response:
    """Merge one record into another; the primary's values win and its id stays."""
    kind = call.write_type(name)
    body = call.json()
    keys = ("primaryObjectId", "objectIdToMerge")
    missing = [key for key in keys if not body.get(key)]
    if missing:
        raise missing_fields(*missing)
    ids = [str(body[key]) for key in keys]
    pair = [call.portal.records.find(kind.type_id, one) for one in ids]
    if pair[0] is None or pair[1] is None:
        raise no_record(ids[1] if pair[0] else ids[0])
    merged = merge_records(call.writer, kind, pair[0], pair[1], call.portal.app_actor)
    note().written = ids
    return json_response(written(call.portal, merged))
