"""The objects that hold history: stage history, which every org has, and field history, made when tracked.

Field names are from Salesforce's Object Reference, "OpportunityHistory", "OpportunityFieldHistory" and
"StandardObjectNameHistory". Nobody writes them. Neighbours: ``standard_work`` lists the first,
``history_rows`` makes the others and fills all.
"""

from __future__ import annotations

from typing import Any, Final

from sandbox.salesforce.schema import Field, SObject
from sandbox.salesforce.standard import flag, make, number, read_only, reference, text

STAGE_HISTORY: Final = "OpportunityHistory"
_FIXED: Final[dict[str, Any]] = {"createable": False, "updateable": False, "deletable": False}


def stage_history() -> SObject:
    """Return OpportunityHistory, which every org has."""
    return make(STAGE_HISTORY, "Opportunity History", "Opportunity Histories", "008", [
        *_system(),
        reference("OpportunityId", "Opportunity ID", "Opportunity", "OpportunityHistories"),
        text("StageName", "Stage Name"), number("Amount", "Amount", "currency", 18, 2),
        number("ExpectedRevenue", "Expected Revenue", "currency", 18, 2),
        Field("CloseDate", "Close Date", "date"), number("Probability", "Probability", "percent", 3, 0),
        text("ForecastCategory", "To ForecastCategory", 40), text("CurrencyIsoCode", "Currency", 3),
        read_only("SystemModstamp", "System Modstamp", "datetime"),
    ], **_FIXED)  # fmt: skip


def _system() -> list[Field]:
    return [
        read_only("Id", "Record ID", "id", length=18, nillable=False), flag("IsDeleted", "Deleted"),
        reference("CreatedById", "Created By ID", "User"),
        read_only("CreatedDate", "Created Date", "datetime", nillable=False),
    ]  # fmt: skip


def history_of(obj: SObject) -> tuple[str, str]:
    """Return what an object's field history is called, and its field that names the record."""
    if obj.custom:
        return obj.name.removesuffix("__c") + "__History", "ParentId"
    name = "OpportunityField" if obj.name == "Opportunity" else obj.name
    return f"{name}History", f"{obj.name}Id"


def field_history(obj: SObject, prefix: str) -> SObject:
    """Return the object that holds the field history of another."""
    name, parent = history_of(obj)
    return make(name, f"{obj.label} History", f"{obj.label} History", prefix, [
        *_system(), reference(parent, f"{obj.label} ID", obj.name, "Histories"),
        text("Field", "Changed Field"), text("DataType", "Datatype", 40),
        read_only("OldValue", "Old Value", "anyType"), read_only("NewValue", "New Value", "anyType"),
    ], **_FIXED)  # fmt: skip


def is_history(obj: SObject) -> bool:
    """Return whether an object holds history of another."""
    return obj.name.endswith("History")
