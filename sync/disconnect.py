"""Disconnecting a portal or org: the CRM ends what it gave us, then we forget what opened it.

In that order, so that a failure in between leaves something to try again with. What was
mirrored and written stays: removing that is the uninstall's matter. Neighbours:
``commands/connecting.py`` asks, ``consent`` and ``onboard`` connect again.
HubSpot removes the app; Salesforce revokes the tokens, its admin ends the app in Setup.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from integration.budget import SharedBudget
from integration.hubspot.auth import OAuthGrant
from integration.hubspot.connector import WINDOWS as HUBSPOT_WINDOWS
from integration.hubspot.oauth_uninstall import uninstall_app
from integration.salesforce.auth import RefreshToken, SalesforceCredentials
from integration.salesforce.connector import WINDOWS as SALESFORCE_WINDOWS
from integration.salesforce.revocation import revoke
from sync.connect import credentials_of
from sync.runtime import Runtime
from sync.state import installations
from sync.state.engine import reading, writing
from sync.state.installations import Installation, Status
from sync.token_stores import HubSpotTokens, SalesforceGrants
from sync.workspace import CONNECTIONS

HUBSPOT = "hubspot"


class Ending(StrEnum):
    """How a portal came to be disconnected."""

    REMOVED = "removed"
    GONE_BEFORE = "gone_before"
    KEY_REMAINS = "key_remains"
    REVOKED = "revoked"
    DEAD_BEFORE = "dead_before"
    APP_REMAINS = "app_remains"
    NOTHING_TO_DO = "nothing_to_do"


TOLD = {
    Ending.REMOVED: "HubSpot removed the app from the portal",
    Ending.GONE_BEFORE: "the portal's admin had removed the app before",
    Ending.KEY_REMAINS: (
        "HubSpot has no call that ends a service key: delete it in the portal, "
        "under Settings > Integrations > Service keys"
    ),
    Ending.REVOKED: "Salesforce revoked the refresh token and the access tokens it brought",
    Ending.DEAD_BEFORE: "Salesforce had ended its tokens before",
    Ending.APP_REMAINS: (
        "its access token was revoked; the key or secret goes on opening the org until its admin blocks the "
        "app or takes the user's permission away, in Setup"
    ),
    Ending.NOTHING_TO_DO: "it was disconnected before",
}


@dataclass(frozen=True, slots=True)
class Disconnected:
    """What became of a portal or org; its secrets are forgotten and no job calls it any more."""

    installation: str
    ending: Ending

    @property
    def told(self) -> str:
        """Return it in words."""
        return TOLD[self.ending]


def disconnect(runtime: Runtime, installation_id: str) -> Disconnected:
    """End the connection to a portal or org; doing so twice is no error.

    Raises StateError where there is no such installation, and Misconfigured, Unavailable or Refused as the
    CRM answers: then nothing has changed.
    """
    with reading(runtime.engine) as conn:
        found = installations.get(conn, installation_id)
    ending = _end(runtime, found)
    with writing(runtime.engine) as conn:
        installations.drop_secrets(conn, installation_id)
        installations.set_status(conn, installation_id, Status.DISCONNECTED)
    CONNECTIONS.forget(installation_id)
    return Disconnected(installation_id, ending)


def _end(runtime: Runtime, found: Installation) -> Ending:
    credentials = credentials_of(runtime, found)
    if credentials is None:
        return Ending.NOTHING_TO_DO
    if found.vendor != HUBSPOT:
        return _end_org(runtime, found, credentials)
    if not isinstance(credentials, OAuthGrant):
        return Ending.KEY_REMAINS
    budget = SharedBudget(runtime.redis, found.id, HUBSPOT_WINDOWS)
    store = HubSpotTokens(runtime, found.id)
    removed = uninstall_app(credentials, found.base_url, budget, runtime.clock.now, store)
    return Ending.REMOVED if removed else Ending.GONE_BEFORE


def _end_org(runtime: Runtime, found: Installation, credentials: SalesforceCredentials) -> Ending:
    budget = SharedBudget(runtime.redis, found.id, SALESFORCE_WINDOWS)
    store = SalesforceGrants(runtime, found.id)
    revoked = revoke(credentials, found.base_url, budget, runtime.clock.now, store)
    if not isinstance(credentials, RefreshToken):
        return Ending.APP_REMAINS
    return Ending.REVOKED if revoked else Ending.DEAD_BEFORE
