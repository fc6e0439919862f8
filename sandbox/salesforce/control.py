"""What this vendor does for the common ``/_sandbox`` endpoints, and its own extra ones."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, request

from sandbox.salesforce.errors import SfError
from sandbox.salesforce.load import load, lookup
from sandbox.salesforce.oauth import Tokens
from sandbox.salesforce.org import API_USERNAME, Org
from sandbox.salesforce.outbound import OutboundMessages
from sandbox.salesforce.packaging import install_as_package
from sandbox.salesforce.quota import Quota
from sandbox.salesforce.recycle_bin import merge, purge, restore
from sandbox.salesforce.rules import set_rules
from sandbox.salesforce.schema import SObject
from sandbox.salesforce.soql_run import whole_record
from sandbox.salesforce.store import Change
from sandbox.salesforce.write import Writer, delete, insert, update
from sandbox.server.app import json_response
from sandbox.server.control import ControlError

ADMIN = "admin@customer.example"
"""Who edits where the caller names nobody."""


class Hooks:
    """The Salesforce part of the control endpoints (see ``sandbox.server.control.ControlHooks``)."""

    vendor = "salesforce"

    def __init__(self, org: Org, tokens: Tokens, outbound: OutboundMessages) -> None:
        """Work on ``org``."""
        self._org, self._tokens, self._outbound = org, tokens, outbound

    def load(self, folder: Path) -> dict[str, int]:
        """Load a portfolio folder; return rows made by object."""
        with self._org.lock:
            return load(self._org, folder)

    def edit(self, body: dict[str, Any]) -> str:
        """Create (no ``id``), change, delete, restore, merge or purge one record as a person would.

        Return its id; of a merge the survivor's, with the loser's id under ``merge``.
        """
        org = self._org
        with org.lock:
            obj = org.schema.get(str(body.get("object")))
            if obj is None:
                raise ControlError(f"unknown object {body.get('object')!r}")
            change = Change()
            w = Writer(org, org.person(_author(org, str(body.get("user") or ADMIN))), change)
            mark = org.locks.begin()
            values = dict(body.get("values") or {})
            row_id = str(body.get("id") or "")
            try:
                row_id = _edit(w, obj, row_id, values, body)
            except SfError as error:
                org.store.undo(change)
                raise ControlError(f"{error.code}: {error.message}", error.status) from error
            finally:
                org.locks.end(mark, at_once=True)
            changed = [(name, key, before is None) for key, (name, before) in change.before.items()]
            org.commit()
        for name, key, created in changed:
            org.changed(name, key, created)
        return row_id

    def lookup(self, ref: str) -> tuple[str, str] | None:
        """Return (object, id) of the record that portfolio key ``ref`` became."""
        return lookup(self._org, ref)

    def counts(self) -> dict[str, int]:
        """Return live rows by object."""
        with self._org.lock:
            return {o.name: sum(1 for _ in self._org.store.live(o.name)) for o in self._org.schema}

    def dump(self, object_name: str) -> list[dict[str, Any]]:
        """Return every row of an object with all its fields, deleted ones included."""
        with self._org.lock:
            obj = self._org.schema.get(object_name)
            if obj is None:
                raise ControlError(f"unknown object {object_name!r}", 404)
            sight = self._org.person("").access
            rows = self._org.store.table(obj.name).values()
            return [whole_record(self._org, sight, obj, row, 68) for row in rows]

    def configure_webhooks(self, body: dict[str, Any]) -> dict[str, Any]:
        """Set the outbound messages."""
        with self._org.lock:
            return self._outbound.configure(body)

    def credentials(self) -> dict[str, Any]:
        """Return what a client needs to know of the org."""
        user = self._org.user(API_USERNAME) or {}
        return {"org_id": self._org.org_id, "instance_url": request.host_url.rstrip("/"),
            "username": API_USERNAME,
                "user_id": user.get("Id"), "api_version": "68.0"}  # fmt: skip


def _author(org: Org, username: str) -> str:
    """Return the id of a person who edits, one who was not in the org joining it; never the API user's."""
    found = org.user(username)
    if found is not None:
        return str(found["Id"])
    return org.add_user(username, "", username.partition("@")[0].title(), username)


def _edit(w: Writer, obj: SObject, row_id: str, values: dict[str, Any], body: dict[str, Any]) -> str:
    """Do what one edit asks for; return the record's id."""
    if body.get("delete"):
        delete(w, obj, row_id)
    elif body.get("purge"):
        purge(w, obj, row_id)
    elif body.get("restore"):
        restore(w, obj, row_id)
    elif body.get("merge"):
        merge(w, obj, row_id, str(body["merge"]))
    elif row_id:
        update(w, obj, row_id, values)
    else:
        row_id = insert(w, obj, values)
    return row_id


def extra_blueprint(org: Org, tokens: Tokens, quota: Quota) -> Blueprint:
    """Return the control endpoints only this vendor has."""
    page = Blueprint("salesforce_control", __name__, url_prefix="/_sandbox")

    @page.post("/app")
    def _app() -> Response:
        try:
            with org.lock:
                answer = tokens.register(request.get_json(force=True))
                org.commit()
        except ValueError as error:
            return json_response({"error": str(error)}, 400)
        return json_response(answer)

    @page.post("/revoke")
    def _revoke() -> Response:
        with org.lock:
            return json_response({"revoked": tokens.revoke_all()})

    @page.post("/package")
    def _package() -> Response:
        body = request.get_json(force=True)
        with org.lock:
            install_as_package(org, str(body["namespace"]), body["components"])
        return json_response({"namespace": body["namespace"]})

    _usage_routes(page, org, quota)
    _rule_routes(page, org)
    return page


def _usage_routes(page: Blueprint, org: Org, quota: Quota) -> None:
    @page.post("/api_usage")
    def _api_usage() -> Response:
        body = request.get_json(force=True)
        with org.lock:
            quota.maximum = int(body.get("max", quota.maximum))
            quota.limits_hidden = bool(body.get("limits_hidden", quota.limits_hidden))
            if "used" in body:
                at = datetime.fromisoformat(body["at"]) if "at" in body else org.now()
                quota.set_used(int(body["used"]), at)
            for name in ("query jobs", "batches"):
                if name in body:
                    quota.set_bulk_used(name, int(body[name]))
            return json_response({"used": quota.used, "max": quota.maximum})

    @page.post("/long_requests")
    def _long_requests() -> Response:
        body = request.get_json(force=True)
        with org.lock:
            quota.run_long(int(body["running"]), int(body.get("refusals", 1)))
        return json_response({"running": int(body["running"])})


def _rule_routes(page: Blueprint, org: Org) -> None:
    def _set(kind: str) -> Response:
        body = request.get_json(force=True)
        rules = body.get("rules", [body]) if isinstance(body, dict) else body
        try:
            with org.lock:
                return json_response({"rules": set_rules(org, kind, rules)})
        except ValueError as error:
            return json_response({"error": str(error)}, 400)

    def _clear(kind: str) -> Response:
        with org.lock:
            return json_response({"rules": set_rules(org, kind, [])})

    for kind in ("validation", "duplicate"):
        url = f"/{kind}_rules"
        page.add_url_rule(url, f"set_{kind}", lambda kind=kind: _set(kind), methods=["POST"])
        page.add_url_rule(url, f"clear_{kind}", lambda kind=kind: _clear(kind), methods=["DELETE"])
