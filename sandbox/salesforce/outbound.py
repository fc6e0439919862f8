"""Outbound messages: SOAP notifications of changed records, as Salesforce's workflow sends them.

Source: SOAP API guide, "Understanding Notifications". Up to 100 notifications a message, the
latest values at the time of sending, no session id (never sent since 2026-02-23), an ``Ack`` of true
counts as delivered and everything else is tried again with doubling pauses up to two hours, for at
most a day; both are compressed in real time by ``--retry-base-seconds``. What is sent is set by the control
endpoint, or by the flows that were deployed and are at work (``metadata_messages``); those start after a save
and never at a deletion.
"""

from __future__ import annotations

import re
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from sandbox.salesforce.ids import mint
from sandbox.salesforce.metadata_messages import Sending
from sandbox.salesforce.org import SENDINGS, Org
from sandbox.server.deliveries import Message, Outbox, Outcome

_BATCH = 100
_FIRST_BY_FLOW = 1000  # Apart from the numbers of the actions the control endpoint sets.
_GATHER_SECONDS = 0.05
_TIMEOUT = 60
_FIRST_PAUSE, _LONGEST_PAUSE, _KEPT = 15.0, 7200.0, 86_400.0  # The vendor's seconds; the first is a guess.
_SF = 'xmlns:sf="urn:sobject.enterprise.soap.sforce.com"'
_NS = "http://soap.sforce.com/2005/09/outbound"
_ACK = re.compile(r"<(?:\w+:)?Ack>\s*(?:true|1)\s*</(?:\w+:)?Ack>")


@dataclass(frozen=True, slots=True)
class Definition:
    """An outbound message: of which object, where to, which fields (empty: all) and the id of the action."""

    object: str
    url: str
    fields: tuple[str, ...]
    action: str


@dataclass(frozen=True, slots=True)
class Payload:
    """What one message tells of: (record, notification) ids of a definition."""

    definition: Definition
    pairs: tuple[tuple[str, str], ...]


class OutboundMessages:
    """What the control endpoint sets, one definition per object, all to one address; and what flows send."""

    def __init__(self, org: Org, retry_base_seconds: float) -> None:
        """Send in the background; ``retry_base_seconds`` is the real first pause after a failure."""
        self._org = org
        self._base = retry_base_seconds
        self._settings: dict[str, Any] = org.store.noted("outbound", {})
        self._gathered: dict[Definition, list[str]] = {}
        self._gather_lock = threading.Lock()
        self._outbox: Outbox[Payload] = Outbox(org.services.deliveries, self._send, self._pause, 4)
        org.changed = self.changed

    def configure(self, body: dict[str, Any]) -> dict[str, Any]:
        """Set target, objects and (optional) ``fields`` per object and ``api_user_sends``.

        Raises ValueError on an unknown object or key.
        """
        if unknown := set(body) - {"target_url", "objects", "fields", "api_user_sends"}:
            raise ValueError(f"unknown keys: {sorted(unknown)}")
        for name in body.get("objects", []):
            if self._org.schema.get(name) is None:
                raise ValueError(f"unknown object {name!r}")
        self._settings = dict(body)
        self._org.store.note("outbound", self._settings)
        return self._settings

    def changed(self, object_name: str, row_id: str, created: bool) -> None:
        """Gather a change; those of a moment go out together."""
        wanted = [*self._set(object_name), *self._by_flow(object_name, row_id, created=created)]
        if not wanted:
            return
        with self._gather_lock:
            first = not self._gathered
            for definition in wanted:
                self._gathered.setdefault(definition, []).append(row_id)
        if first:
            threading.Timer(_GATHER_SECONDS, self._flush).start()

    def api_changed(self, rows: list[tuple[str, str, bool]]) -> None:
        """Take changes of the API user, whose "Send Outbound Messages" permission is off by default."""
        if self._settings.get("api_user_sends"):
            for object_name, row_id, created in rows:
                self.changed(object_name, row_id, created)

    def _set(self, object_name: str) -> Iterator[Definition]:
        """Yield what the control endpoint has set for an object."""
        objects, url = list(self._settings.get("objects", [])), self._settings.get("target_url")
        if url and object_name in objects:
            fields = self._settings.get("fields", {}).get(object_name) or ()
            yield Definition(
                object_name, str(url), tuple(fields), mint("04k", objects.index(object_name) + 1)
            )

    def _by_flow(self, object_name: str, row_id: str, *, created: bool) -> Iterator[Definition]:
        """Yield what the flows at work send after this save."""
        with self._org.lock:
            kept = [one for one in self._org.kept(SENDINGS, []) if one["object"] == object_name]
            row = self._org.store.find(object_name, row_id) if kept else None
            if row is None or row.get("IsDeleted"):
                return
            user = self._org.store.find("User", str(row.get("LastModifiedById"))) or {}
        for place, one in enumerate(kept):
            sending = Sending(**{**one, "fields": tuple(one["fields"])})
            if sending.wants(created=created, username=str(user.get("Username"))):
                action = mint("04k", _FIRST_BY_FLOW + place)
                yield Definition(object_name, sending.url, sending.fields, action)

    def _flush(self) -> None:
        with self._gather_lock:
            gathered, self._gathered = self._gathered, {}
        with self._org.lock:
            for definition, ids in gathered.items():
                for start in range(0, len(ids), _BATCH):
                    self._queue(definition, ids[start : start + _BATCH])
            self._org.commit()

    def _queue(self, definition: Definition, ids: list[str]) -> None:
        pairs = tuple((row_id, mint("04l", self._org.count("notification"))) for row_id in ids)
        payload = Payload(definition, pairs)
        self._outbox.put(Message(definition.url, payload, tuple(ids), time.time()))  # noqa: TID251 -- the delivery log is in real time

    def _pause(self, attempt: int) -> float | None:
        scale = self._base / _FIRST_PAUSE
        pauses = [min(_FIRST_PAUSE * 2**n, _LONGEST_PAUSE) for n in range(attempt + 1)]
        return None if sum(pauses) > _KEPT else pauses[-1] * scale

    def _send(self, message: Message[Payload], _attempt: int) -> Outcome:
        with self._org.lock:
            body = self.envelope(message.payload)
        headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""'}
        ask = urllib.request.Request(message.url, body.encode(), headers, method="POST")
        try:
            with urllib.request.urlopen(ask, timeout=_TIMEOUT) as answer:
                text = answer.read().decode("utf-8", "replace")
                return Outcome(answer.status, answer.status == 200 and bool(_ACK.search(text)))
        except urllib.error.HTTPError as error:
            return Outcome(error.code, delivered=False)
        except (OSError, ValueError):
            return Outcome(0, delivered=False)

    def envelope(self, payload: Payload) -> str:
        """Return the SOAP message of some records, with the values they have now."""
        org_id, told = self._org.org_id, payload.definition
        notes = "".join(self._notification(told, row_id, note_id) for row_id, note_id in payload.pairs)
        soap = "https://sandbox.my.salesforce.com/services/Soap"
        return (
            '<?xml version="1.0" encoding="UTF-8"?>'
            '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
            'xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
            f'<soapenv:Body><notifications xmlns="{_NS}"><OrganizationId>{org_id}</OrganizationId>'
            f'<ActionId>{told.action}</ActionId><SessionId xsi:nil="true"/>'
            f"<EnterpriseUrl>{soap}/c/68.0/{org_id}</EnterpriseUrl><PartnerUrl>{soap}/u/68.0/{org_id}</PartnerUrl>"
            f"{notes}</notifications></soapenv:Body></soapenv:Envelope>"
        )

    def _notification(self, told: Definition, row_id: str, note_id: str) -> str:
        obj = self._org.schema[told.object]
        row = self._org.store.find(obj.name, row_id)
        inner = ""
        if row is not None and not row.get("IsDeleted"):
            chosen = told.fields or [f.name for f in obj.fields.values()]
            values = [(n, row.get(n)) for n in dict.fromkeys(["Id", *chosen])]
            inner = "".join(f"<sf:{n}>{_text(v)}</sf:{n}>" for n, v in values if v is not None)
        head = f"<sObject xsi:type={quoteattr('sf:' + obj.name)} {_SF}>"
        return f"<Notification><Id>{note_id}</Id>{head}{inner}</sObject></Notification>"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    return escape(text.replace("+0000", "Z") if text.endswith(".000+0000") else text)
