"""Segments and stages over drawn customers: one at a time, held, the same however often somebody looks."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from success.criteria import UNKNOWN, Criterion, Journey, Segmentation, SegmentRule
from success.decide import advance, decide, standing
from success.facts import AccountFacts
from success.fold import FoldState
from success.holding import Held
from success.human_inputs import HumanInputs, Pin
from success.view import AccountView
from tests.success.builders import EXAMPLES, facts, line, rules, seen, usd, used

# Each example folds every one of its days, some twice.
FEWER = settings(EXAMPLES, max_examples=25)
FIRST, DAYS, HOLD = date(2025, 1, 10), 30, 5
SEGMENTS = Segmentation(
    1,
    HOLD,
    (
        SegmentRule("large", "Large", "arr >= 1000.0", "arr < 800.0"),
        SegmentRule("busy", "Busy", "active_days_28d >= 3"),
        SegmentRule("rest", "Rest"),
    ),
)
WAY = Journey(
    1,
    HOLD,
    (
        Criterion("align", "Align"),
        Criterion("onboard", "Onboard", "contract.open"),
        Criterion("adopt", "Adopt", 'active_days_28d >= 2 && segment != "rest"', "active_days_28d < 1"),
    ),
)
PRODUCTS = Journey(
    1, HOLD, (Criterion("bought", "Bought"), Criterion("used", "Used", "product.active_days_28d >= 2"))
)
CHARTER = rules(segmentation=SEGMENTS, journey=WAY, adoption=PRODUCTS)
KEYS = {*(one.key for one in SEGMENTS.segments), UNKNOWN}
STAGES = {one.key for one in WAY.stages}


def day(offset: int) -> date:
    """Return a day by its distance from the first."""
    return FIRST + timedelta(days=offset)


@st.composite
def pins(draw: st.DrawFn, keys: tuple[str, ...]) -> Pin | None:
    """Draw a pin of any length, or none; some name nothing there is."""
    if draw(st.booleans()):
        return None
    begins = draw(st.integers(-5, DAYS))
    return Pin(draw(st.sampled_from((*keys, "nothing"))), day(begins), day(begins + draw(st.integers(1, 15))))


@st.composite
def customers(draw: st.DrawFn) -> AccountFacts:
    """Draw a customer whose lines, use and pins come and go within the days looked at."""
    lines = []
    for place in range(draw(st.integers(0, 3))):
        begins = draw(st.integers(-60, DAYS))
        ends = draw(st.none() | st.integers(begins + 1, begins + 60).map(day))
        worth = usd(draw(st.sampled_from((300, 700, 900, 1200))))
        product = draw(st.sampled_from(("crm", "mail")))
        lines.append(line(f"L{place}", product_id=product, start=day(begins), end=ends, arr=worth))
    at = draw(st.lists(st.integers(-40, DAYS), max_size=8, unique=True))
    rows = tuple(replace(used(day(one)), product_id="crm" if one % 2 else "mail") for one in at)
    people = tuple(seen(day(one), "ab", "crm") for one in at)
    human = HumanInputs(segment_pin=draw(pins(("large", "rest"))), stage_pin=draw(pins(("align", "adopt"))))
    return facts(lines, usage=rows, presence=people, usage_seen=draw(st.booleans()), human=human)


def folded(account: AccountFacts, last: int = DAYS) -> FoldState:
    """Return the state after every day up to one, stepped day by day."""
    state = FoldState.empty()
    for offset in range(last + 1):
        state = advance(state, account, CHARTER, day(offset))
    return state


def held(one: Held | None) -> Held:
    """Return what stands; something always does."""
    assert one is not None
    return one


@FEWER
@given(customers())
def test_there_is_one_segment_and_one_stage_on_every_day(account: AccountFacts) -> None:
    """One of those declared, and the days they stand since rise; every open product has one stage too."""
    state = folded(account)
    view = AccountView(account, CHARTER)
    for offset in range(DAYS):
        assert held(state.segment).on(day(offset)) in KEYS
        assert held(state.stage).on(day(offset)) in STAGES
        for product in {one.product_id for one in view.open_lines(day(offset))}:
            assert state.adoption[product].on(day(offset)) in {"bought", "used"}
    for one in (held(state.segment), held(state.stage), *state.adoption.values()):
        assert all(before.since < after.since for before, after in pairwise(one.changes))
        assert all(before.value != after.value for before, after in pairwise(one.changes))


@FEWER
@given(customers(), st.integers(0, 999))
def test_facts_in_another_order_give_the_same(account: AccountFacts, seed: int) -> None:
    """Replayed in any order, the state and the records are the same to the byte."""
    mixed = random.Random(seed)
    other = replace(
        account,
        lines=tuple(mixed.sample(account.lines, len(account.lines))),
        usage=tuple(mixed.sample(account.usage, len(account.usage))),
        presence=tuple(mixed.sample(account.presence, len(account.presence))),
    )
    one, another = folded(account), folded(other)
    assert another.to_json() == one.to_json()
    assert decide(another, other, CHARTER, day(DAYS)) == decide(one, account, CHARTER, day(DAYS))


@FEWER
@given(customers(), st.lists(st.integers(0, DAYS), max_size=6))
def test_whoever_looks_how_often_finds_the_same(account: AccountFacts, looks: list[int]) -> None:
    """Daily, now and then, or once at the end; a look itself leaves nothing behind."""
    state = advance(FoldState.empty(), account, CHARTER, day(0))
    for offset in sorted(looks):
        state = advance(state, account, CHARTER, day(offset))
        decide(state, account, CHARTER, day(offset))
    assert advance(state, account, CHARTER, day(DAYS)).to_json() == folded(account).to_json()


@FEWER
@given(customers())
def test_what_a_look_shows_is_what_is_remembered_of_that_day(account: AccountFacts) -> None:
    """With facts that do not change, segment, stage and their days agree with the fold a day later."""
    state, view = FoldState.empty(), AccountView(account, CHARTER)
    for offset in range(0, DAYS, 3):
        state = advance(state, account, CHARTER, day(offset))
        looked = standing(state, view, day(offset))
        assert looked == advance(state, account, CHARTER, day(offset + 1)).standing


@FEWER
@given(customers())
def test_rules_change_a_segment_at_most_once_in_a_hold(account: AccountFacts) -> None:
    """Without a pin, and once it is known, a segment or stage stands for its hold at least."""
    state = folded(replace(account, human=HumanInputs()))
    for one in (held(state.segment), held(state.stage), *state.adoption.values()):
        for before, after in pairwise(one.changes):
            if before.value != UNKNOWN:
                assert (after.since - before.since).days >= HOLD


@FEWER
@given(customers())
def test_a_pin_leaves_no_trace_beyond_its_end_but_in_the_history(account: AccountFacts) -> None:
    """While it is in force it stands; on its last day's morrow nothing is pinned."""
    state = folded(account)
    for pin, one, known in (
        (account.human.segment_pin, held(state.segment), {"large", "rest"}),
        (account.human.stage_pin, held(state.stage), {"align", "adopt"}),
    ):
        if pin is not None and pin.key in known:
            days = (day(offset) for offset in range(DAYS) if pin.made_on <= day(offset) < pin.until)
            assert {one.on(at) for at in days} <= {pin.key}
    late = folded(account, DAYS + 20)
    assert late.pinned == frozenset()
