"""How tokens of the Salesforce sandbox end, and what changes with the org (raw HTTP)."""

from __future__ import annotations

import base64
import hashlib
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from tests.sandbox.conftest import Sandbox
from tests.sandbox.salesforce_session import Api

BACK = "https://cs.example.com/back"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


def token(org: Sandbox, **form: str) -> requests.Response:
    """Ask the token endpoint."""
    return requests.post(f"{org.url}/services/oauth2/token", data=form, timeout=30)


def consent(org: Sandbox) -> dict[str, Any]:
    """Return the tokens of a user's consent to a public app."""
    org.control("POST", "/app", {"consumer_key": "web"})
    asked = {"client_id": "web", "redirect_uri": BACK, "response_type": "code", "code_challenge": CHALLENGE}
    page = requests.get(
        f"{org.url}/services/oauth2/authorize", params=asked, allow_redirects=False, timeout=30
    )
    code = parse_qs(urlsplit(page.headers["Location"]).query)["code"][0]
    form = {"grant_type": "authorization_code", "client_id": "web", "redirect_uri": BACK, "code": code}
    answer = token(org, **form, code_verifier=VERIFIER)
    assert answer.status_code == 200, answer.text
    return answer.json()


def status(org: Sandbox, access_token: str) -> int:
    """Return the status of a call with a token."""
    headers = {"Authorization": f"Bearer {access_token}"}
    return requests.get(f"{org.url}/services/data/v66.0/limits", headers=headers, timeout=30).status_code


def test_a_revoked_refresh_token_takes_its_access_tokens_with_it(salesforce: Sandbox) -> None:
    """Those of before a renewal too; another consent's go on (Help, "Revoke OAuth Tokens")."""
    first, other = consent(salesforce), consent(salesforce)
    form = {"grant_type": "refresh_token", "client_id": "web", "refresh_token": first["refresh_token"]}
    second = token(salesforce, **form).json()
    revoke = f"{salesforce.url}/services/oauth2/revoke"
    gone = requests.post(revoke, data={"token": second["refresh_token"]}, timeout=30)
    assert (gone.status_code, gone.content) == (200, b"")
    live = [status(salesforce, one["access_token"]) for one in (first, second, other)]
    assert live == [401, 401, 200]
    assert requests.post(revoke, data={"token": second["refresh_token"]}, timeout=30).status_code == 400


@pytest.mark.parametrize("newest", [66, 67])
def test_an_org_lists_the_versions_of_its_release(salesforce: Sandbox, newest: int) -> None:
    """What comes with a later release is not there yet."""
    salesforce.control("POST", "/org", {"newest_version": newest})
    listed = requests.get(f"{salesforce.url}/services/data", timeout=30).json()
    assert listed[-1]["version"] == f"{newest}.0"
    later = requests.get(f"{salesforce.url}/services/data/v{newest + 1}.0/limits", timeout=30)
    salesforce.control("POST", "/org", {"newest_version": 68})
    assert later.status_code == 404


def test_a_refresh_makes_another_org_of_it(salesforce: Sandbox) -> None:
    """The address stays; the org's id is new and no token lives."""
    before = Api(salesforce.url)
    org = salesforce.control("GET", "/credentials")["org_id"]
    salesforce.control("POST", "/org", {"number": 77})
    assert before.call("GET", "/limits").status_code == 401
    found = Api(salesforce.url).rows("SELECT Id FROM Organization")
    assert [row["Id"] for row in found] == ["00D8d000000001FEAQ"]
    assert found[0]["Id"] != org


def test_a_consent_is_asked_for_a_code(salesforce: Sandbox) -> None:
    """A request that does not say so gets none."""
    salesforce.control("POST", "/app", {"consumer_key": "web"})
    asked = {"client_id": "web", "redirect_uri": BACK, "code_challenge": CHALLENGE}
    page = requests.get(f"{salesforce.url}/services/oauth2/authorize", params=asked, timeout=30)
    assert (page.status_code, page.json()["error"]) == (400, "unsupported_response_type")
