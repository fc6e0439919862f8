"""Renewals that a quoting package opens by itself, told by a field the package adds to deals; pure.

Salesforce CPQ (``SBQQ``) names on a renewal the contract it renews (Salesforce Help, "Salesforce CPQ Fields
on the Opportunity Object"). Where the org showed us that field at the install, a deal that has it is a
renewal whatever the charter reads as its kind, so that it is adopted and never doubled. Revenue Cloud marks
its renewals in no field of the opportunity that Salesforce documents: the charter's ``kind`` tells those.
Neighbours: ``inbound`` reads by it, ``sync/workspace`` knows what was seen.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

RENEWAL: Final = "renewal"
MARKS: Final[Mapping[str, str]] = {"salesforce": "SBQQ__RenewedContract__c"}


def renewal_mark(vendor: str, deal_fields: Collection[str]) -> str | None:
    """Return the field by which a quoting package marks its renewals, ``None`` where there is none."""
    mark = MARKS.get(vendor)
    return mark if mark in deal_fields else None
