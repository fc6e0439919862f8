"""HubSpot's endpoint against whatever may come: addresses, headers, bodies, sizes."""

from __future__ import annotations

import hmac
import json
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.datastructures import Headers

from integration.hubspot import signature
from tests.webhooks.conftest import CLIENT_SECRET, NOW, PORTAL, PUBLIC_URL
from tests.webhooks.test_hubspot_webhook import CHANGE, PATH, deliver, milliseconds, sign

TIMESTAMP, SIGNATURE = "X-HubSpot-Request-Timestamp", "X-HubSpot-Signature-v3"
# HubSpot's page "Validating requests", by hand: what it decodes in an address before it signs.
ESCAPES = [
    ("%3A", ":"), ("%2F", "/"), ("%3F", "?"), ("%40", "@"), ("%21", "!"), ("%24", "$"),
    ("%27", "'"), ("%28", "("), ("%29", ")"), ("%2A", "*"), ("%2C", ","), ("%3B", ";"),
]  # fmt: skip
KEPT_ESCAPES = ["%20", "%26", "%3D", "%25", "%2B", "%23", "%C3%A9", "%253A"]


def post(web, path, body, signed_url, **changed):
    """Post a body to a path with the signature of another spelling of the address."""
    stamp = milliseconds(NOW)
    headers = {TIMESTAMP: stamp, SIGNATURE: sign(body, stamp, url=signed_url)} | changed
    return web.client.post(path, data=body, headers=headers)


@pytest.mark.parametrize(("escape", "plain"), ESCAPES, ids=[plain for _, plain in ESCAPES])
def test_twelve_escapes_of_the_address_are_signed_decoded(web, escape, plain):
    """In either case; the escaped spelling itself is not what HubSpot signs."""
    body = json.dumps([CHANGE]).encode()
    for written in (escape, escape.lower()):
        path = f"{PATH}?next=a{written}b"
        assert post(web, path, body, f"{PUBLIC_URL}{PATH}?next=a{plain}b").status_code == 204
        assert post(web, path, body, PUBLIC_URL + path).status_code == 401


@pytest.mark.parametrize("escape", KEPT_ESCAPES)
def test_every_other_escape_is_signed_as_it_is(web, escape):
    """Space, ampersand, equals and the rest stay as HubSpot called us."""
    path = f"{PATH}?next=a{escape}b"
    assert post(web, path, json.dumps([CHANGE]).encode(), PUBLIC_URL + path).status_code == 204


def test_the_body_is_signed_byte_by_byte(web):
    """The same events written with other blanks are another body: nothing is parsed before it is believed."""
    odd = b' [ {"portalId" : %s,\n "eventId":1.0, "propertyValue":"\xc3\xa9 \\u00e9"} ]\r\n' % PORTAL.encode()
    stamp = milliseconds(NOW)
    assert deliver(web, odd).status_code == 204
    again = json.dumps(json.loads(odd)).encode()
    answer = deliver(web, again, signature=sign(odd, stamp))
    assert (answer.status_code, answer.get_json()) == (401, {"error": "signature_mismatch"})


def test_a_timestamp_of_seconds_is_not_one_of_milliseconds(web):
    """Read as milliseconds it lies in January 1970."""
    seconds, body = str(int(NOW.timestamp())), json.dumps([CHANGE]).encode()
    answer = deliver(web, body, timestamp=seconds, signature=sign(body, seconds))
    assert (answer.status_code, answer.get_json()) == (401, {"error": "stale_timestamp"})


def test_the_signature_is_compared_in_constant_time(web, monkeypatch):
    """Whole signatures go to the one comparison whose time says nothing about where they differ."""
    compared, in_constant_time = [], hmac.compare_digest

    def watched(one, other):
        compared.append((one, other))
        return in_constant_time(one, other)

    monkeypatch.setattr(signature.hmac, "compare_digest", watched)
    body, stamp = json.dumps([CHANGE]).encode(), milliseconds(NOW)
    assert deliver(web, body, signature="A" * 44).status_code == 401
    assert compared == [(sign(body, stamp).encode(), b"A" * 44)]


header_text = st.binary(max_size=200).map(lambda raw: raw.translate(None, b"\r\n\x00").decode("latin-1"))
near_misses = st.sampled_from(
    ["", " ", "0", "-1", "1e12", "٣", "9" * 5_000, "A" * 60_000, "=" * 44, milliseconds(NOW), "\xe9" * 44]
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    stamps=st.lists(header_text | near_misses, max_size=3),
    signatures=st.lists(header_text | near_misses, max_size=3),
)
def test_no_header_makes_an_error_of_ours(web, stamps, signatures):
    """Missing, empty, huge, repeated, of any bytes: 401, and nothing is kept."""
    headers = Headers([(TIMESTAMP, one) for one in stamps] + [(SIGNATURE, one) for one in signatures])
    latin = Headers([(name, value.encode("utf-8").decode("latin-1")) for name, value in headers])
    answer = web.client.post(PATH, data=json.dumps([CHANGE]), headers=latin)
    assert answer.status_code == 401
    assert web.rows() == []


def test_a_genuine_signature_given_twice_is_none(web):
    """Which of two headers was meant is not guessed."""
    body, stamp = json.dumps([CHANGE]).encode(), milliseconds(NOW)
    twice = Headers([(TIMESTAMP, stamp), (SIGNATURE, sign(body, stamp)), (SIGNATURE, sign(body, stamp))])
    assert web.client.post(PATH, data=body, headers=twice).status_code == 401


@pytest.mark.parametrize("query", ["a=\xff\xfe", "a=%FF%00", "?" * 3_000, "a=\xc3\xa9"])
def test_no_address_makes_an_error_of_ours(web, query):
    """What follows the question mark may be any bytes: unsigned, it is refused."""
    answer = web.client.post(
        PATH,
        data=b"[]",
        headers={TIMESTAMP: milliseconds(NOW), SIGNATURE: "A" * 44},
        environ_overrides={"QUERY_STRING": query},
    )
    assert answer.status_code == 401


@pytest.mark.parametrize("count", [101, 1_000])
def test_more_events_than_hubspot_sends_are_kept_all(web_on_each, count):
    """A hundred is HubSpot's limit, not ours; the size of the body is what bounds a request."""
    batch = [{**CHANGE, "eventId": number} for number in range(count)]
    assert deliver(web_on_each, batch).status_code == 204
    assert len(web_on_each.rows()) == count


def test_an_empty_batch_is_answered(web):
    """Nothing to keep is no error."""
    assert (deliver(web, []).status_code, web.rows()) == (204, [])


@pytest.mark.parametrize("levels", [60, 200, 700, 900, 950, 990, 5_000])
def test_an_event_nested_deep_is_refused(web, levels):
    """Read at one depth it might not be written at another: 400, never an error of ours."""
    deep = b"[" * levels + b"]" * levels
    body = b'[{"portalId": %s, "propertyValue": %s}]' % (PORTAL.encode(), deep)
    answer = deliver(web, body)
    assert (answer.status_code, answer.get_json()) == (400, {"error": "not_a_batch_of_events"})


@pytest.mark.parametrize("portal", ["1\u0000", "\ud800", "١٢", " 24680135", "-1", True])
def test_what_is_no_portals_number_is_nobodys(web_on_each, portal):
    """Answered and forgotten, also where a database would not take it as a text."""
    answer = deliver(web_on_each, [{**CHANGE, "portalId": portal}])
    assert (answer.status_code, web_on_each.rows()) == (204, [])


def test_a_retry_keeps_the_time_and_number_of_the_first(web):
    """Portal, type, object, event and time name an event; the attempt does not, a second more does."""
    deliver(web, [CHANGE])
    deliver(web, [{**CHANGE, "attemptNumber": 3}], at=NOW + timedelta(minutes=1))
    assert [json.loads(row["body"])["attemptNumber"] for row in web.rows()] == [0]
    for name, value in {
        "occurredAt": CHANGE["occurredAt"] + 1,
        "eventId": 77,
        "objectId": 502,
        "subscriptionType": "company.creation",
    }.items():
        before = len(web.rows())
        deliver(web, [{**CHANGE, name: value}])
        assert len(web.rows()) == before + 1


def test_the_secret_is_in_no_answer(web):
    """Whatever is refused, the answer names a reason and repeats nothing."""
    for answer in (deliver(web, b"{}"), deliver(web, [CHANGE], signature="x"), web.client.get(PATH)):
        assert CLIENT_SECRET.encode() not in answer.data
