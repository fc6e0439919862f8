"""Installing: the plan says what is created, the apply does it, and doubts stop it before any write."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mappings.homes import OBJECTS
from mappings.load import load_charter
from sync.homes import pin_homes
from sync.onboard import apply_install, plan_install
from tests.sync.harness import CHARTER, HUBSPOT, SALESFORCE, Deployment, Office, Sandbox
from tests.sync.portfolios import Book, three_customers

OPEN = Callable[..., Office]
VENDORS = pytest.mark.parametrize("vendor", [HUBSPOT, SALESFORCE])
OWN = {
    HUBSPOT: ["cs_profile", "cs_plan", "cs_milestone", "cs_snapshot"],
    SALESFORCE: ["CS_Profile__c", "CS_Plan__c", "CS_Milestone__c", "CS_Snapshot__c"],
}
DEALS = {HUBSPOT: "deals", SALESFORCE: "Opportunity"}


def reasons_not_to_apply(office: Office) -> tuple[str, ...]:
    """Return the plan's questions, having shown that an apply does nothing while there are any."""
    plan = plan_install(office.ws)
    mark, before = office.sandbox.mark(), office.sandbox.get("dump")["objects"]
    with pytest.raises(ValueError, match="open questions"):
        apply_install(office.ws, plan)
    assert office.sandbox.requests(mark) == []
    assert office.sandbox.get("dump")["objects"] == before
    return plan.questions


@VENDORS
def test_a_plan_lists_what_is_created_and_an_apply_leaves_nothing_to_plan(
    lite: Deployment, office: OPEN, vendor: str
) -> None:
    """Four objects of ours and a key on the deal are planned, made, and found right afterwards."""
    there = office(lite, vendor, three_customers())
    plan = plan_install(there.ws)
    assert plan.questions == ()
    assert [step.object for step in plan.steps if step.creates_object] == OWN[vendor]
    adds = {step.object: {name.lower() for name in step.adds} for step in plan.steps}
    assert {"cs_key" + ("__c" if vendor == SALESFORCE else "")} <= adds[DEALS[vendor]]

    results = apply_install(there.ws, plan)
    assert [one.message for one in results if not one.done] == []
    again = plan_install(there.ws)
    assert again.is_empty
    assert all(step.adds == () and not step.creates_object for step in again.steps)
    assert {step.object: {name.lower() for name in step.right} for step in again.steps} == adds


@VENDORS
def test_planning_writes_nothing(lite: Deployment, office: OPEN, vendor: str) -> None:
    """A plan only reads: no request of it changes the portal or org."""
    there = office(lite, vendor, three_customers())
    before, mark = there.sandbox.get("dump")["objects"], there.sandbox.mark()
    plan_install(there.ws)
    asked = there.sandbox.requests(mark)
    assert asked
    assert [one["written"] for one in asked] == [[]] * len(asked)
    assert there.sandbox.get("dump")["objects"] == before


@pytest.mark.parametrize(
    ("vendor", "attribute", "shown"),
    [(HUBSPOT, "cs_health", "companies.cs_health"), (SALESFORCE, "cs_profile", "Account.CS_Profile__c")],
)
def test_a_field_of_the_customer_under_our_name_is_a_question(
    lite: Deployment, office: OPEN, vendor: str, attribute: str, shown: str
) -> None:
    """A text field of theirs stands where we need another type: both types are named, nothing is done."""
    book = three_customers()
    book.accounts[0].attributes[attribute] = "theirs"
    questions = reasons_not_to_apply(office(lite, vendor, book))
    (question,) = questions
    assert question.lower().startswith(shown.lower())
    assert "text" in question
    assert ("number" if vendor == HUBSPOT else "reference") in question


def charter_with(folder: Path, old: str, new: str) -> Path:
    """Write the default charter with one thing changed."""
    text = CHARTER.read_text("utf-8")
    assert old in text
    path = folder / "changed.yaml"
    path.write_text(text.replace(old, new), "utf-8")
    return path


def opened_with(lite: Deployment, start: Callable[..., Sandbox], vendor: str, charter: Path) -> Office:
    """Open an office whose charter is not the default one."""
    sandbox = start(vendor, three_customers())
    lite.sandboxes.append(sandbox)
    lite.at(lite.now)
    return Office(lite, sandbox).connect(load_charter(charter, vendor))


@pytest.mark.parametrize(
    ("vendor", "stage", "known"),
    [(HUBSPOT, "qualifiedtobuy", "appointmentscheduled"), (SALESFORCE, "Qualification", "Prospecting")],
)
def test_a_stage_no_pipeline_has_is_a_question(
    lite: Deployment,
    start: Callable[..., Sandbox],
    tmp_path: Path,
    vendor: str,
    stage: str,
    known: str,
) -> None:
    """A stage that is not there is asked about once for both kinds of deal, with those that are."""
    charter = charter_with(tmp_path, f"stage: {stage}", "stage: imagined")
    questions = reasons_not_to_apply(opened_with(lite, start, vendor, charter))
    (question,) = questions
    assert "renewals and expansions" in question
    assert "'imagined'" in question
    assert known in question
    assert "closedwon" not in question
    assert "Closed Won" not in question


@pytest.mark.parametrize(
    ("vendor", "line", "shown"),
    [
        (HUBSPOT, "customer_ref: customer_ref", "companies.imagined"),
        (SALESFORCE, "customer_ref: Customer_Ref__c", "Account.imagined"),
    ],
)
def test_a_field_the_charter_reads_and_the_crm_lacks_is_a_question(
    lite: Deployment, start: Callable[..., Sandbox], tmp_path: Path, vendor: str, line: str, shown: str
) -> None:
    """The missing field is named with its object before anything is written."""
    charter = charter_with(tmp_path, line, "customer_ref: imagined")
    (question,) = reasons_not_to_apply(opened_with(lite, start, vendor, charter))
    assert question.startswith(shown)


def test_records_settled_in_objects_that_have_no_room_any_more_are_a_question(
    lite: Deployment, office: OPEN
) -> None:
    """Homes once settled are kept: two custom objects left are two too few, and nothing moves silently."""
    there = office(lite, HUBSPOT, Book().account("one", "One"), "--custom-objects", "2")
    pin_homes(lite.runtime, there.id, OBJECTS)
    (question,) = reasons_not_to_apply(there)
    assert question == (
        "4 custom objects are needed (cs_profile, cs_plan, cs_milestone, cs_snapshot) and 2 are left"
    )
