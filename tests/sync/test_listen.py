"""Changes of an org are heard over a real stream, kept before the place behind them, and never believed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import requests

from integration.listening import PlaceLost
from sync.listen import DEAF, PLACE
from sync.state import cursors, due, findings
from sync.state.cursors import Cursor, Phase
from sync.state.engine import reading, writing
from sync.state.leases import Lease
from tests.sync.harness import Deployment, Office
from tests.sync.listening import Ear, deploy_channel, ear

OPEN = Callable[..., Office]
POLLS = ["poll Account", "poll Case", "poll Opportunity", "poll OpportunityLineItem"]


def drained(there: Ear) -> tuple[int, int, int]:
    """Work in the hints; return events, echoes and records read."""
    found = there.office.drain()
    return sum(one.events for one in found), sum(one.echoes for one in found), sum(one.read for one in found)


def test_whoever_begins_to_listen_polls_everything_once(lite: Deployment, office: OPEN) -> None:
    """What changed before the stream stood is read; from then on the place is kept and nothing is polled."""
    there = ear(lite, office)
    there.office.sandbox.edit(
        "Account", there.office.sandbox.lookup("account:acorn"), {"Industry": "Banking"}
    )
    assert (there.place(), there.due()) == (None, [])
    with there.open():
        assert [one for one in there.due() if one in POLLS] == POLLS
    there.caught_up()
    assert there.value("Account", "account:acorn", "Industry") == "Banking"
    with there.open():
        assert there.due() == []


def test_a_record_that_changed_or_came_is_read_and_no_other(lite: Deployment, office: OPEN) -> None:
    """Two accounts in two transactions are two hints, one read for both, and no poll."""
    there = ear(lite, office)
    with there.open() as words:
        there.caught_up()
        there.office.sandbox.edit(
            "Account", there.office.sandbox.lookup("account:acorn"), {"Industry": "Banking"}
        )
        next(words)
        made = there.office.sandbox.edit("Account", None, {"Name": "Elm", "Industry": "Energy"})
        next(words)
    mark = there.office.sandbox.mark()
    assert drained(there) == (2, 0, 2)
    asked = there.office.sandbox.requests(mark)
    assert [one["object"] for one in asked] == ["Account"]
    assert (there.due(), there.value("Account", "account:acorn", "Industry")) == ([], "Banking")
    assert made in {str(one["Id"]) for one in there.office.sandbox.records("Account")}


def test_a_deleted_record_is_found_by_a_poll_of_its_object(lite: Deployment, office: OPEN) -> None:
    """The hint names no record: the object is polled at once, and the deal is buried."""
    there = ear(lite, office)
    with there.open() as words:
        there.caught_up()
        deal = there.office.sandbox.lookup("deal:d-b1")
        there.office.sandbox.edit("Opportunity", deal, {}, delete=True)
        next(words)
    assert there.due() == ["poll Opportunity"]
    there.caught_up()
    assert there.value("Opportunity", "deal:d-b1", "Name") is None


def test_a_crash_between_hearing_and_keeping_loses_nothing(
    both: Deployment, office: OPEN, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed in the middle of keeping an event, the next listener hears it again, and it is one hint."""
    there = ear(both, office, bare=True)
    with there.open() as words:
        before = there.place()
        there.office.sandbox.edit(
            "Account", there.office.sandbox.lookup("account:acorn"), {"Industry": "Banking"}
        )
        with monkeypatch.context() as broken:
            broken.setattr(cursors, "put", _killed)
            with pytest.raises(KeyboardInterrupt):
                next(words)
    assert (there.hints(), there.place()) == (0, before)
    with there.open():
        assert there.hints() == 1
    assert there.place() != before


def test_an_event_told_twice_is_one_hint(lite: Deployment, office: OPEN) -> None:
    """Heard, kept, and then asked for again from the place before it."""
    there = ear(lite, office, bare=True)
    with there.open() as words:
        before = there.place()
        there.office.sandbox.edit(
            "Account", there.office.sandbox.lookup("account:acorn"), {"Industry": "Banking"}
        )
        next(words)
    with reading(there.office.engine) as conn:
        place = cursors.get(conn, there.office.id, PLACE)
    assert place is not None
    assert place.position != before
    _put_back(there, before)
    with there.open():
        assert (there.hints(), there.place()) == (1, place.position)


def test_a_listener_that_was_away_goes_on_where_it_was(lite: Deployment, office: OPEN) -> None:
    """What was told meanwhile comes first, and a keep-alive's place counts as well as an event's."""
    there = ear(lite, office, bare=True)
    with there.open() as words:
        there.control(keepalive=True)
        next(words)
    there.office.sandbox.edit(
        "Account", there.office.sandbox.lookup("account:acorn"), {"Industry": "Banking"}
    )
    with there.open():
        assert (there.hints(), there.due()) == (1, [])


def test_a_place_of_72_hours_ago_is_lost_and_everything_is_polled(lite: Deployment, office: OPEN) -> None:
    """What changed in between is found by reading; from then on changes are heard again."""
    there = ear(lite, office)
    with there.open():
        there.caught_up()
    there.office.sandbox.edit(
        "Account", there.office.sandbox.lookup("account:acorn"), {"Industry": "Banking"}
    )
    lite.later(hours=73)
    with pytest.raises(PlaceLost), there.open():
        pass
    there.listener()._once()
    assert there.place() is None
    there.caught_up()
    there.office.sandbox.edit("Account", there.office.sandbox.lookup("account:birch"), {"Industry": "Energy"})
    with there.open():
        assert [one for one in there.due() if one in POLLS] == POLLS
    there.caught_up()
    assert there.value("Account", "account:birch", "Industry") == "Energy"


def test_a_gap_is_read_and_an_overflow_is_polled(lite: Deployment, office: OPEN) -> None:
    """The platform names a record it has no values of, or an object with too many changes."""
    there = ear(lite, office)
    acorn = there.office.sandbox.lookup("account:acorn")
    with there.open() as words:
        there.caught_up()
        there.control(emit={"object": "Account", "type": "GAP_UPDATE", "ids": [acorn]})
        next(words)
        assert (there.hints(), there.due()) == (1, [])
        there.control(emit={"object": "Opportunity", "type": "GAP_OVERFLOW", "ids": ["006*"]})
        next(words)
    assert (there.hints(), there.due()) == (1, ["poll Opportunity"])


def test_a_poll_that_began_before_an_overflow_does_not_count(lite: Deployment, office: OPEN) -> None:
    """It may have passed the rows by: the object stays due until a poll that begins later."""
    there = ear(lite, office)
    with there.open() as words:
        lease = Lease("a worker", lite.now, 300, 100)
        with writing(there.office.engine) as conn:
            running = due.claim(conn, lease, installation_id=there.office.id, kinds=("poll",))
        there.control(emit={"object": "Account", "type": "GAP_OVERFLOW", "ids": ["001*"]})
        next(words)
        with writing(there.office.engine) as conn:
            kept = {one.task: due.finish(conn, lite.now, one) for one in running}
    assert kept["poll Account"] is False
    assert kept["poll Opportunity"] is True
    assert there.due() == ["poll Account"]


def test_an_echo_of_our_own_write_costs_no_read(lite: Deployment, office: OPEN) -> None:
    """A person changes a day, a number and a text of our renewal; the push puts them right and is told of.

    Two minutes are no time for a keep-alive, which would be a word too.
    """
    there = ear(lite, office)
    with there.open() as words:
        there.caught_up()
        there.office.settle()
        lite.later(minutes=2)
        renewal = str(there.office.row("Opportunity", "renewal:l-a1:1").record_id)
        theirs = {"CS_Due_On__c": "2025-04-01", "CS_Term_Number__c": 9, "CS_Reason__c": "none"}
        there.office.sandbox.edit("Opportunity", renewal, theirs)
        next(words)
        assert drained(there) == (1, 0, 1)
        lite.later(minutes=2)
        assert there.office.push().written == 1
        next(words)
    mark = there.office.sandbox.mark()
    assert drained(there) == (1, 1, 0)
    assert there.office.sandbox.requests(mark) == []


def test_what_a_flow_changes_in_our_name_is_read(lite: Deployment, office: OPEN) -> None:
    """It names our client as its author, in the seconds of our write, yet the ledger wrote nothing such."""
    there = ear(lite, office)
    api = deploy_channel(there)
    with there.open() as words:
        there.caught_up()
        there.office.settle()
        acorn = there.office.sandbox.lookup("account:acorn")
        headers = {"Sforce-Call-Options": "client=colonnade"}
        done = api.call("PATCH", f"/sobjects/Account/{acorn}", {"Industry": "Banking"}, headers=headers)
        assert done.status_code == 204, done.text
        next(words)
    events, echoes, read = drained(there)
    assert (events, echoes) == (1, 0)
    assert read >= 1
    assert there.value("Account", "account:acorn", "Industry") == "Banking"


def test_a_token_that_runs_out_is_renewed_once(lite: Deployment, office: OPEN) -> None:
    """Revoked while the stream stands, the listener signs in and goes on from its place."""
    there = ear(lite, office, bare=True)
    with there.open() as words:
        there.office.sandbox.post("revoke", {})
        before = _sign_ins(there)
        there.office.sandbox.edit(
            "Account", there.office.sandbox.lookup("account:acorn"), {"Industry": "Banking"}
        )
        next(words)
        assert (there.hints(), _sign_ins(there) - before) == (1, 1)
    with reading(there.office.engine) as conn:
        assert findings.open_findings(conn, there.office.id, DEAF) == []


def _killed(*_: object) -> None:
    raise KeyboardInterrupt


def _put_back(there: Ear, place: str | None) -> None:
    now = there.office.deployment.now
    with writing(there.office.engine) as conn:
        cursors.put(conn, there.office.id, now, Cursor(PLACE, Phase.INCREMENTAL, place, now))


def _sign_ins(there: Ear) -> int:
    found = requests.get(f"{there.office.sandbox.url}/_sandbox/requests?after=0", timeout=30).json()
    return sum(one["object"] == "oauth" for one in found["requests"])
