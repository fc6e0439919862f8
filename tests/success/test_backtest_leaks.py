"""Columns that know the future are blocked by name, and columns that merely warn are not."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from success.backtest.ranking import auc
from success.backtest.run import backtest, find_leaks
from success.backtest.split import divide
from tests.success.planted import LEAKS, Planted, honest, planted
from tests.success.planted_tables import QUICK, SPLIT, planted_report, table_of


def blocked(table) -> list[str]:
    """Return the names of the columns found to leak."""
    return [one.column for one in find_leaks(table, divide(table, SPLIT))]


@pytest.mark.parametrize("kind", sorted(LEAKS))
def test_a_column_that_knows_the_outcome_is_blocked_by_name(kind):
    """Whatever the way it knows, only it is blocked, though nobody said which it is."""
    facts = planted()
    assert blocked(table_of(facts, x=LEAKS[kind](facts))) == ["x"]


@pytest.mark.parametrize("seed", [5, 6])
def test_columns_that_warn_are_kept(seed):
    """Use, tickets, terms, ages, lags, running totals and a sponsor's leaving are facts of their day."""
    facts = planted(seed)
    assert blocked(table_of(facts, **honest(facts))) == []


def test_a_strong_honest_signal_is_kept():
    """A use that foretells twice as well, growing towards the event, is no leak: it was falling before."""
    facts = planted()
    left = np.where(facts.leaves == 1, facts.left, 99)
    strong = np.random.default_rng(4).normal(size=len(left)) - 1.2 * np.exp(-left / 6)
    assert blocked(table_of(facts, engagement=strong)) == []


@pytest.mark.parametrize("gaps", [0, 0.3])
def test_seats_are_kept_where_use_is_steady(gaps):
    """Where all accounts use alike, seats go with the mean of use, with gaps or without."""
    facts, draw = planted(), np.random.default_rng(4)
    steady = np.round(facts.seats * draw.normal(0.6, 0.05, len(facts.label)))
    steady[draw.random(len(steady)) < gaps] = np.nan
    assert blocked(table_of(replace(facts, active=steady))) == []


def test_a_term_end_that_decides_everything_is_kept():
    """Where all who leave do so at the end of a yearly term, that month ranks above 0.9 and knows nothing."""
    facts = planted()
    leave = (facts.term_end == 1) & (np.random.default_rng(2).random(len(facts.label)) < 0.4)
    before = facts.of_account(np.where(leave, facts.age, 99), np.min)
    there = facts.age <= before
    cut = Planted(*(getattr(facts, one.name)[there] for one in fields(facts)))
    table = table_of(replace(cut, label=leave[there].astype(float)))
    (area,) = {auc(table.labels == 1, table.column("is_term_end_month").values)}
    assert area is not None
    assert area > 0.9
    assert blocked(table) == []


def test_without_its_leak_the_model_is_what_it_would_have_been():
    """The blocked column is in no term, and the AUC is the one of a file that never had it."""
    facts = planted()
    leaking = backtest(table_of(facts, x=facts.label.copy()), SPLIT, QUICK)
    clean = planted_report()
    assert [one.column for one in leaking.blocked] == ["x"]
    assert leaking.fit is not None
    assert "x" not in {one.name for one in leaking.fit.terms}
    assert leaking.measured.auc == clean.measured.auc


def test_what_somebody_answers_for_is_kept_and_said():
    """A column may be kept by name; the report says what it looked like."""
    facts = planted()
    asked = type(QUICK)(resamples=50, kept=frozenset({"x"}))
    report = backtest(table_of(facts, x=facts.label.copy()), SPLIT, asked)
    assert report.blocked == ()
    assert any("x is kept on request" in note for note in report.notes)
    assert any("too good to be believed" in reason for reason in report.reasons)
