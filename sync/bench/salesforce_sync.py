"""``colonnade bench salesforce-sync``: an org read, decided about and written; again; and after changes.

Calls come from the sandbox's request log, the least possible from its rows: query pages of 2,000 (REST API
guide, "Query"), composite calls of five collections of 200 ("Upsert Records Using sObject Collections",
"Composite"), or a Bulk 2.0 job where that is less: create, upload, close, one look and one result file.
Neighbours: ``runs``, ``stage``; ``usage_load`` measures memory in a process of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sync.bench.book import Size
from sync.bench.runs import Changed, Edits, First, Say, Unchanged, calls_for, first_run, later_runs
from sync.bench.stage import SALESFORCE, stage
from sync.demo.children import ROOT

READ: Final = ("Account", "Opportunity", "OpportunityLineItem", "Case", "User")
PAGE_ROWS: Final = 2_000
CALL_ROWS: Final = 1_000
JOB_CALLS: Final = 5
OWN: Final = ("CS_Profile__c", "CS_Plan__c", "CS_Milestone__c", "CS_Snapshot__c")
MEMORY_ROWS: Final = (50_000, 500_000)
"""Rows pushed by Bulk whose peaks of memory are compared."""


@dataclass(frozen=True, slots=True)
class SalesforceSync:
    """The whole benchmark, with the keys of ``HubSpotSync``.

    ``memory_ratio``: the peak of pushing 500,000 rows by Bulk (or the more that was asked for) over that of
    50,000 (the fewer). ``rate`` is always ``None``: Salesforce counts calls by 24 hours, so there is no
    speed to reach.
    """

    first: First
    unchanged: Unchanged
    changed: Changed
    memory_ratio: float | None
    rate: None = None


def run(
    home: Path, size: Size, changed_share: float, *, memory: tuple[int, int] | None, say: Say
) -> SalesforceSync:
    """Return the figures of one run over a portfolio of ``size``; takes minutes, says how far it is.

    ``memory`` are two numbers of rows whose peaks are compared, the fewer first.
    """
    say(f"loading {size.accounts} accounts and {size.deals} opportunities into the sandbox")
    with stage(home / "sync", SALESFORCE, size) as found:
        found.install()
        first = first_run(found, LIMITS, say)
        unchanged, changed = later_runs(found, size, changed_share, LIMITS, say)
    return SalesforceSync(first, unchanged, changed, _memory_ratio(home, memory, say) if memory else None)


class SalesforceLimits:
    """Salesforce's page and batch sizes, as ``runs.Limits``; links are fields, so they cost nothing."""

    edits = Edits("Account", "Name", "Opportunity", "Amount")

    def least_first(self, before: Mapping[str, int], after: Mapping[str, int]) -> int:
        """Query what there was; make what is new, and point every account to its profile."""
        made = {name: after.get(name, 0) - before.get(name, 0) for name in (*OWN, "Opportunity")}
        read = sum(calls_for(before[name], PAGE_ROWS) for name in READ)
        return read + least_to_write({**made, "Account": after["Account"]})

    def least_changed(self, accounts: int, deals: int, written: Mapping[str, int]) -> int:
        """Query what changed, write what differs."""
        return calls_for(accounts, PAGE_ROWS) + calls_for(deals, PAGE_ROWS) + least_to_write(written)


def least_to_write(rows: Mapping[str, int]) -> int:
    """Return the fewest calls that write so many rows, by object."""
    return sum(min(calls_for(count, CALL_ROWS), JOB_CALLS) for count in rows.values())


LIMITS: Final = SalesforceLimits()


def _memory_ratio(home: Path, rows: tuple[int, int], say: Say) -> float:
    fewer, more = (_peak_kb(home / f"memory-{count}", count, say) for count in rows)
    return round(more / fewer, 3)


def _peak_kb(home: Path, rows: int, say: Say) -> int:
    say(f"peak memory of pushing {rows} rows by Bulk")
    command = [sys.executable, "-m", "sync.bench.usage_load", str(home), str(rows)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    if done.returncode != 0:
        raise RuntimeError(f"pushing {rows} rows failed: {done.stderr[-2000:]}")
    return int(json.loads(done.stdout.splitlines()[-1])["peak_kb"])
