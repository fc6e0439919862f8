"""Lists over HTTP: making, finding, changing, members (HubSpot's Lists guide)."""

from __future__ import annotations

from typing import Any, Final

from flask import Response, request

from sandbox.hubspot.catalogue import ObjectType
from sandbox.hubspot.documents import Document
from sandbox.hubspot.errors import bad_json, invalid, missing_fields
from sandbox.hubspot.list_filters import Filters, compile_branch
from sandbox.hubspot.list_times import Moment
from sandbox.hubspot.lists import DYNAMIC, MANUAL, PROCESSING, not_by_hand
from sandbox.hubspot.times import stamp
from sandbox.hubspot.web import Call, Web, after_of, flag, limit_of, next_page
from sandbox.server.app import json_response, note

READ, WRITE = ("crm.lists.read", "crm.lists.write"), ("crm.lists.write",)
MOST_SEARCHED: Final = 500
MOST_MEMBERS: Final = 250
USER: Final = "7"


def register(web: Web) -> None:
    """Put the list handlers on the app."""
    one = "/<list_id>"
    web.route("POST", "lists", "", create_list)
    web.route("GET", "lists", "", lists_by_id)
    web.route("POST", "lists", "/search", search_lists)
    web.route("GET", "lists", "/object-type-id/<name>/name/<list_name>", list_by_name)
    web.route("GET", "lists", "/records/<name>/<record_id>/memberships", lists_of_record)
    web.route("GET", "lists", one, read_list)
    web.route("DELETE", "lists", one, delete_list)
    web.route("PUT", "lists", f"{one}/restore", restore_list)
    web.route("PUT", "lists", f"{one}/update-list-filters", update_filters)
    web.route("PUT", "lists", f"{one}/update-list-name", update_name)
    web.route("GET", "lists", f"{one}/memberships", read_members)
    web.route("DELETE", "lists", f"{one}/memberships", remove_all_members)
    for verb in ("add", "remove", "add-and-remove"):
        web.route("PUT", "lists", f"{one}/memberships/{verb}", change_members)


def _begin(call: Call, scopes: tuple[str, ...]) -> None:
    call.caller.need(scopes)
    note().object = "lists"


def _compiled(call: Call, kind: ObjectType, branch: Any) -> Filters:
    moment = Moment(call.portal.clock.now(), call.portal.options.time_zone)
    return compile_branch(branch, call.portal.properties.live(kind.type_id), moment)


def _matching(call: Call, kind: ObjectType, branch: Any) -> list[str]:
    filters = _compiled(call, kind, branch)
    live = call.portal.records.table(kind.type_id).live
    return [record.id for record in live.values() if filters.passes(record.values)]


def _members(call: Call, body: Document) -> dict[str, str]:
    """Return record ids with the instant they joined; a dynamic list's records joined when they changed."""
    kind = call.portal.type_of(body["objectTypeId"])
    live = call.portal.records.table(kind.type_id).live
    if body["processingType"] == DYNAMIC:
        found = _matching(call, kind, body["filterBranch"])
        return {one: stamp(live[one].updated) for one in found}
    return {one: stamp(at) for one, at in call.portal.lists.members(body["listId"]).items() if one in live}


def _shown(call: Call, body: Document, *, filters: bool) -> Document:
    shown = {key: value for key, value in body.items() if value is not None}
    if not filters:
        shown.pop("filterBranch", None)
    return {**shown, "size": len(_members(call, body))}


def create_list(call: Call) -> Response:
    """Make a list; a SNAPSHOT takes who matches now, a DYNAMIC one follows its filters."""
    _begin(call, WRITE)
    given = call.json()
    missing = [key for key in ("name", "objectTypeId", "processingType") if not given.get(key)]
    if missing:
        raise missing_fields(*missing)
    if given["processingType"] not in PROCESSING:
        raise invalid(f"Invalid processingType {given['processingType']}")
    kind = call.portal.type_of(str(given["objectTypeId"]))
    members: list[str] = []
    if given["processingType"] == MANUAL:
        if given.get("filterBranch"):
            raise invalid("A MANUAL list can't have filters")
    else:
        members = _matching(call, kind, given.get("filterBranch"))
    kept = [] if given["processingType"] == DYNAMIC else members
    made = call.portal.lists.create(given, kind.type_id, kept, USER)
    note().written = [made["listId"]]
    return json_response({"list": _shown(call, made, filters=True)})


def read_list(call: Call, list_id: str) -> Response:
    """Answer one list; its filters only with ``includeFilters=true``."""
    _begin(call, READ)
    body = call.portal.lists.read(list_id)
    return json_response({"list": _shown(call, body, filters=flag("includeFilters"))})


def list_by_name(call: Call, name: str, list_name: str) -> Response:
    """Answer the list of this object type and name."""
    _begin(call, READ)
    body = call.portal.lists.named(call.portal.type_of(name).type_id, list_name)
    return json_response({"list": _shown(call, body, filters=flag("includeFilters"))})


def lists_by_id(call: Call) -> Response:
    """Answer the lists of ``listIds``; ids without a list are left out."""
    _begin(call, READ)
    wanted = request.args.getlist("listIds")
    found = [body for body in call.portal.lists.live() if body["listId"] in wanted]
    filters = flag("includeFilters")
    return json_response({"lists": [_shown(call, body, filters=filters) for body in found]})


def search_lists(call: Call) -> Response:
    """Answer a page of lists whose name holds ``query``."""
    _begin(call, READ)
    given = call.json()
    count, offset = given.get("count", 20), given.get("offset", 0)
    if not isinstance(count, int) or not 1 <= count <= MOST_SEARCHED or not isinstance(offset, int):
        raise invalid(f"Invalid count {count}: it must be between 1 and {MOST_SEARCHED}")
    query = str(given.get("query") or "").lower()
    found = [
        body
        for body in call.portal.lists.live()
        if query in body["name"].lower()
        and given.get("objectTypeId") in (None, "", body["objectTypeId"])
        and (not given.get("processingTypes") or body["processingType"] in given["processingTypes"])
        and (not given.get("listIds") or body["listId"] in given["listIds"])
    ]
    page = [_searched(call, body) for body in found[offset : offset + count]]
    after = offset + len(page)
    answer = {"offset": after, "hasMore": after < len(found), "lists": page, "total": len(found)}
    return json_response(answer)


def _searched(call: Call, body: Document) -> Document:
    shown = _shown(call, body, filters=False)
    size = str(shown.pop("size"))
    return {**shown, "additionalProperties": {"hs_list_size": size, "hs_list_reference_count": "0"}}


def update_filters(call: Call, list_id: str) -> Response:
    """Replace the filters of a dynamic list."""
    _begin(call, WRITE)
    body = call.portal.lists.read(list_id)
    if body["processingType"] != DYNAMIC:
        raise invalid(f"The filters of a {body['processingType']} list can't be changed")
    branch = call.json().get("filterBranch")
    _compiled(call, call.portal.type_of(body["objectTypeId"]), branch)
    changed = call.portal.lists.change(body, filterBranch=branch)
    return json_response({"updatedList": _shown(call, changed, filters=True)})


def update_name(call: Call, list_id: str) -> Response:
    """Rename a list (``listName`` in the query)."""
    _begin(call, WRITE)
    body = call.portal.lists.read(list_id)
    name = request.args.get("listName", "")
    if not name:
        raise invalid("listName is missing")
    call.portal.lists.check_name(name, but=list_id)
    changed = call.portal.lists.change(body, name=name)
    return json_response({"updatedList": _shown(call, changed, filters=flag("includeFilters"))})


def delete_list(call: Call, list_id: str) -> Response:
    """Delete a list; 204. It can be restored for 90 days."""
    _begin(call, WRITE)
    call.portal.lists.delete(call.portal.lists.read(list_id))
    return Response(status=204)


def restore_list(call: Call, list_id: str) -> Response:
    """Bring a deleted list back; 204."""
    _begin(call, WRITE)
    call.portal.lists.restore(call.portal.lists.read(list_id, deleted=True))
    return Response(status=204)


def read_members(call: Call, list_id: str) -> Response:
    """Answer a page of members by record id."""
    _begin(call, READ)
    joined = _members(call, call.portal.lists.read(list_id))
    limit, after = limit_of(MOST_MEMBERS, 100), after_of()
    rest = [one for one in sorted(joined, key=int) if int(one) >= after]
    rows = [{"recordId": one, "membershipTimestamp": joined[one]} for one in rest[:limit]]
    answer: dict[str, Any] = {"results": rows, "total": len(joined)}
    if len(rest) > limit:
        answer["paging"] = next_page(rest[limit])
    note().rows_out = len(rows)
    return json_response(answer)


def change_members(call: Call, list_id: str) -> Response:
    """Add and remove records of a MANUAL or SNAPSHOT list."""
    _begin(call, WRITE)
    body = call.portal.lists.read(list_id)
    given, verb = call.any_json(), request.path.rsplit("/", 1)[1]
    if verb == "add-and-remove":
        if not isinstance(given, dict):
            raise bad_json("expected an object")
        add, remove = _ids(given.get("recordIdsToAdd")), _ids(given.get("recordIdsToRemove"))
    else:
        add, remove = (_ids(given), []) if verb == "add" else ([], _ids(given))
    if body["processingType"] == DYNAMIC:
        raise not_by_hand(body)
    return json_response(_changed(call, body, add, remove))


def _ids(given: Any) -> list[str]:
    if given is not None and not isinstance(given, list):
        raise bad_json("expected a list of record ids")
    return [str(one) for one in given or []]


def _changed(call: Call, body: Document, add: list[str], remove: list[str]) -> dict[str, list[str]]:
    held = call.portal.lists.members(body["listId"])
    live = call.portal.records.table(body["objectTypeId"]).live
    missing = [one for one in [*add, *remove] if one not in live]
    added = [one for one in dict.fromkeys(add) if one in live and one not in held]
    removed = [one for one in dict.fromkeys(remove) if one in live and one in held]
    now = call.portal.clock.now_ms()
    kept = {one: at for one, at in held.items() if one not in removed} | dict.fromkeys(added, now)
    call.portal.lists.put_members(body["listId"], kept)
    return {"recordsIdsAdded": added, "recordIdsRemoved": removed, "recordIdsMissing": missing}


def remove_all_members(call: Call, list_id: str) -> Response:
    """Empty a MANUAL or SNAPSHOT list; 204."""
    _begin(call, WRITE)
    body = call.portal.lists.read(list_id)
    if body["processingType"] == DYNAMIC:
        raise not_by_hand(body)
    call.portal.lists.put_members(list_id, {})
    return Response(status=204)


def lists_of_record(call: Call, name: str, record_id: str) -> Response:
    """Answer the lists a record is in."""
    _begin(call, READ)
    kind = call.portal.type_of(name)
    rows = []
    for body in call.portal.lists.live():
        joined = _members(call, body).get(record_id) if body["objectTypeId"] == kind.type_id else None
        if joined:
            row = {"listId": body["listId"], "listVersion": body["listVersion"], "isPublicList": True}
            rows.append({**row, "firstAddedTimestamp": joined, "lastAddedTimestamp": joined})
    return json_response({"results": rows, "total": len(rows)})
