"""Outbound messages: the SOAP an org posts when a record changed, and the answer it waits for.

The body is not signed and carries no session (none is sent since February 2026): it is a hint where
to look, never a fact. The caller checks that ``organization_id`` is the installation's own and reads
the record with its own token. Source: SOAP API guide, "Outbound Messaging WSDL"; Help, "Outbound
Message Considerations". Pure; ``webhooks/`` is the caller.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple
from xml.etree.ElementTree import Element, ParseError, TreeBuilder

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import XMLParser

from integration.salesforce.ids import long_id
from integration.salesforce.names import stem

SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"
OUTBOUND = "{http://soap.sforce.com/2005/09/outbound}"
SOBJECT = "{urn:sobject.enterprise.soap.sforce.com}"
TYPE_ATTRIBUTE = "{http://www.w3.org/2001/XMLSchema-instance}type"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# WSDL: notifications holds 1..100 Notification elements.
MOST_NOTIFICATIONS = 100
ENCODINGS = frozenset({b"utf-8", b"utf-16", b"us-ascii", b"iso-8859-1"})
"""Others would be decoded by whatever codec Python has of that name."""

_DECLARED = re.compile(rb"<\?xml[^>]{0,100}?\sencoding\s*=\s*[\"']([^\"']{0,60})")
DEEPEST = 16
"""A field of a record is the sixth element within another; compound fields have a few more."""

MOST_ELEMENTS = 100_000
"""A hundred records of a thousand fields, more than an object may have."""


class MalformedOutboundMessage(ValueError):
    """A body that is no outbound message; ``reason`` says why in one word or two."""

    def __init__(self, reason: str) -> None:
        """Carry ``reason``."""
        super().__init__(f"not an outbound message: {reason}")
        self.reason = reason


class Notification(NamedTuple):
    """One hint: ``id`` is the same when Salesforce sends it again, so it removes duplicates."""

    id: str
    object: str
    record_id: str


@dataclass(frozen=True, slots=True)
class OutboundMessage:
    """What an org asks us to look at. Ids have 18 characters, also where the org sent 15."""

    organization_id: str
    notifications: tuple[Notification, ...]


def parse(body: bytes) -> OutboundMessage:
    """Return the hints in a request body.

    A record deleted before the message went out has an empty ``sObject``, without even an id: that tells
    nothing, and deletions are polled for, so it makes no hint, and keeps back none of its neighbours.

    Raises MalformedOutboundMessage for anything else, a document type or entity included.
    """
    root = _root(body)
    if root.tag != f"{SOAP}Envelope":
        raise MalformedOutboundMessage("no SOAP envelope")
    holder = root.find(f"{SOAP}Body/{OUTBOUND}notifications")
    if holder is None:
        raise MalformedOutboundMessage("no notifications")
    notes = holder.findall(f"{OUTBOUND}Notification")
    if not 1 <= len(notes) <= MOST_NOTIFICATIONS:
        raise MalformedOutboundMessage(f"{len(notes)} notifications")
    organization = _id(holder.find(f"{OUTBOUND}OrganizationId"), "organization id")
    return OutboundMessage(organization, tuple(_notification(note) for note in notes if not _is_empty(note)))


def ack() -> bytes:
    """Return the answer that stops the org from sending again: HTTP 200, ``text/xml``."""
    return (
        b'<?xml version="1.0" encoding="UTF-8"?>'
        b'<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
        b'<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack>'
        b"</notificationsResponse></soapenv:Body></soapenv:Envelope>"
    )


class _Bounded(TreeBuilder):
    """Builds the tree, and stops at once where no message is so deep or so large."""

    def __init__(self) -> None:
        """Begin with nothing built."""
        super().__init__()
        self._depth = self._elements = 0

    def start(self, tag: str, attrs: dict[str, str]) -> Element:
        """Open an element."""
        self._depth += 1
        self._elements += 1
        if self._depth > DEEPEST or self._elements > MOST_ELEMENTS:
            raise MalformedOutboundMessage("too deep or too many elements")
        return super().start(tag, attrs)

    def end(self, tag: str) -> Element:
        """Close an element."""
        self._depth -= 1
        return super().end(tag)


def _root(body: bytes) -> Element:
    declared = _DECLARED.match(body.removeprefix(BYTE_ORDER_MARK))
    if declared and declared[1].lower() not in ENCODINGS:
        raise MalformedOutboundMessage("an encoding no org uses")
    parser = XMLParser(target=_Bounded(), forbid_dtd=True)
    try:
        parser.feed(body.removeprefix(BYTE_ORDER_MARK))
        root: Element = parser.close()
    except DefusedXmlException as error:
        raise MalformedOutboundMessage("a document type or entity") from error
    except MalformedOutboundMessage:
        raise
    except (ParseError, ValueError, LookupError) as error:
        raise MalformedOutboundMessage("no well-formed XML") from error
    return root


def _is_empty(note: Element) -> bool:
    record = note.find(f"{OUTBOUND}sObject")
    return record is not None and len(record) == 0


def _notification(note: Element) -> Notification:
    record = note.find(f"{OUTBOUND}sObject")
    if record is None:
        raise MalformedOutboundMessage("a notification without sObject")
    kind = record.get(TYPE_ATTRIBUTE, "").rpartition(":")[2]
    if not stem(kind).replace("_", "").isalnum():
        raise MalformedOutboundMessage("an sObject without type")
    record_id = _id(record.find(f"{SOBJECT}Id"), "record id")
    return Notification(_id(note.find(f"{OUTBOUND}Id"), "notification id"), kind, record_id)


def _id(element: Element | None, what: str) -> str:
    text = (element.text or "").strip() if element is not None else ""
    try:
        return long_id(text)
    except ValueError as error:
        raise MalformedOutboundMessage(f"no {what}") from error
