"""A milestone's task is a person's: completed, postponed, annotated or deleted, it is not fought over."""

from __future__ import annotations

from typing import Any

import pytest

from integration.port import Unavailable
from sync.state.ledger import WriteState
from tests.sync.harness import Deployment, Office, daily_use
from tests.sync.test_keyless import CREATE_TASKS, OPEN, POSITIONS, decided, each_once, keys


def task_of(there: Office, position: str) -> dict[str, Any]:
    """Return the properties of a milestone's task."""
    (found,) = [
        one
        for one in there.sandbox.records("tasks")
        if f"onboarding:1:{position}]" in (one["properties"]["hs_task_body"] or "")
    ]
    return {**found["properties"], "id": found["id"]}


def test_a_person_who_completes_a_task_is_not_fought(lite: Deployment, office: OPEN) -> None:
    """The task stays completed; the milestone is still open on the plan until its evidence is there."""
    there = decided(lite, office)
    there.push()
    there.sandbox.edit("tasks", task_of(there, "breadth")["id"], {"hs_task_status": "COMPLETED"})
    for _ in range(3):
        lite.later(days=1)
        there.poll()
        there.look_at_all()
        there.settle()
    assert task_of(there, "breadth")["hs_task_status"] == "COMPLETED"
    birch = there.sandbox.lookup("account:birch")
    (company,) = [one for one in there.sandbox.records("companies") if one["id"] == birch]
    assert company["properties"]["cs_plan_milestones_done"] == "0"


@pytest.mark.usefixtures("one_try")
def test_a_task_completed_before_we_knew_of_it_stays_completed(lite: Deployment, office: OPEN) -> None:
    """The create's answer is lost, a person completes the task, the next push finds it and lets it be."""
    there = decided(lite, office)
    there.sandbox.fault("drop_response", CREATE_TASKS)
    with pytest.raises(Unavailable):
        there.push()
    there.sandbox.edit("tasks", task_of(there, "breadth")["id"], {"hs_task_status": "COMPLETED"})
    lite.later(minutes=21)
    there.push()
    each_once(there)
    assert task_of(there, "breadth")["hs_task_status"] == "COMPLETED"


def test_a_reached_milestone_completes_its_task_and_leaves_peoples_words(
    lite: Deployment, office: OPEN
) -> None:
    """Notes, title, day, owner and kind that a person changed stand; only the status becomes ours, once."""
    there = decided(lite, office)
    there.push()
    changed = {
        "hs_task_subject": "Call them about first use",
        "hs_task_body": f"Spoke to Kim. {task_of(there, 'first_use')['hs_task_body']}",
        "hs_timestamp": "2025-02-01T08:00:00Z",
        "hs_task_type": "CALL",
        "hs_task_status": "WAITING",
    }
    there.sandbox.edit("tasks", task_of(there, "first_use")["id"], changed)
    lite.later(days=1)
    there.use(daily_use("birch", lite.now, 1, 1))
    there.settle()
    found = task_of(there, "first_use")
    assert {name: found[name] for name in changed} == {**changed, "hs_task_status": "COMPLETED"}


def test_a_task_a_person_deleted_stays_deleted(lite: Deployment, office: OPEN) -> None:
    """The milestone is reached later: nothing is made again and nobody is asked to mend anything."""
    there = decided(lite, office)
    there.push()
    (first_use,) = [key for key in keys(there) if key.endswith("first_use")]
    there.sandbox.edit("tasks", task_of(there, "first_use")["id"], {}, delete=True)
    lite.later(days=1)
    there.use(daily_use("birch", lite.now, 1, 1))
    there.settle()
    assert there.row("tasks", first_use).state is WriteState.TOMBSTONE
    assert there.blocked() == []
    lite.later(days=1)
    there.look_at_all()
    there.settle()
    assert len(there.sandbox.records("tasks")) == len(POSITIONS) - 1
