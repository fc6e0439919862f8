"""A renewal that a quoting package opened is taken as it is, and no second one is made."""

from __future__ import annotations

from collections.abc import Callable

from mappings.quoting import renewal_mark
from tests.sync.harness import SALESFORCE, Deployment, Office
from tests.sync.portfolios import three_customers

OPEN = Callable[..., Office]


def with_package(deployed: Deployment, office: OPEN) -> tuple[Office, str]:
    """Return an org with CPQ that opened a renewal of Acorn's contract, and the opportunity's id."""
    there = office(deployed, SALESFORCE, three_customers())
    there.sandbox.post("cpq", {})
    there.install()
    acorn = there.sandbox.lookup("account:acorn")
    signed = {"AccountId": acorn, "StartDate": "2024-03-01", "ContractTerm": 12}
    contract = there.sandbox.edit("Contract", None, signed)
    there.sandbox.edit("Contract", contract, {"Status": "Activated"})
    values = {"Name": "Renewal of Acorn", "AccountId": acorn, "StageName": "Prospecting"}
    values |= {"CloseDate": "2025-02-28", "SBQQ__RenewedContract__c": contract}
    return there, there.sandbox.edit("Opportunity", None, {**values, "SBQQ__Renewal__c": True})


def test_the_loop_adopts_what_the_package_opened(lite: Deployment, office: OPEN) -> None:
    """The charter's own field says nothing of a renewal; the package's mark does."""
    there, theirs = with_package(lite, office)
    there.sandbox.edit("Opportunity", theirs, {"Deal_Kind__c": "new"})
    there.load()
    there.go_live().settle()
    assert there.written("Opportunity") == {}
    assert there.row("CS_Profile__c", f"profile:{there.sandbox.lookup('account:acorn').lower()}").record_id
    lite.later(days=1)
    there.poll()
    there.look_at_all()
    there.settle()
    assert there.written("Opportunity") == {}


def test_without_the_mark_the_same_deal_is_nobodys_renewal(lite: Deployment, office: OPEN) -> None:
    """A person's deal of another kind, near the day: ours is opened beside it."""
    there, theirs = with_package(lite, office)
    there.sandbox.edit("Opportunity", theirs, {"SBQQ__RenewedContract__c": None, "Deal_Kind__c": "new"})
    there.load()
    there.go_live().settle()
    assert list(there.written("Opportunity")) == ["renewal:l-a1:1"]


def test_a_package_taken_away_does_not_stop_the_reading(lite: Deployment, office: OPEN) -> None:
    """The org refuses the field: the poll goes on without it, and asks for it no more."""
    there, theirs = with_package(lite, office)
    there.load()
    there.go_live().settle()
    lite.later(minutes=10)
    there.poll()
    there.sandbox.post("cpq", {"remove": True})
    lite.later(minutes=10)
    there.sandbox.edit("Opportunity", theirs, {"Name": "Another name"})
    assert there.poll().changed == 1
    mark = there.sandbox.mark()
    there.poll()
    assert [one for one in there.sandbox.requests(mark) if one["status"] >= 400] == []


def test_an_org_without_the_package_is_not_asked_for_its_fields() -> None:
    """The mark is read only where the install saw it, and only in Salesforce."""
    mark = "SBQQ__RenewedContract__c"
    assert renewal_mark("salesforce", {"Name", mark}) == mark
    assert renewal_mark("salesforce", {"Name"}) is None
    assert renewal_mark("hubspot", {mark}) is None
