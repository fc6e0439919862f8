"""Batches of up to 100 records: read, create, update, upsert, archive.

Source: HubSpot's "Using object APIs", and upserts measured on live portals: without a trace id
on every input one bad input refuses the whole batch; with them the answer is 207; duplicate ids
are refused whole; results do not come in input order.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from typing import Any

from flask import Response

from sandbox.hubspot.api_objects import link_specs, properties_in
from sandbox.hubspot.catalogue import ObjectType
from sandbox.hubspot.errors import VendorError, entry, error, invalid, missing_fields
from sandbox.hubspot.reading import a_text, texts
from sandbox.hubspot.records import Record
from sandbox.hubspot.shapes import Wanted, shown, written
from sandbox.hubspot.times import stamp
from sandbox.hubspot.web import Call, Web, flag
from sandbox.hubspot.writes import Draft, Plan
from sandbox.server.app import json_response, note

CAP, HISTORY_CAP = 100, 50
Planner = Callable[[dict[str, Any], Draft], Plan]


def register(web: Web) -> None:
    """Put the batch handlers on the app."""
    for verb, handler in (
        ("read", batch_read),
        ("create", batch_create),
        ("update", batch_update),
        ("upsert", batch_upsert),
        ("archive", batch_archive),
    ):
        web.route("POST", "objects", f"/<name>/batch/{verb}", handler)


def inputs_of(body: dict[str, Any], cap: int = CAP, of: str = "") -> list[dict[str, Any]]:
    """Return ``inputs``; ``of`` is what the batch is about. Raises 400 for none or more than ``cap``."""
    inputs = body.get("inputs")
    if not isinstance(inputs, list) or not inputs or not all(isinstance(one, dict) for one in inputs):
        raise missing_fields("inputs")
    if len(inputs) > cap:
        raise invalid(
            f"The maximum number of inputs supported in a batch{of} is {cap}. "
            "Please reduce the number of items and try again"
        )
    note().rows_in = len(inputs)
    return inputs


def refuse_duplicates(ids: list[str]) -> None:
    """Raise 400 when an id is there twice."""
    twice = sorted(one for one, count in Counter(ids).items() if count > 1)
    if twice:
        raise invalid(
            f"Duplicate IDs found in batch input: [{', '.join(twice)}]. IDs must be unique",
            context={"ids": twice},
        )


def complete(call: Call, results: list[Any], errors: list[dict[str, Any]], status: int = 200) -> Response:
    """Return the batch answer; 207 when there are errors."""
    now = stamp(call.portal.clock.now_ms())
    body: dict[str, Any] = {"status": "COMPLETE", "results": results, "startedAt": now, "completedAt": now}
    if errors:
        body |= {"numErrors": len(errors), "errors": errors}
    note().rows_out = len(results)
    return json_response(body, 207 if errors else status)


def _id(raw: dict[str, Any]) -> str:
    if raw.get("id") in (None, ""):
        raise missing_fields("id")
    return a_text(raw["id"], "id")


def _missing(kind: ObjectType, ids: list[str]) -> dict[str, Any]:
    text = f"Could not get some {kind.label} objects, they may be deleted or not exist. "
    text += "Check that ids are valid."
    made = error(404, "OBJECT_NOT_FOUND", text, context={"ids": ids}).body
    del made["correlationId"]
    return made


def _names(body: dict[str, Any], key: str) -> tuple[str, ...]:
    return tuple(texts(body.get(key), key))


def batch_read(call: Call, name: str) -> Response:
    """Read records by id or a unique property, or those in the recycle bin by id; missing ids give 207."""
    kind = call.read_type(name)
    body = call.json()
    wanted = Wanted(_names(body, "properties"), _names(body, "propertiesWithHistory"))
    cap, of = (HISTORY_CAP, " request for property histories") if wanted.history else (CAP, "")
    ids = [_id(raw) for raw in inputs_of(body, cap, of)]
    refuse_duplicates(ids)
    found: list[Record] = []
    missing: list[str] = []
    bin_ = call.portal.records.table(kind.type_id).gone if flag("archived") else None
    for one in ids:
        held = call.portal.by_id_property(kind, one, body.get("idProperty"))
        record = held if bin_ is None else bin_.get(one)
        if record is None:
            missing.append(one)
        else:
            found.append(record)
    results = [shown(call.portal, kind, record, wanted) for record in _shuffled(found)]
    return complete(call, results, [_missing(kind, missing)] if missing else [])


def batch_create(call: Call, name: str) -> Response:
    """Make records; 201, or 207 when inputs carry trace ids and some were refused."""
    kind = call.write_type(name)

    def plan(raw: dict[str, Any], draft: Draft) -> Plan:
        return call.writer.plan_create(kind, properties_in(raw), link_specs(call, kind, raw), draft)

    inputs = inputs_of(call.json())
    answer = _run(call, inputs, plan, each_alone=_traced(inputs))
    answer.status_code = 201 if answer.status_code == 200 else answer.status_code
    return answer


def batch_update(call: Call, name: str) -> Response:
    """Change records; ids that don't exist give 207 and the others are written."""
    kind = call.write_type(name)
    inputs = inputs_of(call.json())
    refuse_duplicates([_id(raw) for raw in inputs])
    for raw in inputs:
        if raw.get("idProperty"):
            _check_id_property(call, kind, raw)
    held = {_id(raw): call.portal.by_id_property(kind, _id(raw), raw.get("idProperty")) for raw in inputs}

    def plan(raw: dict[str, Any], draft: Draft) -> Plan:
        record = held[str(raw["id"])]
        if record is None:
            raise VendorError(404, _missing(kind, [str(raw["id"])]))
        return call.writer.plan_update(kind, record, properties_in(raw), draft)

    if _traced(inputs):
        return _run(call, inputs, plan, each_alone=True)
    missing = [one for one, record in held.items() if record is None]
    kept = [raw for raw in inputs if held[str(raw["id"])] is not None]
    return _run(call, kept, plan, each_alone=False, errors=[_missing(kind, missing)] if missing else [])


def batch_upsert(call: Call, name: str) -> Response:
    """Change the records that hold these unique values and make those that don't exist."""
    kind = call.write_type(name)
    inputs = inputs_of(call.json())
    refuse_duplicates([_id(raw) for raw in inputs])
    for raw in inputs:
        _check_id_property(call, kind, raw)
    fresh: set[str] = set()

    def plan(raw: dict[str, Any], draft: Draft) -> Plan:
        key = str(raw["idProperty"])
        given = properties_in(raw)
        record = call.portal.by_id_property(kind, str(raw["id"]), key)
        if record is not None:
            return call.writer.plan_update(kind, record, given, draft)
        made = call.writer.plan_create(kind, {key: str(raw["id"]), **given}, [], draft)
        fresh.add(made.new.id)
        return made

    # No partial upsert by email: one bad input refuses the batch, trace ids or not.
    by_email = any(raw["idProperty"] == "email" for raw in inputs)
    return _run(call, inputs, plan, each_alone=_traced(inputs) and not by_email, fresh=fresh)


def _check_id_property(call: Call, kind: ObjectType, raw: dict[str, Any]) -> None:
    key = a_text(raw.get("idProperty"), "idProperty")
    if not key:
        raise missing_fields("idProperty")
    definition = call.portal.properties.live(kind.type_id).get(key)
    if definition is None or not definition["hasUniqueValue"]:
        raise invalid(f"Unable to perform update/upsert by non-unique {kind.type_id} property {key}")


def _traced(inputs: list[dict[str, Any]]) -> bool:
    """Return whether every input has a trace id of its own, so that each may fail alone."""
    traces = [raw.get("objectWriteTraceId") for raw in inputs]
    return all(traces) and len(set(map(str, traces))) == len(traces)


def _run(
    call: Call,
    inputs: list[dict[str, Any]],
    planner: Planner,
    *,
    each_alone: bool,
    fresh: set[str] | None = None,
    errors: list[dict[str, Any]] | None = None,
) -> Response:
    draft = call.draft()
    plans: list[tuple[Plan, str | None]] = []
    failed = list(errors or [])
    for raw in inputs:
        trace = raw.get("objectWriteTraceId")
        try:
            plans.append((planner(raw, draft), trace))
        except VendorError as refused:
            if not each_alone:
                raise
            failed.append(entry(refused, objectWriteTraceId=[str(trace)]))
    call.writer.commit([plan for plan, _ in plans], draft)
    note().written = [plan.new.id for plan, _ in plans]
    order = sorted(plans, key=lambda pair: _scatter(pair[0].new.id))
    return complete(call, [_result(call, plan, trace, fresh) for plan, trace in order], failed)


def _result(call: Call, plan: Plan, trace: str | None, fresh: set[str] | None) -> dict[str, Any]:
    body = written(call.portal, plan.new)
    if fresh is not None:
        body["new"] = plan.new.id in fresh
    if trace:
        body["objectWriteTraceId"] = trace
    if plan.warnings:
        body["warnings"] = list(plan.warnings)
    return body


def _scatter(record_id: str) -> str:
    return hashlib.sha256(record_id.encode()).hexdigest()


def _shuffled(records: list[Record]) -> list[Record]:
    return sorted(records, key=lambda record: _scatter(record.id))


def batch_archive(call: Call, name: str) -> Response:
    """Move records to the recycle bin; 204 whether or not they exist."""
    kind = call.write_type(name)
    ids = [_id(raw) for raw in inputs_of(call.json())]
    found = [record for one in dict.fromkeys(ids) if (record := call.portal.records.find(kind.type_id, one))]
    call.writer.archive(kind, found, call.portal.app_actor)
    note().written = [record.id for record in found]
    return Response(status=204)
