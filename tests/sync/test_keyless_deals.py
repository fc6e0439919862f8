"""Deals of a portal that has used up its ten unique properties: no deal of ours stands twice there."""

from __future__ import annotations

import pytest
import requests

from integration.port import Unavailable
from sync.onboard import plan_install
from sync.state.ledger import WriteState
from tests.sync.harness import HUBSPOT, Deployment, Office
from tests.sync.portfolios import three_customers
from tests.sync.test_keyless import OPEN, RENEWAL, created

CREATE_DEALS = "/deals/batch/create"
UNIQUE_PROPERTIES = 10


def used_up(deployed: Deployment, office: OPEN) -> Office:
    """Return an installation into a portal whose deals have ten unique properties of the customer's."""
    there = office(deployed, HUBSPOT, three_customers())
    headers = {"Authorization": f"Bearer {there.sandbox.credentials()['token']}"}
    for number in range(UNIQUE_PROPERTIES):
        body = {
            "name": f"their_key_{number}",
            "label": f"Their key {number}",
            "type": "string",
            "fieldType": "text",
            "groupName": "dealinformation",
            "hasUniqueValue": True,
        }
        path = f"{there.sandbox.url}/crm/properties/2026-09/deals"
        assert requests.post(path, json=body, headers=headers, timeout=30).status_code == 201
    return there


def test_a_portal_without_a_unique_property_left_is_told_and_served(lite: Deployment, office: OPEN) -> None:
    """The key is made as a plain property: the plan says so, a second install finds nothing to do."""
    there = used_up(lite, office)
    plan = plan_install(there.ws)
    assert plan.questions == ()
    assert [note for note in plan.notes if note.startswith("deals.cs_key is not unique")]
    there.install()
    again = plan_install(there.ws)
    assert (again.is_empty, again.questions) == (True, ())


@pytest.mark.usefixtures("one_try")
def test_a_deal_without_a_unique_key_is_made_once(both: Deployment, office: OPEN) -> None:
    """The answer to the create is lost: the deal is found among Acorn's by its key, as people left it."""
    there = used_up(both, office).install()
    there.load()
    there.go_live().look()
    there.sandbox.fault("drop_response", CREATE_DEALS)
    with pytest.raises(Unavailable):
        there.push()
    (deal,) = there.written("deals").values()
    deal_id = deal["_record"]["id"]
    there.sandbox.edit("deals", deal_id, {"amount": "14000", "dealstage": "contractsent"})
    both.later(minutes=10)
    mark = there.sandbox.mark()
    there.push()

    row = there.row("deals", RENEWAL)
    assert (row.state, row.record_id) == (WriteState.ACKNOWLEDGED, deal_id)
    ours = [one for one in there.sandbox.records("deals") if one["properties"].get("cs_key")]
    assert [(one["properties"]["cs_key"], one["properties"]["amount"]) for one in ours] == [
        (RENEWAL, "14000")
    ]
    linked = ours[0]["associations"]["companies"]["results"]
    assert {end["id"] for end in linked} == {there.sandbox.lookup("account:acorn")}
    assert created(there, mark, CREATE_DEALS) == []


def test_deals_without_a_unique_key_are_kept_true_by_their_id(lite: Deployment, office: OPEN) -> None:
    """A field of ours that a person changed is written again onto the same deal, and then nothing is."""
    there = used_up(lite, office).install()
    there.load()
    there.go_live().settle()
    deal_id = there.row("deals", RENEWAL).record_id
    lite.later(minutes=5)
    there.sandbox.edit("deals", deal_id, {"cs_reason": "because"})
    lite.later(minutes=5)
    there.poll()
    there.settle()
    (deal,) = there.written("deals").values()
    assert deal["_record"]["id"] == deal_id
    assert deal["cs_reason"].startswith("2 lines worth USD 15,000")
    mark = there.sandbox.mark()
    there.look_at_all()
    there.look()
    there.push()
    assert [one for one in there.sandbox.requests(mark) if one["written"]] == []
