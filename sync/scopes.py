"""Which scopes a portal's charter needs, and which of them its admin did not grant.

Neighbours: ``consent_hubspot`` asks for them and keeps what was granted, ``onboard`` plans by what is
missing, the doctor tells.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from integration.hubspot.scopes import FALLBACKS, LISTS, Scopes, scopes_for
from mappings.catalogue import Home
from mappings.charter import Charter
from mappings.homes import TASKS
from mappings.inbound import read_queries
from mappings.outbound import object_specs
from sync.state.schema import JsonValue

HUBSPOT: Final = "hubspot"
GRANTED: Final = "granted_scopes"
"""The setting in which an installation's granted scopes stand; a service key's are not known."""


def app_scopes(charter: Charter) -> Scopes:
    """Return the scopes the app asks for: what the charter reads, and the objects it extends or writes."""
    read = [query.object for query in read_queries(charter, HUBSPOT, installed=False)]
    extended = [spec.name for spec in object_specs(charter, HUBSPOT) if not spec.custom]
    without = charter.crm_for(HUBSPOT).writes.homes.without
    return scopes_for(read, extended, instead=() if Home.TASK in without else (TASKS,))


def missing_scopes(charter: Charter, vendor: str, settings: Mapping[str, JsonValue]) -> Mapping[str, str]:
    """Return each scope that was not granted with what goes without it; empty where grants are not known.

    An empty text means that nothing can be installed without it.
    """
    granted = settings.get(GRANTED)
    if vendor != HUBSPOT or not isinstance(granted, list):
        return {}
    missing = app_scopes(charter).missing(str(one) for one in granted)
    told = {one: FALLBACKS[one] for one in missing.optional}
    return told | {one: LISTS.get(one, "") for one in missing.required}
