"""Control endpoints that make an org as messy as real ones: record types, flows, field access, CPQ, features.

Each takes effect at once and is kept with the org. Neighbours: ``control.py`` has the other endpoints.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, request

from sandbox.salesforce.features import set_features
from sandbox.salesforce.field_access import set_field_access
from sandbox.salesforce.flows import set_flows
from sandbox.salesforce.history_rows import track
from sandbox.salesforce.oauth import Tokens
from sandbox.salesforce.org import Org
from sandbox.salesforce.org_changes import change_org
from sandbox.salesforce.quoting import install, remove
from sandbox.salesforce.record_types import set_record_types
from sandbox.salesforce.recycle_bin import forget_deletions
from sandbox.salesforce.rest_query import IDS_CAP
from sandbox.server.app import json_response

ORG_KEYS = frozenset(
    {"edition", "is_sandbox", "newest_version", "number", "multi_currency", "stages", "required",
     "approval_locks", "person_accounts"}
)  # fmt: skip


def shape_blueprint(org: Org, tokens: Tokens) -> Blueprint:
    """Return the endpoints that shape the org."""
    page = Blueprint("salesforce_shape", __name__, url_prefix="/_sandbox")

    def _route(url: str, setter: Callable[[dict[str, Any]], Any]) -> None:
        def _view() -> Response:
            try:
                with org.lock:
                    answer = setter(request.get_json(force=True))
                    org.commit()
            except (ValueError, KeyError) as error:
                return json_response({"error": str(error)}, 400)
            return json_response(answer)

        page.add_url_rule(url, url.strip("/"), _view, methods=["POST"])

    def _change(body: dict[str, Any]) -> dict[str, Any]:
        unknown = sorted(body.keys() - ORG_KEYS)
        if unknown:
            raise ValueError(f"unknown keys: {', '.join(unknown)}")
        if "number" in body:
            tokens.revoke_all()
        return {**change_org(org, body), **set_features(org, body)}

    _route("/org", _change)
    _route("/field_access", lambda body: {"fields": set_field_access(org, body.get("fields") or {})})
    _route("/flows", lambda body: {"flows": set_flows(org, body.get("flows") or [])})
    _route("/record_types", lambda body: {
        "ids": set_record_types(org, str(body.get("object")), body.get("types") or [])})  # fmt: skip
    _route("/cpq", lambda body: (remove if body.get("remove") else install)(org) or {})
    _route("/tracked_fields", lambda body: _track(org, body))
    _route("/replication", lambda body: _replication(org, body))
    return page


def _track(org: Org, body: dict[str, Any]) -> dict[str, Any]:
    obj = org.schema.get(str(body.get("object")))
    if obj is None:
        raise ValueError(f"unknown object {body.get('object')!r}")
    track(org, obj, list(body["fields"]))
    return {}


def _replication(org: Org, body: dict[str, Any]) -> dict[str, Any]:
    if "ids_cap" in body:
        org.store.note(IDS_CAP, int(body["ids_cap"]))
    if body.get("forget_deletions"):
        forget_deletions(org)
    return {}
