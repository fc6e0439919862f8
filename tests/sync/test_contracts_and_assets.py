"""Contract lines on contracts or assets, under the account and no deal's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from mappings.bindings import LineReads, Reads
from mappings.charter import Charter
from mappings.load import load_charter
from tests.sync.harness import CHARTER, SALESFORCE, Deployment, Office
from tests.sync.portfolios import Book
from tests.sync.test_census import arr_of

OPEN = Callable[..., Office]
CONTRACT: dict[str, Any] = {
    "from": "contract",
    "object": "Contract",
    "parent": "Account",
    "fields": {
        "product_id": {"default": "core"},
        "quantity": {"default": "5"},
        "kind": {"default": "recurring"},
        "start": "StartDate",
        "end": "EndDate",
        "term_months": "ContractTerm",
        "arr": {"default": "1200"},
        "in_force": {"field": "Status", "map": {"Activated": "true"}, "default": "false"},
    },
}
ASSET: dict[str, Any] = {
    "from": "asset",
    "object": "Asset",
    "parent": "Account",
    "fields": {
        "product_id": "Product2Id",
        "quantity": "Quantity",
        "kind": {"default": "recurring"},
        "start": "InstallDate",
        "end": "UsageEndDate",
        "arr": "Price",
        "currency": "CurrencyIsoCode",
        "in_force": {"field": "Status", "map": {"Obsolete": "false"}, "default": "true"},
    },
}


def charter(lines: dict[str, Any]) -> Charter:
    """Return the default charter with contract lines read from elsewhere."""
    found = load_charter(CHARTER, SALESFORCE)
    crm = found.crm_for(SALESFORCE)
    reads = crm.reads.model_copy(update={"contract_line": LineReads.model_validate(lines)})
    webhooks = {name: fields for name, fields in crm.webhooks.items() if name != "OpportunityLineItem"}
    read = crm.model_copy(update={"reads": reads, "webhooks": webhooks})
    return found.model_copy(update={"crm": found.crm.model_copy(update={"salesforce": read})})


def opened(deployed: Deployment, office: OPEN, lines: dict[str, Any]) -> Office:
    """Return an org of two accounts that bought nothing yet."""
    book = Book().account("acorn", "Acorn").account("birch", "Birch")
    return office(deployed, SALESFORCE, book).connect(charter(lines)).install()


def test_an_activated_contract_is_a_line_and_a_draft_is_none(lite: Deployment, office: OPEN) -> None:
    """By the charter each contract is worth 1,200 a year; its renewal is opened in its window."""
    there = opened(lite, office, CONTRACT)
    acorn = there.sandbox.lookup("account:acorn")
    signed = {"AccountId": acorn, "StartDate": "2024-03-01", "ContractTerm": 12}
    first, _draft = (there.sandbox.edit("Contract", None, signed) for _ in range(2))
    there.sandbox.edit("Contract", first, {"Status": "Activated"})
    there.load()
    assert arr_of(there, acorn) == 1_200_00
    there.go_live().settle()
    assert list(there.written("Opportunity")) == [f"renewal:{first.lower()}:1"]
    lite.later(minutes=10)
    there.sandbox.edit("Contract", first, {"Status": "In Approval Process"})
    there.poll()
    assert arr_of(there, acorn) == 0


def test_assets_are_lines_and_follow_a_merge(lite: Deployment, office: OPEN) -> None:
    """By hand: 900 and 300 a year, one obsolete; all of it is the survivor's after a merge."""
    there = opened(lite, office, ASSET)
    acorn, birch = (there.sandbox.lookup(f"account:{one}") for one in ("acorn", "birch"))
    product = there.sandbox.records("Product2")[0]["Id"]
    usual = {"Product2Id": product, "Quantity": 3, "InstallDate": "2025-01-01", "Status": "Installed"}
    there.sandbox.edit("Asset", None, {**usual, "Name": "a", "AccountId": acorn, "Price": 900})
    there.sandbox.edit("Asset", None, {**usual, "Name": "b", "AccountId": birch, "Price": 300})
    gone = {**usual, "Name": "c", "AccountId": birch, "Price": 50, "Status": "Obsolete"}
    there.sandbox.edit("Asset", None, gone)
    there.load()
    assert (arr_of(there, acorn), arr_of(there, birch)) == (900_00, 300_00)
    lite.later(minutes=10)
    there.sandbox.edit("Account", birch, {}, merge=acorn)
    there.poll()
    assert arr_of(there, birch) == 1_200_00


@pytest.mark.parametrize("parent", [None, "Opportunity"])
def test_a_charter_that_hangs_contracts_elsewhere_is_refused(parent: str | None) -> None:
    """Contracts and assets hang under the account."""
    reads = load_charter(CHARTER, SALESFORCE).crm_for(SALESFORCE).reads.model_dump(by_alias=True)
    with pytest.raises(ValidationError):
        Reads.model_validate({**reads, "contract_line": {**CONTRACT, "parent": parent}})
