"""``/_sandbox/portal``: what an admin of the portal, or the app's developer, sets by hand."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request

from sandbox.hubspot.portal import Portal
from sandbox.hubspot.times import stamp
from sandbox.server.app import CONTROL, json_response
from sandbox.server.control import ControlError


def portal_blueprint(portal: Portal) -> Blueprint:
    """Return the control endpoint of the portal's settings."""
    page = Blueprint("portal", __name__, url_prefix=CONTROL)

    @page.get("/portal")
    def _read() -> Response:
        return json_response(_state(portal))

    @page.post("/portal")
    def _change() -> Response:
        body = request.get_json(force=True)
        with portal.services.lock:
            _set_access(portal, body)
            _set_rules(portal, body)
            made = _set_owners(portal, body)
        return json_response({**_state(portal), **made})

    @page.errorhandler(ControlError)
    def _refused(refused: ControlError) -> Response:
        return json_response({"error": str(refused)}, refused.status)

    return page


def _state(portal: Portal) -> dict[str, Any]:
    used, cap, _ = portal.quota.usage()
    settings = portal.services.settings
    return {
        "portal_id": portal.options.portal_id,
        "tier": portal.options.tier,
        "app": portal.options.app,
        "app_file": settings.get("app") or {},
        "scopes": list(portal.access.scopes),
        "write_rules": portal.write_rules(),
        "edit_associations": settings.get("edit_associations", True),
        "daily_used": used,
        "daily_cap": cap,
    }


def _set_access(portal: Portal, body: dict[str, Any]) -> None:
    if "scopes" in body:
        portal.access.grant(tuple(body["scopes"]))
    if "app_file" in body:
        known = {"required_scopes", "redirect_urls"}
        if unknown := set(body["app_file"]) - known:
            raise ControlError(f"unknown keys in app_file: {sorted(unknown)}, known: {sorted(known)}")
        portal.services.settings.put("app", body["app_file"])
    if body.get("uninstall"):
        portal.access.uninstall()
    if body.get("close"):
        portal.access.close()
    if "other_apps_requests" in body:
        portal.quota.spend(int(body["other_apps_requests"]))


def _set_rules(portal: Portal, body: dict[str, Any]) -> None:
    for name in ("write_rules", "edit_associations"):
        if name in body:
            portal.services.settings.put(name, body[name])


def _set_owners(portal: Portal, body: dict[str, Any]) -> dict[str, str]:
    made: dict[str, str] = {}
    if given := body.get("add_owner"):
        made["owner"] = _add_owner(portal, given)
    if "archive_owner" in body:
        held = portal.documents.get("owner", "", str(body["archive_owner"]))
        if held is None:
            raise ControlError(f"no owner {body['archive_owner']}", 404)
        gone = {**held, "archived": True, "userId": None, "updatedAt": stamp(portal.clock.now_ms())}
        portal.documents.put("owner", "", held["id"], gone)
    return made


def _add_owner(portal: Portal, given: dict[str, Any]) -> str:
    number = len(portal.documents.all("owner"))
    owner_id, user_id = str(81_000_001 + number), 51_000_001 + number
    now = stamp(portal.clock.now_ms())
    body = {
        "id": owner_id,
        "email": str(given["email"]),
        "type": "PERSON",
        "firstName": str(given.get("first_name", "")),
        "lastName": str(given.get("last_name", "")),
        "userId": user_id,
        "userIdIncludingInactive": user_id,
        "createdAt": now,
        "updatedAt": now,
        "archived": False,
        "teams": [],
    }
    portal.documents.put("owner", "", owner_id, body)
    return owner_id
