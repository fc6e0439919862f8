"""The stage is the furthest whose criterion holds; products have stages of their own."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from success.criteria import Criterion, Journey, Segmentation, SegmentRule
from success.decide import advance, decide
from success.facts import AccountFacts, LineKind
from success.fold import FoldState
from success.human_inputs import HumanInputs, Pin
from success.plans import MilestoneState
from success.rules import Rules
from success.view import AccountView
from tests.success.builders import EXAMPLES, facts, fields, line, rules, seen, used

DAY = date(2024, 6, 1)
START = date(2024, 1, 1)
WAY = Journey(
    1,
    0,
    (
        Criterion("align", "Align"),
        Criterion("onboard", "Onboard", "contract.open"),
        Criterion("adopt", "Adopt", "contract.open && active_days_28d >= 8", "active_days_28d < 4"),
        Criterion("expand", "Expand", "contract.open && feature_breadth_28d >= 2"),
    ),
)


def told(state: FoldState, account: AccountFacts, by: Rules, day: date) -> dict[str, object]:
    """Return what the profile says on a day."""
    return dict(fields(decide(state, account, by, day).records, "profile:acme"))


def stage_of(account: AccountFacts, by: Rules | None = None) -> object:
    """Return the stage on the profile after one step."""
    by = by or rules()
    return told(advance(FoldState.empty(), account, by, DAY), account, by, DAY)["stage"]


def busy(count: int, last: date = DAY, features: int = 1) -> AccountFacts:
    """Return a customer with use on so many days up to one."""
    rows = (
        used(last - timedelta(days=back), feature=str(n)) for back in range(count) for n in range(features)
    )
    return facts([line()], usage=tuple(rows), usage_seen=True)


@pytest.mark.parametrize(
    ("account", "expected"),
    [
        (facts(), "prospect"),
        (facts([line(kind=LineKind.TRIAL)]), "prospect"),
        (facts([line(start=date(2024, 6, 2))]), "prospect"),
        (facts([line(end=DAY)]), "churned"),
        (facts([line()]), "onboarding"),
        (facts([line()], usage=(used(START),)), "adopting"),
        (facts([line()], usage=(used(START), used(START, feature="b"))), "customer"),
        (facts([line(start=date(2020, 1, 1))]), "customer"),
    ],
)
def test_without_a_journey_contract_and_plan_say_the_stage(account: AccountFacts, expected: str) -> None:
    """Prospect, churned, then the plan's first phase, its later phases, and complete."""
    assert stage_of(account) == expected


@st.composite
def customers(draw: st.DrawFn) -> AccountFacts:
    """Draw a customer whose contract and use begin and end at any time around a day."""
    starts = draw(st.lists(st.integers(-400, 30), max_size=2))
    lines = [
        line(
            f"L{place}",
            start=DAY + timedelta(days=start),
            end=draw(st.none() | st.integers(1, 500).map(lambda n, s=start: DAY + timedelta(days=s + n))),
        )
        for place, start in enumerate(starts)
    ]
    rows = draw(st.lists(st.tuples(st.integers(-400, 0), st.sampled_from("ab")), max_size=4))
    return facts(lines, usage=tuple(used(DAY + timedelta(days=at), feature=one) for at, one in rows))


def by_hand(view: AccountView, waiting: list[str], first: str) -> str:
    """Say the stage by words of its own: what the product did before stages could be declared."""
    if view.started_on(DAY) is None:
        return "prospect"
    if not view.open_lines(DAY):
        return "churned"
    if not waiting:
        return "customer"
    return "onboarding" if first in waiting else "adopting"


@EXAMPLES
@given(customers())
def test_the_stages_that_stand_without_a_journey_are_those_of_before(account: AccountFacts) -> None:
    """Whatever contract and use, the criteria give what the hand-written rule gives."""
    state = advance(FoldState.empty(), account, rules(), DAY)
    decided = decide(state, account, rules(), DAY)
    waiting = [one.rule.phase for one in decided.milestones if one.status is not MilestoneState.DONE]
    first = decided.milestones[0].rule.phase if decided.milestones else ""
    expected = by_hand(AccountView(account, rules()), waiting, first)
    assert decided.records[0].fields["stage"] == expected


def test_the_furthest_stage_that_holds_is_the_one() -> None:
    """Stages may be skipped: who uses two features on one day is past the stage of regular use."""
    by = rules(journey=WAY)
    assert stage_of(facts(), by) == "align"
    assert stage_of(facts([line()]), by) == "onboard"
    assert stage_of(busy(8), by) == "adopt"
    assert stage_of(busy(1, features=2), by) == "expand"


def test_a_stage_that_is_lost_is_told_with_all_that_was() -> None:
    """Regular use in March, none in April: back to onboarding, and the history keeps both."""
    by, account, state = rules(journey=WAY), busy(10, last=date(2024, 3, 20)), FoldState.empty()
    for offset in range(60):
        state = advance(state, account, by, date(2024, 3, 1) + timedelta(days=offset))
    assert state.stage is not None
    # Use on 11 to 20 March: the 8th day is the 18th. The 28 days up to 14 April begin with that 18th,
    # so that three days are left in them.
    assert [(one.value, one.since) for one in state.stage.changes] == [
        ("onboard", date(2024, 2, 29)),
        ("adopt", date(2024, 3, 18)),
        ("onboard", date(2024, 4, 14)),
    ]
    assert state.stage.on(date(2024, 4, 13)) == "adopt"


def test_the_history_is_the_same_whenever_it_is_asked_for() -> None:
    """What stood on a day is read from the fold of that day and from every later one alike."""
    by, account = rules(journey=WAY), busy(10, last=date(2024, 3, 20))
    ends = [date(2024, 3, 1) + timedelta(days=offset) for offset in range(60)]
    state, seen_then = FoldState.empty(), {}
    for day in ends:
        state = advance(state, account, by, day)
        assert state.stage is not None
        seen_then[day - timedelta(days=1)] = state.stage.value
    assert {day: state.stage.on(day) for day in seen_then} == seen_then  # type: ignore[union-attr]
    once = advance(advance(FoldState.empty(), account, by, ends[0]), account, by, ends[-1])
    assert once.to_json() == state.to_json()


def test_what_a_look_shows_since_today_the_fold_knows_since_that_day() -> None:
    """A stage reached by today's use has today as its first day, today and tomorrow."""
    by, start = rules(journey=WAY), date(2024, 3, 17)
    account = busy(10, last=date(2024, 3, 20))
    state = advance(FoldState.empty(), account, by, start + timedelta(days=1))
    today = told(state, account, by, date(2024, 3, 18))
    tomorrow = told(advance(state, account, by, date(2024, 3, 19)), account, by, date(2024, 3, 19))
    assert (today["stage"], today["stage_since"]) == ("adopt", date(2024, 3, 18))
    assert (tomorrow["stage"], tomorrow["stage_since"]) == ("adopt", date(2024, 3, 18))


def test_an_unknown_criterion_brings_nobody_in_and_sends_nobody_away() -> None:
    """Without a word from the product a newcomer is not adopting, and one who is stays."""
    by = rules(journey=WAY)
    silent = facts([line()])
    assert stage_of(silent, by) == "onboard"
    state = advance(FoldState.empty(), busy(8, last=DAY - timedelta(days=1)), by, DAY)
    assert told(state, silent, by, DAY)["stage"] == "adopt"


def test_a_stage_pinned_by_a_person_ends_by_itself() -> None:
    """Until the day it ends the pin stands, whatever the criteria say."""
    by = rules(journey=replace(WAY, hold_days=10))
    human = HumanInputs(stage_pin=Pin("expand", DAY, DAY + timedelta(days=2)))
    account = replace(busy(8), human=human)
    state, shown = FoldState.empty(), []
    for offset in range(-1, 4):
        day = DAY + timedelta(days=offset)
        state = advance(state, account, by, day)
        shown.append(told(state, account, by, day)["stage"])
    assert shown == ["onboard", "expand", "expand", "adopt", "adopt"]


def test_a_stage_may_hang_on_the_segment() -> None:
    """The segment is settled first, so criteria may read it."""
    two = Segmentation(1, 0, (SegmentRule("big", "Big", "seats >= 100"), SegmentRule("rest", "Rest")))
    way = Journey(1, 0, (Criterion("a", "A"), Criterion("b", "B", 'segment == "big"')))
    by = rules(segmentation=two, journey=way)
    assert [stage_of(facts([line(quantity=seats)]), by) for seats in (99, 100)] == ["a", "b"]


ADOPTION = Journey(
    1,
    0,
    (
        Criterion("bought", "Bought"),
        Criterion("launched", "Launched", "product.usage_total >= 1"),
        Criterion("spread", "Spread", "product.seat_utilisation >= 0.5"),
    ),
)


def test_each_product_has_a_stage_of_its_own() -> None:
    """Half the seats of one are used, another has one event, a third is silent; an ended one has none."""
    lines = [
        line("L1", product_id="crm", quantity=4),
        line("L2", product_id="mail"),
        line("L3", product_id="ads"),
        line("L4", product_id="old", end=DAY),
    ]
    account = facts(
        lines,
        usage=(replace(used(DAY), product_id="mail"), replace(used(DAY), product_id="crm")),
        presence=(seen(DAY, "ab", "crm"),),
    )
    by = rules(adoption=ADOPTION)
    state = advance(FoldState.empty(), account, by, DAY)
    found = told(state, account, by, DAY)
    assert found["adoption_stages"] == "ads: Bought\ncrm: Spread\nmail: Launched"
    assert told(state, account, rules(), DAY)["adoption_stages"] == ""
    assert sorted(state.adoption) == ["ads", "crm", "mail", "old"]


def test_a_product_is_measured_by_its_own_use_only() -> None:
    """The users of one product are no users of another, and windows are 28 days."""
    lines = [line("L1", product_id="crm", quantity=2), line("L2", product_id="mail", quantity=2)]
    account = facts(lines, presence=(seen(DAY - timedelta(days=28), "a", "crm"), seen(DAY, "b", "mail")))
    shown = told(FoldState.empty(), account, rules(adoption=ADOPTION), DAY)["adoption_stages"]
    assert shown == "crm: Bought\nmail: Spread"
