"""``POST …/search`` (HubSpot's "Search the CRM"): caps, the 10,000 window, and the index that lags."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from sandbox.hubspot.errors import invalid
from sandbox.hubspot.reading import texts
from sandbox.hubspot.search import compile_groups, compile_query, order
from sandbox.hubspot.shapes import Wanted, shown
from sandbox.hubspot.web import Call, Web
from sandbox.server.app import json_response, note

MAX_BODY, MAX_LIMIT, WINDOW = 3000, 200, 10_000


def register(web: Web) -> None:
    """Put the search handler on the app."""
    web.route("POST", "objects", "/<name>/search", search, limit="search")


def search(call: Call, name: str) -> Response:
    """Answer one page of matches, as the index knows the records."""
    kind = call.read_type(name)
    if len(request.get_data().decode("utf-8", "replace")) > MAX_BODY:
        raise invalid(f"The request body is too long: the maximum is {MAX_BODY} characters")
    body = call.json()
    limit, after = _page(body)
    groups = body.get("filterGroups") or ([{"filters": body["filters"]}] if body.get("filters") else [])
    question = compile_groups(call.portal, kind, groups)
    found = question.matches(call.portal.records.table(kind.type_id).indexed(question.above))
    if body.get("query"):
        asked = compile_query(kind, str(body["query"]))
        found = [record for record in found if asked(record)]
    found = order(call.portal, kind, found, body.get("sorts") or [])
    wanted = Wanted(tuple(texts(body.get("properties"), "properties")))
    page = found[after : after + limit]
    answer: dict[str, Any] = {
        "total": len(found),
        "results": [shown(call.portal, kind, record, wanted) for record in page],
    }
    if after + limit < len(found):
        answer["paging"] = {"next": {"after": str(after + limit)}}
    note().rows_out = len(page)
    return json_response(answer)


def _page(body: dict[str, Any]) -> tuple[int, int]:
    limit = body.get("limit", 10)
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= MAX_LIMIT:
        raise invalid(f"Invalid limit {limit}: it must be between 1 and {MAX_LIMIT}")
    after = str(body.get("after") or "0")
    if not after.isdigit():
        raise invalid(f"Invalid after {after}: it must be an integer")
    if int(after) + limit > WINDOW:
        raise invalid(f"Paging past {WINDOW} results is not supported: after {after}, limit {limit}")
    return limit, int(after)
