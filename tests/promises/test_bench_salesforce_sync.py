"""The Salesforce benchmark says what its own sandbox saw, and the call budget holds at a small size too."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# By hand, for 1,800 accounts, 2,500 opportunities and a line under each first one; every account became a
# customer four months ago, so each has a plan of four milestones, and no renewal is due in 90 days.
READ = 1 + 2 + 1  # accounts, opportunities, lines, 2,000 a page; there are no cases
WRITTEN = 2 + 2 + 2  # accounts, profiles, plans, 1,000 a call
JOB = 5  # 7,200 milestones: create, upload, close, one look, one result file
# Cases are asked for though there are none, and the sandbox's jobs end at the second look.
OURS = READ + 1 + WRITTEN + JOB + 1


@pytest.mark.slow
def test_a_sync_stays_within_its_call_budget(tmp_path: Path) -> None:
    """A first run takes the cheaper road for each object; without changes nothing is written."""
    command = [sys.executable, "-m", "app", "bench", "salesforce-sync", "--no-memory", "--json"]
    done = subprocess.run(
        [*command, "--accounts", "1800", "--deals", "2500", "--changed", "0.01"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    first, changed = found["first"], found["changed"]
    assert (first["least"], first["calls"]) == (READ + WRITTEN + JOB, OURS) == (15, 17)
    assert first["records"] == 1_800 + 2_500 + 1_800
    assert found["unchanged"]["writes"] == 0
    assert changed["written"] >= 18  # at least the profile of each account renamed
    assert changed["calls"] <= changed["least"] + 10
    assert set(found) == {"first", "unchanged", "changed", "memory_ratio", "rate"}
