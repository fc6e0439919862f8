"""How our objects hang under others in Salesforce, and what standard objects look like.

The convention for lookups is here and nowhere else: ``schema`` creates by it, ``read`` finds
links by it, ``write`` fills it. The tables of standard fields spare a describe call each; they
hold only what every org has. Source: Object Reference, the pages of the objects named.
Names are those of an org without a namespace; a packaged install is not handled yet.
"""

from __future__ import annotations

from collections.abc import Mapping

from integration.port import FieldType

CUSTOM = "__c"
OUR_PREFIX = "CS_"
# The external key every record of ours carries, on our objects and on native ones alike.
KEY_FIELD = "CS_Key__c"
# The channel of change events in our package (``package/events``).
CHANGE_CHANNEL = "CS_Changes__chn"

STANDARD_PARENTS: Mapping[tuple[str, str], str] = {
    ("Account", "Account"): "ParentId",
    ("Account", "User"): "OwnerId",
    ("Contact", "Account"): "AccountId",
    ("Contact", "User"): "OwnerId",
    ("Opportunity", "Account"): "AccountId",
    ("Opportunity", "User"): "OwnerId",
    ("Opportunity", "Contract"): "ContractId",
    ("OpportunityLineItem", "Opportunity"): "OpportunityId",
    ("OpportunityLineItem", "Product2"): "Product2Id",
    ("OpportunityLineItem", "PricebookEntry"): "PricebookEntryId",
    ("OpportunityContactRole", "Opportunity"): "OpportunityId",
    ("OpportunityContactRole", "Contact"): "ContactId",
    ("PricebookEntry", "Product2"): "Product2Id",
    ("Case", "Account"): "AccountId",
    ("Case", "Contact"): "ContactId",
    ("Case", "User"): "OwnerId",
    ("Contract", "Account"): "AccountId",
    ("Asset", "Account"): "AccountId",
    ("Task", "Account"): "WhatId",
    ("Task", "Opportunity"): "WhatId",
    ("Task", "Contact"): "WhoId",
    ("Task", "User"): "OwnerId",
}
# First three characters of an id name its object (Object Reference, "Record ID"): a field that may
# point to several objects is a link only to the one its id says.
KEY_PREFIXES: Mapping[str, str] = {
    "Account": "001",
    "Contact": "003",
    "User": "005",
    "Opportunity": "006",
    "OpportunityLineItem": "00k",
    "Product2": "01t",
    "Case": "500",
    "Contract": "800",
    "Task": "00T",
}
WITHOUT_IS_DELETED = frozenset({"User", "OpportunityStage", "Organization", "PermissionSet", "CaseStatus"})

STANDARD_TYPES: Mapping[str, Mapping[str, FieldType]] = {
    "Account": {
        "Name": FieldType.TEXT,
        "AnnualRevenue": FieldType.MONEY,
        "NumberOfEmployees": FieldType.NUMBER,
    },
    "Opportunity": {
        "Name": FieldType.TEXT,
        "Amount": FieldType.MONEY,
        "CloseDate": FieldType.DATE,
        "StageName": FieldType.CHOICE,
        "Type": FieldType.CHOICE,
        "Probability": FieldType.NUMBER,
        "Description": FieldType.LONG_TEXT,
        "NextStep": FieldType.TEXT,
        "LeadSource": FieldType.CHOICE,
    },
    "Task": {
        "Subject": FieldType.TEXT,
        "Status": FieldType.CHOICE,
        "Priority": FieldType.CHOICE,
        "ActivityDate": FieldType.DATE,
        "Description": FieldType.LONG_TEXT,
    },
}
STANDARD_TYPES_EVERYWHERE: Mapping[str, FieldType] = {
    "Id": FieldType.TEXT,
    "Name": FieldType.TEXT,
    "OwnerId": FieldType.REFERENCE,
    KEY_FIELD: FieldType.TEXT,
}


def is_custom(name: str) -> bool:
    """Return whether an object or field is a custom one."""
    return name.endswith(CUSTOM)


def stem(name: str) -> str:
    """Return an API name without its ``__c``."""
    return name.removesuffix(CUSTOM)


def parent_field(object_name: str, parent: str) -> str | None:
    """Return the field of ``object_name`` that looks up ``parent``, ``None`` when unknown here.

    Standard objects use their own field. A custom object of ours has ``CS_Account__c`` for
    Account and ``CS_Plan__c`` for ``CS_Plan__c``.
    """
    if not is_custom(object_name):
        return STANDARD_PARENTS.get((object_name, parent))
    return parent if is_custom(parent) else f"CS_{parent}{CUSTOM}"


def relationship_of(field_name: str) -> str:
    """Return the name under which ``field_name``'s record is reached (``CS_Plan__r``, ``Account``)."""
    return f"{stem(field_name)}__r" if is_custom(field_name) else field_name.removesuffix("Id")


def points_to(record_id: str, object_name: str) -> bool:
    """Return whether an id may belong to ``object_name``, by its key prefix."""
    prefix = KEY_PREFIXES.get(object_name)
    return prefix is None or record_id.startswith(prefix)
