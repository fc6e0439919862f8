"""The clock is set back by an hour: leases, tasks, tokens, sweeps and polls go on as they would have."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import cast

import pytest
from sqlalchemy import Engine

from sync.clock import move_clock
from sync.listen import PLACE, is_heard
from sync.listen_all import TASK, Listeners
from sync.runtime import Runtime
from sync.scheduler import _waits
from sync.state import cursors, dirty, due, inbox, ledger, mirror, token_lease
from sync.state.cursors import Cursor, Phase
from sync.state.dirty import Scope
from sync.state.due import DueTask
from sync.state.engine import reading, writing
from sync.state.inbox import InboxEvent
from sync.state.leases import LONGEST, Waiting
from sync.state.ledger import WantedRow
from tests.state.moments import HOUR, MINUTE, NOW, A, lease
from tests.sync.harness import HUBSPOT, START, Deployment, Office
from tests.sync.portfolios import three_customers

ROW = WantedRow(
    object="companies", key="profile:1", account_id="1", kind="profile", desired={"h": "1"}, reason="x"
)
BACK = NOW - HOUR


def claim_all(engine: Engine, owner: str, at) -> list[int]:
    """Claim an account, an event, a record and a task; return the fences of what was free."""
    with writing(engine) as conn:
        terms = lease(owner, at)
        taken = [
            *dirty.claim(conn, A, Scope.ACCOUNT, terms),
            *inbox.take(conn, A, terms),
            *ledger.claim_pending(conn, A, "companies", terms),
            *due.claim(conn, terms),
        ]
    return [one.fence for one in taken]


@pytest.fixture
def held(engine: Engine) -> list[int]:
    """Have a worker that dies hold one of each at nine o'clock; give its fences."""
    with writing(engine) as conn:
        dirty.mark(conn, A, BACK, Scope.ACCOUNT, ["1"], "test")
        inbox.put(conn, A, BACK, [InboxEvent("1", "hubspot", {})])
        ledger.want(conn, A, BACK, [ROW], fence=1)
        due.plan(conn, A, "sweep", BACK, 15 * MINUTE)
    return claim_all(engine, "dead", NOW)


def test_what_a_dead_worker_held_is_free_at_once(engine: Engine, held: list[int]) -> None:
    """No lease is given for an hour: these were given before the clock was set back. Fences go on rising."""
    assert len(held) == 4
    later = claim_all(engine, "next", BACK)
    assert len(later) == 4
    assert min(later) > max(held)


def test_set_back_by_less_than_the_longest_lease_it_holds_for_that_much_longer(
    engine: Engine, held: list[int]
) -> None:
    """A lease that may be true is respected."""
    assert len(held) == 4
    assert claim_all(engine, "next", NOW + MINUTE - LONGEST) == []
    assert len(claim_all(engine, "next", NOW + MINUTE)) == 4


def test_a_task_planned_before_runs_at_once_and_keeps_its_rhythm(engine: Engine) -> None:
    """Every quarter of an hour: planned for 9:15, it runs at 8:01 when it is found, then at 8:15."""
    with writing(engine) as conn:
        due.plan(conn, A, "poll deals", NOW + 15 * MINUTE, 15 * MINUTE)
    now = BACK + MINUTE
    with reading(engine) as conn:
        assert due.unheld(conn, now, ["poll"]) == {A}
    assert next_of(engine, now) == BACK + 15 * MINUTE
    assert claim(engine, BACK + 14 * MINUTE) == ()
    assert next_of(engine, BACK + 15 * MINUTE) == BACK + 30 * MINUTE


def test_a_task_hastened_is_not_taken_for_one_of_the_future(engine: Engine) -> None:
    """It ran five minutes before its time: it is due again a rhythm later, and not before."""
    with writing(engine) as conn:
        due.plan(conn, A, "poll deals", NOW + 5 * MINUTE, 15 * MINUTE)
        due.hasten(conn, A, NOW, "poll")
    assert next_of(engine, NOW) == NOW + 15 * MINUTE
    assert claim(engine, NOW + 14 * MINUTE) == ()


def claim(engine: Engine, at) -> tuple[DueTask, ...]:
    """Claim what is due."""
    with writing(engine) as conn:
        return due.claim(conn, lease("s", at))


def next_of(engine: Engine, at):
    """Run the one task that is due; return when it is due next."""
    (task,) = claim(engine, at)
    with writing(engine) as conn:
        assert due.finish(conn, at, task)
        return due.next_at(conn)


def test_a_renewal_of_tokens_under_way_before_blocks_nobody(engine: Engine) -> None:
    """Its lease would end in an hour and a minute."""
    with writing(engine) as conn:
        assert token_lease.claim(conn, A, "dead", NOW, MINUTE)
        assert not token_lease.claim(conn, A, "next", NOW, MINUTE)
    with writing(engine) as conn:
        assert token_lease.is_free(conn, A, BACK)
        assert token_lease.claim(conn, A, "next", BACK, MINUTE)


@pytest.mark.parametrize(
    ("came", "waits"),
    [(timedelta(), False), (timedelta(seconds=14), False), (timedelta(seconds=15), True), (-HOUR, True)],
)
def test_the_sweeper_rings_for_what_came_in_the_future(came: timedelta, waits: bool) -> None:
    """What has just come is rung for already; what came an hour ahead came before the clock was set back."""
    assert _waits(Waiting(A, "hubspot", 1, NOW - came), NOW) is waits


def test_a_poll_after_it_misses_no_change(lite: Deployment, office: Callable[..., Office]) -> None:
    """The last poll was at ten by a clock an hour ahead; what was changed since, at nine, is read."""
    there = office(lite, HUBSPOT, three_customers()).install()
    there.load()
    there.go_live()
    move_clock(there.engine, START + HOUR, running=False)
    there.poll()
    lite.at(START + 2 * MINUTE)
    company = there.sandbox.lookup("account:acorn")
    there.sandbox.edit("companies", company, {"name": "Acorn & Sons"})
    lite.at(START + 20 * MINUTE)
    there.poll()
    with reading(there.engine) as conn:
        assert mirror.find(conn, there.id, "companies", [company])[company].values["name"] == "Acorn & Sons"


TEN_DAYS = timedelta(days=10)


@pytest.mark.parametrize(("ahead", "due_now"), [(timedelta(days=2), False), (TEN_DAYS, True)])
def test_a_task_that_runs_once_does_not_wait_for_ten_days(
    engine: Engine, ahead: timedelta, due_now: bool
) -> None:
    """A midnight planned before the clock was set back is made up; the one after tomorrow's is waited for."""
    with writing(engine) as conn:
        due.plan(conn, A, "new-day", NOW + ahead)
    assert bool(claim(engine, NOW)) is due_now


@pytest.mark.parametrize(("moved", "stopped"), [(-MINUTE, False), (MINUTE, False), (TEN_DAYS, True)])
def test_a_first_load_of_the_future_is_gone_on_with(engine: Engine, moved: timedelta, stopped: bool) -> None:
    """Its worker may be gone: that it kept a page in ten days is no sign of life. Clocks differ a little."""
    with writing(engine) as conn:
        cursors.put(conn, A, NOW + moved, Cursor("companies", Phase.INITIAL, "7"))
    with reading(engine) as conn:
        assert (A in cursors.unfinished(conn, NOW, 2 * MINUTE)) is stopped


@pytest.mark.parametrize(
    ("at", "heard"), [(-MINUTE, True), (MINUTE, True), (-HOUR, False), (TEN_DAYS, False)]
)
def test_an_org_heard_in_the_future_is_polled(engine: Engine, at: timedelta, heard: bool) -> None:
    """Nobody may listen by now: it is polled until it is heard again."""
    with writing(engine) as conn:
        cursors.put(conn, A, NOW + at, Cursor(PLACE, Phase.INCREMENTAL, "7", NOW + at))
    with reading(engine) as conn:
        assert is_heard(conn, A, NOW) is heard


def test_a_killed_listeners_org_is_taken_by_the_next(engine: Engine) -> None:
    """Its task and lease are ten days ahead: they keep nobody from listening."""
    with writing(engine) as conn:
        due.plan(conn, A, TASK, NOW + TEN_DAYS)
        assert due.claim(conn, lease("dead", NOW + TEN_DAYS))
    listeners = Listeners(
        cast("Runtime", SimpleNamespace(engine=engine, clock=SimpleNamespace(now=lambda: NOW)))
    )
    assert listeners._claim(A) is not None
    with reading(engine) as conn:
        assert due.schedule(conn, A)[TASK] == NOW
