"""Lists of accounts that keep themselves: who is in them, today and on days to come.

The book is that of ``test_written``, where its figures are worked out by hand; here the charter
has two bands that meet at 75, so that Cedar's 60 points are in the lowest.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mappings.human_fields import human_names
from mappings.load import load_charter
from sync.onboard import apply_install, plan_install
from tests.sync.harness import HUBSPOT, Deployment, Office, Sandbox, daily_use
from tests.sync.portfolios import five_customers
from tests.sync.test_install import charter_with
from tests.sync.test_written import CHRISTMAS

THREE_BANDS = """    - {key: red, title: Red, floor: 0}
    - {key: yellow, title: Yellow, floor: 50}
"""
AT_RISK, RENEWAL = "CS At risk", "CS Renewal in 90 days"
LATE, EXPANSION = "CS Onboarding late", "CS Expansion ready"


@pytest.fixture
def there(lite: Deployment, start: Callable[..., Sandbox], tmp_path: Path) -> Office:
    """Give an installation that has had its first run on 15 January 2025."""
    sandbox = start(HUBSPOT, five_customers())
    lite.sandboxes.append(sandbox)
    lite.at(lite.now)
    low = charter_with(tmp_path, THREE_BANDS, "    - {key: endangered, title: Endangered, floor: 0}\n")
    found = Office(lite, sandbox).connect(load_charter(low, HUBSPOT)).install()
    found.load()
    found.use(daily_use("birch", CHRISTMAS, 21, 4, 2) + daily_use("cedar", CHRISTMAS, 21, 3))
    found.drain()
    found.go_live().settle()
    return found


def ask(office: Office, method: str, path: str, body: Any = None) -> Any:
    """Return HubSpot's answer to a call of a person's."""
    port: Any = office.ws.port
    return port._portal.transport.call("test", method, path, body).body


def list_ids(office: Office) -> dict[str, str]:
    """Return the ids of all lists by name."""
    found = ask(office, "POST", "/crm/lists/2026-09/search", {"query": ""})["lists"]
    return {one["name"]: one["listId"] for one in found}


def members(office: Office, name: str) -> set[str]:
    """Return the names of the companies in a list."""
    path = f"/crm/lists/2026-09/{list_ids(office)[name]}/memberships"
    ids = {one["recordId"] for one in ask(office, "GET", path)["results"]}
    return {one["properties"]["name"] for one in office.sandbox.records("companies") if one["id"] in ids}


def test_lists_hold_who_they_say(there: Office) -> None:
    """Cedar is in the lowest band, Acorn and Elm end on 1 March, Birch needs seats and is not late."""
    assert {name: members(there, name) for name in list_ids(there)} == {
        AT_RISK: {"Cedar"},
        RENEWAL: {"Acorn", "Elm"},
        LATE: set(),
        EXPANSION: {"Birch"},
    }


def test_renewals_come_into_their_list_and_leave_it_as_days_pass(there: Office) -> None:
    """1 June is 90 days after 3 March: Cedar enters that day, without a write of ours."""
    there.deployment.at(datetime(2025, 3, 2, 9, tzinfo=UTC))
    assert members(there, RENEWAL) == set()
    there.deployment.at(datetime(2025, 3, 3, 9, tzinfo=UTC))
    assert members(there, RENEWAL) == {"Cedar"}


def test_a_plan_that_falls_behind_brings_its_account_into_the_list(there: Office) -> None:
    """Birch's third feature was due on 14 February; the next day it is late."""
    there.deployment.at(datetime(2025, 2, 15, 9, tzinfo=UTC))
    there.look_at_all()
    there.settle()
    assert members(there, LATE) == {"Birch"}


def test_an_account_leaves_the_list_when_its_expansion_is_closed(there: Office) -> None:
    """The deal we proposed is won: the company is no longer ready for one."""
    (expansion,) = [one for key, one in there.written("deals").items() if key.startswith("expansion:")]
    deal_id = expansion["_record"]["id"]
    there.deployment.later(minutes=10)
    there.sandbox.edit("deals", deal_id, {"dealstage": "closedwon"})
    there.tell("deal.propertyChange", deal_id)
    there.settle()
    assert members(there, EXPANSION) == set()


def test_an_account_leaves_the_list_when_its_expansion_was_deleted(there: Office) -> None:
    """A deal a person deleted stands for nothing; two days after its opening that is certain."""
    (expansion,) = [one for key, one in there.written("deals").items() if key.startswith("expansion:")]
    there.sandbox.edit("deals", expansion["_record"]["id"], {}, delete=True)
    there.tell("deal.deletion", expansion["_record"]["id"])
    there.deployment.later(days=2)
    there.look_at_all()
    there.settle()
    assert members(there, EXPANSION) == set()


def test_other_filters_of_a_list_of_ours_are_put_right_and_a_renamed_one_is_known(there: Office) -> None:
    """Somebody renamed one list and refiltered another: the plan tells of one change and makes it."""
    ids = list_ids(there)
    branch = {
        "filterBranchType": "OR",
        "filters": [],
        "filterBranches": [
            {
                "filterBranchType": "AND",
                "filterBranches": [],
                "filters": [
                    {
                        "filterType": "PROPERTY",
                        "property": "cs_milestones_late",
                        "operation": {
                            "operationType": "NUMBER",
                            "operator": "IS_GREATER_THAN",
                            "value": 7,
                            "includeObjectsWithNoValueSet": False,
                        },
                    }
                ],
            }
        ],
    }
    ask(there, "PUT", f"/crm/lists/2026-09/{ids[LATE]}/update-list-filters", {"filterBranch": branch})
    ask(there, "PUT", f"/crm/lists/2026-09/{ids[AT_RISK]}/update-list-name?listName=Watch", None)
    plan = plan_install(there.ws)
    assert [(str(one.part), one.outcome.value) for one in plan.parts if one.outcome != "right"] == [
        (f"list {LATE}", "change")
    ]
    assert (plan.calls, [one.done for one in apply_install(there.ws, plan)]) == (1, [True])
    assert plan_install(there.ws).is_empty
    assert set(list_ids(there)) == {"Watch", RENEWAL, LATE, EXPANSION}


def test_a_list_of_the_customers_under_our_name_is_told_and_left(
    lite: Deployment, office: Callable[..., Office]
) -> None:
    """Theirs stays as it is, ours is not made, and everything else is."""
    there = office(lite, HUBSPOT, five_customers())
    body = {"name": AT_RISK, "objectTypeId": "0-1", "processingType": "MANUAL"}
    theirs = ask(there, "POST", "/crm/lists/2026-09", body)["list"]["listId"]
    plan = plan_install(there.ws)
    assert f"list {AT_RISK}: a list of this name is there and not ours" in "".join(plan.notes)
    assert all(one.done for one in apply_install(there.ws, plan))
    assert list_ids(there)[AT_RISK] == theirs
    assert plan_install(there.ws).is_empty


def test_a_list_made_under_our_name_after_the_plan_is_told_and_left(
    lite: Deployment, office: Callable[..., Office]
) -> None:
    """HubSpot refuses the second of a name: its words are shown, and records do without the list."""
    there = office(lite, HUBSPOT, five_customers())
    plan = plan_install(there.ws)
    body = {"name": AT_RISK, "objectTypeId": "0-2", "processingType": "MANUAL"}
    ask(there, "POST", "/crm/lists/2026-09", body)
    (refused,) = [one for one in apply_install(there.ws, plan) if not one.done]
    assert (refused.object, refused.required) == (f"list {AT_RISK}", False)
    assert f"A list named '{AT_RISK}' already exists." in refused.message
    assert "not ours" in "".join(plan_install(there.ws).notes)


@pytest.mark.parametrize("lacking", ["crm.lists.read", "crm.lists.write"])
def test_without_the_scope_of_lists_there_are_none_and_the_scope_is_named(
    lite: Deployment, office: Callable[..., Office], lacking: str
) -> None:
    """An installation needs no lists: all else is made, and the admin is told which scope is missing."""
    there = office(lite, HUBSPOT, five_customers())
    kept = [one for one in there.sandbox.get("portal")["scopes"] if not one.startswith("crm.lists.")]
    both = {"crm.lists.read", "crm.lists.write"}
    granted = both - {lacking} if lacking == "crm.lists.write" else set[str]()
    there.sandbox.post("portal", {"scopes": [*kept, *granted]})
    plan = plan_install(there.ws)
    results = apply_install(there.ws, plan)
    assert all(one.done or not one.required for one in results)
    told = " ".join([*plan.notes, *(one.message for one in results)])
    assert lacking in told


def test_a_charter_may_want_fewer_lists(
    lite: Deployment, start: Callable[..., Sandbox], tmp_path: Path
) -> None:
    """Only the list named is made, and only its field is added to the company, beside what people fill in."""
    renewing = charter_with(
        tmp_path,
        "on_account: [health, band, stage, arr, renewal_on, explanation]",
        "on_account: []\n      lists: [renewal_in_90_days]",
    )
    sandbox = start(HUBSPOT, five_customers())
    lite.sandboxes.append(sandbox)
    lite.at(lite.now)
    there = Office(lite, sandbox).connect(load_charter(renewing, HUBSPOT))
    (companies,) = [one for one in plan_install(there.ws).steps if one.object == "companies"]
    assert set(companies.adds) == {"cs_renewal_on", *human_names(HUBSPOT)}
    there.install()
    assert set(list_ids(there)) == {RENEWAL}
