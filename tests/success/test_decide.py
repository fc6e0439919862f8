"""The fold and the look: the same facts give the same bytes, however often one looks."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from success.decide import advance, decide
from success.desired import RecordKind
from success.event_points import EventKind, EventRule
from success.facts import AccountFacts, ContractLine, DealState, LineKind, Money
from success.fold import FoldState
from tests.success.builders import CARD, EXAMPLES, deal, facts, fields, line, rules, seen, ticket, usd, used

FIRST = date(2024, 11, 1)
RAISED = EventRule("raised", EventKind.ESCALATION_OPENED, -10_000, 10, "A case was escalated")
CHARTER = rules(
    scorecard=replace(CARD, margin=5_000, hold_days=3, events=(RAISED,)),
    expansion=replace(rules().expansion, days=3, window_days=7, suppress_when="open_escalations > 2"),
)
NEAR = st.dates(date(2024, 9, 1), date(2025, 2, 1))


@st.composite
def contract(draw: st.DrawFn, place: int) -> ContractLine:
    """Draw a line that begins within two years."""
    # Mostly due, or beginning, around the days looked at.
    around = st.dates(date(2023, 11, 1), date(2024, 2, 15)) | st.dates(date(2024, 11, 1), date(2025, 1, 15))
    start = draw(around | st.dates(date(2023, 6, 1), date(2025, 1, 15)))
    return line(
        f"L{place}",
        kind=draw(st.sampled_from([LineKind.RECURRING, LineKind.RECURRING, LineKind.TRIAL])),
        start=start,
        end=draw(st.none() | st.integers(1, 800).map(lambda days: start + timedelta(days=days))),
        term_months=draw(st.sampled_from([12, 12, 12, 24, 1, None])),
        quantity=draw(st.integers(1, 4)),
        product_id=draw(st.sampled_from(["core", "Other One"])),
        arr=Money(draw(st.integers(0, 10_000)), "USD"),
        co_term_group=draw(st.sampled_from([None, None, "C"])),
        renewal_of_line_id=f"L{place - 1}" if place and draw(st.booleans()) else None,
    )


@st.composite
def customers(draw: st.DrawFn) -> AccountFacts:
    """Draw an account with contracts, use, people, tickets and deals."""
    lines = [draw(contract(place)) for place in range(draw(st.integers(1, 4)))]
    usage = draw(
        st.lists(st.builds(used, NEAR, feature=st.sampled_from("abc"), count=st.integers(0, 9)), max_size=15)
    )
    presence = draw(
        st.lists(
            st.builds(
                seen,
                NEAR,
                st.sets(st.sampled_from(["u", "v", "w", ""])),
                st.sampled_from(["core", "Other One"]),
            ),
            max_size=15,
        )
    )
    tickets = [
        ticket(
            f"T{place}",
            day,
            draw(st.none() | st.just(day + timedelta(days=9))),
            escalated=draw(st.booleans()),
        )
        for place, day in enumerate(draw(st.lists(NEAR, max_size=4)))
    ]
    deals = [
        deal(f"D{place}", close_on=day, kind=draw(st.sampled_from(["renewal", "expansion"])))
        for place, day in enumerate(draw(st.lists(NEAR, max_size=2)))
    ]
    return facts(
        lines,
        usage=tuple(usage),
        presence=tuple(presence),
        tickets=tuple(tickets),
        deals=tuple(deals),
        usage_seen=draw(st.booleans()),
        support_seen=draw(st.booleans()),
    )


@EXAMPLES
@given(customers(), st.integers(1, 60))
def test_looking_daily_or_once_is_the_same(account: AccountFacts, count: int) -> None:
    """Every day from stored text, or all days in one call: equal state, equal records."""
    stored = advance(FoldState.empty(), account, CHARTER, FIRST).to_json()
    at_once = advance(FoldState.from_json(stored), account, CHARTER, FIRST + timedelta(days=count))
    for place in range(1, count + 1):
        stored = advance(
            FoldState.from_json(stored), account, CHARTER, FIRST + timedelta(days=place)
        ).to_json()
    assert stored == at_once.to_json()
    last = FIRST + timedelta(days=count)
    assert decide(FoldState.from_json(stored), account, CHARTER, last) == decide(
        at_once, account, CHARTER, last
    )


@EXAMPLES
@given(customers(), st.randoms(use_true_random=False))
def test_the_order_of_facts_does_not_matter(account: AccountFacts, order: Any) -> None:
    """Facts shuffled in every list give the same bytes."""

    def shuffled(values: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(order.sample(values, len(values)))

    other = replace(
        account,
        lines=shuffled(account.lines),
        usage=shuffled(account.usage),
        presence=shuffled(account.presence),
        tickets=shuffled(account.tickets),
        deals=shuffled(account.deals),
        group_keys=dict(shuffled(tuple(account.group_keys.items()))),
    )
    state = advance(FoldState.empty(), account, CHARTER, FIRST)
    assert advance(FoldState.empty(), other, CHARTER, FIRST).to_json() == state.to_json()
    assert repr(decide(state, other, CHARTER, FIRST)) == repr(decide(state, account, CHARTER, FIRST))


@EXAMPLES
@given(customers(), st.lists(st.integers(0, 40), max_size=6))
def test_a_look_opens_nothing_and_replays_to_the_same_bytes(account: AccountFacts, looks: list[int]) -> None:
    """Looks in between leave no trace, and the same look gives the same bytes again."""
    state = advance(FoldState.empty(), account, CHARTER, FIRST)
    before = state.to_json()
    for offset in looks:
        as_of = FIRST + timedelta(days=offset)
        assert repr(decide(state, account, CHARTER, as_of)) == repr(decide(state, account, CHARTER, as_of))
    assert state.to_json() == before
    opened = {record.key for record in decide(FoldState.empty(), account, CHARTER, FIRST).records}
    assert opened == {"profile:acme"}


@EXAMPLES
@given(customers())
def test_keys_are_unique_and_fit_every_crm(account: AccountFacts) -> None:
    """Lower case, at most 200 characters, no two records under one key, parents present."""
    state = advance(FoldState.empty(), account, CHARTER, FIRST + timedelta(days=30))
    records = decide(state, account, CHARTER, FIRST + timedelta(days=30)).records
    keys = [record.key for record in records]
    assert len(set(keys)) == len(keys)
    assert all(key == key.lower() and len(key) <= 200 for key in keys)
    assert all(record.parent_key in keys for record in records if record.parent_key)
    assert all(record.reason for record in records)


@EXAMPLES
@given(customers(), st.integers(0, 30), st.integers(0, 30))
def test_what_was_opened_stays(account: AccountFacts, one: int, more: int) -> None:
    """No later day takes a plan, renewal, expansion or reached milestone away."""
    early = advance(FoldState.empty(), account, CHARTER, FIRST + timedelta(days=one))
    late = advance(early, account, CHARTER, FIRST + timedelta(days=one + more))
    assert set(early.renewals) <= set(late.renewals)
    assert early.expansions.items() <= late.expansions.items()
    assert early.adopted.items() <= late.adopted.items()
    for key, plan in early.plans.items():
        assert plan.reached.items() <= late.plans[key].reached.items()


def test_a_day_is_folded_once() -> None:
    """A retry of the same day, or an older one, changes nothing."""
    state = advance(FoldState.empty(), facts([line()]), CHARTER, FIRST)
    assert advance(state, facts(), CHARTER, FIRST) == state
    assert advance(state, facts(), CHARTER, FIRST - timedelta(days=1)) == state


def test_the_state_survives_being_stored() -> None:
    """A state with a plan, an adopted and two opened renewals and an expansion reads back as it was."""
    lines = [line(), line("L2", start=date(2024, 1, 10)), line("L3", start=date(2024, 1, 20), quantity=1)]
    seen_daily = tuple(seen(FIRST - timedelta(days=back), "abcdefghijklmnopqrstu") for back in range(30))
    account = facts(
        lines, presence=seen_daily, usage=(used(FIRST),), deals=(deal("D1", close_on=date(2024, 12, 1)),)
    )
    charter = replace(CHARTER, plan=replace(CHARTER.plan, lookback_days=999))
    state = advance(FoldState.empty(), account, charter, FIRST + timedelta(days=1))
    assert (len(state.plans), len(state.renewals), len(state.expansions)) == (1, 2, 1)
    assert state.adopted == {"renewal:g-l1:1": "D1"}
    assert FoldState.from_json(state.to_json()) == state


def test_state_of_another_format_is_refused() -> None:
    """A cache that cannot be read is replayed, never guessed at."""
    with pytest.raises(ValueError, match="replay"):
        FoldState.from_json('{"format":0}')


def test_the_empty_state_is_the_same_text_for_ever() -> None:
    """Keys are sorted and nothing is left to the machine."""
    text = (
        '{"adopted":{},"adoption":{},"band":null,"day":null,"expansions":{},"format":2,"pinned":[],'
        '"plans":{},"renewals":{},"segment":null,"stage":null}'
    )
    assert FoldState.empty().to_json() == text
    assert FoldState.from_json(text) == FoldState.empty()


def test_the_profile_holds_what_people_sort_by() -> None:
    """A used account with an escalation: capped at 40, red, with its risk and its figures."""
    rows = tuple(
        used(date(2024, 11, 3) + timedelta(days=place), feature=str(place % 4)) for place in range(20)
    )
    account = facts(
        [line(start=date(2020, 12, 1))], usage=rows, tickets=(ticket("1", FIRST, escalated=True),)
    )
    decision = decide(FoldState.empty(), account, CHARTER, date(2024, 11, 30))
    profile = dict(fields(decision.records, "profile:acme"))
    assert str(profile.pop("explanation")).startswith(
        "Health is 40.0 (red); 90.0 % of what we weigh is known."
    )
    assert profile.pop("change") == "Health is 40.0 (red) as on 2024-11-30: nothing moved it."
    assert profile == {
        "name": "Acme",
        "health": Decimal("40.0"),
        "health_computed": Decimal("40.0"),
        "override_until": None,
        "band": "red",
        "coverage": Decimal("90.0"),
        "trend": "flat",
        "health_trend": "flat",
        "segment": "all",
        "segment_since": date(2024, 11, 30),
        "touch_model": None,
        "stage": "customer",
        "stage_since": date(2024, 11, 30),
        "adoption_stages": "",
        "arr": usd(1200),
        "renewal_on": date(2024, 12, 1),
        "risks": "An escalation is open.",
        "scorecard": "health@1",
        "milestones_late": 0,
        "expansions_open": 0,
    }


def test_a_prospect_has_an_unknown_profile_and_nothing_else() -> None:
    """No contract, no data: one record, no invented number."""
    decision = decide(advance(FoldState.empty(), facts(), CHARTER, FIRST), facts(), CHARTER, FIRST)
    assert [record.kind for record in decision.records] == [RecordKind.PROFILE]
    profile = decision.records[0].fields
    assert (profile["health"], profile["band"], profile["renewal_on"]) == (None, "unknown", None)
    assert profile["stage"] == "prospect"


def test_a_won_deal_of_ours_does_not_reopen_its_renewal() -> None:
    """The key stays taken whatever becomes of the deal."""
    state = advance(FoldState.empty(), facts([line()]), CHARTER, FIRST)
    lost = deal("D1", cs_key="renewal:g-l1:1", state=DealState.LOST, close_on=FIRST)
    later = advance(state, facts([line()], deals=(lost,)), CHARTER, FIRST + timedelta(days=9))
    assert list(later.renewals) == ["renewal:g-l1:1"]
    assert later.renewals["renewal:g-l1:1"].closed_on == FIRST + timedelta(days=1)
