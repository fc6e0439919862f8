"""Cohort retention on hand-counted examples (K6, domain C07)."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

from success.cohorts import Cohort, Span, cohorts
from success.facts import ContractLine
from success.policies import Policies
from success.positions import Book
from tests.success.builders import line, usd

JANUARY = date(2024, 1, 1)


def found(lines: list[ContractLine], as_of: date, span: Span = Span.MONTH) -> tuple[Cohort, ...]:
    """Return the cohorts under the default policies."""
    return cohorts(Book(lines, Policies()), as_of, span).cohorts


def test_logos_and_arr_by_age() -> None:
    """A pauses in February and returns, B doubles in March, C leaves inside its first month."""
    lines = [
        line("a1", account_id="A", start=date(2024, 1, 5), end=date(2024, 2, 20), arr=usd(100)),
        line("a2", account_id="A", start=date(2024, 3, 10), arr=usd(100)),
        line("b1", account_id="B", start=date(2024, 1, 31), arr=usd(50)),
        line("b2", account_id="B", start=date(2024, 3, 1), arr=usd(50)),
        line("c", account_id="C", start=date(2024, 1, 2), end=date(2024, 1, 20), arr=usd(10)),
        line("d", account_id="D", start=date(2024, 2, 2), arr=usd(999)),
    ]
    first, second = found(lines, date(2024, 4, 15))
    assert (first.start, first.size, first.arr) == (JANUARY, 3, 16_000)
    assert [(cell.on, cell.logos, cell.arr, cell.returned) for cell in first.cells] == [
        (date(2024, 1, 31), 2, 15_000, 0),
        (date(2024, 2, 29), 1, 5_000, 0),
        (date(2024, 3, 31), 2, 20_000, 1),
    ]
    assert [cell.arr_share for cell in first.cells] == [Fraction(15, 16), Fraction(5, 16), Fraction(20, 16)]
    assert first.cells[1].logo_share == Fraction(1, 3)
    assert (second.start, second.size, len(second.cells)) == (date(2024, 2, 1), 1, 2)


def test_a_period_that_is_not_over_has_no_cell() -> None:
    """On 30 March the third month is missing, not 0; on the 31st it is there."""
    lines = [line(start=JANUARY)]
    assert [len(found(lines, date(2024, 3, day))[0].cells) for day in (30, 31)] == [2, 3]


def test_a_return_founds_no_second_cohort() -> None:
    """Who comes back two years later belongs to its first cohort."""
    lines = [line("a", end=date(2024, 2, 1)), line("b", start=date(2026, 1, 1))]
    assert [one.start for one in found(lines, date(2026, 6, 1), Span.QUARTER)] == [JANUARY]


def test_quarters_begin_in_january_april_july_and_october() -> None:
    """A start on 30 September is of the third quarter."""
    (one,) = found([line(start=date(2023, 9, 30))], date(2023, 12, 31), Span.QUARTER)
    assert (one.start, [cell.on for cell in one.cells]) == (
        date(2023, 7, 1),
        [date(2023, 9, 30), date(2023, 12, 31)],
    )
