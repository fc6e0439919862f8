"""Salesforce's outbound messages: the exact Ack once durable, everything else refused by name."""

from __future__ import annotations

import json
from urllib.parse import quote
from xml.etree import ElementTree as ET

import pytest

from sync.state.secrets import SecretBox, new_key
from tests.webhooks.conftest import HUBSPOT, ORG, PATH_SECRET, SALESFORCE, bells

ADDRESS = f"/webhooks/salesforce/{SALESFORCE}/{PATH_SECRET}"
ACK = "{http://soap.sforce.com/2005/09/outbound}Ack"
# Shape of Salesforce's own sample on its page "Outbound Messaging WSDL".
ENVELOPE = """<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>
 <notifications xmlns="http://soap.sforce.com/2005/09/outbound">
  <OrganizationId>{org}</OrganizationId><ActionId>04k8d0000000001AAA</ActionId><SessionId xsi:nil="true"/>
  <EnterpriseUrl>https://x.my.salesforce.com/c</EnterpriseUrl><PartnerUrl>https://x.my.salesforce.com/u</PartnerUrl>
  {notes}</notifications></soapenv:Body></soapenv:Envelope>"""
NOTE = """<Notification><Id>{note}</Id>
 <sObject xsi:type="sf:{kind}" xmlns:sf="urn:sobject.enterprise.soap.sforce.com">
 <sf:Id>{record}</sf:Id></sObject>
 </Notification>"""
# Hand-worked checksums: no capital in 0018d / 00000 / 00001 -> AAA; A, B, C, D, E in the last group -> AA5.
ACCOUNT = "0018d0000000001AAA"
DEAL = "0068d00000ABCDEAA5"


def note(record=ACCOUNT, number=1, kind="Account"):
    """Return one notification."""
    return NOTE.format(note=f"04l8d000000000{number}AAA", kind=kind, record=record)


def message(*notes, org=ORG):
    """Return a body."""
    return ENVELOPE.format(org=org, notes="".join(notes)).encode()


def post(web, body, address=ADDRESS):
    """Deliver a body as an org does."""
    return web.client.post(address, data=body, content_type="text/xml; charset=utf-8")


def bodies(web):
    """Return the hints kept, in a stable order."""
    return sorted((json.loads(row["body"]) for row in web.rows()), key=lambda one: one["id"])


def test_a_message_is_kept_and_answered_with_the_ack(web_on_each):
    """Salesforce stops at one true Ack in its own namespace, sent as XML; by then the hint is durable."""
    answer = post(web_on_each, message(note()))
    assert (answer.status_code, answer.mimetype) == (200, "text/xml")
    root = ET.fromstring(answer.data)
    assert root.tag == "{http://schemas.xmlsoap.org/soap/envelope/}Envelope"
    assert [one.text for one in root.iter(ACK)] == ["true"]
    assert [row["installation_id"] for row in web_on_each.rows()] == [SALESFORCE]
    assert bodies(web_on_each) == [{"object": "Account", "id": ACCOUNT}]


def test_every_notification_of_a_message_is_a_row(web):
    """A message carries up to a hundred; one bell is rung for all."""
    post(web, message(note(), note(DEAL, 2, "Opportunity")))
    assert bodies(web) == [{"object": "Account", "id": ACCOUNT}, {"object": "Opportunity", "id": DEAL}]
    assert bells(web) == 1


def test_a_message_of_records_deleted_meanwhile_is_acknowledged(web):
    """Their sObject is empty: nothing is to be read, and the org need not send it again."""
    gone = NOTE.format(note="04l8d0000000001AAA", kind="Account", record="").replace("<sf:Id></sf:Id>", "")
    answer = post(web, message(gone))
    assert (answer.status_code, b"true" in answer.data, web.rows()) == (200, True, [])


def test_a_message_sent_again_is_kept_once_and_acknowledged_again(web_on_each):
    """The notification's id is the same on every retry."""
    post(web_on_each, message(note()))
    answer = post(web_on_each, message(note()))
    assert (b"true" in answer.data, len(web_on_each.rows())) == (True, 1)


def test_ids_of_fifteen_characters_are_kept_as_eighteen(web):
    """The mirror knows records by eighteen characters, so a short id must become the same one."""
    short = message(note(DEAL[:15], 1, "Opportunity"), org=ORG[:15])
    assert post(web, short.replace(b"04l8d0000000001AAA", b"04l8d0000000001")).status_code == 200
    post(web, message(note(DEAL, 1, "Opportunity")))
    assert bodies(web) == [{"object": "Opportunity", "id": DEAL}]


def test_a_byte_order_mark_is_tolerated(web):
    """Some stacks put one before the declaration."""
    assert post(web, b"\xef\xbb\xbf" + message(note())).status_code == 200
    assert len(web.rows()) == 1


@pytest.mark.parametrize(
    "address",
    [
        f"/webhooks/salesforce/{SALESFORCE}/another",
        f"/webhooks/salesforce/{SALESFORCE}/{PATH_SECRET}x",
        f"/webhooks/salesforce/salesforce-00D000000000000AAA/{PATH_SECRET}",
        f"/webhooks/salesforce/{HUBSPOT}/{PATH_SECRET}",
        f"/webhooks/salesforce/{quote(chr(0) + 'a')}/{PATH_SECRET}",
        f"/webhooks/salesforce/{SALESFORCE}/{quote('é' + chr(0))}",
    ],
    ids=["wrong secret", "longer secret", "unknown org", "a portal", "NUL in the org", "NUL in the secret"],
)
def test_at_any_other_address_there_is_nothing(web_on_each, address):
    """404, the same for a wrong secret and an unknown org: nobody learns which orgs we serve."""
    answer = post(web_on_each, message(note()), address)
    assert (answer.status_code, answer.get_json()) == (404, {"error": "unknown_address"})
    assert web_on_each.rows() == []


def test_another_organizations_message_is_refused(web):
    """The address is ours, the org is not: 403."""
    answer = post(web, message(note(), org="00D8d0000000002EAA"))
    assert (answer.status_code, answer.get_json()) == (403, {"error": "another_organization"})
    assert web.rows() == []


BOMB = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><x>&b;</x>'


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (BOMB, "a document type or entity"),
        (b'<!DOCTYPE x SYSTEM "http://127.0.0.1/x"><x/>', "a document type or entity"),
        (b"", "no well-formed XML"),
        (b"{}", "no well-formed XML"),
        (b"<x/>", "no SOAP envelope"),
        (message(), "0 notifications"),
        (message(note("../../etc/pass")), "no record id"),
        (message(note(), org="00D"), "no organization id"),
    ],
    ids=["bomb", "dtd", "empty", "json", "no soap", "none", "no record id", "no org id"],
)
def test_a_body_that_is_no_message_is_refused(web, body, reason):
    """400 and why; no entity is ever resolved, nothing is kept."""
    answer = post(web, body)
    assert (answer.status_code, answer.get_json()) == (400, {"error": reason})
    assert web.rows() == []


@pytest.mark.parametrize("size", [4_000_001, 8_000_001], ids=["our limit", "the server's limit"])
def test_a_body_of_more_than_four_megabytes_is_refused(web, size):
    """413, before it is parsed."""
    answer = post(web, message(note()).ljust(size))
    assert (answer.status_code, answer.get_json()) == (413, {"error": "too_large"})
    assert web.rows() == []


def test_without_redis_the_message_is_kept_and_acknowledged(web, without_redis):
    """Redis carries wake-ups only."""
    assert post(without_redis(web), message(note())).status_code == 200
    assert len(web.rows()) == 1


def test_without_the_database_the_org_is_asked_to_try_again(web, without_database):
    """No Ack for what is not durable: 503, which Salesforce retries for 24 hours."""
    answer = post(without_database(web), message(note()))
    assert (answer.status_code, answer.get_json()) == (503, {"error": "database_away"})


def test_secret_keys_that_open_nothing_lose_no_message(web):
    """Our mistake, not the org's: 503 without a word of the secret, and the message comes again."""
    answer = post(web.over(box=SecretBox([new_key()])), message(note()))
    assert (answer.status_code, answer.get_json()) == (503, {"error": "state_unreadable"})


def test_only_posting_is_answered(web):
    """A browser at the address learns nothing."""
    assert web.client.get(ADDRESS).status_code == 405
