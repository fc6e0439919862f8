"""The doctor tells of work that nobody does, of what fails again and again, and of a schedule not kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from sync.commands.diagnosis import Severity
from sync.commands.work_matters import PATIENCE, of_deployment, of_work
from sync.state import dirty, due, inbox
from sync.state.dirty import Scope
from sync.state.engine import writing
from sync.state.inbox import InboxEvent
from sync.state.leases import Lease
from tests.sync.harness import HUBSPOT, Deployment, Office
from tests.sync.portfolios import three_customers

OPEN = Callable[..., Office]


@pytest.fixture
def there(lite: Deployment, office: OPEN) -> Office:
    """Give a live installation with all its work done."""
    found = office(lite, HUBSPOT, three_customers()).install()
    found.load()
    found.go_live()
    found.settle()
    return found


def wrong(there: Office) -> list[str]:
    """Return what the doctor calls wrong of the work."""
    return [one.matter for one in of_work(there.ws) if one.severity is Severity.WRONG]


def test_work_that_waits_too_long_is_told(there: Office) -> None:
    """Fifteen minutes are a busy day; a moment more is nobody working."""
    now = there.deployment.now
    with writing(there.engine) as conn:
        inbox.put(conn, there.id, now - PATIENCE, [InboxEvent("a", HUBSPOT, {})])
    assert wrong(there) == []
    there.deployment.later(seconds=1)
    assert wrong(there) == ["1 signals wait to be worked in, the oldest for 15 minutes"]


def test_a_row_that_fails_is_told_apart_from_work_nobody_does(there: Office) -> None:
    """It is put off and tried again; the workers are not to blame."""
    now = there.deployment.now - timedelta(hours=3)
    with writing(there.engine) as conn:
        dirty.mark(conn, there.id, now, Scope.ACCOUNT, ["poison"], "told")
        (claim,) = dirty.claim(conn, there.id, Scope.ACCOUNT, Lease("me", now, 60, 1))
        dirty.fail(conn, there.id, claim, "ValueError: no", now)
    assert wrong(there) == []
    assert [one.matter for one in of_work(there.ws)] == ["1 of 1 rows fail (dirty); they are tried again"]


def test_signals_given_up_are_told(there: Office) -> None:
    """Nothing is lost in silence."""
    now = there.deployment.now
    with writing(there.engine) as conn:
        inbox.put(conn, there.id, now, [InboxEvent("a", HUBSPOT, {})])
        (item,) = inbox.take(conn, there.id, Lease("me", now, 60, 1))
        inbox.failed(conn, there.id, item, "its record cannot be read", None)
    (told,) = of_work(there.ws)
    assert told.severity is Severity.NOTE
    assert told.matter == "1 signals (hubspot) were given up after their last try"


def test_a_schedule_not_kept_is_told(there: Office) -> None:
    """A task that is due for longer than a busy worker takes: nobody turns the schedule."""
    runtime = there.deployment.runtime
    with writing(there.engine) as conn:
        first = due.next_at(conn)
    assert first is not None
    there.deployment.later(seconds=(first + PATIENCE - there.deployment.now).total_seconds())
    assert of_deployment(runtime) == []
    there.deployment.later(hours=2)
    assert [one.matter for one in of_deployment(runtime)] == ["the schedule is 2 hours behind"]
