"""A new day looks at those whose border has come, and at everybody where what rules rest on has changed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from sync import borders
from sync import look as looking
from sync.borders import basis, mark_come
from sync.onboard import apply_charter
from sync.scheduler import turn
from sync.state import account_looks, dirty
from sync.state.dirty import Scope
from sync.state.engine import reading, writing
from tests.sync.harness import HUBSPOT, Deployment, Office, event
from tests.sync.portfolios import Book

OPEN = Callable[..., Office]
MIDNIGHT = datetime(2025, 1, 16, 0, 1, tzinfo=UTC)
DAY = timedelta(days=1)
ACCOUNTS = ("asked", "left", "paying", "window")


def book() -> Book:
    """Return one who never bought, one who left long ago, one who pays, one whose window is to come."""
    found = Book()
    for key in ACCOUNTS:
        found.account(key, key.title())
    found.sold("left", "l1", "2022-01-01", "2023-01-01", "900")
    found.sold("paying", "p1", "2024-06-01", "2026-06-01", "5000")
    return found.sold("window", "w1", "2024-02-01", "2025-04-20", "700")


@pytest.fixture
def there(lite: Deployment, office: OPEN) -> Office:
    """Give a live installation after its first run on 15 January."""
    found = office(lite, HUBSPOT, book()).install()
    found.load()
    found.go_live().settle()
    return found


def come(there: Office) -> list[str]:
    """Return by name the accounts that the present day marks, and work them off."""
    with writing(there.engine) as conn:
        mark_come(conn, there.ws)
    names = {there.sandbox.lookup(f"account:{key}"): key for key in ACCOUNTS}
    with reading(there.engine) as conn:
        today = there.ws.day_of(there.deployment.now)
        left = account_looks.at_peace(conn, there.id, today, basis(conn, there.ws))
    found = sorted(key for one, key in names.items() if one not in left)
    assert there.waiting_accounts() == len(found)
    there.settle()
    return found


def test_a_new_day_leaves_alone_whom_nothing_can_change(there: Office) -> None:
    """Everybody the day after going live; then only who pays, whose days to renewal move."""
    there.deployment.at(MIDNIGHT)
    assert come(there) == sorted(ACCOUNTS)
    for day in range(1, 5):
        there.deployment.at(MIDNIGHT + day * DAY)
        assert come(there) == ["paying", "window"]
    with reading(there.engine) as conn:
        kept = account_looks.find(conn, there.id, [there.sandbox.lookup("account:asked")])
    assert [one.border_on for one in kept.values()] == [date(2025, 1, 16) + borders.LOOKED_AT_EVERY]


def test_looking_at_everybody_besides_would_change_nothing(there: Office) -> None:
    """On each of ten days, after those whose border has come, a look at all others wants no other record."""
    for day in range(10):
        there.deployment.at(MIDNIGHT + day * DAY)
        come(there)
        with reading(there.engine) as conn:
            ids = [there.sandbox.lookup(f"account:{one}") for one in ACCOUNTS]
            held = account_looks.find(conn, there.id, ids)
        there.look_at_all()
        assert sum(one.wanted for one in there.look()) == 0
        with writing(there.engine) as conn:
            account_looks.put(conn, there.id, list(held.values()))


def test_another_charter_has_everybody_looked_at(there: Office) -> None:
    """A border rests on the rules it was found by: with others none stands, nor with another program."""
    for day in range(2):
        there.deployment.at(MIDNIGHT + day * DAY)
        come(there)
    renewal = there.ws.charter.renewal.model_copy(update={"lead_days": 30})
    other = there.ws.charter.model_copy(update={"renewal": renewal})
    apply_charter(there.deployment.runtime, there.id, other, author="test")
    there.settle()
    there.deployment.at(MIDNIGHT + 2 * DAY)
    assert come(there) == sorted(ACCOUNTS)
    there.deployment.at(MIDNIGHT + 3 * DAY)
    assert come(there) == ["paying", "window"]


def test_the_first_support_ticket_of_all_has_everybody_looked_at(there: Office) -> None:
    """Silence means something only where anybody is heard: that changes for all, whoever wrote."""
    for day in range(2):
        there.deployment.at(MIDNIGHT + day * DAY)
        come(there)
    link = [{"object": "companies", "id": there.sandbox.lookup("account:paying")}]
    values = {"subject": "Help", "hs_pipeline": "0", "hs_pipeline_stage": "1"}
    ticket = there.sandbox.edit("tickets", None, values, associations=link)
    there.tell("ticket.creation", ticket)
    there.settle()
    there.deployment.at(MIDNIGHT + 2 * DAY)
    assert come(there) == sorted(ACCOUNTS)


def test_a_day_that_begins_during_a_look_is_not_missed(
    there: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An event has one looked at for whom the new day has nothing; it is looked at on that day as well.

    The new day left it alone, by the border kept before; the look keeps the new day as its border, too late.
    """
    there.deployment.at(MIDNIGHT)
    come(there)
    there.deployment.at(MIDNIGHT + DAY - timedelta(minutes=1, seconds=1))
    asked = there.sandbox.lookup("account:asked")
    with writing(there.engine) as conn:
        dirty.mark(conn, there.id, there.deployment.now, Scope.ACCOUNT, [asked], "companies changed")
    before = looking.unfit_owners

    def past_midnight(*given: Any) -> Any:
        monkeypatch.setattr(looking, "unfit_owners", before)
        there.deployment.at(MIDNIGHT + DAY)
        with writing(there.engine) as conn:
            assert mark_come(conn, there.ws) == 2
        return before(*given)

    monkeypatch.setattr(looking, "unfit_owners", past_midnight)
    assert [one.accounts for one in there.look()] == [1, 3]
    with reading(there.engine) as conn:
        (kept,) = account_looks.find(conn, there.id, [asked]).values()
    assert kept.border_on > there.ws.day_of(there.deployment.now)


def test_use_dated_ahead_is_looked_at_on_its_day(there: Office) -> None:
    """Kept under its own day, three days on: nobody is told again, and the day is met all the same."""
    there.use([event("window", MIDNIGHT, "u1")])  # usage is heard of at all
    there.settle()
    for day in range(2):
        there.deployment.at(MIDNIGHT + day * DAY)
        come(there)
    there.use([event("left", MIDNIGHT + 4 * DAY, "u1", name="ahead")])
    there.settle()
    met = []
    for day in range(2, 6):
        there.deployment.at(MIDNIGHT + day * DAY)
        met += [day] if "left" in come(there) else []
    assert 4 in met


def test_the_scheduler_begins_a_day_with_those(there: Office) -> None:
    """Its turn after midnight marks the same accounts, whose looks the bell brings."""
    there.deployment.at(MIDNIGHT)
    come(there)
    there.deployment.at(MIDNIGHT + DAY)
    turn(there.deployment.runtime)
    assert there.waiting_accounts() == 2
