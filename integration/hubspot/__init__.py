"""HubSpot: ``connector`` declares it, one file per verb does it, ``port`` connects it."""

from integration.hubspot.auth import (
    HubSpotCredentials,
    MemoryTokenStore,
    OAuthGrant,
    ServiceKey,
    TokenStore,
)
from integration.hubspot.oauth_endpoint import TokenSet
from integration.hubspot.port import HubSpotPort, connect

__all__ = [
    "HubSpotCredentials",
    "HubSpotPort",
    "MemoryTokenStore",
    "OAuthGrant",
    "ServiceKey",
    "TokenSet",
    "TokenStore",
    "connect",
]
