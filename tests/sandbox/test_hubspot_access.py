"""Tokens, scopes, rate limits, faults, restarts (HubSpot's OAuth and usage pages)."""

from __future__ import annotations

import base64
import hashlib
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

DETAILS = "/account-info/2026-09/details"
COMPANIES = "/crm/objects/2026-09/companies"


def token(sandbox: Any, **form: str) -> requests.Response:
    """Ask for a token with the app's client id and secret."""
    ids = {name: sandbox.credentials[name] for name in ("client_id", "client_secret")}
    return requests.post(f"{sandbox.url}/oauth/2026-09/token", data={**ids, **form}, timeout=10)


def refresh(sandbox: Any) -> requests.Response:
    """Refresh with the portal's refresh token."""
    return token(sandbox, grant_type="refresh_token", refresh_token=sandbox.credentials["refresh_token"])


def get(sandbox: Any, bearer: str, path: str = DETAILS) -> requests.Response:
    """Read with a given token."""
    return requests.get(sandbox.url + path, headers={"Authorization": f"Bearer {bearer}"}, timeout=10)


def test_an_access_token_lives_thirty_minutes_of_the_portals_clock(hubspot: Any) -> None:
    """At 29 minutes it works, at 30 it has expired."""
    hubspot.control("POST", "/clock", {"now": "2024-06-01T00:00:00Z", "running": False})
    answer = refresh(hubspot).json()
    assert (answer["expires_in"], answer["token_type"]) == (1800, "bearer")
    hubspot.control("POST", "/clock", {"now": "2024-06-01T00:29:59Z", "running": False})
    assert get(hubspot, answer["access_token"]).status_code == 200
    hubspot.control("POST", "/clock", {"now": "2024-06-01T00:30:00Z", "running": False})
    late = get(hubspot, answer["access_token"])
    assert (late.status_code, late.json()["category"]) == (401, "EXPIRED_AUTHENTICATION")


@pytest.mark.parametrize(
    ("form", "name", "status"),
    [
        ({"grant_type": "refresh_token", "refresh_token": "x"}, "invalid_grant", "BAD_REFRESH_TOKEN"),
        ({"grant_type": "refresh_token", "client_secret": "x"}, "invalid_client", "BAD_CLIENT_SECRET"),
        ({"grant_type": "refresh_token", "client_id": "x"}, "invalid_client", "BAD_CLIENT_ID"),
    ],
)
def test_token_refusals_say_whose_fault_it_is(
    hubspot: Any, form: dict[str, str], name: str, status: str
) -> None:
    """A bad grant is the customer's, a bad client is ours."""
    answer = token(hubspot, **form)
    assert (answer.status_code, answer.json()["error"], answer.json()["status"]) == (400, name, status)


def test_a_code_works_once_and_only_with_its_verifier(hubspot: Any) -> None:
    """Consent gives a code bound to the redirect and the PKCE challenge."""
    verifier, back = "v" * 50, "https://app.example.com/back"
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    query = {
        "client_id": hubspot.credentials["client_id"],
        "redirect_uri": back,
        "state": "s",
        "scope": "oauth",
    }

    def consent() -> str:
        sent = {**query, "code_challenge": challenge}
        answer = requests.get(
            f"{hubspot.url}/oauth/authorize", params=sent, allow_redirects=False, timeout=10
        )
        return parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]

    form = {"grant_type": "authorization_code", "redirect_uri": back}
    assert token(hubspot, **form, code=consent(), code_verifier="wrong").status_code == 400
    code = consent()
    assert token(hubspot, **form, code=code, code_verifier=verifier).status_code == 200
    assert token(hubspot, **form, code=code, code_verifier=verifier).status_code == 400


def test_no_token_is_401(hubspot: Any) -> None:
    """A call without or with an unknown token is not authenticated."""
    assert requests.get(hubspot.url + DETAILS, timeout=10).status_code == 401
    assert get(hubspot, "made-up").json()["category"] == "INVALID_AUTHENTICATION"


def test_daily_headers_are_shown_to_service_keys_only(hubspot: Any) -> None:
    """OAuth answers carry the ten-second headers alone."""
    hubspot.control("POST", "/clock", {"running": True})
    by_key = hubspot.call("GET", DETAILS).headers
    by_token = get(hubspot, refresh(hubspot).json()["access_token"]).headers
    assert by_key["X-HubSpot-RateLimit-Max"] == "190"
    assert by_key["X-HubSpot-RateLimit-Interval-Milliseconds"] == "10000"
    assert by_key["X-HubSpot-RateLimit-Daily"] == "1000000"
    assert "X-HubSpot-RateLimit-Daily" not in by_token
    assert "X-HubSpot-RateLimit-Remaining" in by_token


def test_a_marketplace_app_gets_110_calls_in_ten_seconds(hubspot_with: Any) -> None:
    """The 111th is a 429 that names the rolling limit."""
    portal = hubspot_with("--app", "marketplace")
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {refresh(portal).json()['access_token']}"
        answers = [session.get(portal.url + DETAILS, timeout=10) for _ in range(111)]
    assert {answer.status_code for answer in answers[:110]} == {200}
    assert answers[110].status_code == 429
    assert answers[110].json()["policyName"] == "TEN_SECONDLY_ROLLING"
    assert answers[110].json()["message"] == "You have reached your ten_secondly_rolling limit."


def test_the_daily_limit_is_shared_and_resets_at_midnight(hubspot_with: Any) -> None:
    """Calls of other apps count; the next day of the portal's clock starts anew."""
    portal = hubspot_with()
    portal.control("POST", "/clock", {"now": "2024-06-01T10:00:00Z", "running": False})
    portal.control("POST", "/portal", {"other_apps_requests": 1_000_000})
    assert portal.call("GET", DETAILS).json()["policyName"] == "DAILY"
    portal.control("POST", "/clock", {"now": "2024-06-02T00:00:00Z", "running": False})
    assert portal.call("GET", DETAILS).status_code == 200


def test_an_uninstalled_app_is_refused_for_good(hubspot_with: Any) -> None:
    """After the app uninstalls itself its token is 401 and its refresh token is no good."""
    portal = hubspot_with()
    bearer = refresh(portal).json()["access_token"]
    path = f"{portal.url}/appinstalls/2026-09/external-install"
    answer = requests.delete(path, headers={"Authorization": f"Bearer {bearer}"}, timeout=10)
    assert answer.status_code == 204
    assert get(portal, bearer).status_code == 401
    assert refresh(portal).json()["status"] == "BAD_REFRESH_TOKEN"


def test_a_scope_that_was_not_granted_is_403(hubspot_with: Any) -> None:
    """The refusal names the scopes of which one is needed."""
    portal = hubspot_with("--scopes", "oauth crm.objects.companies.read")
    assert portal.call("GET", COMPANIES).status_code == 200
    answer = portal.call("POST", COMPANIES, {"properties": {"name": "X"}})
    assert (answer.status_code, answer.json()["category"]) == (403, "MISSING_SCOPES")


def test_a_killed_portal_comes_back_with_everything(hubspot_with: Any) -> None:
    """Records, links, properties and tokens survive kill -9."""
    portal = hubspot_with()
    company = portal.call("POST", COMPANIES, {"properties": {"name": "Kept"}}).json()["id"]
    contact = portal.call(
        "POST", "/crm/objects/2026-09/contacts", {"properties": {"email": "k@x.org"}}
    ).json()["id"]
    portal.call("PUT", f"{COMPANIES}/{company}/associations/default/contacts/{contact}")
    bearer = refresh(portal).json()["access_token"]
    portal.kill()
    portal.start()
    read = get(portal, bearer, f"{COMPANIES}/{company}?associations=contacts").json()
    assert read["properties"]["name"] == "Kept"
    assert read["associations"]["contacts"]["results"][0]["id"] == contact
    again = {"properties": {"email": "k@x.org"}}
    assert portal.call("POST", "/crm/objects/2026-09/contacts", again).status_code == 409


def test_a_dropped_answer_still_took_effect(hubspot: Any) -> None:
    """The fault closes the connection after the write; the log says what was written."""
    match = {"method": "POST", "path_contains": "/companies"}
    hubspot.control("POST", "/faults", {"faults": [{"match": match, "kind": "drop_response"}]})
    with pytest.raises(requests.ConnectionError):
        hubspot.call("POST", COMPANIES, {"properties": {"name": "Unanswered"}})
    last = hubspot.control("GET", "/requests")["requests"][-1]
    assert (last["status"], last["object"]) == (0, "companies")
    read = hubspot.call("GET", f"{COMPANIES}/{last['written'][0]}")
    assert read.json()["properties"]["name"] == "Unanswered"


def test_an_injected_status_is_spent_after_its_times(hubspot: Any) -> None:
    """A fault for two times fails two calls and not the third, and does no work."""
    fault = {"match": {"path_contains": "/details"}, "times": 2, "kind": "status", "status": 503}
    hubspot.control("POST", "/faults", {"faults": [fault]})
    assert [hubspot.call("GET", DETAILS).status_code for _ in range(3)] == [503, 503, 200]


def test_a_share_of_all_requests_meets_a_fault_by_chance(hubspot: Any) -> None:
    """About a fifth of 100 reads fail, each fault once before any comes again; the log names them."""
    faults = [{"kind": "unavailable"}, {"kind": "locked"}, {"kind": "status", "status": 500}]
    last = hubspot.control("GET", "/requests")["last"]
    hubspot.control("POST", "/faults", {"faults": faults, "share": 0.2, "seed": 7})
    statuses = [hubspot.call("GET", DETAILS).status_code for _ in range(100)]
    hubspot.control("DELETE", "/faults")
    met = [one["fault"] for one in hubspot.control("GET", f"/requests?after={last}")["requests"]]
    kinds = [one for one in met if one]
    assert 10 <= len(kinds) <= 30
    assert all(sorted(kinds[at : at + 3]) == ["locked", "status", "unavailable"] for at in range(0, 9, 3))
    assert [200 if not one else 0 for one in met] == [one if one == 200 else 0 for one in statuses]
    assert hubspot.call("GET", DETAILS).status_code == 200


def test_a_share_that_is_none_is_refused(hubspot: Any) -> None:
    """Nothing is injected by it."""
    for body in ({"faults": [{"kind": "locked"}], "share": 1.5}, {"faults": [], "share": 0.5}):
        refused = requests.post(f"{hubspot.url}/_sandbox/faults", json=body, timeout=60)
        assert (refused.status_code, "a share above 0" in refused.json()["error"]) == (400, True)
    assert hubspot.call("GET", DETAILS).status_code == 200
