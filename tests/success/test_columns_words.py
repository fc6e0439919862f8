"""Segments and stages by the charter's words over columns: what is asked of one account, asked of all."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from success import journey, segmentation
from success.columns.books import frame_of
from success.columns.criteria import NOWHERE, first, furthest
from success.columns.expressions import outside
from success.criteria import CONTRACT_JOURNEY, UNKNOWN, Criterion, Journey, Segmentation, SegmentRule
from success.facts import Account
from success.measures import MeasureBook
from success.view import AccountView
from tests.success.builders import EXAMPLES, facts, line, rules

DAY = date(2024, 6, 1)
CONDITIONS = (
    'attr.industry == "Software"',
    'attr.industry in ["Software", "Retail"] && seats > 10',
    'account.owner == "o1" || arr >= 1000.0',
    "contract.open && seats >= 10",
    "!contract.begun",
    'has(attr.industry) && attr.industry.startsWith("S")',
)
STAGED = (
    *CONDITIONS,
    'segment == "a"',
    "size(plan.phases_open) == 0",
    "plan.first_phase in plan.phases_open",
)
ACCOUNTS = st.lists(
    st.fixed_dictionaries(
        {
            "attributes": st.sampled_from(
                [{}, {"industry": "Software"}, {"industry": "Retail"}, {"industry": ""}]
            ),
            "owner": st.sampled_from([None, "o1", "o2"]),
            "seats": st.integers(0, 20),
            "words": st.fixed_dictionaries(
                {},
                optional={
                    "segment": st.sampled_from(["a", "b"]),
                    "plan.first_phase": st.sampled_from(["", "launch"]),
                    "plan.phases_open": st.sampled_from([(), ("launch",), ("launch", "adoption")]),
                },
            ),
        }
    ),
    min_size=1,
    max_size=6,
)
Drawn = dict[str, object]


def books_of(accounts: list[Drawn]) -> list[MeasureBook]:
    """Return the accounts with a contract of so many seats, none without a seat."""
    books = []
    for one in accounts:
        lines = [line(quantity=one["seats"])] if one["seats"] else []
        account = replace(
            Account("A1", "Acme", date(2023, 1, 1)), attributes=one["attributes"], owner_id=one["owner"]
        )
        books.append(
            MeasureBook(AccountView(facts(lines, account=account), rules()), DAY, words=one["words"])
        )
    return books


def drawn(conditions: tuple[str, ...]) -> st.SearchStrategy[list[tuple[str, str | None]]]:
    """Draw what accounts come in by, and what they go by."""
    return st.lists(
        st.tuples(st.sampled_from(conditions), st.one_of(st.none(), st.sampled_from(conditions))),
        min_size=1,
        max_size=3,
    )


@EXAMPLES
@given(
    ACCOUNTS, drawn(CONDITIONS), st.lists(st.sampled_from([None, "s0", "s1", "rest"]), min_size=6, max_size=6)
)
def test_segments_by_words(
    accounts: list[Drawn], conditions: list[tuple[str, str | None]], were: list[str]
) -> None:
    """Attributes, owner and contract, in and outside the subset of columns, with any segment before."""
    books = books_of(accounts)
    declared = [SegmentRule(f"s{at}", "", *one) for at, one in enumerate(conditions)]
    by = Segmentation(1, 0, (*declared, SegmentRule("rest", "Rest")))
    keys = [rule.key for rule in by.segments]
    current = [one if one in keys else None for one in were[: len(books)]]
    frame = frame_of(["A1"] * len(books), books, [text for one in conditions for text in one if text])
    before = np.array([NOWHERE if one is None else keys.index(one) for one in current])
    found = [UNKNOWN if at == NOWHERE else keys[at] for at in first(by.segments, before, frame)]
    assert found == [segmentation.asked(by, one, book) for one, book in zip(current, books, strict=True)]


@EXAMPLES
@given(
    ACCOUNTS, drawn(STAGED), st.lists(st.sampled_from([None, "start", "s0", "s1"]), min_size=6, max_size=6)
)
def test_stages_by_words(
    accounts: list[Drawn], conditions: list[tuple[str, str | None]], were: list[str]
) -> None:
    """Segment and the plan's progress too; the journey without one in the charter needs no twin."""
    books = books_of(accounts)
    declared = [Criterion(f"s{at}", "", *one) for at, one in enumerate(conditions)]
    for by in (Journey(1, 0, (Criterion("start", "Start"), *declared)), CONTRACT_JOURNEY):
        keys = [stage.key for stage in by.stages]
        current = [one if one in keys else None for one in were[: len(books)]]
        texts = [text for stage in by.stages for text in (stage.when, stage.leave_when) if text]
        frame = frame_of(["A1"] * len(books), books, texts)
        before = np.array([NOWHERE if one is None else keys.index(one) for one in current])
        found = [keys[at] for at in furthest(by.stages, before, frame)]
        assert found == [journey.asked(by, one, book) for one, book in zip(current, books, strict=True)]
    assert not [text for stage in CONTRACT_JOURNEY.stages if stage.when and (text := outside(stage.when))]
