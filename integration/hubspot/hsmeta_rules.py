"""What a developer project may hold: component types, places, keys, platform versions.

Read off HubSpot's own sample projects and the tables of its project parser (0.23.0), which
accepts a component without a type and sees most other mistakes only after an upload.
Neighbours: ``hsmeta_lint`` walks the files, ``hsmeta_config`` looks into a component.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

APP: Final = "app"
CARD: Final = "card"
WEBHOOKS: Final = "webhooks"
JOURNAL: Final = "webhooks-journal"
FUNCTION: Final = "app-function"
WORKFLOW_ACTION: Final = "workflow-action"

PLATFORM_VERSIONS: Final = ("2025.2", "2026.03-beta", "2026.03", "2026.09-beta", "2026.09", "2027.03-beta")
SUNSET_VERSIONS: Final[Mapping[str, str]] = {
    "2025.1": "HubSpot ended it on 2026-08-01",
    "2023.2": "listings with it are rejected from 2026-11-02",
}
PERMISSIONS_SINCE: Final = "2026.09-beta"
"""The first platform version whose parser takes ``permissions`` on a component."""

PROJECT_KEYS: Final = frozenset({"name", "srcDir", "platformVersion"})
TOP_KEYS: Final = frozenset({"uid", "type", "config", "dependencies", "permissions"})
UID: Final = r"[A-Za-z0-9_.\-]{1,64}"


@dataclass(frozen=True, slots=True)
class Component:
    """A component type: the folder under ``src`` it must lie in, whether an app has one only, and its app.

    ``auths`` and ``distributions`` are those of the apps that may have it; empty for all.
    """

    folder: str
    single: bool = False
    auths: frozenset[str] = frozenset()
    distributions: frozenset[str] = frozenset()


_OAUTH, _STATIC = frozenset({"oauth"}), frozenset({"static"})
_LISTED, _PRIVATE = frozenset({"marketplace"}), frozenset({"private"})

COMPONENTS: Final[Mapping[str, Component]] = {
    APP: Component("app", single=True),
    CARD: Component("app/cards"),
    "page": Component("app/pages", single=True),
    "settings": Component("app/settings", single=True),
    WEBHOOKS: Component("app/webhooks", single=True),
    JOURNAL: Component("app/webhooks-journal", single=True),
    WORKFLOW_ACTION: Component("app/workflow-actions"),
    "crm-bulk-action": Component("app/actions"),
    "app-object": Component("app/app-objects", False, _OAUTH, _LISTED),
    "app-object-association": Component("app/app-object-associations", False, _OAUTH, _LISTED),
    "app-event": Component("app/app-events", False, _OAUTH, _LISTED),
    FUNCTION: Component("app/functions", False, _STATIC, _PRIVATE),
    "scim": Component("app/scim", True, _STATIC, _PRIVATE),
    "api-client": Component("app/api-client", single=True),
    "calling": Component("app/calling", single=True),
    "marketing-event": Component("app/marketing-events"),
    "media-bridge": Component("app/media-bridge"),
    "video-conferencing": Component("app/video-conferencing"),
    "telemetry": Component("app/telemetry", single=True),
    "mcp-client": Component("app/mcp-client", single=True),
    "mcp-server": Component("app/mcp-server", single=True),
    "theme": Component("theme"),
    "cms-assets": Component("cms-assets"),
}

SCOPE_KEYS: Final = ("requiredScopes", "optionalScopes", "conditionallyRequiredScopes")
APP_CONFIG_KEYS: Final = frozenset(
    {"name", "description", "logo", "distribution", "auth", "permittedUrls", "support", "isUserLevel"}
)
AUTH_KEYS: Final = frozenset({"type", "redirectUrls", "isUserLevel", *SCOPE_KEYS})
PERMITTED_KEYS: Final = frozenset({"fetch", "iframe", "img"})
SUPPORT_KEYS: Final = frozenset({"supportEmail", "documentationUrl", "supportUrl", "supportPhone"})
CARD_KEYS: Final = frozenset({"name", "description", "location", "entrypoint", "objectTypes", "previewImage"})
CARD_LOCATIONS: Final = (
    *("crm.record.tab", "crm.record.sidebar", "crm.preview", "helpdesk.sidebar", "settings", "home", "pages"),
    *("crm.bulkActions", "uie.playground.middle"),
)
WEBHOOK_KEYS: Final = frozenset({"settings", "subscriptions"})
WEBHOOK_SETTINGS_KEYS: Final = frozenset({"targetUrl", "maxConcurrentRequests"})
SUBSCRIPTION_LISTS: Final = ("crmObjects", "legacyCrmObjects", "hubEvents")
SUBSCRIPTION_KEYS: Final[Mapping[str, frozenset[str]]] = {
    "crmObjects": frozenset({"subscriptionType", "objectType", "propertyName", "active"}),
    "legacyCrmObjects": frozenset({"subscriptionType", "propertyName", "active"}),
    "hubEvents": frozenset({"subscriptionType", "active"}),
}
CONCURRENT_MIN: Final = 5
"""``maxConcurrentRequests`` must be above this."""

LEGACY_OBJECTS: Final = ("contact", "company", "deal", "ticket", "product", "line_item")
LEGACY_EVENTS: Final = frozenset(
    f"{name}.{event}"
    for name in LEGACY_OBJECTS
    for event in ("creation", "deletion", "merge", "restore", "propertyChange", "associationChange")
)


def supports_permissions(platform_version: str) -> bool:
    """Return whether components may carry ``permissions`` under this platform version."""
    if platform_version == "unstable":
        return True
    known = list(PLATFORM_VERSIONS)
    if platform_version not in known:
        return platform_version not in SUNSET_VERSIONS
    return known.index(platform_version) >= known.index(PERMISSIONS_SINCE)
