"""A deal's lines as rows of the org, and what the charter must read for them."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from mappings.charter import Charter
from mappings.load import load_charter
from mappings.outbound import object_specs, to_rows
from success.desired import DesiredLine, DesiredRecord, RecordKind
from success.facts import Money

DEFAULT = Path(__file__).parents[2] / "mappings" / "charters" / "default.yaml"
KEY = "renewal:g1:2"
LINE = DesiredLine(
    2, "core", "01uA", 5, Money(300_050, "USD"), date(2025, 3, 1), date(2026, 3, 1), 12, continues="l-a2"
)
RENEWAL = DesiredRecord(RecordKind.RENEWAL, KEY, "001A", {}, lines=(LINE,))


def charter(vendor: str = "salesforce", *, priced: bool = True, **fields: Any) -> Charter:
    """Return the default charter whose renewals begin with lines."""
    body = load_charter(DEFAULT, vendor).model_dump(mode="json", by_alias=True)
    crm = body["crm"][vendor]
    crm["reads"]["contract_line"]["fields"] |= {"price_id": {"field": "PricebookEntryId"}} if priced else {}
    crm["reads"]["contract_line"]["fields"] |= fields
    crm["writes"]["renewal"]["lines"] = True
    return Charter.model_validate(body)


def test_a_line_is_a_row_under_its_deal_and_peoples_from_then_on() -> None:
    """What the org prices by, and the contract fields the charter will read; nothing of it is kept true."""
    deal, line = to_rows(RENEWAL, charter(), "salesforce")
    assert deal.object == "Opportunity"
    assert (line.object, line.key) == ("OpportunityLineItem", f"{KEY}:line:2")
    assert line.parent_keys == (("Opportunity", KEY),)
    assert line.ours == {}
    assert line.seed == {
        "Quantity": "5",
        "TotalPrice": "3000.50",
        "ServiceDate": "2025-03-01",
        "PricebookEntryId": "01uA",
        "Contract_Product__c": "core",
        "Contract_Seats__c": "5",
        "Contract_Kind__c": "recurring",
        "Contract_Start__c": "2025-03-01",
        "Contract_End__c": "2026-03-01",
        "Contract_ARR__c": "3000.50",
        "Contract_Term_Months__c": "12",
    }


def test_the_orgs_own_words_and_fields_are_kept() -> None:
    """A mapped kind is written as the org says it; a field of Salesforce's own is left to Salesforce."""
    kinds = {"field": "Kind__c", "map": {"Trial": "trial", "Subscription": "recurring"}}
    renews = {"field": "Renews__c"}
    told = charter(kind=kinds, product_id={"field": "ProductCode"}, renewal_of_line_id=renews)
    seed = to_rows(RENEWAL, told, "salesforce")[1].seed
    assert (seed["Kind__c"], seed["Renews__c"]) == ("Subscription", "l-a2")
    assert "ProductCode" not in seed


def test_lines_are_off_unless_the_charter_asks() -> None:
    """By default a deal is one row, and the org's line items get no field of ours."""
    default = load_charter(DEFAULT, "salesforce")
    assert len(to_rows(RENEWAL, default, "salesforce")) == 1
    assert "OpportunityLineItem" not in {spec.name for spec in object_specs(default, "salesforce")}
    with_lines = {spec.name: spec for spec in object_specs(charter(), "salesforce")}
    assert [(one.name, one.unique) for one in with_lines["OpportunityLineItem"].fields] == [
        ("CS_Key__c", True)
    ]


@pytest.mark.parametrize(
    ("vendor", "says"),
    [
        ("salesforce", "prices of contract lines, which are not read"),
        ("hubspot", "without line items in HubSpot"),
    ],
)
def test_a_charter_that_cannot_have_lines_is_told_so(vendor: str, says: str) -> None:
    """Without the earlier lines' prices none can be continued; HubSpot's deals have none."""
    with pytest.raises(ValidationError, match=says):
        charter(vendor, priced=vendor == "hubspot")
