"""What Salesforce refuses of an opportunity's products and of contracts (Object Reference, both pages)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.conftest import Sandbox
from tests.sandbox.salesforce_refusals import refuses
from tests.sandbox.salesforce_session import Api

LINE = "/sobjects/OpportunityLineItem"
INTEGRITY = "FIELD_INTEGRITY_EXCEPTION"


@pytest.fixture(scope="module")
def api(salesforce: Sandbox) -> Api:
    """Give a session on the org."""
    return Api(salesforce.url)


@pytest.fixture
def prices(api: Api) -> dict[str, str]:
    """Give prices of one product by what is special about them."""
    product = api.create("Product2", Name="Core", IsActive=True)
    standard = api.rows("SELECT Id FROM Pricebook2 WHERE IsStandard = true")[0]["Id"]
    partners = api.create("Pricebook2", Name="Partners", IsActive=True)
    of = {"Product2Id": product, "UnitPrice": 100, "IsActive": True, "CurrencyIsoCode": "USD"}

    def price(**more: Any) -> str:
        return api.create("PricebookEntry", **{**of, "Pricebook2Id": standard, **more})

    return {
        "standard": price(),
        "partners": price(Pricebook2Id=partners),
        "euro": price(CurrencyIsoCode="EUR"),
        "old": price(IsActive=False),
        "partners book": partners,
    }


def deal(api: Api, price: str) -> tuple[str, str]:
    """Return an opportunity with one line at a price, and the line."""
    account = api.create("Account", Name="Acme")
    opportunity = {"Name": "R", "StageName": "Prospecting", "CloseDate": "2026-01-31", "AccountId": account}
    made = api.create("Opportunity", CurrencyIsoCode="USD", **opportunity)
    return made, api.create("OpportunityLineItem", **line(made, price))


def line(opportunity: str, price: str) -> dict[str, Any]:
    """Return ten of a product for 1,000."""
    return {"OpportunityId": opportunity, "PricebookEntryId": price, "Quantity": 10, "TotalPrice": 1000}


def refused(api: Api, opportunity: str, price: str) -> str:
    """Return the words in which a second line is refused."""
    status, code, words = api.refusal("POST", LINE, line(opportunity, price))
    assert (status, code) == (400, INTEGRITY)
    return words


@refuses("line-other-book")
def test_a_line_is_of_its_opportunitys_price_book(api: Api, prices: dict[str, str]) -> None:
    """The first line decided the book, as the API does where the opportunity has none."""
    opportunity, _ = deal(api, prices["partners"])
    found = api.rows(f"SELECT Pricebook2Id, Amount FROM Opportunity WHERE Id = '{opportunity}'")[0]
    assert found == {"Pricebook2Id": prices["partners book"], "Amount": 1000}
    assert "different pricebook" in refused(api, opportunity, prices["standard"])


@refuses("line-other-currency")
def test_a_line_is_of_its_opportunitys_currency(api: Api, prices: dict[str, str]) -> None:
    """A price in euro is none for an opportunity in dollars."""
    opportunity, _ = deal(api, prices["standard"])
    assert "currency" in refused(api, opportunity, prices["euro"])


@refuses("line-inactive")
def test_a_line_is_sold_at_an_active_price(api: Api, prices: dict[str, str]) -> None:
    """A price that was ended sells nothing new."""
    opportunity, _ = deal(api, prices["standard"])
    assert "inactive" in refused(api, opportunity, prices["old"])


@refuses("line-moved")
def test_a_line_stays_with_its_opportunity_and_price(api: Api, prices: dict[str, str]) -> None:
    """Both are set when it is made, and are named in the refusal."""
    opportunity, made = deal(api, prices["standard"])
    for name, value in (("OpportunityId", opportunity), ("PricebookEntryId", prices["standard"])):
        status, code, words = api.refusal("PATCH", f"{LINE}/{made}", {name: value})
        assert (status, code) == (400, "INVALID_FIELD_FOR_INSERT_UPDATE")
        assert name in words


@refuses("deal-rebooked")
def test_an_opportunity_with_products_keeps_its_price_book(api: Api, prices: dict[str, str]) -> None:
    """Its amount, too, is not taken: it is the sum of its lines, and the call is not refused."""
    opportunity, _ = deal(api, prices["standard"])
    path = f"/sobjects/Opportunity/{opportunity}"
    status, code, _ = api.refusal("PATCH", path, {"Pricebook2Id": prices["partners book"]})
    assert (status, code) == (400, INTEGRITY)
    assert api.call("PATCH", path, {"Amount": 5}).status_code == 204
    assert api.rows(f"SELECT Amount FROM Opportunity WHERE Id = '{opportunity}'") == [{"Amount": 1000}]


@refuses("contract-activated")
def test_a_contract_begins_as_a_draft(api: Api) -> None:
    """Activated later, it ends on the day before its term is over."""
    account = api.create("Account", Name="signs")
    body = {"AccountId": account, "StartDate": "2026-03-01", "ContractTerm": 12}
    refused = api.refusal("POST", "/sobjects/Contract", {**body, "Status": "Activated"})
    assert refused[:2] == (400, "INVALID_STATUS")
    made = api.create("Contract", **body)
    assert api.call("PATCH", f"/sobjects/Contract/{made}", {"Status": "Activated"}).status_code == 204
    assert api.rows(f"SELECT EndDate FROM Contract WHERE Id = '{made}'") == [{"EndDate": "2027-02-28"}]
