"""Control endpoints for what an org has room and time for: record locks, data storage."""

from __future__ import annotations

from flask import Blueprint, Response, request

from sandbox.salesforce.org import Org
from sandbox.salesforce.storage import limit_kb, set_limit, used_kb
from sandbox.server.app import json_response


def room_blueprint(org: Org) -> Blueprint:
    """Return ``/_sandbox/locks`` and ``/_sandbox/storage``."""
    page = Blueprint("salesforce_room", __name__, url_prefix="/_sandbox")

    @page.post("/locks")
    def _lock() -> Response:
        body = request.get_json(force=True)
        org.locks.hold_s = float(body.get("hold_seconds", org.locks.hold_s))
        org.locks.hold(body.get("records", []))
        return json_response({"refused": org.locks.refused})

    @page.delete("/locks")
    def _let_go() -> Response:
        org.locks.let_go()
        return json_response({"refused": org.locks.refused})

    @page.post("/storage")
    def _storage() -> Response:
        body = request.get_json(force=True)
        with org.lock:
            if "free_rows" in body:
                set_limit(org, used_kb(org) + 2 * int(body["free_rows"]))
            if "max_mb" in body:
                set_limit(org, 1024 * int(body["max_mb"]))
            return json_response({"used_kb": used_kb(org), "max_kb": limit_kb(org)})

    return page
