"""The one naming rule for everything of ours in a CRM.

Canonical ``renewal_on`` is ``cs_renewal_on`` in HubSpot and ``CS_Renewal_On__c`` in Salesforce,
labelled ``CS Renewal On`` in both. The prefix keeps our fields together in every list of fields
and apart from the customer's own. HubSpot names are lower case (properties guide); Salesforce
custom names end in ``__c``.
"""

from __future__ import annotations

HUBSPOT = "hubspot"
SALESFORCE = "salesforce"
VENDORS = (HUBSPOT, SALESFORCE)

_UPPER = {"arr": "ARR", "cs": "CS", "grr": "GRR", "nrr": "NRR"}


def vendor_name(canonical: str, vendor: str) -> str:
    """Return the API name of our field or object: ``health`` is ``cs_health`` or ``CS_Health__c``."""
    if vendor == HUBSPOT:
        return f"cs_{canonical}"
    return "_".join(_words(canonical)) + "__c"


def key_field(vendor: str) -> str:
    """Return the name of the external key field: ``cs_key`` or ``CS_Key__c``."""
    return vendor_name("key", vendor)


def label(canonical: str) -> str:
    """Return what people read above the field or object: ``CS Renewal On``."""
    return " ".join(_words(canonical))


def plural_label(canonical: str) -> str:
    """Return the label of many records of our object: ``CS Profiles``."""
    return label(canonical) + "s"


def lookup_field(target: str) -> str:
    """Return the Salesforce lookup to ``target``: ``CS_Account__c`` to Account, ``CS_Plan__c`` to ours."""
    return target if target.startswith("CS_") else f"CS_{target.removesuffix('__c')}__c"


def _words(canonical: str) -> list[str]:
    return [_UPPER.get(word, word.capitalize()) for word in ("cs", *canonical.split("_"))]
