"""The renewal rate on hand-counted examples (K5)."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

from success.facts import ContractLine
from success.policies import CoTerm, Policies
from success.renewal_rate import RenewalOutcome, RenewalRate, renewal_rate
from success.rules import RenewalRule
from tests.success.builders import line, usd

QUARTER = (date(2025, 1, 1), date(2025, 4, 1))
DUE = date(2025, 2, 1)
YEAR = line("old", start=date(2024, 2, 1), end=DUE, arr=usd(100))


def rate(
    lines: list[ContractLine], policies: Policies | None = None, as_of: date = date(2025, 6, 30)
) -> RenewalRate:
    """Return the first quarter's renewal rate."""
    return renewal_rate(lines, RenewalRule(), policies or Policies(), QUARTER, as_of)


def test_gross_caps_what_net_does_not() -> None:
    """One of 100 renewed for 150, one for 40, one not: gross 140 of 300, net 190 of 300."""
    lines = [
        line("a", account_id="A", end=DUE, arr=usd(100)),
        line("a+", account_id="A", start=DUE, arr=usd(150), renewal_of_line_id="a"),
        line("b", account_id="B", end=DUE, arr=usd(100)),
        line("b+", account_id="B", start=DUE, arr=usd(40)),
        line("c", account_id="C", end=DUE, arr=usd(100)),
    ]
    found = rate(lines)
    assert (found.gross, found.net) == (Fraction(140, 300), Fraction(190, 300))
    assert [term.outcome for term in found.terms] == [
        RenewalOutcome.RENEWED,
        RenewalOutcome.RENEWED,
        RenewalOutcome.LOST,
    ]


def test_an_early_renewal_counts_in_its_due_period() -> None:
    """Renewed from December on, due in February: of the first quarter."""
    early = line("new", start=date(2024, 12, 1), arr=usd(90), renewal_of_line_id="old")
    assert rate([YEAR, early]).net == Fraction(90, 100)


def test_what_is_overdue_stays_in_the_denominator() -> None:
    """Awaited in its grace and lost after it, 100 due either way."""
    patient = Policies(grace_days=30)
    for day, outcome in (
        (date(2025, 2, 20), RenewalOutcome.PENDING),
        (date(2025, 3, 3), RenewalOutcome.LOST),
    ):
        found = rate([YEAR], patient, day)
        assert (found.target, found.gross) == (10_000, 0)
        assert found.terms[0].outcome is outcome


def test_a_late_renewal_counts_within_the_grace_only() -> None:
    """Begun thirty days late it counts with 30 days of grace, and not with 29."""
    late = line("new", start=date(2025, 3, 3), arr=usd(100))
    assert rate([YEAR, late], Policies(grace_days=30)).gross == 1
    assert rate([YEAR, late], Policies(grace_days=29)).gross == 0


def test_what_is_not_due_by_the_day_asked_about_is_not_in_it() -> None:
    """On 31 January the renewal of 1 February is nobody's failure yet; the end says how far it went."""
    found = rate([YEAR], as_of=date(2025, 1, 31))
    assert (found.gross, found.end) == (None, DUE)


def test_rolling_lines_are_due_at_each_anniversary() -> None:
    """A yearly line without an end goes on at its anniversary; a price step shows in net."""
    rolling = line("a", start=date(2023, 2, 1), arr=usd(100), ramp=(usd(100), usd(120)))
    found = rate([rolling], Policies())
    assert (found.target, found.final) == (12_000, 12_000)
    stepped = line("a", start=date(2024, 2, 1), arr=usd(100), ramp=(usd(100), usd(120)))
    assert rate([stepped]).net == Fraction(120, 100)


def test_a_multi_year_line_is_due_at_its_end_only() -> None:
    """Three years that end in 2026 are not due in 2025."""
    assert rate([line("a", start=date(2023, 2, 1), end=date(2026, 2, 1))]).terms == ()


def test_co_termed_lines_are_due_once_or_each_as_the_policy_says() -> None:
    """Two lines of one group and end are one renewal of 150, or two."""
    lines = [
        line("a", end=DUE, arr=usd(100), co_term_group="g"),
        line("b", end=DUE, arr=usd(50), product_id="more", co_term_group="g"),
        line("c", start=DUE, arr=usd(150), renewal_of_line_id="a"),
    ]
    joined, apart = rate(lines), rate(lines, Policies(co_term=CoTerm.OWN_RENEWAL))
    assert [(term.target, term.final) for term in joined.terms] == [(15_000, 15_000)]
    assert [(term.target, term.final) for term in apart.terms] == [(10_000, 15_000), (5_000, 0)]
    assert (joined.gross, apart.gross) == (1, Fraction(100, 150))


def test_a_renewal_is_counted_for_one_term() -> None:
    """Two lines of one product end a day apart, and one new line renews the first of them only."""
    lines = [
        line("a", start=date(2024, 1, 31), end=date(2025, 1, 31), arr=usd(100)),
        line("b", start=date(2024, 2, 2), end=DUE, arr=usd(100)),
        line("c", start=DUE, arr=usd(100)),
    ]
    found = rate(lines, Policies(grace_days=5))
    assert [(term.due_on, term.final) for term in found.terms] == [(date(2025, 1, 31), 10_000), (DUE, 0)]
