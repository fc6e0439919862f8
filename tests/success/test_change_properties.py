"""For any facts, scorecards and changes: causes sum to the difference, each moved by its own input only."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from success import change as changing
from success.change import Cause, Side, change
from success.explain_change import shown_delta, shown_items, shown_parts
from success.facts import AccountFacts
from success.health import score
from success.human_inputs import HumanInputs
from success.rules import Cap, OnMissing, Scorecard
from tests.success.builders import EXAMPLES, answer, counts, facts, line, rules, scorecard, seen, ticket, used
from tests.success.changes import DAY, FIRST, POINTS, by_segment, override, with_override


@pytest.fixture
def overrides(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have scores take overrides."""
    monkeypatch.setattr(changing, "score", with_override)


weights = st.integers(1, 60)
moments = st.integers(-60, 60).map(lambda offset: FIRST + offset * DAY)


@st.composite
def accounts(draw: st.DrawFn) -> AccountFacts:
    """Draw a customer with use, people, tickets and ratings around the day, or without them."""
    on = sorted(draw(st.sets(moments, max_size=8)))
    end = draw(st.none() | st.integers(30, 200).map(lambda offset: FIRST + offset * DAY))
    return facts(
        [line(end=end)],
        usage=tuple(used(day, feature=f"f{place % 3}") for place, day in enumerate(on)),
        presence=tuple(seen(day, ["a", "b"][: 1 + place % 2]) for place, day in enumerate(on)),
        tickets=tuple(
            ticket(f"T{place}", day, escalated=draw(st.booleans()))
            for place, day in enumerate(draw(st.lists(moments, max_size=3)))
        ),
        answers=tuple(
            answer(f"S{place}", day, place + 2, csat=place + 2)
            for place, day in enumerate(draw(st.lists(moments, max_size=3)))
        ),
        usage_seen=draw(st.booleans()),
        support_seen=draw(st.booleans()),
    )


@st.composite
def cards(draw: st.DrawFn) -> Scorecard:
    """Draw a scorecard of some measures with any weights, ages and ways to be missing."""
    names = draw(st.permutations(["active_days_28d", "seat_utilisation", "open_tickets", "csat_90d",
                                  "days_to_renewal", "feature_breadth_28d"]))  # fmt: skip
    made = [
        counts(
            name, draw(weights), (0, draw(st.integers(0, 100))), (7, draw(st.integers(0, 100))),
            max_age_days=draw(st.none() | st.integers(1, 40)), on_missing=draw(st.sampled_from(OnMissing)),
        )
        for name in names[: draw(st.integers(1, 6))]
    ]  # fmt: skip
    cap = Cap(
        "escalation", "open_escalations > 0", draw(st.integers(0, 90)) * POINTS, "An escalation is open"
    )
    return scorecard(*made, caps=(cap,), floor=draw(st.sampled_from([0, 300, 500])))


@st.composite
def sides(draw: st.DrawFn) -> Side:
    """Draw one moment."""
    return Side(
        draw(accounts()), rules(scorecard=draw(cards())), draw(moments),
        segment=draw(st.sampled_from([None, "small", "large"])),
    )  # fmt: skip


def test_known_on_both_sides_is_what_the_properties_are_about() -> None:
    """The drawn moments are often such, or the properties below would say little."""
    seen_parts: set[Cause] = set()

    @EXAMPLES
    @given(sides(), sides())
    def look(then: Side, now: Side) -> None:
        seen_parts.update(part.cause for part in change(then, now, cards=by_segment).parts)

    look()
    assert seen_parts >= set(Cause) - {Cause.OVERRIDE}


@EXAMPLES
@given(sides(), sides(), accounts())
def test_the_parts_sum_exactly_to_the_difference(then: Side, now: Side, heard: AccountFacts) -> None:
    """In thousandths and as shown in tenths, by cause and by measure; the ends are the scores themselves."""
    found = change(then, now, cards=by_segment, heard=heard)
    for side, end in ((then, found.before), (now, found.after)):
        book = changing.MeasureBook(changing.AccountView(side.facts, side.rules), side.day)
        card = by_segment(side.rules, side.segment, side.stage)
        assert score(side.facts, card, book, side.day).points == end.points
    if found.before.points is None or found.after.points is None:
        assert (found.delta, found.parts) == (None, ())
        return
    assert found.delta == found.after.points - found.before.points == sum(part.points for part in found.parts)
    assert all(part.points == sum(item.points for item in part.items) for part in found.parts)
    shown = shown_parts(found)
    assert sum(shown) == shown_delta(found)
    assert all(sum(shown_items(part, total)) == total for part, total in zip(found.parts, shown, strict=True))
    assert [part.cause for part in found.parts] == [
        cause for cause in Cause if cause in {part.cause for part in found.parts}
    ]


@EXAMPLES
@given(sides(), sides())
def test_swapping_the_moments_turns_the_difference_round(then: Side, now: Side) -> None:
    """What was gained one way is lost the other."""
    there, back = change(then, now, cards=by_segment), change(now, then, cards=by_segment)
    assert there.delta == (None if back.delta is None else -back.delta)


@EXAMPLES
@given(sides(), sides(), st.data())
def test_one_input_moved_is_one_cause(one: Side, other: Side, data: st.DataObject) -> None:
    """Nothing, the day, the facts, the rules or the segment; what goes missing is told as missing."""
    moved, allowed = data.draw(
        st.sampled_from(
            [
                ({}, set[Cause]()),
                ({"day": other.day}, {Cause.AGEING, Cause.MISSING}),
                ({"facts": other.facts}, {Cause.DATA, Cause.MISSING}),
                ({"rules": other.rules}, {Cause.WEIGHTS}),
                ({"segment": other.segment}, {Cause.SEGMENT}),
            ]
        )
    )
    changes: dict[str, Any] = moved
    found = change(one, replace(one, **changes), cards=by_segment)
    assert {part.cause for part in found.parts} <= allowed


@EXAMPLES
@given(sides(), moments)
def test_only_time_is_only_ageing_while_the_same_measures_are_known(side: Side, day: date) -> None:
    """No weight moves where none is missing that was not."""
    later = replace(side, day=day)
    found = change(side, later, cards=by_segment)
    known = [
        {part.key for part in score(
            one.facts, by_segment(one.rules, one.segment, None),
            changing.MeasureBook(changing.AccountView(one.facts, one.rules), one.day), one.day,
        ).contributions if part.value.value is not None and not part.stale and part.group != "caps"}
        for one in (side, later)
    ]  # fmt: skip
    if known[0] == known[1]:
        assert {part.cause for part in found.parts} <= {Cause.AGEING}


@pytest.mark.usefixtures("overrides")
def test_the_parts_sum_under_overrides_too() -> None:
    """Set, changed, ended or lasting on either side."""

    @EXAMPLES
    @given(sides(), sides(), *[st.tuples(st.integers(0, 100), moments) | st.none()] * 2)
    def look(then: Side, now: Side, first: tuple[int, date] | None, last: tuple[int, date] | None) -> None:
        one, other = (
            replace(side, facts=replace(side.facts, human=override(*word) if word else HumanInputs()))
            for side, word in ((then, first), (now, last))
        )
        found = change(one, other, cards=by_segment)
        if found.delta is not None:
            assert found.delta == sum(part.points for part in found.parts)

    look()
