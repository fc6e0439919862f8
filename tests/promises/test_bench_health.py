"""The health benchmark: what it says it did is what the rules for one account come to, on both databases."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine, inspect

from success.columns.criteria import nothing_held
from success.columns.frame import Frame
from success.explain import explain
from success.facts import Account, AccountFacts
from success.health import HealthResult, score
from sync.bench.health import recompute, run
from sync.bench.health_facts import Portfolio, read, tables, write_standings, write_values
from sync.bench.health_made_up import accounts, next_day
from sync.bench.health_rules import SCORECARD, SEGMENTS, STAGES
from sync.state.errors import StateError

ROOT = Path(__file__).resolve().parents[2]
TODAY = date(2026, 6, 30)
YESTERDAY = TODAY - timedelta(days=1)
ACCOUNTS = 250


def one_by_one(frame: Frame, day: date) -> list[HealthResult]:
    """Return every account's health by the rules for one account."""
    facts = [AccountFacts(Account(name, name, day), name) for name in frame.accounts]
    return [score(one, SCORECARD, frame.book(row), day) for row, one in enumerate(facts)]


def explained(results: list[HealthResult], bands: list[str]) -> list[str]:
    """Return every account's sentences, with the bands that stand."""
    return [explain(replace(result, band=band)) for result, band in zip(results, bands, strict=True)]


def stored(engine: Engine) -> tuple[Frame, Portfolio]:
    """Write a small portfolio of two days; return yesterday's measures and what stood after that day."""
    before = accounts(ACCOUNTS, YESTERDAY, seed=3)
    nobody = nothing_held(ACCOUNTS)
    nothing = Portfolio(before, nobody, nobody, nobody, np.zeros(ACCOUNTS, np.int64))
    stood = recompute(nothing, YESTERDAY, render=False).portfolio
    write_values(engine, before, YESTERDAY)
    write_standings(engine, before.accounts, stood)
    write_values(engine, next_day(before, 0.1, seed=4), TODAY)
    return before, stood


def test_a_recompute_from_the_database_is_that_of_each_account(engine: Engine) -> None:
    """Health, and who is told anew: everybody whose words changed, and by far not everybody."""
    with tables(engine):
        before, stood = stored(engine)
        found = read(engine, TODAY)
        assert read(engine, YESTERDAY).frame.book(7) == before.book(7)
    assert found.frame.accounts == before.accounts
    assert found.segments.value.tolist() == stood.segments.value.tolist()
    assert found.stages.since.tolist() == stood.stages.since.tolist()
    assert found.bands.value.tolist() == stood.bands.value.tolist()
    made = recompute(found, TODAY)
    health = one_by_one(found.frame, TODAY)
    assert [made.health.result(row) for row in range(ACCOUNTS)] == health
    keys = [band.key for band in SCORECARD.bands] + ["unknown"]
    was = explained(one_by_one(before, YESTERDAY), [keys[at] for at in found.bands.value])
    now = explained(health, [keys[at] for at in made.portfolio.bands.value])
    changed = {row for row, (old, new) in enumerate(zip(was, now, strict=True)) if old != new}
    assert 10 < len(changed) < ACCOUNTS // 2
    assert changed <= set(made.explained)
    assert len(made.explained) < ACCOUNTS // 2
    assert all(text == now[row] for row, text in made.explained.items())
    assert not inspect(engine).has_table("bench_standings")


def test_a_segment_waits_for_its_hold() -> None:
    """An enterprise account at 70,000 is asked to be mid, and stays for the days of the hold."""
    frame = accounts(2, TODAY, seed=1)
    arr = frame.measures["arr"]
    frame.measures["seats"].numerator[:] = 50
    arr.numerator[:], arr.denominator[:] = (70_000, 90_000), 1
    held = nothing_held(2)
    held.value[:], held.since[:] = 0, YESTERDAY.toordinal()
    made = recompute(Portfolio(frame, held, nothing_held(2), nothing_held(2), np.zeros(2, np.int64)), TODAY)
    assert made.portfolio.segments.value.tolist() == [0, 0]
    assert made.portfolio.segments.waiting.tolist() == [1, -1]


@pytest.mark.whole
def test_the_command_says_what_it_measured(tmp_path: Path) -> None:
    """Seconds and ratios stand beside counts that add up, and no account of the sample differs."""
    command = [sys.executable, "-m", "app", "bench", "health", "--accounts", "400", "--rounds", "1", "--json"]
    done = subprocess.run(
        [*command, "--sample", "60"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert {"ours_s", "pandas_s", "read_s", "ours_over_read", "ours_over_pandas"} <= set(found)
    assert (found["accounts"], found["measures"], found["alone"]) == (400, 12, 0)
    assert (found["compared"], found["differing"]) == (60, 0)
    assert sum(found["bands"].values()) == 400
    assert set(found["bands"]) == {"red", "yellow", "green", "unknown"}
    assert [*found["segments"]] == sorted(one.key for one in SEGMENTS)
    assert [*found["stages"]] == sorted(one.key for one in STAGES)
    assert sum(found["segments"].values()) == sum(found["stages"].values()) == 400
    assert found["machine"]["database"].startswith("sqlite 3")
    assert set(found["processor_s"]) == {"ours", "pandas", "read"}
    assert not list(tmp_path.iterdir())


def test_what_another_run_left_is_not_touched(engine: Engine) -> None:
    """Tables of the same names in the database given are refused by name, and stay."""
    url = engine.url.render_as_string(hide_password=False)
    with tables(engine):
        with pytest.raises(StateError, match="already has bench_measure_values, bench_standings"):
            run(url, 10, 0.1, 1, 7, 5, lambda _: None)
        assert inspect(engine).has_table("bench_standings")
