"""What HubSpot refuses of callers: tokens, scopes, consent (reference 1.1, 4 and 7)."""

from __future__ import annotations

import base64
import hashlib
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from tests.sandbox.refusals import refuses

DETAILS = "/account-info/2026-09/details"
COMPANIES = "/crm/objects/2026-09/companies"
TOKEN = "/oauth/2026-09/token"
BACK = "https://app.example.com/back"
IDS = ("client_id", "client_secret")


@pytest.fixture
def portal(hubspot_with: Any) -> Any:
    """Give a portal of its own, whose clock stands still."""
    made = hubspot_with()
    made.control("POST", "/clock", {"now": "2026-01-01T00:00:00Z", "running": False})
    return made


def post(sandbox: Any, path: str, **form: str) -> requests.Response:
    """Send a form with the app's client id and secret."""
    sent = {**{name: sandbox.credentials[name] for name in IDS}, **form}
    return requests.post(sandbox.url + path, data=sent, timeout=10)


def refresh(sandbox: Any, **form: str) -> requests.Response:
    """Refresh, with parts of the form changed."""
    sent = {"grant_type": "refresh_token", "refresh_token": sandbox.credentials["refresh_token"], **form}
    return post(sandbox, TOKEN, **sent)


def access_token(sandbox: Any) -> str:
    """Return a fresh access token."""
    return str(refresh(sandbox).json()["access_token"])


def read(sandbox: Any, token: str | None, path: str = DETAILS) -> requests.Response:
    """Read with a token, or with none."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return requests.get(sandbox.url + path, headers=headers, timeout=10)


def is_refused(answer: requests.Response, error: str, status: str) -> None:
    """Expect the token endpoint's 400 with RFC 6749's error and HubSpot's status."""
    body = answer.json()
    assert (answer.status_code, body["error"], body["status"]) == (400, error, status)
    assert body["message"]


@refuses("no-token")
def test_a_call_without_a_token_is_a_401(portal: Any) -> None:
    """With the category of an authentication that is not there."""
    answer = read(portal, None)
    assert (answer.status_code, answer.json()["category"]) == (401, "INVALID_AUTHENTICATION")


@refuses("unknown-token")
def test_a_call_with_an_unknown_token_is_a_401(portal: Any) -> None:
    """As without one."""
    answer = read(portal, "CNmade-up")
    assert (answer.status_code, answer.json()["category"]) == (401, "INVALID_AUTHENTICATION")


@refuses("missing-scopes")
def test_a_scope_that_was_not_granted_is_a_403_that_names_it(portal: Any) -> None:
    """In errors[].context.requiredGranularScopes."""
    portal.control("POST", "/portal", {"scopes": ["oauth", "crm.objects.companies.read"]})
    token = access_token(portal)
    assert read(portal, token, COMPANIES).status_code == 200
    answer = read(portal, token, "/crm/objects/2026-09/deals")
    assert (answer.status_code, answer.json()["category"]) == (403, "MISSING_SCOPES")
    context = answer.json()["errors"][0]["context"]
    assert context == {"requiredGranularScopes": ["crm.objects.deals.read"]}


@refuses("token-expired")
def test_an_access_token_ends_after_thirty_minutes(portal: Any) -> None:
    """The last second before, it works. It is as long as HubSpot allows."""
    made = refresh(portal).json()
    assert (made["expires_in"], made["token_type"], len(made["access_token"])) == (1800, "bearer", 512)
    for now, status in (("2026-01-01T00:29:59Z", 200), ("2026-01-01T00:30:00Z", 401)):
        portal.control("POST", "/clock", {"now": now, "running": False})
        assert read(portal, made["access_token"]).status_code == status
    assert read(portal, made["access_token"]).json()["category"] == "EXPIRED_AUTHENTICATION"


@refuses("token-json")
def test_the_token_endpoint_takes_forms_only(portal: Any) -> None:
    """The same as JSON is refused."""
    sent = {
        **{name: portal.credentials[name] for name in (*IDS, "refresh_token")},
        "grant_type": "refresh_token",
    }
    assert requests.post(portal.url + TOKEN, json=sent, timeout=10).status_code == 400
    assert requests.post(portal.url + TOKEN, data=sent, timeout=10).status_code == 200


@refuses("token-client-id")
def test_an_unknown_client_id_is_our_configuration(portal: Any) -> None:
    """invalid_client, whatever the grant."""
    is_refused(refresh(portal, client_id="x"), "invalid_client", "BAD_CLIENT_ID")


@refuses("token-client-secret")
def test_a_wrong_client_secret_is_our_configuration(portal: Any) -> None:
    """invalid_client, whatever the grant."""
    is_refused(refresh(portal, client_secret="x"), "invalid_client", "BAD_CLIENT_SECRET")


@refuses("token-refresh")
def test_an_unknown_refresh_token_is_a_bad_grant(portal: Any) -> None:
    """The customer has to connect again."""
    is_refused(refresh(portal, refresh_token="x"), "invalid_grant", "BAD_REFRESH_TOKEN")


@refuses("token-grant")
def test_a_grant_type_that_does_not_exist_is_refused(portal: Any) -> None:
    """There is no password grant."""
    assert refresh(portal, grant_type="password").json()["error"] == "unsupported_grant_type"


@refuses("token-uninstalled")
def test_an_uninstalled_app_gets_no_token_any_more(portal: Any) -> None:
    """Its access tokens are 401, its refresh token is no good."""
    token = access_token(portal)
    portal.control("POST", "/portal", {"uninstall": True})
    assert read(portal, token).status_code == 401
    is_refused(refresh(portal), "invalid_grant", "BAD_REFRESH_TOKEN")


@refuses("token-bad-hub")
def test_a_portal_that_is_gone_is_a_bad_hub(portal: Any) -> None:
    """access_denied, not invalid_grant."""
    portal.control("POST", "/portal", {"close": True})
    is_refused(refresh(portal), "access_denied", "BAD_HUB")


@refuses("token-revoked")
def test_a_revoked_token_is_refused(portal: Any) -> None:
    """Revoking the refresh token ends the installation."""
    token = access_token(portal)
    assert post(portal, f"{TOKEN}/revoke", token=token).status_code == 200
    assert read(portal, token).status_code == 401
    assert post(portal, f"{TOKEN}/revoke", token=portal.credentials["refresh_token"]).status_code == 200
    is_refused(refresh(portal), "invalid_grant", "BAD_REFRESH_TOKEN")


@refuses("token-introspect-unknown")
def test_an_unknown_token_is_not_active(portal: Any) -> None:
    """That is a 200; a living one says whose it is."""
    answer = post(portal, f"{TOKEN}/introspect", token="made-up", token_type_hint="access_token")
    assert (answer.status_code, answer.json()) == (200, {"active": False})
    alive = post(
        portal, f"{TOKEN}/introspect", token=access_token(portal), token_type_hint="access_token"
    ).json()
    ids = (portal.credentials["portal_id"], portal.credentials["app_id"])
    assert (alive["active"], alive["hub_id"], alive["app_id"]) == (True, *ids)


@refuses("uninstall-key")
def test_a_service_key_uninstalls_no_app(portal: Any) -> None:
    """The app's own token does."""
    path = "/appinstalls/2026-09/external-install"
    assert portal.call("DELETE", path).status_code == 400
    headers = {"Authorization": f"Bearer {access_token(portal)}"}
    assert requests.delete(portal.url + path, headers=headers, timeout=10).status_code == 204


def consent(sandbox: Any, **query: str) -> requests.Response:
    """Open the consent page as the admin's browser does."""
    given = {"client_id": sandbox.credentials["client_id"], "redirect_uri": BACK, "scope": "oauth", **query}
    return requests.get(f"{sandbox.url}/oauth/authorize", params=given, allow_redirects=False, timeout=10)


def code_of(answer: requests.Response) -> str:
    """Return the code in the address the browser is sent back to."""
    return parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]


def redeem(sandbox: Any, code: str, **form: str) -> requests.Response:
    """Redeem a code."""
    return post(sandbox, TOKEN, grant_type="authorization_code", redirect_uri=BACK, code=code, **form)


def shows_no_button(answer: requests.Response, says: str) -> None:
    """Expect the page that gives no code."""
    assert (answer.status_code, "Location" in answer.headers) == (400, False)
    assert says in answer.text


@refuses("consent-mismatch")
def test_the_scopes_asked_for_are_the_apps_required_ones(portal: Any) -> None:
    """Neither more nor fewer; optional ones are asked for apart."""
    required = ["oauth", "crm.objects.companies.read"]
    portal.control("POST", "/portal", {"app_file": {"required_scopes": required}})
    for scope in ("oauth", "oauth crm.objects.companies.read crm.objects.deals.read"):
        shows_no_button(consent(portal, scope=scope), "scope mismatch")
    optional = "crm.objects.deals.read"
    made = redeem(portal, code_of(consent(portal, scope=" ".join(required), optional_scope=optional))).json()
    assert sorted(made["scopes"]) == sorted([*required, optional])
    assert read(portal, made["access_token"], "/crm/objects/2026-09/tickets").status_code == 403


@refuses("consent-tier")
def test_enterprise_scopes_are_not_to_be_had_elsewhere(hubspot_with: Any) -> None:
    """As required ones they stop the installation; as optional ones they are left out."""
    starter = hubspot_with("--tier", "starter")
    wish = "crm.objects.custom.read"
    shows_no_button(consent(starter, scope=f"oauth {wish}"), wish)
    made = redeem(starter, code_of(consent(starter, optional_scope=wish))).json()
    assert made["scopes"] == ["oauth"]


@refuses("consent-no-scope")
def test_consent_without_a_scope_is_refused(portal: Any) -> None:
    """There is nothing to consent to."""
    shows_no_button(consent(portal, scope=""), "scope")


@refuses("consent-redirect")
def test_a_redirect_must_be_registered(portal: Any) -> None:
    """To the letter."""
    portal.control("POST", "/portal", {"app_file": {"redirect_urls": [BACK]}})
    shows_no_button(consent(portal, redirect_uri=f"{BACK}/"), "redirect")
    assert consent(portal).status_code == 302


@refuses("token-code-twice")
def test_a_code_works_once(portal: Any) -> None:
    """The second time it is a bad grant."""
    code = code_of(consent(portal))
    assert redeem(portal, code).status_code == 200
    is_refused(redeem(portal, code), "invalid_grant", "BAD_AUTH_CODE")


@refuses("token-code-redirect")
def test_a_code_is_bound_to_its_redirect(portal: Any) -> None:
    """Another one is refused."""
    code = code_of(consent(portal, redirect_uri="https://app.example.com/other"))
    is_refused(redeem(portal, code), "invalid_grant", "BAD_REDIRECT_URI")


@refuses("token-code-verifier")
def test_a_code_is_bound_to_its_verifier(portal: Any) -> None:
    """PKCE: base64url of SHA-256 without padding."""
    verifier = "v" * 50
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    pkce = {"code_challenge": challenge, "code_challenge_method": "S256"}
    wrong = redeem(portal, code_of(consent(portal, **pkce)), code_verifier="w" * 50)
    is_refused(wrong, "invalid_grant", "BAD_CODE_VERIFIER")
    assert redeem(portal, code_of(consent(portal, **pkce)), code_verifier=verifier).status_code == 200
