"""Support and people: each measure on a small customer worked out by hand, and when it is unknown."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from success.facts import AccountFacts
from success.measures import MEASURES, MeasureValue
from success.support import median_wait
from tests.success.builders import EXAMPLES, facts, line, rules, seen, ticket, used

AS_OF = date(2024, 6, 30)
BEFORE = date(2024, 5, 20)  # in the 28 days before the 28 days that end on AS_OF


def found(name: str, account: AccountFacts, as_of: date = AS_OF) -> MeasureValue:
    """Return the value of one measure and the day it stands for."""
    return MEASURES[name](account, rules(), as_of)


def test_velocity_is_the_difference_of_two_equal_windows() -> None:
    """Three tickets after one are two more, one after three are two less."""
    recent = tuple(ticket(f"r{day}", date(2024, 6, day)) for day in (3, 10, 30))
    early = (ticket("e", BEFORE),)
    assert found("ticket_velocity_28d", facts([line()], tickets=recent + early)).value == 2
    fewer = (*early, ticket("f", BEFORE), ticket("g", date(2024, 5, 6)), recent[0])
    assert found("ticket_velocity_28d", facts([line()], tickets=fewer)) == MeasureValue(-2, AS_OF)


def test_velocity_of_who_was_no_customer_before_is_unknown() -> None:
    """A contract that began within the earlier window gave no reason to ask before."""
    account = facts([line(start=date(2024, 5, 7))], tickets=(ticket("1", AS_OF),))
    assert found("ticket_velocity_28d", account).value is None


def test_tickets_that_stopped_are_good_news_only_where_the_product_is_used() -> None:
    """From one ticket to none: one less beside some use, unknown beside none."""
    gone = facts([line()], tickets=(ticket("1", BEFORE, BEFORE),), usage_seen=True)
    assert found("ticket_velocity_28d", gone).value is None
    busy = facts([line()], tickets=gone.tickets, usage=(used(AS_OF),), usage_seen=True)
    assert found("ticket_velocity_28d", busy).value == -1


def test_severity_weighs_open_tickets_by_priority() -> None:
    """Urgent 8, high 4 and a name nobody knows 2 are 14, two of them severe; closed ones weigh nothing."""
    tickets = (
        ticket("1", BEFORE, priority="urgent"),
        ticket("2", AS_OF),
        ticket("3", AS_OF, priority="P7"),
        ticket("4", BEFORE, AS_OF, priority="urgent"),
    )
    account = facts([line()], tickets=tickets)
    assert found("ticket_severity", account).value == 14
    assert found("open_severe_tickets", account) == MeasureValue(2, AS_OF)


def test_reopened_is_a_share_of_those_that_say_so() -> None:
    """Of three tickets two say whether, and one of these was reopened twice: a half, as of the later one."""
    tickets = (
        ticket("1", date(2024, 6, 1), reopened=2),
        ticket("2", date(2024, 6, 5), reopened=0),
        ticket("3", AS_OF),
        ticket("4", date(2024, 4, 1), reopened=1),
    )
    expected = MeasureValue(Fraction(1, 2), date(2024, 6, 5))
    assert found("reopen_rate_90d", facts([line()], tickets=tickets)) == expected
    assert found("reopen_rate_90d", facts([line()], tickets=tickets[2:3])).value is None


def test_time_to_resolve_does_not_forget_what_is_still_open() -> None:
    """Two closed after one and two days have a median of one; four more open for ten days make it unknown."""
    closed = (
        ticket("1", date(2024, 6, 1), date(2024, 6, 2)),
        ticket("2", date(2024, 6, 5), date(2024, 6, 7)),
        ticket("old", date(2024, 1, 1), date(2024, 3, 1)),
    )
    expected = MeasureValue(Fraction(1), date(2024, 6, 7))
    assert found("days_to_resolve_90d", facts([line()], tickets=closed)) == expected
    waiting = tuple(ticket(f"w{number}", date(2024, 6, 20)) for number in range(4))
    assert found("days_to_resolve_90d", facts([line()], tickets=closed + waiting)).value is None
    assert found("days_to_resolve_90d", facts([line()], tickets=closed + waiting[:1])).value == 2


def test_a_median_wait_by_hand() -> None:
    """Ended at 1, 3 and 4 beside one who waits since 2: 3/4, then 3/8 at 3 (Kaplan–Meier on paper)."""
    hour = timedelta(hours=1)
    assert median_wait([4 * hour, hour, 3 * hour], [2 * hour]) == 3 * hour
    assert median_wait([], [hour]) is None


def test_nothing_heard_is_no_healthy_support() -> None:
    """Without a ticket and without use no count of support is known, though support reports of others."""
    silent = facts([line()], usage_seen=True, support_seen=True)
    names = ("open_severe_tickets", "ticket_severity", "ticket_velocity_28d", "reopen_rate_90d")
    assert [found(name, silent).value for name in (*names, "days_to_resolve_90d")] == [None] * 5
    busy = facts([line()], usage=(used(AS_OF),), usage_seen=True, support_seen=True)
    assert [found(name, busy).value for name in names[:3]] == [0, 0, 0]


@pytest.mark.parametrize(("days", "expected"), [(7, 2), (28, 3), (90, 4)])
def test_users_are_counted_once_in_each_window(days: int, expected: int) -> None:
    """Ann on three days is one person in every window; windows hold their first day."""
    presence = (
        seen(AS_OF, ["ann"]),
        seen(date(2024, 6, 24), ["ann", "bob"]),  # the first of 7 days
        seen(date(2024, 6, 3), ["ann", "cleo"]),  # of 28
        seen(date(2024, 4, 2), ["dan"]),  # of 90
        seen(date(2024, 4, 1), ["eve"]),
    )
    assert found(f"active_users_{days}d", facts([line()], presence=presence)).value == expected


def test_users_nobody_named_are_unknown_not_none() -> None:
    """Use without user ids says nothing of people; no use at all says that there were none."""
    nameless = facts([line()], usage=(used(AS_OF),), usage_seen=True)
    assert found("active_users_28d", nameless).value is None
    assert found("active_users_28d", facts([line()], usage_seen=True)).value == 0


def test_a_window_longer_than_what_is_kept_is_unknown() -> None:
    """Presence kept from 3 April does not say who was there in the 90 days from 2 April."""
    account = facts([line()], presence=(seen(AS_OF, ["ann"]),), presence_from=date(2024, 4, 3))
    assert found("active_users_90d", account).value is None
    assert found("active_users_90d", account, date(2024, 7, 1)).value == 1
    assert found("active_users_28d", account).value == 1


@EXAMPLES
@given(
    st.lists(st.tuples(st.integers(0, 130), st.sampled_from("abcdef"), st.sampled_from(["core", "more"]))),
    st.integers(0, 130),
    st.sampled_from([7, 28, 90]),
)
def test_distinct_users_are_the_union_of_the_days(
    sightings: list[tuple[int, str, str]], asked: int, days: int
) -> None:
    """Whoever was there on whichever days: the measure is the size of the set of names in the window."""
    first = date(2024, 1, 1)
    presence = tuple(seen(first + timedelta(days=day), [user], product) for day, user, product in sightings)
    account = facts([line()], presence=presence, usage_seen=True)
    brute = {user for day, user, _ in sightings if asked - days < day <= asked}
    assert found(f"active_users_{days}d", account, first + timedelta(days=asked)).value == len(brute)


def test_a_ticket_closed_late_on_its_day_is_measured_to_the_second() -> None:
    """From noon to 18:00 the next day are five quarters of a day."""
    one = ticket("1", date(2024, 6, 1), closed_at=datetime(2024, 6, 2, 18, tzinfo=UTC))
    assert found("days_to_resolve_90d", facts([line()], tickets=(one,))).value == Fraction(5, 4)
