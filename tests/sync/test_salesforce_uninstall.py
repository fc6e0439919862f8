"""Uninstalling from an org: what was deployed goes, the customer's stays, a later install works again."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from integration.package_step import PACKAGE
from integration.parts import PartKind
from sync.install_apply import owned_parts
from sync.onboard import plan_install
from sync.state import due, ledger_undo
from sync.state.engine import reading
from sync.state.installations import Status
from sync.uninstall import apply_uninstall, plan_uninstall
from tests.sync.harness import SALESFORCE, Deployment, Office
from tests.sync.portfolios import three_customers
from tests.sync.salesforce_org import (
    OURS,
    Killed,
    admin,
    definitions,
    deletes,
    deploys_files,
    impatient,
    killed_at,
    list_view,
    worked,
)
from tests.sync.test_salesforce_package import deploy_package

__all__ = ["impatient"]
OPEN = Callable[..., Office]


def at_work(there: Office) -> Office:
    """Install, read everything and write everything."""
    there.install()
    there.load()
    there.go_live().settle()
    return there


def test_the_org_is_defined_as_the_day_before(lite: Deployment, office: OPEN) -> None:
    """Every object is described as it was; no view, report, right or assignment of ours is left."""
    there = office(lite, SALESFORCE, three_customers())
    before = definitions(there.sandbox)
    at_work(there)
    people = admin(there)
    people.grant("CS_User")  # an admin gave somebody a set of ours
    opportunities = {one["Id"] for one in there.sandbox.records("Opportunity")}
    renewals = there.written("Opportunity")
    mark = there.sandbox.mark()
    plan = plan_uninstall(there.ws)
    assert [one for one in there.sandbox.requests(mark) if one["written"] or one["method"] != "GET"] == []
    assert {one.object: (one.ours, one.others) for one in plan.records}["CS_Profile__c"] == (3, 0)
    assert plan.stays == {"Opportunity": len(renewals)}
    mark = there.sandbox.mark()
    done = apply_uninstall(there.ws, plan)
    assert done.refused == ()
    calls = [one.rpartition("/")[2].partition("?")[0] for one in worked(there.sandbox, mark)]
    # what uses before what is used, two manifests to a deploy; the sets when nobody has them any more
    assert calls == ["deployRequest"] * 5 + ["query", "sobjects", "query", "deployRequest"]
    assert {one.part for one in done.removals} == {one.part for one in plan.parts}
    assert done.records == sum(one.ours for one in plan.records)
    assert definitions(there.sandbox) == before
    assert {one["Id"] for one in there.sandbox.records("Opportunity")} == opportunities
    assert owned_parts(there.ws) == ()
    assert plan_uninstall(there.ws).is_empty
    with reading(there.engine) as conn:
        assert due.schedule(conn, there.id) == {}
        assert ledger_undo.count_standing(conn, there.id) == {"Opportunity": len(renewals)}


def test_a_later_install_knows_the_renewals_of_before(lite: Deployment, office: OPEN) -> None:
    """Their keys are written back before anything is read: none is opened twice, and none rewritten."""
    there = at_work(office(lite, SALESFORCE, three_customers()))
    renewals = {key: one["_record"]["Id"] for key, one in there.written("Opportunity").items()}
    assert renewals
    apply_uninstall(there.ws, plan_uninstall(there.ws))
    assert there.written("Opportunity") == {}
    at_work(there)
    assert there.ws.installation.status is Status.ACTIVE
    assert {key: one["_record"]["Id"] for key, one in there.written("Opportunity").items()} == renewals
    assert len(there.sandbox.records("CS_Profile__c")) == 3
    mark = there.sandbox.mark()
    there.look_at_all()
    there.settle()
    assert [one for one in there.sandbox.requests(mark) if one["written"]] == []
    assert plan_install(there.ws).is_empty


def test_what_the_customer_uses_stays_and_is_told_in_the_orgs_words(lite: Deployment, office: OPEN) -> None:
    """A view of theirs shows our health: the field and all it reads stay; once it is gone they go."""
    there = office(lite, SALESFORCE, three_customers())
    before = definitions(there.sandbox)
    at_work(there)
    deploys_files(there, list_view("Account", "Ours_By_Health", "CS_Profile_Health__c"))
    plan = plan_uninstall(there.ws)
    done = apply_uninstall(there.ws, plan)
    told = {str(one.part): one.message for one in done.refused}
    words = "This custom field is referenced elsewhere in salesforce.com. : {}."
    assert told["field Account.CS_Profile_Health__c"] == words.format("List View - Account.Ours_By_Health")
    assert told["field Account.CS_Profile__c"] == words.format(
        "Custom Formula Field - Account.CS_Profile_Health__c"
    )
    assert "object CS_Profile__c" in told
    assert "object CS_Plan__c" not in told
    went = {one.object: one.ours for one in plan.records if one.object != "CS_Profile__c"}
    assert done.records == sum(went.values()) > 0
    assert {str(one.part) for one in owned_parts(there.ws)} == told.keys()
    deletes(there, ListView=["Account.Ours_By_Health"])
    assert apply_uninstall(there.ws, plan_uninstall(there.ws)).refused == ()
    assert definitions(there.sandbox) == before


def test_objects_deployed_by_hand_stay_with_our_records_and_the_plan_says_so(
    lite: Deployment, office: OPEN
) -> None:
    """They are not ours to delete: three profiles stay in the org's own object."""
    there = office(lite, SALESFORCE, three_customers())
    deploy_package(there.sandbox).grant("CS_Admin")
    at_work(there)
    plan = plan_uninstall(there.ws)
    assert "CS_Profile__c stood there before us and stays, with 3 records" in plan.notes[0]
    assert plan.records == ()
    apply_uninstall(there.ws, plan)
    assert len(there.sandbox.records("CS_Profile__c")) == 3


def test_records_others_made_in_our_object_keep_it(lite: Deployment, office: OPEN) -> None:
    """Salesforce would delete a person's own plan with the object: so the object is not deleted."""
    there = at_work(office(lite, SALESFORCE, three_customers()))
    theirs = there.sandbox.edit("CS_Plan__c", None, {"Name": "By hand"})
    plan = plan_uninstall(there.ws)
    (note,) = plan.notes
    assert "CS_Plan__c holds 1 records that we did not write" in note
    done = apply_uninstall(there.ws, plan)
    stays = {str(one.part) for one in done.refused}
    kept = {"object CS_Plan__c", "field CS_Plan__c.CS_Key__c", "Layout CS_Plan__c-CS Plan Layout"}
    assert kept <= stays
    assert [one["Name"] for one in there.sandbox.records("TabDefinition")] == ["CS_Plan__c"]
    assert theirs in {one["Id"] for one in there.sandbox.records("CS_Plan__c")}
    assert there.ws.installation.status is Status.UNINSTALLED
    there.sandbox.edit("CS_Plan__c", theirs, {}, delete=True)
    assert apply_uninstall(there.ws, plan_uninstall(there.ws)).refused == ()


def test_keeping_the_data_takes_back_what_shows_it(lite: Deployment, office: OPEN) -> None:
    """List views, reports and dashboards go; objects, fields, rights and records stay as they were."""
    there = at_work(office(lite, SALESFORCE, three_customers()))
    before, profiles = definitions(there.sandbox), there.sandbox.records("CS_Profile__c")
    plan = plan_uninstall(there.ws, keep_data=True)
    assert {one.part.kind for one in plan.parts} == {PartKind.LIST, PartKind.REPORT}
    assert apply_uninstall(there.ws, plan).refused == ()
    after = definitions(there.sandbox)
    shows = {"ListView rows", "Report rows", "Dashboard rows"}
    assert {name for name in after if after[name] != before[name]} == shows
    assert [after[name] for name in sorted(shows)] == [[], [], []]
    assert there.sandbox.records("CS_Profile__c") == profiles
    there.install()
    assert definitions(there.sandbox) == before
    assert there.ws.live


@pytest.mark.parametrize("answered", [False, True], ids=["before the call", "its answer lost"])
def test_a_crash_at_any_call_is_made_up_by_running_again(
    lite: Deployment, office: OPEN, monkeypatch: pytest.MonkeyPatch, answered: bool
) -> None:
    """It dies at its first call, then at its second, and so on: it ends where a clean run does."""
    there = office(lite, SALESFORCE, three_customers())
    before = definitions(there.sandbox)
    at_work(there)
    number, cut = 1, True
    while cut:
        plan = plan_uninstall(there.ws)
        with killed_at(monkeypatch, number, answered=answered):
            try:
                assert apply_uninstall(there.ws, plan).refused == ()
                cut = False
            except Killed:
                number += 1
    assert number > 15  # five deploys with looks at each, and who has the sets
    assert definitions(there.sandbox) == before
    assert owned_parts(there.ws) == ()
    assert PACKAGE not in {one.part for one in plan_uninstall(there.ws).parts}
    for name in OURS:
        assert there.ws.port.describe([name]).objects == {}
