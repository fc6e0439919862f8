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
from sync.bell import Lane, Work, ring
from sync.drain import HUBSPOT
from sync.onboard import every_installation
from sync.runtime import Runtime
from sync.state import inbox
from sync.state.engine import writing
from sync.state.inbox import InboxEvent
from sync.state.installations import ENDED, installation_id
from webhooks.answers import TOO_LARGE, kept, refused
from webhooks.json_body import read_json

BODY_MAX = 4_000_000
"""A hundred events are some thirty kilobytes. A body of no told length is cut at the server's own limit,
which is higher, so that one cut is never taken for a whole one."""


def hubspot_blueprint(runtime: Runtime) -> Blueprint:
    """Return the blueprint that receives HubSpot's webhooks at ``/webhooks/hubspot``."""
    blueprint = Blueprint("hubspot", __name__)

    @blueprint.post("/webhooks/hubspot")
    def receive() -> Response:
        settings = runtime.settings
        secret = settings.hubspot_client_secret
        if secret is None or settings.public_url is None:
            return refused(503, "not_configured")
        body = request.get_data(cache=False)
        if len(body) > BODY_MAX:
            return refused(413, TOO_LARGE)
        verdict = verify_v3(
            secret.get_secret_value(),
            "POST",
            settings.public_url + request.full_path.removesuffix("?"),
            body,
            request.headers.get("X-HubSpot-Request-Timestamp"),
            request.headers.get("X-HubSpot-Signature-v3"),
            runtime.clock.now(),
        )
        if verdict is not Verdict.GENUINE:
            return refused(401, verdict.value)
        events = _events(body)
        return refused(400, "not_a_batch_of_events") if events is None else _keep(runtime, events)

    return blueprint


def _events(body: bytes) -> list[Mapping[str, Any]] | None:
    """Return the batch, ``None`` when the body is not one."""
    try:
        found = read_json(body)
    except ValueError:
        return None
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        return None
    return found


def _keep(runtime: Runtime, events: list[Mapping[str, Any]]) -> Response:
    """Make every event of a portal we know a row before answering; ring once per installation.

    Also while the portal waits for its admin's consent: what is told only once must not be lost.
    """
    by_installation: defaultdict[str, list[InboxEvent]] = defaultdict(list)
    for event in events:
        owner = installation_id("hubspot", str(event.get("portalId")))
        by_installation[owner].append(InboxEvent(dedupe_key(event), HUBSPOT, event, occurred_at(event)))
    now = runtime.clock.now()
    known = every_installation(runtime)
    served = {one.id for one in known if one.status not in ENDED}
    with writing(runtime.engine) as conn:
        new = {
            owner: inbox.put(conn, owner, now, batch)
            for owner, batch in sorted(by_installation.items())
            if owner in served
        }
    for owner, count in new.items():
        if count:
            ring(runtime.redis, Lane.FAST, Work.DRAIN, owner)
    return kept()
