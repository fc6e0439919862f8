"""Outbound messages: what is taken as a hint, and what is refused."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.salesforce.outbound import MalformedOutboundMessage, Notification, ack, parse

# Shape of the recorded samples in Salesforce's "Outbound Messaging WSDL" page.
MESSAGE = """<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>
 <notifications xmlns="http://soap.sforce.com/2005/09/outbound">
  <OrganizationId>00D5g00000AbCdEEAV</OrganizationId><ActionId>04k5g000000AbCdAAK</ActionId>
  <SessionId xsi:nil="true"/>
  <EnterpriseUrl>https://x.my.salesforce.com/services/Soap/c/66.0/00D5g00000AbCdE</EnterpriseUrl>
  <PartnerUrl>https://x.my.salesforce.com/services/Soap/u/66.0/00D5g00000AbCdE</PartnerUrl>
  {notifications}
 </notifications></soapenv:Body></soapenv:Envelope>"""
NOTE = """<Notification><Id>04l5g0000000{n:03d}AAA</Id>
 <sObject xsi:type="sf:{kind}" xmlns:sf="urn:sobject.enterprise.soap.sforce.com">
 <sf:Id>0065g0000000{n:03d}AAA</sf:Id><sf:StageName>Closed Won</sf:StageName></sObject></Notification>"""


def message(*notes):
    """Return a body with ``notes``."""
    return MESSAGE.format(notifications="".join(notes)).encode()


def test_a_message_names_the_org_and_the_records_to_look_at():
    """Ids and types are taken, values are not: they are the latest, not the change."""
    parsed = parse(message(NOTE.format(n=1, kind="Opportunity"), NOTE.format(n=2, kind="CS_Plan__c")))
    assert parsed.organization_id == "00D5g00000AbCdEEAV"
    assert parsed.notifications == (
        Notification("04l5g0000000001AAA", "Opportunity", "0065g0000000001AAA"),
        Notification("04l5g0000000002AAA", "CS_Plan__c", "0065g0000000002AAA"),
    )


def test_a_record_deleted_meanwhile_makes_no_hint_and_keeps_none_back():
    """Its sObject comes empty; refused, the whole message would come again for a day."""
    gone = """<Notification><Id>04l5g0000000003AAA</Id>
     <sObject xsi:type="sf:Case" xmlns:sf="urn:sobject.enterprise.soap.sforce.com"/></Notification>"""
    parsed = parse(message(gone, NOTE.format(n=1, kind="Case")))
    assert [one.record_id for one in parsed.notifications] == ["0065g0000000001AAA"]
    assert parse(message(gone)).notifications == ()


def test_a_byte_order_mark_and_a_declaration_are_tolerated():
    """Some senders start with one."""
    body = b'\xef\xbb\xbf<?xml version="1.0" encoding="UTF-8"?>' + message(NOTE.format(n=1, kind="Case"))
    assert len(parse(body).notifications) == 1


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "no well-formed XML"),
        (b"<a/>", "no SOAP envelope"),
        (b"\xff\xfe\x00", "no well-formed XML"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>', "a document type or entity"),
        (b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>', "a document type or entity"),
        (message(), "0 notifications"),
        (message(*[NOTE.format(n=n, kind="Case") for n in range(101)]), "101 notifications"),
        (message(NOTE.format(n=1, kind="Case").replace("04l5", "../5")), "no notification id"),
        (message(NOTE.format(n=1, kind="Case").replace('xsi:type="sf:Case"', "")), "an sObject without type"),
        (
            message("<Notification><Id>04l5g0000000001AAA</Id></Notification>"),
            "a notification without sObject",
        ),
        (message(NOTE.format(n=1, kind="Case")).replace(b"00D5g00000AbCdEEAV", b"00D"), "no organization id"),
    ],
)
def test_anything_else_is_refused_with_a_reason(body, reason):
    """The body is unsigned: nothing in it is trusted, and entities are never resolved."""
    with pytest.raises(MalformedOutboundMessage) as raised:
        parse(body)
    assert raised.value.reason == reason


@given(st.binary(max_size=300))
def test_no_body_breaks_the_reader(body):
    """Random bytes end in a refusal, never in another error."""
    with pytest.raises(MalformedOutboundMessage):
        parse(body)


def test_the_acknowledgement_is_the_one_salesforce_stops_at():
    """A plain 200 would be sent again for 24 hours; Ack must be true in its namespace."""
    root = ET.fromstring(ack())
    found = root.find(".//{http://soap.sforce.com/2005/09/outbound}notificationsResponse/*")
    assert (found.tag, found.text) == ("{http://soap.sforce.com/2005/09/outbound}Ack", "true")
