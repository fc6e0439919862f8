"""The address of outbound messages against whatever may come: encodings, bombs, depth, certificates."""

from __future__ import annotations

import pytest

from integration.salesforce import outbound
from sync.config import ConfigError, read_settings
from tests.webhooks.conftest import ORG, web_over
from tests.webhooks.test_outbound_messages import ADDRESS, bodies, message, note, post

# By hand, from the SOAP API guide's response: one Ack, true, in the namespace of outbound messages.
ACK = (
    b'<?xml version="1.0" encoding="UTF-8"?>'
    b'<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
    b'<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack>'
    b"</notificationsResponse></soapenv:Body></soapenv:Envelope>"
)
FINGERPRINT = "5f:3b:00:a1"
HEADER = "X-Client-Cert"
ENTITIES = "".join(f'<!ENTITY e{n + 1} "{f"&e{n};" * 10}">' for n in range(9))
LAUGHS = f'<!DOCTYPE x [<!ENTITY e0 "ha">{ENTITIES}]><x>&e9;</x>'
INLINE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]><x>&a;</x>'
PARAMETER = '<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1:9/p">%p;]><x/>'


def test_the_answer_is_the_ack_byte_by_byte(web):
    """Status 200, the type Salesforce reads, and these bytes."""
    answer = post(web, message(note()))
    assert (answer.status_code, answer.data) == (200, ACK)
    assert answer.headers["Content-Type"] == "text/xml; charset=utf-8"


@pytest.mark.parametrize("kind", ["Account", "Opportunity", "CS_Plan__c", "Lead", "Thing__x", "pkg__Odd__c"])
def test_any_object_is_a_hint(web, kind):
    """What it is good for is decided when it is worked in; refused it would come again for a day."""
    assert post(web, message(note(kind=kind))).status_code == 200
    assert [one["object"] for one in bodies(web)] == [kind]


def test_values_in_a_message_are_not_kept(web):
    """The body is unsigned: object and id are a hint where to look, its other fields are nobody's word."""
    told = note().replace(
        "</sObject>", "<sf:Name>Forged</sf:Name><sf:CS_Band__c>red</sf:CS_Band__c></sObject>"
    )
    assert post(web, message(told)).status_code == 200
    assert b"Forged" not in repr(web.rows()).encode()


@pytest.mark.parametrize(
    "session",
    ['<SessionId xsi:nil="true"/>', "<SessionId/>", "", "<SessionId>00D!AQ.token</SessionId>"],
    ids=["nil", "empty", "absent", "as before 2026"],
)
def test_the_session_id_is_neither_needed_nor_kept(web, session):
    """None is sent since February 2026; one that came would be a secret, and goes nowhere."""
    body = message(note()).replace(b'<SessionId xsi:nil="true"/>', session.encode())
    assert post(web, body).status_code == 200
    assert "AQ.token" not in repr(web.rows())


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_what_the_document_says_of_its_encoding_counts(web, encoding):
    """With or without a byte order mark as its declaration says; a header that says otherwise does not."""
    text = message(note()).decode().replace("UTF-8", "UTF-16")
    body = text.encode(encoding)
    if encoding != "utf-16":
        body = ("\ufeff" + text).encode(encoding)
    answer = web.client.post(ADDRESS, data=body, content_type="text/xml; charset=iso-8859-1")
    assert (answer.status_code, len(web.rows())) == (200, 1)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("trick", [LAUGHS, INLINE, PARAMETER], ids=["laughs", "file", "parameter"])
def test_no_entity_is_ever_resolved_in_any_encoding(web, trick, encoding):
    """Refused at the document type: nothing grows, no file is read, nobody is called."""
    answer = post(web, f'<?xml version="1.0" encoding="{encoding}"?>{trick}'.encode(encoding))
    assert (answer.status_code, answer.get_json()) == (400, {"error": "a document type or entity"})


@pytest.mark.parametrize("declared", ["utf-7", "no-such-code", "idna", "unicode_escape", "ebcdic-cp-us"])
def test_an_encoding_that_hides_markup_is_refused(web, declared):
    """What no XML reader must know is not guessed: 400, never an error of ours."""
    body = message(note()).replace(b"UTF-8", declared.encode())
    assert post(web, body).status_code == 400
    assert web.rows() == []


def test_bytes_that_are_not_as_declared_are_refused(web):
    """A body of Latin-1 that calls itself UTF-8 is not well-formed."""
    body = (
        message(note().replace("</sObject>", "<sf:Name>Caf\xe9</sf:Name></sObject>"))
        .decode()
        .encode("latin-1")
    )
    assert post(web, body).get_json() == {"error": "no well-formed XML"}


@pytest.mark.parametrize(
    "inside",
    [
        "<a>" * 100_000 + "</a>" * 100_000,
        "<a/>" * 400_000,
        "<a " + " ".join(f'b{n}=""' for n in range(90_000)) + "/>",
    ],
    ids=["deep", "many", "attributes"],
)
def test_of_a_body_deep_or_full_no_more_is_read_than_a_message_has(web, monkeypatch, inside):
    """Within the size allowed and yet no message: nothing is built past the bounds."""
    built: list[str] = []
    start = outbound._Bounded.start

    def counted(self, tag, attrs):
        built.append(tag)
        return start(self, tag, attrs)

    monkeypatch.setattr(outbound._Bounded, "start", counted)
    assert post(web, message(inside)).status_code == 400
    assert len(built) <= outbound.MOST_ELEMENTS + 1
    assert web.rows() == []


def asking(web, wanted):
    """Return the application with the certificate's header asked for."""
    return web.over(settings=web.runtime.settings.model_copy(update={"salesforce_client_cert": wanted}))


def send(web, *values, name=HEADER):
    """Deliver a message with the header once a value."""
    return web.client.post(ADDRESS, data=message(note()), headers=[(name, one) for one in values])


@pytest.mark.parametrize("shown", [FINGERPRINT, "5F3B00A1", " 5f3b00a1 ", "00:11:22:33"])
def test_the_certificate_a_proxy_saw_opens_the_address(web, shown):
    """Any of the values allowed, however the proxy writes a fingerprint."""
    answer = send(asking(web, f"{HEADER}: {FINGERPRINT}, 00112233"), shown)
    assert (answer.status_code, answer.data) == (200, ACK)


@pytest.mark.parametrize(
    "shown",
    [
        (),
        ("",),
        ("5f3b00a2",),
        (FINGERPRINT, FINGERPRINT),
        (f"{FINGERPRINT},{FINGERPRINT}",),
        ("\xe9",),
        (",",),
    ],
    ids=["none", "empty", "another", "twice", "two in one", "odd", "comma"],
)
def test_without_the_certificate_nothing_is_read(web, shown):
    """403 before the body is looked at, also at the right address and from the right org."""
    answer = send(asking(web, f"{HEADER}: {FINGERPRINT}"), *shown)
    assert (answer.status_code, answer.get_json()) == (403, {"error": "no_client_certificate"})
    assert web.rows() == []


def test_a_wrong_address_learns_nothing_of_certificates(web):
    """404 as anywhere else."""
    asked = asking(web, f"{HEADER}: {FINGERPRINT}")
    assert post(asked, message(note()), ADDRESS + "x").status_code == 404


def test_no_certificate_is_asked_for_where_none_is_set(web):
    """The address and the organization are what counts then, whatever the header says."""
    assert send(web_over(web.runtime), "anything").status_code == 200


@pytest.mark.parametrize("wrong", ["X-Client-Cert", ": abc", "X Cert: abc", "X-Cert:", "X-Cert: , ,"])
def test_a_setting_that_says_no_header_and_value_is_refused(wrong):
    """At the start, by the variable's name: a typing error must not open the address."""
    with pytest.raises(ConfigError, match="CS_SALESFORCE_CLIENT_CERT"):
        read_settings({"CS_SALESFORCE_CLIENT_CERT": wrong})


def test_another_org_is_refused_at_an_address_of_ours(web):
    """With address and certificate of one, the word of another counts nothing."""
    answer = post(web, message(note(), org=ORG.replace("1EAA", "2EAA")))
    assert answer.status_code == 403
