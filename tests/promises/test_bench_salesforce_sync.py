"""The Salesforce benchmark says what its own sandbox saw, and the call budget holds at a small size too."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# By hand, for 300 accounts, 480 opportunities and a line under each first one; every account became a
# customer four months ago, so each has a plan of four milestones, and no renewal is due in 90 days.
READ = 1 + 1 + 1 + 1  # accounts, opportunities, lines, users, 2,000 a page; there are no cases
WRITTEN = 1 + 1 + 1 + 2  # accounts, profiles, plans and 1,200 milestones, 1,000 a call


@pytest.mark.slow
def test_a_sync_stays_within_its_call_budget(tmp_path: Path) -> None:
    """A first run makes the least calls and asks once for cases; without changes nothing is written."""
    command = [sys.executable, "-m", "app", "bench", "salesforce-sync", "--no-memory", "--json"]
    done = subprocess.run(
        [*command, "--accounts", "300", "--deals", "480"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    first, changed = found["first"], found["changed"]
    assert first["least"] == READ + WRITTEN == 9
    assert first["calls"] == first["least"] + 1
    assert first["records"] == 300 + 480 + 300 + 1  # the one user
    assert found["unchanged"]["writes"] == 0
    assert changed["written"] >= 9  # at least the profile of each account renamed
    assert changed["calls"] <= changed["least"] + 10
    assert set(found) == {"first", "unchanged", "changed", "memory_ratio", "rate"}
