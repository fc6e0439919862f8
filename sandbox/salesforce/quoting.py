"""Salesforce CPQ as another namespace's package in the org: its fields, not its behaviour.

Source: Salesforce Help, "Salesforce CPQ Fields on the Opportunity Object" and "CPQ Contract Fields": a
renewal opportunity that the package opened names the contract it renews. What CPQ does by itself (quotes,
forecast renewals, pricing) is for the test to do. Neighbours: ``control`` installs it.
"""

from __future__ import annotations

from sandbox.salesforce.org import Org
from sandbox.salesforce.schema import Field
from sandbox.salesforce.standard import flag, make, number, reference, system_fields, text

NAMESPACE = "SBQQ"


def install(org: Org) -> None:
    """Add what the package brings; installing twice changes nothing."""
    for object_name, f in _fields():
        if org.schema[object_name].get(f.name) is None:
            org.schema.put_field(object_name, f, org.stamp())
    if org.schema.get("SBQQ__Subscription__c") is None:
        subscription = make("SBQQ__Subscription__c", "Subscription", "Subscriptions", org.next_prefix(), [
            *system_fields(), text("Name", "Subscription #", 80),
            _lookup("SBQQ__Account__c", "Account", "Account"),
            _lookup("SBQQ__Contract__c", "Contract", "Contract"),
            _lookup("SBQQ__Product__c", "Product", "Product2"),
            number("SBQQ__Quantity__c", "Quantity", "double", 14, 2),
            number("SBQQ__NetPrice__c", "Net Price", "currency", 14, 2),
            Field("SBQQ__SubscriptionStartDate__c", "Subscription Start Date", "date"),
            Field("SBQQ__SubscriptionEndDate__c", "Subscription End Date", "date"),
        ])  # fmt: skip
        org.schema.put(subscription, org.stamp())
    org.save_schema()


def remove(org: Org) -> None:
    """Take the package's fields and object away, as its uninstall does."""
    for object_name, f in _fields():
        org.schema.drop_field(object_name, f.name, org.stamp())
        org.store.drop_field(object_name, f.name)
    if org.schema.get("SBQQ__Subscription__c"):
        org.schema.drop("SBQQ__Subscription__c")
        org.store.drop_object("SBQQ__Subscription__c")
    org.save_schema()


def _lookup(name: str, label: str, to: str) -> Field:
    path = name.removesuffix("__c") + "__r"
    return reference(name, label, to, path=path)


def _fields() -> list[tuple[str, Field]]:
    return [
        ("Opportunity", _lookup("SBQQ__RenewedContract__c", "Renewed Contract", "Contract")),
        ("Opportunity", _lookup("SBQQ__AmendedContract__c", "Amended Contract", "Contract")),
        ("Opportunity", flag("SBQQ__Renewal__c", "Renewal")),
        ("Opportunity", flag("SBQQ__Contracted__c", "Contracted")),
        ("Contract", _lookup("SBQQ__RenewalOpportunity__c", "Renewal Opportunity", "Opportunity")),
        ("Contract", flag("SBQQ__RenewalForecast__c", "Renewal Forecast")),
        ("Contract", flag("SBQQ__RenewalQuoted__c", "Renewal Quoted")),
    ]
