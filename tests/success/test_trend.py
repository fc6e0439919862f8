"""The trend of use is robust, and unknown where too little is known."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from success.trend import trend
from success.view import AccountView
from tests.success.builders import facts, line, rules, used

DAY = date(2024, 6, 1)


@pytest.mark.parametrize(
    ("weeks", "expected"),
    [
        ([8, 7, 6, 5, 4, 3, 2, 1], "down"),
        ([1, 2, 3, 4, 5, 6, 7, 8], "up"),
        ([5, 5, 5, 5, 5, 5, 5, 5], "flat"),
        ([5, 5, 5, 5, 5, 5, 5, 500], "flat"),
        ([0, 0, 0, 0, 0, 0, 0, 0], "unknown"),
    ],
)
def test_the_trend_of_eight_weeks(weeks: list[int], expected: str) -> None:
    """A steady slope shows; one wild week does not; no use at all is unknown."""
    ends = [DAY - timedelta(days=7 * back) for back in reversed(range(8))]
    rows = tuple(used(end, count=count) for end, count in zip(ends, weeks, strict=True) if count)
    assert trend(AccountView(facts([line()], usage=rows), rules()), DAY) == expected


def test_the_trend_of_a_young_account_is_unknown() -> None:
    """Eight weeks of contract are needed: the first day of them is 7 April."""
    rows = (used(DAY), used(date(2024, 4, 20)))
    for start, known in ((date(2024, 4, 7), True), (date(2024, 4, 8), False)):
        found = trend(AccountView(facts([line(start=start)], usage=rows), rules()), DAY)
        assert (found != "unknown") is known
