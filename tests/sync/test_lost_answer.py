"""A write whose answer was lost is settled by its key: nothing twice, nobody's edit overwritten."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from integration.port import Unavailable
from sync.mended import retry_blocked
from sync.state.ledger import WriteState
from tests.sync.harness import HUBSPOT, SALESFORCE, Deployment, Office
from tests.sync.portfolios import three_customers

OPEN = Callable[..., Office]
RENEWAL = "renewal:l-a1:1"
DEALS = {HUBSPOT: "deals", SALESFORCE: "Opportunity"}
UPSERTS = {HUBSPOT: "/deals/batch/upsert", SALESFORCE: "/Opportunity/CS_Key__c"}
EDIT: dict[str, dict[str, Any]] = {
    HUBSPOT: {"amount": "14000", "dealstage": "contractsent"},
    SALESFORCE: {"Amount": 14000, "StageName": "Negotiation/Review"},
}


def written_without_answer(deployed: Deployment, office: OPEN, vendor: str) -> Office:
    """Return an installation whose renewal stands in the CRM while the ledger does not know it."""
    there = office(deployed, vendor, three_customers()).install()
    there.load()
    there.go_live().look()
    there.sandbox.fault("drop_response", UPSERTS[vendor])
    with pytest.raises(Unavailable):
        there.push()
    row = there.row(DEALS[vendor], RENEWAL)
    assert (row.state, row.record_id) == (WriteState.SENT, None)
    assert list(there.written(DEALS[vendor])) == [RENEWAL]
    return there


@pytest.mark.usefixtures("one_try")
@pytest.mark.parametrize("vendor", [HUBSPOT, SALESFORCE])
def test_the_next_push_finds_the_record_by_its_key(both: Deployment, office: OPEN, vendor: str) -> None:
    """One deal stands afterwards, linked to its account, with what a person changed in between."""
    there = written_without_answer(both, office, vendor)
    deals = DEALS[vendor]
    (deal,) = there.written(deals).values()
    deal_id = str(deal["_record"]["id" if vendor == HUBSPOT else "Id"])
    both.later(minutes=1)
    there.sandbox.edit(deals, deal_id, EDIT[vendor])
    both.later(minutes=10)
    there.push()

    row = there.row(deals, RENEWAL)
    assert (row.state, row.record_id) == (WriteState.ACKNOWLEDGED, deal_id)
    (deal,) = there.written(deals).values()
    assert {name: str(deal[name]).removesuffix(".0") for name in EDIT[vendor]} == {
        name: str(value) for name, value in EDIT[vendor].items()
    }
    acorn = there.sandbox.lookup("account:acorn")
    if vendor == HUBSPOT:
        linked = deal["_record"]["associations"]["companies"]["results"]
        assert {end["id"] for end in linked} == {acorn}
    else:
        assert deal["AccountId"] == acorn
    mark = there.sandbox.mark()
    both.later(days=1)
    there.push()
    assert there.sandbox.requests(mark) == []


@pytest.mark.usefixtures("one_try")
def test_records_of_ours_lost_on_the_way_are_not_doubled(lite: Deployment, office: OPEN) -> None:
    """The profiles' answer is lost and everything behind them waits: all of it stands once in the end."""
    there = office(lite, HUBSPOT, three_customers()).install()
    there.load()
    there.go_live().look()
    there.sandbox.fault("drop_response", "cs_profile/batch/upsert")
    with pytest.raises(Unavailable):
        there.push()
    lite.later(minutes=10)
    there.push()
    counts = {kind: len(there.sandbox.records(there.own(kind))) for kind in ("profile", "plan", "milestone")}
    assert counts == {"profile": 3, "plan": 1, "milestone": 4}
    for profile in there.sandbox.records(there.own("profile")):
        linked = profile["associations"]["companies"]["results"]
        assert len({one["id"] for one in linked}) == 1  # once as it is, and once by its label
        assert len(linked) == len({one["type"] for one in linked})
    assert {state for _, state in there.states()} == {WriteState.ACKNOWLEDGED}


@pytest.mark.usefixtures("one_try")
def test_what_was_found_to_stand_is_known_from_then_on(lite: Deployment, office: OPEN) -> None:
    """A profile whose answer was lost is found whole: the ledger holds all its values, so none goes again."""
    there = office(lite, HUBSPOT, three_customers()).install()
    there.load()
    there.go_live().look()
    there.sandbox.fault("drop_response", "cs_profile/batch/upsert")
    with pytest.raises(Unavailable):
        there.push()
    lite.later(minutes=10)
    there.push()
    acorn = there.sandbox.lookup("account:acorn")
    row = there.row("cs_profile", f"profile:{acorn}")
    assert {name: value or "" for name, value in (row.acknowledged or {}).items()} == {
        name: value or "" for name, value in row.desired.items()
    }


@pytest.mark.usefixtures("one_try")
def test_a_link_that_was_not_made_is_made_by_the_next_push(lite: Deployment, office: OPEN) -> None:
    """The deal is written but its link breaks off: the push after it links the same deal."""
    there = office(lite, HUBSPOT, three_customers()).install()
    there.load()
    there.go_live().look()
    there.sandbox.fault("reset", "/deals/companies/batch/associate")
    there.push()
    (deal,) = there.written("deals").values()
    assert "companies" not in deal["_record"]["associations"]
    lite.later(hours=2)
    there.push()
    (deal,) = there.written("deals").values()
    linked = deal["_record"]["associations"]["companies"]["results"]
    assert [end["id"] for end in linked] == [there.sandbox.lookup("account:acorn")]


@pytest.mark.usefixtures("one_try")
def test_an_object_hubspot_does_not_show_holds_up_no_other(both: Deployment, office: OPEN) -> None:
    """Whether plans stand cannot be asked: renewals are written, and plans once the scope is given again."""
    there = office(both, HUBSPOT, three_customers()).install()
    there.load()
    there.go_live().look()
    plan = there.own("plan")
    there.sandbox.fault("drop_response", f"{plan}/batch/upsert")
    with pytest.raises(Unavailable):
        there.push()
    both.later(minutes=1)
    words = {"status": "error", "category": "MISSING_SCOPES", "message": "A scope is missing."}
    there.sandbox.fault("status", f"{plan}/batch/read", times=9, status=403, body=words)
    done = there.push()
    assert list(there.written("deals")) == [RENEWAL]
    assert done.put_off > 0
    (state,) = {state for name, state in there.states() if name == "cs_plan"}
    assert state is WriteState.SENT
    (row,) = there.blocked()
    assert (row.object, row.error_message) == ("cs_plan", "MISSING_SCOPES: A scope is missing.")
    there.sandbox.heal()
    assert retry_blocked(there.ws) == 1
    there.settle()
    assert there.blocked() == []
    assert {state for _, state in there.states()} == {WriteState.ACKNOWLEDGED}
    assert len(there.written(there.own("milestone"))) == 4
