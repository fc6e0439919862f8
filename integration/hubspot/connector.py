"""What HubSpot is to us, on one page: paths by API version, limits, scopes, object types.

This module declares; the verbs beside it do. Every limit carries the name of HubSpot's
page it was read on. Neighbours: all of ``integration/hubspot``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Final

from integration.budget import Window

BASE_URL: Final = "https://api.hubapi.com"
AUTHORIZE_URL: Final = "https://app.hubspot.com/oauth/authorize"


@dataclass(frozen=True, slots=True)
class Paths:
    """The path prefixes of one API version; they were renamed between versions.

    ``versions`` says on which day HubSpot stops supporting each of them. App webhooks are
    the one area whose prefix also differs between dated versions (page "Webhooks API").
    """

    version: str
    objects: str
    associations: str
    schemas: str
    properties: str
    pipelines: str
    owners: str
    lists: str
    imports: str
    exports: str
    account: str
    api_usage: str
    limits: str
    oauth: str
    app_installs: str
    app_webhooks: str
    journal: str

    def prefixes(self) -> Mapping[str, str]:
        """Return every prefix by the name of its area."""
        return {one.name: getattr(self, one.name) for one in fields(self) if one.name != "version"}


def _dated(version: str, app_webhooks: str) -> Paths:
    return Paths(
        version=version,
        objects=f"/crm/objects/{version}",
        associations=f"/crm/associations/{version}",
        schemas=f"/crm-object-schemas/{version}/schemas",
        properties=f"/crm/properties/{version}",
        pipelines=f"/crm/pipelines/{version}",
        owners=f"/crm/owners/{version}",
        lists=f"/crm/lists/{version}",
        imports=f"/crm/imports/{version}",
        exports=f"/crm/exports/{version}/export/async",
        account=f"/account-info/{version}/details",
        api_usage=f"/account-info/{version}/api-usage/daily/private-apps",
        limits=f"/crm/limits/{version}",
        oauth=f"/oauth/{version}",
        app_installs=f"/appinstalls/{version}/external-install",
        app_webhooks=f"/{app_webhooks}/{version}",
        journal=f"/webhooks-journal/journal/{version}",
    )


LEGACY_PATHS: Final = Paths(
    version="v3",
    objects="/crm/v3/objects",
    associations="/crm/v4/associations",
    schemas="/crm-object-schemas/v3/schemas",
    properties="/crm/v3/properties",
    pipelines="/crm/v3/pipelines",
    owners="/crm/v3/owners",
    lists="/crm/v3/lists",
    imports="/crm/v3/imports",
    exports="/crm/v3/exports/export/async",
    account="/account-info/v3/details",
    api_usage="/account-info/v3/api-usage/daily/private-apps",
    limits="/crm/v3/limits",
    oauth="/oauth/v1",
    app_installs="/appinstalls/v3/external-install",
    app_webhooks="/webhooks/v3",
    journal="/webhooks/v4/journal",
)

PATHS: Final[Mapping[str, Paths]] = {
    "2026-09": _dated("2026-09", "app-webhooks"),
    "2026-03": _dated("2026-03", "webhooks"),
    "v3": LEGACY_PATHS,
}
DEFAULT_VERSION: Final = "2026-09"

# Page "CRM API | Objects": batch operations are limited to 100 records at a time.
BATCH_ROWS: Final = 100

# The same page: a list has at most 100 records a page, 50 with property history; batch reads likewise.
LIST_PAGE_ROWS: Final = 100
HISTORY_ROWS: Final = 50

# Page "Error handling": 414 where an address is too long; no figure is given, servers begin at 8 KB.
LIST_URI_CHARS: Final = 6_000

# Page "Search the CRM": 200 results per page, 10,000 results per query, 3,000 characters per body.
SEARCH_PAGE_ROWS: Final = 200
SEARCH_WINDOW_ROWS: Final = 10_000
SEARCH_BODY_CHARS: Final = 3_000

# Page "Associate records": batch read takes 1,000 inputs, batch create 2,000.
ASSOCIATION_READ_ROWS: Final = 1_000
ASSOCIATION_CREATE_ROWS: Final = 2_000

# Page "API usage guidelines": per 10 seconds and app, Professional and Enterprise; the real
# figure of a portal is learned from X-HubSpot-RateLimit-Max.
GENERAL_CALLS_PER_10_S: Final = 190
SEARCH_CALLS_PER_S: Final = 5
ASSOCIATION_CALLS_PER_10_S: Final = 150

# Page "Error handling": 423 Locked asks for at least two seconds between calls.
LOCKED_WAIT_S: Final = 2.0

GENERAL: Final = "general"
SEARCH: Final = "search"
ASSOCIATIONS: Final = "associations"

# Windows are a little longer than HubSpot's, because calls arrive later than they are counted.
WINDOWS: Final[Mapping[str, Window]] = {
    GENERAL: Window(GENERAL_CALLS_PER_10_S, 10.1),
    SEARCH: Window(SEARCH_CALLS_PER_S, 1.1),
    ASSOCIATIONS: Window(ASSOCIATION_CALLS_PER_10_S, 10.1),
}

# Page "Understanding the CRM", object type ids; page "Feedback submission object definition" for 0-19.
STANDARD_TYPE_IDS: Final[Mapping[str, str]] = {
    "contacts": "0-1",
    "companies": "0-2",
    "deals": "0-3",
    "tickets": "0-5",
    "products": "0-7",
    "line_items": "0-8",
    "quotes": "0-14",
    "feedback_submissions": "0-19",
    "tasks": "0-27",
    "notes": "0-46",
    "meetings": "0-47",
    "calls": "0-48",
    "emails": "0-49",
    "invoices": "0-53",
    "subscriptions": "0-69",
    "services": "0-162",
    "leads": "0-136",
}

# What HubSpot calls one of them, in the names of webhook events and of association types.
SINGULAR_NAMES: Final[Mapping[str, str]] = {
    "contacts": "contact",
    "companies": "company",
    "deals": "deal",
    "tickets": "ticket",
    "products": "product",
    "line_items": "line_item",
}

# The same page: only these may stand in a path by name; all others by id.
NAMED_IN_PATHS: Final = frozenset({"contacts", "companies", "deals", "tickets", "notes"})

# Page "Associate records", association type ids.
PRIMARY_TYPE_IDS: Final = frozenset({1, 2, 5, 6})
CHILD_TO_PARENT_COMPANY: Final = 14

# The same page: the unlabelled type from one standard object to another, for links made with a record.
DEFAULT_LINK_TYPE_IDS: Final[Mapping[tuple[str, str], int]] = {
    ("tasks", "companies"): 192,
    ("tasks", "contacts"): 204,
    ("deals", "companies"): 341,
    ("deals", "contacts"): 3,
}

# The same page: every custom object may be associated with these without being asked to.
ACTIVITIES: Final = frozenset({"tasks", "notes", "meetings", "calls", "emails"})

PROPERTY_GROUP: Final = "customer_success"
PROPERTY_GROUP_LABEL: Final = "Customer success"


MERGED_IDS: Final = "hs_merged_object_ids"
"""Which records became this one, separated by ``;`` (page "Merge records"; contacts have their own older
``hs_calculated_merged_vids`` beside it)."""


def modified_property(object_name: str) -> str:
    """Return the property that holds a record's last change (contacts have their own)."""
    return "lastmodifieddate" if object_name == "contacts" else "hs_lastmodifieddate"
