"""``/_sandbox/change_events``: what Setup does for change events, and what goes wrong with them."""

from __future__ import annotations

from typing import Any

import grpc
from flask import Blueprint, Response, request

from sandbox.salesforce.change_events import Bus
from sandbox.salesforce.change_events_schema import CHANGES, GAPS
from sandbox.salesforce.org import SCREEN, Org
from sandbox.salesforce.pubsub import PubSub
from sandbox.salesforce.store import Change
from sandbox.server.app import json_response

_KEYS = {"selected", "emit", "keepalive", "allocation", "edition", "refuse", "cut", "greet"}


def change_events_blueprint(org: Org, bus: Bus, service: PubSub, address: str) -> Blueprint:
    """Return the control endpoint; it answers with the address of the Pub/Sub API."""
    page = Blueprint("change_events_control", __name__, url_prefix="/_sandbox")

    @page.get("/change_events")
    def _where() -> Response:
        return json_response({"pubsub": address})

    @page.post("/change_events")
    def _control() -> Response:
        try:
            with org.lock:
                _apply(org, bus, service, request.get_json(force=True))
                org.commit()
        except ValueError as error:
            return json_response({"error": str(error)}, 400)
        with bus.condition:
            bus.condition.notify_all()
        return json_response({"pubsub": address})

    return page


def _apply(org: Org, bus: Bus, service: PubSub, body: dict[str, Any]) -> None:
    """Do what the body asks for. Raises ValueError."""
    if unknown := set(body) - _KEYS:
        raise ValueError(f"unknown keys: {sorted(unknown)}")
    if "selected" in body:
        _select(org, body["selected"])
    if "emit" in body:
        _emit(org, bus, body["emit"])
    if "allocation" in body:
        bus.allocation = int(body["allocation"])
    if "edition" in body:
        row = dict(next(iter(org.store.live("Organization"))), OrganizationType=body["edition"])
        org.store.put(Change(), "Organization", row)
    for code in body.get("refuse", ()):
        service.refusing.append((_status(code["status"]), code["code"]))
    service.greets = bool(body.get("greet", service.greets))
    service.cuts += bool(body.get("cut"))
    bus.keepalives += bool(body.get("keepalive"))


def _select(org: Org, names: list[str]) -> None:
    for name in names:
        if org.schema.get(name) is None:
            raise ValueError(f"unknown object {name!r}")
    org.store.note("cdc selected", list(names))


def _emit(org: Org, bus: Bus, event: dict[str, Any]) -> None:
    if org.schema.get(str(event.get("object"))) is None or event.get("type") not in (*CHANGES, *GAPS):
        raise ValueError(f"no object or no change type: {event}")
    bus.announce(event["object"], event["type"], list(event["ids"]), str(event.get("origin", SCREEN)))


def _status(name: str) -> grpc.StatusCode:
    try:
        return grpc.StatusCode[name]
    except KeyError as error:
        raise ValueError(f"no gRPC status {name!r}") from error
