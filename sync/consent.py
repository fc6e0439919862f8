"""A portal's consent to our own HubSpot app: asked for, brought back by the admin, kept.

``begin`` ties what travels (a state, used once) to the admin's browser and to a PKCE verifier
that stays here; ``finish`` takes the code home. Nothing is stored of a portal before HubSpot has
said whose token it is. Neighbours: ``webhooks/hubspot_connect.py`` speaks HTTP,
``state/consents.py`` keeps what is under way, ``connect`` opens ports with what was granted.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from integration.http import pooled_session
from integration.hubspot.connector import BASE_URL, DEFAULT_VERSION, PATHS
from integration.hubspot.oauth_consent import authorize_url, is_hubspot_ui
from integration.hubspot.oauth_endpoint import AppClient, TokenEndpoint, TokenInfo, TokenSet
from integration.port import Misconfigured
from mappings.charter import Charter
from sync.connect import APP, Opening, identify, keep_client
from sync.onboard import apply_charter
from sync.runtime import Runtime
from sync.scopes import GRANTED, HUBSPOT, app_scopes
from sync.state import charters, consents, installations
from sync.state.consents import ConsentRequest, Standing
from sync.state.engine import reading, writing
from sync.state.installations import Installation
from sync.token_stores import hubspot_json
from sync.workspace import CONNECTIONS

CALLBACK: Final = "/connect/hubspot/callback"
STATE_LIVES: Final = timedelta(minutes=15)
"""Time for an admin to choose a portal and read what is asked for."""

VERIFIER: Final = "pkce_verifier"


class ConsentRefused(Exception):
    """The consent cannot go on; ``reason`` is a code, the message says what to do."""

    def __init__(self, reason: str, message: str) -> None:
        """Carry both."""
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Begun:
    """Where to send the admin, and the browser's own secret for its cookie."""

    url: str
    browser: str


@dataclass(frozen=True, slots=True)
class Granted:
    """A portal that is connected now; ``missing`` are the optional scopes its admin did not grant."""

    installation: Installation
    scopes: tuple[str, ...]
    missing: tuple[str, ...]
    return_url: str


def app_client(runtime: Runtime) -> AppClient:
    """Return our app's client. Raises ConsentRefused naming the variable that is not set."""
    settings = runtime.settings
    given = {
        "CS_PUBLIC_URL": settings.public_url,
        "CS_HUBSPOT_CLIENT_ID": settings.hubspot_client_id,
        "CS_HUBSPOT_CLIENT_SECRET": settings.hubspot_client_secret,
    }
    absent = [name for name, value in given.items() if value is None]
    if settings.public_url is None or settings.hubspot_client_id is None or absent:
        raise ConsentRefused(
            "not_configured", f"This program is not set up to connect portals: set {', '.join(absent)}."
        )
    secret = settings.hubspot_client_secret
    plain = "" if secret is None else secret.get_secret_value()
    return AppClient(settings.hubspot_client_id, plain, settings.public_url + CALLBACK)


def checked_return_url(url: str) -> str:
    """Return where a Marketplace install wants to end, empty for nowhere. Raises ConsentRefused."""
    if url and not is_hubspot_ui(url):
        raise ConsentRefused(
            "strange_return_url",
            "The link that led here wants to go on to a page that is not HubSpot's. Nothing was connected; "
            "start again from the app's page in HubSpot.",
        )
    return url


def begin(runtime: Runtime, charter: Charter, browser: str | None, return_url: str = "") -> Begun:
    """Return HubSpot's consent page for this browser. Raises ConsentRefused for a strange return address."""
    client = app_client(runtime)
    checked_return_url(return_url)
    state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
    held = browser or secrets.token_urlsafe(32)
    now, state_hash = runtime.clock.now(), _hash(state)
    sealed = runtime.box.seal(state_hash, VERIFIER, verifier)
    asked = ConsentRequest(state_hash, _hash(held), sealed, return_url, now + STATE_LIVES)
    with writing(runtime.engine) as conn:
        consents.put(conn, asked, now)
    scopes, base_url = app_scopes(charter), runtime.settings.hubspot_url
    page = authorize_url(client.client_id, client.redirect_uri, state, scopes, verifier, base_url)
    return Begun(page, held)


def take_state(runtime: Runtime, state: str, browser: str | None) -> tuple[str, str]:
    """Use a state up; return its PKCE verifier and return address. Raises ConsentRefused."""
    state_hash = _hash(state)
    with writing(runtime.engine) as conn:
        standing, asked = consents.take(conn, state_hash, _hash(browser or ""), runtime.clock.now())
    if asked is None:
        raise ConsentRefused(standing.value, _STANDINGS[standing])
    return runtime.box.open(state_hash, VERIFIER, asked.verifier), asked.return_url


def finish(runtime: Runtime, charter: Charter, state: str, browser: str | None, code: str) -> Granted:
    """Redeem an admin's code and keep the portal; a portal already known is connected anew.

    Raises ConsentRefused for a state that is not this browser's, unknown, used or expired;
    NeedsConsent, Misconfigured or Unavailable as HubSpot answers. Nothing is stored then.
    """
    client = app_client(runtime)
    verifier, return_url = take_state(runtime, state, browser)
    endpoint = _endpoint(runtime)
    tokens = endpoint.exchange(client, code, verifier, runtime.clock.now())
    info = endpoint.introspect(client, tokens.access_token)
    if not info.active or not info.hub_id:
        raise Misconfigured("HubSpot does not say whose token it gave: start again")
    _refuse_another_app(runtime, info)
    stored = _keep(runtime, client, tokens, info)
    if not _has_charter(runtime, stored.id):
        apply_charter(runtime, stored.id, charter, author="the connect page")
    missing = app_scopes(charter).missing(info.scopes)
    return Granted(stored, info.scopes, (*missing.required, *missing.optional), return_url)


def _endpoint(runtime: Runtime) -> TokenEndpoint:
    base_url = runtime.settings.hubspot_url or BASE_URL
    return TokenEndpoint(pooled_session(), base_url, PATHS[DEFAULT_VERSION], lambda _reason: None)


def _refuse_another_app(runtime: Runtime, info: TokenInfo) -> None:
    """Raise Misconfigured where the token is of another app than the one CS_HUBSPOT_APP_ID names."""
    ours = runtime.settings.hubspot_app_id
    if ours is not None and info.app_id and info.app_id != ours:
        raise Misconfigured(
            f"CS_HUBSPOT_APP_ID says app {ours}, HubSpot says app {info.app_id}; "
            "take id, client id and secret of one app"
        )


def _keep(runtime: Runtime, client: AppClient, tokens: TokenSet, info: TokenInfo) -> Installation:
    """Store the portal under its own id, with its time zone, and the tokens sealed."""
    base_url, hub_id = runtime.settings.hubspot_url, str(info.hub_id)
    opens = {
        "kind": "oauth",
        "client_id": client.client_id,
        "client_secret": client.client_secret,
        "refresh_token": tokens.refresh_token,
    }
    who, opened = identify(HUBSPOT, base_url, opens, runtime.clock)
    if who.account_id != hub_id:
        raise Misconfigured(f"the token is of portal {hub_id} and opens portal {who.account_id}")
    now = runtime.clock.now()
    found = Installation(HUBSPOT, hub_id, who.account_name, base_url, who.time_zone, now, now)
    newest = opened.tokens or hubspot_json(tokens)
    kept = {"kind": APP, "refresh_token": str(newest["refresh_token"])}
    with writing(runtime.engine) as conn:
        stored = installations.connect(conn, found)
        keep_client(conn, runtime.box, stored.id, now, Opening(kept, newest))
        installations.change_settings(conn, stored.id, {GRANTED: list(info.scopes)})
    CONNECTIONS.forget(stored.id)
    return stored


def _has_charter(runtime: Runtime, installation_id: str) -> bool:
    with reading(runtime.engine) as conn:
        return charters.current(conn, installation_id, runtime.clock.now()) is not None


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


_STANDINGS: Final = {
    Standing.UNKNOWN: "This link was never given out here, or long ago. Start again.",
    Standing.USED: "This consent was brought back before. If the portal is not connected, start again.",
    Standing.EXPIRED: "The consent took longer than a quarter of an hour. Start again.",
    Standing.OTHER_BROWSER: (
        "The consent was begun in another browser, or this one keeps no cookies. Start again in this one."
    ),
}
