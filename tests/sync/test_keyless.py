"""Rows without a unique key stand once, whatever is lost: the ledger, and the parents' children, tell.

On a Professional portal milestones are tasks, which have no property of ours. Neighbours:
``test_keyless_deals``, and ``test_tasks_of_people`` for what people do with them.
"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from integration.port import Unavailable
from sandbox.hubspot.access import STANDARD_SCOPES
from sync import push as pushing
from sync.state import ledger
from sync.state.engine import writing
from sync.state.ledger import WriteState
from tests.sync.harness import HUBSPOT, Deployment, Office
from tests.sync.portfolios import Book, three_customers

OPEN = Callable[..., Office]
LITE = ("--tier", "professional")
CREATE_TASKS = "/0-27/batch/create"
POSITIONS = ("breadth", "first_use", "half_the_seats", "regular_use")
RENEWAL = "renewal:l-a1:1"


def decided(deployed: Deployment, office: OPEN, *options: str) -> Office:
    """Return a lite installation whose looks are done and whose writes all wait."""
    there = office(deployed, HUBSPOT, three_customers(), *(options or LITE)).install()
    there.load()
    there.go_live().look()
    return there


def keys(there: Office) -> list[str]:
    """Return the keys of Birch's four milestones."""
    birch = there.sandbox.lookup("account:birch")
    return [f"milestone:{birch}:onboarding:1:{position}" for position in POSITIONS]


def tasks_by_key(there: Office) -> Counter[str]:
    """Return how many tasks of the portal name each key in their notes."""
    notes = [one["properties"]["hs_task_body"] for one in there.sandbox.records("tasks")]
    return Counter(text.partition("[cs_key ")[2].partition("]")[0] for text in notes)


def each_once(there: Office) -> None:
    """Check that each milestone stands as one task, linked to Birch, and that the ledger knows its id."""
    assert tasks_by_key(there) == Counter(keys(there))
    birch = there.sandbox.lookup("account:birch")
    ids = set()
    for task in there.sandbox.records("tasks"):
        assert [end["id"] for end in task["associations"]["companies"]["results"]] == [birch]
        ids.add(task["id"])
    rows = [there.row("tasks", key) for key in keys(there)]
    assert {row.state for row in rows} == {WriteState.ACKNOWLEDGED}
    assert {row.record_id for row in rows} == ids


def created(there: Office, mark: int, path: str = CREATE_TASKS) -> list[dict[str, Any]]:
    """Return the creates asked of the portal since a place in its log."""
    return [one for one in there.sandbox.requests(mark) if path in one["path"]]


@pytest.mark.usefixtures("one_try")
def test_a_create_whose_answer_was_lost_is_found_under_its_company(both: Deployment, office: OPEN) -> None:
    """All four tasks were made and nobody heard: the next push finds them and makes none."""
    there = decided(both, office)
    there.sandbox.fault("drop_response", CREATE_TASKS)
    with pytest.raises(Unavailable):
        there.push()
    assert {there.row("tasks", key).record_id for key in keys(there)} == {None}
    assert tasks_by_key(there) == Counter(keys(there))

    both.later(seconds=10)
    mark = there.sandbox.mark()
    there.push()
    each_once(there)
    assert created(there, mark) == []
    both.later(days=1)
    mark = there.sandbox.mark()
    there.push()
    assert there.sandbox.requests(mark) == []


def test_a_lost_create_is_not_sent_again_by_the_transport(lite: Deployment, office: OPEN) -> None:
    """Reads and upserts are tried again within a call; a create without a key is asked for once."""
    there = decided(lite, office)
    there.sandbox.fault("drop_response", CREATE_TASKS)
    mark = there.sandbox.mark()
    with pytest.raises(Unavailable):
        there.push()
    assert len(created(there, mark)) == 1


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_an_unclear_error_is_treated_as_a_lost_answer(lite: Deployment, office: OPEN, status: int) -> None:
    """A gateway's error may hide a create that was done: it is looked for before it is made."""
    there = decided(lite, office)
    there.sandbox.fault("status", CREATE_TASKS, status=status)
    mark = there.sandbox.mark()
    with pytest.raises(Unavailable):
        there.push()
    assert len(created(there, mark)) == 1
    lite.later(minutes=21)
    there.push()
    each_once(there)


def test_a_clear_refusal_to_do_it_now_is_tried_again_at_once(lite: Deployment, office: OPEN) -> None:
    """429 says that nothing was done: the same push makes the tasks a moment later."""
    there = decided(lite, office)
    body = {"status": "error", "errorType": "RATE_LIMIT", "policyName": "SECONDLY", "message": "limit"}
    there.sandbox.fault("status", CREATE_TASKS, status=429, body=body)
    there.push()
    each_once(there)


@pytest.mark.usefixtures("one_try")
def test_a_create_that_may_still_land_is_waited_for(lite: Deployment, office: OPEN) -> None:
    """The connection broke before the work: the tasks, not found, are made only twenty minutes later."""
    there = decided(lite, office)
    there.sandbox.fault("reset", CREATE_TASKS)
    with pytest.raises(Unavailable):
        there.push()
    lite.later(seconds=10)
    mark = there.sandbox.mark()
    assert there.push().put_off == len(POSITIONS)
    assert created(there, mark) == []
    lite.later(minutes=19, seconds=49)
    there.push()
    assert created(there, mark) == []
    lite.later(seconds=2)
    there.push()
    each_once(there)


@pytest.mark.usefixtures("one_try")
def test_a_create_that_lands_late_is_found(lite: Deployment, office: OPEN) -> None:
    """HubSpot does the work after we gave up on it: what a late create made is taken as ours."""
    there = decided(lite, office)
    there.sandbox.fault("reset", CREATE_TASKS)
    with pytest.raises(Unavailable):
        there.push()
    lite.later(seconds=10)
    there.push()
    asked = there.sandbox.requests()[-1]  # settled by reading Birch's tasks: there are none yet
    assert "associations" in asked["path"]
    late_create(there)
    lite.later(minutes=21)
    mark = there.sandbox.mark()
    there.push()
    each_once(there)
    assert created(there, mark) == []


def late_create(there: Office) -> None:
    """Make the four tasks as HubSpot would have, from what the ledger had sent."""
    birch = there.sandbox.lookup("account:birch")
    inputs = [
        {
            "properties": {**there.row("tasks", key).seed, **there.row("tasks", key).desired},
            "associations": [
                {
                    "to": {"id": birch},
                    "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 192}],
                }
            ],
        }
        for key in keys(there)
    ]
    answer = requests.post(
        f"{there.sandbox.url}/crm/objects/2026-09/tasks/batch/create",
        json={"inputs": inputs},
        headers={"Authorization": f"Bearer {there.sandbox.credentials()['token']}"},
        timeout=30,
    )
    assert answer.status_code == 201, answer.text


KILLED = """
import os, signal, sys
from datetime import datetime
from pathlib import Path
from sync import push as pushing
from sync.config import read_settings
from sync.runtime import open_runtime
from sync.workspace import open_workspace

pushing.enter = lambda *args: (
    os.kill(os.getpid(), signal.SIGKILL) if args[1][0].row.object == sys.argv[2] else enter(*args)
)
""".replace("pushing.enter =", "enter = pushing.enter\npushing.enter =")
KILLED += """
pushing.push(open_workspace(open_runtime(read_settings()), sys.argv[1]), "doomed")
"""


def test_a_push_killed_between_the_create_and_its_acknowledgement(both: Deployment, office: OPEN) -> None:
    """Kill -9 right after the call: once the lease is over the tasks are found, and made no second time."""
    there = decided(both, office)
    settings = both.runtime.settings
    env = {
        "CS_HOME": str(settings.home),
        "DATABASE_URL": there.engine.url.render_as_string(hide_password=False),
        "REDIS_URL": settings.redis_url,
        "CS_SECRET_KEYS": settings.secret_keys.get_secret_value(),
    }
    killed = subprocess.run([sys.executable, "-c", KILLED, there.id, "tasks"], env=env, check=False)
    assert killed.returncode == -9
    assert tasks_by_key(there) == Counter(keys(there))
    assert {there.row("tasks", key).state for key in keys(there)} == {WriteState.SENT}

    there.push()  # the dead push still holds its lease
    assert {there.row("tasks", key).record_id for key in keys(there)} == {None}
    both.later(seconds=pushing.LEASE_S + 1)
    mark = there.sandbox.mark()
    there.push()
    each_once(there)
    assert created(there, mark) == []


def test_pushes_at_the_same_time_make_each_task_once(both: Deployment, office: OPEN) -> None:
    """Four pushes of one installation start together."""
    there = decided(both, office)
    spaces = [there.ws for _ in range(4)]
    with ThreadPoolExecutor(len(spaces)) as pool:
        done = list(
            pool.map(lambda number: pushing.push(spaces[number], f"push-{number}"), range(len(spaces)))
        )
    assert sum(one.blocked + one.put_off for one in done) == 0
    each_once(there)


def test_a_push_frozen_before_its_call_takes_back_what_was_made_meanwhile(
    both: Deployment, office: OPEN, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It wakes half an hour after its mark, when another push has made the tasks: one of each is left."""
    there = decided(both, office)
    frozen = there.ws
    create = frozen.port.create

    def wake_late(object_name: str, rows: Any) -> Any:
        monkeypatch.setattr(frozen.port, "create", create)
        both.later(minutes=30)
        assert pushing.push(there.ws, "another").written >= len(POSITIONS)
        return create(object_name, rows)

    monkeypatch.setattr(frozen.port, "create", wake_late)
    mark = there.sandbox.mark()
    pushing.push(frozen, "frozen")
    assert len(created(there, mark)) == 2
    each_once(there)
    both.later(days=1)
    there.look_at_all()
    there.settle()
    each_once(there)


@pytest.mark.usefixtures("one_try")
def test_a_tasks_own_note_naming_no_key_is_left_alone(lite: Deployment, office: OPEN) -> None:
    """A person's task on the same company, of the same title, is not taken for ours."""
    there = decided(lite, office)
    birch = there.sandbox.lookup("account:birch")
    values = {"hs_timestamp": "2025-01-20T12:00:00Z", "hs_task_subject": "First use", "hs_task_body": "mine"}
    theirs = there.sandbox.edit("tasks", None, values, associations=[{"object": "companies", "id": birch}])
    there.sandbox.fault("drop_response", CREATE_TASKS)
    with pytest.raises(Unavailable):
        there.push()
    lite.later(minutes=21)
    there.push()
    assert len(there.sandbox.records("tasks")) == len(POSITIONS) + 1
    assert theirs not in {there.row("tasks", key).record_id for key in keys(there)}


def test_a_grant_without_the_scope_for_tasks_is_told_by_name(lite: Deployment, office: OPEN) -> None:
    """Milestones wait as blocked writes that name the scope; everything else is written."""
    granted = " ".join(scope for scope in STANDARD_SCOPES if scope != "crm.objects.contacts.write")
    there = decided(lite, office, "--scopes", granted)
    there.push()
    assert sorted(row.key for row in there.blocked()) == keys(there)
    assert all("crm.objects.contacts.write" in str(row.error_message) for row in there.blocked())
    assert list(there.written("deals")) == [RENEWAL]
    there.sandbox.post("portal", {"scopes": list(STANDARD_SCOPES)})
    with writing(there.engine) as conn:
        ledger.reopen(conn, there.id, "tasks", keys(there))
    there.push()
    each_once(there)


def test_many_milestones_are_made_by_the_hundred_and_linked_on_the_way(
    lite: Deployment, office: OPEN
) -> None:
    """130 new customers: 520 tasks in six calls, 130 companies in two, and not one call more."""
    book = Book()
    for number in range(130):
        book.account(f"a{number:03}", f"Account {number}")
        book.sold(f"a{number:03}", f"r{number:03}", "2024-12-01", None, "1200")
    there = office(lite, HUBSPOT, book, *LITE).install()
    there.load()
    there.go_live().look()
    mark = there.sandbox.mark()
    done = there.push()
    calls = Counter(one["path"].rpartition("2026-09")[2] for one in there.sandbox.requests(mark))
    assert calls == {"/companies/batch/update": 2, CREATE_TASKS: 6}
    assert done.written == 130 + 520
    assert len(there.sandbox.records("tasks")) == 520
