"""The pull benchmark's counts at a small size: calls, deletions, an import's records, a load killed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# By hand, for 2,000 companies: twenty pages of a hundred; 60 renamed are one search; 60 deleted are more than
# halving finds in as few calls as the count and one page of the recycle bin take; 450 imported at one
# moment are three searches, and the census after them one count.
LISTED = 20
SEARCHED, COUNTED, BINNED = 1, 1, 1
IMPORTED = 3
READ_AHEAD = 6  # three pages being stored when the process dies, and three that have come


@pytest.mark.whole
def test_a_pull_asks_for_no_more_than_it_needs_and_misses_nothing(tmp_path: Path) -> None:
    """Loaded, changed, imported over, killed: every record and every deletion is seen, page by page."""
    command = [sys.executable, "-m", "app", "bench", "pull", "--no-peers", "--no-limits", "--json"]
    done = subprocess.run(
        [*command, "--companies", "2000", "--deleted", "60", "--ties", "450"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    ours, least = found["ours"], found["least"]
    assert (ours["first"]["calls"], ours["first"]["records"]) == (LISTED, 2000)
    assert (least["first"], found["floor"]["calls"]) == (LISTED, LISTED)

    changed, ties = ours["changed"]["again"], ours["ties"]["again"]
    assert (changed["changes_seen"], changed["deletes_seen"]) == (60, 60)
    assert (changed["calls"], least["changed"]) == (SEARCHED + COUNTED + BINNED, SEARCHED + BINNED)
    assert (ties["changes_seen"], ties["deletes_seen"]) == (450, 60)
    assert (ties["calls"], least["ties"]) == (IMPORTED + COUNTED, IMPORTED)

    restart = ours["restart"]
    assert restart["calls_again"] <= READ_AHEAD
    assert restart["calls"] == LISTED + restart["calls_again"]
    assert restart["records_again"] == 100 * restart["calls_again"]
