"""Contact roles copied between opportunities: what is asked, what is sent, what is never repeated."""

from __future__ import annotations

import pytest

from integration.port import FieldSpec, FieldType, Refusal, Unavailable, WriteRow
from integration.salesforce.roles import Role, find_roles
from integration.wholes import RolesWanted, Whole
from tests.integration.salesforce_wire import RESET, page, rig
from tests.integration.test_salesforce_write import take_collection

KEY = "CS_Key__c"
PEOPLE = [{"Id": "003A"}, {"Id": "003B"}]


def row(number, deal, contact, name=None, *, primary=False):
    """Return a role as a query answers it."""
    return {
        "Id": f"00K{number:03}",
        "OpportunityId": deal,
        "ContactId": contact,
        "Role": name,
        "IsPrimary": primary,
    }


def roles_of(setup, *wanted):
    """Return what the roles of lists of deals are."""
    return find_roles(setup.port._transport, wanted)


def test_the_first_deal_leads_and_one_contact_is_primary():
    """Both deals name A as user, and each a primary contact of its own; D was deleted."""
    held = [row(1, "006X", "003A", "User"), row(2, "006X", "003B", primary=True)]
    held += [row(3, "006Y", "003A", "User", primary=True), row(4, "006Y", "003D", "User")]
    setup = rig(page(held), page(PEOPLE))
    first, last, none = roles_of(setup, ("006Y", "006X"), ("006X",), ())
    assert first == (Role("003A", "User", True), Role("003B", None, False))
    assert last == (Role("003A", "User", False), Role("003B", None, True))
    assert none == ()
    asked = [sent.soql for sent in setup.org.sent]
    assert "OpportunityId IN ('006X','006Y')" in asked[0]
    assert "FROM Contact WHERE Id IN ('003A','003B','003D')" in asked[1]


def test_more_roles_than_a_page_are_read_on_by_id():
    """From the last one on."""
    setup = rig(page([row(1, "006X", "003A")], done=False), page([row(2, "006X", "003B")]), page(PEOPLE))
    assert len(roles_of(setup, ("006X",))[0]) == 2
    assert "AND Id > '00K001'" in setup.org.sent[1].soql


def test_no_deal_to_continue_asks_nothing():
    """Deals without lines that were sold by deals."""
    assert roles_of(rig(), (), ()) == [(), ()]


def test_roles_that_may_not_be_read_are_refused_in_the_orgs_words():
    """Only those who want some are told."""
    words = [{"errorCode": "INVALID_TYPE", "message": "sObject type 'Contact' is not supported"}]
    told, none = roles_of(rig(page([row(1, "006X", "003A")]), (400, words)), ("006X",), ())
    assert (told.refusal, told.message, none) == (Refusal.PERMISSION, words[0]["message"], ())


def test_roles_under_a_deal_that_stands_are_sent_once():
    """No answer came: nobody knows whether they stand, so the caller has to look before more is sent."""
    setup = rig(page([]), page([row(1, "006X", "003A")]), page(PEOPLE), RESET)
    with pytest.raises(Unavailable):
        setup.port.copy_roles("Opportunity", [RolesWanted("006N", ("006X",))])
    assert (len(setup.org.sent), setup.slept) == (4, [])


def test_more_roles_than_a_graph_takes_are_an_item_to_mend():
    """A graph takes 500 nodes."""
    setup = rig(page([]), page([row(n, "006X", "003A", f"R{n}") for n in range(501)]), page(PEOPLE))
    (error,) = setup.port.copy_roles("Opportunity", [RolesWanted("006N", ("006X",))])
    assert (error.refusal, error.code) == (Refusal.FIXABLE, "TOO_MANY_ROLES")


def test_a_deal_made_without_its_lines_has_its_roles_follow():
    """Its line has no price: the deal is written by its key alone, and its roles are not forgotten."""
    setup = rig(page([row(1, "006X", "003A")]), page(PEOPLE), take_collection)
    setup.port.learn_fields("Opportunity", [FieldSpec(KEY, "Key", FieldType.TEXT)])
    line = WriteRow("renewal:a:line:1", {"PricebookEntryId": None})
    whole = Whole(WriteRow("renewal:a", {}), (line,), ("006X",))
    (result,) = setup.port.upsert_wholes("Opportunity", "OpportunityLineItem", KEY, [whole])
    assert (result.row.error, result.parts[0].error.refusal) == (None, Refusal.FIXABLE)
    assert (result.roles_error.refusal, result.roles_error.code) == (Refusal.BUSY, "ROLES_FOLLOW")
