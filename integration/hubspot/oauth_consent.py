"""Asking an admin for consent: the authorize page's address, PKCE, and where they may return to. Pure.

Pages "Working with OAuth" and "Manage OAuth tokens"; PKCE is RFC 7636. Neighbours: ``scopes``
says what is asked for, ``oauth_endpoint`` turns the code into tokens.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote, urlencode, urlsplit

from integration.hubspot.connector import AUTHORIZE_URL
from integration.hubspot.scopes import Scopes
from integration.pkce import code_challenge

AUTHORIZE_PATH: Final = "/oauth/authorize"
HTTPS_PORT: Final = 443

_UI_HOST: Final = re.compile(r"app(?:-[a-z]{2,4}[0-9]{1,2})?\.hubspot\.com")
"""HubSpot's own interface, in its regions: ``app``, ``app-eu1``, ``app-na2`` …"""

_PLAIN: Final = re.compile(r"[!#$&-;=?-\[\]_a-z~%]+")
"""The characters of RFC 3986; browsers mend what is outside of them each in its own way."""


def authorize_url(
    client_id: str, redirect_uri: str, state: str, scopes: Scopes, verifier: str, base_url: str = ""
) -> str:
    """Return the page that asks an admin for consent; scopes stand separated by ``%20``.

    ``base_url`` is the address of a stand-in for HubSpot; empty for HubSpot's own page.
    """
    query = {
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "scope": " ".join(scopes.required),
        "optional_scope": " ".join(scopes.optional),
        "state": state,
        "code_challenge": code_challenge(verifier),
        "code_challenge_method": "S256",
    }
    page = base_url.rstrip("/") + AUTHORIZE_PATH if base_url else AUTHORIZE_URL
    return f"{page}?{urlencode(query, quote_via=quote)}"


def is_hubspot_ui(url: str) -> bool:
    """Return whether a Marketplace install may be sent back to ``url``: https on HubSpot's own interface.

    No port but 443, no user before an ``@``, and no character a browser would read otherwise than we do.
    """
    if not _PLAIN.fullmatch(url):
        return False
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    return (
        parts.scheme == "https"
        and "@" not in parts.netloc
        and port in {None, HTTPS_PORT}
        and _UI_HOST.fullmatch(parts.hostname or "") is not None
    )
