"""HubSpot's webhooks: verify the signature, keep the events, answer fast.

A retry of a batch we kept is answered 204 again and changes nothing. Events of portals we
do not serve are answered 204 as well: a refusal would be retried for a day. Source: HubSpot
page "Webhooks API" (5 seconds to answer, ten retries) and "Validating requests".
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, request

from integration.hubspot.events import dedupe_key, occurred_at
from integration.hubspot.signature import Verdict, verify_v3
from sync.drain import HUBSPOT
from sync.json_bodies import parsed
from sync.runtime import Runtime
from sync.state.inbox import InboxEvent
from sync.state.installations import installation_id
from webhooks.answers import TOO_LARGE, kept, refused
from webhooks.together import Together

BODY_MAX = 4_000_000
"""A hundred events are some thirty kilobytes. A body of no told length is cut at the server's own limit,
which is higher, so that one cut is never taken for a whole one."""


def hubspot_blueprint(runtime: Runtime) -> Blueprint:
    """Return the blueprint that receives HubSpot's webhooks at ``/webhooks/hubspot``."""
    blueprint, together = Blueprint("hubspot", __name__), Together(runtime)

    @blueprint.post("/webhooks/hubspot")
    def receive() -> Response:
        settings = runtime.settings
        secret = settings.hubspot_client_secret
        if secret is None or settings.public_url is None:
            return refused(503, "not_configured")
        body, now = request.get_data(cache=False), runtime.clock.now()
        if len(body) > BODY_MAX:
            return refused(413, TOO_LARGE)
        verdict = verify_v3(
            secret.get_secret_value(),
            "POST",
            settings.public_url + _address(),
            body,
            request.headers.get("X-HubSpot-Request-Timestamp"),
            request.headers.get("X-HubSpot-Signature-v3"),
            now,
        )
        if verdict is not Verdict.GENUINE:
            return refused(401, verdict.value)
        events = _events(body)
        if events is None:
            return refused(400, "not_a_batch_of_events")
        together.keep(now, _by_installation(events))
        return kept()

    return blueprint


def _address() -> str:
    """Return path and query as we were called; whatever bytes they hold, asking for them never fails."""
    query = request.query_string.decode(errors="replace")
    return f"{request.path}?{query}" if query else request.path


def _events(body: bytes) -> list[Mapping[str, Any]] | None:
    """Return the batch, ``None`` when the body is not one."""
    found = parsed(body)
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        return None
    return found


def _by_installation(events: list[Mapping[str, Any]]) -> Mapping[str, list[InboxEvent]]:
    """Return the events by the installation their portal would be; whether it is one of ours is asked later.

    Also while the portal waits for its admin's consent: what is told only once must not be lost.
    """
    found: defaultdict[str, list[InboxEvent]] = defaultdict(list)
    for event in events:
        portal = str(event.get("portalId"))
        if not (portal.isascii() and portal.isdigit()):
            continue  # no portal is called so, and PostgreSQL refuses some of what it might be
        found[installation_id("hubspot", portal)].append(
            InboxEvent(dedupe_key(event), HUBSPOT, event, occurred_at(event))
        )
    return found
