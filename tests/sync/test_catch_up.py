"""Each object is read again as soon as its charter promises, ours too, in as few calls as that takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest

from mappings.freshness import FreshnessEntry
from sync import jobs
from sync.bell import Lane
from sync.catch_up import KINDS, catch_up, next_task
from sync.onboard import apply_charter
from sync.scheduler import sweep
from sync.state import due, installations
from sync.state.engine import reading, writing
from sync.state.installations import Status
from sync.state.ledger import WriteState
from sync.worker import run_worker
from tests.sync.harness import HUBSPOT, SALESFORCE, Deployment, Office
from tests.sync.portfolios import three_customers

OPEN = Callable[..., Office]
VENDORS = pytest.mark.parametrize("vendor", [HUBSPOT, SALESFORCE])
STAGE = {HUBSPOT: "cs_stage", SALESFORCE: "CS_Stage__c"}


def live(deployed: Deployment, office: OPEN, vendor: str = HUBSPOT) -> Office:
    """Return an installation after its first run and the first time everything was caught up with."""
    there = office(deployed, vendor, three_customers()).install()
    there.load()
    there.go_live().settle()
    return there


def caught_up(there: Office, **span: float) -> int:
    """Let time pass and do what is due; return how many tasks that was."""
    there.deployment.later(**span)
    return catch_up(there.ws, there.owner) or 0


def asked(there: Office, mark: int) -> Counter[str]:
    """Return the calls since a mark by address, each a search where nothing changed."""
    paths = [one["path"].partition("/2026-09/")[2] for one in there.sandbox.requests(mark)]
    return Counter(paths)


def test_an_unchanged_portal_is_one_search_an_object_and_task(lite: Deployment, office: OPEN) -> None:
    """Polls every quarter of an hour, censuses every hour; our own objects hourly and every four hours."""
    there = live(lite, office)
    caught_up(there, hours=4)  # what we wrote is read once
    there.settle()
    mark = there.sandbox.mark()
    assert caught_up(there, minutes=14) == 0
    assert caught_up(there, minutes=1) == 4
    read = ("companies", "deals", "0-8", "tickets")
    assert asked(there, mark) == {f"{name}/search": 1 for name in read}
    mark = there.sandbox.mark()
    assert caught_up(there, minutes=45) == 4 + 4 + 3
    own = [there.own(kind) for kind in ("profile", "plan", "milestone")]
    times = {f"{name}/search": 2 for name in read[:3]} | {f"{name}/search": 1 for name in ["tickets", *own]}
    assert asked(there, mark) == times  # without a ticket there is nobody to count
    assert there.waiting_accounts() == 0
    there.push()
    assert [one for one in there.sandbox.requests(mark) if one["written"]] == []


def test_no_more_is_held_than_is_done(lite: Deployment, office: OPEN) -> None:
    """An hour's tasks are taken one at a time: changes come first, and nobody holds those that wait."""
    there = live(lite, office)
    lite.later(hours=1)
    with reading(there.engine) as conn:
        waiting = due.names(conn, there.id, lite.now, KINDS)
    first = next_task(there.ws, there.owner)
    assert first is not None
    assert first.task == "poll companies"
    with reading(there.engine) as conn:
        assert sorted([first.task, *due.names(conn, there.id, lite.now, KINDS)]) == sorted(waiting)


@VENDORS
def test_what_people_edit_in_our_records_is_put_right_once(
    both: Deployment, office: OPEN, vendor: str
) -> None:
    """A field of a profile is rewritten; changed again within a day it is blocked and left alone."""
    there, field = live(both, office, vendor), STAGE[vendor]
    profiles = there.own("profile")
    key, held = next((key, one) for key, one in there.written(profiles).items() if one[field] == "customer")
    record = held["_record"]
    record_id = str(record.get("id") or record["Id"])
    caught_up(there, hours=1)
    there.settle()
    both.later(minutes=10)
    there.sandbox.edit(profiles, record_id, {field: "churned"})
    assert caught_up(there, minutes=50) > 0
    there.push()
    assert there.written(profiles)[key][field] == "customer"
    both.later(minutes=10)
    there.sandbox.edit(profiles, record_id, {field: "churned"})
    caught_up(there, minutes=50)
    there.push()
    assert there.written(profiles)[key][field] == "churned"
    (row,) = there.blocked()
    assert (row.key, row.error_code) == (key, "CHANGED_BY_OTHERS")


def test_a_profile_somebody_deleted_stays_deleted(both: Deployment, office: OPEN) -> None:
    """The census finds it gone; like a deleted renewal it is not made again."""
    there = live(both, office)
    caught_up(there, hours=4)
    profiles = there.own("profile")
    key, held = next(iter(there.written(profiles).items()))
    there.sandbox.edit(profiles, held["_record"]["id"], {}, delete=True)
    caught_up(there, hours=4)
    there.look_at_all()
    there.settle()
    assert there.row("cs_profile", key).state is WriteState.TOMBSTONE
    assert key not in there.written(profiles)
    assert len(there.written(profiles)) == 2


def test_a_charter_promises_each_object_its_own(lite: Deployment, office: OPEN) -> None:
    """Sooner from the moment it is applied; later where pushes come anyway."""
    there = live(lite, office)
    charter = there.ws.charter
    hubspot = charter.crm_for(HUBSPOT)
    said = {
        "companies": FreshnessEntry(changes=5),
        "deals": FreshnessEntry(changes=240, deletions=480),
        "profile": FreshnessEntry(changes=30),
    }
    crm = charter.crm.model_copy(update={"hubspot": hubspot.model_copy(update={"freshness": said})})
    apply_charter(lite.runtime, there.id, charter.model_copy(update={"crm": crm}), author="test")
    with reading(there.engine) as conn:
        times = due.schedule(conn, there.id)
    now, wanted = lite.now, {"poll companies": 5, "poll cs_profile": 30, "poll tickets": 15}
    assert {name: times[name] for name in wanted} == {
        name: now + timedelta(minutes=minutes) for name, minutes in wanted.items()
    }
    caught_up(there, hours=1)
    with reading(there.engine) as conn:
        times = due.schedule(conn, there.id)
    assert times["poll deals"] - times["poll companies"] > timedelta(hours=3)


def test_one_who_is_stopped_is_not_rung_for(
    both: Deployment, office: OPEN, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without consent nothing is asked for; connected again, what is due is done by one bell."""
    monkeypatch.setattr(jobs, "process_runtime", lambda: both.runtime)
    there = live(both, office)
    with writing(there.engine) as conn:
        installations.set_status(conn, there.id, Status.NEEDS_CONSENT)
    both.later(hours=1)
    assert sweep(both.runtime) == 0
    with writing(there.engine) as conn:
        installations.set_status(conn, there.id, Status.ACTIVE)
    assert sweep(both.runtime) == 1
    mark = there.sandbox.mark()
    run_worker(both.runtime.redis, Lane.FAST, until_idle=True)
    assert there.sandbox.requests(mark)
    assert sweep(both.runtime) == 0


def test_what_a_portal_refuses_holds_up_nothing_else(lite: Deployment, office: OPEN) -> None:
    """Tickets without their scope are kept with HubSpot's words until their next time; the rest is read."""
    there = live(lite, office)
    caught_up(there, hours=4)
    body = {"status": "error", "category": "MISSING_SCOPES", "message": "no tickets"}
    there.sandbox.fault("status", "/tickets/search", 1, status=403, body=body)
    mark = there.sandbox.mark()
    assert caught_up(there, minutes=15) == 4
    assert len(asked(there, mark)) == 4
    with reading(there.engine) as conn:
        assert due.schedule(conn, there.id)["poll tickets"] == lite.now + timedelta(minutes=15)


def test_an_outage_gives_back_what_was_not_done(lite: Deployment, office: OPEN, one_try: None) -> None:
    """All is due again a minute later, nothing is skipped."""
    there = live(lite, office)
    there.sandbox.fault("status", "/companies/search", 1, status=503)
    with pytest.raises(Exception, match="503"):
        caught_up(there, minutes=15)
    with reading(there.engine) as conn:
        assert due.unheld(conn, lite.now, KINDS) == frozenset()
    assert caught_up(there, minutes=1) == 4


def test_a_change_search_did_not_show_yet_is_read_by_the_next_poll(lite: Deployment, office: OPEN) -> None:
    """The index lags: the poll after the change is answered without it, and the next reaches back for it."""
    there = live(lite, office)
    caught_up(there, hours=4)
    there.settle()
    lite.later(minutes=14)
    there.sandbox.edit("deals", there.sandbox.lookup("deal:d-b1"), {"dealname": "Late"})
    there.sandbox.fault("status", "/deals/search", 1, status=200, body={"total": 0, "results": []})
    caught_up(there, minutes=1)
    assert there.waiting_accounts() == 0
    caught_up(there, minutes=15)
    assert there.waiting_accounts() == 1
