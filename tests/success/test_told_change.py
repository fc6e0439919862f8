"""What changed, on the record: since the last day in the band before, cause by cause, exact, however seen."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from success.change import Cause, Change, Side
from success.decide import Decision, advance, decide
from success.event_points import EventKind, EventRule
from success.explain import shown_points
from success.explain_change import shown_delta, shown_items, shown_parts
from success.facts import Account, AccountFacts
from success.fold import FoldState
from success.human_inputs import HumanInputs, Override, OverrideKind
from success.rules import Cap, Language, OnMissing, Rules
from success.told_change import change_since
from tests.success.builders import EXAMPLES, counts, facts, line, rules, scorecard, ticket, used
from tests.success.changes import DAY, FIRST
from tests.success.test_change_properties import accounts, cards

TICKETS = counts("open_tickets", 50, (0, 100), (4, 0))
RENEWAL = counts("days_to_renewal", 50, (0, 0), (100, 100))
ACTIVE = counts("active_days_28d", 50, (0, 0), (10, 100))
END = FIRST + 100 * DAY
CHARTER = rules(scorecard=scorecard(TICKETS, RENEWAL))


def customer(*tickets: Any, **more: Any) -> AccountFacts:
    """Return a customer whose only line ends 100 days after the first day, and who asks support at times."""
    days = [FIRST + place * DAY for place in range(-50, 60, 10)]
    solved = [ticket(f"s{day}", day, day) for day in days]
    return facts([line(end=END)], tickets=(*solved, *tickets), support_seen=True, **more)


def looked(
    state: FoldState, account: AccountFacts, day: date, book: Rules = CHARTER, *before: Rules
) -> Decision:
    """Return what a look on a day shows, with the rules of charters before."""
    return decide(state, account, book, day, {one.charter_hash: one for one in before})


def told(found: Decision) -> list[str]:
    """Return the lines of what changed on the profile."""
    return str(found.records[0].fields["change"]).splitlines()


def known(account: AccountFacts, day: date, book: Rules = CHARTER) -> FoldState:
    """Return what the fold knows after a day, as it is stored, having begun with the first day."""
    state = advance(FoldState.empty(), account, book, FIRST + DAY)
    return FoldState.from_json(advance(state, account, book, day + DAY).to_json())


def test_the_change_is_told_from_the_last_day_in_the_band_before() -> None:
    """Green with 89 days to go: (100 + 89) / 2. A day later two tickets: (50 + 88) / 2 = 69, and yellow.

    Ten days later it still says from where it came; one ticket closed again, (75 + 78) / 2 = 76.5, is green.
    """
    calm, day = customer(), FIRST + 12 * DAY
    state = known(calm, FIRST + 11 * DAY)
    two = customer(ticket("a", day), ticket("b", day))
    found = looked(state, two, day)
    assert told(found) == [
        "Health was 94.5 (green) on 2024-03-12 and is 69.0 (yellow) now: -25.5 points.",
        "Time passing, with nothing new: -0.5 points.",
        "  days_to_renewal from 89 days to 88 days: -0.5 points.",
        "New data: -25.0 points.",
        "  open_tickets from 0 to 2: -25.0 points.",
    ]
    later = day + 10 * DAY
    still = advance(state, two, CHARTER, later)
    assert told(looked(still, two, later)) == [
        "Health was 94.5 (green) on 2024-03-12 and is 64.0 (yellow) now: -30.5 points.",
        "Time passing, with nothing new: -5.5 points.",
        "  days_to_renewal from 89 days to 78 days: -5.5 points.",
        "New data: -25.0 points.",
        "  open_tickets from 0 to 2: -25.0 points.",
    ]
    one = customer(ticket("a", day, later), ticket("b", day))
    assert told(looked(still, one, later))[0] == (
        "Health was 64.5 (yellow) on 2024-03-22 and is 76.5 (green) now: +12.0 points."
    )


def test_a_band_that_waited_is_told_from_the_day_before_it_was_first_asked_for() -> None:
    """With a hold of five days the score was yellow for five days under green; none is the beginning."""
    held = rules(scorecard=replace(CHARTER.scorecard, hold_days=5))
    calm, day = customer(), FIRST + 12 * DAY
    state = known(calm, FIRST + 11 * DAY, held)
    two = customer(ticket("a", day), ticket("b", day))
    waiting = advance(state, two, held, day + 5 * DAY)
    assert told(looked(waiting, two, day + 4 * DAY, held))[0].startswith(
        "Health was 100.0 (green) on 2024-03-01"
    )
    found = looked(waiting, two, day + 5 * DAY, held)
    assert found.health.band == "yellow"
    assert told(found)[0] == "Health was 94.5 (green) on 2024-03-12 and is 66.5 (yellow) now: -28.0 points."


def test_the_first_band_is_told_from_the_first_day() -> None:
    """There was none before; on the day itself nothing has moved."""
    assert told(looked(FoldState.empty(), customer(), FIRST)) == [
        "Health is 100.0 (green) as on 2024-03-01: nothing moved it."
    ]
    assert told(looked(known(customer(), FIRST + 9 * DAY), customer(), FIRST + 10 * DAY))[0] == (
        "Health was 100.0 (green) on 2024-03-01 and is 95.0 (green) now: -5.0 points."
    )


def test_the_calendar_alone_rewrites_nothing() -> None:
    """A score that stands still for a month is told with the same bytes on each day of it."""
    book = rules(scorecard=scorecard(TICKETS))
    account = customer(ticket("a", FIRST))
    state = known(account, FIRST + DAY, book)
    days = [FIRST + place * DAY for place in range(3, 33)]
    assert (
        len({tuple(told(looked(advance(state, account, book, day), account, day, book))) for day in days})
        == 1
    )


def test_what_was_heard_of_the_day_itself_is_new_data() -> None:
    """Use of the day before told late, a ticket deleted, and one that was escalated after it was opened."""
    raised = EventRule("raised", EventKind.ESCALATION_OPENED, -20_000, 10, "A case was escalated")
    card = replace(scorecard(ACTIVE, TICKETS), events=(raised,))
    book = rules(scorecard=card)
    quiet = replace(
        customer(ticket("a", FIRST), ticket("b", FIRST, escalated=True)),
        usage=(used(FIRST),), usage_seen=True,
    )  # fmt: skip
    state = known(quiet, FIRST + DAY, book)
    heard = replace(
        quiet, usage=(*quiet.usage, used(FIRST + DAY)), tickets=(ticket("a", FIRST, escalated=True),)
    )
    found = moved(state, heard, FIRST + 2 * DAY, book)
    data = {item.key: item.points for part in found.parts if part.cause is Cause.DATA for item in part.items}
    # 10 points of 100 for each active day and 25 for each ticket, each half of the score.
    assert (data["active_days_28d"], data["open_tickets"]) == (5_000, 12_500)
    assert {part.cause for part in found.parts} <= {Cause.AGEING, Cause.DATA}


def test_an_event_of_before_ages_and_one_since_is_news() -> None:
    """Twenty points that halve in ten days; the ticket's closing changes nothing of its escalation."""
    raised = EventRule("raised", EventKind.ESCALATION_OPENED, -20_000, 10, "A case was escalated")
    book = rules(scorecard=replace(scorecard(RENEWAL), events=(raised,)))
    before = customer(ticket("a", FIRST, escalated=True))
    state = known(before, FIRST, book)
    closed = customer(ticket("a", FIRST, FIRST + 5 * DAY, escalated=True))
    found = moved(state, closed, FIRST + 10 * DAY, book)
    assert {part.cause: {one.key: one.points for one in part.items} for part in found.parts} == {
        Cause.AGEING: {"days_to_renewal": -10_000, "raised": 10_000}
    }
    again = replace(closed, tickets=(*closed.tickets, ticket("c", FIRST + 10 * DAY, escalated=True)))
    # Yellow on that day: of the day before, one point to the renewal and a fourteenth of what is left.
    causes = {one.cause: one.points for one in moved(state, again, FIRST + 10 * DAY, book).parts}
    assert causes == {Cause.AGEING: -1_000 + 718, Cause.DATA: -20_000}


def test_a_field_of_the_account_that_a_cap_reads_is_new_data() -> None:
    """What the field said then is remembered; its change is no ageing."""
    cap = Cap("frozen", "attr.status == 'frozen'", 10_000, "The account is frozen")
    book = rules(scorecard=scorecard(TICKETS, caps=(cap,)))

    def called(status: str) -> AccountFacts:
        account = Account("A1", "Acme", date(2023, 1, 1), attributes={"status": status})
        return replace(customer(), account=account)

    state = known(called("live"), FIRST + DAY, book)
    found = moved(state, called("frozen"), FIRST + 2 * DAY, book)
    assert [(part.cause, part.points) for part in found.parts] == [(Cause.DATA, -90_000)]


def test_other_rules_an_override_and_a_language_are_told_on_the_record() -> None:
    """By the charter of before 95.5 of tickets and renewal; by that of now tickets alone, 100; Jo says 40."""
    state, day = known(customer(), FIRST + 9 * DAY), FIRST + 10 * DAY
    word = Override(OverrideKind.VALUE, 40_000, "They told me", "Jo", day, day + 30 * DAY)
    spoken = customer(human=HumanInputs(override=word))
    other = rules(charter_hash="other", scorecard=scorecard(TICKETS), language=Language.DE)
    found = looked(state, spoken, day, other, CHARTER)
    assert told(found) == [
        "Die Gesundheit war am 10.03.2024 95,5 (green) und ist jetzt 40,0 (red): -55,5 Punkte.",
        "Vergangene Zeit, ohne Neues: -0,5 Punkte.",
        "  days_to_renewal (zuvor 91 Tage, jetzt 90 Tage): -0,5 Punkte.",
        "Andere Regeln in der Charta: +5,0 Punkte.",
        "  open_tickets (0): +50,0 Punkte.",
        "  days_to_renewal zählt nicht mehr (90 Tage): -45,0 Punkte.",
        "Ein von einer Person gesetzter Wert: -60,0 Punkte.",
        "  They told me: -60,0 Punkte.",
    ]
    assert told(looked(state, spoken, day, other)) == []


def test_a_fold_of_an_earlier_release_is_read_and_tells_from_its_next_day() -> None:
    """It remembers no day; the first one folded from then on is the first."""
    body = json.loads(known(customer(), FIRST + 9 * DAY).to_json())
    del body["anchors"]
    state = FoldState.restored(json.dumps(body))
    assert state.day == FIRST + 10 * DAY
    stepped = advance(state, customer(), CHARTER, FIRST + 12 * DAY)
    assert told(looked(stepped, customer(), FIRST + 12 * DAY))[0].startswith(
        "Health was 95.0 (green) on 2024-03-11"
    )


def moved(state: FoldState, account: AccountFacts, day: date, book: Rules, *before: Rules) -> Change:
    """Return the change a look on a day tells from the day the fold is to tell it from."""
    state = advance(state, account, book, day)
    found = looked(state, account, day, book, *before)
    anchor = advance(state, account, book, day + DAY).anchors.since
    side = Side(
        account,
        book,
        day,
        found.standing.segment_now,
        found.standing.stage_now,
        found.health.band,
        found.words,
    )
    change = change_since(anchor, side, {one.charter_hash: one for one in before})
    assert change is not None
    return change


@st.composite
def charters(draw: st.DrawFn, name: str) -> Rules:
    """Draw a charter of any scorecard, with events that fade, and bands with or without a hold."""
    events = (
        EventRule("raised", EventKind.ESCALATION_OPENED, -15_000, draw(st.integers(1, 30)), "Escalated"),
        EventRule("closed", EventKind.ESCALATION_CLOSED, 9_000, draw(st.integers(1, 30)), "Closed"),
    )
    card = replace(
        draw(cards()),
        events=events,
        hold_days=draw(st.integers(0, 3)),
        margin=draw(st.sampled_from([0, 4_000])),
    )
    return rules(charter_hash=name, scorecard=card)


@EXAMPLES
@given(st.lists(accounts(), min_size=2, max_size=3), charters("a"), charters("b"), st.data())
def test_causes_sum_to_the_difference_that_is_read(
    heard: list[AccountFacts], first: Rules, last: Rules, data: st.DataObject
) -> None:
    """Whatever is heard and whatever charter follows: in thousandths, and in the tenths that stand there."""
    state, day, word = (
        FoldState.empty(),
        FIRST,
        Override(OverrideKind.FLOOR, 70_000, "Sure", "Jo", FIRST, END),
    )
    for account in heard[:-1]:
        spoken = replace(account, human=HumanInputs(override=data.draw(st.sampled_from([None, word]))))
        day += data.draw(st.integers(1, 20)) * DAY
        state = FoldState.from_json(advance(state, spoken, first, day).to_json())
    now = data.draw(st.sampled_from([first, last]))
    found = looked(advance(state, heard[-1], now, day), heard[-1], day, now, first)
    change = moved(state, heard[-1], day, now, first)
    since = advance(state, heard[-1], now, day + DAY).anchors.since
    assert since is not None
    assert (change.before.points, change.after.points) == (since.points, found.health.points)
    if change.before.points is None or change.after.points is None:
        assert change.parts == ()
        return
    assert sum(part.points for part in change.parts) == change.after.points - change.before.points
    shown = shown_parts(change)
    assert sum(shown) == shown_delta(change)
    assert shown_delta(change) == shown_points(change.after.points) - shown_points(change.before.points)
    for part, total in zip(change.parts, shown, strict=True):
        assert part.points == sum(item.points for item in part.items)
        assert sum(shown_items(part, total)) == total


@EXAMPLES
@given(accounts(), charters("a"), st.integers(2, 40), st.sets(st.integers(1, 40)))
def test_looking_hourly_daily_or_once_tells_the_same(
    account: AccountFacts, book: Rules, span: int, looks: set[int]
) -> None:
    """Folded in any pieces, each stored and read again, the record says the same bytes."""
    last = FIRST + span * DAY
    once = advance(advance(FoldState.empty(), account, book, FIRST), account, book, last)
    state = advance(FoldState.empty(), account, book, FIRST)
    for place in sorted(one for one in looks if one < span):
        state = FoldState.from_json(advance(state, account, book, FIRST + place * DAY).to_json())
        decide(state, account, book, FIRST + place * DAY)
    state = FoldState.from_json(advance(state, account, book, last).to_json())
    assert state == once
    assert state.to_json() == once.to_json()
    assert looked(state, account, last, book).records == looked(once, account, last, book).records


@EXAMPLES
@given(accounts(), charters("a"), st.integers(1, 40))
def test_with_nothing_new_only_time_and_what_went_missing_is_told(
    account: AccountFacts, book: Rules, span: int
) -> None:
    """Facts that are the same throughout, and dated no later than the first day, are never news."""
    past = replace(
        account,
        usage=tuple(one for one in account.usage if one.day <= FIRST),
        presence=tuple(one for one in account.presence if one.day <= FIRST),
        tickets=tuple(one for one in account.tickets if one.opened_at.date() <= FIRST),
        answers=tuple(one for one in account.answers if one.answered_at.date() <= FIRST),
    )
    day = FIRST + (span + 1) * DAY
    state = known(past, FIRST + span * DAY, book)
    assert {part.cause for part in moved(state, past, day, book).parts} <= {Cause.AGEING, Cause.MISSING}


@pytest.mark.parametrize("missing", [OnMissing.REDISTRIBUTE, OnMissing.WORST])
def test_what_goes_missing_is_told_as_such(missing: OnMissing) -> None:
    """A rating that goes stale hands its weight over, or counts as the worst."""
    csat = counts("csat_90d", 50, (1, 0), (5, 100), max_age_days=5, on_missing=missing)
    book = rules(scorecard=scorecard(csat, TICKETS, floor=0))
    account = customer(ticket("a", FIRST, FIRST, csat=5))
    state = known(account, FIRST + 5 * DAY, book)
    found = moved(state, account, FIRST + 6 * DAY, book)
    (part,) = found.parts
    moves = {item.key: item.points for item in part.items}
    lent = {"csat_90d": -50_000, "open_tickets": 50_000}
    assert part.cause is Cause.MISSING
    assert moves == (lent if missing is OnMissing.REDISTRIBUTE else {"csat_90d": -50_000})
