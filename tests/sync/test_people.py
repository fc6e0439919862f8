"""People work on our records too: what is ours is kept true once, what is theirs stays theirs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sync.state import ledger
from sync.state.engine import writing
from sync.state.ledger import WriteState
from tests.sync.harness import HUBSPOT, SALESFORCE, Deployment, Office
from tests.sync.portfolios import three_customers

OPEN = Callable[..., Office]
VENDORS = pytest.mark.parametrize("vendor", [HUBSPOT, SALESFORCE])
RENEWAL = "renewal:l-a1:1"
DEALS = {HUBSPOT: "deals", SALESFORCE: "Opportunity"}
DUE_ON = {HUBSPOT: "cs_due_on", SALESFORCE: "CS_Due_On__c"}


def live(deployed: Deployment, office: OPEN, vendor: str) -> Office:
    """Return an installation after its first run."""
    there = office(deployed, vendor, three_customers()).install()
    there.load()
    there.go_live().settle()
    return there


def renewal(there: Office) -> dict[str, Any]:
    """Return our renewal as it stands in the CRM."""
    return there.written(DEALS[there.sandbox.vendor])[RENEWAL]


def record_id(record: dict[str, Any]) -> str:
    """Return the CRM's id of a record."""
    whole = record["_record"]
    return str(whole["id"] if "id" in whole else whole["Id"])


def person_sets(there: Office, values: dict[str, Any]) -> None:
    """Have a person change our renewal, and let the next poll and push find it."""
    deployed = there.deployment
    deployed.later(minutes=10)
    there.sandbox.edit(DEALS[there.sandbox.vendor], record_id(renewal(there)), values)
    deployed.later(minutes=1)
    there.poll()
    there.settle()


@VENDORS
def test_a_field_of_ours_is_rewritten_once_and_then_left_to_people(
    both: Deployment, office: OPEN, vendor: str
) -> None:
    """The first change is put right, the second within a day is shown as blocked and left alone."""
    there, field = live(both, office, vendor), DUE_ON[vendor]
    person_sets(there, {field: "2025-04-01"})
    assert renewal(there)[field] == "2025-03-01"
    assert there.blocked() == []

    person_sets(there, {field: "2025-05-01"})
    assert renewal(there)[field] == "2025-05-01"
    (row,) = there.blocked()
    assert (row.key, row.error_code) == (RENEWAL, "CHANGED_BY_OTHERS")
    assert row.error_message is not None
    assert row.error_message.startswith(f"{field} was set to '2025-05-01' by ")
    assert row.error_message.endswith("twice within a day; we want '2025-03-01'")

    mark = there.sandbox.mark()
    there.look_at_all()
    there.look()
    there.push()
    assert there.sandbox.requests(mark) == []


def test_a_change_two_days_after_the_rewrite_is_rewritten_again(lite: Deployment, office: OPEN) -> None:
    """Only insisting within a day blocks: a change made two days later is put right as the first was."""
    there = live(lite, office, SALESFORCE)
    person_sets(there, {"CS_Due_On__c": "2025-04-01"})
    lite.later(days=2)
    there.poll()
    there.settle()
    person_sets(there, {"CS_Due_On__c": "2025-05-01"})
    assert renewal(there)["CS_Due_On__c"] == "2025-03-01"
    assert there.blocked() == []


SEEDS: dict[str, dict[str, Any]] = {
    HUBSPOT: {"amount": "14000", "dealstage": "contractsent", "dealname": "Acorn renews"},
    SALESFORCE: {"Amount": 14000.0, "StageName": "Negotiation/Review", "Name": "Acorn renews"},
}
LINES: dict[str, tuple[str, dict[str, Any]]] = {
    HUBSPOT: ("line_items", {"contract_arr": "20000"}),
    SALESFORCE: ("OpportunityLineItem", {"Contract_ARR__c": 20000}),
}


@VENDORS
def test_what_a_person_made_of_the_deal_stays(lite: Deployment, office: OPEN, vendor: str) -> None:
    """Amount, stage and name are theirs; the contract's new sum is told in our own field beside them."""
    there = live(lite, office, vendor)
    person_sets(there, SEEDS[vendor])
    line_object, raised = LINES[vendor]
    there.sandbox.edit(line_object, there.sandbox.lookup("line:l-a1"), raised)
    lite.later(minutes=10)
    there.poll()
    there.settle()
    lite.later(days=1)
    there.look_at_all()
    there.settle()
    found = renewal(there)
    assert {name: found[name] for name in SEEDS[vendor]} == SEEDS[vendor]
    reason = found["cs_reason" if vendor == HUBSPOT else "CS_Reason__c"]
    assert reason == "2 lines worth USD 23,000.00 a year come due on 2025-03-01 (term 1)."


@VENDORS
def test_a_deleted_renewal_is_a_decision(both: Deployment, office: OPEN, vendor: str) -> None:
    """The row is buried, and no look of the following days makes the deal again."""
    there = live(both, office, vendor)
    deal_id = record_id(renewal(there))
    both.later(minutes=10)
    there.sandbox.edit(DEALS[vendor], deal_id, {}, delete=True)
    if vendor == HUBSPOT:  # its search never tells of deletions, its webhooks do
        there.tell("deal.deletion", deal_id)
    else:
        both.later(minutes=1)
        there.poll()
    there.settle()
    assert there.row(DEALS[vendor], RENEWAL).state is WriteState.TOMBSTONE
    for _ in range(3):
        both.later(days=1)
        there.look_at_all()
        there.settle()
    assert there.written(DEALS[vendor]) == {}


WORDS = "Say in the next step who decides before a renewal is opened"


def forbid(there: Office) -> None:
    """Have the customer's own rule refuse Acorn's renewal without a next step."""
    if there.sandbox.vendor == HUBSPOT:
        only = {"property": "dealname", "values": ["Acorn: renewal 2025-03-01"]}
        rule = {"object": "deals", "when": only, "required": ["hs_next_step"]}
        there.sandbox.post("portal", {"write_rules": [rule]})
        return
    rule = {"object": "Opportunity", "when": {"Name": "Acorn: renewal 2025-03-01"}, "message": WORDS}
    there.sandbox.post("validation_rules", {"rules": [{**rule, "field_required": "NextStep"}]})


def allow(there: Office) -> None:
    """Have the customer lift the rule."""
    if there.sandbox.vendor == HUBSPOT:
        there.sandbox.post("portal", {"write_rules": []})
    else:
        there.sandbox.post("validation_rules", {"rules": []})


@pytest.mark.parametrize(
    ("vendor", "code", "words"),
    [
        (HUBSPOT, "MISSING_CONDITIONAL_REQUIRED_PROPERTY", "Required properties are missing"),
        (SALESFORCE, "FIELD_CUSTOM_VALIDATION_EXCEPTION", WORDS),
    ],
)
def test_the_customers_own_rule_refuses_one_deal(
    both: Deployment, office: OPEN, vendor: str, code: str, words: str
) -> None:
    """The refused deal is shown in the CRM's words, the others are written, and nobody tries again."""
    book = three_customers().account("fir", "Fir").sold("fir", "f1", "2024-03-10", "2025-03-10", "700")
    there = office(both, vendor, book).install()
    there.load()
    forbid(there)
    there.go_live().settle()
    assert sorted(there.written(DEALS[vendor])) == ["renewal:l-f1:1"]
    (row,) = there.blocked()
    assert row.key == RENEWAL
    assert row.error_code == code
    assert words in str(row.error_message)
    assert there.states()[DEALS[vendor], WriteState.ACKNOWLEDGED] == 1
    assert len(there.written(there.own("profile"))) == 4

    mark = there.sandbox.mark()
    both.later(hours=3)
    there.look_at_all()
    there.look()
    there.push()
    assert [one for one in there.sandbox.requests(mark) if one["object"] in ("deals", "Opportunity")] == []

    allow(there)
    with writing(there.engine) as conn:
        assert ledger.reopen(conn, there.id, DEALS[vendor], [RENEWAL]) == 1
    there.push()
    assert sorted(there.written(DEALS[vendor])) == [RENEWAL, "renewal:l-f1:1"]
    assert there.blocked() == []
