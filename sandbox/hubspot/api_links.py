"""Associations: v4 and dated, single and batch, labels, limits (HubSpot's "Associate records")."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from sandbox.hubspot.api_batch import complete, inputs_of
from sandbox.hubspot.association_types import AssociationType
from sandbox.hubspot.catalogue import ObjectType
from sandbox.hubspot.errors import VendorError, error, invalid
from sandbox.hubspot.links import LinkChange
from sandbox.hubspot.web import Call, Web, limit_of, next_page
from sandbox.server.app import json_response, note

MAX_WRITE, MAX_READ, MAX_PAGE = 2000, 1000, 500


def register(web: Web) -> None:
    """Put the association handlers on the app."""
    limit = "associations"
    one = "/<a>/<a_id>/associations"
    web.route("PUT", "record_links", f"{one}/default/<b>/<b_id>", put_default, limit)
    web.route("PUT", "record_links", f"{one}/<b>/<b_id>", put_labelled, limit)
    web.route("DELETE", "record_links", f"{one}/<b>/<b_id>", delete_link, limit)
    web.route("GET", "record_links", f"{one}/<b>", read_links, limit)
    web.route("POST", "links", "/<a>/<b>/batch/associate/default", batch_default, limit)
    web.route("POST", "links", "/<a>/<b>/batch/create", batch_create, limit)
    web.route("POST", "links", "/<a>/<b>/batch/read", batch_read, limit)
    web.route("POST", "links", "/<a>/<b>/batch/archive", batch_archive, limit)
    web.route("POST", "links", "/<a>/<b>/batch/labels/archive", batch_archive_labels, limit)
    web.route("GET", "links", "/<a>/<b>/labels", read_labels, limit)
    web.route("POST", "links", "/<a>/<b>/labels", create_label, limit)
    web.route("POST", "links", "/definitions/configurations/<a>/<b>/batch/create", set_limits, limit)
    web.route("GET", "links", "/definitions/configurations/<a>/<b>", read_limits, limit)


def _pair(call: Call, a: str, b: str, verb: str) -> tuple[ObjectType, ObjectType]:
    first, second = call.portal.type_of(a), call.portal.type_of(b)
    call.caller.need(first.scopes(verb))
    call.caller.need(second.scopes(verb))
    note().object = f"{first.plural}-{second.plural}"
    return first, second


def _check_ends(call: Call, first: ObjectType, a_id: str, second: ObjectType, b_id: str) -> None:
    for kind, one in ((first, a_id), (second, b_id)):
        if call.portal.records.find(kind.type_id, one) is None:
            raise error(
                404,
                "OBJECT_NOT_FOUND",
                f"One or more {kind.label} objects don't exist: [{one}]",
                context={"id": [one], "objectType": [kind.type_id]},
            )


def _save(call: Call, rows: list[tuple[str, str, list[AssociationType]]], *, replace: bool) -> None:
    changes: list[LinkChange] = []
    put = call.portal.links.replace if replace else call.portal.links.add
    with call.writer.transaction():
        for a_id, b_id, kinds in rows:
            changes += put(a_id, b_id, kinds)
    call.writer.change_links(changes, call.portal.app_actor)
    note().rows_in = len(rows)
    note().written = [a_id for a_id, _, _ in rows]


def put_default(call: Call, a: str, a_id: str, b: str, b_id: str) -> Response:
    """Associate two records without a label; doing it again changes nothing."""
    first, second = _pair(call, a, b, "write")
    _check_ends(call, first, a_id, second, b_id)
    kind = call.portal.association_types.default(first.type_id, second.type_id)
    call.portal.links.check(a_id, b_id, [kind])
    _save(call, [(a_id, b_id, [kind])], replace=False)
    return complete(call, _default_results(call, kind, a_id, b_id), [])


def _default_results(call: Call, kind: AssociationType, a_id: str, b_id: str) -> list[dict[str, Any]]:
    back = call.portal.association_types.by_id(kind.inverse, kind.to_type, kind.from_type)
    return [
        {
            "from": {"id": source},
            "to": {"id": target},
            "associationSpec": {"associationCategory": one.category, "associationTypeId": one.type_id},
        }
        for one, source, target in ((kind, a_id, b_id), (back, b_id, a_id))
    ]


def put_labelled(call: Call, a: str, a_id: str, b: str, b_id: str) -> Response:
    """Set the labels between two records; labels not named are taken away."""
    first, second = _pair(call, a, b, "write")
    _check_ends(call, first, a_id, second, b_id)
    specs = request.get_json(force=True, silent=True)
    if not isinstance(specs, list) or not specs:
        raise invalid("Invalid input JSON: a list of association types is needed")
    kinds = [call.portal.association_types.named(spec, first.type_id, second.type_id) for spec in specs]
    call.portal.links.check(a_id, b_id, kinds)
    _save(call, [(a_id, b_id, kinds)], replace=True)
    return json_response(_labels_between(first, a_id, second, b_id, kinds), 201)


def _labels_between(
    first: ObjectType, a_id: str, second: ObjectType, b_id: str, kinds: list[AssociationType]
) -> dict[str, Any]:
    return {
        "fromObjectTypeId": first.type_id,
        "fromObjectId": int(a_id),
        "toObjectTypeId": second.type_id,
        "toObjectId": int(b_id),
        "labels": [kind.label for kind in kinds if kind.label],
    }


def delete_link(call: Call, a: str, a_id: str, b: str, b_id: str) -> Response:
    """Take two records apart; 204 also when they were not associated."""
    first, second = _pair(call, a, b, "write")
    with call.writer.transaction():
        changes = call.portal.links.remove(first.type_id, a_id, second.type_id, b_id)
    call.writer.change_links(changes, call.portal.app_actor)
    note().written = [a_id]
    return Response(status=204)


def _ends(call: Call, first: ObjectType, a_id: str, second: ObjectType) -> list[dict[str, Any]]:
    ends = call.portal.links.of(first.type_id, a_id, second.type_id)
    types = call.portal.association_types
    return [
        {
            "toObjectId": int(b_id),
            "associationTypes": [
                types.by_id(one, first.type_id, second.type_id).spec() for one in sorted(ends[b_id])
            ],
        }
        for b_id in sorted(ends, key=int)
        if call.portal.records.find(second.type_id, b_id) is not None
    ]


def read_links(call: Call, a: str, a_id: str, b: str) -> Response:
    """Answer a page of the records associated with one record."""
    first, second = _pair(call, a, b, "read")
    limit = limit_of(MAX_PAGE, MAX_PAGE)
    if call.portal.records.find(first.type_id, a_id) is None:
        raise error(404, "OBJECT_NOT_FOUND", f"No {first.label} with ID {a_id} exists")
    start = int(request.args.get("after", "0"))
    rows = [row for row in _ends(call, first, a_id, second) if row["toObjectId"] >= start]
    body: dict[str, Any] = {"results": rows[:limit]}
    if len(rows) > limit:
        body["paging"] = next_page(str(rows[limit]["toObjectId"]))
    note().rows_out = len(body["results"])
    return json_response(body)


def _end_ids(raw: dict[str, Any]) -> tuple[str, str]:
    ids = str((raw.get("from") or {}).get("id", "")), str((raw.get("to") or {}).get("id", ""))
    if not all(ids):
        raise invalid("Invalid input JSON: some required fields were not set: [from, to]")
    return ids


def batch_default(call: Call, a: str, b: str) -> Response:
    """Associate pairs without a label; pairs that can't be are listed in a 207."""
    first, second = _pair(call, a, b, "write")
    kind = call.portal.association_types.default(first.type_id, second.type_id)
    rows, errors = _checked(call, first, second, [(raw, [kind]) for raw in inputs_of(call.json(), MAX_WRITE)])
    _save(call, rows, replace=False)
    results = [one for a_id, b_id, _ in rows for one in _default_results(call, kind, a_id, b_id)]
    return complete(call, results, errors)


def batch_create(call: Call, a: str, b: str) -> Response:
    """Add labelled associations; pairs that can't be are listed in a 207."""
    first, second = _pair(call, a, b, "write")
    types = call.portal.association_types
    given = [
        (raw, [types.named(spec, first.type_id, second.type_id) for spec in raw.get("types") or []])
        for raw in inputs_of(call.json(), MAX_WRITE)
    ]
    if not all(kinds for _, kinds in given):
        raise invalid("Invalid input JSON: some required fields were not set: [types]")
    rows, errors = _checked(call, first, second, given)
    _save(call, rows, replace=False)
    results = [_labels_between(first, a_id, second, b_id, kinds) for a_id, b_id, kinds in rows]
    return complete(call, results, errors, 201)


def _checked(
    call: Call,
    first: ObjectType,
    second: ObjectType,
    given: list[tuple[dict[str, Any], list[AssociationType]]],
) -> tuple[list[tuple[str, str, list[AssociationType]]], list[dict[str, Any]]]:
    rows: list[tuple[str, str, list[AssociationType]]] = []
    errors: list[dict[str, Any]] = []
    for raw, kinds in given:
        a_id, b_id = _end_ids(raw)
        try:
            _check_ends(call, first, a_id, second, b_id)
            call.portal.links.check(a_id, b_id, kinds)
        except VendorError as refused:
            body = {key: value for key, value in refused.body.items() if key != "correlationId"}
            body["context"] = {**body.get("context", {}), "fromObjectId": [a_id], "toObjectId": [b_id]}
            errors.append(body)
        else:
            rows.append((a_id, b_id, kinds))
    return rows, errors


def batch_read(call: Call, a: str, b: str) -> Response:
    """Read what up to 1,000 records are associated with; those with nothing are listed in a 207."""
    first, second = _pair(call, a, b, "read")
    results: list[dict[str, Any]] = []
    errors: list[dict[str, Any]] = []
    for raw in inputs_of(call.json(), MAX_READ):
        a_id = str(raw.get("id", ""))
        start = int(raw.get("after") or 0)
        rows = [row for row in _ends(call, first, a_id, second) if row["toObjectId"] >= start]
        if not rows:
            errors.append(_nothing(first, a_id, second))
            continue
        row: dict[str, Any] = {"from": {"id": a_id}, "to": rows[:MAX_PAGE]}
        if len(rows) > MAX_PAGE:
            row["paging"] = {"next": {"after": str(rows[MAX_PAGE]["toObjectId"])}}
        results.append(row)
    return complete(call, results, errors)


def _nothing(first: ObjectType, a_id: str, second: ObjectType) -> dict[str, Any]:
    return {
        "status": "error",
        "category": "OBJECT_NOT_FOUND",
        "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
        "message": f"No {second.singular} is associated with {first.singular} {a_id}.",
        "context": {
            "fromObjectId": [a_id],
            "fromObjectType": [first.type_id],
            "toObjectType": [second.type_id],
        },
    }


def batch_archive(call: Call, a: str, b: str) -> Response:
    """Take pairs apart; 204."""
    first, second = _pair(call, a, b, "write")
    changes: list[LinkChange] = []
    with call.writer.transaction():
        for raw in inputs_of(call.json(), MAX_WRITE):
            a_id = str((raw.get("from") or {}).get("id", ""))
            for end in raw.get("to") or []:
                changes += call.portal.links.remove(
                    first.type_id, a_id, second.type_id, str(end.get("id", ""))
                )
    call.writer.change_links(changes, call.portal.app_actor)
    return Response(status=204)


def batch_archive_labels(call: Call, a: str, b: str) -> Response:
    """Take labels away from pairs; 204."""
    first, second = _pair(call, a, b, "write")
    changes: list[LinkChange] = []
    with call.writer.transaction():
        for raw in inputs_of(call.json(), MAX_WRITE):
            a_id, b_id = _end_ids(raw)
            for spec in raw.get("types") or []:
                kind = call.portal.association_types.named(spec, first.type_id, second.type_id)
                changes += call.portal.links.remove_kind(kind, a_id, b_id)
    call.writer.change_links(changes, call.portal.app_actor)
    return Response(status=204)


def read_labels(call: Call, a: str, b: str) -> Response:
    """Answer the association types from one object type to another."""
    first, second = _pair(call, a, b, "read")
    kinds = call.portal.association_types.between(first.type_id, second.type_id)
    return json_response({"results": [kind.spec() for kind in kinds]})


def create_label(call: Call, a: str, b: str) -> Response:
    """Make a label between two object types; both directions' ids come back."""
    first, second = _pair(call, a, b, "write")
    body = call.json()
    name, label = str(body.get("name", "")), str(body.get("label", ""))
    made = call.portal.association_types.add_label(first, second, name, label, body.get("inverseLabel"))
    return json_response({"results": [kind.spec() for kind in made]})


def set_limits(call: Call, a: str, b: str) -> Response:
    """Set how many associations of a type a record may have."""
    first, second = _pair(call, a, b, "write")
    inputs = inputs_of(call.json())
    for raw in inputs:
        call.portal.links.limits[(first.type_id, second.type_id, int(raw["typeId"]))] = int(
            raw["maxToObjectIds"]
        )
    return complete(call, inputs, [], 201)


def read_limits(call: Call, a: str, b: str) -> Response:
    """Answer the limits set between two object types."""
    first, second = _pair(call, a, b, "read")
    rows = [
        {"typeId": type_id, "userEnforcedMaxToObjectIds": cap, "category": "HUBSPOT_DEFINED"}
        for (a_type, b_type, type_id), cap in call.portal.links.limits.items()
        if (a_type, b_type) == (first.type_id, second.type_id)
    ]
    return json_response({"results": rows})
