"""What a charter may have read of an org besides accounts, deals and lines: products, answers, tasks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mappings.bindings import TicketReads
from mappings.charter import Charter
from mappings.further_reads import ProductReads, SurveyReads
from mappings.load import load_charter
from sync.facts import Moment, assemble
from sync.state.engine import reading
from tests.sync.harness import CHARTER, SALESFORCE, Deployment, Office
from tests.sync.portfolios import PRODUCT, three_customers

OPEN = Callable[..., Office]
SURVEY = {
    "object": "Survey_Response__c",
    "parent": "Account",
    "fields": {"kind": "Kind__c", "score": "Score__c", "answered_at": "Responded_At__c"},
}
TASKS = {
    "object": "Task",
    "parent": "Account",
    "fields": {
        "priority": {"field": "Priority", "map": {"High": "high", "Normal": "medium", "Low": "low"}},
        "opened_at": "CreatedDate",
        "closed_at": "LastModifiedDate",
        "stage": "Status",
    },
    "closed_stages": ["Completed"],
}


def charter(**further: Any) -> Charter:
    """Return the default charter, reading more of Salesforce, or other things."""
    found = load_charter(CHARTER, SALESFORCE)
    crm = found.crm_for(SALESFORCE)
    read = crm.model_copy(update={"reads": crm.reads.model_copy(update=further), "webhooks": {}})
    return found.model_copy(update={"crm": found.crm.model_copy(update={"salesforce": read})})


def named_by(name: str) -> ProductReads:
    """Return how products are named, by an object."""
    return ProductReads.model_validate({"object": name, "fields": {"name": "Name", "sku": "ProductCode"}})


def loaded(deployed: Deployment, office: OPEN, **further: Any) -> Office:
    """Return an org read by such a charter."""
    book = three_customers().answered("acorn", "s1", "nps", 9, "2025-01-01T10:00:00Z")
    there = office(deployed, SALESFORCE, book).connect(charter(**further)).install()
    acorn = there.sandbox.lookup("account:acorn")
    for status in ("Not Started", "Completed"):
        there.sandbox.edit("Task", None, {"Subject": status, "WhatId": acorn, "Status": status})
    there.sandbox.edit("Task", None, {"Subject": "nobody's", "Status": "Not Started"})
    there.load()
    return there


def facts_of(there: Office, ref: str) -> Any:
    """Return an account's facts on this day, none of its records contradicting the charter."""
    account = there.sandbox.lookup(f"account:{ref}")
    with reading(there.engine) as conn:
        found = assemble(conn, there.ws, [account], Moment(there.ws.day_of(there.ws.now())))
    assert found.contradictions == []
    return found.facts[account]


def test_prices_and_answers_are_read(lite: Deployment, office: OPEN) -> None:
    """A line's product has the name of its price book entry; the answer hangs under its account."""
    there = loaded(
        lite, office, product=named_by("PricebookEntry"), survey=SurveyReads.model_validate(SURVEY)
    )
    facts = facts_of(there, "acorn")
    assert facts.product_names[PRODUCT] == "Core"
    assert [(one.kind, one.score) for one in facts.answers] == [("nps", 9)]


def test_tasks_of_the_account_may_be_its_tickets(lite: Deployment, office: OPEN) -> None:
    """One is open, one closed; a task about nothing is nobody's, and one about a deal is the deal's."""
    tasks = TicketReads.model_validate(TASKS)
    there = loaded(lite, office, ticket=tasks, product=named_by("Product2"))
    tickets = facts_of(there, "acorn").tickets
    assert facts_of(there, "acorn").product_names[PRODUCT] == "Core"
    assert sorted(one.closed_at is None for one in tickets) == [False, True]
    assert facts_of(there, "birch").tickets == ()
