"""Associations of records: v4 and dated, single and batch (HubSpot's "Associate records").

Their labels and limits are in ``api_labels``.
"""

from __future__ import annotations

from typing import Any

from flask import Response

from sandbox.hubspot.api_batch import complete, inputs_of
from sandbox.hubspot.association_types import AssociationType
from sandbox.hubspot.catalogue import ObjectType
from sandbox.hubspot.errors import VendorError, bad_json, entry, error, missing_fields
from sandbox.hubspot.links import LinkChange
from sandbox.hubspot.reading import a_list
from sandbox.hubspot.web import Call, Web, after_of, check_permission, limit_of, next_page, number_of
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
    web.route("POST", "links_v3", "/<a>/<b>/batch/read", batch_read_v3, limit)


def pair(call: Call, a: str, b: str, verb: str) -> tuple[ObjectType, ObjectType]:
    """Return the two types of a path, with the caller's right to read or write both. Raises 400 or 403."""
    first, second = call.portal.type_of(a), call.portal.type_of(b)
    call.caller.need(first.scopes(verb))
    call.caller.need(second.scopes(verb))
    if verb == "write":
        check_permission(call)
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
    first, second = pair(call, a, b, "write")
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
    first, second = pair(call, a, b, "write")
    _check_ends(call, first, a_id, second, b_id)
    specs = call.any_json()
    if not isinstance(specs, list) or not specs:
        raise bad_json("expected a list of association types")
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
    first, second = pair(call, a, b, "write")
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
    first, second = pair(call, a, b, "read")
    limit = limit_of(MAX_PAGE, MAX_PAGE)
    if call.portal.records.find(first.type_id, a_id) is None:
        raise error(404, "OBJECT_NOT_FOUND", f"No {first.label} with ID {a_id} exists")
    start = after_of()
    rows = [row for row in _ends(call, first, a_id, second) if row["toObjectId"] >= start]
    body: dict[str, Any] = {"results": rows[:limit]}
    if len(rows) > limit:
        body["paging"] = next_page(str(rows[limit]["toObjectId"]))
    note().rows_out = len(body["results"])
    return json_response(body)


def _end(given: Any) -> str:
    return str(given.get("id") or "") if isinstance(given, dict) else ""


def _end_ids(raw: dict[str, Any]) -> tuple[str, str]:
    ids = _end(raw.get("from")), _end(raw.get("to"))
    if not all(ids):
        raise missing_fields("from", "to")
    return ids


def batch_default(call: Call, a: str, b: str) -> Response:
    """Associate pairs without a label; pairs that can't be are listed in a 207."""
    first, second = pair(call, a, b, "write")
    kind = call.portal.association_types.default(first.type_id, second.type_id)
    rows, errors = _checked(call, first, second, [(raw, [kind]) for raw in inputs_of(call.json(), MAX_WRITE)])
    _save(call, rows, replace=False)
    results = [one for a_id, b_id, _ in rows for one in _default_results(call, kind, a_id, b_id)]
    return complete(call, results, errors)


def batch_create(call: Call, a: str, b: str) -> Response:
    """Add labelled associations; pairs that can't be are listed in a 207."""
    first, second = pair(call, a, b, "write")
    types = call.portal.association_types
    given = [
        (
            raw,
            [types.named(spec, first.type_id, second.type_id) for spec in a_list(raw.get("types"), "types")],
        )
        for raw in inputs_of(call.json(), MAX_WRITE)
    ]
    if not all(kinds for _, kinds in given):
        raise missing_fields("types")
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
            errors.append(entry(refused, fromObjectId=[a_id], toObjectId=[b_id]))
        else:
            rows.append((a_id, b_id, kinds))
    return rows, errors


def batch_read(call: Call, a: str, b: str) -> Response:
    """Read what up to 1,000 records are associated with; those with nothing are listed in a 207."""
    first, second = pair(call, a, b, "read")
    results: list[dict[str, Any]] = []
    errors: list[dict[str, Any]] = []
    for raw in inputs_of(call.json(), MAX_READ):
        a_id = str(raw.get("id") or "")
        if not a_id:
            raise missing_fields("id")
        start = number_of(str(raw.get("after") or 0), "after")
        rows = [row for row in _ends(call, first, a_id, second) if row["toObjectId"] >= start]
        if not rows:
            errors.append(_nothing(first, a_id, second))
            continue
        row: dict[str, Any] = {"from": {"id": a_id}, "to": rows[:MAX_PAGE]}
        if len(rows) > MAX_PAGE:
            row["paging"] = {"next": {"after": str(rows[MAX_PAGE]["toObjectId"])}}
        results.append(row)
    return complete(call, results, errors)


def batch_read_v3(call: Call, a: str, b: str) -> Response:
    """Read associations in the v3 form, whose batches were cut to 100 inputs."""
    first, second = pair(call, a, b, "read")
    types = call.portal.association_types
    results: list[dict[str, Any]] = []
    errors: list[dict[str, Any]] = []
    for raw in inputs_of(call.json()):
        a_id = str(raw.get("id") or "")
        rows = _ends(call, first, a_id, second)
        if not rows:
            errors.append(_nothing(first, a_id, second))
            continue
        ends = [
            {
                "id": str(row["toObjectId"]),
                "type": types.by_id(one["typeId"], first.type_id, second.type_id).name,
            }
            for row in rows
            for one in row["associationTypes"]
        ]
        results.append({"from": {"id": a_id}, "to": ends})
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
    first, second = pair(call, a, b, "write")
    changes: list[LinkChange] = []
    with call.writer.transaction():
        for raw in inputs_of(call.json(), MAX_WRITE):
            a_id = _end(raw.get("from"))
            for end in a_list(raw.get("to"), "to"):
                changes += call.portal.links.remove(first.type_id, a_id, second.type_id, _end(end))
    call.writer.change_links(changes, call.portal.app_actor)
    return Response(status=204)


def batch_archive_labels(call: Call, a: str, b: str) -> Response:
    """Take labels away from pairs; 204."""
    first, second = pair(call, a, b, "write")
    changes: list[LinkChange] = []
    with call.writer.transaction():
        for raw in inputs_of(call.json(), MAX_WRITE):
            a_id, b_id = _end_ids(raw)
            for spec in a_list(raw.get("types"), "types"):
                kind = call.portal.association_types.named(spec, first.type_id, second.type_id)
                changes += call.portal.links.remove_kind(kind, a_id, b_id)
    call.writer.change_links(changes, call.portal.app_actor)
    return Response(status=204)
