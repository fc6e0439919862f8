"""The Salesforce benchmark says what its own sandbox saw, and the call budget holds at a small size too."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.promises import bench_least
from tests.promises.bench_least import Calls

ROOT = Path(__file__).resolve().parents[2]

# By hand, for 300 accounts, 480 opportunities and a line under each first one; every account became a
# customer four months ago, so each has a plan of four milestones, and no renewal is due in 90 days.
READ = 1 + 1 + 1 + 1  # accounts, opportunities, lines, users, 2,000 a page; there are no cases
WRITTEN = 1 + 1 + 1 + 2 + 1  # accounts, profiles, plans and 1,200 milestones, 1,000 a call; snapshots
# Contracts began in March: that month, April and May as wholes; June, which runs, with its four bands.
SNAPSHOTS = 3 + 1 + 4
WROTE = 300 + 300 + 300 + 1_200 + SNAPSHOTS
RENAMED = 9  # three in a hundred; 14 opportunities get another amount, which changes nothing of ours
READ_AGAIN = 1 + 1  # a page of accounts, one of opportunities


@pytest.mark.whole
def test_a_sync_stays_within_its_call_budget(tmp_path: Path) -> None:
    """A first run makes the least calls and asks once for cases; without changes nothing is written.

    The least is counted again from the rows and the log the benchmark kept.
    """
    home = tmp_path / "bench"
    command = [sys.executable, "-m", "app", "bench", "salesforce-sync", "--json", "--home", str(home)]
    done = subprocess.run(
        [*command, "--accounts", "300", "--deals", "480", "--memory-rows", "8000", "24000"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    first, changed = found["first"], found["changed"]
    assert first["least"] == READ + WRITTEN == 10
    assert first["calls"] == first["least"] + 1
    assert first["records"] == 300 + 480 + 300 + 1  # the one user
    assert found["unchanged"]["writes"] == 0
    assert changed["written"] == 2 * RENAMED  # the name on its profile and in its plan, and nothing else
    assert changed["least"] == READ_AGAIN + 2 == 4  # and a call of profiles, one of plans
    assert changed["calls"] <= changed["least"] + 10
    assert found["memory_ratio"] <= 1.3  # 24,000 rows by Bulk beside 8,000
    assert set(found) == {"first", "unchanged", "changed", "memory_ratio", "rate"}
    assert bench_least.first(home) == Calls(first["calls"], first["least"], WROTE)
    again = bench_least.changed(home)
    assert again == Calls(changed["calls"], changed["least"], changed["written"])
