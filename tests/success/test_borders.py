"""Borders: looking only when one has come gives what looking at everybody every day gives."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from success import borders
from success.borders import next_border
from success.criteria import Criterion, Journey, Segmentation, SegmentRule
from success.decide import advance, decide
from success.event_points import EventKind, EventRule
from success.facts import Account, AccountFacts, DealState, Ticket
from success.fold import FoldState
from success.human_inputs import HumanInputs, Override, OverrideKind, Pin, Pulse
from success.measures import MEASURES
from success.rules import Cap, ExpansionTrigger, OnMissing, Rules
from tests.success.builders import (
    CARD,
    EXAMPLES,
    answer,
    counts,
    deal,
    facts,
    line,
    rules,
    scorecard,
    seen,
    ticket,
    usd,
    used,
)

FEWER = settings(EXAMPLES, max_examples=30)
FIRST = date(2025, 3, 1)
DAY = timedelta(days=1)
CHECKED_DAYS = 220
QUIET = ("active_days_28d", "feature_breadth_28d", "open_tickets", "csat_90d", "nps_latest", "csm_pulse",
         "usage_trend", "usage_slope_8w", "seat_utilisation", "active_users_90d", "arr")  # fmt: skip
FADES = EventRule("escalated", EventKind.ESCALATION_OPENED, -9_000, 9, "An escalation")
COUNTING = ("days_to_renewal", "days_since_last_use", "days_since_start", "days_to_resolve_90d")


def day(offset: int) -> date:
    """Return a day by its distance from the first."""
    return FIRST + timedelta(days=offset)


@st.composite
def charters(draw: st.DrawFn) -> Rules:
    """Draw rules with holds, margins, ages, events, caps, segments, stages, seats and terms."""
    counted = draw(st.booleans())
    names = draw(st.lists(st.sampled_from(QUIET), min_size=1, max_size=4, unique=True))
    names += draw(st.lists(st.sampled_from(COUNTING), max_size=1)) if counted else []
    measured = [
        counts(
            name, 10, (0, 0), (draw(st.integers(1, 60)), 100),
            max_age_days=draw(st.none() | st.integers(1, 300)), on_missing=draw(st.sampled_from(OnMissing)),
        )
        for name in names
    ]  # fmt: skip
    cap = Cap("notice", draw(st.sampled_from(["cancel_notice", "open_tickets > 1"])), 30_000, "A fact")
    card = replace(
        scorecard(*measured, caps=(cap,), floor=draw(st.sampled_from([0, 400]))),
        margin=draw(st.sampled_from([0, 3_000])),
        hold_days=draw(st.integers(0, 12)),
        events=draw(st.sampled_from([(), (FADES,)])),
    )  # fmt: skip
    segments = Segmentation(
        1,
        draw(st.integers(0, 9)),
        (
            SegmentRule("large", "Large", "arr >= 900.0", "arr < 700.0"),
            SegmentRule("busy", "Busy", "active_days_28d >= 2"),
            SegmentRule("rest", "Rest"),
        ),
    )
    way = Journey(
        1,
        draw(st.integers(0, 9)),
        (
            Criterion("align", "Align"),
            Criterion("onboard", "Onboard", "contract.open"),
            Criterion("late", "Late", "plan.milestones_late > 0 && usage_total < 3"),
        ),
    )
    products = Journey(
        1, 3, (Criterion("bought", "Bought"), Criterion("used", "Used", "product.usage_total >= 2"))
    )
    trigger = ExpansionTrigger(
        "seats", "Seats", 500, draw(st.integers(1, 14)), 28, 200, "open_escalations > 0"
    )
    base = rules(
        scorecard=card,
        expansion=trigger,
        renewal=replace(rules().renewal, lead_days=draw(st.integers(5, 95))),
    )
    if draw(st.booleans()):
        base = replace(base, segmentation=segments, journey=way)
    return replace(base, adoption=products if draw(st.booleans()) else None)


@st.composite
def humans(draw: st.DrawFn) -> HumanInputs:
    """Draw an override, pins and a pulse, past, present or to come."""
    made = draw(st.integers(-120, 60))
    over = Override(
        draw(st.sampled_from(OverrideKind)),
        40_000,
        "why",
        "Ann",
        day(made),
        day(made + draw(st.integers(1, 120))),
    )
    begins = draw(st.integers(-60, 60))
    pin = Pin(
        draw(st.sampled_from(["large", "rest", "align"])), day(begins), day(begins + draw(st.integers(1, 90)))
    )
    return HumanInputs(
        override=draw(st.sampled_from([None, None, over])),
        segment_pin=draw(st.sampled_from([None, None, pin])),
        stage_pin=draw(st.sampled_from([None, None, pin])),
        pulse=draw(st.sampled_from([None, Pulse(3, day(made))])),
    )


@st.composite
def tickets(draw: st.DrawFn, on: st.SearchStrategy[int]) -> Ticket:
    """Draw a ticket that is open, or was closed within a month."""
    opened = draw(on)
    closed = draw(st.none() | st.integers(0, 30).map(lambda days: day(opened + days)))
    return ticket("T", day(opened), closed, escalated=draw(st.booleans()))


def _named(drawn: list[Ticket]) -> tuple[Ticket, ...]:
    return tuple(replace(one, ticket_id=f"T{place}") for place, one in enumerate(drawn))


@st.composite
def customers(draw: st.DrawFn) -> AccountFacts:
    """Draw a customer long silent or just awake: lines, use, people, tickets, answers, deals, words."""
    awake = draw(st.booleans())
    on = st.integers(-60 if awake else -500, 40 if awake else -100)
    lines = []
    for place in range(draw(st.integers(0, 3))):
        begins = draw(st.integers(-700, 90))
        lines.append(
            line(
                f"L{place}", start=day(begins), end=draw(st.none() | st.integers(begins + 1, 300).map(day)),
                arr=usd(draw(st.sampled_from((300, 800, 1200)))),
                term_months=draw(st.sampled_from([None, 1, 12])),
                ramp=draw(st.sampled_from([(), (), (usd(300), usd(900))])),
                quantity=draw(st.sampled_from([1, 3])),
                cancelled_on=draw(st.none() | st.integers(-300, 60).map(day)),
            )
        )  # fmt: skip
    at = draw(st.lists(on, max_size=6, unique=True))
    flag = draw(st.sampled_from(["", "", "", "true"]))
    return replace(
        facts(lines),
        account=Account("A1", "Acme", date(2023, 1, 1), attributes={"churned": flag}),
        usage=tuple(used(day(one), feature=f"f{one % 3}") for one in at),
        presence=tuple(seen(day(one), "ab") for one in at),
        tickets=draw(st.lists(tickets(on), max_size=2).map(_named)),
        answers=tuple(
            answer(f"S{place}", day(one), 5 + place, csat=3)
            for place, one in enumerate(draw(st.lists(on, max_size=2)))
        ),
        deals=tuple(
            deal(f"D{one}", close_on=day(one), state=draw(st.sampled_from(DealState)))
            for one in draw(st.lists(st.integers(-200, 120), max_size=1))
        ),
        usage_seen=draw(st.booleans()),
        support_seen=draw(st.booleans()),
        human=draw(humans()),
    )  # fmt: skip


def folded(account: AccountFacts, charter: Rules, last: date) -> FoldState:
    """Return the fold after two weeks of grid days up to one."""
    return advance(advance(FoldState.empty(), account, charter, last - 14 * DAY), account, charter, last)


@FEWER
@given(customers(), charters())
def test_nothing_changes_before_the_border(account: AccountFacts, charter: Rules) -> None:
    """On every day before it the records are those of today, however far it is."""
    state = folded(account, charter, FIRST)
    border = next_border(account, charter, state, FIRST)
    assert border is None or border > FIRST
    stands = decide(state, account, charter, FIRST).records
    at, last = FIRST + DAY, min(border or date.max, day(CHECKED_DAYS))
    while at < last:
        state = advance(state, account, charter, at)
        assert decide(state, account, charter, at).records == stands, at
        at += DAY


@settings(FEWER, max_examples=15)
@given(st.lists(customers(), min_size=1, max_size=3), charters(), st.sets(st.integers(1, 70), max_size=3))
def test_looking_at_borders_and_events_is_looking_every_day(
    versions: list[AccountFacts], charter: Rules, changes: set[int]
) -> None:
    """Facts change on some days; what was written last is on every day what a daily look writes."""
    days = sorted(changes)
    daily = seldom = FoldState.empty()
    written, border = None, FIRST
    for offset in range(75):
        today = day(offset)
        known = versions[
            sum(one < offset for one in days) % len(versions)
        ]  # at the grid point: the day before
        now = versions[sum(one <= offset for one in days) % len(versions)]
        daily = advance(daily, known, charter, today)
        if offset in days or (border is not None and border <= today) or known != now:
            before = versions[sum(one < offset for one in days) % len(versions)]
            seldom = advance(seldom, before, charter, today)
            written = decide(seldom, now, charter, today).records
            border = today + DAY if offset in days else next_border(now, charter, seldom, today)
        assert written == decide(daily, now, charter, today).records, today


def test_a_customer_at_rest_waits_for_its_renewal_window() -> None:
    """Use ended a year ago, the line ends on 30 June: with 90 days of lead nothing happens before 1 April."""
    silent = facts([line(start=date(2023, 7, 1), end=date(2025, 6, 30))], usage=(used(date(2024, 1, 5)),))
    charter = rules(scorecard=scorecard(counts("open_tickets", 1, (0, 100), (5, 0))))
    state = folded(silent, charter, date(2025, 1, 10))
    assert next_border(silent, charter, state, date(2025, 1, 10)) == date(2025, 4, 1)


def test_nobody_with_nothing_to_come_is_looked_at_again() -> None:
    """A prospect without a contract, and a customer that left two years ago, have no border at all."""
    charter = rules()
    for account in (facts(), facts([line(start=date(2020, 1, 1), end=date(2023, 1, 1))])):
        state = folded(account, charter, FIRST)
        assert next_border(account, charter, state, FIRST) is None


@pytest.mark.parametrize(
    ("human", "expected"),
    [
        (HumanInputs(segment_pin=Pin("rest", day(-400), day(9))), day(9)),
        (HumanInputs(override=Override(OverrideKind.VALUE, 10_000, "x", "Ann", day(-20), day(11))), day(11)),
        (HumanInputs(pulse=Pulse(4, day(200))), day(200)),
    ],
)
def test_a_word_of_a_person_ends_and_begins_on_its_day(human: HumanInputs, expected: date) -> None:
    """The day a pin or an override ends, and the day a pulse is dated, are borders."""
    segments = Segmentation(
        1, 0, (SegmentRule("large", "Large", "arr >= 900.0"), SegmentRule("rest", "Rest"))
    )
    card = scorecard(counts("csm_pulse", 1, (1, 0), (5, 100)), counts("arr", 1, (0, 0), (9, 100)))
    charter = rules(segmentation=segments, scorecard=card)
    account = facts([line(start=day(-1000), term_months=None)], human=human)
    assert next_border(account, charter, folded(account, charter, FIRST), FIRST) == expected


def test_a_measure_nobody_has_judged_counts_days() -> None:
    """Every name taken to stand still is of the catalogue; those that count days are not among them."""
    assert MEASURES.keys() >= borders.STILL
    assert not borders.STILL & set(COUNTING)


def test_an_account_in_motion_is_looked_at_tomorrow() -> None:
    """The default card reads four weeks of use: the day the oldest use leaves its window is a border."""
    account = facts([line()], usage=(used(FIRST - 27 * DAY),), usage_seen=True)
    charter = rules(scorecard=CARD)
    assert next_border(account, charter, folded(account, charter, FIRST), FIRST) == FIRST + DAY
