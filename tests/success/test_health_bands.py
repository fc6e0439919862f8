"""A band stands until the score has left it far and long enough; hard facts and gaps do not wait."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from success.bands import stands
from success.decide import Decision, advance, decide
from success.explain import explain
from success.facts import AccountFacts
from success.fold import FoldState
from success.health import CapOutcome, HealthResult, band_of
from success.holding import Held
from success.human_inputs import HumanInputs, Override, OverrideKind
from success.rules import Cap, Rules, Scorecard
from tests.success.builders import BANDS, EXAMPLES, counts, facts, line, rules, scorecard, ticket

FIRST = date(2024, 6, 1)
DAY = timedelta(days=1)


def card(margin: int = 0, hold: int = 0) -> Scorecard:
    """Return a scorecard with a margin in points and a hold in days."""
    return replace(scorecard(), margin=margin * 1000, hold_days=hold)


def result(points: int | None, on: date, *, critical: bool = False) -> HealthResult:
    """Return a score of so many points, perhaps with a critical fact that holds."""
    raw = None if points is None else points * 1000
    band = band_of(raw, BANDS)
    caps = (CapOutcome(Cap("gone", "true", 20_000, "Gone", critical=True), critical, binding=critical),)
    return HealthResult("A1", "health@1", on, raw, band, 1000, (), caps, raw, band)


def bands(
    scorecard: Scorecard, points: Sequence[int | None], *, critical: frozenset[int] = frozenset()
) -> list[str]:
    """Return the band that stands on each of so many days with these points."""
    held: Held | None = None
    found = []
    for place, one in enumerate(points):
        day = FIRST + place * DAY
        held = stands(held, result(one, day, critical=place in critical), scorecard, day)
        found.append(held.value)
    return found


def changes(found: Sequence[str]) -> int:
    """Return how often the band changed."""
    return sum(before != after for before, after in pairwise(found))


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ([80, 74, 71, 70, 69], ["green", "green", "green", "green", "yellow"]),
        ([60, 75, 79, 80], ["yellow", "yellow", "yellow", "green"]),
        ([60, 49, 45, 44], ["yellow", "yellow", "yellow", "red"]),
        ([40, 80], ["red", "green"]),
    ],
)
def test_a_band_is_left_only_beyond_its_border_by_the_margin(points: list[int], expected: list[str]) -> None:
    """With 5 points: green is left below 70, and entered from yellow at 80."""
    assert bands(card(margin=5), points) == expected


def test_another_band_must_last() -> None:
    """With a hold of 2 days a change follows on the third day in a row; a day in between begins anew."""
    found = bands(card(hold=2), [80, 60, 60, 80, 60, 60, 60, 60])
    assert found == ["green"] * 6 + ["yellow"] * 2


def test_a_far_move_goes_as_far_as_every_day_of_the_hold_went() -> None:
    """Red, then three days of green and yellow by turns: yellow stands, the least of them."""
    assert bands(card(hold=2), [40, 76, 74, 76, 74]) == ["red", "red", "red", "red", "yellow"]


def test_unknown_is_entered_and_left_at_once() -> None:
    """A band is never shown for data that is not there, and the first score stands as it is."""
    assert bands(card(margin=5, hold=7), [80, None, 74]) == ["green", "unknown", "yellow"]


def test_a_critical_fact_makes_the_band_worse_the_same_day() -> None:
    """Neither margin nor hold keeps a customer green who gave notice; getting better waits as ever."""
    found = bands(card(margin=5, hold=3), [80, 20, 60, 60, 60, 60], critical=frozenset({1}))
    assert found == ["green", "red", "red", "red", "red", "yellow"]
    better = bands(card(hold=3), [20, 60, 60], critical=frozenset({0, 1, 2}))
    assert better == ["red", "red", "red"]


def test_without_margin_and_hold_the_band_is_the_raw_one() -> None:
    """Every charter without them goes on as before."""
    points = [80, 74, 76, 49, 50, None, 10]
    assert bands(card(), points) == [band_of(None if one is None else one * 1000, BANDS) for one in points]


POINTS = st.lists(st.none() | st.integers(0, 100), min_size=1, max_size=60)


@EXAMPLES
@given(POINTS, st.integers(0, 12), st.integers(0, 5))
def test_a_held_band_never_changes_more_often_than_the_raw_one(
    points: list[int | None], margin: int, hold: int
) -> None:
    """Holding can only calm."""
    assert changes(bands(card(margin, hold), points)) <= changes(bands(card(), points))


@EXAMPLES
@given(st.lists(st.integers(-4, 4), min_size=1, max_size=40), st.sampled_from([50, 75]), st.integers(0, 3))
def test_a_score_that_swings_within_the_margin_changes_nothing(
    swings: list[int], border: int, hold: int
) -> None:
    """Four points up and down around a border, with a margin of 5: one band throughout."""
    found = bands(card(margin=5, hold=hold), [border + swing for swing in swings])
    assert len(set(found)) == 1


# The same through the fold: tickets open and close, the score is 100 without one and 0 with two.

TICKETS = scorecard(
    counts("open_tickets", 100, (0, 100), (2, 0)),
    caps=(Cap("notice", "cancel_notice", 20_000, "Notice was given", critical=True),),
)


def by_tickets(margin: int, hold: int) -> Rules:
    """Return a charter that scores by open tickets."""
    return rules(scorecard=replace(TICKETS, margin=margin * 1000, hold_days=hold))


def troubled(first: date, last: date) -> AccountFacts:
    """Return an account with a ticket a week, solved that day, and two more open on [first, last)."""
    weeks = [FIRST + 7 * week * DAY for week in range(12)]
    alive = [ticket(f"A{place}", day, day) for place, day in enumerate(weeks)]
    two = [ticket(f"B{place}", first, last) for place in range(2)]
    return facts([line()], tickets=(*alive, *two), support_seen=True)


def looked(account: AccountFacts, charter: Rules, day: date) -> Decision:
    """Return what stands after the fold up to a day and a look on it."""
    return decide(advance(FoldState.empty(), account, charter, day), account, charter, day)


def folded(account: AccountFacts, charter: Rules, last: date) -> Held:
    """Return the band the fold holds on a day."""
    state = advance(advance(FoldState.empty(), account, charter, FIRST + 2 * DAY), account, charter, last)
    assert state.band is not None
    return state.band


def test_a_bad_day_shorter_than_the_hold_leaves_no_trace() -> None:
    """Two tickets for three days: red from the first of them without a hold, never with one of five days."""
    account = troubled(FIRST + 10 * DAY, FIRST + 13 * DAY)
    last = FIRST + 20 * DAY
    found = folded(account, by_tickets(0, 0), last).changes
    assert [(one.since, one.value) for one in found] == [
        (FIRST + 1 * DAY, "green"),
        (FIRST + 10 * DAY, "red"),
        (FIRST + 13 * DAY, "green"),
    ]
    assert [one.value for one in folded(account, by_tickets(0, 5), last).changes] == ["green"]


def test_the_profile_shows_the_band_that_stands_and_says_what_the_points_are() -> None:
    """Four days into trouble the profile is green still, its points red; on the sixth it is red."""
    account, charter = troubled(FIRST + 10 * DAY, FIRST + 40 * DAY), by_tickets(5, 5)
    state = advance(FoldState.empty(), account, charter, FIRST + 9 * DAY)
    early = FIRST + 14 * DAY
    found = decide(advance(state, account, charter, early), account, charter, early)
    assert (found.health.band, found.health.raw_band) == ("green", "red")
    assert found.records[0].fields["band"] == "green"
    assert "By its points alone it would be red." in explain(found.health)
    late = FIRST + 17 * DAY
    assert decide(advance(state, account, charter, late), account, charter, late).health.band == "red"


def test_notice_given_today_is_red_today() -> None:
    """The look of the day shows it, and the fold remembers it of that day."""
    charter, day = by_tickets(5, 30), FIRST + 6 * DAY
    before = troubled(FIRST + 50 * DAY, FIRST + 51 * DAY)
    given_notice = replace(before, lines=(line(cancelled_on=day),))
    state = advance(FoldState.empty(), before, charter, day)
    assert decide(state, before, charter, day).health.band == "green"
    assert decide(state, given_notice, charter, day).health.band == "red"
    stepped = advance(state, given_notice, charter, day + DAY)
    assert stepped.band is not None
    assert (stepped.band.value, stepped.band.since) == ("red", day)


@pytest.mark.parametrize("hold", [0, 1, 3, 5])
def test_a_look_shows_the_band_the_fold_will_remember_of_its_day(hold: int) -> None:
    """With facts that do not change, the band of every look stands in the history the day after."""
    account, charter = troubled(FIRST + 10 * DAY, FIRST + 20 * DAY), by_tickets(5, hold)
    state = advance(FoldState.empty(), account, charter, FIRST + 5 * DAY)
    shown = []
    for place in range(5, 30):
        day = FIRST + place * DAY
        state = advance(state, account, charter, day)
        shown.append(decide(state, account, charter, day).health.band)
        after = advance(state, account, charter, day + DAY).band
        assert after is not None
        assert after.on(day) == shown[-1]
    assert {"green", "red"} == set(shown)


def test_an_override_and_its_end_do_not_wait() -> None:
    """Green by a person's word for ten days, then red again on the day it ends, whatever the hold."""
    start = FIRST + 20 * DAY
    word = Override(OverrideKind.VALUE, 90_000, "A fix is on its way", "Jo", start, start + 10 * DAY)
    account = replace(troubled(FIRST, FIRST + 80 * DAY), human=HumanInputs(override=word))
    charter = by_tickets(5, 15)
    state = advance(FoldState.empty(), account, charter, start - DAY)
    seen = {}
    for place in range(12):
        day = start + place * DAY
        state = advance(state, account, charter, day)
        seen[place] = decide(state, account, charter, day).health.band
    assert [seen[place] for place in (0, 1, 9)] == ["green"] * 3
    assert [seen[place] for place in (10, 11)] == ["red"] * 2


def test_an_override_that_is_taken_back_does_not_wait_either() -> None:
    """Whoever clears it after five days sees the computed band the same day, and so does the fold."""
    start = FIRST + 20 * DAY
    word = Override(OverrideKind.VALUE, 90_000, "A fix is on its way", "Jo", start, start + 10 * DAY)
    plain = troubled(FIRST, FIRST + 80 * DAY)
    spoken = replace(plain, human=HumanInputs(override=word))
    charter = by_tickets(5, 15)
    state = advance(FoldState.empty(), spoken, charter, start + 5 * DAY)
    state = FoldState.from_json(state.to_json())
    assert decide(state, spoken, charter, start + 5 * DAY).health.band == "green"
    assert decide(state, plain, charter, start + 5 * DAY).health.band == "red"
    after = advance(state, plain, charter, start + 6 * DAY)
    assert after.band is not None
    assert (after.band.value, after.band.since) == ("red", start + 5 * DAY)


def test_an_override_saved_again_ends_on_its_day_all_the_same() -> None:
    """On the fifth day the person mends the points, so the word is younger than the band it holds."""
    start, charter = FIRST + 20 * DAY, by_tickets(5, 15)
    first = Override(OverrideKind.VALUE, 90_000, "A fix is on its way", "Jo", start, start + 10 * DAY)
    again = replace(first, points=85_000, made_on=start + 4 * DAY)
    troubles = troubled(FIRST, FIRST + 80 * DAY)
    said = [replace(troubles, human=HumanInputs(override=word)) for word in (first, again)]
    state = advance(FoldState.empty(), said[0], charter, start + 4 * DAY)
    for place in (9, 10):
        day = start + place * DAY
        state = advance(state, said[1], charter, day)
        band = decide(state, said[1], charter, day).health.band
        assert band == ("green" if place == 9 else "red")
