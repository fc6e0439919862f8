"""Contracts and assets: what a customer signed, and what it has. Continues ``standard_work``.

Field names, types and lengths are from Salesforce's Object Reference. A contract ends with its term, which
the org computes; lifecycle figures of an asset are Revenue Cloud's and read-only.
"""

from __future__ import annotations

from sandbox.salesforce.schema import Field, SObject
from sandbox.salesforce.standard import (
    choice,
    currency,
    flag,
    make,
    number,
    read_only,
    reference,
    system_fields,
    text,
)


def contract() -> SObject:
    """Return Contract; it is a draft until somebody activates it."""
    return make("Contract", "Contract", "Contracts", "800", [
        *system_fields(named=False),
        reference("AccountId", "Account ID", "Account", "Contracts", nillable=False),
        read_only("ContractNumber", "Contract Number", "string", length=30, nillable=False),
        choice("Status", "Status", "In Approval Process", "Activated", "Draft", default="Draft"),
        Field("StartDate", "Contract Start Date", "date"), read_only("EndDate", "Contract End Date", "date"),
        Field("ContractTerm", "Contract Term", "int", precision=4),
        Field("CustomerSignedDate", "Customer Signed Date", "date"),
        read_only("ActivatedDate", "Activated Date", "datetime"),
        text("Description", "Description", 32000, type="textarea"), currency(),
    ])  # fmt: skip


def asset() -> SObject:
    """Return Asset."""
    return make("Asset", "Asset", "Assets", "02i", [
        *system_fields(), text("Name", "Asset Name", nillable=False),
        reference("AccountId", "Account ID", "Account", "Assets"),
        reference("ContactId", "Contact ID", "Contact", "Assets"),
        reference("Product2Id", "Product ID", "Product2", "Assets", path="Product2"),
        text("SerialNumber", "Serial Number", 80), Field("InstallDate", "Install Date", "date"),
        Field("PurchaseDate", "Purchase Date", "date"), Field("UsageEndDate", "Usage End Date", "date"),
        choice("Status", "Status", "Shipped", "Installed", "Registered", "Obsolete", "Purchased"),
        number("Price", "Price", "currency", 18, 2), number("Quantity", "Quantity", "double", 12, 2),
        flag("IsCompetitorProduct", "Competitor Asset"), currency(),
        read_only("LifecycleStartDate", "Lifecycle Start Date", "datetime"),
        read_only("LifecycleEndDate", "Lifecycle End Date", "datetime"),
        read_only("CurrentMrr", "Current Monthly Recurring Revenue", "currency", precision=18, scale=2),
        read_only("CurrentQuantity", "Current Quantity", "double", precision=18, scale=2),
    ])  # fmt: skip
