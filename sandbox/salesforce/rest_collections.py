"""``/composite/sobjects``: up to 200 records in one call, each with its own result, in request order.

With ``allOrNone`` one failure takes the others back (``ALL_OR_NONE_OPERATION_ROLLED_BACK``), and the
HTTP status stays 200 (REST API guide, sObject Collections).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from sandbox.salesforce.errors import SfError, dml, no_such_column
from sandbox.salesforce.faults import refuse_locked
from sandbox.salesforce.ids import to18
from sandbox.salesforce.org import Org
from sandbox.salesforce.rest_records import key_field, visible
from sandbox.salesforce.schema import Field, SObject
from sandbox.salesforce.soql_ast import Path
from sandbox.salesforce.soql_run import renderer
from sandbox.salesforce.soql_where import Scope
from sandbox.salesforce.store import Change
from sandbox.salesforce.web import Answer, Call, Router, acting, given_flag, writer
from sandbox.salesforce.write import Writer, delete, insert, update, upsert

Json = dict[str, Any]
RowWrite = Callable[[Writer, int], tuple[str, bool | None]]
LIMIT = 200
_CHUNKS = 10
_RETRIEVE_LIMIT = 2000


def register(router: Router) -> None:
    """Add the collection routes."""
    router.add("POST", "composite/sobjects", create)
    router.add("PATCH", "composite/sobjects", change)
    router.add("DELETE", "composite/sobjects", remove)
    router.add("GET", "composite/sobjects/*", retrieve)
    router.add("POST", "composite/sobjects/*", retrieve)
    router.add("PATCH", "composite/sobjects/*/*", upsert_all)


def _records(call: Call) -> tuple[list[Json], bool]:
    body = call.object()
    unknown = set(body) - {"records", "allOrNone"}
    records = body.get("records")
    if unknown or not isinstance(records, list) or not all(isinstance(r, dict) for r in records):
        name = next(iter(unknown), "records")
        raise SfError(
            "JSON_PARSER_ERROR", f'Unrecognized field "{name}" in sObject collection at [line:1, column:1]'
        )
    check_size(len(records))
    if not records:
        raise SfError("INVALID_INPUT", "The request must contain at least one record.")
    call.note.rows_in = len(records)
    return records, given_flag(body, "allOrNone")


def check_size(count: int) -> None:
    """Raise EXCEEDED_ID_LIMIT above 200 records."""
    if count > LIMIT:
        words = f"record limit reached. cannot submit more than {LIMIT} records into this call"
        raise SfError("EXCEEDED_ID_LIMIT", words)


def _typed(org: Org, call: Call, record: Json) -> SObject:
    attributes = record.get("attributes")
    name = attributes.get("type") if isinstance(attributes, dict) else None
    if not name:
        raise SfError("INVALID_INPUT", "The attributes/type of each record must be specified.")
    obj = acting(org, call).access.object(str(name))
    if obj is None:
        raise dml("INVALID_TYPE", f"sObject type '{name}' is not supported.")
    call.note.object = call.note.object or obj.name
    return obj


def _types(org: Org, call: Call, records: list[Json]) -> list[SObject | SfError]:
    found: list[SObject | SfError] = []
    chunks, last = 0, None
    for record in records:
        try:
            obj: SObject | SfError = _typed(org, call, record)
        except SfError as error:
            if error.code == "INVALID_INPUT":
                raise
            obj = error
        name = obj.name if isinstance(obj, SObject) else None
        chunks, last = chunks + (name != last), name
        found.append(obj)
    if chunks > _CHUNKS:
        raise SfError("INVALID_INPUT", f"The request has more than {_CHUNKS} chunks of record types.")
    return found


def run_rows(org: Org, call: Call, count: int, write: RowWrite, *, all_or_none: bool) -> list[Json]:
    """Write rows one by one, each undone alone where it fails, or all where ``all_or_none``."""
    whole = Change()
    results = [_row(org, call, whole, write, index) for index in range(count)]
    failed = any(not r["success"] for r in results)
    if failed and all_or_none:
        org.store.undo(whole)
        rolled = dml(
            "ALL_OR_NONE_OPERATION_ROLLED_BACK",
            "Record rolled back because not all records were valid and the request was using AllOrNone "
            "header",
        )
        results = [r if not r["success"] else {"success": False,
            "errors": [rolled.row()]} for r in results]  # fmt: skip
    if call.within is not None:
        call.within.join(whole)
    call.note.written += [r["id"] for r in results if r["success"]]
    return results


def _row(org: Org, call: Call, whole: Change, write: RowWrite, index: int) -> Json:
    change = Change()
    try:
        refuse_locked(call.note.fault, index)
        row_id, created = write(writer(org, call, change), index)
    except SfError as error:
        org.store.undo(change)
        return {"success": False, "errors": [error.row()]}
    whole.join(change)
    result: Json = {"id": row_id, "success": True, "errors": []}
    return result if created is None else {**result, "created": created}


def create(org: Org, call: Call) -> Answer:
    """Create up to 200 records of up to 10 runs of types."""
    records, all_or_none = _records(call)
    types = _types(org, call, records)

    def write(w: Writer, index: int) -> tuple[str, None]:
        return insert(w, _known(types[index]), records[index]), None

    return Answer(body=run_rows(org, call, len(records), write, all_or_none=all_or_none))


def _known(obj: SObject | SfError) -> SObject:
    if isinstance(obj, SfError):
        raise obj
    return obj


def change(org: Org, call: Call) -> Answer:
    """Update up to 200 records by ``id``."""
    records, all_or_none = _records(call)
    types = _types(org, call, records)
    ids = [next((v for k, v in r.items() if k.lower() == "id"), None) for r in records]
    often = Counter(to18(i) for i in ids if isinstance(i, str))

    def write(w: Writer, index: int) -> tuple[str, None]:
        obj, row_id = _known(types[index]), _given_id(ids[index], often)
        update(w, obj, row_id, {k: v for k, v in records[index].items() if k.lower() != "id"})
        return row_id, None

    return Answer(body=run_rows(org, call, len(records), _as_dml(write), all_or_none=all_or_none))


def _given_id(value: Any, often: Counter[str | None]) -> str:
    if value is None:
        raise dml("MISSING_ARGUMENT", "Id not specified in an update call")
    full = to18(str(value))
    if full is None:
        raise dml("MALFORMED_ID", f"malformed id {value}", "Id")
    if often[full] > 1:
        raise dml("DUPLICATE_VALUE", f"duplicate id specified: {full}")
    return full


def _as_dml(write: RowWrite) -> RowWrite:
    """Name a missing row as collections do: INVALID_CROSS_REFERENCE_KEY."""

    def renamed(w: Writer, index: int) -> tuple[str, bool | None]:
        try:
            return write(w, index)
        except SfError as error:
            if error.code == "NOT_FOUND":
                raise dml("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id") from error
            raise

    return renamed


def remove(org: Org, call: Call) -> Answer:
    """Delete up to 200 records given as ``?ids=a,b``."""
    ids = [i for i in call.args.get("ids", "").split(",") if i]
    check_size(len(ids))
    if not ids:
        raise SfError("REQUIRED_FIELD_MISSING", "The 'ids' parameter is required")
    call.note.rows_in = len(ids)

    def write(w: Writer, index: int) -> tuple[str, None]:
        full = to18(ids[index])
        obj = org.schema.by_prefix(full[:3]) if full else None
        if full is None or obj is None or w.actor.access.object(obj.name) is None:
            raise dml("MALFORMED_ID", f"malformed id {ids[index]}")
        delete(w, obj, full)
        return full, None

    rows = run_rows(org, call, len(ids), _as_dml(write), all_or_none=call.flag("allOrNone"))
    return Answer(body=rows)


def upsert_all(org: Org, call: Call, name: str, key: str) -> Answer:
    """Upsert up to 200 records of one type by an external id."""
    obj, access = visible(org, call, name)
    f = key_field(obj, access, key)
    records, all_or_none = _records(call)
    for record in records:
        if _typed(org, call, record).name != obj.name:
            words = f"The type of each record must be {obj.name}, as in the request's URL"
            raise SfError("INVALID_INPUT", words)
    keys = [next((v for k, v in r.items() if k.lower() == f.name.lower()), None) for r in records]
    often = Counter(_folded(f, k) for k in keys)

    def write(w: Writer, index: int) -> tuple[str, bool]:
        value = keys[index]
        if value is None or value == "":
            raise dml("MISSING_ARGUMENT", f"{f.name} not specified")
        if often[_folded(f, value)] > 1:
            raise dml("DUPLICATE_VALUE", f"Duplicate external id specified: {value}", f.name)
        body = {k: v for k, v in records[index].items() if k.lower() != f.name.lower()}
        if any(k.lower() == "id" for k in body):
            raise dml("INVALID_FIELD_FOR_INSERT_UPDATE", "cannot specify Id in an upsert call", "Id")
        return upsert(w, obj, f, value, body)

    return Answer(body=run_rows(org, call, len(records), write, all_or_none=all_or_none))


def _folded(f: Field, value: Any) -> Any:
    return value.lower() if isinstance(value, str) and not f.case_sensitive else value


def retrieve(org: Org, call: Call, name: str) -> Answer:
    """Return records by id with chosen fields, in request order, null where one is not there."""
    obj, access = visible(org, call, name)
    if call.method == "POST":
        body = call.object()
        ids, fields = list(body.get("ids") or []), list(body.get("fields") or [])
    else:
        ids, fields = (call.args.get(n, "").split(",") for n in ("ids", "fields"))
    if len(ids) > (_RETRIEVE_LIMIT if call.method == "POST" else 800):
        raise SfError(
            "EXCEEDED_ID_LIMIT", f"record limit reached. cannot submit more than {_RETRIEVE_LIMIT} records"
        )
    if not any(ids) or not any(fields):
        raise SfError("INVALID_INPUT", "ids and fields must be given")
    for wanted in fields:
        if "." not in wanted and wanted.lower() not in access.fields(obj):
            raise no_such_column(wanted, obj.name)
    names = {f.lower(): f for f in [*fields, "Id"]}
    paths = tuple(Path(tuple(n.split(".")), 0) for n in names.values())
    show = renderer(Scope(org, access, obj, "", lambda _q: []), paths, call.version)
    rows = [org.store.find(obj.name, to18(str(i)) or "") for i in ids]
    call.note.rows_out = sum(r is not None for r in rows)
    return Answer(body=[show(r) if r and not r.get("IsDeleted") else None for r in rows])
