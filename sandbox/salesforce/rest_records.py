"""``/sobjects``: describe, and one record at a time by id or external id (REST API guide)."""

from __future__ import annotations

from datetime import UTC
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

from sandbox.salesforce.access import Access
from sandbox.salesforce.describe import describe, summary
from sandbox.salesforce.errors import SfError, no_such_column, resource_missing
from sandbox.salesforce.org import Org
from sandbox.salesforce.schema import Field, SObject
from sandbox.salesforce.soql_run import whole_record
from sandbox.salesforce.store import Row
from sandbox.salesforce.web import Answer, Call, Router, acting, changing
from sandbox.salesforce.write import delete, existing, insert, matches, update, upsert


def register(router: Router) -> None:
    """Add the record routes."""
    router.add("GET", "sobjects", list_objects)
    router.add("GET", "sobjects/*", object_info)
    router.add("POST", "sobjects/*", create)
    router.add("GET", "sobjects/*/describe", describe_object)
    router.add("GET", "sobjects/*/*", read)
    router.add("PATCH", "sobjects/*/*", change)
    router.add("DELETE", "sobjects/*/*", remove)
    router.add("GET", "sobjects/*/*/*", read_by_key)
    router.add("PATCH", "sobjects/*/*/*", upsert_by_key)
    router.add("DELETE", "sobjects/*/*/*", remove_by_key)


def visible(org: Org, call: Call, name: str) -> tuple[SObject, Access]:
    """Return an object of the address and the caller's sight, or 404."""
    access = acting(org, call).access
    obj = access.object(name)
    if obj is None:
        raise resource_missing()
    call.note.object = obj.name
    return obj, access


def list_objects(org: Org, call: Call) -> Answer:
    """Return the global describe."""
    access = acting(org, call).access
    found = [summary(o, access, call.version) for o in org.schema if access.object(o.name)]
    return _unless_known(org, call, {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": found})


def object_info(org: Org, call: Call, name: str) -> Answer:
    """Return basic information of an object."""
    obj, access = visible(org, call, name)
    return Answer(body={"objectDescribe": summary(obj, access, call.version), "recentItems": []})


def describe_object(org: Org, call: Call, name: str) -> Answer:
    """Full describe; 304 where nothing changed since ``If-Modified-Since``."""
    obj, access = visible(org, call, name)
    return _unless_known(org, call, describe(org.schema, access, obj, call.version))


def _unless_known(org: Org, call: Call, body: Any) -> Answer:
    changed = org.described_at()
    headers = {"Last-Modified": format_datetime(changed.astimezone(UTC), usegmt=True)}
    since = call.headers.get("if-modified-since")
    if since:
        try:
            known = parsedate_to_datetime(since)
        except ValueError:
            known = None
        if known is not None and changed <= known:
            return Answer(304, headers=headers)
    return Answer(body=body, headers=headers)


def create(org: Org, call: Call, name: str) -> Answer:
    """Create one record."""
    obj, _ = visible(org, call, name)
    body = call.object()
    call.note.rows_in = 1
    with changing(org, call) as w:
        row_id = insert(w, obj, body)
    return _created(call, obj, row_id, created=None)


def _created(call: Call, obj: SObject, row_id: str, *, created: bool | None) -> Answer:
    call.note.written.append(row_id)
    body: dict[str, Any] = {"id": row_id, "success": True, "errors": []}
    if created is not None:
        body["created"] = created
    headers = {"Location": f"/services/data/v{call.version}.0/sobjects/{obj.name}/{row_id}"}
    return Answer(200 if created is False else 201, body, {} if created is False else headers)


def read(org: Org, call: Call, name: str, row_id: str) -> Answer:
    """Return a record's fields."""
    obj, access = visible(org, call, name)
    return shown(org, call, obj, access, existing(org, obj, row_id))


def shown(org: Org, call: Call, obj: SObject, access: Access, row: Row) -> Answer:
    """Return a row with all fields or those of ``?fields=``. Raises INVALID_FIELD."""
    whole = whole_record(org, access, obj, row, call.version)
    call.note.rows_out = 1
    wanted = call.args.get("fields")
    if not wanted:
        return Answer(body=whole)
    names = {n.lower(): n for n in whole}
    picked: dict[str, Any] = {"attributes": whole["attributes"]}
    for part in wanted.split(","):
        key = names.get(part.strip().lower())
        if key is None:
            raise no_such_column(part.strip(), obj.name)
        picked[key] = whole[key]
    return Answer(body={**picked, "Id": whole["Id"]})


def change(org: Org, call: Call, name: str, row_id: str) -> Answer:
    """Update a record by id."""
    obj, _ = visible(org, call, name)
    body = call.object()
    call.note.rows_in = 1
    if any(k.lower() == "id" for k in body):
        raise SfError(
            "INVALID_FIELD", "The Id field should not be specified in the sobject data.", fields=("Id",)
        )
    with changing(org, call) as w:
        update(w, obj, row_id, body)
    call.note.written.append(existing(org, obj, row_id)["Id"])
    return Answer(204)


def remove(org: Org, call: Call, name: str, row_id: str) -> Answer:
    """Delete a record by id."""
    obj, _ = visible(org, call, name)
    call.note.rows_in = 1
    with changing(org, call) as w:
        delete(w, obj, row_id)
    call.note.written.append(row_id)
    return Answer(204)


def key_field(obj: SObject, access: Access, name: str) -> Field:
    """Return an external-id field by name. Raises NOT_FOUND where it is none."""
    f = access.fields(obj).get(name.lower())
    if f is None or not (f.external_id or f.name == "Id"):
        words = f"Provided external ID field does not exist or is not accessible: {name}"
        raise SfError("NOT_FOUND", words, 404)
    return f


def _several(call: Call, obj: SObject, found: list[str]) -> Answer:
    base = f"/services/data/v{call.version}.0/sobjects/{obj.name}/"
    return Answer(300, [base + i for i in found])


def read_by_key(org: Org, call: Call, name: str, key: str, value: str) -> Answer:
    """Return a record by external id; 300 with their addresses where several have it."""
    obj, access = visible(org, call, name)
    found = matches(org, obj, key_field(obj, access, key), value)
    if len(found) > 1:
        return _several(call, obj, found)
    if not found:
        raise resource_missing()
    return shown(org, call, obj, access, existing(org, obj, found[0]))


def upsert_by_key(org: Org, call: Call, name: str, key: str, value: str) -> Answer:
    """Create or update by external id: 201 created, 200 updated, 300 several."""
    obj, access = visible(org, call, name)
    f = key_field(obj, access, key)
    body = call.object()
    call.note.rows_in = 1
    for given in body:
        if given.lower() in (f.name.lower(), "id"):
            words = f"The {given} field should not be specified in the sobject data."
            raise SfError("INVALID_FIELD", words, fields=(given,))
    found = matches(org, obj, f, value)
    if len(found) > 1:
        return _several(call, obj, found)
    with changing(org, call) as w:
        row_id, created = upsert(w, obj, f, value, body, update_only=call.flag("updateOnly"))
    return _created(call, obj, row_id, created=created)


def remove_by_key(org: Org, call: Call, name: str, key: str, value: str) -> Answer:
    """Delete by external id."""
    obj, access = visible(org, call, name)
    found = matches(org, obj, key_field(obj, access, key), value)
    if len(found) > 1:
        return _several(call, obj, found)
    if not found:
        raise resource_missing()
    return remove(org, call, name, found[0])
