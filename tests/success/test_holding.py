"""A held value changes when its follower has lasted, and keeps all it was before."""

from __future__ import annotations

from datetime import date, timedelta

from success.fold import FoldState
from success.holding import Change, Held, step

MONDAY = date(2025, 3, 3)


def _after(asked: str, *, hold_days: int) -> Held:
    """Return what stands after one letter a day, from Monday on."""
    held: Held | None = None
    for offset, value in enumerate(asked):
        held = step(held, value, MONDAY + timedelta(days=offset), hold_days)
    assert held is not None
    return held


def test_the_first_value_stands_at_once() -> None:
    """There is nothing before it to hold on to."""
    assert _after("g", hold_days=7) == Held((Change(MONDAY, "g"),))


def test_a_value_that_comes_and_goes_never_stands() -> None:
    """Its wait begins anew each time it was away."""
    assert _after("grgrgrg", hold_days=1).changes == (Change(MONDAY, "g"),)


def test_a_value_follows_once_it_has_lasted_the_hold() -> None:
    """Asked for on Tuesday and on Wednesday, with a hold of one day."""
    held = _after("grr", hold_days=1)
    assert held == Held((Change(MONDAY, "g"), Change(date(2025, 3, 5), "r")))


def test_a_third_value_begins_its_own_wait() -> None:
    """What waited before it is forgotten."""
    held = _after("gry", hold_days=1)
    assert (held.value, held.waiting) == ("g", Change(date(2025, 3, 5), "y"))


def test_what_must_not_wait_follows_the_same_day() -> None:
    """A hard fact or a pin knows no hold."""
    held = step(_after("g", hold_days=7), "r", date(2025, 3, 4), 7, at_once=True)
    assert (held.value, held.since) == ("r", date(2025, 3, 4))


def test_what_stood_on_a_day_is_told_from_the_changes() -> None:
    """Nothing stood before the first."""
    held = _after("grr", hold_days=1)
    days = [date(2025, 3, 2), MONDAY, date(2025, 3, 4), date(2025, 3, 5)]
    assert [held.on(day) for day in days] == [None, "g", "g", "r"]


def test_a_fold_keeps_what_is_held_and_what_waits() -> None:
    """Its text gives back an equal state."""
    state = FoldState(segment=_after("gr", hold_days=3), band=_after("g", hold_days=0))
    assert FoldState.from_json(state.to_json()) == state
