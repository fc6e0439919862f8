"""The account, its daily use, and its owners."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Response, request

from sandbox.hubspot.errors import not_found
from sandbox.hubspot.times import stamp
from sandbox.hubspot.web import Call, Web, after_of, flag, limit_of, next_page
from sandbox.server.app import json_response, note

_ZERO = timedelta()


def register(web: Web) -> None:
    """Put the account handlers on the app."""
    web.route("GET", "account", "/details", details)
    web.route("GET", "account", "/api-usage/daily/private-apps", daily_usage)
    web.route("GET", "owners", "", list_owners)
    web.route("GET", "owners", "/<owner_id>", read_owner)


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
        "resetsAt": (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0).isoformat(),
    }
    return json_response({"results": [row]})


def list_owners(call: Call) -> Response:
    """Answer a page of owners, or the one with this email."""
    call.caller.need(("crm.objects.owners.read",))
    note().object = "owners"
    limit = limit_of(500, 100)
    archived = flag("archived")
    email = request.args.get("email")
    found = [
        owner
        for owner in call.portal.documents.all("owner")
        if owner["archived"] == archived and email in (None, "", owner["email"])
    ]
    start = after_of()
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
        if str(owner[key]) == owner_id and owner["archived"] == flag("archived"):
            return json_response(owner)
    raise not_found()
