"""A past day is told as it was looked at: segment, stage, band, and the score by the scorecard of then."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from success.decide import advance, decide
from success.fold import FoldState
from success.human_inputs import HumanInputs, Pin
from success.past import health_of, stood_on
from tests.success.builders import counts, facts, line, rules, scorecard, ticket
from tests.success.test_scorecards import SEGMENTS

FIRST = date(2024, 6, 1)
DAY = timedelta(days=1)
BY_TICKETS = scorecard(counts("open_tickets", 100, (0, 100), (2, 0)))
LARGE = replace(
    scorecard(counts("open_tickets", 100, (0, 60))), key="large", segments=frozenset({"enterprise"})
)
CHARTER = rules(segmentation=SEGMENTS, scorecard=replace(BY_TICKETS, hold_days=2), scorecards=(LARGE,))


def test_every_day_of_a_month_is_told_later_as_it_was_shown_on_it() -> None:
    """Tickets come and go, a pin brings another scorecard for a week: each day's record, from a month on.

    The state of a month later has forgotten none of it, nor does it use today's scorecard for then.
    """
    troubled = tuple(ticket(f"T{place}", FIRST + 5 * DAY, FIRST + 12 * DAY) for place in range(2))
    pin = Pin("enterprise", FIRST + 18 * DAY, FIRST + 25 * DAY)
    account = facts([line()], tickets=troubled, support_seen=True)
    account = replace(account, human=HumanInputs(segment_pin=pin))
    state = advance(FoldState.empty(), account, CHARTER, FIRST)
    late = advance(state, account, CHARTER, FIRST + 30 * DAY)
    cards = set()
    for place in range(32):
        day = FIRST + place * DAY
        of_day = advance(state, account, CHARTER, day)
        shown = decide(of_day, account, CHARTER, day)
        stood = stood_on(late, account, CHARTER, day)
        told = health_of(stood, account, CHARTER, day)
        fields = shown.records[0].fields
        assert (stood.segment, stood.stage, stood.band) == (
            fields["segment"],
            fields["stage"],
            fields["band"],
        )
        assert (told.points, told.scorecard) == (shown.health.points, shown.health.scorecard)
        assert stood.words == shown.words
        assert stood_on(of_day, account, CHARTER, day) == stood
        cards.add(told.scorecard)
    assert len(cards) == 2
