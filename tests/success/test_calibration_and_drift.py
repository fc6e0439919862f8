"""Probabilities only where they are earned, and alarms when the world is no longer that of training."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from success.backtest.model_table import by_account, facts_of, log_odds_of
from success.backtest.ranking import exact_auc
from success.prediction.calibration import calibrate
from success.prediction.drift import drift, psi, psi_by_chance, wilson
from success.prediction.ladder import fit
from success.prediction.model import Calibration, Model
from success.prediction.model_text import from_json, to_json
from success.prediction.profile import profile_of
from success.prediction.ranking import cuts, tenth
from success.prediction.table import FeatureTable, Row
from tests.success.builders import EXAMPLES
from tests.success.drawn_rows import COLUMNS, drawn, flagged

TRAINED = fit(drawn(400, 1))


def later(count: int, seed: int, base: float = -1.0) -> FeatureTable:
    """Return accounts of a period after training."""
    return drawn(count, seed, base, period=1)


def test_time_that_was_trained_on_calibrates_nothing() -> None:
    """Held-out rows that are not all after training are a mistake."""
    with pytest.raises(ValueError, match="period 0 is not after training, which ended with 0"):
        calibrate(TRAINED, drawn(400, 2))


def test_below_a_hundred_events_accounts_are_ranked() -> None:
    """With 99 events on held-out time there is a rank and no probability; with 100 there are both."""
    rows = later(2000, 3).rows
    churned, stayed = ([row for row in rows if row.event is event] for event in (True, False))
    few = calibrate(TRAINED, FeatureTable(COLUMNS, (*churned[:99], *stayed)))
    enough = calibrate(TRAINED, FeatureTable(COLUMNS, (*churned[:100], *stayed)))
    values = rows[0].values
    assert few.calibration is None
    assert few.probability(values) is None
    assert few.rank(values) == enough.rank(values) is not None
    assert enough.probability(values) is not None
    assert from_json(to_json(enough)) == enough


def test_a_base_rate_that_moved_is_mended() -> None:
    """Where churn is rarer than in training, probabilities come down to the rate that was met."""
    rarer = later(3000, 4, base=-2.5)
    found = calibrate(TRAINED, rarer)
    said = [found.probability(row.values) or 0 for row in rarer.rows]
    met = 1000 * rarer.events / len(rarer.rows)
    before = 1000 * sum(TRAINED.raw_probability(row.values) for row in rarer.rows) / len(rarer.rows)
    assert sum(said) / len(said) == pytest.approx(met, abs=2)
    assert before > met + 50


def test_a_backtest_judges_the_probabilities_a_model_tells() -> None:
    """Row by row, by account: the log-odds are those of the thousandths people read."""
    found, rows = calibrate(TRAINED, later(3000, 4, base=-2.5)), by_account(drawn(50, 9, period=24_000))
    chances = 1 / (1 + np.exp(-log_odds_of(found, rows)))
    assert list(chances * 1000) == pytest.approx(
        [found.probability(row.values) for row in rows.rows], abs=0.6
    )
    table = facts_of(rows)
    assert table.labels.tolist() == [row.event for row in rows.rows]
    assert table.column("use").values.tolist() == [float(Fraction(row.values[0] or 0)) for row in rows.rows]


def test_an_order_that_does_not_hold_is_not_calibrated() -> None:
    """Where held-out accounts churned the other way round, no map is made of it."""
    turned = tuple(replace(row, event=not row.event) for row in later(1000, 5).rows)
    assert calibrate(TRAINED, FeatureTable(COLUMNS, turned)).calibration is None


@EXAMPLES
@given(
    st.integers(1, 5_000_000), st.integers(-5_000_000, 5_000_000), st.lists(st.integers(-9, 9), min_size=2)
)
def test_calibration_never_turns_an_order(slope: int, shift: int, uses: list[int]) -> None:
    """The higher the score the higher the probability, or the same when rounded."""
    model = replace(TRAINED, calibration=Calibration(slope, shift, 100, 200, 1, 2))
    rest = [Fraction(0)] * 5
    pairs = sorted((model.score([use, *rest]), model.probability([use, *rest]) or 0) for use in uses)
    assert [chance for _, chance in pairs] == sorted(chance for _, chance in pairs)


def test_ranks_are_tenths_of_training() -> None:
    """Of the scores 0 to 99 those below 10 are the first tenth, from 90 on the last; nine make no tenths."""
    borders = cuts(range(100))
    assert borders == (10, 20, 30, 40, 50, 60, 70, 80, 90)
    assert [tenth(score, borders) for score in (-5, 9, 10, 89, 90, 500)] == [1, 1, 2, 9, 10, 10]
    assert tenth(1, cuts(range(9))) is None


def test_auc_counts_pairs() -> None:
    """Of four pairs three are in order and one is tied: 3.5 of 4."""
    assert exact_auc([True, False, True, False], [3, 1, 2, 2]) == 875
    assert exact_auc([True, True], [1, 2]) is None


def test_the_stability_index_by_hand() -> None:
    """Counts (4, 4) become (8, 0): (8.5/9 - 4.5/9) ln(8.5/4.5) + (0.5/9 - 4.5/9) ln(0.5/4.5) = 1.259206."""
    assert psi((4, 4), (8, 0)) == pytest.approx(1.259206, abs=1e-6)
    assert psi((4, 4), (4, 4)) == 0


def test_chance_moves_small_portfolios() -> None:
    """Ten parts of 50 accounts against 1,000 reach 16.92 (1/1000 + 1/50) once in twenty.

    Parts nobody is in do not count, and without accounts nothing is said.
    """
    bound = psi_by_chance([100] * 10 + [0], [5] * 10 + [0])
    assert bound == pytest.approx(16.92 * (1 / 1000 + 1 / 50), rel=0.005)
    assert math.isinf(psi_by_chance([5, 5], [0, 0]))


def test_the_interval_of_a_rate() -> None:
    """Ten of a hundred: 5.52 % to 17.44 % (Wilson)."""
    assert wilson(10, 100) == pytest.approx((0.0552, 0.1744), abs=1e-4)


def test_unknown_is_a_part_of_its_own() -> None:
    """Values are counted between the tenths of training, words by word; the unknown stand last."""
    numbers = profile_of([*range(10), None])
    assert numbers.edges == (1, 2, 3, 4, 5, 6, 7, 8, 9)
    assert numbers.counts == (1,) * 10 + (1,)
    assert numbers.count([None, None, 100]) == (0,) * 9 + (1, 2)
    words = profile_of(["small", "large", "huge"], ["large", "small"])
    assert words.counts == (1, 1, 1, 0)


def test_the_same_world_raises_no_alarm() -> None:
    """Accounts and churn drawn from the same rule are taken for what they are."""
    found = drift(TRAINED, later(400, 6), later(400, 7))
    assert found.alarms == ()
    assert found.rate is not None
    assert found.order is not None
    assert found.order.since is not None
    assert {one.feature for one in found.shifts} == set(TRAINED.names)


def test_a_feature_that_moved_is_named() -> None:
    """Use that fell by two spreads for everybody is an alarm of that feature and of no other."""
    rows = tuple(
        replace(row, values=((row.values[0] or 0) - 2, *row.values[1:]))  # type: ignore[operator]
        for row in later(400, 8).rows
    )
    found = drift(TRAINED, FeatureTable(COLUMNS, rows), FeatureTable(COLUMNS, ()))
    assert [one.feature for one in found.shifts if one.alarm] == ["use"]
    assert found.alarms[0].startswith("use is spread otherwise than in training (PSI ")
    assert found.rate is None


def test_a_handful_of_accounts_shifts_nothing() -> None:
    """Of twelve accounts some feature has a large index by chance, and that is no alarm."""
    found = drift(TRAINED, later(12, 8), FeatureTable(COLUMNS, ()))
    assert max(one.psi for one in found.shifts) > 250
    assert found.alarms == ()


def test_a_rate_that_moved_is_told() -> None:
    """30 of 400 where training had 30 of 100: a rate of 7.5 % against 30.0 %.

    4 of 10 is a third more, but may be chance; 2,550 of 10,000 is none, but less than a quarter off.
    """
    model, since = fit(flagged(30, 100)), flagged(30, 400)
    rate = drift(model, since, since).rate
    assert rate is not None
    assert (rate.trained, rate.since, rate.alarm) == (300, 75, True)
    for events, rows in ((4, 10), (2550, 10_000)):
        same = drift(model, since, flagged(events, rows)).rate
        assert same is not None
        assert not same.alarm


def test_an_order_lost_is_told() -> None:
    """Churn that no longer follows the features is an alarm from 20 events on, below that nothing is said."""
    rows = later(200, 9).rows
    blind = tuple(replace(row, event=number % 4 == 0) for number, row in enumerate(rows))
    order = drift(TRAINED, FeatureTable(COLUMNS, ()), FeatureTable(COLUMNS, blind)).order
    assert order is not None
    assert order.alarm
    few = tuple(Row(row.account, 1, row.values, event=number < 19) for number, row in enumerate(rows))
    unsaid = drift(TRAINED, FeatureTable(COLUMNS, ()), FeatureTable(COLUMNS, few)).order
    assert unsaid is not None
    assert (unsaid.since, unsaid.alarm) == (None, False)


def test_the_model_keeps_how_well_it_orders_training() -> None:
    """A model that knows the rule has an AUC near one's best; the expert's of no weights is a half."""
    assert TRAINED.trained.auc is not None
    assert TRAINED.trained.auc > 800
    nothing: Model = fit(flagged(5, 100))
    assert nothing.trained.auc == 500
