"""Homes are settled by an install and stay: a portal that changes later is told of, not followed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mappings.catalogue import Home
from mappings.homes import Homes
from mappings.load import load_charter
from success.desired import RecordKind
from sync.homes import pin_homes, pinned_homes
from sync.onboard import apply_charter, plan_install
from tests.sync.harness import CHARTER, HUBSPOT, SALESFORCE, Deployment, Office, Sandbox, daily_use
from tests.sync.portfolios import three_customers
from tests.sync.test_written import CHRISTMAS

OPEN = Callable[..., Office]
LITE = {
    RecordKind.PROFILE: Home.ACCOUNT,
    RecordKind.PLAN: Home.ACCOUNT,
    RecordKind.MILESTONE: Home.TASK,
    RecordKind.SNAPSHOT: Home.MIRROR,
}
OBJECTS = dict.fromkeys(LITE, Home.OBJECT)
OBJECTS_OF_OLD = Homes({kind: home for kind, home in OBJECTS.items() if kind is not RecordKind.SNAPSHOT})


def with_homes(folder: Path, yaml: str) -> Path:
    """Write the default charter with another choice of homes."""
    text = CHARTER.read_text("utf-8")
    old = "        priority: [profile, plan, milestone, snapshot]\n"
    assert text.count(old) == 1
    path = folder / "homes.yaml"
    path.write_text(text.replace(old, yaml), "utf-8")
    return path


def restarted(there: Office, start: Callable[..., Sandbox], *options: str) -> None:
    """Start the same portal again, as after its subscription changed."""
    old = there.sandbox
    old.stop()
    there.sandbox = start(HUBSPOT, None, *options)
    there.sandbox.stop()
    there.sandbox.db = old.db
    port = old.url.rpartition(":")[2]
    there.sandbox.options = (*there.sandbox.options, "--port", port)
    there.sandbox.http = type(old.http)()
    there.sandbox.start()
    there.deployment.sandboxes[:] = [there.sandbox]
    there.deployment.at(there.deployment.now)


def test_room_that_appears_later_is_told_and_not_taken(
    lite: Deployment, office: OPEN, start: Callable[..., Sandbox]
) -> None:
    """Professional becomes Enterprise: the plan says what could move, and an apply moves nothing."""
    there = office(lite, HUBSPOT, three_customers(), "--tier", "professional").install()
    there.load()
    there.go_live().settle()
    restarted(there, start, "--tier", "enterprise", "--custom-objects", "2")
    scopes = there.sandbox.get("portal")["scopes"]
    custom = [f"crm.{part}.custom.{verb}" for part in ("objects", "schemas") for verb in ("read", "write")]
    there.sandbox.post("portal", {"scopes": [*scopes, *custom]})

    plan = plan_install(there.ws)
    assert plan.homes.of == LITE
    moving = [note.partition(";")[0] for note in plan.notes if "could now" in note]
    assert moving == ["CS Profiles could now stand in cs_profile", "CS Plans could now stand in cs_plan"]
    assert (plan.is_empty, plan.questions) == (True, ())

    there.install()
    mark = there.sandbox.mark()
    there.look_at_all()
    there.settle()
    assert [one for one in there.sandbox.requests(mark) if one["written"]] == []
    assert pinned_homes(there.ws.installation.settings) == plan.homes


def test_scopes_that_go_away_later_do_not_move_records(lite: Deployment, office: OPEN) -> None:
    """Records stand in objects; without the custom scopes a plan asks, and names the scopes."""
    there = office(lite, HUBSPOT, three_customers()).install()
    granted = [one for one in there.sandbox.get("portal")["scopes"] if ".custom." not in one]
    there.sandbox.post("portal", {"scopes": granted})
    plan = plan_install(there.ws)
    assert plan.homes.of == OBJECTS
    assert any("crm.schemas.custom.read" in note for note in plan.notes)
    (question,) = plan.questions
    assert (
        question
        == "4 custom objects are needed (cs_profile, cs_plan, cs_milestone, cs_snapshot) and 0 are left"
    )


def test_an_install_broken_off_after_its_objects_chooses_the_same_homes(
    lite: Deployment, office: OPEN
) -> None:
    """Two objects were made and the rest was refused: being ours, they need no room the next time."""
    there = office(lite, HUBSPOT, three_customers(), "--custom-objects", "2")
    there.sandbox.fault(
        "status", "/properties/2026-09/companies/batch/create", status=403, body={"message": "no"}
    )
    with pytest.raises(AssertionError):
        there.install()
    assert pinned_homes(there.ws.installation.settings) is None
    there.install()
    homes = there.ws.homes.of
    assert homes == {**OBJECTS, RecordKind.MILESTONE: Home.TASK, RecordKind.SNAPSHOT: Home.MIRROR}
    assert plan_install(there.ws).is_empty


def test_the_charters_priority_decides_who_gets_the_last_object(
    lite: Deployment, start: Callable[..., Sandbox], tmp_path: Path
) -> None:
    """Milestones first: they are the object, linked to companies alone, as plans have none."""
    charter = load_charter(with_homes(tmp_path, "        priority: [milestone, profile]\n"), HUBSPOT)
    sandbox = start(HUBSPOT, three_customers(), "--custom-objects", "1")
    lite.sandboxes.append(sandbox)
    lite.at(lite.now)
    there = Office(lite, sandbox).connect(charter).install()
    there.load()
    there.use(daily_use("birch", CHRISTMAS, 21, 4, 2))
    there.drain()
    there.go_live().settle()
    assert there.ws.homes.of == {**LITE, RecordKind.MILESTONE: Home.OBJECT}
    ends = [one["associations"] for one in sandbox.records(there.own("milestone"))]
    birch = sandbox.lookup("account:birch")
    assert [{name: {to["id"] for to in end["results"]} for name, end in one.items()} for one in ends] == [
        {"companies": {birch}}
    ] * 4
    assert sandbox.records("tasks") == []


def test_a_customer_who_wants_no_tasks_has_milestones_counted_only(
    lite: Deployment, start: Callable[..., Sandbox], tmp_path: Path
) -> None:
    """Without tasks milestones are known here only; the plan on the company still counts them."""
    charter = load_charter(with_homes(tmp_path, "        without: [task]\n"), HUBSPOT)
    sandbox = start(HUBSPOT, three_customers(), "--tier", "starter")
    lite.sandboxes.append(sandbox)
    lite.at(lite.now)
    there = Office(lite, sandbox).connect(charter).install()
    there.load()
    there.use(daily_use("birch", CHRISTMAS, 21, 4, 2))
    there.drain()
    there.go_live().settle()
    assert there.ws.homes.of[RecordKind.MILESTONE] is Home.MIRROR
    assert sandbox.records("tasks") == []
    birch = sandbox.lookup("account:birch")
    (company,) = [one["properties"] for one in sandbox.records("companies") if one["id"] == birch]
    assert (company["cs_plan_milestones_total"], company["cs_plan_milestones_done"]) == ("4", "3")


def test_salesforce_keeps_an_object_for_every_kind(lite: Deployment, office: OPEN) -> None:
    """Nothing stands elsewhere, and nothing is told but what the org says of itself."""
    there = office(lite, SALESFORCE, three_customers())
    plan = plan_install(there.ws)
    assert (plan.homes.of, plan.notes) == (OBJECTS, plan.description.notes)
    there.install()
    assert there.ws.homes.of == OBJECTS


def test_an_installation_from_before_homes_stands_in_objects(lite: Deployment, office: OPEN) -> None:
    """It went live with objects: a plan keeps them though nothing was settled then."""
    there = office(lite, HUBSPOT, three_customers()).install()
    there.load()
    there.go_live()
    settings = json.loads(json.dumps(dict(there.ws.installation.settings)))
    before = pinned_homes({name: value for name, value in settings.items() if name != "homes"})
    assert before is not None
    kept = {**before.of, RecordKind.SNAPSHOT: Home.OBJECT}
    assert replace(before, of=kept) == replace(there.ws.homes, plan_stages=None, openings={})


@pytest.mark.parametrize(("left", "home"), [("4", Home.OBJECT), ("3", Home.MIRROR)])
def test_a_kind_that_comes_with_a_later_program_gets_its_home_at_the_next_install(
    lite: Deployment, office: OPEN, left: str, home: Home
) -> None:
    """Snapshots came later: nothing of them is written until an install has made room, or found none."""
    there = office(lite, HUBSPOT, three_customers(), "--custom-objects", left)
    before = OBJECTS_OF_OLD
    pin_homes(lite.runtime, there.id, before)
    assert there.ws.homes.of[RecordKind.SNAPSHOT] is Home.MIRROR
    plan = plan_install(there.ws)
    assert plan.homes.of[RecordKind.SNAPSHOT] is home
    assert {kind: plan.homes.of[kind] for kind in before.of} == before.of
    there.install()
    assert there.ws.homes.of[RecordKind.SNAPSHOT] is home


def test_a_charter_with_another_priority_moves_nothing_either(
    lite: Deployment, office: OPEN, tmp_path: Path
) -> None:
    """The charter's order is for portals to come; here records stay where an install has put them."""
    there = office(lite, HUBSPOT, three_customers()).install()
    charter = load_charter(with_homes(tmp_path, "        priority: []\n"), HUBSPOT)
    apply_charter(lite.runtime, there.id, charter, author="test")
    assert plan_install(there.ws).homes.of == OBJECTS
