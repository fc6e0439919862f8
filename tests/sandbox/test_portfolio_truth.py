"""What portfolio.json says is true of an account can be seen in its records."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, timedelta
from itertools import combinations

import pytest

from sandbox.portfolio import read
from sandbox.portfolio.generate import Request, generate

AS_OF = date(2026, 6, 30)
CAUSES = ("usage_decay", "champion_left", "escalation", "price", "no_adoption")
EXCLUSIVE = (
    *CAUSES, "healthy", "expansion_ready", "onboarding_on_track", "onboarding_stalled", "trial", "prospect",
    "monthly_open_ended", "renewal_to_adopt",
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a portfolio of 150 accounts, seed 11."""
    target = tmp_path_factory.mktemp("portfolio") / "made"
    generate(target, Request(150, 11, AS_OF))
    return target


@pytest.fixture(scope="module")
def truth(folder):
    """Return the planted sets."""
    return {name: set(keys) for name, keys in read.read_portfolio(folder).truth.items()}


def _users_by_day(folder) -> dict[str, dict[date, set[str]]]:
    """Return who used the core product, by account and day."""
    seen: dict[str, dict[date, set[str]]] = defaultdict(lambda: defaultdict(set))
    for event in read.usage(folder):
        if event.product_key == "workspace":
            seen[event.account_key][date.fromisoformat(event.at[:10])].add(event.user)
    return seen


def _distinct(days: dict[date, set[str]], last: date, length: int = 28) -> int:
    """Return the distinct users of the ``length`` days that end with ``last``."""
    return len(set().union(*(days.get(last - timedelta(days=back), set()) for back in range(length))))


def _core_seats(folder, day: date) -> Counter:
    """Return the paid core seats valid on a day, by account."""
    seats: Counter = Counter()
    for line in read.lines(folder):
        valid = line.start_on <= day.isoformat() and (line.end_on is None or day.isoformat() < line.end_on)
        if valid and line.kind == "recurring" and line.product_key == "workspace":
            seats[line.account_key] += line.seats
    return seats


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_hundred_accounts_hold_every_story(tmp_path, seed):
    """With 100 accounts no planted set is empty, whatever the seed."""
    generate(tmp_path / "made", Request(100, seed, AS_OF))
    found = read.read_portfolio(tmp_path / "made").truth
    due = {"churned", "renewal_in_window", "renewal_tomorrow_enters_window"}
    assert {*EXCLUSIVE, *due} <= {name for name, keys in found.items() if keys}


def test_nobody_is_in_two_contradicting_sets(truth):
    """An account has one story; who has churned has a cause and no renewal ahead."""
    for one, other in combinations(EXCLUSIVE, 2):
        assert not truth[one] & truth[other], (one, other)
    assert truth["churned"] <= set().union(*(truth[cause] for cause in CAUSES))
    assert not truth["churned"] & (truth["renewal_in_window"] | truth["renewal_tomorrow_enters_window"])
    assert not truth["renewal_in_window"] & truth["renewal_tomorrow_enters_window"]
    assert truth["renewal_to_adopt"] <= truth["renewal_in_window"]


def test_expansion_ready_means_85_percent_for_more_than_30_days(folder, truth):
    """For 40 days running those accounts use 85 % of their seats or more, and nobody else ever 80 %."""
    users = _users_by_day(folder)
    for back in range(1, 41):
        day = AS_OF - timedelta(days=back)
        for account, seats in _core_seats(folder, day).items():
            share = _distinct(users[account], day) / seats
            assert (share >= 0.85) if account in truth["expansion_ready"] else (share < 0.8), (account, day)


def test_renewal_sets_are_the_due_dates(folder, truth):
    """Terms due within 90 days, and on the 91st, are exactly those of the lines."""
    due = defaultdict(set)
    for line in read.lines(folder):
        if line.kind == "recurring" and line.end_on:
            due[(date.fromisoformat(line.end_on) - AS_OF).days].add(line.account_key)
    assert truth["renewal_in_window"] == set().union(*(due[days] for days in range(91)))
    assert truth["renewal_tomorrow_enters_window"] == due[91]


def test_churned_means_nothing_runs_any_more(folder, truth):
    """Among those who ever paid, the churned are exactly those without a valid recurring line."""
    paid = {one.account_key for one in read.lines(folder) if one.kind == "recurring"}
    assert truth["churned"] == paid - set(_core_seats(folder, AS_OF))


def test_renewals_to_adopt_stand_open_in_the_crm(folder, truth):
    """Exactly these accounts have an open renewal deal, closing on the day the term ends."""
    open_renewals = {
        one.account_key: one for one in read.deals(folder) if one.kind == "renewal" and one.stage == "open"
    }
    ends = {(one.account_key, one.end_on) for one in read.lines(folder)}
    assert set(open_renewals) == truth["renewal_to_adopt"]
    assert all((key, deal.close_on) in ends for key, deal in open_renewals.items())


def test_decaying_usage_decays(folder, truth):
    """The last 28 days under contract see less than half the user days of four weeks three months before."""
    users = _users_by_day(folder)
    ends = {one.account_key: one.end_on for one in read.lines(folder) if one.kind == "recurring"}
    for account in truth["usage_decay"]:
        last = min(AS_OF, date.fromisoformat(ends[account])) - timedelta(days=1)
        late, early = (
            sum(len(users[account].get(end - timedelta(days=back), ())) for back in range(28))
            for end in (last, last - timedelta(days=91))
        )
        assert late < early / 2


def test_no_adoption_and_stalled_onboarding_show_in_usage(folder, truth):
    """Neither has more than 8 % of its seats (at least one person) in use; those on track have 40 %."""
    users = _users_by_day(folder)
    people = {key: set().union(*days.values()) for key, days in users.items()}
    seats = _core_seats(folder, AS_OF)
    for account in (truth["no_adoption"] | truth["onboarding_stalled"]) - truth["churned"]:
        assert len(people.get(account, ())) <= max(1, seats[account] * 0.08)
    for account in truth["onboarding_on_track"]:
        assert len(people[account]) >= 0.4 * seats[account] - 1


def test_onboarding_accounts_began_within_90_days(folder, truth):
    """The first line of an account in onboarding starts less than 90 days before as_of."""
    first: dict[str, str] = {}
    for line in read.lines(folder):
        first[line.account_key] = min(first.get(line.account_key, line.start_on), line.start_on)
    earliest = (AS_OF - timedelta(days=90)).isoformat()
    onboarding = truth["onboarding_on_track"] | truth["onboarding_stalled"]
    assert onboarding
    assert all(earliest < first[account] < AS_OF.isoformat() for account in onboarding)


def test_champions_who_left_are_silent(folder, truth):
    """The champion says so in the title and sends no event in the last 45 days."""
    gone = {one.email: one.account_key for one in read.contacts(folder) if one.title.startswith("No longer")}
    assert set(gone.values()) == truth["champion_left"]
    ends = {one.account_key: one.end_on or "9999" for one in read.lines(folder) if one.kind == "recurring"}
    for event in read.usage(folder):
        if event.user in gone:
            last = min(AS_OF, date.fromisoformat(ends[gone[event.user]]))
            assert event.at[:10] < (last - timedelta(days=45)).isoformat()


def test_escalations_are_open_where_planted(folder, truth):
    """Each of these accounts has an escalated urgent ticket that is still open; no other has one."""
    hot = {
        one.account_key
        for one in read.tickets(folder)
        if one.escalated and one.priority == "urgent" and one.closed_at is None
    }
    assert hot == truth["escalation"]


def test_usage_outside_contracts_is_told(folder, truth):
    """The two sets hold exactly the accounts with usage before the first start or after the last end."""
    first, last = defaultdict(lambda: "9999"), defaultdict(str)
    for line in read.lines(folder):
        first[line.account_key] = min(first[line.account_key], line.start_on)
        last[line.account_key] = max(last[line.account_key], line.end_on or "9999")
    events = list(read.usage(folder))
    assert truth["usage_before_start"] == {
        one.account_key for one in events if one.at[:10] < first[one.account_key]
    }
    assert truth["usage_after_end"] == {
        one.account_key for one in events if one.at[:10] > last[one.account_key]
    }
