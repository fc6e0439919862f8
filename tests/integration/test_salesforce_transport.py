"""How calls to Salesforce survive expiry, limits and faults, and what they are counted as."""

from __future__ import annotations

import pytest

from integration.port import Misconfigured, NeedsConsent, RateLimited, Refusal, Refused, Unavailable
from integration.salesforce.auth import Grant, RefreshToken
from integration.salesforce.limits import RETRY_TOTAL_S
from integration.salesforce.transport import parse_limit_info
from tests.integration.salesforce_wire import (
    EXPIRED,
    GRANT,
    HOST,
    ORG_ID,
    RESET,
    USER_ID,
    account_row,
    page,
    rig,
)

TOKEN = (
    200,
    {
        "access_token": "token-2",
        "instance_url": HOST,
        "id": f"https://login.salesforce.com/id/{ORG_ID}/{USER_ID}",
        "token_type": "Bearer",
    },
)
ROTATED = (200, {**TOKEN[1], "refresh_token": "refresh-2"})
VERSIONS = (200, [{"version": "66.0"}, {"version": "67.0"}])
DAILY = [{"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}]
CONCURRENT = [
    {
        "message": "ConcurrentRequests (Concurrent API Requests) Limit exceeded.",
        "errorCode": "REQUEST_LIMIT_EXCEEDED",
    }
]


def read_one(setup):
    """Read one account, whatever happens on the way."""
    return setup.port.read("Account", ["0015g0000000001AAA"], ["Name"])


def found():
    """Return the answer to ``read_one``."""
    return page([account_row(1, Name="Acme")])


def test_a_first_call_signs_in_learns_the_version_and_the_org():
    """The newest version the org lists below ours is spoken, and the org's id is known from the token."""
    setup = rig(TOKEN, VERSIONS, found(), grant=None)
    read_one(setup)
    assert setup.org.sent[-1].path == "/services/data/v67.0/query/"
    assert setup.port.organization_id == ORG_ID
    assert setup.port.calls.by_reason == {"oauth": 1, "versions": 1, "read Account": 1}


def test_an_org_newer_than_us_is_spoken_to_in_our_version():
    """A release that comes after ours changes nothing for us."""
    setup = rig(TOKEN, (200, [{"version": "68.0"}, {"version": "69.0"}]), found(), grant=None)
    read_one(setup)
    assert setup.org.sent[-1].path.startswith("/services/data/v68.0/")


def test_an_expired_session_is_renewed_once_and_the_same_call_made_again():
    """The replay carries the headers of the call it repeats, and only the token is new."""
    setup = rig((401, EXPIRED), TOKEN, found())
    read_one(setup)
    first, _, replay = setup.org.sent
    assert replay.soql == first.soql
    assert replay.headers["Sforce-Call-Options"] == "client=colonnade"
    assert replay.headers["Authorization"] == "Bearer token-2"
    assert setup.port.calls.total == 3


def test_a_token_refused_as_soon_as_issued_ends_in_needs_consent():
    """A revoked app is noticed after two renewals, not by recursion."""
    setup = rig((401, EXPIRED), TOKEN, (401, EXPIRED), TOKEN, (401, EXPIRED))
    with pytest.raises(NeedsConsent):
        read_one(setup)
    assert len(setup.org.sent) == 5


def test_a_token_that_another_process_stored_and_that_ended_since_is_renewed():
    """After hours of silence every token is dead, ours and the one that was newer than ours."""
    setup = rig((401, EXPIRED), (401, EXPIRED), TOKEN, found())
    assert setup.port.organization_id == ORG_ID
    setup.store.save(Grant("token-other", HOST, ORG_ID, USER_ID, "68.0"))
    read_one(setup)
    used = [sent.headers.get("Authorization") for sent in setup.org.sent]
    assert used == ["Bearer token-1", "Bearer token-other", None, "Bearer token-2"]


def test_another_process_having_renewed_spares_a_second_renewal():
    """With rotation a parallel renewal would kill the other's token, so the stored one is used."""
    setup = rig((401, EXPIRED), found())
    assert setup.port.organization_id == ORG_ID
    setup.store.save(Grant("token-other", HOST, ORG_ID, USER_ID, "68.0"))
    read_one(setup)
    assert setup.org.sent[-1].headers["Authorization"] == "Bearer token-other"


def test_a_rotated_refresh_token_is_stored_and_used_next_time():
    """Every renewal replaces the refresh token for good."""
    credentials = RefreshToken("client", "refresh-1")
    setup = rig((401, EXPIRED), ROTATED, found(), (401, EXPIRED), TOKEN, found(), credentials=credentials)
    read_one(setup)
    read_one(setup)
    bodies = [sent.body.decode() for sent in setup.org.sent if sent.path.endswith("/token")]
    assert ["refresh-1" in bodies[0], "refresh-2" in bodies[1]] == [True, True]
    assert setup.store.load().refresh_token == "refresh-2"


def test_a_rotated_refresh_token_survives_a_failure_right_after_it():
    """The new token is kept before anything else is asked of the org."""
    setup = rig(ROTATED, (404, [{"errorCode": "NOT_FOUND"}]), grant=None, credentials=RefreshToken("c", "r1"))
    with pytest.raises(Misconfigured):
        read_one(setup)
    assert setup.store.load().refresh_token == "refresh-2"


@pytest.mark.parametrize(
    ("error", "raised"),
    [("invalid_grant", NeedsConsent), ("inactive_org", NeedsConsent), ("invalid_client", Misconfigured)],
)
def test_a_refused_sign_in_says_whose_move_it_is(error, raised):
    """A grant that is gone needs the customer, a wrong secret needs us; no description is needed."""
    setup = rig((400, {"error": error}), grant=None)
    with pytest.raises(raised, match=error):
        read_one(setup)


@pytest.mark.parametrize("status", [406, 420, 429, 500, 503])
def test_a_passing_fault_is_tried_again(status):
    """A busy edge or server is asked again after a pause."""
    setup = rig((status, [{"errorCode": "SERVER_UNAVAILABLE", "message": "busy"}]), found())
    assert len(read_one(setup)) == 1
    assert len(setup.slept) == 1


def test_a_metered_transaction_is_tried_again():
    """Transaction security counts calls of its own and says so with a code, not a status."""
    metered = [{"errorCode": "TXN_SECURITY_METERING_ERROR", "message": "try again"}]
    assert len(read_one(rig((400, metered), found()))) == 1


def test_a_page_of_html_is_a_passing_fault():
    """A maintenance page with status 200 is no answer."""
    assert len(read_one(rig((200, b"<html>down</html>"), RESET, found()))) == 1


def test_patience_ends_after_a_minute_of_waiting(monkeypatch):
    """A CRM that stays away ends in Unavailable, having waited less than the minute promised."""
    now = [0.0]
    setup = rig(*[(503, b"")] * 200)
    monkeypatch.setattr("tenacity.time.monotonic", lambda: now[0])
    setup.port._transport.sleep = lambda seconds: now.__setitem__(0, now[0] + seconds)
    with pytest.raises(Unavailable):
        read_one(setup)
    assert 0 < now[0] <= RETRY_TOTAL_S


def test_a_spent_daily_quota_is_not_hammered():
    """The daily limit is reported at once, with the vendor's name for it."""
    setup = rig((403, DAILY))
    with pytest.raises(RateLimited) as raised:
        read_one(setup)
    assert (raised.value.policy, len(setup.org.sent)) == ("daily", 1)


def test_too_many_long_requests_at_once_pass_in_seconds():
    """The concurrent limit has the same code as the daily one, and another cure."""
    assert len(read_one(rig((403, CONCURRENT), found()))) == 1


def test_a_hidden_field_is_a_missing_permission():
    """Salesforce calls a field the user may not see unknown; the org's words are kept."""
    words = "No such column 'Health__c' on entity 'Account'"
    with pytest.raises(Refused) as raised:
        read_one(rig((400, [{"errorCode": "INVALID_FIELD", "message": words}])))
    assert (raised.value.error.refusal, raised.value.error.message) == (Refusal.PERMISSION, words)


def test_a_retired_version_is_our_fault():
    """A version the org serves no more cannot be mended by the customer."""
    with pytest.raises(Misconfigured):
        read_one(rig((410, [{"errorCode": "UNSUPPORTED_API_VERSION", "message": "gone"}])))


def test_the_daily_quota_is_learned_from_refusals_too():
    """The header of an error answer counts as that of a success; the refusal says that nothing is left."""
    readings = []

    class Seen:
        """A budget that keeps what it is told."""

        def take(self, lane, kind):
            """Let every call through."""

        def learn_day(self, limit, remaining):
            """Keep the reading."""
            readings.append((limit, remaining))

    header = {"Sforce-Limit-Info": "api-usage=14999/15000; per-app-api-usage=17/250(appName=x)"}
    with pytest.raises(RateLimited):
        read_one(rig((403, DAILY, header), budget=Seen()))
    assert readings == [(15000, 1), (1, 0)]


@pytest.mark.parametrize("header", ["", "api-usage=", "per-app-api-usage=17/250(appName=x)", "api-usage=a/b"])
def test_a_strange_limit_header_is_ignored(header):
    """Only the org's own usage is learned."""
    assert parse_limit_info(header) is None


def test_plain_http_leaves_this_machine_never():
    """A token is not sent in clear to any host but this one."""
    from requests import Session

    from integration.salesforce.transport import allow_plain_loopback

    with pytest.raises(Misconfigured):
        allow_plain_loopback(Session(), "http://acme.my.salesforce.com")


def test_secrets_do_not_show_in_a_log_line():
    """Printing a grant or credentials shows neither token nor key."""
    shown = repr(GRANT) + repr(RefreshToken("client", "refresh-1", "hush"))
    assert not any(secret in shown for secret in ("token-1", "refresh-1", "hush"))
