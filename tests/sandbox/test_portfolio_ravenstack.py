"""RavenStack as a portfolio: nothing is lost, nothing is bent. Expected figures: domain study, section E."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from sandbox.portfolio import read
from sandbox.portfolio.convert import convert
from sandbox.portfolio.mapping import load

REPOSITORY = Path(__file__).resolve().parents[2]
RAVENSTACK = REPOSITORY.parent / "shared" / "data" / "ravenstack"
AS_OF = "2024-12-31"


@pytest.fixture(scope="module")
def source():
    """Return the folder of CSV files, or skip."""
    if not RAVENSTACK.is_dir():
        pytest.skip("the RavenStack files are not beside this checkout (../shared/data/ravenstack)")
    return RAVENSTACK


@pytest.fixture(scope="module")
def folder(source, tmp_path_factory):
    """Return the portfolio made of them."""
    target = tmp_path_factory.mktemp("ravenstack") / "made"
    mapping = load(REPOSITORY / "tests" / "ravenstack" / "portfolio_mapping.yaml")
    convert(source, mapping, target, date.fromisoformat(AS_OF))
    return target


def _csv(source: Path, name: str) -> list[dict[str, str]]:
    with (source / f"ravenstack_{name}.csv").open(newline="") as text:
        return list(csv.DictReader(text))


def test_every_row_comes_out(folder):
    """500 accounts, 5,000 deals with a line each, 2,000 tickets, 25,000 usage events."""
    made = {
        name: sum(1 for _ in records(folder))
        for name, records in {
            "accounts": read.accounts, "deals": read.deals, "lines": read.lines,
            "tickets": read.tickets, "usage": read.usage,
        }.items()
    }  # fmt: skip
    assert made == {"accounts": 500, "deals": 5_000, "lines": 5_000, "tickets": 2_000, "usage": 25_000}
    assert len({one.deal_key for one in read.lines(folder)}) == 5_000
    assert read.read_portfolio(folder).contract_home == "deal"


def test_arr_is_that_of_the_files(source, folder):
    """Stacked half-open ARR on 2024-12-31 is 121,915,296, from the files and from the portfolio."""
    rows = _csv(source, "subscriptions")
    from_rows = sum(
        int(row["arr_amount"])
        for row in rows
        if row["start_date"] <= AS_OF and (not row["end_date"] or row["end_date"] > AS_OF)
    )
    from_lines = sum(
        Decimal(line.arr)
        for line in read.lines(folder)
        if line.kind == "recurring"
        and line.start_on <= AS_OF
        and (line.end_on is None or line.end_on > AS_OF)
    )
    assert from_rows == from_lines == 121_915_296


def test_usage_outside_its_line_is_kept(source, folder):
    """19,142 events before their line starts and 290 after the day it ends, from files and portfolio."""
    terms = {
        row["subscription_id"]: (row["start_date"], row["end_date"]) for row in _csv(source, "subscriptions")
    }
    usage = [(row["usage_date"], *terms[row["subscription_id"]]) for row in _csv(source, "feature_usage")]
    lines = {line.key: (line.start_on, line.end_on or "") for line in read.lines(folder)}
    events = [(one.at[:10], *lines[one.line_key]) for one in read.usage(folder)]
    for days in (usage, events):
        assert sum(day < start for day, start, _ in days) == 19_142
        assert sum(bool(end) and day > end for day, _, end in days) == 290


def test_each_event_is_the_row_it_came_from(source, folder):
    """Id, subscription, noon of the day, feature, counts; account and plan are the subscription's."""
    plans = {
        row["subscription_id"]: (row["account_id"], row["plan_tier"]) for row in _csv(source, "subscriptions")
    }
    expected = Counter(
        (
            row["usage_id"], row["subscription_id"], *plans[row["subscription_id"]], row["feature_name"], "",
            f"{row['usage_date']}T12:00:00Z",
            int(row["usage_count"]), int(row["usage_duration_secs"]), int(row["error_count"]),
        )
        for row in _csv(source, "feature_usage")
    )  # fmt: skip
    made = Counter(
        (
            one.message_id, one.line_key, one.account_key, one.product_key, one.feature, one.user,
            one.at, one.count, one.duration_s, one.errors,
        )
        for one in read.usage(folder)
    )  # fmt: skip
    assert made == expected


def test_ids_given_twice_stay_distinct_facts(folder):
    """21 usage ids come twice, each time with different content."""
    events: dict[str, list] = {}
    for one in read.usage(folder):
        events.setdefault(one.message_id, []).append(one)
    twice = [facts for facts in events.values() if len(facts) > 1]
    assert len(twice) == 21
    assert all(len(facts) == 2 and facts[0] != facts[1] for facts in twice)


def test_each_line_is_the_subscription_it_came_from(source, folder):
    """Dates, seats, money, kind, term and renewal flag are those of the row; the deal closed that day."""
    lines = {one.key: one for one in read.lines(folder)}
    deals = {one.key: one for one in read.deals(folder)}
    for row in _csv(source, "subscriptions"):
        line = lines[row["subscription_id"]]
        assert (line.account_key, line.product_key, line.seats) == (
            row["account_id"], row["plan_tier"], int(row["seats"]),
        )  # fmt: skip
        assert (line.start_on, line.end_on or "") == (row["start_date"], row["end_date"])
        assert Decimal(line.arr) == Decimal(row["arr_amount"])
        assert (line.kind == "trial") == (row["is_trial"] == "True")
        assert line.term_months == {"annual": 12, "monthly": 1}[row["billing_frequency"]]
        assert line.auto_renew == (row["auto_renew_flag"] == "True")
        deal = deals[line.deal_key]
        assert (deal.stage, deal.created_on, deal.close_on) == ("won", row["start_date"], row["start_date"])


def test_each_ticket_is_the_row_it_came_from(source, folder):
    """Priority, escalation, satisfaction and both instants are those of the row."""
    tickets = {one.key: one for one in read.tickets(folder)}
    for row in _csv(source, "support_tickets"):
        ticket = tickets[row["ticket_id"]]
        score = row["satisfaction_score"]
        assert (ticket.account_key, ticket.priority) == (row["account_id"], row["priority"])
        assert ticket.escalated == (row["escalation_flag"] == "True")
        assert ticket.csat == (int(float(score)) if score else None)
        assert ticket.opened_at == f"{row['submitted_at']}T00:00:00Z"
        assert ticket.closed_at == row["closed_at"].replace(" ", "T") + "Z"


def test_churn_flags_come_along(source, folder):
    """110 accounts carry the flag that says they churned, for the product to set against their contracts."""
    flags = Counter(one.attributes["churn_flag"] for one in read.accounts(folder))
    assert flags == Counter(row["churn_flag"] for row in _csv(source, "accounts"))
    assert flags["True"] == 110
