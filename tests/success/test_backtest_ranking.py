"""The measures of a backtest, each against a count by hand or the plainest way to compute it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from success.backtest.calibration import calibrate, straight_line
from success.backtest.ranking import (
    AccountBootstrap,
    auc,
    auc_within,
    average_precision,
    middle,
    top_tenth,
    weighted_auc,
)

ROWS = st.lists(
    st.tuples(st.booleans(), st.integers(0, 4), st.integers(0, 3), st.integers(1, 3)), min_size=2, max_size=14
)


def plain_auc(rows: list[tuple[bool, float]]) -> float | None:
    """Count pairs one by one."""
    events, others = [r for hit, r in rows if hit], [r for hit, r in rows if not hit]
    if not events or not others:
        return None
    won = sum((one > other) + 0.5 * (one == other) for one in events for other in others)
    return won / len(events) / len(others)


@given(ROWS)
def test_the_area_is_the_share_of_pairs_won(rows):
    """An event above a non-event is a pair won, beside it half of one; weights are rows repeated."""
    hits, risks, strata, weights = (np.array(column) for column in zip(*rows, strict=True))
    expected = plain_auc([(hit, risk) for hit, risk, _, _ in rows])
    assert auc(hits, risks.astype(float)) == (None if expected is None else pytest.approx(expected))
    repeated = plain_auc([(hit, risk) for hit, risk, _, weight in rows for _ in range(weight)])
    found = weighted_auc(hits, risks.astype(float), weights.astype(float))
    assert found == (None if repeated is None else pytest.approx(repeated))
    within = auc_within(strata, hits, risks.astype(float))
    won = pairs = 0.0
    for one in set(strata.tolist()):
        part = [(hit, risk) for hit, risk, stratum, _ in rows if stratum == one]
        events = sum(hit for hit, _ in part)
        won += (plain_auc(part) or 0) * events * (len(part) - events)
        pairs += events * (len(part) - events)
    assert within == (None if not pairs else pytest.approx(won / pairs))


@given(ROWS, st.integers(0, 5))
def test_a_resample_is_whole_accounts_drawn_again(rows, seed):
    """Each resampled area is that of the rows of the drawn accounts, as often as they were drawn."""
    hits, risks, groups, _ = (np.array(column) for column in zip(*rows, strict=True))
    found = AccountBootstrap(hits, groups, 5, seed).areas(risks.astype(float))
    names = sorted(set(groups.tolist()))
    share = np.full(len(names), 1 / len(names))
    for area, counts in zip(
        found, np.random.default_rng(seed).multinomial(len(names), share, 5), strict=True
    ):
        times = dict(zip(names, counts, strict=True))
        drawn = [(hit, risk) for hit, risk, group, _ in rows for _ in range(times[group])]
        expected = plain_auc(drawn)
        assert math.isnan(area) if expected is None else area == pytest.approx(expected)


def test_average_precision_by_hand():
    """Hits at places 1 and 3 of four: (1/1 + 2/3) / 2; two tied at the top count together: 1/2."""
    assert average_precision(np.array([1, 0, 1, 0]) == 1, np.array([4.0, 3, 2, 1])) == pytest.approx(5 / 6)
    assert average_precision(np.array([1, 0]) == 1, np.array([1.0, 1.0])) == pytest.approx(1 / 2)


def test_lift_and_capture_of_the_top_tenth_by_hand():
    """Of 20 rows two are the top tenth; one of the four events is there: a quarter, 2.5 times the base."""
    hits = np.zeros(20, bool)
    hits[[0, 5, 6, 7]] = True
    top = top_tenth(hits, np.arange(20.0)[::-1])
    assert top is not None
    assert (top.capture, top.lift) == (pytest.approx(0.25), pytest.approx(2.5))


def test_a_constant_risk_captures_a_tenth():
    """Ties are shared: with one risk for all, the top tenth holds a tenth of the events."""
    top = top_tenth(np.arange(30) % 3 == 0, np.ones(30))
    assert top is not None
    assert top.capture == pytest.approx(0.1)


def test_slope_and_intercept_undo_a_known_bend():
    """Log-odds made twice as far and one too high are told: slope 1/2, intercept −1/2."""
    true = np.repeat(np.linspace(-2, 2, 9), 20_000)
    share = 1 / (1 + np.exp(-true))
    hits = np.tile((np.arange(20_000) + 0.5) / 20_000, 9) < share
    line = straight_line(hits, 2 * true + 1)
    assert line is not None
    assert line == (pytest.approx(-0.5, abs=1e-3), pytest.approx(0.5, abs=1e-3))


def test_losses_by_hand():
    """Two rows at log-odds 0: Brier 1/4, log-loss ln 2; the base rate of 1/5 does worse on one of two."""
    found = calibrate(np.array([True, False]), np.zeros(2), 0.2)
    assert found.brier == pytest.approx(0.25)
    assert found.brier_base == pytest.approx((0.64 + 0.04) / 2)
    assert found.log_loss == pytest.approx(math.log(2))
    assert found.log_loss_base == pytest.approx(-(math.log(0.2) + math.log(0.8)) / 2)
    assert found.slope is None


def test_no_value_has_no_bounds():
    """Where no resample held an event there is no interval."""
    assert middle(np.array([np.nan])) is None
