"""Removing our app from a portal, as a customer who disconnects may expect of us.

Page "App uninstall" (``DELETE /appinstalls/{version}/external-install`` with the portal's own
token, 204); certification asks for it. A service key has no such call: it belongs to the
portal and is deleted there. Neighbours: ``sync/disconnect.py`` calls it and forgets the tokens.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from integration.budget import Budget, Lane
from integration.http import pooled_session
from integration.hubspot.auth import Auth, OAuthGrant, TokenStore
from integration.hubspot.connector import BASE_URL, DEFAULT_VERSION, PATHS
from integration.hubspot.oauth_endpoint import TokenEndpoint
from integration.hubspot.transport import Transport
from integration.port import NeedsConsent
from integration.safe_address import HUBSPOT_HOSTS, Reach


def uninstall_app(
    grant: OAuthGrant, base_url: str, budget: Budget, clock_now: Callable[[], datetime], store: TokenStore
) -> bool:
    """Have HubSpot remove our app from the portal; return whether it was still installed there.

    Asking again after a lost answer finds it gone, which is as good. Raises Misconfigured,
    Unavailable or Refused; the app then stands as before.
    """
    url, paths = (base_url or BASE_URL).rstrip("/"), PATHS[DEFAULT_VERSION]
    session = pooled_session(reach=Reach(HUBSPOT_HOSTS, url))
    endpoint = TokenEndpoint(session, url, paths, _uncounted)
    transport = Transport(
        url, session, Auth(grant, endpoint, store, clock_now), budget, _uncounted, Lane.INTERACTIVE
    )
    try:
        transport.call("disconnect", "DELETE", paths.app_installs)
    except NeedsConsent:
        return False
    return True


def _uncounted(reason: str, lane: str = "", *, again: bool = False) -> None:
    """Count nothing: no run of ours reports this call."""
