"""Renewals that begin with their lines in Salesforce: one graph, nothing doubled, nothing half.

As of 15 January 2025 Acorn has two lines that end on 1 March: 10 seats for USD 12,000 and 5 for 3,000 a
year, twelve months each, of the product Core.
"""

from __future__ import annotations

from typing import Any

import pytest

from mappings.charter import Charter
from mappings.load import load_charter
from sync.mended import retry_blocked
from sync.state.ledger import WriteState
from tests.sync.harness import CHARTER, SALESFORCE, Office
from tests.sync.portfolios import Book, three_customers

DEALS, LINES, PRICES = "Opportunity", "OpportunityLineItem", "PricebookEntry"


def charter_with_lines() -> Charter:
    """Return the default charter whose renewals begin with their lines."""
    body = load_charter(CHARTER, SALESFORCE).model_dump(mode="json", by_alias=True)
    crm = body["crm"]["salesforce"]
    crm["reads"]["contract_line"]["fields"]["price_id"] = {"field": "PricebookEntryId"}
    crm["writes"]["renewal"]["lines"] = True
    return Charter.model_validate(body)


@pytest.fixture
def looked_at(lite, office):
    """Give a function that opens an org on a book and looks at everybody; nothing is written yet."""

    def opened(book: Book | None = None) -> Office:
        found = office(lite, SALESFORCE, book or three_customers())
        found.connect(charter_with_lines()).install()
        found.load()
        found.go_live()
        found.look()
        return found

    return opened


def lines(there: Office) -> dict[str, dict[str, Any]]:
    """Return our lines in the org by key."""
    return there.written(LINES)


def renewal(there: Office) -> dict[str, Any]:
    """Return the one renewal in the org."""
    ((_, found),) = there.written(DEALS).items()
    return found


def graphs(there: Office, mark: int) -> int:
    """Return how many graph calls were made since a place in the log."""
    return sum(one["path"].endswith("/composite/graph") for one in there.sandbox.requests(mark))


def test_a_renewal_and_its_lines_are_one_graph(looked_at):
    """Product, quantity, price and dates are those of the lines that end; the amount is their sum."""
    there = looked_at()
    mark = there.sandbox.mark()
    there.push()
    assert graphs(there, mark) == 1
    deal = renewal(there)
    assert (deal["Amount"], deal["HasOpportunityLineItem"]) == (15000, True)
    shown = ["Quantity", "TotalPrice", "ServiceDate"]
    shown += ["Contract_Start__c", "Contract_End__c", "Contract_ARR__c"]
    assert sorted(tuple(one[name] for name in shown) for one in lines(there).values()) == [
        (5, 3000, "2025-03-01", "2025-03-01", "2026-03-01", 3000),
        (10, 12000, "2025-03-01", "2025-03-01", "2026-03-01", 12000),
    ]
    assert {one["OpportunityId"] for one in lines(there).values()} == {deal["Id"]}
    assert {one["Contract_Product__c"] for one in lines(there).values()} == {"core"}
    assert set(lines(there)) == {f"{deal['CS_Key__c']}:line:{n}" for n in (1, 2)}
    assert set(there.states()) == {(name, WriteState.ACKNOWLEDGED) for name, _ in there.states()}


def test_a_written_renewal_costs_no_more_calls(looked_at):
    """Lines are people's from then on: a changed quantity stays, and the next day wants nothing."""
    there = looked_at()
    there.push()
    line = next(iter(lines(there).values()))
    there.deployment.later(minutes=10)
    there.sandbox.edit(LINES, line["Id"], {"Quantity": 7})
    there.poll()
    mark = there.sandbox.mark()
    there.look_at_all()
    there.settle()
    assert there.sandbox.requests(mark) == []
    assert next(one for one in lines(there).values() if one["Id"] == line["Id"])["Quantity"] == 7


def test_a_graph_whose_answer_was_lost_stands_once(looked_at, one_try):
    """It is looked for by its keys before anything is sent again."""
    there = looked_at()
    there.sandbox.fault("drop_response", "/composite/graph")
    with pytest.raises(Exception, match="onnection"):
        there.push()
    there.deployment.later(minutes=10)
    mark = there.sandbox.mark()
    there.push()
    assert graphs(there, mark) == 0
    assert (len(there.written(DEALS)), len(lines(there)), renewal(there)["Amount"]) == (1, 2, 15000)
    assert set(there.states()) == {(name, WriteState.ACKNOWLEDGED) for name, _ in there.states()}


def test_a_graph_that_comes_again_at_once_is_told_from_a_refusal(looked_at):
    """The transport repeats the call; a line that stands cannot be moved, which says that it was made."""
    there = looked_at()
    there.ws.port._transport.sleep = lambda _seconds: None
    there.sandbox.fault("drop_response", "/composite/graph")
    mark = there.sandbox.mark()
    assert there.push().put_off == 3
    assert graphs(there, mark) == 2
    there.deployment.later(seconds=30)
    there.push()
    assert graphs(there, mark) == 2
    assert (len(there.written(DEALS)), len(lines(there)), renewal(there)["Amount"]) == (1, 2, 15000)
    assert set(there.states()) == {(name, WriteState.ACKNOWLEDGED) for name, _ in there.states()}


def test_a_deal_that_meets_a_lock_is_made_when_it_is_free(looked_at):
    """The whole is sent again after a random pause, three times more; then it is put off."""
    there = looked_at()
    there.ws.port._transport.sleep = lambda _seconds: None
    there.sandbox.post("locks", {"records": [there.sandbox.lookup("account:acorn")]})
    mark = there.sandbox.mark()
    there.push()
    assert graphs(there, mark) == 4
    assert there.written(DEALS) == {}
    there.sandbox.delete("locks")
    there.deployment.later(minutes=10)
    there.push()
    assert len(lines(there)) == 2


def test_a_line_the_org_refuses_leaves_the_deal_alone_with_its_amount(looked_at):
    """Not half of what is sold: the renewal stands with its own amount, both lines say why they do not."""
    there = looked_at()
    rule = {"object": LINES, "field": "Quantity", "equals": 5, "message": "No fives"}
    there.sandbox.post("validation_rules", rule)
    there.push()
    assert (renewal(there)["Amount"], renewal(there)["HasOpportunityLineItem"]) == (15000, False)
    assert lines(there) == {}
    assert sorted(row.error_message for row in there.blocked()) == [
        "No fives",
        "another line of the deal was refused: No fives",
    ]


def test_a_product_without_a_price_is_an_item_to_mend_and_the_lines_follow(looked_at):
    """The words say which price is missing where; once it is there and the rows are freed, they are made."""
    there = looked_at()
    price = next(one for one in there.sandbox.records(PRICES) if one["CurrencyIsoCode"] == "USD")
    there.sandbox.edit(PRICES, price["Id"], {"IsActive": False})
    there.push()
    assert (renewal(there)["Amount"], lines(there)) == (15000, {})
    words = "Core has no active price in USD in Standard Price Book; add one there (PricebookEntryId)"
    assert [row.error_message for row in there.blocked()] == [words, words]
    there.sandbox.edit(PRICES, price["Id"], {"IsActive": True})
    retry_blocked(there.ws)
    there.push()
    assert [one["Quantity"] for one in sorted(lines(there).values(), key=lambda one: one["Quantity"])] == [
        5,
        10,
    ]
    assert renewal(there)["Amount"] == 15000


def test_a_line_is_sold_at_the_price_of_the_deals_currency(looked_at):
    """A contract in euro renews in the reporting currency, so its line takes that currency's price."""
    book = Book().account("cedar", "Cedar", currency="EUR")
    book.sold("cedar", "c1", "2024-03-01", "2025-03-01", "1000", seats=5, currency="EUR")
    there = looked_at(book)
    there.push()
    prices = {one["Id"]: one["CurrencyIsoCode"] for one in there.sandbox.records(PRICES)}
    (line,) = lines(there).values()
    assert renewal(there)["CurrencyIsoCode"] == prices[line["PricebookEntryId"]] == "USD"
    assert (line["TotalPrice"], renewal(there)["Amount"]) == (1080, 1080)


def test_a_deal_the_org_refuses_keeps_its_lines_waiting(looked_at):
    """Only the deal is blocked; wanted anew, it is made with its lines, however long those have waited."""
    there = looked_at()
    rule = {"object": DEALS, "field": "StageName", "equals": "Qualification", "message": "Not yet"}
    there.sandbox.post("validation_rules", {**rule, "always": True})
    there.push()
    assert [(row.object, row.error_message) for row in there.blocked()] == [(DEALS, "Not yet")]
    for _ in range(8):
        there.deployment.later(minutes=1)
        there.push()
    there.sandbox.delete("validation_rules")
    there.sandbox.edit(LINES, there.sandbox.lookup("line:l-a1"), {"Contract_ARR__c": 20000})
    there.poll()
    there.look()
    mark = there.sandbox.mark()
    there.push()
    assert graphs(there, mark) == 1
    assert len(lines(there)) == 2
