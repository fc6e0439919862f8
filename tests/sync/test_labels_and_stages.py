"""Labels on our links and the pipeline of plans: made once, used by every run, at no call more."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from sync.onboard import apply_install, plan_install
from tests.sync.harness import HUBSPOT, Deployment, Office, daily_use
from tests.sync.portfolios import three_customers
from tests.sync.test_install_told import ask, make_objects, own
from tests.sync.test_written import CHRISTMAS

OPEN = Callable[..., Office]


@pytest.fixture
def there(lite: Deployment, office: OPEN) -> Office:
    """Give an installation that has had its first run on 15 January 2025; Birch has a plan."""
    found = office(lite, HUBSPOT, three_customers()).install()
    found.load()
    found.use(daily_use("birch", CHRISTMAS, 21, 4, 2))
    found.drain()
    found.go_live().settle()
    return found


def labels(office: Office, child: str, parent: str) -> list[set[str]]:
    """Return the labels from each record of ours to what it hangs under."""
    target = parent if parent == "companies" else own(office, parent)
    found: list[set[str]] = []
    for record in office.sandbox.records(own(office, child)):
        path = f"/crm/objects/2026-09/{own(office, child)}/{record['id']}/associations/{target}"
        ends = ask(office, "GET", path)["results"]
        found += [{one["label"] for one in end["associationTypes"] if one["label"]} for end in ends]
    return found


def test_every_link_of_ours_carries_its_label(there: Office) -> None:
    """Three profiles, a plan and four milestones are labelled towards accounts, milestones towards plans."""
    assert labels(there, "cs_profile", "companies") == [{"CS Account"}] * 3
    assert labels(there, "cs_plan", "companies") == [{"CS Account"}]
    assert labels(there, "cs_milestone", "companies") == [{"CS Account"}] * 4
    assert labels(there, "cs_milestone", "cs_plan") == [{"CS Plan"}] * 4


def test_a_label_the_customer_deleted_is_done_without(lite: Deployment, office: OPEN) -> None:
    """Links are made plainly from then on; the next plan makes the label anew."""
    there = office(lite, HUBSPOT, three_customers()).install()
    path = f"/crm/associations/2026-09/{own(there, 'cs_profile')}/companies/labels"
    (label,) = [one for one in ask(there, "GET", path)["results"] if one["label"] == "CS Account"]
    ask(there, "DELETE", f"{path}/{label['typeId']}")
    there.load()
    there.go_live().settle()
    assert labels(there, "cs_profile", "companies") == [set()] * 3
    assert there.blocked() == []
    plan = plan_install(there.ws)
    assert [step.about for step in plan.todo] == ["label CS Account of cs_profile to companies"]


def stage_of_plan(office: Office) -> str:
    """Return the label of the stage Birch's plan stands in."""
    (plan,) = office.written(own(office, "cs_plan")).values()
    (pipeline,) = ask(office, "GET", f"/crm/pipelines/2026-09/{own(office, 'cs_plan')}")["results"]
    assert plan["hs_pipeline"] == pipeline["id"]
    labels = {stage["id"]: stage["label"] for stage in pipeline["stages"]}
    return str(labels[plan["hs_pipeline_stage"]])


def test_a_plan_moves_through_its_stages(there: Office) -> None:
    """On track on 15 January; late once a third feature is overdue; complete when it is used."""
    assert stage_of_plan(there) == "On track"
    there.deployment.at(datetime(2025, 2, 15, 9, tzinfo=UTC))
    there.look_at_all()
    there.settle()
    assert stage_of_plan(there) == "Late"
    there.use(daily_use("birch", datetime(2025, 2, 14, 9, tzinfo=UTC), 1, 4, 3))
    there.settle()
    there.deployment.at(datetime(2025, 2, 16, 9, tzinfo=UTC))
    there.look_at_all()
    there.settle()
    assert stage_of_plan(there) == "Complete"


def test_plans_of_a_customers_own_pipeline_under_our_name_have_no_stage(
    lite: Deployment, office: OPEN
) -> None:
    """It lacks our stages: told with their names, and plans are kept without."""
    there = office(lite, HUBSPOT, three_customers())
    make_objects(there)
    stages = [{"label": "Late", "displayOrder": 0, "metadata": {"state": "OPEN"}}]
    body: Any = {"label": "CS Plans", "displayOrder": 0, "stages": stages}
    ask(there, "POST", f"/crm/pipelines/2026-09/{own(there, 'cs_plan')}", body)
    plan = plan_install(there.ws)
    (note,) = [one for one in plan.notes if one.startswith("pipeline cs_plan.CS Plans")]
    assert "it has no stage On track, Complete" in note
    assert all(one.done for one in apply_install(there.ws, plan))
    assert there.ws.homes.plan_stages is None


def test_without_custom_objects_there_are_neither(lite: Deployment, office: OPEN) -> None:
    """A Starter portal has no object of ours to label or to line up."""
    plan = plan_install(office(lite, HUBSPOT, three_customers(), "--tier", "starter").ws)
    assert {one.part.kind.value for one in plan.parts} == {"group", "field", "list"}
