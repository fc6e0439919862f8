"""Each policy of the ledger changes what it says, by hand-counted examples (domain A.0)."""

from __future__ import annotations

from dataclasses import fields
from datetime import date
from fractions import Fraction

import pytest

from success.facts import ContractLine, LineKind, Money
from success.kpis import arr, grr, logo_retention, nrr, pending_arr
from success.ledger import policies_text
from success.policies import (
    ChurnDate,
    Customer,
    FxRate,
    MultiYear,
    Overlap,
    Policies,
    UsagePricing,
    Validity,
)
from success.positions import Book, Context, Level
from tests.success.builders import line, usd

START, END = date(2024, 1, 1), date(2025, 1, 1)
GRACE = Policies(grace_days=30)


def on(lines: list[ContractLine], day: date, policies: Policies, context: Context | None = None) -> int:
    """Return ARR on a day in whole dollars."""
    return arr(lines, day, policies, context).value.minor // 100


def test_every_policy_is_printed() -> None:
    """No policy is missing beside a number, whatever it is set to."""
    printed = policies_text(Policies())
    names = {one.name for one in fields(Policies)} - {"reporting_currency", "fx", "fx_rate", "fx_dated"}
    assert {name for name in names if f"{name}=" not in printed} == set()
    assert "currency=USD (constant, rates: none)" in printed
    dated = Policies(fx={"EUR": Fraction(2)}, fx_dated={"EUR": ((START, Fraction(3)),)})
    assert "rates: EUR=2; by day: EUR)" in policies_text(dated)


def test_the_newest_of_each_product_may_supersede() -> None:
    """Of 5 and 7 of one product the newer stands, and 3 of another product stands beside it."""
    lines = [
        line("a", arr=usd(5)),
        line("b", start=date(2024, 3, 1), arr=usd(7)),
        line("c", product_id="other", start=date(2024, 2, 1), arr=usd(3)),
    ]
    assert on(lines, END, Policies(overlap=Overlap.SUPERSEDE_PRODUCT)) == 10


class TestGrace:
    """A late renewal is awaited for the days of grace: its ARR stays, and says that it is pending."""

    YEAR = line("old", end=END, arr=usd(100))
    LATE = line("new", start=date(2025, 1, 4), arr=usd(100))

    @pytest.mark.parametrize(
        ("day", "total", "pending"),
        [
            (date(2024, 12, 31), 100, 0),
            (END, 100, 100),
            (date(2025, 1, 30), 100, 100),
            (date(2025, 1, 31), 0, 0),
        ],
    )
    def test_arr_stays_for_thirty_days(self, day: date, total: int, pending: int) -> None:
        """From the end day on the line is pending; on the thirty-first day it is gone."""
        assert on([self.YEAR], day, GRACE) == total
        assert pending_arr([self.YEAR], day, GRACE).value == usd(pending)

    def test_it_begins_a_day_later_where_the_end_day_counts(self) -> None:
        """The end day is under contract, then come thirty days of grace."""
        inclusive = Policies(grace_days=30, validity=Validity.END_INCLUSIVE)
        assert pending_arr([self.YEAR], END, inclusive).value == usd(0)
        assert on([self.YEAR], date(2025, 1, 31), inclusive) == 100
        assert on([self.YEAR], date(2025, 2, 1), inclusive) == 0

    def test_a_renewal_ends_it_and_never_stacks(self) -> None:
        """Signed on day 3: 100 pending before, 100 by contract after, at no time 200 or 0."""
        lines = [self.YEAR, self.LATE]
        assert [on(lines, date(2025, 1, day), GRACE) for day in (1, 3, 4, 20)] == [100] * 4
        assert pending_arr(lines, date(2025, 1, 4), GRACE).value == usd(0)
        assert on(lines, date(2025, 1, 3), Policies()) == 0

    def test_an_early_renewal_leaves_nothing_pending(self) -> None:
        """The follower began before the end, so that nothing is awaited after it."""
        early = line("new", start=date(2024, 12, 1), arr=usd(100))
        assert on([self.YEAR, early], END, GRACE) == 100

    def test_notice_leaves_nothing_to_wait_for(self) -> None:
        """Who gave notice will not renew late."""
        left = line("old", end=END, arr=usd(100), cancelled_on=date(2024, 10, 1))
        assert on([left], END, GRACE) == 0

    def test_a_sibling_of_the_same_day_renews_nothing(self) -> None:
        """Two lines of one product began together; the one that goes on is no renewal of the other."""
        assert on([self.YEAR, line("sibling", arr=usd(5))], END, GRACE) == 105

    def test_another_product_renews_nothing(self) -> None:
        """A new line of another product is no renewal of this one."""
        other = line("new", product_id="other", start=END, arr=usd(7))
        assert on([self.YEAR, other], END, GRACE) == 107


class TestChurnDate:
    """When a customer who leaves is lost: at the term's end, or earlier as the policy says."""

    YEAR = line("a", end=END, arr=usd(100), cancelled_on=date(2024, 9, 1), last_paid_on=date(2024, 11, 30))
    KNOWN = Context(known_on=date(2025, 6, 1), uses={"A1": [date(2024, 2, 1), date(2024, 5, 5)]})

    @pytest.mark.parametrize(
        ("choice", "last_day"),
        [
            (ChurnDate.TERM_END, date(2024, 12, 31)),
            (ChurnDate.NOTICE, date(2024, 8, 31)),
            (ChurnDate.LAST_PAYMENT, date(2024, 11, 30)),
            (ChurnDate.LAST_USE, date(2024, 5, 5)),
        ],
    )
    def test_the_last_day_with_arr(self, choice: ChurnDate, last_day: date) -> None:
        """ARR stands on the last day and is gone the day after."""
        policies = Policies(churn_date=choice)
        assert on([self.YEAR], last_day, policies, self.KNOWN) == 100
        assert on([self.YEAR], date.fromordinal(last_day.toordinal() + 1), policies, self.KNOWN) == 0

    def test_the_latest_use_of_a_running_term_is_not_the_last(self) -> None:
        """Before the end nobody has stopped using or paying; a notice counts at once."""
        running = Context(known_on=date(2024, 12, 1), uses=self.KNOWN.uses)
        for choice in (ChurnDate.LAST_USE, ChurnDate.LAST_PAYMENT):
            assert on([self.YEAR], date(2024, 12, 1), Policies(churn_date=choice), running) == 100
        assert on([self.YEAR], date(2024, 12, 1), Policies(churn_date=ChurnDate.NOTICE), running) == 0

    def test_who_renewed_did_not_leave(self) -> None:
        """The end of a term that is followed by another is nobody's churn."""
        renewed = [self.YEAR, line("b", start=END, arr=usd(100))]
        policies = Policies(churn_date=ChurnDate.LAST_USE)
        assert on(renewed, date(2024, 12, 31), policies, self.KNOWN) == 100

    def test_a_renewal_within_the_grace_goes_on_from_the_same_term(self) -> None:
        """Notice was given, and taken back ten days after the end: nobody left, unless grace is none."""
        late = [self.YEAR, line("b", start=date(2025, 1, 11), arr=usd(100))]
        day = date(2024, 12, 1)
        assert on(late, day, Policies(churn_date=ChurnDate.NOTICE, grace_days=30)) == 100
        assert on(late, day, Policies(churn_date=ChurnDate.NOTICE)) == 0

    def test_notice_on_one_line_is_no_notice_on_the_last(self) -> None:
        """The line that ended in June was given up in March; the one that ends in December was not."""
        lines = [
            line("a", end=date(2024, 6, 1), arr=usd(5), cancelled_on=date(2024, 3, 1)),
            line("b", end=END, arr=usd(100)),
        ]
        assert on(lines, date(2024, 12, 31), Policies(churn_date=ChurnDate.NOTICE)) == 100

    def test_who_never_used_it_is_lost_at_the_end_of_the_term(self) -> None:
        """No use is no last use."""
        policies = Policies(churn_date=ChurnDate.LAST_USE)
        assert on([self.YEAR], date(2024, 12, 31), policies, Context(known_on=END)) == 100


class TestCustomer:
    """Whose gains offset whose losses: A lost 40 and its sister B gained 60."""

    LINES = (
        line("a1", account_id="A", arr=usd(60)),
        line("a2", account_id="A", arr=usd(40), end=date(2024, 6, 1)),
        line("b1", account_id="B", arr=usd(100)),
        line("b2", account_id="B", arr=usd(60), start=date(2024, 6, 1), product_id="more"),
    )
    FAMILY = Context(parents={"A": "G", "B": "G", "G": "G"})

    @pytest.mark.parametrize(
        ("choice", "gross"),
        [
            (Customer.ACCOUNT, Fraction(160, 200)),
            (Customer.ULTIMATE_PARENT, Fraction(1)),
            (Customer.PRODUCT, Fraction(160, 200)),
        ],
    )
    def test_gross_retention(self, choice: Customer, gross: Fraction) -> None:
        """Under one parent 200 became 220, so nothing was lost; apart, 40 of 200 was."""
        policies = Policies(customer=choice)
        assert grr(self.LINES, START, END, policies, context=self.FAMILY).value == gross

    def test_a_family_is_one_logo(self) -> None:
        """B leaves and A stays: half the accounts, and the whole family."""
        lines = [self.LINES[0], line("b", account_id="B", end=date(2024, 3, 1))]
        by_account = logo_retention(lines, START, END, Policies())
        family = logo_retention(lines, START, END, Policies(customer=Customer.ULTIMATE_PARENT), self.FAMILY)
        assert (by_account.kept, by_account.base) == (1, 2)
        assert (family.kept, family.base) == (1, 1)

    def test_contracts_are_counted_each(self) -> None:
        """A's two contracts and B's one were there at the start; one of them ended."""
        lines = [*self.LINES[:3], line("a3", account_id="A", start=date(2024, 2, 2), co_term_group="g")]
        found = logo_retention(lines, START, END, Policies(customer=Customer.CONTRACT))
        assert (found.kept, found.base) == (2, 3)

    def test_parents_in_a_circle_are_one_family(self) -> None:
        """Two accounts that name each other are the same customer, and the program ends."""
        book = Book(self.LINES, Policies(), Context(parents={"A": "B", "B": "A", "C": "A"}))
        assert [book.root(name) for name in "ABC"] == ["A", "A", "A"]


class TestMultiYear:
    """A line priced 100, 200 and 600 by contract year."""

    RAMP = line("a", arr=usd(100), ramp=(usd(100), usd(200), usd(600)))

    @pytest.mark.parametrize(
        ("day", "dollars"),
        [
            (date(2024, 12, 31), 100),
            (date(2025, 1, 1), 200),
            (date(2026, 1, 1), 600),
            (date(2028, 1, 1), 600),
        ],
    )
    def test_the_current_year_counts(self, day: date, dollars: int) -> None:
        """Each price from its anniversary on, the last one for good."""
        assert on([self.RAMP], day, Policies()) == dollars

    def test_the_average_counts_where_the_policy_says_so(self) -> None:
        """(100 + 200 + 600) / 3 on every day."""
        assert on([self.RAMP], END, Policies(multi_year=MultiYear.AVERAGE)) == 300


def test_overage_counts_annualised_where_the_policy_says_so() -> None:
    """Charges of 10 and 5 begun in the three months before make 60 a year; older ones make none."""
    lines = [
        line("base", arr=usd(100)),
        line("o1", kind=LineKind.OVERAGE, start=date(2024, 10, 1), end=date(2024, 11, 1), arr=usd(10)),
        line("o2", kind=LineKind.OVERAGE, start=date(2024, 12, 1), end=END, arr=usd(5)),
        line("o3", kind=LineKind.OVERAGE, start=date(2024, 9, 30), end=date(2024, 10, 31), arr=usd(99)),
    ]
    assert on(lines, END, Policies()) == 100
    assert on(lines, END, Policies(usage_pricing=UsagePricing.TRAILING_3_MONTHS)) == 160


def test_committed_usage_counts_and_paid_cs_offers_where_the_charter_says_so() -> None:
    """A commitment of 5 counts as a subscription does; an offer of 3 counts on request."""
    lines = [
        line("a", kind=LineKind.COMMITTED_USAGE, arr=usd(5)),
        line("b", kind=LineKind.CS_OFFER, arr=usd(3)),
        line("c", kind=LineKind.SERVICE, arr=usd(50)),
        line("d", kind=LineKind.CREDIT, arr=usd(50)),
    ]
    assert on(lines, END, Policies()) == 5
    assert on(lines, END, Policies(counted=frozenset({LineKind.CS_OFFER}))) == 3


class TestRates:
    """100 euro throughout, worth 1.00 dollar at the start and 1.20 at the end; the budget says 1.50."""

    LINES = (line("a", arr=Money(10_000, "EUR")), line("b", account_id="B", arr=usd(100)))

    @pytest.mark.parametrize(
        ("choice", "net"),
        [
            (FxRate.CONSTANT, Fraction(1)),
            (FxRate.SPOT, Fraction(220, 200)),
            (FxRate.BUDGET, Fraction(1)),
        ],
    )
    def test_retention_under_each(self, choice: FxRate, net: Fraction) -> None:
        """Only the spot rates make a stronger euro look like growth."""
        assert nrr(self.LINES, START, END, self.policies(choice)).value == net

    @pytest.mark.parametrize(("choice", "dollars"), [(FxRate.CONSTANT, 220), (FxRate.BUDGET, 250)])
    def test_arr_is_at_the_rate_of_its_day_or_the_budgets(self, choice: FxRate, dollars: int) -> None:
        """120 and 100, or 150 and 100."""
        assert on(list(self.LINES), END, self.policies(choice)) == dollars

    def test_before_the_first_dated_rate_the_fixed_one_holds(self) -> None:
        """On the last day of 2023 there is only the rate of 1.50."""
        early = [line("a", start=date(2023, 1, 1), arr=Money(10_000, "EUR"))]
        assert on(early, date(2023, 12, 31), self.policies(FxRate.CONSTANT)) == 150

    @staticmethod
    def policies(choice: FxRate) -> Policies:
        """Return the policies with the rates of this example."""
        dated = {"EUR": ((START, Fraction(1)), (END, Fraction(6, 5)))}
        return Policies(fx={"EUR": Fraction(3, 2)}, fx_rate=choice, fx_dated=dated)


def test_levels_hide_less_the_finer_they_are() -> None:
    """Product x fell by 30 and y grew by 30 in one account: gross is 1 by account and 0.85 by product."""
    lines = [
        line("x1", product_id="x", arr=usd(100), end=date(2024, 6, 1)),
        line("x2", product_id="x", arr=usd(70), start=date(2024, 6, 1)),
        line("y1", product_id="y", arr=usd(100)),
        line("y2", product_id="y", arr=usd(30), start=date(2024, 7, 1)),
    ]
    values = [grr(lines, START, END, Policies(), level).value for level in Level]
    assert values == [Fraction(1), Fraction(170, 200), Fraction(100, 200)]
