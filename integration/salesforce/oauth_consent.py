"""Asking a person for consent: where they sign in, the authorize page's address, PKCE. Pure.

Help, "OAuth 2.0 Web Server Flow" and "My Domain URL Formats"; PKCE is RFC 7636. Neighbours:
``token_endpoint`` turns the code into tokens, ``sync/consent_salesforce.py`` ties the person's return
to their leaving.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote, urlencode, urlsplit

from integration.pkce import code_challenge

AUTHORIZE_PATH: Final = "/services/oauth2/authorize"
SCOPES: Final = "api refresh_token"
PRODUCTION: Final = "https://login.salesforce.com"
SANDBOX: Final = "https://test.salesforce.com"

_MY_DOMAIN: Final = re.compile(
    r"[a-z0-9](?:[a-z0-9-]{0,62})(?:\.(?:sandbox|develop|scratch|trailblaze|demo|free|patch|stage|perf|wl))?"
    r"\.my\.salesforce\.com"
)
"""An org's own host, with the partition of orgs that are not in production."""

_LIGHTNING: Final = ".lightning.force.com"
"""What stands in the address bar of a person at work; its My Domain has the same beginning."""


def checked_login_host(text: str, stand_in: str = "") -> str:
    """Return where a person signs in, as ``https://host``: the login hosts, or a My Domain of Salesforce's.

    The scheme may be left out. ``stand_in`` is the one address allowed beside them, where a stand-in for
    Salesforce answers. Raises ValueError, with what to give instead, for anything else: a host that is not
    Salesforce's would be sent our app's secret.
    """
    given = text.strip().lower()
    if stand_in and given.rstrip("/") == stand_in.rstrip("/"):
        return stand_in.rstrip("/")
    host = _host(given if "://" in given else f"https://{given}")
    if host.endswith(_LIGHTNING):
        host = host.removesuffix(_LIGHTNING) + ".my.salesforce.com"
    found = f"https://{host}"
    if found in {PRODUCTION, SANDBOX} or _MY_DOMAIN.fullmatch(host):
        return found
    raise ValueError(
        "this is no address of Salesforce: give login.salesforce.com, test.salesforce.com for a sandbox, "
        "or the org's My Domain, such as acme.my.salesforce.com"
    )


def _host(url: str) -> str:
    """Return an https URL's host, empty where it holds more than scheme and host."""
    try:
        parts = urlsplit(url)
        plain = parts.netloc == (parts.hostname or "") and parts.path in {"", "/"}
    except ValueError:
        return ""
    alone = plain and not parts.query and not parts.fragment
    return str(parts.hostname) if parts.scheme == "https" and alone and parts.hostname else ""


def authorize_url(login_url: str, client_id: str, redirect_uri: str, state: str, verifier: str) -> str:
    """Return the page that asks a person for consent; it asks for a sign-in, so that it is the one meant."""
    query = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "scope": SCOPES,
        "state": state,
        "prompt": "login",
        "code_challenge": code_challenge(verifier),
        "code_challenge_method": "S256",
    }
    return f"{login_url}{AUTHORIZE_PATH}?{urlencode(query, quote_via=quote)}"
