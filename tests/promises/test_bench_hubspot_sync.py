"""The HubSpot benchmark says what its own sandbox saw, and the call budget holds at a small size too."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# By hand, for 300 companies, 480 deals and a line under each first deal; every company became a
# customer four months ago, so each has a plan of four milestones, and no renewal is due in 90 days.
LISTED = 3 + 5 + 3  # companies, deals, lines; there are no tickets
WRITTEN = 3 + 3 + 3 + 12 + 1  # companies, profiles, plans, milestones, snapshots (which have no links)
OWNERS = 2  # those live and those archived, a page each
LINKED = 1 + 1 + 2  # profiles and plans under the company, milestones under company and plan
RENAMED = 9  # three in a hundred; 14 deals get another amount, which changes nothing of ours
READ_AGAIN = 1 + 1  # a batch of companies, one of deals
PAST = 6 + 10 + 6  # fifty a call: companies, deals, lines
OPENED = 0  # renewals of ours, which are deals too


@pytest.mark.whole
def test_a_sync_stays_within_its_call_budget(tmp_path: Path) -> None:
    """A first run is within a tenth of the least; without changes nothing is written, in a few calls."""
    command = [sys.executable, "-m", "app", "bench", "hubspot-sync", "--memory", "--no-rate", "--json"]
    done = subprocess.run(
        [*command, "--companies", "300", "--deals", "480"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    first, changed = found["first"], found["changed"]
    assert first["least"] == LISTED + OWNERS + WRITTEN + LINKED == 39
    assert first["least"] <= first["calls"] <= 1.1 * first["least"]
    assert first["records"] == 300 + 480 + 300
    assert found["unchanged"]["writes"] == 0
    assert changed["written"] == 2 * RENAMED  # the name on its profile and in its plan, and nothing else
    assert changed["least"] == READ_AGAIN + 2 == 4  # and a batch of profiles, one of plans
    assert changed["calls"] <= changed["least"] + 10
    assert found["history"] == {"calls": PAST, "least": PAST, "records": 300 + 480 + OPENED + 300}
    assert found["memory_ratio"] <= 1.3  # a first load of 3,000 companies beside one of 300
