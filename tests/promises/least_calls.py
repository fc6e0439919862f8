"""The fewest calls a first run can take, from the sandbox's rows and the vendors' limits only.

It imports nothing of the product. Limits (vendor pages):
- HubSpot list: 100 rows a page with the links in the answer, and the only read of everything that
  lags behind nothing ("Objects"); links written 2,000 a call ("Associate records"); batches of
  100 records ("Objects"), and an upsert, the only write that may be repeated, takes no links.
- Salesforce: 2,000 rows a query page (REST guide, Query); 200 records a collection, five
  collections in a composite that counts as one call (REST guide, Composite). Links are fields.

``python least_calls.py HOME`` prints made and least for a demo's home.
"""

from __future__ import annotations

import json
import math
import sys
from dataclasses import dataclass
from pathlib import Path

# What is read, with the number of other objects each record's links lead to.
READ = {
    "hubspot": {"companies": 0, "deals": 1, "line_items": 1, "tickets": 1},
    "salesforce": {"Account": 0, "Opportunity": 0, "OpportunityLineItem": 0, "Case": 0, "User": 0},
}
# What is written besides the deals made, with the links of each; accounts get fields, so all rows.
WRITTEN = {
    "hubspot": {
        "companies": 0,
        "cs_profile": 1,
        "cs_plan": 1,
        "cs_milestone": 2,
        "deals": 1,
        "cs_snapshot": 0,
    },
    "salesforce": {
        "Account": 0,
        "CS_Profile__c": 0,
        "CS_Plan__c": 0,
        "CS_Milestone__c": 0,
        "Opportunity": 0,
        "CS_Snapshot__c": 0,
    },
}


OWNER_LISTS = 2  # HubSpot's owners, live and archived (page "Owners")


@dataclass(frozen=True)
class Calls:
    """Calls made by the first run, and the fewest it could have made."""

    made: int
    least: int


def calls(home: Path, vendor: str, *, on_deal: bool) -> Calls:
    """Return the calls of a run. ``on_deal``: contracts stand on deals, so no line items are read."""
    kept = json.loads((home / f"requests-{vendor}.json").read_text())
    counts = json.loads((home / f"counts-{vendor}.json").read_text())
    made = [one for one in kept["requests"] if one["seq"] > kept["installed_at"] and one["object"] != "oauth"]
    read = {
        name: (counts["loaded"][name], links)
        for name, links in READ[vendor].items()
        if not (on_deal and name in ("line_items", "OpportunityLineItem"))
    }
    written = {name: (_written(counts, name), links) for name, links in WRITTEN[vendor].items()}
    count = _hubspot if vendor == "hubspot" else _salesforce
    return Calls(len(made), count(read, written))


def _written(counts: dict[str, dict[str, int]], name: str) -> int:
    after, before = counts["after_first_run"], counts["loaded"]
    if name in ("companies", "Account"):
        return after[name]
    rows = [count for held, count in after.items() if held == name or held.endswith(f"_{name}")]
    return sum(rows) - before.get(name, 0)


def _hubspot(read: dict[str, tuple[int, int]], written: dict[str, tuple[int, int]]) -> int:
    total = OWNER_LISTS + sum(_pages(rows, 100) for rows, _ in read.values())
    for rows, links in written.values():
        total += _pages(rows, 100) + links * _pages(rows, 2_000)
    return total


def _salesforce(read: dict[str, tuple[int, int]], written: dict[str, tuple[int, int]]) -> int:
    return sum(_pages(rows, 2_000) for rows, _ in read.values()) + sum(
        _pages(rows, 5 * 200) for rows, _ in written.values()
    )


def _pages(rows: int, size: int) -> int:
    return math.ceil(rows / size)


if __name__ == "__main__":
    for one in ("hubspot", "salesforce"):
        home = Path(sys.argv[1])
        on_deal = json.loads((home / "portfolio" / "portfolio.json").read_text())["contract_home"] == "deal"
        sys.stdout.write(f"{one}: {calls(home, one, on_deal=on_deal)}\n")
