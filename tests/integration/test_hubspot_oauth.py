"""HubSpot's token endpoint and consent page: who must act, what is asked, where an admin may return to."""

import threading
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from integration.call_count import CallCount
from integration.hubspot.auth import Auth, MemoryTokenStore, OAuthGrant
from integration.hubspot.connector import PATHS
from integration.hubspot.oauth_consent import authorize_url, is_hubspot_ui
from integration.hubspot.oauth_endpoint import ATTEMPTS, AppClient, TokenEndpoint, TokenSet
from integration.hubspot.scopes import ENTERPRISE, Scopes, scopes_for
from integration.pkce import code_challenge
from integration.port import Misconfigured, NeedsConsent, RateLimited, Unavailable

URL = "https://hubspot.test"
CLIENT = AppClient("client", "s3cret", "https://app.example.com/back")
GRANT = OAuthGrant("client", "s3cret", "refresh-1")
TOKEN = {"access_token": "access-1", "refresh_token": "refresh-2", "expires_in": 1800}
GONE = {"error": "invalid_grant", "status": "BAD_REFRESH_TOKEN", "message": "missing or invalid"}
NO_PORTAL = {"error": "access_denied", "status": "BAD_HUB", "message": "the hub is gone"}


class Wire:
    """A token endpoint over the script, and an ``Auth`` on it."""

    def __init__(self, script, clock, monotonic, store=None):
        session = requests.Session()
        session.mount("https://", script)
        self.calls = CallCount()
        self.endpoint = TokenEndpoint(session, URL, PATHS["2026-09"], self.calls.add, monotonic.sleep)
        self.store = store or MemoryTokenStore()
        self.auth = Auth(GRANT, self.endpoint, self.store, clock.now)


@pytest.fixture
def wire(script, clock, monotonic):
    """Return a maker of token endpoints over the script."""
    return lambda **kwargs: Wire(script, clock, monotonic, **kwargs)


def form_of(request):
    """Return the form of a request, each name once."""
    return {name: value for name, (value,) in parse_qs(request.body).items()}


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (400, GONE, NeedsConsent),
        (400, {"status": "BAD_REFRESH_TOKEN", "message": "no error name"}, NeedsConsent),
        (400, NO_PORTAL, NeedsConsent),
        (400, {"error": "invalid_client", "status": "BAD_CLIENT_SECRET", "message": "no"}, Misconfigured),
        (400, {"error": "invalid_client", "status": "BAD_CLIENT_ID", "message": "no"}, Misconfigured),
        (401, {"error": "invalid_client"}, Misconfigured),
        (400, {"status": "BAD_CLIENT_ID", "message": "no error name"}, Misconfigured),
        (400, {"error": "unsupported_grant_type", "message": "no"}, Misconfigured),
    ],
)
def test_a_refusal_says_who_must_act_and_is_not_asked_twice(wire, script, status, body, expected):
    """A grant that is gone is the customer's, an unknown client is ours; neither passes by itself."""
    script.answer(status, body)
    with pytest.raises(expected):
        wire().auth.access_token()
    assert len(script.asked) == 1


@pytest.mark.parametrize(
    ("status", "raw"),
    [
        (500, b"{}"),
        (503, b""),
        (502, b"<html>Bad Gateway</html>"),
        (524, b"\xff\xfe"),
        (477, b"{}"),
        (200, b"<html>hello</html>"),
        (200, b"[]"),
        (200, b'{"token_type": "bearer"}'),
        (200, b'{"access_token": "", "refresh_token": "r", "expires_in": 1800}'),
        (404, b"<html>a proxy's page</html>"),
    ],
)
def test_an_outage_is_nobodys_fault(wire, script, monotonic, status, raw):
    """Whatever is not HubSpot's own refusal ends as ``Unavailable``, within three tries and few seconds."""
    for _ in range(ATTEMPTS):
        script.answer(status, raw=raw)
    with pytest.raises(Unavailable):
        wire().auth.access_token()
    assert len(script.asked) <= ATTEMPTS
    assert sum(monotonic.sleeps) < 12


def test_a_timeout_and_a_burst_are_tried_again_and_each_try_is_counted(wire, script, monotonic):
    """Two failures that pass by themselves, then tokens; three calls were made and none hidden."""
    line = wire()
    script.lose(requests.ReadTimeout("nothing came")).answer(429, {"policyName": "SECONDLY"})
    script.answer(200, TOKEN)
    assert line.auth.access_token() == "access-1"
    assert line.calls.by_reason == {"oauth": 3}
    assert len(monotonic.sleeps) == 2


def test_a_limit_that_stays_is_named_and_a_long_wait_handed_on(wire, script, monotonic):
    """Nobody sleeps an hour inside a lock that others wait for."""
    script.answer(429, {"policyName": "DAILY", "message": "spent"}, headers={"Retry-After": "3600"})
    with pytest.raises(RateLimited) as refused:
        wire().auth.access_token()
    assert (refused.value.policy, refused.value.retry_after_s) == ("DAILY", 3600.0)
    assert monotonic.sleeps == []


def test_errors_never_show_the_form(wire, script):
    """A library's own text of a lost connection may hold what was sent."""
    for _ in range(ATTEMPTS):
        script.lose(requests.ConnectionError("POST client_secret=s3cret&refresh_token=refresh-1"))
    with pytest.raises(Unavailable) as lost:
        wire().auth.access_token()
    told = repr(lost.value) + repr(lost.value.__cause__)
    assert "s3cret" not in told
    assert "refresh-1" not in told


def test_a_refused_grant_is_not_shown_again(wire, script, clock):
    """However many callers come, and whenever, HubSpot is asked once; connecting makes a new one."""
    line = wire()
    script.answer(400, GONE)
    for _ in range(20):
        with pytest.raises(NeedsConsent, match="missing or invalid"):
            line.auth.access_token()
        clock.instant += timedelta(hours=1)
    assert len(script.asked) == 1


def test_a_client_that_is_not_known_is_asked_for_again_after_a_minute(wire, script, clock):
    """Ours to mend: tried rarely until it is right, and then everything goes on."""
    line = wire()
    script.answer(400, {"error": "invalid_client", "status": "BAD_CLIENT_SECRET", "message": "no"})
    for _ in range(5):
        with pytest.raises(Misconfigured, match="CS_HUBSPOT_CLIENT_SECRET"):
            line.auth.access_token()
        clock.instant += timedelta(seconds=11)
    assert len(script.asked) == 1
    clock.instant += timedelta(seconds=6)
    script.answer(200, TOKEN)
    assert line.auth.access_token() == "access-1"


def test_new_tokens_are_stored_before_they_are_used(wire, script):
    """A store that fails keeps the token from being used: it would be lost with the process."""

    class FullDisk(MemoryTokenStore):
        def save(self, tokens):
            raise OSError("no space left")

    line = wire(store=FullDisk())
    script.answer(200, TOKEN)
    with pytest.raises(OSError, match="no space"):
        line.auth.access_token()
    script.answer(200, {**TOKEN, "access_token": "access-2"})
    line.store.save = lambda tokens: None
    assert line.auth.access_token() == "access-2"


def test_a_storm_of_refusals_of_one_token_is_one_renewal(wire, script, clock):
    """Sixteen threads were answered 401 for the same token; one renews it, all get the new one."""
    line = wire(store=MemoryTokenStore(TokenSet("stale", "refresh-1", clock.now() + timedelta(minutes=20))))
    assert line.auth.access_token() == "stale"
    script.answer(200, TOKEN)
    gate, another = threading.Barrier(16), []

    def work():
        gate.wait()
        another.append(line.auth.replace("stale"))

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert another == [True] * 16
    assert len(script.asked) == 1
    assert line.auth.access_token() == "access-1"


def test_the_admins_code_is_exchanged_by_a_form_with_its_verifier(wire, script, clock):
    """At the dated endpoint, for tokens of half an hour; nothing stands in the address."""
    script.answer(200, TOKEN)
    tokens = wire().endpoint.exchange(CLIENT, "c1", "v" * 43, clock.now())
    assert tokens == TokenSet("access-1", "refresh-2", clock.now() + timedelta(minutes=30))
    assert script.paths() == ["POST /oauth/2026-09/token"]
    assert script.asked[0].headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert form_of(script.asked[0]) == {
        "grant_type": "authorization_code",
        "code": "c1",
        "redirect_uri": "https://app.example.com/back",
        "code_verifier": "v" * 43,
        "client_id": "client",
        "client_secret": "s3cret",
    }


def test_introspection_says_whose_token_it_is(wire, script):
    """Portal, app and scopes; fields HubSpot adds are no matter, a body that is none is an outage."""
    line = wire()
    body = {"active": True, "hub_id": 2**33, "app_id": 7, "scopes": ["oauth", "tickets"], "new": {}}
    script.answer(200, body)
    found = line.endpoint.introspect(CLIENT, "access-1")
    assert (found.active, found.hub_id, found.app_id, found.scopes) == (True, 2**33, 7, ("oauth", "tickets"))
    assert script.paths() == ["POST /oauth/2026-09/token/introspect"]
    script.answer(200, {"active": "perhaps", "scopes": 7})
    with pytest.raises(Unavailable, match="introspection"):
        line.endpoint.introspect(CLIENT, "access-1")


def test_the_consent_page_is_asked_for_exactly_these_scopes():
    """Scopes apart by ``%20``, a state, and the S256 challenge of RFC 7636's own example."""
    scopes = Scopes(("crm.objects.owners.read", "oauth"), ENTERPRISE)
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    url = authorize_url("client", "https://app.example.com/back", "s1", scopes, verifier)
    assert url.startswith("https://app.hubspot.com/oauth/authorize?client_id=client&")
    assert "scope=crm.objects.owners.read%20oauth&" in url
    assert code_challenge(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    asked = {name: value for name, (value,) in parse_qs(urlsplit(url).query).items()}
    assert asked == {
        "client_id": "client",
        "redirect_uri": "https://app.example.com/back",
        "scope": "crm.objects.owners.read oauth",
        "optional_scope": " ".join(ENTERPRISE),
        "state": "s1",
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "code_challenge_method": "S256",
    }


@pytest.mark.parametrize(
    "url",
    [
        "https://app.hubspot.com/marketplace/1",
        "https://app-eu1.hubspot.com/integrations-settings/1/installed?x=1#y",
        "https://app-na2.hubspot.com:443/",
        "HTTPS://APP-AP1.HUBSPOT.COM/",
    ],
)
def test_a_marketplace_install_may_return_to_hubspots_own_pages(url):
    """In every region."""
    assert is_hubspot_ui(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://app.hubspot.com/",
        "https://app.hubspot.com.evil.example/",
        "https://evil.example/app.hubspot.com",
        "https://app.hubspot.com@evil.example/",
        "https://app-eu1@evil.example/",
        "https://evilapp.hubspot.com/",
        "https://app-.hubspot.com/",
        "https://app-eu1.evil.hubspot.com/",
        "https://app.hubspot.com:8443/",
        "https://app.hubspot.com:x/",
        "https://app.hubspot.com\\@evil.example/",
        "https://evil.example\\.app.hubspot.com/",
        "//app.hubspot.com/",
        "javascript:alert(1)//app.hubspot.com",
        "https:app.hubspot.com",
        "https://app.hubspot.com\n.evil.example/",
        "https://app.hubspot.com /",
        "https://\u0430pp.hubspot.com/",
        "https://[app.hubspot.com]/",
        "https://",
        "",
    ],
)
def test_nobody_is_sent_elsewhere(url):
    """Neither to another host nor by a trick of spelling a browser reads otherwise than we do."""
    assert not is_hubspot_ui(url)


def test_the_scopes_are_those_of_what_is_read_and_extended():
    """By HubSpot's table of scopes: tickets have one for everything, custom objects are optional."""
    found = scopes_for({"companies", "deals", "line_items", "tickets", "2-77"}, {"companies", "deals"})
    assert found.required == (
        "crm.lists.read",
        "crm.lists.write",
        "crm.objects.companies.read",
        "crm.objects.companies.write",
        "crm.objects.contacts.read",
        "crm.objects.deals.read",
        "crm.objects.deals.write",
        "crm.objects.line_items.read",
        "crm.objects.owners.read",
        "crm.schemas.companies.read",
        "crm.schemas.companies.write",
        "crm.schemas.deals.read",
        "crm.schemas.deals.write",
        "crm.schemas.line_items.read",
        "oauth",
        "tickets",
    )
    assert found.optional == ENTERPRISE
    assert scopes_for({"companies"}, set(), {"tasks"}).optional == ("crm.objects.contacts.write", *ENTERPRISE)
    assert scopes_for({"tasks"}, set()).required == scopes_for({"contacts"}, set()).required


def test_scopes_that_were_not_granted_are_told_apart():
    """What is required and what is optional, in their order."""
    asked = Scopes(("a", "b", "c"), ("x", "y"))
    assert asked.missing(["x", "b", "other"]) == Scopes(("a", "c"), ("y",))
