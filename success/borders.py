"""The next border: the first day on which the passing of time alone may change what stands in the CRM.

Between two borders looking again finds nothing, so nobody has to. Found by looking ahead: the grid is
stepped on with the facts known now, and the day a record differs is the border. Where an account is at
rest, with all its facts past the longest window, only dates can end it, and they are read off instead of
stepped to: the end of a line, a renewal's window, a milestone's due day, an override's or a pin's last day,
a value that gets too old. A border is never later than the true one; it may be earlier, which costs a look.
Neighbours: ``decide`` says what stands, ``sync.borders`` keeps the days and asks for looks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from itertools import chain

from success.days import MONTHS_IN_YEAR, add_months
from success.decide import advance, decide
from success.event_points import happened
from success.explain import TOLD_FOR
from success.expressions import names_in
from success.facts import AccountFacts
from success.fold import FoldState
from success.ledger import CHURN_FLAGS, TRUE_WORDS
from success.measures import MEASURES, MeasureBook
from success.overriding import ends_on
from success.renewal_terms import due_days, renewable
from success.rules import Rules, Scorecard
from success.view import AccountView

LOOK_AHEAD_DAYS = 14
"""How far ahead an account that is not at rest is stepped; quiet for so long, it is looked at again."""

DAY = timedelta(days=1)
WEEKS_OF_TREND = tuple(timedelta(weeks=week) for week in range(5))
LONGEST_WINDOW = 90
TREND_DAYS = 28
MARGIN_DAYS = 7
EXPANSION_TELLS = timedelta(days=3)
DUE_WITHIN = timedelta(days=366 * 11)
ATTRIBUTE_DATE = len("2026-06-30")

STILL = frozenset(
    {
        "seat_utilisation", "usage_events_28d", "usage_per_seat_28d", "usage_trend", "usage_slope_4w",
        "usage_slope_8w", "active_days_28d", "feature_breadth_28d", "usage_total", "first_use_days",
        "open_tickets", "open_escalations", "tickets_28d", "csat_90d", "csm_pulse", "nps_latest", "nps_90d",
        "arr", "seats", "cancel_notice", "active_users_7d", "active_users_28d", "active_users_90d",
        "open_severe_tickets", "ticket_severity", "ticket_velocity_28d", "reopen_rate_90d",
    }
)  # fmt: skip
"""The measures that stand still while no fact enters or leaves their window. Every other one counts days."""

COUNTING_WORDS = frozenset({"product.days_since_start"})


def next_border(
    facts: AccountFacts, rules: Rules, state: FoldState, day: date, look_ahead: int = LOOK_AHEAD_DAYS
) -> date | None:
    """Return the first day after ``day`` on which the records may differ by time alone, ``None`` for never.

    ``state`` is the fold after the grid point of ``day``, with the same facts; on every day before the one
    returned ``decide`` gives the records it gives on ``day``. ``look_ahead`` is how many days are stepped
    before a border is set without having been proved.
    """
    stands = decide(state, facts, rules, day).records
    view, at = AccountView(facts, rules), day
    for _ in range(look_ahead):
        ahead = advance(state, facts, rules, at + DAY)
        if _at_rest(view, state, ahead, at):
            return min((one for one in _dates(view, state, at) if one > at), default=None)
        at, state = at + DAY, ahead
        if decide(state, facts, rules, at).records != stands:
            return at
    return at + DAY


def _at_rest(view: AccountView, state: FoldState, ahead: FoldState, day: date) -> bool:
    """Say whether only a date that is still to come can change anything after ``day``.

    ``ahead`` is the fold of the day after, which has judged ``day``.
    """
    recent = day - timedelta(days=_longest(view.rules))
    held = (ahead.segment, ahead.stage, ahead.band, *ahead.adoption.values())
    kept = view.facts.presence_from
    return not (
        view.rules.models
        or state.pinned
        or ahead.pinned
        or any(one is not None and one.waiting is not None for one in held)
        or any(recent < one <= day for one in _fact_days(view))
        or any(one.opened_on + EXPANSION_TELLS > day for one in ahead.expansions.values())
        or (kept is not None and day - timedelta(days=LONGEST_WINDOW + TREND_DAYS) < kept)
        or _counts_days(view, day)
        or _fading(view, day)
        or _flagged(view, day)
    )


def _longest(rules: Rules) -> int:
    """Return over how many days a fact may be felt: the longest window, seen from four weeks back."""
    trigger = rules.expansion
    return max(LONGEST_WINDOW, trigger.window_days + trigger.days) + TREND_DAYS + MARGIN_DAYS


def _fact_days(view: AccountView) -> Iterator[date]:
    """Yield every day a fact stands for, past and to come."""
    facts, human = view.facts, view.facts.human
    yield from (one.day for one in facts.usage)
    yield from (one.day for one in facts.presence)
    yield from (one.on for one in view.answers)
    for ticket in view.tickets:
        yield from (one for one in (ticket.opened_on, ticket.closed_on) if one is not None)
    for line in view.lines:
        days = (line.start, line.end, line.booked_on, line.cancelled_on, line.last_paid_on)
        for one in filter(None, days):
            yield from (one, one + DAY)
    for deal in facts.deals:
        yield from filter(None, (deal.close_on, deal.created_on))
    for pin in filter(None, (human.segment_pin, human.stage_pin)):
        yield from (pin.made_on, pin.until)
    if human.override is not None:
        ended = ends_on(human.override)
        yield from (human.override.made_on, ended, ended + TOLD_FOR)
    if human.pulse is not None:
        yield human.pulse.on
    for text in facts.account.attributes.values():
        yield from _day_in(text)


def _day_in(text: str) -> Iterator[date]:
    try:
        yield date.fromisoformat(text[:ATTRIBUTE_DATE])
    except ValueError:
        return


def _cards(rules: Rules) -> tuple[Scorecard, ...]:
    return (rules.scorecard, *rules.scorecards)


def _names(rules: Rules) -> frozenset[str]:
    """Return the measures and words any rule may read."""
    cards, adoption = _cards(rules), rules.adoption
    criteria = chain(rules.segmentation.segments, rules.journey.stages, adoption.stages if adoption else ())
    read: Iterable[str | None] = chain(
        (cap.when for card in cards for cap in card.caps),
        (one for entry in criteria for one in (entry.when, entry.leave_when)),
        (rule.evidence for rule in rules.plan.milestones),
        (rules.expansion.suppress_when,),
    )
    found = {name for one in read if one for name in names_in(one)}
    return frozenset(found | {rule.measure for card in cards for rule in card.measures})


def _counts_days(view: AccountView, day: date) -> bool:
    """Say whether a rule reads a measure that counts days and is known, now or four weeks back."""
    names = _names(view.rules)
    if names & COUNTING_WORDS and view.open_lines(day):
        return True
    counting = [name for name in names if name in MEASURES and name not in STILL]
    books = [MeasureBook(view, day - back) for back in WEEKS_OF_TREND]
    return any(book[name].value is not None for name in counting for book in books)


def _fading(view: AccountView, day: date) -> bool:
    """Say whether an event is still worth something, on the day or in the four weeks the trend looks back."""
    return any(
        happened(view.facts, card.events, card.time_zone, day - back)
        for card in _cards(view.rules)
        if card.events
        for back in WEEKS_OF_TREND
    )


def _flagged(view: AccountView, day: date) -> bool:
    """Say whether a flag contradicts an open contract: the sentence about it names the day."""
    said = view.facts.account.attributes
    flags = any(said.get(name, "").lower() in TRUE_WORDS for name in CHURN_FLAGS)
    return flags and bool(view.open_lines(day))


def _dates(view: AccountView, state: FoldState, day: date) -> Iterator[date]:
    """Yield the dates at which something may begin to change for an account at rest."""
    yield from _fact_days(view)
    yield from _renewal_dates(view, state, day)
    yield from _plan_dates(view, state)
    yield from _ageing_dates(view, day)
    for line in view.lines:
        if line.ramp:
            yield next(_anniversaries_after(line.start, day))


def _renewal_dates(view: AccountView, state: FoldState, day: date) -> Iterator[date]:
    lead = timedelta(days=view.rules.renewal.lead_days)
    for line in renewable(view, day):
        for due in due_days(line, day, day + DUE_WITHIN):
            yield from (due - lead, due, due + DAY)
            if due - lead > day:
                break
    for renewal in state.renewals.values():
        yield from (renewal.due_on, renewal.due_on + DAY)


def _plan_dates(view: AccountView, state: FoldState) -> Iterator[date]:
    for plan in state.plans.values():
        for rule in view.rules.plan.milestones:
            due = plan.starts_on + timedelta(days=rule.due_offset_days)
            yield from (due, due + DAY)


def _ageing_dates(view: AccountView, day: date) -> Iterator[date]:
    """Yield when values get too old for a scorecard, as of the day and as the trend sees them later."""
    book = MeasureBook(view, day)
    for card in _cards(view.rules):
        for rule in card.measures:
            seen = None if rule.max_age_days is None else book[rule.measure].observed_on
            if seen is not None and rule.max_age_days is not None and seen < day:
                stale = seen + timedelta(days=rule.max_age_days) + DAY
                yield from (stale + back for back in WEEKS_OF_TREND)


def _anniversaries_after(start: date, day: date) -> Iterator[date]:
    years = max(1, day.year - start.year)
    while True:
        found = add_months(start, years * MONTHS_IN_YEAR)
        if found > day:
            yield found
        years += 1
