"""What may be activated and what may not, on account-months whose hazard is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from success.backtest.alarms import alarms_of
from success.backtest.baselines import Roles
from success.backtest.run import backtest, backtest_score
from success.backtest.split import TimeSplit, divide
from success.backtest.table import Column, ordered
from tests.success.planted import planted
from tests.success.planted_tables import QUICK, SPLIT, planted_report, table_of


def relabelled(labels: np.ndarray):
    """Return the planted columns with other outcomes."""
    facts = planted()
    return table_of(replace(facts, label=labels.astype(float)))


def test_a_known_hazard_passes():
    """Use, tickets and terms foretell who leaves: the interval is above a half and every baseline below."""
    report = planted_report()
    assert report.activate
    area = report.measured.auc
    assert area is not None
    assert 0.5 < area.low < area.value < area.high
    assert set(report.measured.baselines) == {"base_rate", "tenure", "usage_last_30_days", "usage_per_seat"}
    assert all(one.auc < area.value for one in report.measured.baselines.values())
    assert set(report.measured.segments) == {"SMB", "MM", "ENT"}
    assert report.fit is not None
    assert abs(np.mean(report.fit.permuted_auc) - 0.5) < 0.05


def test_the_same_seed_gives_the_same_report():
    """Resampling and shuffling are drawn by the seed alone."""
    assert backtest(table_of(planted()), SPLIT, QUICK) == planted_report()


def test_outcomes_by_chance_are_refused():
    """Labels drawn by a coin that knows nothing: the interval includes one half."""
    labels = np.random.default_rng(8).random(len(planted().label)) < 0.03
    report = backtest(relabelled(labels), SPLIT, QUICK)
    assert not report.activate
    assert any(reason.startswith("the AUC interval includes 0.5") for reason in report.reasons)


def test_what_tenure_tells_better_is_refused():
    """A score of noise beside outcomes that come to the young: tenure is named as the better one."""
    facts, draw = planted(), np.random.default_rng(8)
    labels = (draw.random(len(facts.label)) < 0.3 * np.exp(-facts.age / 4)).astype(float)
    table = table_of(replace(facts, label=labels))
    report = backtest_score(table, draw.normal(size=len(table)), SPLIT, QUICK)
    assert not report.activate
    assert any(reason.startswith("the tenure baseline is better: AUC 0.") for reason in report.reasons)


def test_no_events_are_insufficient():
    """Without a single event nothing is measured, and that is the reason in these words."""
    report = backtest(relabelled(np.zeros(len(planted().label))), SPLIT, QUICK)
    assert (report.activate, report.reasons) == (False, ("insufficient events: 0",))
    assert report.measured.auc is None


def test_events_only_tell_nothing_of_columns():
    """Where every row has the event nothing ranks, and no column is blamed for going with it."""
    report = backtest(relabelled(np.ones(len(planted().label))), SPLIT, QUICK)
    assert (report.activate, report.blocked) == (False, ())
    assert report.reasons == ("there is no AUC: the test has events only, or none",)


@pytest.mark.parametrize(("events", "enough"), [(19, False), (20, True)])
def test_under_twenty_events_are_insufficient_evidence(events, enough):
    """The same number of events in training and test, taken from those there are."""
    table = table_of(planted())
    parts = divide(table, SPLIT)
    labels = np.zeros(len(table), dtype=np.int64)
    for rows in (parts.train, parts.test):
        labels[np.flatnonzero(rows & (table.labels == 1))[:events]] = 1
    report = backtest(replace(table, labels=labels), SPLIT, QUICK)
    said = any(reason.startswith("insufficient evidence: 19 events") for reason in report.reasons)
    assert said is not enough
    assert any("weights are shrunk strongly" in note for note in report.notes)


def test_a_score_is_judged_as_it_stands():
    """The right way round it passes; turned round it is refused, whatever training would have fitted."""
    facts = planted()
    table, risk = table_of(facts), -(facts.active / facts.seats) + 0.1 * facts.tickets
    named = replace(QUICK, named=Roles(usage="tickets"))
    assert backtest_score(table, risk, SPLIT, named).activate is True
    turned = backtest_score(table, -risk, SPLIT, named)
    assert any(reason.startswith("it ranks the wrong way round") for reason in turned.reasons)


def test_a_measure_that_leaks_stands_against_a_score():
    """A score cannot be had without one of its measures, so a leak in one is a refusal."""
    facts = planted()
    report = backtest_score(
        table_of(facts, exit_call=facts.label), -(facts.active / facts.seats), SPLIT, QUICK
    )
    assert not report.activate
    assert any("its measure exit_call knows the outcome" in reason for reason in report.reasons)


@pytest.mark.parametrize(
    ("split", "words"),
    [
        (TimeSplit(20, 21, 1), "reach into the test"),
        (TimeSplit(-5, 22, 1), "no row is left for training"),
        (TimeSplit(20, 90, 1), "no row is left for the test"),
        (TimeSplit(20, 22, -1), "is negative"),
    ],
)
def test_a_split_that_cannot_be_is_refused(split, words):
    """An outcome of training may not lie in the test, and both parts need rows."""
    with pytest.raises(ValueError, match=words):
        divide(table_of(planted()), split)


def test_rows_whose_outcome_is_not_known_yet_are_left_out():
    """The last row is of month 35, the horizon one month: the test ends with month 34."""
    parts = divide(table_of(planted()), SPLIT)
    assert parts.test_to == 34
    assert planted().month[parts.test].max() == 34


def test_lead_times_and_false_alarms_by_hand():
    """Account 1 is red from month 2 and leaves after month 4: 3 months. Account 2 is red once for nothing."""
    red = {(1, 2), (1, 3), (1, 4), (2, 1)}
    keys = [(account, month) for account in (1, 2) for month in range(5)]
    risk = np.array([1.0 if key in red else 0.0 for key in keys])
    labels = np.array([int(key == (1, 4)) for key in keys])
    groups, times = (np.array(column) for column in zip(*keys, strict=True))
    table = ordered(times, groups, labels, [Column("risk", risk)])
    found = alarms_of(table, risk, 0.5, np.ones(10, bool), horizon=1, accounts_per_csm=2)
    assert (found.events, found.warned, found.lead_time) == (1, 1, 3.0)
    assert (found.alarms, found.false_alarms, found.csm_months) == (2, 1, 5.0)
    assert found.false_alarms_per_csm_month == pytest.approx(0.2)
