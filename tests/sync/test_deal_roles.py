"""Renewals that begin with the contact roles of the deal they continue: copied once, never doubled.

As of 15 January 2025 Acorn has two lines that end on 1 March, sold by the deals a1 and a2 on one day. Ada
decides on a1 and is its primary contact; Bo influences it. Ada evaluates a2, whose primary contact is Cy.
"""

from __future__ import annotations

from typing import Any

import pytest

from mappings.charter import Charter
from mappings.load import load_charter
from sync.state import ledger
from sync.state.engine import writing
from sync.state.ledger import WriteState
from tests.sync.harness import CHARTER, SALESFORCE, Office
from tests.sync.portfolios import three_customers

DEALS, ROLES, PEOPLE = "Opportunity", "OpportunityContactRole", "Contact"
COPIED = [("Ada", "Decision Maker", False), ("Ada", "Evaluator", False), ("Bo", "Influencer", False)]
COPIED += [("Cy", "Technical Buyer", True)]
"""The latest deal leads: of two booked on one day, that of the later line."""


def charter_with_roles(*, lines: bool = False) -> Charter:
    """Return the default charter whose renewals begin with contact roles, and with lines if so."""
    body = load_charter(CHARTER, SALESFORCE).model_dump(mode="json", by_alias=True)
    crm = body["crm"]["salesforce"]
    crm["reads"]["contract_line"]["fields"]["price_id"] = {"field": "PricebookEntryId"}
    crm["writes"]["renewal"] |= {"contact_roles": True, "lines": lines}
    return Charter.model_validate(body)


def played(there: Office, deal: str, person: str, role: str | None, *, primary: bool = False) -> str:
    """Have a person play a role on a deal."""
    values = {"OpportunityId": deal, "ContactId": person, "Role": role, "IsPrimary": primary}
    return there.sandbox.edit(ROLES, None, values)


@pytest.fixture
def looked_at(lite, office):
    """Give a function that opens an org on a charter and looks at everybody; nothing is written yet."""

    def opened(charter: Charter | None = None) -> Office:
        there = office(lite, SALESFORCE, three_customers())
        there.connect(charter or charter_with_roles()).install()
        account = there.sandbox.lookup("account:acorn")
        first, second = (there.sandbox.lookup(f"deal:d-a{n}") for n in (1, 2))
        ada, bo, cy = (
            there.sandbox.edit(PEOPLE, None, {"LastName": name, "AccountId": account})
            for name in ("Ada", "Bo", "Cy")
        )
        played(there, first, ada, "Decision Maker", primary=True)
        played(there, first, bo, "Influencer")
        played(there, second, ada, "Evaluator")
        played(there, second, cy, "Technical Buyer", primary=True)
        there.load()
        there.go_live()
        there.look()
        return there

    return opened


def renewal(there: Office) -> dict[str, Any]:
    """Return the one renewal in the org."""
    ((_, found),) = there.written(DEALS).items()
    return found


def roles(there: Office) -> list[tuple[str, str, bool]]:
    """Return who plays which role on the renewal, and who is primary."""
    names = {one["Id"]: one["LastName"] for one in there.sandbox.records(PEOPLE)}
    deal = renewal(there)["Id"]
    return sorted(
        (names[one["ContactId"]], one["Role"], one["IsPrimary"])
        for one in there.sandbox.records(ROLES)
        if one["OpportunityId"] == deal
    )


def person(there: Office, name: str) -> str:
    """Return a contact's id."""
    return next(one["Id"] for one in there.sandbox.records(PEOPLE) if one["LastName"] == name)


def role_id(there: Office, name: str) -> str:
    """Return the last role a person was given on the renewal."""
    wanted = renewal(there)["Id"], person(there, name)
    found = there.sandbox.records(ROLES)
    return next(one["Id"] for one in found if (one["OpportunityId"], one["ContactId"]) == wanted)


def free_blocked(there: Office) -> None:
    """Have the blocked rows tried again, as after an admin has mended what they say."""
    rows = there.blocked()
    with writing(there.engine) as conn:
        for row in rows:
            ledger.reopen(conn, there.id, row.object, [row.key])


def write_again(there: Office) -> str:
    """Have the renewal's roles compared anew, as after a merge of accounts; return the key of their row."""
    key = f"{renewal(there)['CS_Key__c']}:roles"
    with writing(there.engine) as conn:
        assert ledger.reopen(conn, there.id, ROLES, [key]) == 1
    return key


def calls(there: Office, mark: int, path: str) -> int:
    """Return how many calls were made to a path since a place in the log."""
    return sum(path in one["path"] for one in there.sandbox.requests(mark))


def all_acknowledged(there: Office) -> bool:
    """Say whether the CRM has taken everything."""
    return {state for _, state in there.states()} == {WriteState.ACKNOWLEDGED}


def test_a_renewal_begins_with_the_roles_of_the_deals_it_continues_and_people_change_them(looked_at):
    """Two questions and one graph; what people change or take off stays, also when the row comes again."""
    there = looked_at()
    mark = there.sandbox.mark()
    there.push()
    assert roles(there) == COPIED
    assert (calls(there, mark, "/composite/graph"), calls(there, mark, "/query")) == (1, 2)
    assert all_acknowledged(there)
    there.deployment.later(minutes=10)
    there.sandbox.edit(ROLES, role_id(there, "Bo"), {"Role": "Other"})
    there.sandbox.edit(ROLES, role_id(there, "Cy"), {}, delete=True)
    there.poll()
    mark = there.sandbox.mark()
    there.look_at_all()
    there.settle()
    assert there.sandbox.requests(mark) == []
    assert roles(there) == [*COPIED[:2], ("Bo", "Other", False)]
    for name in ("Ada", "Ada", "Bo"):
        there.sandbox.edit(ROLES, role_id(there, name), {}, delete=True)
    write_again(there)
    mark = there.sandbox.mark()
    assert there.push().standing == 1
    assert (there.sandbox.requests(mark), roles(there)) == ([], [])


def test_lines_and_roles_whose_answer_was_lost_stand_once(looked_at, one_try):
    """One graph made the deal, its lines of 12,000 and 3,000 and its roles; it is looked for by its key."""
    there = looked_at(charter_with_roles(lines=True))
    there.sandbox.fault("drop_response", "/composite/graph")
    mark = there.sandbox.mark()
    with pytest.raises(Exception, match="onnection"):
        there.push()
    there.deployment.later(minutes=10)
    there.push()
    assert calls(there, mark, "/composite/graph") == 1
    assert (renewal(there)["Amount"], len(there.written("OpportunityLineItem"))) == (15000, 2)
    assert roles(there) == COPIED
    assert all_acknowledged(there)


def test_a_graph_with_roles_that_comes_again_at_once_is_refused(looked_at):
    """The transport repeats the call; the deal's key is taken, so nothing of it is done again."""
    there = looked_at()
    there.ws.port._transport.sleep = lambda _seconds: None
    there.sandbox.fault("drop_response", "/composite/graph")
    mark = there.sandbox.mark()
    assert there.push().put_off == 2
    assert calls(there, mark, "/composite/graph") == 2
    assert roles(there) == COPIED
    there.deployment.later(seconds=30)
    there.push()
    assert calls(there, mark, "/composite/graph") == 2
    assert (len(there.written(DEALS)), roles(there)) == (1, COPIED)
    assert all_acknowledged(there)


def refuse_influencers(there: Office) -> None:
    """Have the org refuse a role."""
    rule = {"object": ROLES, "field": "Role", "equals": "Influencer", "message": "No influencers"}
    there.sandbox.post("validation_rules", {**rule, "always": True})


def test_a_role_the_org_refuses_does_not_stop_the_deal(looked_at):
    """Deal and lines stand; the roles are one item to mend, in the org's words, and follow once it is."""
    there = looked_at(charter_with_roles(lines=True))
    refuse_influencers(there)
    there.push()
    assert (renewal(there)["Amount"], len(there.written("OpportunityLineItem"))) == (15000, 2)
    assert roles(there) == []
    assert [(row.object, row.error_message) for row in there.blocked()] == [(ROLES, "No influencers")]
    there.sandbox.delete("validation_rules")
    free_blocked(there)
    there.push()
    assert roles(there) == COPIED
    assert all_acknowledged(there)


def test_roles_added_later_are_not_doubled_by_a_lost_answer(looked_at):
    """Nothing tells a role from its double: so the deal's are read before any is sent again."""
    there = looked_at()
    there.ws.port._transport.sleep = lambda _seconds: None
    refuse_influencers(there)
    there.push()
    there.sandbox.delete("validation_rules")
    free_blocked(there)
    there.sandbox.fault("drop_response", "/composite/graph")
    with pytest.raises(Exception, match="onnection"):
        there.push()
    there.deployment.later(minutes=10)
    there.push()
    assert roles(there) == COPIED
    assert all_acknowledged(there)


def test_a_deal_on_which_people_have_put_roles_is_left_to_them(looked_at):
    """While ours were refused, somebody added one: that is what stands. With the deal, the row ends."""
    there = looked_at()
    refuse_influencers(there)
    there.push()
    played(there, renewal(there)["Id"], person(there, "Bo"), "Other")
    free_blocked(there)
    there.push()
    assert roles(there) == [("Bo", "Other", False)]
    assert all_acknowledged(there)
    there.deployment.later(minutes=10)
    key = write_again(there)
    there.sandbox.edit(DEALS, renewal(there)["Id"], {}, delete=True)
    there.poll()
    mark = there.sandbox.mark()
    there.push()
    assert there.sandbox.requests(mark) == []
    assert there.row(ROLES, key).state is WriteState.TOMBSTONE


def test_hidden_roles_are_an_item_to_mend_and_a_deleted_contact_is_not_copied(looked_at):
    """The org still names Cy on the earlier deal; once roles are shown, the next primary contact leads."""
    there = looked_at()
    there.sandbox.edit(PEOPLE, person(there, "Cy"), {}, delete=True)
    there.sandbox.post("field_access", {"fields": {f"{ROLES}.IsPrimary": "hidden"}})
    there.push()
    assert roles(there) == []
    ((object_name, words),) = [(row.object, row.error_message) for row in there.blocked()]
    assert object_name == ROLES
    assert "IsPrimary" in (words or "")
    there.sandbox.post("field_access", {"fields": {}})
    free_blocked(there)
    there.push()
    assert roles(there) == [("Ada", "Decision Maker", True), COPIED[1], COPIED[2]]
