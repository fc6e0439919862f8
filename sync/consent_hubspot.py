"""A portal's consent to our own HubSpot app: asked for, brought back by the admin, kept.

Neighbours: ``consent`` ties the way back to the way out, ``webhooks/hubspot_connect.py`` speaks HTTP,
``connect`` opens ports with what was granted.
"""

from __future__ import annotations

from typing import Final

from integration.http import pooled_session
from integration.hubspot.connector import BASE_URL, DEFAULT_VERSION, PATHS
from integration.hubspot.oauth_consent import authorize_url, is_hubspot_ui
from integration.hubspot.oauth_endpoint import AppClient, TokenEndpoint, TokenInfo, TokenSet
from integration.port import Misconfigured
from integration.safe_address import HUBSPOT_HOSTS, Reach
from mappings.charter import Charter
from sync import consent
from sync.connect import APP, Opening, identify
from sync.consent import Begun, ConsentRefused, Granted, first_charter, take_state
from sync.runtime import Runtime
from sync.scopes import GRANTED, HUBSPOT, app_scopes
from sync.state.installations import Installation
from sync.token_stores import hubspot_json

CALLBACK: Final = "/connect/hubspot/callback"


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
    asked = consent.begin(runtime, HUBSPOT, browser, return_url=checked_return_url(return_url))
    scopes, base_url = app_scopes(charter), runtime.settings.hubspot_url
    page = authorize_url(client.client_id, client.redirect_uri, asked.state, scopes, asked.verifier, base_url)
    return Begun(page, asked.browser)


def finish(runtime: Runtime, charter: Charter, state: str, browser: str | None, code: str) -> Granted:
    """Redeem an admin's code and keep the portal; a portal already known is connected anew.

    Raises ConsentRefused for a state that is not this browser's, unknown, used or expired;
    NeedsConsent, Misconfigured or Unavailable as HubSpot answers. Nothing is stored then.
    """
    client = app_client(runtime)
    asked = take_state(runtime, HUBSPOT, state, browser)
    endpoint = _endpoint(runtime)
    tokens = endpoint.exchange(client, code, asked.verifier, runtime.clock.now())
    info = endpoint.introspect(client, tokens.access_token)
    if not info.active or not info.hub_id:
        raise Misconfigured("HubSpot does not say whose token it gave: start again")
    _refuse_another_app(runtime, info)
    stored = _keep(runtime, client, tokens, info)
    first_charter(runtime, stored.id, charter)
    missing = app_scopes(charter).missing(info.scopes)
    return Granted(stored, info.scopes, (*missing.required, *missing.optional), asked.return_url)


def _endpoint(runtime: Runtime) -> TokenEndpoint:
    base_url = runtime.settings.hubspot_url or BASE_URL
    return TokenEndpoint(
        pooled_session(reach=Reach(HUBSPOT_HOSTS, base_url)),
        base_url,
        PATHS[DEFAULT_VERSION],
        lambda _reason: None,
    )


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
    return consent.keep(runtime, found, Opening(kept, newest), {GRANTED: list(info.scopes)})
