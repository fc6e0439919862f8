"""The account, its owners, its limits, and lists in short."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Response, request

from sandbox.hubspot.errors import error, invalid, not_found
from sandbox.hubspot.schemas import live_schemas
from sandbox.hubspot.times import stamp
from sandbox.hubspot.web import Call, Web, limit_of, next_page
from sandbox.server.app import json_response, note

_TIERS = {"free": 1_000_000, "starter": 1_000_000, "professional": 5_000_000, "enterprise": 15_000_000}
_CUSTOM_RECORDS = 1_000_000
_ZERO = timedelta()


def register(web: Web) -> None:
    """Put the account handlers on the app."""
    web.route("GET", "account", "/details", details)
    web.route("GET", "account", "/api-usage/daily/private-apps", daily_usage)
    web.route("GET", "limits", "/custom-object-types", custom_object_limit)
    web.route("GET", "limits", "/records", record_limits)
    web.route("GET", "owners", "", list_owners)
    web.route("GET", "owners", "/<owner_id>", read_owner)
    web.route("POST", "lists", "", create_list)
    web.route("GET", "lists", "/<list_id>", read_list)
    web.route("DELETE", "lists", "/<list_id>", delete_list)


def details(call: Call) -> Response:
    """Answer the account's details."""
    note().object = "account"
    options = call.portal.options
    body = {
        "portalId": options.portal_id,
        "accountType": "STANDARD",
        "timeZone": options.time_zone,
        "companyCurrency": call.portal.services.settings.get("currency", options.currency),
        "additionalCurrencies": call.portal.services.settings.get("currencies", []),
        "utcOffset": call.portal.quota.usage()[2].strftime("%z")[:3] + ":00",
        "utcOffsetMilliseconds": int(
            (call.portal.quota.usage()[2].utcoffset() or _ZERO).total_seconds() * 1000
        ),
        "uiDomain": "app.hubspot.com",
        "dataHostingLocation": "na1",
    }
    return json_response(body)


def daily_usage(call: Call) -> Response:
    """Answer how much of the account's daily limit is used."""
    used, cap, now = call.portal.quota.usage()
    row = {
        "name": "private-apps-api-calls-daily",
        "usageLimit": cap,
        "currentUsage": used,
        "collectedAt": stamp(call.portal.clock.now_ms()),
        "fetchStatus": "SUCCESS",
        "resetsAt": now.replace(hour=0, minute=0, second=0, microsecond=0).isoformat(),
    }
    return json_response({"results": [row]})


def custom_object_limit(call: Call) -> Response:
    """Answer how many custom object definitions the account may have and has."""
    note().object = "limits"
    limit = call.portal.options.custom_objects if call.portal.options.tier == "enterprise" else 0
    usage = len(live_schemas(call.portal))
    percentage = round(100 * usage / limit, 2) if limit else 0
    return json_response({"limit": limit, "usage": usage, "percentage": percentage})


def record_limits(call: Call) -> Response:
    """Answer how many records of each type the account may have and has."""
    note().object = "limits"
    rows: dict[str, list[dict[str, Any]]] = {"hubspotDefinedObjectTypes": [], "customObjectTypes": []}
    for kind in call.portal.catalogue.all():
        limit = _CUSTOM_RECORDS if kind.custom else _TIERS[call.portal.options.tier]
        usage = len(call.portal.records.table(kind.type_id).live)
        rows["customObjectTypes" if kind.custom else "hubspotDefinedObjectTypes"].append(
            {
                "objectTypeId": kind.type_id,
                "singularLabel": kind.singular,
                "pluralLabel": kind.plural,
                "limit": limit,
                "usage": usage,
                "percentage": round(100 * usage / limit, 4),
            }
        )
    return json_response(rows)


def list_owners(call: Call) -> Response:
    """Answer a page of owners, or the one with this email."""
    call.caller.need(("crm.objects.owners.read",))
    note().object = "owners"
    limit = limit_of(500, 100)
    archived = request.args.get("archived", "false").lower() == "true"
    email = request.args.get("email")
    found = [
        owner
        for owner in call.portal.documents.all("owner")
        if owner["archived"] == archived and email in (None, "", owner["email"])
    ]
    start = int(request.args.get("after", "0"))
    rest = [owner for owner in found if int(owner["id"]) >= start]
    body: dict[str, Any] = {"results": rest[:limit]}
    if len(rest) > limit:
        body["paging"] = next_page(rest[limit]["id"])
    note().rows_out = len(body["results"])
    return json_response(body)


def read_owner(call: Call, owner_id: str) -> Response:
    """Answer one owner by id (or by user id with ``idProperty=userId``)."""
    call.caller.need(("crm.objects.owners.read",))
    note().object = "owners"
    key = "userId" if request.args.get("idProperty") == "userId" else "id"
    for owner in call.portal.documents.all("owner"):
        if str(owner[key]) == owner_id:
            return json_response(owner)
    raise not_found()


def create_list(call: Call) -> Response:
    """Make a list (segment); its filters are kept, not evaluated."""
    call.caller.need(("crm.lists.write",))
    note().object = "lists"
    given = call.json()
    for key in ("name", "objectTypeId", "processingType"):
        if not given.get(key):
            raise invalid(f"Invalid input JSON: some required fields were not set: [{key}]")
    if given["processingType"] not in ("DYNAMIC", "MANUAL", "SNAPSHOT"):
        raise invalid(f"Invalid processingType {given['processingType']}")
    if given["processingType"] != "MANUAL":
        _check_branch(given.get("filterBranch"))
    held = call.portal.documents.all("list")
    if any(body["name"] == given["name"] for body in held):
        raise error(409, "CONFLICT", f"A list named '{given['name']}' already exists.")
    call.portal.type_of(str(given["objectTypeId"]))
    now = stamp(call.portal.clock.now_ms())
    number = call.portal.services.settings.get("lists_made", 0) + 1
    call.portal.services.settings.put("lists_made", number)
    body = {
        "listId": str(number),
        "listVersion": 1,
        "name": given["name"],
        "objectTypeId": given["objectTypeId"],
        "processingType": given["processingType"],
        "processingStatus": "COMPLETE",
        "filterBranch": given.get("filterBranch"),
        "createdAt": now,
        "updatedAt": now,
        "size": 0,
    }
    call.portal.documents.put("list", "", body["listId"], body)
    return json_response({"list": body})


def _check_branch(branch: Any) -> None:
    if not isinstance(branch, dict) or branch.get("filterBranchType") != "OR":
        raise invalid("The root filter branch must be of type OR")
    children = branch.get("filterBranches") or []
    if not children or any(child.get("filterBranchType") != "AND" for child in children):
        raise invalid("The root OR filter branch must have one or more AND sub-filter branches")


def _list(call: Call, list_id: str) -> dict[str, Any]:
    found = call.portal.documents.get("list", "", list_id)
    if found is None:
        raise not_found(f"List does not exist with ID {list_id}.")
    return found


def read_list(call: Call, list_id: str) -> Response:
    """Answer one list."""
    call.caller.need(("crm.lists.read",))
    note().object = "lists"
    return json_response({"list": _list(call, list_id)})


def delete_list(call: Call, list_id: str) -> Response:
    """Delete a list; 204."""
    call.caller.need(("crm.lists.write",))
    note().object = "lists"
    _list(call, list_id)
    call.portal.documents.drop("list", "", list_id)
    return Response(status=204)
