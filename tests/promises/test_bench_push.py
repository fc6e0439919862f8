"""The rows of the push benchmark are the same for everybody, and the hash skip it grants is an honest one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sync.bench.push_rows import DUE_ON, HUBSPOT, SALESFORCE, TITLE, Job, Skip, read_job, values, write_job

VENDORS = pytest.mark.parametrize("vendor", [HUBSPOT, SALESFORCE])


def job(home: Path, vendor: str = HUBSPOT) -> Job:
    """Return a job of a hundred rows of which three change."""
    return Job(vendor, "http://127.0.0.1:1", "cs_milestone", 100, 3, 0, str(home))


@VENDORS
def test_between_rounds_the_share_changes_that_was_asked_for(tmp_path: Path, vendor: str) -> None:
    """Three of a hundred rows, by their name only."""
    first = job(tmp_path, vendor)
    second = replace(first, round=1)
    changed = [n for n in range(first.rows) if values(first, n) != values(second, n)]
    assert changed == [0, 1, 2]
    assert values(first, 0)[DUE_ON[vendor]] == values(second, 0)[DUE_ON[vendor]]


@VENDORS
def test_a_client_with_hashes_sends_what_changed_and_no_more(tmp_path: Path, vendor: str) -> None:
    """All at first; then what differs from what was last kept, and nothing once that is kept."""
    Skip(job(tmp_path, vendor)).keep()
    again = replace(job(tmp_path, vendor), round=1, hash_skip=True)
    assert Skip(replace(again, hash_skip=False)).changed() == list(range(100))
    skip = Skip(again)
    assert skip.changed() == [0, 1, 2]
    skip.keep()
    assert Skip(again).changed() == []


def test_refused_rows_have_what_the_vendor_refuses(tmp_path: Path) -> None:
    """HubSpot a day that is none; Salesforce a name above its 80 characters."""
    told = replace(job(tmp_path), refused=(5,))
    assert values(told, 5)[DUE_ON[HUBSPOT]] == "no day"
    assert len(values(replace(told, vendor=SALESFORCE), 5)[TITLE[SALESFORCE]]) > 80
    assert len(values(replace(told, vendor=SALESFORCE), 6)[TITLE[SALESFORCE]]) <= 80


def test_a_job_reaches_its_process_as_it_was_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers, flags and the refused rows."""
    told = replace(job(tmp_path), hash_skip=True, refused=(1, 2))
    write_job(told, tmp_path / "job.json")
    monkeypatch.setattr("sys.argv", ["", str(tmp_path / "job.json")])
    assert read_job() == told
