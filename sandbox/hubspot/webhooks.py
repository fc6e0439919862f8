"""Pushes changes to the app's webhook URL, batched, signed (v3) and retried like HubSpot.

Source: HubSpot's webhooks guide (fields, batches of up to 100, five-second answer, ten retries,
ten requests in flight per account) and request-validation guide (v3 signature). Not documented and
chosen here: a create also fires propertyChange for the values it set.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
import re
import threading
import time
from dataclasses import dataclass
from typing import Any, Final

import requests

from sandbox.hubspot.catalogue import Catalogue, ObjectType
from sandbox.server.app import Services
from sandbox.server.clock import wall_seconds
from sandbox.server.control import ControlError
from sandbox.server.deliveries import Message, Outbox, Outcome

ACTIONS: Final = ("creation", "deletion", "merge", "restore", "propertyChange", "associationChange")
PRIVACY: Final = "contact.privacyDeletion"
_NEVER: Final = ("hs_lastmodifieddate", "lastmodifieddate", "num_unique_conversion_events")
MAX_SUBSCRIPTIONS: Final = 1000
BATCH, IN_FLIGHT, RETRIES, ANSWER_SECONDS, GATHER_SECONDS = 100, 10, 10, 5.0, 0.3


@dataclass(frozen=True, slots=True)
class Actor:
    """Who changes a record: ``change_source`` as webhooks call it, ``source`` as property history does."""

    source: str
    source_id: str

    @property
    def change_source(self) -> str:
        """Return the webhook's ``changeSource``."""
        return self.source


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a record, before any subscription is looked at."""

    action: str
    kind: ObjectType
    object_id: str
    actor: Actor
    fields: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Subscription:
    """One subscription: an event type, and for propertyChange the property."""

    id: int
    event_type: str
    type_id: str
    action: str
    property: str | None


_ESCAPES: Final = {f"%{ord(one):02X}": one for one in ":/?@!$'()*,;"}


def signature_v3(secret: str, method: str, uri: str, body: str, timestamp: str) -> str:
    """Return ``X-HubSpot-Signature-v3``: base64 HMAC-SHA256 of method + uri + body + timestamp.

    Twelve escapes of the uri are decoded first and no others ("Validating requests").
    """
    plain = re.sub("%[0-9A-Fa-f]{2}", lambda found: _ESCAPES.get(found[0].upper(), found[0]), uri)
    text = f"{method}{plain}{body}{timestamp}"
    return base64.b64encode(hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()).decode()


class Webhooks:
    """The app's webhook settings and the queue of what is to be sent; the queue is lost with the process."""

    def __init__(
        self,
        services: Services,
        catalogue: Catalogue,
        portal_id: int,
        app_id: int,
        retry_base: float,
        *,
        marketplace: bool,
    ) -> None:
        """Take up the kept settings and start sending; ``retry_base`` is in real seconds."""
        self._services, self._catalogue, self._marketplace = services, catalogue, marketplace
        self._portal_id, self._app_id, self._retry_base = portal_id, app_id, retry_base
        self._lock = threading.Lock()
        self._gathered: list[dict[str, Any]] = []
        self._since = 0.0
        self._event_id = 0
        self._outbox: Outbox[list[dict[str, Any]]] = Outbox(
            services.deliveries, self._send, self._wait, IN_FLIGHT
        )
        self._set(services.settings.get("webhooks") or {})
        threading.Thread(target=self._flush_for_ever, name="webhook-gather", daemon=True).start()

    def configure(self, body: dict[str, Any]) -> dict[str, Any]:
        """Take new settings (control endpoint). Raises ControlError for what HubSpot would not subscribe."""
        rows = body.get("subscriptions", [])
        if len(rows) > MAX_SUBSCRIPTIONS:
            raise ControlError(f"an app has at most {MAX_SUBSCRIPTIONS} webhook subscriptions")
        for raw in rows:
            self._subscription(0, raw)
        self._hand_over(at_once=True)  # what was gathered still goes to the old URL
        self._set(body)
        self._services.settings.put("webhooks", body)
        return {"target_url": self._url, "subscriptions": [s.event_type for s in self._subscriptions]}

    def _set(self, body: dict[str, Any]) -> None:
        self._url: str = body.get("target_url") or ""
        self._secret: str = body.get("client_secret") or ""
        rows = body.get("subscriptions", [])
        self._subscriptions = [self._subscription(1_000_001 + n, raw) for n, raw in enumerate(rows)]

    def kind_of(self, raw: dict[str, Any]) -> ObjectType | None:
        """Return the object type a subscription is about, or None."""
        prefix = str(raw.get("eventType", "")).partition(".")[0]
        if prefix == "object":
            return self._catalogue.find(str(raw.get("objectTypeId") or raw.get("objectType") or ""))
        return next((kind for kind in self._catalogue.all() if kind.webhook == prefix), None)

    def _subscription(self, number: int, raw: dict[str, Any]) -> Subscription:
        event_type, kind = str(raw.get("eventType", "")), self.kind_of(raw)
        action = event_type.partition(".")[2]
        known = action in ACTIONS or event_type == PRIVACY
        if not known or kind is None:
            raise ControlError(f"HubSpot has no such event type for this object: {event_type}")
        if kind.custom and self._marketplace:
            raise ControlError("HubSpot pushes no webhooks for custom objects to marketplace apps")
        named = raw.get("propertyName")
        if action == "propertyChange" and (not named or named in _NEVER):
            raise ControlError(f"propertyName {named!r} can't be subscribed to")
        return Subscription(
            number, event_type, kind.type_id, action, named if action == "propertyChange" else None
        )

    def emit(self, events: list[Event]) -> None:
        """Queue what subscriptions ask for of these events."""
        if not self._url or not events:
            return
        now = self._services.clock.now_ms()
        with self._lock:
            for event in events:
                for subscription in self._subscriptions:
                    if self._wanted(subscription, event):
                        self._gathered.append(self._body(subscription, event, now))
            if self._gathered and not self._since:
                self._since = time.monotonic()

    def _wanted(self, subscription: Subscription, event: Event) -> bool:
        if (subscription.type_id, subscription.action) != (event.kind.type_id, event.action):
            return False
        return subscription.property in (None, event.fields.get("propertyName"))

    def _body(self, subscription: Subscription, event: Event, now: int) -> dict[str, Any]:
        self._event_id += 1
        body: dict[str, Any] = {
            "eventId": (now * 1000 + self._event_id) % 4_000_000_000,
            "subscriptionId": subscription.id,
            "portalId": self._portal_id,
            "appId": self._app_id,
            "occurredAt": now,
            "subscriptionType": subscription.event_type,
            "attemptNumber": 0,
            "objectId": int(event.object_id),
            "changeSource": event.actor.change_source,
            "sourceId": event.actor.source_id,
            **event.fields,
        }
        if event.action == "associationChange":
            del body["objectId"]
        if subscription.event_type.startswith("object."):
            body["objectTypeId"] = event.kind.type_id
        return body

    def _flush_for_ever(self) -> None:
        while True:
            time.sleep(0.05)
            self._hand_over(at_once=False)

    def _hand_over(self, *, at_once: bool) -> None:
        with self._lock:
            ripe = self._since and time.monotonic() - self._since >= GATHER_SECONDS
            full = len(self._gathered) >= BATCH
            taken, url = (self._gathered if ripe or full or at_once else []), self._url
            if taken:
                self._gathered, self._since = [], 0.0
        for start in range(0, len(taken), BATCH):
            part = taken[start : start + BATCH]
            ids = tuple(str(one.get("objectId", one.get("fromObjectId"))) for one in part)
            self._outbox.put(Message(url, part, ids, wall_seconds()))

    def _send(self, message: Message[list[dict[str, Any]]], attempt: int) -> Outcome:
        body = json.dumps(
            [{**one, "attemptNumber": attempt} for one in message.payload], separators=(",", ":")
        )
        timestamp = str(self._services.clock.now_ms())
        signed = signature_v3(self._secret, "POST", message.url, body, timestamp)
        v1 = hashlib.sha256((self._secret + body).encode()).hexdigest()
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "HubSpot Connect 2.0 (http://dev.hubspot.com/) - WebhookExecutorBackend",
            "X-HubSpot-Signature": v1,
            "X-HubSpot-Signature-Version": "v1",
            "X-HubSpot-Signature-v3": signed,
            "X-HubSpot-Request-Timestamp": timestamp,
        }
        try:
            answer = requests.post(
                message.url,
                data=body.encode(),
                headers=headers,
                timeout=ANSWER_SECONDS,
                allow_redirects=False,
            )
        except requests.RequestException:
            return Outcome(0, delivered=False)
        return Outcome(answer.status_code, delivered=answer.status_code < 300)

    def _wait(self, attempt: int) -> float | None:
        if attempt >= RETRIES:
            return None
        jitter: float = random.uniform(0.8, 1.2)
        return self._retry_base * min(2.0**attempt, 32.0) * jitter
