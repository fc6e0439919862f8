"""Salesforce's outbound messages: a hint which records to read again, never values.

The message carries no signature, so it is believed only at an installation's own
unguessable address and from its own organization. Answered with the exact Ack once durable;
anything else makes Salesforce send it again. Source: "Outbound Messages" in the SOAP guide.
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, request

from integration.salesforce.ids import same_id
from integration.salesforce.namespace import from_setting
from integration.salesforce.outbound import OutboundMessage, ack, parse
from sync.addresses import WEBHOOK_SECRET, is_secret
from sync.connect import NAMESPACE
from sync.drain import SALESFORCE
from sync.runtime import Runtime
from sync.state import installations
from sync.state.engine import reading
from sync.state.errors import StateError
from sync.state.inbox import InboxEvent
from sync.state.installations import Installation
from webhooks.answers import TOO_LARGE, refused
from webhooks.client_cert import shows_certificate
from webhooks.together import Together

BODY_MAX = 4_000_000


@dataclass(frozen=True, slots=True)
class _Receiver:
    runtime: Runtime
    together: Together

    def receive(self, installation: str, secret: str) -> Response:
        """Keep one message's notifications and acknowledge them."""
        if not self._is_ours(installation, secret):
            return refused(404, "unknown_address")
        if not shows_certificate(self.runtime.settings.salesforce_client_cert, request.headers):
            return refused(403, "no_client_certificate")
        body = request.get_data(cache=False)
        if len(body) > BODY_MAX:
            return refused(413, TOO_LARGE)
        try:
            message = parse(body)
        except ValueError as error:
            return refused(400, getattr(error, "reason", "unreadable"))
        found = self._installation(installation)
        if found is None or not same_id(found.account_id, message.organization_id):
            return refused(403, "another_organization")
        return self._keep(found, message)

    def _is_ours(self, installation: str, secret: str) -> bool:
        if not installation.isprintable():
            return False  # PostgreSQL refuses some of what an address may hold
        return is_secret(self.runtime, installation, WEBHOOK_SECRET, secret)

    def _installation(self, installation: str) -> Installation | None:
        try:
            with reading(self.runtime.engine) as conn:
                return installations.get(conn, installation)
        except StateError:
            return None

    def _keep(self, found: Installation, message: OutboundMessage) -> Response:
        names = from_setting(found.settings.get(NAMESPACE))
        events = [
            InboxEvent(
                f"salesforce:{one.id}", SALESFORCE, {"object": names.ours(one.object), "id": one.record_id}
            )
            for one in message.notifications
        ]
        self.together.keep(self.runtime.clock.now(), {found.id: events})
        return Response(ack(), content_type="text/xml; charset=utf-8")


def salesforce_blueprint(runtime: Runtime) -> Blueprint:
    """Return the blueprint at ``/webhooks/salesforce/<installation>/<secret>``."""
    blueprint, receiver = Blueprint("salesforce", __name__), _Receiver(runtime, Together(runtime))
    blueprint.add_url_rule(
        "/webhooks/salesforce/<installation>/<secret>", "receive", receiver.receive, methods=["POST"]
    )
    return blueprint
