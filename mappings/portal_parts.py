"""What an install makes beside objects and fields: lists, labels on ties, the plan's pipeline; pure.

All of it is HubSpot's: a Salesforce org takes none. Names come from ``mappings.naming``, bands and
time zone from the charter. Neighbours: ``outbound`` says which objects and fields there are,
``sync/install.py`` plans from both.
"""

from __future__ import annotations

from collections.abc import Iterator

from integration.install_specs import (
    Comparison,
    Condition,
    ListSpec,
    Wanted,
)
from mappings.catalogue import LIST_FIELDS, KeptList
from mappings.charter import Charter
from mappings.homes import OBJECTS, Homes
from mappings.naming import HUBSPOT, vendor_name
from mappings.outbound import object_specs

RENEWAL_DAYS = 90
_TITLES = {
    KeptList.AT_RISK: "CS At risk",
    KeptList.RENEWAL_IN_90_DAYS: "CS Renewal in 90 days",
    KeptList.ONBOARDING_LATE: "CS Onboarding late",
    KeptList.EXPANSION_READY: "CS Expansion ready",
}


def wanted_parts(charter: Charter, vendor: str, homes: Homes = OBJECTS) -> Wanted:
    """Return all that should stand in a portal or org for a charter, given where records stand."""
    objects = object_specs(charter, vendor, homes)
    if vendor != HUBSPOT:
        return Wanted(objects)
    return Wanted(objects, tuple(_lists(charter)), (), ())


def _lists(charter: Charter) -> Iterator[ListSpec]:
    crm = charter.crm_for(HUBSPOT)
    for kept in dict.fromkeys(crm.writes.lists):
        condition = _condition(kept, vendor_name(LIST_FIELDS[kept], HUBSPOT), charter)
        yield ListSpec(_TITLES[kept], crm.reads.account.object, ((condition,),))


def _condition(kept: KeptList, field: str, charter: Charter) -> Condition:
    """Return what an account in a list is true of; its lowest band is the one that begins at 0."""
    if kept is KeptList.AT_RISK:
        return Condition(field, Comparison.ANY_OF, values=(charter.scorecard.bands[0].key,))
    if kept is KeptList.RENEWAL_IN_90_DAYS:
        return Condition(field, Comparison.WITHIN_DAYS, number=RENEWAL_DAYS, time_zone=charter.time_zone)
    return Condition(field, Comparison.AT_LEAST, number=1)


__all__ = ["wanted_parts"]
