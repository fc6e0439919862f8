"""The nightly compare finds what neither polls nor a census can see, and costs the least it can."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from sync import pull
from sync.bell import Lane
from sync.catch_up import catch_up
from sync.commands.look_matters import of_compares
from sync.compare import COMPARE, Compared, compare, compare_object, plan_compares
from sync.keep import own_objects
from sync.mended import retry_blocked
from sync.scheduler import turn
from sync.state import due, ledger
from sync.state.engine import reading, writing
from sync.state.leases import next_fence
from sync.state.ledger import WantedRow
from tests.sync.harness import HUBSPOT, SALESFORCE, Deployment, Office
from tests.sync.portfolios import three_customers

OPEN = Callable[..., Office]
VENDORS = pytest.mark.parametrize("vendor", [HUBSPOT, SALESFORCE])
THREE = datetime(2025, 1, 16, 3, tzinfo=UTC)


def live(lite: Deployment, office: OPEN, vendor: str) -> Office:
    """Return an installation all of whose records have been written and read again since."""
    there = office(lite, vendor, three_customers()).install()
    there.load()
    there.go_live().settle()
    lite.later(hours=5)
    while catch_up(there.ws, "w") is not None:
        pass
    there.settle()
    return there


def changed_unseen(there: Office, key: str) -> str:
    """Have a person change a profile's band with a time older than the polls' place; return its id."""
    deployed, now = there.deployment, there.deployment.now
    field = "CS_Band__c" if there.sandbox.vendor == SALESFORCE else "cs_band"
    found = there.written(there.own("profile"))[key]["_record"]
    record = str(found.get("Id") or found["id"])
    deployed.at(now - timedelta(minutes=59))
    there.sandbox.edit(there.own("profile"), record, {field: "red"})
    deployed.at(now)
    return record


def band(there: Office, key: str) -> str:
    """Return the band on a profile in the CRM."""
    profile = there.written(there.own("profile"))[key]
    return str(profile.get("CS_Band__c") or profile.get("cs_band"))


def own(there: Office) -> str:
    """Return the product's own name of the profile's object."""
    return next(name for name in own_objects(there.ws) if name.lower().startswith("cs_profile"))


@VENDORS
def test_what_was_changed_with_an_older_time_is_found_and_rewritten(
    lite: Deployment, office: OPEN, vendor: str
) -> None:
    """A poll and a census pass it by; the compare sees one of three, and the push brings it back."""
    there = live(lite, office, vendor)
    key = min(there.written(there.own("profile")))
    before = band(there, key)
    changed_unseen(there, key)
    lite.later(hours=5)
    while catch_up(there.ws, "w") is not None:
        pass
    pull.poll(there.ws)
    there.settle()
    assert band(there, key) == "red"
    mark = there.sandbox.mark()
    found = compare_object(there.ws, own(there))
    assert (found.records, found.differed, found.missing) == (3, 1, 0)
    assert len(there.sandbox.requests(mark)) == 1
    there.settle()
    assert band(there, key) == before
    again = compare_object(there.ws, own(there))
    assert (again.records, again.differed) == (3, 0)


@VENDORS
def test_nothing_differs_where_nobody_changed_anything(lite: Deployment, office: OPEN, vendor: str) -> None:
    """After a first run every object of ours is as we wrote it, in the form the CRM keeps."""
    there = live(lite, office, vendor)
    with writing(there.engine) as conn:
        plan_compares(conn, there.ws)  # as the scheduler does with each new day
    lite.at(THREE)
    mark, found = there.sandbox.mark(), list[Compared]()
    while (one := compare(there.ws, "w")) is not None:
        found.append(one)
    assert sum(one.records for one in found) == sum(count for (_, _), count in there.states().items())
    assert [(one.differed, one.missing) for one in found if one.differed or one.missing] == []
    assert {one["method"] for one in there.sandbox.requests(mark)} <= {"GET", "POST"}
    there.settle()
    told = of_compares(there.ws)
    assert len(told) == len(found)
    assert all("0 differed" in one.matter and "2025-01-16 03:00 UTC" in one.matter for one in told)


def test_a_record_that_is_gone_goes_the_way_of_a_census(lite: Deployment, office: OPEN) -> None:
    """A renewal deleted while nobody told is missing to the compare, and buried by the census it calls."""
    there = live(lite, office, HUBSPOT)
    (deal,) = [one["_record"]["id"] for one in there.written("deals").values()]
    there.sandbox.edit("deals", str(deal), {}, delete=True)
    lite.later(minutes=10)
    assert compare_object(there.ws, "deals").missing == 1
    lite.later(minutes=10)
    there.poll()
    compare_object(there.ws, "deals")  # what a census leaves open for a moment is settled by the next
    assert compare_object(there.ws, "deals") == Compared()


def test_it_is_due_at_three_once_a_night_in_the_lane_that_waits(lite: Deployment, office: OPEN) -> None:
    """Its bells ring on the bulk lane only; done, it is due again the next night."""
    there = live(lite, office, HUBSPOT)
    with reading(there.engine) as conn:
        times = {at for task, at in due.schedule(conn, there.id).items() if task.startswith(COMPARE)}
    assert times == {THREE}
    lite.at(THREE + timedelta(minutes=1))
    turn(lite.runtime)
    waiting = [key.decode() for key in lite.runtime.redis.keys("colonnade:*:bell:*:compare")]
    assert [key.split(":")[3] for key in waiting] == [Lane.BULK.value]
    while compare(there.ws, "w") is not None:
        pass
    assert compare(there.ws, "w") is None
    lite.at(THREE + timedelta(hours=21, minutes=1))
    turn(lite.runtime)
    with reading(there.engine) as conn:
        times = {at for task, at in due.schedule(conn, there.id).items() if task.startswith(COMPARE)}
    assert times == {THREE + timedelta(days=1)}


@VENDORS
def test_a_value_somebody_insists_on_is_left_for_days_while_other_fields_are_written(
    lite: Deployment, office: OPEN, vendor: str
) -> None:
    """Written over once, brought back: blocked, though others are written each day, and all compared."""
    there = live(lite, office, vendor)
    key = min(there.written(there.own("profile")))
    for _ in range(2):
        lite.later(minutes=10)
        band_set(there, key, "red")
        lite.later(hours=1)
        while catch_up(there.ws, "w") is not None:
            pass
        there.settle()
    assert [(row.key, row.error_code) for row in there.blocked()] == [(key, "CHANGED_BY_OTHERS")]
    for day in range(3):
        other_wanted(there, key, f"sentence of day {day}")
        there.push()
        assert sentence(there, key) == f"sentence of day {day}"
        lite.later(days=1)
        compare_object(there.ws, own(there))
        while catch_up(there.ws, "w") is not None:
            pass
        there.push()
        assert band(there, key) == "red"
        assert [(row.key, row.error_code) for row in there.blocked()] == [(key, "CHANGED_BY_OTHERS")]
    assert retry_blocked(there.ws) == 1
    there.push()
    assert (band(there, key) == "red", there.blocked()) == (False, [])


def band_set(there: Office, key: str, value: str) -> None:
    """Have a person set a profile's band."""
    field = "CS_Band__c" if there.sandbox.vendor == SALESFORCE else "cs_band"
    found = there.written(there.own("profile"))[key]["_record"]
    there.sandbox.edit(there.own("profile"), str(found.get("Id") or found["id"]), {field: value})


def sentence_field(there: Office) -> str:
    """Return the name of a text of ours on a profile."""
    return "CS_Explanation__c" if there.sandbox.vendor == SALESFORCE else "cs_explanation"


def sentence(there: Office, key: str) -> str:
    """Return that text as it stands in the CRM."""
    return str(there.written(there.own("profile"))[key][sentence_field(there)])


def other_wanted(there: Office, key: str, text: str) -> None:
    """Have another field of a profile wanted otherwise, as a look does."""
    row = there.row(own(there), key)
    desired = {**row.desired, sentence_field(there): text}
    wanted = WantedRow(
        row.object, key, row.account_id, row.kind, desired, row.seed, row.parents, row.parent_keys
    )
    with writing(there.engine) as conn:
        fence = next_fence(conn, there.id)
        assert ledger.want(conn, there.id, there.deployment.now, [wanted], fence).changed == 1
