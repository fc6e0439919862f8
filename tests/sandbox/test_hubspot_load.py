"""A portfolio folder in the portal: what the loader makes of it, and that it is quick enough."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

OWNER = {"key": "o1", "email": "o@vendor.example", "first_name": "O", "last_name": "W"}
ACCOUNT = {
    "key": "acme",
    "name": "Acme",
    "domain": "acme.example",
    "industry": "Deep Sea Mining",
    "country": "NO",
    "employees": 40,
    "currency": "USD",
    "created_on": "2023-01-02",
    "owner_key": "o1",
    "attributes": {"plan_tier": "gold"},
}
CHILD = {**ACCOUNT, "key": "acme-no", "name": "Acme NO", "parent_key": "acme"}
CONTACT = {
    "key": "c1",
    "account_key": "acme",
    "email": "C@acme.example",
    "first_name": "C",
    "last_name": "H",
    "title": "CTO",
    "role": "champion",
    "created_on": "2023-01-03",
}
DEAL = {
    "key": "d1",
    "account_key": "acme",
    "name": "Acme new",
    "stage": "won",
    "kind": "new",
    "amount": "1200.00",
    "currency": "EUR",
    "created_on": "2023-02-01",
    "close_on": "2023-03-01",
}
LINE = {
    "key": "l1",
    "deal_key": "d1",
    "account_key": "acme",
    "product_key": "p1",
    "seats": 10,
    "start_on": "2023-03-01",
    "end_on": "2024-03-01",
    "term_months": 12,
    "arr": "1200.00",
    "currency": "EUR",
    "kind": "recurring",
    "billing": "annual",
    "auto_renew": True,
}
TICKET = {
    "key": "t1",
    "account_key": "acme",
    "subject": "Broken",
    "priority": "urgent",
    "opened_at": "2023-04-01T08:00:00Z",
    "closed_at": "2023-04-02T09:30:00Z",
    "escalated": True,
    "csat": 2,
}
SURVEY = {
    "key": "s1",
    "account_key": "acme",
    "contact_key": "c1",
    "kind": "nps",
    "score": 6,
    "at": "2023-05-01T00:00:00Z",
}


def write(folder: Path, home: str) -> None:
    """Write the little portfolio of this module."""
    folder.mkdir(exist_ok=True)
    (folder / "portfolio.json").write_text(
        json.dumps({"name": "P", "as_of": "2024-01-01", "contract_home": home})
    )
    files: dict[str, list[dict[str, Any]]] = {
        "owners": [OWNER],
        "accounts": [ACCOUNT, CHILD],
        "contacts": [CONTACT],
        "products": [{"key": "p1", "name": "Seats", "unit_price": "120"}],
        "deals": [DEAL],
        "lines": [LINE],
        "tickets": [TICKET],
        "surveys": [SURVEY],
    }
    for name, records in files.items():
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))


@pytest.fixture(scope="module")
def loaded(hubspot: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Give the portal with the little portfolio, contracts on line items."""
    folder = tmp_path_factory.mktemp("portfolio")
    write(folder, "line_item")
    made = hubspot.control("POST", "/load", {"dir": str(folder)})["loaded"]
    assert (made["companies"], made["deals"], made["line_items"]) == (2, 1, 1)
    return hubspot


def record(hubspot: Any, ref: str) -> dict[str, Any]:
    """Return the dumped record that a portfolio key became."""
    found = hubspot.control("GET", f"/lookup?ref={ref}")
    rows = hubspot.control("GET", f"/dump?object={found['object']}")["records"]
    return next(row for row in rows if row["id"] == found["id"])


def test_companies_keep_their_history_and_the_customers_own_fields(loaded: Any) -> None:
    """Created in the past, with reference, attribute, owner and an industry made an option."""
    company = record(loaded, "account:acme")
    values = company["properties"]
    assert company["createdAt"] == "2023-01-02T00:00:00Z"
    assert (values["customer_ref"], values["plan_tier"], values["industry"]) == (
        "acme",
        "gold",
        "DEEP_SEA_MINING",
    )
    owner = loaded.call("GET", "/crm/owners/2026-09?email=o@vendor.example").json()["results"][0]
    assert values["hubspot_owner_id"] == owner["id"]


def test_a_parent_company_is_an_association(loaded: Any) -> None:
    """Parent to child is type 13, child to parent 14."""
    parent, child = (loaded.control("GET", f"/lookup?ref=account:{key}")["id"] for key in ("acme", "acme-no"))
    path = f"/crm/objects/2026-09/companies/{child}/associations/companies"
    (row,) = loaded.call("GET", path).json()["results"]
    assert row["toObjectId"] == int(parent)
    assert 14 in [one["typeId"] for one in row["associationTypes"]]


def test_contract_fields_are_on_the_line_item(loaded: Any) -> None:
    """The line item holds the contract and hangs under its deal."""
    item = record(loaded, "line:l1")
    values = item["properties"]
    contract = {name: value for name, value in values.items() if name.startswith("contract_")}
    assert contract == {
        "contract_ref": "l1",
        "contract_product": "p1",
        "contract_seats": "10",
        "contract_start": "2023-03-01",
        "contract_end": "2024-03-01",
        "contract_term_months": "12",
        "contract_arr": "1200.00",
        "contract_kind": "recurring",
        "contract_billing": "annual",
        "contract_auto_renew": "true",
        "contract_notice_days": "60",
    }
    assert values["hs_recurring_billing_period"] == "P12M"
    assert item["associations"]["deals"]["results"][0]["type"] == "line_item_to_deal"


def test_a_won_deal_is_closed_and_primary_to_its_company(loaded: Any) -> None:
    """Stage, times and both association types of the deal."""
    deal = record(loaded, "deal:d1")
    assert deal["properties"]["dealstage"] == "closedwon"
    assert deal["properties"]["dealtype"] == "newbusiness"
    assert deal["updatedAt"] == "2023-03-01T00:00:00Z"
    types = [row["type"] for row in deal["associations"]["companies"]["results"]]
    assert types == ["deal_to_company", "deal_to_company_unlabeled"]


def test_tickets_and_survey_answers_are_there(loaded: Any) -> None:
    """A closed urgent ticket, and a detractor whose record the API will not change."""
    ticket = record(loaded, "ticket:t1")["properties"]
    assert (ticket["hs_pipeline_stage"], ticket["hs_ticket_priority"]) == ("4", "URGENT")
    assert (ticket["closed_date"], ticket["support_escalated"]) == ("2023-04-02T09:30:00Z", "true")
    survey = record(loaded, "survey:s1")
    assert survey["properties"]["hs_response_group"] == "DETRACTOR"
    path = f"/crm/objects/2026-09/feedback_submissions/{survey['id']}"
    assert loaded.call("PATCH", path, {"properties": {"hs_value": "9"}}).status_code == 400


def test_loaded_records_are_searchable_at_once(loaded: Any) -> None:
    """The index lag is for writes; what was loaded has always been there."""
    filters = [{"propertyName": "customer_ref", "operator": "EQ", "value": "acme"}]
    body = {"filterGroups": [{"filters": filters}]}
    assert loaded.call("POST", "/crm/objects/2026-09/companies/search", body).json()["total"] == 1


def test_contracts_on_the_deal_make_no_line_items(hubspot_with: Any, tmp_path: Path) -> None:
    """With the deal as home the contract's fields are the deal's, and the line's key finds the deal."""
    folder = tmp_path / "portfolio"
    write(folder, "deal")
    portal = hubspot_with()
    loaded = portal.control("POST", "/load", {"dir": str(folder)})["loaded"]
    assert "line_items" not in loaded
    deal = record(portal, "line:l1")
    assert (deal["properties"]["dealname"], deal["properties"]["contract_ref"]) == ("Acme new", "l1")
