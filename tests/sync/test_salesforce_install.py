"""An install into an org is exactly what its plan says: one deploy, checked before, and none the second time.

Orgs: one with nothing of ours, one with all of it, and ones in which an admin deleted or took something.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from integration.package_step import PACKAGE, DeployPackage
from integration.parts import Part, PartKind
from integration.salesforce import installer
from integration.salesforce.metadata_xml import PERMISSION_SET
from mappings.load import load_charter
from sync.commands.diagnosis import of_org
from sync.install import InstallPlan
from sync.install_apply import owned_parts
from sync.onboard import apply_install, plan_install
from tests.sandbox.salesforce_components import DASHBOARD, MEMBER
from tests.sandbox.salesforce_session import NS, Api, custom_object, field, package, permission_set
from tests.sync.harness import SALESFORCE, Deployment, Office
from tests.sync.portfolios import Book
from tests.sync.salesforce_org import (
    Killed,
    admin,
    definitions,
    deletes,
    deployed,
    deploys_files,
    impatient,
    in_archive,
    killed_at,
    list_view,
    worked,
)
from tests.sync.test_install import charter_with
from tests.sync.test_salesforce_package import deploy_package

__all__ = ["impatient"]
OPEN = Callable[..., Office]
VIEW = Part(PartKind.LIST, "Opportunity", "Opportunity.CS_Open_Renewals")
SET = Part(PartKind.COMPONENT, "PermissionSet", PERMISSION_SET)


def an_org(lite: Deployment, office: OPEN) -> Office:
    """Return an org with one customer, connected."""
    return office(lite, SALESFORCE, Book().account("one", "One"))


def nothing(there: Office) -> None:
    """Leave the org as it is."""


def all_of_it(there: Office) -> None:
    """Install."""
    there.install()


def two_deleted(there: Office) -> None:
    """Install, and have an admin delete a list view and a dashboard of ours."""
    there.install()
    deletes(there, ListView=[VIEW.name], Dashboard=["CS_Dashboards/CS_Customer_Health"])


def rights_taken(there: Office) -> None:
    """Install, and have an admin leave the integration user's set but one right."""
    there.install()
    poor = permission_set("CS Integration Install", ["Opportunity"], [])
    path = f"permissionsets/{PERMISSION_SET}.permissionset"
    deploys_files(there, {path: poor, "package.xml": package(PermissionSet=[PERMISSION_SET])})


def unassigned(there: Office) -> None:
    """Install, and have an admin take the set from the integration user."""
    there.install()
    unassign(there)


def unassign(there: Office) -> None:
    """Have an admin take every set from everybody."""
    api = admin(there)
    for row in api.rows("SELECT Id FROM PermissionSetAssignment"):
        assert api.call("DELETE", f"/sobjects/PermissionSetAssignment/{row['Id']}").status_code == 204


def visible_before(there: Office) -> None:
    """Have an admin deploy the package and show its fields to the integration user by another set."""
    deploy_package(there.sandbox).grant("CS_Admin")


def doctor_says(there: Office) -> list[str]:
    """Return what the doctor finds of the org."""
    return [f"{one.severity.value}: {one.matter}" for one in of_org(there.ws)]


def said(plan: InstallPlan) -> dict[str, str]:
    """Return what the plan does about each part that is not right already."""
    return {str(one.part): one.outcome.value for one in plan.parts if one.outcome != "right"}


@pytest.mark.parametrize(
    ("before", "calls", "parts"),
    [
        (nothing, 2, None),  # the deploy and the assignment
        (all_of_it, 0, {}),
        (two_deleted, 1, {str(VIEW): "create", "Dashboard CS_Dashboards/CS_Customer_Health": "create"}),
        (rights_taken, 1, {str(SET): "change"}),
        (unassigned, 1, {str(SET): "change"}),
        (visible_before, 2, None),
    ],
)
def test_an_apply_makes_the_calls_its_plan_says_and_the_next_deploys_nothing(
    lite: Deployment,
    office: OPEN,
    before: Callable[[Office], None],
    calls: int,
    parts: dict[str, str] | None,
) -> None:
    """The org counts what the plan said; planned again there is no deploy, not even a checked one."""
    there = an_org(lite, office)
    before(there)
    plan = plan_install(there.ws)
    assert (plan.calls, plan.questions) == (calls, ())
    assert parts is None or said(plan) == parts
    mark = there.sandbox.mark()
    assert [one for one in apply_install(there.ws, plan) if not one.done] == []
    assert len(worked(there.sandbox, mark)) == calls
    mark = there.sandbox.mark()
    again = plan_install(there.ws)
    apply_install(there.ws, again)
    assert (again.is_empty, again.calls, deployed(there.sandbox, mark)) == (True, 0, 0)
    assert any("cannot be seen over REST" in note for note in again.notes)
    shown = there.ws.port.describe(["CS_Profile__c", "Opportunity"]).objects
    assert "CS_Key__c" in {one.name for one in shown["Opportunity"].fields}
    assert "CS_Health__c" in {one.name for one in shown["CS_Profile__c"].fields}


def test_an_org_of_an_earlier_release_takes_the_package(lite: Deployment, office: OPEN) -> None:
    """Releases reach orgs weeks apart, and an archive of a later one is refused."""
    there = an_org(lite, office)
    there.sandbox.post("org", {"newest_version": 66})
    there.connect().install()
    later = package(PermissionSet=[PERMISSION_SET]).replace("66.0", "67.0")
    result = Api(there.sandbox.url, "66.0").deploy({"package.xml": later})
    assert result["details"]["componentFailures"][0]["problem"] == "Invalid version specified:67.0"


def test_the_doctor_says_what_is_not_as_an_install_makes_it(lite: Deployment, office: OPEN) -> None:
    """Before an install, after it, and once an admin took the integration user's rights."""
    there = an_org(lite, office)
    assert doctor_says(there) == ["wrong: our objects and fields are not installed in the org"]
    there.install()
    assert doctor_says(there) == []
    unassign(there)
    assert doctor_says(there) == [f"wrong: not as an install makes it: {SET}"]


def test_visible_fields_are_granted_all_the_same(lite: Deployment, office: OPEN) -> None:
    """Everything is in sight by another set: the integration user still gets rights of its own."""
    there = an_org(lite, office)
    visible_before(there)
    there.install()
    deletes_assignment_of(there, "CS_Admin")
    shown = there.ws.port.describe(["CS_Profile__c"]).objects["CS_Profile__c"]
    assert {"CS_Key__c", "CS_Health__c", "CS_Account__c"} <= {one.name for one in shown.fields}


def deletes_assignment_of(there: Office, name: str) -> None:
    """Have an admin take a set from the integration user."""
    api = admin(there)
    (row,) = api.rows(f"SELECT Id FROM PermissionSetAssignment WHERE PermissionSet.Name = '{name}'")
    assert api.call("DELETE", f"/sobjects/PermissionSetAssignment/{row['Id']}").status_code == 204


def test_a_plan_changes_nothing_and_an_apply_sends_what_was_checked(
    lite: Deployment, office: OPEN, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check leaves the org as it was; the archive that follows is the same, byte by byte."""
    there = an_org(lite, office)
    sent: list[tuple[bytes, bool]] = []
    real = installer.deploy

    def kept(transport: Any, reason: str, archive: bytes, *, check_only: bool = False) -> Any:
        sent.append((archive, check_only))
        return real(transport, reason, archive, check_only=check_only)

    monkeypatch.setattr(installer, "deploy", kept)
    before = definitions(there.sandbox)
    plan = plan_install(there.ws)
    assert definitions(there.sandbox) == before
    apply_install(there.ws, plan)
    assert definitions(there.sandbox) != before
    assert [check for _, check in sent] == [True, False]
    assert sent[0][0] == sent[1][0]
    manifest = in_archive(sent[0][0])["package.xml"]
    assert "<members>CS_Renewals_and_Onboarding</members>" not in manifest  # named with its folder
    assert "<members>CS_Dashboards/CS_Renewals_and_Onboarding</members>" in manifest


def test_all_a_check_refuses_is_told_at_once_and_stops_the_apply(lite: Deployment, office: OPEN) -> None:
    """Two lookups of the customer's have our relationship names: both are told, and nothing is half done."""
    there = an_org(lite, office)
    theirs = custom_object(
        "Theirs",
        field("One__c", "Lookup", referenceTo="Account", relationshipName="CS_Plans"),
        field("Two__c", "Lookup", referenceTo="Account", relationshipName="CS_Profiles"),
    )
    deploys_files(
        there, {"objects/Theirs__c.object": theirs, "package.xml": package(CustomObject=["Theirs__c"])}
    )
    before = definitions(there.sandbox)
    plan = plan_install(there.ws)
    words = "There is already a Child Relationship named {} on Account."
    assert f"CustomField CS_Plan__c.CS_Account__c: {words.format('CS_Plans')}" in plan.questions
    assert f"CustomField CS_Profile__c.CS_Account__c: {words.format('CS_Profiles')}" in plan.questions
    assert plan.refusals == plan.questions  # told as the org's, not as the charter's
    with pytest.raises(ValueError, match="CS_Profiles on Account"):
        apply_install(there.ws, plan)
    assert definitions(there.sandbox) == before
    assert owned_parts(there.ws) == ()


def test_a_deploy_refused_after_its_check_leaves_nothing_behind(lite: Deployment, office: OPEN) -> None:
    """Somebody took the name in between: the org's words are told, nothing stands, nothing is held ours."""
    there = an_org(lite, office)
    plan = plan_install(there.ws)
    theirs = custom_object(
        "Theirs", field("One__c", "Lookup", referenceTo="Account", relationshipName="CS_Plans")
    )
    deploys_files(
        there, {"objects/Theirs__c.object": theirs, "package.xml": package(CustomObject=["Theirs__c"])}
    )
    before = definitions(there.sandbox)
    (result,) = apply_install(there.ws, plan)
    assert (result.done, result.required) == (False, True)
    assert "There is already a Child Relationship named CS_Plans on Account." in result.message
    assert definitions(there.sandbox) == before
    assert owned_parts(there.ws) == ()


def test_what_an_org_has_no_room_for_is_left_out_and_said(lite: Deployment, office: OPEN) -> None:
    """Four dashboards and four objects with change events are theirs; the rest is installed, and stays so."""
    there = an_org(lite, office)
    boards = {f"dashboards/Boards/B_{n}.dashboard": _empty_board() for n in range(4)}
    channel = (
        f"<PlatformEventChannel {NS}><channelType>data</channelType><label>C</label></PlatformEventChannel>"
    )
    entities = ("Contact", "Task", "User", "Product2")
    members = {
        f"platformEventChannelMembers/M_{one}.platformEventChannelMember": MEMBER.replace(
            "Thing__ChangeEvent", f"{one}ChangeEvent"
        )
        for one in entities
    }
    files = {
        "dashboards/Boards-meta.xml": f"<DashboardFolder {NS}><name>Boards</name></DashboardFolder>",
        **boards,
        "platformEventChannels/Things__chn.platformEventChannel": channel,
        **members,
        "package.xml": package(
            Dashboard=["Boards", *(f"Boards/B_{n}" for n in range(4))],
            PlatformEventChannel=["Things__chn"],
            PlatformEventChannelMember=[f"M_{one}" for one in entities],
        ),
    }
    deploys_files(there, files)
    plan = plan_install(there.ws)
    notes = " ".join(plan.notes)
    assert "dashboards left out: Enterprise Edition allows 5 dashboards that run as whoever" in notes
    assert "events left out: PlatformEventChannelMember CS_Changes_" in notes
    assert "Entity selection limit exceeded" in notes
    assert not [one for one in said(plan) if one.startswith(("Dashboard", "PlatformEvent"))]
    apply_install(there.ws, plan)
    mark = there.sandbox.mark()
    again = plan_install(there.ws)
    assert (again.is_empty, deployed(there.sandbox, mark)) == (True, 0)
    assert "events left out" in " ".join(again.notes)


def _empty_board() -> str:
    start, end = DASHBOARD.index("<dashboardGridComponents>"), DASHBOARD.index("<numberOfColumns>")
    return DASHBOARD[:start] + DASHBOARD[end:]


def test_a_view_of_the_customers_under_our_name_stays_theirs(lite: Deployment, office: OPEN) -> None:
    """It is not deployed over, and not held to be ours; all else is."""
    there = an_org(lite, office)
    deploys_files(there, list_view("Opportunity", "CS_Open_Renewals", "OPPORTUNITY.NAME"))
    plan = plan_install(there.ws)
    (step,) = plan.todo
    assert isinstance(step, DeployPackage)
    archive = in_archive(step.archive)
    assert "CS_Open_Renewals" not in archive["package.xml"] + archive["objects/Opportunity.object"]
    assert "CS_Open_Expansions" in archive["objects/Opportunity.object"]
    apply_install(there.ws, plan)
    assert VIEW not in {one.part for one in owned_parts(there.ws)}
    assert plan_install(there.ws).is_empty


@pytest.mark.parametrize("answered", [False, True], ids=["before the call", "its answer lost"])
def test_an_apply_killed_at_any_call_is_made_good_by_the_next(
    lite: Deployment, office: OPEN, monkeypatch: pytest.MonkeyPatch, answered: bool
) -> None:
    """Each apply is cut one call later; at the end all stands, all of it is ours, and nothing is to do."""
    there = an_org(lite, office)
    number, cut = 1, True
    wanted: set[Part] = set()
    while cut:
        plan = plan_install(there.ws)
        wanted = wanted or {part for step in plan.todo for part in step.parts}
        with killed_at(monkeypatch, number, answered=answered) as sent:
            try:
                apply_install(there.ws, plan)
                cut = False
            except Killed:
                number += 1
    assert number > 3  # the deploy, looks at it, the assignment
    assert len(sent) < number
    assert plan_install(there.ws).is_empty
    assert {one.part for one in owned_parts(there.ws)} == wanted
    assert {PACKAGE, VIEW} <= wanted


def test_a_charter_with_another_band_changes_the_picklist_and_adds_its_view(
    lite: Deployment, office: OPEN, tmp_path: Path
) -> None:
    """The picklist is closed to the charter's bands; another charter's is one deploy away, and said."""
    there = an_org(lite, office).install()
    assert band_choices(there) == (True, {"red", "yellow", "green", "unknown"})
    changed = charter_with(tmp_path, "key: yellow", "key: amber")
    charter = load_charter(changed, SALESFORCE)
    plan = plan_install(there.ws, charter)
    assert plan.calls == 1
    assert said(plan) == {
        "field CS_Profile__c.CS_Band__c": "change",
        "field CS_Snapshot__c.CS_Band__c": "change",
        "list Account.CS_My_amber_Accounts": "create",
        str(PACKAGE): "change",
    }
    apply_install(there.ws, plan)
    assert band_choices(there)[1] >= {"red", "amber", "green", "unknown"}
    assert plan_install(there.ws, charter).is_empty


def band_choices(there: Office) -> tuple[bool, set[str]]:
    """Return whether the picklist of bands is closed, and what it offers."""
    fields = admin(there).call("GET", "/sobjects/CS_Profile__c/describe").json()["fields"]
    (band,) = [one for one in fields if one["name"] == "CS_Band__c"]
    return band["restrictedPicklist"], {one["value"] for one in band["picklistValues"] if one["active"]}
