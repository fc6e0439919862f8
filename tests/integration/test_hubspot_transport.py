"""The way to HubSpot: tokens, waits, lost connections and refusals, on a scripted server."""

import threading
from datetime import timedelta

import pytest
import requests

from integration.budget import Lane, LocalBudget
from integration.call_count import CallCount
from integration.hubspot.auth import Auth, MemoryTokenStore, OAuthGrant, ServiceKey
from integration.hubspot.connector import PATHS, WINDOWS
from integration.hubspot.oauth_endpoint import TokenEndpoint, TokenSet
from integration.hubspot.transport import MAX_SLEEP_S, Transport
from integration.port import (
    NeedsConsent,
    RateLimited,
    Refusal,
    Refused,
    Unavailable,
)

URL = "https://hubspot.test"
GRANT = OAuthGrant("client", "secret", "refresh-1")
TOKEN = {"access_token": "access-1", "refresh_token": "refresh-2", "expires_in": 1800}


class Wire:
    """A transport over the script, with what it counted, slept and stored."""

    def __init__(self, script, clock, monotonic, credentials=None, store=None):
        session = requests.Session()
        session.mount("https://", script)
        self.calls = CallCount()
        self.store = store or MemoryTokenStore()
        endpoint = TokenEndpoint(session, URL, PATHS["2026-09"], self.calls.add, monotonic.sleep)
        auth = Auth(credentials or ServiceKey("key"), endpoint, self.store, clock.now)
        budget = LocalBudget(WINDOWS, monotonic=monotonic, sleep=monotonic.sleep)
        self.transport = Transport(
            URL, session, auth, budget, self.calls.add, Lane.INTERACTIVE, monotonic.sleep
        )

    def call(self):
        """Make a call."""
        return self.transport.call("read deals", "POST", "/crm/objects/2026-09/deals/search", {})


@pytest.fixture
def wire(script, clock, monotonic):
    """Return a maker of transports over the script."""
    return lambda **kwargs: Wire(script, clock, monotonic, **kwargs)


def limit_body(policy):
    """Return HubSpot's 429 body."""
    return {
        "status": "error",
        "message": f"You have reached your {policy.lower()} limit.",
        "errorType": "RATE_LIMIT",
        "policyName": policy,
    }


def test_sends_the_service_key_and_counts_the_call(wire, script):
    """One call is one request with the key, counted under its reason."""
    line = wire()
    script.answer(200, {"results": []})
    line.call()
    assert script.asked[0].headers["Authorization"] == "Bearer key"
    assert line.calls.by_reason == {"read deals": 1}


def test_refreshes_before_the_first_call_and_keeps_the_rotated_token(wire, script):
    """A grant is turned into tokens by a form, and what came back is stored, rotated token too."""
    line = wire(credentials=GRANT)
    script.answer(200, TOKEN).answer(200, {})
    line.call()
    assert script.paths()[0] == "POST /oauth/2026-09/token"
    assert "refresh_token=refresh-1" in script.asked[0].body
    assert script.asked[1].headers["Authorization"] == "Bearer access-1"
    assert line.store.load().refresh_token == "refresh-2"
    assert line.calls.by_reason == {"oauth": 1, "read deals": 1}


def test_secrets_do_not_show_when_printed(clock):
    """Keys and tokens stay out of logs that print the objects holding them."""
    tokens = TokenSet("hidden", "hidden", clock.now())
    held = [ServiceKey("hidden"), OAuthGrant("client", "hidden", "hidden"), tokens]
    assert "hidden" not in repr(held)


def test_keeps_a_token_until_shortly_before_its_end(wire, script, clock):
    """Twenty minutes later the token still serves; twenty-six minutes later it is renewed ahead of a 401."""
    line = wire(credentials=GRANT)
    script.answer(200, TOKEN).answer(200, {}).answer(200, {})
    line.call()
    clock.instant += timedelta(minutes=20)
    line.call()
    clock.instant += timedelta(minutes=6)
    script.answer(200, {**TOKEN, "access_token": "access-2"}).answer(200, {})
    line.call()
    assert "refresh_token=refresh-2" in script.asked[3].body
    assert script.asked[4].headers["Authorization"] == "Bearer access-2"


def test_takes_the_token_another_process_stored(wire, script, clock):
    """A fresh token in the store costs no call to the token endpoint."""
    held = TokenSet("theirs", "refresh-9", clock.now() + timedelta(minutes=20))
    line = wire(credentials=GRANT, store=MemoryTokenStore(held))
    script.answer(200, {})
    line.call()
    assert script.asked[0].headers["Authorization"] == "Bearer theirs"


def test_many_threads_refresh_once(wire, script):
    """Sixteen threads that find the token stale cause one refresh."""
    line = wire(credentials=GRANT)
    script.answer(200, TOKEN)
    auth, gate, tokens = line.transport.auth, threading.Barrier(16), []

    def work():
        gate.wait()
        tokens.append(auth.access_token())

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert tokens == ["access-1"] * 16
    assert len(script.asked) == 1


def test_a_401_is_answered_with_one_new_token(wire, script, clock):
    """A token revoked before its time is replaced once and the call made again."""
    held = TokenSet("revoked", "refresh-1", clock.now() + timedelta(minutes=20))
    line = wire(credentials=GRANT, store=MemoryTokenStore(held))
    script.answer(401, {"message": "expired"}).answer(200, TOKEN).answer(200, {})
    line.call()
    assert script.asked[2].headers["Authorization"] == "Bearer access-1"


@pytest.mark.parametrize("credentials", [ServiceKey("key"), GRANT])
def test_a_401_that_stays_needs_consent(wire, script, credentials):
    """When a new token is refused as well, or there is none, an admin must reconnect."""
    line = wire(credentials=credentials)
    if credentials is GRANT:
        script.answer(200, TOKEN).answer(401, {}).answer(200, {**TOKEN, "access_token": "access-2"})
    script.answer(401, {"message": "The token is revoked"})
    with pytest.raises(NeedsConsent, match="The token is revoked"):
        line.call()


@pytest.mark.parametrize(("policy", "least_s"), [("TEN_SECONDLY_ROLLING", 10.0), ("SECONDLY", 1.0)])
def test_waits_as_long_as_the_limit_asks(wire, script, monotonic, policy, least_s):
    """After a 429 the call waits the window of the named policy and goes through."""
    script.answer(429, limit_body(policy)).answer(200, {"ok": True})
    assert wire().call().body == {"ok": True}
    assert least_s <= monotonic.sleeps[0] <= least_s + 2
    assert len(script.asked) == 2


def test_the_daily_limit_is_not_waited_for(wire, script, monotonic):
    """A spent day is told at once with the vendor's name of the limit."""
    script.answer(429, limit_body("DAILY"))
    with pytest.raises(RateLimited) as refused:
        wire().call()
    assert refused.value.policy == "DAILY"
    assert monotonic.sleeps == []


def test_gives_up_within_a_minute_of_sleep(wire, script, monotonic):
    """Endless 429s end in ``RateLimited``; all sleeps together stay under the cap."""
    for _ in range(10):
        script.answer(429, limit_body("TEN_SECONDLY_ROLLING"))
    with pytest.raises(RateLimited):
        wire().call()
    assert sum(monotonic.sleeps) <= MAX_SLEEP_S
    assert len(monotonic.sleeps) >= 3


@pytest.mark.parametrize(("status", "retry_after"), [(477, "86400"), (429, "3600"), (503, "3600")])
def test_never_sleeps_for_an_hour(wire, script, monotonic, status, retry_after):
    """The SDK sleeps any ``Retry-After``; we hand it to the caller instead."""
    script.answer(status, limit_body("SECONDLY"), headers={"Retry-After": retry_after})
    with pytest.raises(Unavailable) as refused:
        wire().call()
    assert refused.value.retry_after_s == float(retry_after)
    assert monotonic.sleeps == []


def test_a_locked_record_is_given_two_seconds(wire, script, monotonic):
    """HubSpot's 423 asks for at least two seconds."""
    script.answer(423, {"message": "locked"}).answer(200, {})
    wire().call()
    assert monotonic.sleeps[0] >= 2.0


@pytest.mark.parametrize(
    "failure",
    [
        requests.ConnectionError("reset by peer"),
        requests.ReadTimeout("nothing came"),
        requests.exceptions.ChunkedEncodingError("cut off"),
    ],
)
def test_a_lost_connection_is_tried_again(wire, script, failure):
    """Network failures never leak as the library's own: the call is made again and counted."""
    line = wire()
    script.lose(failure).answer(200, {})
    line.call()
    assert line.calls.by_reason == {"read deals": 2}


@pytest.mark.parametrize(
    ("status", "raw"),
    [(502, b"<html>Bad Gateway</html>"), (500, b"\xff\xfe\x00"), (200, b"<html>hello</html>")],
)
def test_pages_that_are_not_json_are_an_outage(wire, script, status, raw):
    """HTML, even with 200, and bytes of no encoding are tried again, then ``Unavailable``."""
    for _ in range(6):
        script.answer(status, raw=raw)
    with pytest.raises(Unavailable):
        wire().call()
    assert len(script.asked) == 6


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b'{"results": ["\\ud83d"]}', "\ud83d"),
        (b'{"results": ["caf\xc3\xa9"]}', "caf\u00e9"),
        ('{"results": ["cut"]}'.encode("utf-16"), "cut"),
        (b'{"results": [123456789012345678901234]}', 123456789012345678901234),
    ],
    ids=["half a character", "UTF-8", "UTF-16", "a long number"],
)
def test_an_answer_is_read_to_the_letter(wire, script, raw, value):
    """What a customer's integration once cut or blew up is a value like any other."""
    script.answer(200, raw=raw)
    assert wire().call().body == {"results": [value]}


def test_missing_scopes_are_named(wire, script):
    """A 403 is a permission to grant, with the scopes in ``fields``, and not tried again."""
    script.answer(
        403,
        {
            "status": "error",
            "category": "MISSING_SCOPES",
            "message": "This app hasn't been granted all required scopes to make this call.",
            "errors": [{"context": {"requiredGranularScopes": ["crm.deals.write", "tickets"]}}],
        },
    )
    with pytest.raises(Refused) as refused:
        wire().call()
    assert refused.value.error.refusal is Refusal.PERMISSION
    assert refused.value.error.fields == ("crm.deals.write", "tickets")
    assert len(script.asked) == 1


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (404, {"category": "OBJECT_NOT_FOUND", "message": "gone"}, Refusal.GONE),
        (409, {"category": "CONFLICT", "message": "race"}, Refusal.BUSY),
        (400, {"category": "VALIDATION_ERROR", "message": "no"}, Refusal.FIXABLE),
        (400, {"message": "Missing 'Edit Associations' permission."}, Refusal.PERMISSION),
        (400, None, Refusal.FIXABLE),
    ],
)
def test_refusals_are_named_by_what_can_be_done(wire, script, status, body, expected):
    """Every refusal of a whole call is one of the port's four, whatever of the body is missing."""
    script.answer(status, body)
    with pytest.raises(Refused) as refused:
        wire().call()
    assert refused.value.error.refusal is expected


def test_limits_are_learned_from_headers(wire, script, monotonic):
    """After an answer that says nothing is left, the next call waits for the window."""
    line = wire()
    headers = {
        "X-HubSpot-RateLimit-Max": "100",
        "X-HubSpot-RateLimit-Remaining": "0",
        "X-HubSpot-RateLimit-Daily": "250000",
        "X-HubSpot-RateLimit-Daily-Remaining": "249000",
    }
    script.answer(200, {}, headers=headers).answer(200, {})
    line.call()
    line.call()
    assert monotonic.sleeps == [pytest.approx(10.1, abs=0.1)]
