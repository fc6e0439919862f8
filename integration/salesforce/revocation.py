"""Ending what an org has given us: its refresh token and the access tokens that came of it.

``POST /services/oauth2/revoke`` (Mobile SDK guide, "Revoking OAuth Tokens"). Credentials that sign in by
themselves, a key or a secret, are ended by the org's admin only; of those the access token goes.
Neighbours: ``sync/disconnect.py`` calls it and forgets the tokens.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from integration.budget import Budget, Lane
from integration.http import pooled_session
from integration.safe_address import SALESFORCE_HOSTS, Reach
from integration.salesforce.auth import RefreshToken, SalesforceCredentials, TokenStore
from integration.salesforce.token_endpoint import TokenEndpoint
from integration.salesforce.transport import Transport


def revoke(
    credentials: SalesforceCredentials,
    base_url: str,
    budget: Budget,
    clock_now: Callable[[], datetime],
    store: TokenStore,
) -> bool:
    """Have the org end the newest token it gave; return whether it still lived.

    Asking again after a lost answer finds it dead, which is as good. Raises Misconfigured or Unavailable;
    the token then lives as before.
    """
    held = store.load()
    given = credentials.refresh_token if isinstance(credentials, RefreshToken) else None
    token = (held.refresh_token or given or held.access_token) if held else given
    if token is None:
        return False
    session = pooled_session(reach=Reach(SALESFORCE_HOSTS, base_url))
    transport = Transport(session, budget, Lane.INTERACTIVE)
    return TokenEndpoint(credentials, base_url, transport.send_open, clock_now).revoke(token)
