"""The least possible number of API calls for what a run read and wrote.

Counted from the sandbox's own rows and the vendors' page and batch sizes (HubSpot pages
"Objects", whose list carries the links, and "Associate records"; Salesforce REST guide: query pages, sObject
Collections, Composite), not from what we sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

HUBSPOT_PAGE_ROWS = 100
HUBSPOT_BATCH_ROWS = 100
HUBSPOT_LINKS_WRITTEN_ROWS = 2_000
HUBSPOT_OWNER_LISTS = 2
"""Live and archived owners are two lists (page "Owners"); both are read with whatever is read first."""

SALESFORCE_USER_PAGES = 1
"""The org's users are a query of their own, read with whatever is read first."""

SALESFORCE_PAGE_ROWS = 2_000
SALESFORCE_CALL_ROWS = 1_000


@dataclass(frozen=True, slots=True)
class Work:
    """What had to be done, by vendor object: rows read, rows written, links made per row."""

    read: Mapping[str, int]
    written: Mapping[str, int]
    links_made: Mapping[str, int]


def least_calls(vendor: str, work: Work) -> int:
    """Return the fewest calls that can read and write all of it."""
    return _hubspot(work) if vendor == "hubspot" else _salesforce(work)


def _hubspot(work: Work) -> int:
    reads = sum(_calls(rows, HUBSPOT_PAGE_ROWS) for rows in work.read.values())
    reads += HUBSPOT_OWNER_LISTS if work.read else 0
    writes = sum(_calls(rows, HUBSPOT_BATCH_ROWS) for rows in work.written.values())
    made = sum(
        kinds * _calls(work.written.get(name, 0), HUBSPOT_LINKS_WRITTEN_ROWS)
        for name, kinds in work.links_made.items()
    )
    return reads + writes + made


def _salesforce(work: Work) -> int:
    """Links are fields there: they cost nothing of their own."""
    reads = sum(_calls(rows, SALESFORCE_PAGE_ROWS) for rows in work.read.values())
    reads += SALESFORCE_USER_PAGES if work.read else 0
    return reads + sum(_calls(rows, SALESFORCE_CALL_ROWS) for rows in work.written.values())


def _calls(rows: int, per_call: int) -> int:
    return -(-rows // per_call)


def calls_to_write(vendor: str, rows: Mapping[str, int]) -> int:
    """Return the fewest calls that write so many rows by object, links left out."""
    return least_calls(vendor, Work(read={}, written=rows, links_made={}))
