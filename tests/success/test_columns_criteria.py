"""Segments, stages and holds over columns: what ordered rules ask of one account, asked of all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from success import holding
from success.columns.criteria import NOWHERE, HeldColumns, first, furthest, held, nothing_held
from success.columns.frame import framed
from success.expressions import evaluate
from success.measures import UNKNOWN, MeasureValue
from tests.success.builders import EXAMPLES

TODAY = date(2024, 6, 30)
CONDITIONS = (
    "seats > 10",
    "seats > 3",
    "open_tickets == 0",
    "seats > 3 || open_tickets > 1",
    "true",
    "false",
)


@dataclass(frozen=True, slots=True)
class Rule:
    """A criterion as a charter declares it."""

    key: str
    when: str | None
    leave_when: str | None = None


RULES = st.lists(
    st.tuples(st.sampled_from(CONDITIONS), st.one_of(st.none(), st.sampled_from(CONDITIONS))), max_size=4
).map(lambda drawn: [Rule(f"r{place}", *one) for place, one in enumerate(drawn)])
VALUES = st.one_of(st.just(UNKNOWN), st.integers(0, 12).map(lambda value: MeasureValue(value, TODAY)))
BOOKS = st.lists(st.fixed_dictionaries({"seats": VALUES, "open_tickets": VALUES}), min_size=1, max_size=8)
Book = Mapping[str, MeasureValue]


def kept(rule: Rule, here: bool, book: Book) -> bool | None:
    """Say whether one account is in, by the words of the charter: in it stays until it has to leave."""
    entered = True if rule.when is None else evaluate(rule.when, book)
    if not here or rule.when is None or rule.leave_when is None or entered is True:
        return entered
    return entered if evaluate(rule.leave_when, book) is True else True


def first_for(rules: list[Rule], current: int, book: Book) -> int:
    """Return the first rule that holds; where an earlier one is unknown, the account stays."""
    for place, rule in enumerate(rules):
        found = kept(rule, place == current, book)
        if found is not False:
            return place if found else current
    return current


def furthest_for(rules: list[Rule], current: int, book: Book) -> int:
    """Return the last rule that holds; the one the account is at also where it is unknown."""
    found = [kept(rule, place == current, book) for place, rule in enumerate(rules)]
    inside = [place for place, one in enumerate(found) if one or (one is None and place == current)]
    return inside[-1] if inside else 0


@EXAMPLES
@given(RULES, BOOKS, st.lists(st.integers(NOWHERE, 4), min_size=8, max_size=8))
def test_columns_ask_what_is_asked_of_one_account(
    rules: list[Rule], books: list[Book], were: list[int]
) -> None:
    """With a catch-all, margins, unknown values and any place before, each account gets its own answer."""
    rules = [*rules, Rule("rest", None)]
    current = [at if at < len(rules) else NOWHERE for at in were[: len(books)]]
    frame = framed([str(row) for row in range(len(books))], books, ["seats", "open_tickets"])
    columns = np.array(current)
    expected = [first_for(rules, at, book) for at, book in zip(current, books, strict=True)]
    assert first(rules, columns, frame).tolist() == expected
    stages = [Rule("start", None), *rules[:-1]]
    expected = [furthest_for(stages, at, book) for at, book in zip(current, books, strict=True)]
    assert furthest(stages, columns, frame).tolist() == expected


@EXAMPLES
@given(
    st.lists(st.lists(st.integers(0, 2), min_size=4, max_size=4), min_size=1, max_size=12),
    st.integers(0, 3),
    st.lists(st.booleans(), min_size=4, max_size=4),
)
def test_columns_hold_as_one_account_is_held(days: list[list[int]], hold: int, at_once: list[bool]) -> None:
    """Day after day, value, wait and the days of both are those of ``holding.step``."""
    columns = nothing_held(4)
    ones: list[holding.Held | None] = [None] * 4
    for back, asked in enumerate(days):
        day = TODAY + timedelta(days=back)
        columns = held(columns, np.array(asked), day.toordinal(), hold, np.array(at_once))
        ones = [
            holding.step(one, str(wanted), day, hold, at_once=now)
            for one, wanted, now in zip(ones, asked, at_once, strict=True)
        ]
        assert as_text(columns) == [one and (one.value, one.since, one.waiting) for one in ones]


def as_text(columns: HeldColumns) -> list[tuple[str, date, holding.Change | None]]:
    """Return what stands and what waits, account by account."""
    rows = zip(columns.value, columns.since, columns.waiting, columns.waiting_since, strict=True)
    return [
        (
            str(value),
            date.fromordinal(since),
            None if waiting == NOWHERE else holding.Change(date.fromordinal(waiting_since), str(waiting)),
        )
        for value, since, waiting, waiting_since in rows
    ]


def test_a_border_with_a_margin_is_crossed_once() -> None:
    """In above 10 seats and out below 4: of 11, 5, 11, 3 and 5 seats only the first and the fourth change."""
    rules = [Rule("large", "seats > 10", "seats < 4"), Rule("small", None)]
    at, found = np.array([NOWHERE]), []
    for seats in (11, 5, 11, 3, 5):
        frame = framed(["A1"], [{"seats": MeasureValue(seats, TODAY)}], ["seats"])
        at = first(rules, at, frame)
        found.append(rules[int(at[0])].key)
    assert found == ["large", "large", "large", "small", "small"]
    assert sum(one != other for one, other in pairwise(found)) == 1
