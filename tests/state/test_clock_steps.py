"""Clocks that step and days that are longer: no lease and no task waits for a time that was never meant."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine

from sync.scheduler import next_midnight
from sync.state import dirty, due
from sync.state.dirty import Scope
from sync.state.engine import writing
from sync.state.leases import LONGEST, Lease
from sync.workspace import Workspace
from tests.state.moments import DAY, HOUR, MINUTE, NOW, A, lease


def test_a_lease_from_before_the_clock_stepped_back_holds_nobody_up(engine: Engine) -> None:
    """Its worker died, the clock goes back an hour: the row is free at once, and the old fence refused."""
    with writing(engine) as conn:
        dirty.mark(conn, A, NOW, Scope.ACCOUNT, ["1"], "x")
        (dead,) = dirty.claim(conn, A, Scope.ACCOUNT, lease("dead"))
    with writing(engine) as conn:
        (taken,) = dirty.claim(conn, A, Scope.ACCOUNT, lease("alive", NOW - HOUR))
        assert taken.fence > dead.fence
        assert dirty.finish(conn, A, [dead]).lost == 1
        assert dirty.finish(conn, A, [taken]).done == 1


def test_the_longest_lease_is_kept(engine: Engine) -> None:
    """A lease just taken is nobody else's, however long a lease may be."""
    with writing(engine) as conn:
        dirty.mark(conn, A, NOW, Scope.PORTFOLIO, ["portfolio"], "x")
        long = Lease("one", NOW, int(LONGEST.total_seconds()), 1)
        assert len(dirty.claim(conn, A, Scope.PORTFOLIO, long)) == 1
        assert dirty.claim(conn, A, Scope.PORTFOLIO, lease("two")) == ()


def test_a_poll_planned_before_the_clock_stepped_back_runs_at_once_and_then_in_its_rhythm(
    engine: Engine,
) -> None:
    """Due in a quarter, then six hours away: it is due now, and from then on every quarter."""
    quarter = 15 * MINUTE
    with writing(engine) as conn:
        due.plan(conn, A, "poll deals", NOW + quarter, quarter)
        assert due.claim(conn, lease()) == ()
        back = NOW - 6 * HOUR
        assert due.unheld(conn, back, ["poll"]) == {A}
        (task,) = due.claim(conn, lease(at=back))
        assert due.finish(conn, back, task)
        assert due.schedule(conn, A) == {"poll deals": back + quarter}


def test_a_task_for_once_keeps_its_hour_when_the_clock_steps_back(engine: Engine) -> None:
    """Midnight is midnight: the new day does not begin because a clock was put right."""
    with writing(engine) as conn:
        due.plan(conn, A, "new-day", NOW + HOUR)
        assert due.claim(conn, lease(at=NOW - 2 * HOUR)) == ()
        assert len(due.claim(conn, lease(at=NOW + HOUR))) == 1


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", date(2025, 3, 30), 23),
        ("Europe/Berlin", date(2025, 10, 26), 25),
        ("Europe/Berlin", date(2025, 6, 1), 24),
        ("America/Santiago", date(2025, 9, 6), 24),  # the night that follows has no midnight
        ("America/Santiago", date(2025, 9, 7), 23),
        ("Australia/Lord_Howe", date(2025, 4, 6), 24.5),
    ],
)
def test_a_day_with_a_clock_change_is_as_long_as_it_is(zone: str, day: date, hours: float) -> None:
    """The next day begins where its first instant is, also where the clock skips midnight."""
    place = ZoneInfo(zone)
    began = _first_instant(day, place)
    ws: Any = SimpleNamespace(
        zone=place,
        now=lambda: began + HOUR,
        day_of=lambda at: at.astimezone(place).date(),
    )
    ends = next_midnight(cast("Workspace", ws)).astimezone(UTC)
    assert (ends - began).total_seconds() / 3600 == hours
    assert ends.astimezone(place).date() == day + DAY
    assert (ends - timedelta(microseconds=1)).astimezone(place).date() == day


def _first_instant(day: date, zone: ZoneInfo) -> datetime:
    """Return the first minute that is of a day, looked for minute by minute."""
    at = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=15)
    while at.astimezone(zone).date() != day:
        at += timedelta(minutes=1)
    return at
