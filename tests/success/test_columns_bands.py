"""Bands that hold, over columns: day after day what stands for one account stands for each."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from success import bands
from success.columns.bands import raw_bands, stands
from success.columns.criteria import nothing_held
from success.columns.frame import framed
from success.columns.health import score_columns
from success.facts import Account, AccountFacts
from success.health import UNKNOWN_BAND, HealthResult, score
from success.holding import Held
from success.measures import UNKNOWN, MeasureValue
from success.rules import Cap
from tests.success.builders import EXAMPLES, counts, scorecard

FIRST = date(2024, 6, 1)
CARD = scorecard(
    counts("seats", 1, (0, 0), (100, 100)),
    caps=(
        replace(Cap("left", "open_escalations > 0", 60_000, "The sponsor left"), critical=True),
        Cap("many", "open_escalations > 1", 30_000, "Many escalations"),
    ),
)
COUNT = 3
DAYS = st.lists(
    st.lists(
        st.tuples(st.one_of(st.none(), st.integers(0, 100)), st.sampled_from([0, 0, 0, 0, 1, 2])),
        min_size=COUNT,
        max_size=COUNT,
    ),
    min_size=1,
    max_size=15,
)


@EXAMPLES
@given(DAYS, st.integers(0, 12), st.integers(0, 3))
def test_the_band_that_stands_is_that_of_one_account(
    days: list[list[tuple[int | None, int]]], margin: int, hold: int
) -> None:
    """Value, wait and their days agree for any margin and hold, critical facts and gaps among them."""
    card = replace(CARD, margin=margin * 1000, hold_days=hold)
    facts = [AccountFacts(Account(f"A{row}", "Acme", FIRST), "acme") for row in range(COUNT)]
    columns = nothing_held(COUNT)
    ones: list[Held | None] = [None] * COUNT
    keys = [*(band.key for band in card.bands), UNKNOWN_BAND]
    for back, values in enumerate(days):
        day = FIRST + timedelta(days=back)
        books = [
            {
                "seats": UNKNOWN if seats is None else MeasureValue(seats, day),
                "open_escalations": MeasureValue(escalations, day),
            }
            for seats, escalations in values
        ]
        results = [score(one, card, book, day) for one, book in zip(facts, books, strict=True)]
        frame = framed([one.account.account_id for one in facts], books, ["seats", "open_escalations"])
        # The last account is scored by its twin, as one with an override would be.
        found = score_columns(frame, card, day, results.__getitem__, np.array([False, False, True]))
        columns = stands(columns, found, day.toordinal(), np.zeros(COUNT, dtype=np.bool_))
        stood = [bands.stands(held, result, card, day) for held, result in zip(ones, results, strict=True)]
        ones = [*stood]
        assert [keys[at] for at in raw_bands(found)] == [result.raw_band for result in results]
        assert [keys[at] for at in columns.value] == [held.value for held in stood]
        assert [date.fromordinal(at) for at in columns.since] == [held.since for held in stood]
        waits = zip(columns.waiting, columns.waiting_since, strict=True)
        assert [(keys[at], date.fromordinal(since)) if at >= 0 else None for at, since in waits] == [
            waiting_of(held) for held in stood
        ]


def waiting_of(held: Held) -> tuple[str, date] | None:
    """Return what waits and since when."""
    return None if held.waiting is None else (held.waiting.value, held.waiting.since)


def never(row: int) -> HealthResult:
    """Fail: columns must do without the twin."""
    raise AssertionError(f"account {row} was scored by itself")


def test_an_override_is_followed_at_once() -> None:
    """Whom the caller names as overridden changes band the same day, his neighbour waits for the hold."""
    card = replace(CARD, margin=5_000, hold_days=3)
    held = nothing_held(2)
    for seats in (80, 20):
        book = {"seats": MeasureValue(seats, FIRST), "open_escalations": MeasureValue(0, FIRST)}
        frame = framed(["A1", "A2"], [book, book], ["seats", "open_escalations"])
        found = score_columns(frame, card, FIRST, never)
        held = stands(held, found, FIRST.toordinal(), np.array([True, False]))
    assert held.value.tolist() == [0, 2]
