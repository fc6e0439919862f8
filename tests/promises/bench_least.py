"""The fewest calls of a benchmark's runs, counted again from what it kept: rows, and the log of requests.

It imports nothing of the product. Salesforce (REST API guide, "Query", "Upsert Records Using sObject
Collections", "Composite"; Bulk API 2.0 guide): 2,000 rows a query page; 200 rows a collection, five of them a
composite, which counts as one call; or a job of five calls: create, upload, close, one look, one result file.

``python bench_least.py HOME`` prints made and least for the home of ``colonnade bench salesforce-sync``.
"""

from __future__ import annotations

import json
import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

READ = ("Account", "Opportunity", "OpportunityLineItem", "Case", "User")
OWN = ("CS_Profile__c", "CS_Plan__c", "CS_Milestone__c", "CS_Snapshot__c")
PAGE, CALL, JOB = 2_000, 5 * 200, 5


@dataclass(frozen=True)
class Calls:
    """Calls made by a run, the fewest it could have made, and the records it wrote."""

    made: int
    least: int
    written: int


def first(home: Path) -> Calls:
    """Return the calls of a first run: it reads every row, makes what came, points every account to it."""
    kept = _kept(home, "first")
    before, after = kept["before"], kept["after"]
    read = sum(math.ceil(before[name] / PAGE) for name in READ)
    rows = [after[name] - before.get(name, 0) for name in (*OWN, "Opportunity")] + [after["Account"]]
    return Calls(len(kept["calls"]), read + sum(_to_write(count) for count in rows), sum(rows))


def changed(home: Path) -> Calls:
    """Return the calls of a run after changes: what changed is read, what was written had to be."""
    kept = _kept(home, "changed")
    rows: dict[str, set[str]] = {}
    for call in kept["calls"]:
        rows.setdefault(call["object"], set()).update(call["written"])
    read = math.ceil(kept["accounts"] / PAGE) + math.ceil(kept["deals"] / PAGE)
    counts = [len(ids) for ids in rows.values() if ids]
    return Calls(len(kept["calls"]), read + sum(_to_write(count) for count in counts), sum(counts))


def _to_write(rows: int) -> int:
    return min(math.ceil(rows / CALL), JOB) if rows else 0


def _kept(home: Path, name: str) -> Any:
    return json.loads((home / "sync" / f"kept-{name}.json").read_text("utf-8"))


if __name__ == "__main__":
    place = Path(sys.argv[1])
    sys.stdout.write(f"first: {first(place)}\nchanged: {changed(place)}\n")
