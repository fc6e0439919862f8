"""The generated portfolio: repeatable, consistent, and stable as it grows."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.portfolio import read
from sandbox.portfolio.dates import add_months
from sandbox.portfolio.generate import Request, generate
from sandbox.portfolio.model import Deal
from sandbox.portfolio.read import FILE_NAMES
from sandbox.portfolio.schedule import schedule
from sandbox.portfolio.story import part_of
from sandbox.portfolio.write import TargetError

AS_OF = date(2026, 6, 30)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a portfolio of 200 accounts, seed 7."""
    target = tmp_path_factory.mktemp("portfolio") / "made"
    generate(target, Request(200, 7, AS_OF))
    return target


def _bytes(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_same_seed_gives_the_same_bytes(tmp_path):
    """Two runs with one seed write byte-identical files, whatever the global random state."""
    random.seed(1)
    generate(tmp_path / "a", Request(60, 3, AS_OF))
    random.seed(2)
    generate(tmp_path / "b", Request(60, 3, AS_OF))
    assert _bytes(tmp_path / "a") == _bytes(tmp_path / "b")
    assert set(_bytes(tmp_path / "a")) == {*FILE_NAMES.values(), "portfolio.json"}


def test_different_seeds_differ(tmp_path):
    """Another seed gives other accounts, deals and usage."""
    generate(tmp_path / "a", Request(20, 3, AS_OF))
    generate(tmp_path / "b", Request(20, 4, AS_OF))
    one, other = _bytes(tmp_path / "a"), _bytes(tmp_path / "b")
    assert all(one[name] != other[name] for name in ("accounts.jsonl", "deals.jsonl", "usage.jsonl"))


def test_first_accounts_stay_when_the_portfolio_grows(tmp_path, folder):
    """Every file of a portfolio of 30 is the beginning of the same file of one of 200."""
    generate(tmp_path / "small", Request(30, 7, AS_OF))
    small, big = _bytes(tmp_path / "small"), _bytes(folder)
    for name in FILE_NAMES.values():
        assert big[name].startswith(small[name])
    truth, more = (read.read_portfolio(one).truth for one in (tmp_path / "small", folder))
    for name, keys in truth.items():
        assert more[name][: len(keys)] == keys


def test_every_reference_leads_somewhere(folder):
    """Deals, lines, contacts, tickets, surveys and usage name only what is in the folder."""
    accounts = {one.key for one in read.accounts(folder)}
    owners = {one.key for one in read.owners(folder)}
    products = {one.key for one in read.products(folder)}
    deals = {one.key: one for one in read.deals(folder)}
    lines = {one.key: one for one in read.lines(folder)}
    contacts = {one.key: one.account_key for one in read.contacts(folder)}
    assert all({one.parent_key or one.key, one.key} <= accounts for one in read.accounts(folder))
    assert {one.owner_key for one in read.accounts(folder)} <= owners
    for line in lines.values():
        assert deals[line.deal_key].account_key == line.account_key
        assert deals[line.deal_key].stage == "won"
        assert line.product_key in products
    assert set(contacts.values()) <= accounts
    assert {one.account_key for one in read.tickets(folder)} <= accounts
    for answer in read.surveys(folder):
        assert contacts.get(answer.contact_key, answer.account_key) == answer.account_key
    for event in read.usage(folder):
        assert event.account_key in accounts
        assert event.product_key in products
        if event.line_key:
            assert lines[event.line_key].account_key == event.account_key


def test_keys_are_unique_in_each_file(folder):
    """No two records of a class share a key."""
    for records in (read.accounts, read.contacts, read.deals, read.lines, read.tickets, read.surveys):
        keys = Counter(one.key for one in records(folder))
        assert set(keys.values()) == {1}


def test_dates_follow_one_another(folder):
    """Lines end after they start, deals close after they are made, tickets close after they open."""
    accounts = {one.key: one for one in read.accounts(folder)}
    for line in read.lines(folder):
        assert line.end_on is None or line.start_on < line.end_on
    for deal in read.deals(folder):
        assert accounts[deal.account_key].created_on <= deal.created_on <= deal.close_on
        assert (deal.close_on > AS_OF.isoformat()) == (deal.stage == "open")
    for ticket in read.tickets(folder):
        assert ticket.closed_at is None or ticket.opened_at < ticket.closed_at < "2026-06-30"
    today = AS_OF.isoformat()
    assert all(one.at < today for one in read.usage(folder))
    assert all(one.at < today for one in read.surveys(folder))


def test_renewals_start_where_the_renewed_term_ended(folder):
    """The core line of a won renewal starts on the end day of the line it renews."""
    deals = {one.key: one for one in read.deals(folder)}
    core = {
        one.deal_key: one
        for one in read.lines(folder)
        if one.product_key == "workspace" and one.kind == "recurring"
    }
    won = [one for one in deals.values() if one.kind == "renewal" and one.stage == "won"]
    assert len(won) > 100
    for deal in won:
        assert core[deal.key].start_on == core[deal.renewal_of].end_on


def test_arr_is_seats_times_a_price_in_cents(folder):
    """A recurring line's ARR divided by its seats is a whole number of cents, at most list price + 15 %."""
    rates = {"USD": Decimal(1), "EUR": Decimal("0.92"), "GBP": Decimal("0.79")}
    listed = {one.key: Decimal(one.unit_price) for one in read.products(folder)}
    for line in read.lines(folder):
        price = Decimal(line.arr) / line.seats
        assert price == price.quantize(Decimal("0.01"))
        top = listed[line.product_key] * rates[line.currency] * Decimal("1.15")
        assert (price == 0) if line.kind == "trial" else (top / 2 < price <= top + Decimal("0.01"))


def test_one_year_sales_amount_to_the_sum_of_their_lines(folder):
    """A won deal of twelve months is worth what its lines cost in that year."""
    lines: dict[str, list[Decimal]] = {}
    months = {}
    for line in read.lines(folder):
        lines.setdefault(line.deal_key, []).append(Decimal(line.arr))
        months[line.deal_key] = months.get(line.deal_key) or line.term_months
    checked = [one for one in read.deals(folder) if one.kind != "expansion" and months.get(one.key) == 12]
    assert len(checked) > 100
    assert all(Decimal(one.amount) == sum(lines[one.key]) for one in checked)


def test_added_lines_end_with_their_co_term_group(folder):
    """All lines of a co-term group end on one day, and every group has an add-on."""
    groups: dict[str, list] = {}
    for line in read.lines(folder):
        if line.co_term_group:
            groups.setdefault(line.co_term_group, []).append(line)
    assert groups
    for members in groups.values():
        assert len(members) == 2
        assert len({one.end_on for one in members}) == 1
        assert members[0].start_on < members[1].start_on


def test_the_portfolio_is_varied(folder):
    """There are parents, three currencies, every kind of line and deal, multi-year and open-ended terms."""
    accounts, lines = list(read.accounts(folder)), list(read.lines(folder))
    assert 0.03 < sum(one.parent_key is not None for one in accounts) / len(accounts) < 0.15
    assert Counter(one.currency for one in accounts).most_common(1)[0][0] == "USD"
    assert {one.currency for one in accounts} == {"USD", "EUR", "GBP"}
    assert {one.kind for one in lines} == {"recurring", "one_time", "trial"}
    assert {12, 24, 36, 1} <= {one.term_months for one in lines}
    assert any(one.end_on is None for one in lines)
    assert {one.kind for one in read.deals(folder)} == {"new", "expansion", "renewal"}
    assert {one.stage for one in read.deals(folder)} == {"open", "won", "lost"}
    assert {one.role for one in read.contacts(folder)} == {"champion", "economic_buyer", "admin", "user"}


def test_usage_follows_the_working_week(folder):
    """Fewer than one event in ten falls on a weekend, where two days in seven would be 29 %."""
    days = [datetime.fromisoformat(one.at) for one in read.usage(folder)]
    assert all(one.tzinfo == UTC for one in days)
    assert sum(one.weekday() >= 5 for one in days) < len(days) / 10


def test_some_usage_arrives_twice_and_some_late(folder):
    """Repeated message ids are equal facts, and the files are not quite in order of time."""
    seen, repeated, late = {}, 0, 0
    latest = ("", "")
    for event in read.usage(folder):
        repeated += event.message_id in seen
        assert seen.setdefault(event.message_id, event) == event
        late += event.account_key == latest[0] and event.at < latest[1]
        latest = (event.account_key, event.at)
    assert repeated > 20
    assert late > 50


def test_a_foreign_folder_is_left_alone(tmp_path):
    """A folder with other people's files is refused and keeps them; an older portfolio is replaced."""
    target = tmp_path / "work"
    target.mkdir()
    (target / "letter.txt").write_text("dear")
    with pytest.raises(TargetError, match="no portfolio"):
        generate(target, Request(1, 1, AS_OF))
    assert [one.name for one in tmp_path.iterdir()] == ["work"]
    assert (target / "letter.txt").read_text() == "dear"
    generate(tmp_path / "made", Request(3, 1, AS_OF))
    generate(tmp_path / "made", Request(2, 1, AS_OF))
    assert len(list(read.accounts(tmp_path / "made"))) == 2


def test_a_failure_half_way_leaves_the_old_portfolio(tmp_path):
    """When making one stops half way, the folder holds the old one and nothing else is left behind."""
    target = tmp_path / "made"
    generate(target, Request(2, 1, AS_OF))
    before = _bytes(target)

    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(target, Request(2, 2, AS_OF), stop)
    assert _bytes(target) == before
    assert [one.name for one in tmp_path.iterdir()] == ["made"]


def test_reading_names_the_line_that_is_no_record(tmp_path):
    """A broken line is reported with file, line number and remedy."""
    path = tmp_path / FILE_NAMES[Deal]
    path.write_text('{"key": "D"}\n')
    with pytest.raises(read.FolderError, match=r"deals\.jsonl:1: not a Deal .* Make the folder anew"):
        list(read.deals(tmp_path))


@given(st.dates(date(1999, 1, 1), date(2100, 1, 1)), st.integers(-600, 600))
def test_months_are_added_on_the_calendar(day, months):
    """The result is that many months away, on the same day or on the last day of a shorter month."""
    moved = add_months(day, months)
    assert moved.year * 12 + moved.month - day.year * 12 - day.month == months
    assert moved.day == day.day or (moved.day < day.day and add_months(moved, 1).month != moved.month)
    assert moved.day == day.day or date.fromordinal(moved.toordinal() + 1).day == 1


@settings(max_examples=200)
@given(st.integers(), st.integers(0, 10_000), st.dates(date(2001, 1, 1), date(2090, 1, 1)))
def test_terms_follow_each_other_for_any_seed(seed, index, as_of):
    """Whatever seed, account and day: terms are in order, and only a churned account's last is over."""
    part = part_of(seed, index)
    plan = schedule(seed, index, part, as_of)
    assert list(plan.edges) == sorted(set(plan.edges))
    assert plan.begins <= plan.edges[0]
    if len(plan.edges) > 1:
        assert (plan.edges[-1] <= as_of) == part.churned
        assert plan.edges[-2] < as_of
