"""HubSpot's webhooks: what is kept, what is refused and how, and what is answered and forgotten."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from sync.state.engine import reading
from sync.state.inbox import inbox
from sync.state.installations import Status
from tests.webhooks.conftest import (
    CLIENT_SECRET,
    HUBSPOT,
    NOW,
    PORTAL,
    PUBLIC_URL,
    bells,
    connect,
)

PATH = "/webhooks/hubspot"
CHANGE = {
    "eventId": 1,
    "subscriptionId": 11,
    "portalId": int(PORTAL),
    "appId": 1357911,
    "occurredAt": 1_782_810_000_000,
    "subscriptionType": "company.propertyChange",
    "attemptNumber": 0,
    "objectId": 501,
    "propertyName": "name",
    "propertyValue": "Acme",
    "changeSource": "CRM_UI",
}
LOST = {**CHANGE, "eventId": 2, "subscriptionType": "deal.deletion", "objectId": 502}


def sign(body: bytes, timestamp: str, secret: str = CLIENT_SECRET, url: str = PUBLIC_URL + PATH) -> str:
    """Sign as HubSpot's page "Validating requests" says for version 3."""
    text = b"POST" + url.encode() + body + timestamp.encode()
    return base64.b64encode(hmac.new(secret.encode(), text, hashlib.sha256).digest()).decode()


def milliseconds(instant: datetime) -> str:
    """Return an instant as HubSpot's header writes it."""
    return str(round(instant.timestamp() * 1000))


def deliver(web, body, at=NOW, **headers):
    """Post ``body`` signed at ``at``; ``headers`` replace (or, when ``None``, drop) the signed ones."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    stamp = milliseconds(at)
    signed = {"X-HubSpot-Request-Timestamp": stamp, "X-HubSpot-Signature-v3": sign(raw, stamp)}
    names = {"timestamp": "X-HubSpot-Request-Timestamp", "signature": "X-HubSpot-Signature-v3"}
    signed |= {names[name]: value for name, value in headers.items()}
    kept = {name: value for name, value in signed.items() if value is not None}
    return web.client.post(PATH, data=raw, headers=kept)


def test_a_signed_batch_is_a_row_per_event_before_it_is_answered(web_on_each):
    """204 means durable: each event stands in the inbox as sent, with its own time and our portal's id."""
    answer = deliver(web_on_each, [CHANGE, LOST])
    assert (answer.status_code, answer.data) == (204, b"")
    rows = web_on_each.rows()
    assert [row["installation_id"] for row in rows] == [HUBSPOT, HUBSPOT]
    assert sorted((json.loads(row["body"]) for row in rows), key=lambda one: one["eventId"]) == [CHANGE, LOST]
    assert {row["state"] for row in rows} == {"new"}


def test_the_time_of_the_event_is_kept(web):
    """HubSpot's occurredAt is milliseconds since 1970: 1 782 810 000 000 is 9:00 UTC on 30 June 2026."""
    deliver(web, [CHANGE])
    with reading(web.runtime.engine) as conn:
        kept = conn.execute(select(inbox.c.occurred_at)).scalar_one()
    assert kept == datetime(2026, 6, 30, 9, 0, tzinfo=UTC)


def test_a_burst_rings_once(web):
    """Two batches before the worker comes are one bell: it finds all rows."""
    deliver(web, [CHANGE])
    deliver(web, [LOST])
    assert (len(web.rows()), bells(web)) == (2, 1)


def test_a_batch_sent_again_is_kept_once(web_on_each):
    """HubSpot retries with another attempt number; the event is the same one."""
    deliver(web_on_each, [CHANGE, LOST])
    again = [{**one, "attemptNumber": 1} for one in (CHANGE, LOST)]
    answer = deliver(web_on_each, again, at=NOW + timedelta(seconds=30))
    assert (answer.status_code, len(web_on_each.rows())) == (204, 2)


def test_an_event_twice_in_one_batch_is_kept_once(web_on_each):
    """A repetition inside the batch is no trouble either."""
    assert deliver(web_on_each, [CHANGE, CHANGE]).status_code == 204
    assert len(web_on_each.rows()) == 1


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"signature": None}, "missing_header"),
        ({"timestamp": None}, "missing_header"),
        ({"timestamp": "yesterday"}, "malformed_timestamp"),
        ({"timestamp": "1e12"}, "malformed_timestamp"),
        ({"timestamp": "9" * 400}, "malformed_timestamp"),
        ({"signature": "AAAA"}, "signature_mismatch"),
        ({"signature": "Ã©Ã©"}, "signature_mismatch"),
        ({"timestamp": milliseconds(NOW + timedelta(seconds=1))}, "signature_mismatch"),
    ],
)
def test_a_request_that_is_not_hubspots_is_refused_by_name(web, headers, reason):
    """401 and why; nothing is kept."""
    answer = deliver(web, [CHANGE], **headers)
    assert (answer.status_code, answer.get_json()) == (401, {"error": reason})
    assert web.rows() == []


@pytest.mark.parametrize("off", [timedelta(minutes=5, seconds=1), -timedelta(minutes=5, seconds=1)])
def test_a_signature_more_than_five_minutes_off_is_stale(web, off):
    """A replayed request is refused, and so is one signed for later."""
    answer = deliver(web, [CHANGE], at=NOW + off)
    assert (answer.status_code, answer.get_json()) == (401, {"error": "stale_timestamp"})


@pytest.mark.parametrize("off", [timedelta(minutes=5), -timedelta(minutes=5)])
def test_five_minutes_off_is_still_good(web, off):
    """The boundary of the rule belongs to the good side."""
    assert deliver(web, [CHANGE], at=NOW + off).status_code == 204


def test_a_signature_for_another_address_is_refused(web):
    """The signed address is our public one: a request meant for somebody else does not pass here."""
    raw, stamp = json.dumps([CHANGE]).encode(), milliseconds(NOW)
    answer = deliver(web, raw, signature=sign(raw, stamp, url="https://other.example.com" + PATH))
    assert answer.get_json() == {"error": "signature_mismatch"}


def test_what_follows_the_question_mark_is_signed_too(web):
    """HubSpot signs the whole address; a changed query breaks the signature."""
    raw, stamp = json.dumps([CHANGE]).encode(), milliseconds(NOW)
    url = f"{PATH}?a=1&b=%20"
    headers = {
        "X-HubSpot-Request-Timestamp": stamp,
        "X-HubSpot-Signature-v3": sign(raw, stamp, url=PUBLIC_URL + url),
    }
    assert web.client.post(url, data=raw, headers=headers).status_code == 204
    assert web.client.post(f"{url}2", data=raw, headers=headers).status_code == 401


@pytest.mark.parametrize(
    "body",
    [b"", b"not json", b"\xff\xfe", b"{}", b"[1]", b'["a"]', b"null", b"[[]]", b"[" * 100_000, b"9" * 5000],
    ids=["empty", "text", "no utf-8", "object", "numbers", "texts", "null", "lists", "deep", "long number"],
)
def test_a_signed_body_that_is_no_batch_is_refused(web, body):
    """400 and why, whatever the body: never an error of ours, which HubSpot would retry for a day."""
    answer = deliver(web, body)
    assert (answer.status_code, answer.get_json()) == (400, {"error": "not_a_batch_of_events"})


def test_a_body_of_more_than_eight_megabytes_is_refused(web):
    """It is not read to its end."""
    answer = deliver(web, b"[" + b" " * 8_000_000 + b"]")
    assert (answer.status_code, answer.get_json()) == (413, {"error": "too_large"})


@pytest.mark.parametrize(
    "odd",
    [
        {"subscriptionType": "company.levitation"},
        {"subscriptionType": None, "objectId": None},
        {"occurredAt": 10**30},
        {"occurredAt": -1},
        {"occurredAt": "yesterday"},
        {"mergedObjectIds": 5, "subscriptionType": "company.merge"},
        {"propertyValue": "a\u0000b \ud800"},
    ],
    ids=["unknown type", "no type", "far future", "before 1970", "no number", "odd merge", "odd text"],
)
def test_an_odd_event_of_our_portal_is_kept_and_answered(web_on_each, odd):
    """The signature is good: refusing would only bring it back; what it means is decided later."""
    assert deliver(web_on_each, [{**CHANGE, **odd}]).status_code == 204
    assert len(web_on_each.rows()) == 1


@pytest.mark.parametrize("portal", [99, None, "99", {"a": 1}, 10**40])
def test_a_foreign_portals_events_are_answered_and_not_kept(web, portal):
    """Ours, in the same batch, are; a refusal would have HubSpot send the batch for a day."""
    answer = deliver(web, [{**CHANGE, "portalId": portal}, LOST])
    assert answer.status_code == 204
    assert [json.loads(row["body"])["eventId"] for row in web.rows()] == [2]


def test_the_events_of_a_portal_that_waits_for_consent_are_kept(web):
    """A deletion is told only once: it waits until the admin has connected again."""
    connect(web.runtime.engine, "hubspot", "777", "Gone", Status.NEEDS_CONSENT)
    assert deliver(web, [{**CHANGE, "portalId": 777}]).status_code == 204
    assert len(web.rows()) == 1


def test_without_redis_events_are_kept_all_the_same(web, without_redis):
    """Redis carries wake-ups only: 204, and the scheduler will ring."""
    assert deliver(without_redis(web), [CHANGE]).status_code == 204
    assert len(web.rows()) == 1


def test_without_the_database_hubspot_is_asked_to_try_again(web, without_database):
    """Nothing durable, so no 204: 503, which HubSpot retries."""
    answer = deliver(without_database(web), [CHANGE])
    assert (answer.status_code, answer.get_json()) == (503, {"error": "database_away"})


@pytest.mark.parametrize("missing", ["hubspot_client_secret", "public_url"])
def test_without_secret_or_public_address_nothing_can_be_verified(web, missing):
    """503: a signature that cannot be checked is never believed."""
    poor = web.over(settings=web.runtime.settings.model_copy(update={missing: None}))
    answer = deliver(poor, [CHANGE])
    assert (answer.status_code, answer.get_json()) == (503, {"error": "not_configured"})
    assert web.rows() == []


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    event=st.dictionaries(
        st.sampled_from([*CHANGE, "objectTypeId", "mergedObjectIds", "newObjectId"]),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers()),
    )
)
def test_no_event_however_odd_is_an_error_of_ours(web, event):
    """A signed batch with any values at all is answered 204."""
    assert deliver(web, [{**event, "portalId": int(PORTAL)}]).status_code == 204
