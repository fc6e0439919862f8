"""Tables of account-months for the tests of models: drawn from a known rule, or by hypothesis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from random import Random

from hypothesis import strategies as st

from success.prediction.table import Column, FeatureTable, Kind, Role, Row, Value

TRUE_WEIGHTS = (Fraction(-2), Fraction(1), Fraction(-1), Fraction(1, 2), Fraction(0), Fraction(0))
NAMES = ("use", "tickets", "pulse", "late", "noise_one", "noise_two")
COLUMNS = tuple(Column(name) for name in NAMES)


def drawn(count: int, seed: int, base: float = -1.0, period: int = 0) -> FeatureTable:
    """Return ``count`` accounts whose churn follows ``TRUE_WEIGHTS``, every value about 0 and 1 wide."""
    source, rows = Random(seed), []
    for number in range(count):
        values = tuple(Fraction(round(source.gauss(0, 1) * 1000), 1000) for _ in NAMES)
        log_odds = base + float(sum((w * v for w, v in zip(TRUE_WEIGHTS, values, strict=True)), Fraction(0)))
        rows.append(Row(f"a{number}", period, values, source.random() < 1 / (1 + math.exp(-log_odds))))
    return FeatureTable(COLUMNS, tuple(rows))


def auc(outcomes: Sequence[bool], scores: Sequence[float]) -> float:
    """Return the share of pairs (event, none) in which the event scores higher; a tie counts half."""
    ordered = sorted(range(len(scores)), key=lambda index: scores[index])
    ranks, start = [0.0] * len(scores), 0
    while start < len(ordered):
        end = start
        while end + 1 < len(ordered) and scores[ordered[end + 1]] == scores[ordered[start]]:
            end += 1
        for index in ordered[start : end + 1]:
            ranks[index] = (start + end) / 2 + 1
        start = end + 1
    events = sum(outcomes)
    total = sum(rank for rank, event in zip(ranks, outcomes, strict=True) if event)
    return (total - events * (events + 1) / 2) / (events * (len(outcomes) - events))


def flagged(events: int, rows: int, columns: Sequence[Column] = COLUMNS[:1]) -> FeatureTable:
    """Return ``rows`` accounts of which the first ``events`` churned, values counting up."""
    return FeatureTable(
        tuple(columns),
        tuple(
            Row(
                f"a{number}", 0, tuple(number % (7 + place) for place in range(len(columns))), number < events
            )
            for number in range(rows)
        ),
    )


NUMBERS = st.none() | st.fractions(min_value=-1000, max_value=100_000, max_denominator=97)
WORDS = st.none() | st.sampled_from(["small", "medium", "large"])
MIXED = (Column("use"), Column("segment", Kind.CATEGORY), Column("money"), Column("age", role=Role.TIME))
VALUES: st.SearchStrategy[tuple[Value, ...]] = st.tuples(NUMBERS, WORDS, NUMBERS, NUMBERS)


@st.composite
def tables(draw: st.DrawFn) -> FeatureTable:
    """Draw a table of mixed columns with anything unknown, with too few events or with enough."""
    values = draw(st.lists(VALUES, min_size=1, max_size=12))
    copies = draw(st.sampled_from([1, 8]))
    rows = [
        Row(f"a{copy}-{number}", draw(st.integers(0, 5)), one, draw(st.booleans()))
        for number, one in enumerate(values)
        for copy in range(copies)
    ]
    return FeatureTable(MIXED, tuple(rows))
