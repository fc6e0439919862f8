"""Disconnecting a portal: HubSpot removes the app, then we forget what opened it.

In that order, so that a failure in between leaves something to try again with. What was
mirrored and written stays: removing that is the uninstall's matter. Neighbours:
``commands/connecting.py`` asks, ``consent`` and ``onboard`` connect again.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from integration.budget import SharedBudget
from integration.hubspot.auth import OAuthGrant
from integration.hubspot.connector import WINDOWS
from integration.hubspot.oauth_uninstall import uninstall_app
from sync.connect import credentials_of
from sync.runtime import Runtime
from sync.state import installations
from sync.state.engine import reading, writing
from sync.state.errors import StateError
from sync.state.installations import Installation, Status
from sync.token_stores import HubSpotTokens
from sync.workspace import CONNECTIONS

HUBSPOT = "hubspot"


class Ending(StrEnum):
    """How a portal came to be disconnected."""

    REMOVED = "removed"
    GONE_BEFORE = "gone_before"
    KEY_REMAINS = "key_remains"
    NOTHING_TO_DO = "nothing_to_do"


TOLD = {
    Ending.REMOVED: "HubSpot removed the app from the portal",
    Ending.GONE_BEFORE: "the portal's admin had removed the app before",
    Ending.KEY_REMAINS: (
        "HubSpot has no call that ends a service key: delete it in the portal, "
        "under Settings > Integrations > Service keys"
    ),
    Ending.NOTHING_TO_DO: "it was disconnected before",
}


@dataclass(frozen=True, slots=True)
class Disconnected:
    """What became of a portal; its secrets are forgotten and no job calls it any more."""

    installation: str
    ending: Ending

    @property
    def told(self) -> str:
        """Return it in words."""
        return TOLD[self.ending]


def disconnect(runtime: Runtime, installation_id: str) -> Disconnected:
    """End the connection to a HubSpot portal; doing so twice is no error.

    Raises StateError where there is no such installation or it is no portal, and Misconfigured,
    Unavailable or Refused as HubSpot answers: then nothing has changed.
    """
    with reading(runtime.engine) as conn:
        found = installations.get(conn, installation_id)
    if found.vendor != HUBSPOT:
        raise StateError(
            f"{installation_id} is no HubSpot portal; block or uninstall the connected app in the org's Setup"
        )
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
    if not isinstance(credentials, OAuthGrant):
        return Ending.KEY_REMAINS
    budget = SharedBudget(runtime.redis, found.id, WINDOWS)
    store = HubSpotTokens(runtime, found.id)
    removed = uninstall_app(credentials, found.base_url, budget, runtime.clock.now, store)
    return Ending.REMOVED if removed else Ending.GONE_BEFORE
