"""``colonnade bench hubspot-sync``: a portal read, decided about and written; again; and after changes.

Calls come from the sandbox's request log, the least possible from its rows: list pages of a
hundred, the two lists of owners, batch reads of a hundred changed, writes of a hundred, links of two
thousand (HubSpot pages "Objects", "Owners" and "Associate records"). Neighbours: ``runs``, ``stage``,
``first_load``.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from itertools import islice
from pathlib import Path
from typing import Any, Final

from integration.budget import Lane, calling_in
from integration.hubspot.connector import GENERAL_CALLS_PER_10_S, HISTORY_ROWS
from integration.port import ReadQuery
from sync.bench.book import Size
from sync.bench.runs import Changed, Edits, First, Say, Unchanged, calls_for, first_run, later_runs
from sync.bench.stage import HUBSPOT, Stage, stage
from sync.demo.children import ROOT
from sync.history import read_history
from sync.least_calls import HUBSPOT_OWNER_LISTS

READ: Final = ("companies", "deals", "line_items", "tickets")
LISTED = READ_BATCH = WRITTEN = 100
LINKED: Final = 2_000
PAST: Final = ("companies", "deals", "line_items")
OWN_LINKS: Final[Mapping[str, int]] = {"cs_profile": 1, "cs_plan": 1, "cs_milestone": 2, "cs_snapshot": 0}
"""How many kinds of parents each object of ours hangs under."""

RATE_SECONDS: Final = 32.0
RATE_THREADS: Final = 4
RATE_WINDOW_S: Final = 10.0
LARGER: Final = 10


@dataclass(frozen=True, slots=True)
class Rate:
    """Calls at full speed, of those the portal allows in the same time; and how many it refused (429)."""

    used_share: float
    throttled: int


@dataclass(frozen=True, slots=True)
class History:
    """The past of companies, deals and lines read once, apart from the runs."""

    calls: int
    least: int
    records: int


@dataclass(frozen=True, slots=True)
class HubSpotSync:
    """The whole benchmark. ``memory_ratio``: a first load's peak at ten times the size over this size."""

    first: First
    unchanged: Unchanged
    changed: Changed
    history: History
    memory_ratio: float | None
    rate: Rate | None


def run(
    home: Path, size: Size, changed_share: float, *, memory: bool, full_speed: bool, say: Say
) -> HubSpotSync:
    """Return the figures of one run over a portfolio of ``size``; takes minutes, says how far it is."""
    say(f"loading {size.accounts} companies and {size.deals} deals into the sandbox")
    with stage(home / "sync", HUBSPOT, size) as found:
        found.install()
        first = first_run(found, LIMITS, say)
        unchanged, changed = later_runs(found, size, changed_share, LIMITS, say)
        history = _history(found, say)
        rate = _rate(found, say) if full_speed else None
    ratio = _memory_ratio(home, size, say) if memory else None
    return HubSpotSync(first, unchanged, changed, history, ratio, rate)


class HubSpotLimits:
    """HubSpot's page and batch sizes, as ``runs.Limits`` (pages "Objects" and "Associate records")."""

    edits = Edits("companies", "name", "deals", "amount")

    def least_first(self, before: Mapping[str, int], after: Mapping[str, int]) -> int:
        """List what there was and the owners; make what is new with its links, write every company once."""
        total = sum(calls_for(before[name], LISTED) for name in READ) + HUBSPOT_OWNER_LISTS
        total += calls_for(after["companies"], WRITTEN)
        for held, rows in after.items():
            made = rows - before.get(held, 0)
            plain = held[held.index("cs_") :] if "cs_" in held else held
            links = OWN_LINKS.get(plain, 1 if held == "deals" else 0)
            if made > 0 and (plain in OWN_LINKS or held == "deals"):
                total += calls_for(made, WRITTEN) + links * calls_for(made, LINKED)
        return total

    def least_changed(self, accounts: int, deals: int, written: Mapping[str, int]) -> int:
        """Read what changed in batches, write what differs in batches."""
        read = calls_for(accounts, READ_BATCH) + calls_for(deals, READ_BATCH)
        return read + sum(calls_for(rows, WRITTEN) for rows in written.values())


LIMITS: Final = HubSpotLimits()


def _history(found: Stage, say: Say) -> History:
    say("the past of every record")
    before, held = found.control.last_request(), found.control.counts()
    records = read_history(found.ws).records
    least = sum(calls_for(held[name], HISTORY_ROWS) for name in PAST)
    return History(len(found.calls(before)), least, records)


def _rate(found: Stage, say: Say) -> Rate:
    """List pages from several threads at once for three windows, and count by the sandbox's clock."""
    say(f"full speed for {RATE_SECONDS:.0f} s")
    before, ends = found.control.last_request(), time.monotonic() + RATE_SECONDS
    port = found.ws.port

    def work(_number: int) -> None:
        with calling_in(Lane.BACKFILL):
            while time.monotonic() < ends:
                for _ in islice(port.iter_pages(ReadQuery("companies", ("name",))), 5):
                    if time.monotonic() > ends:
                        return

    with ThreadPoolExecutor(RATE_THREADS) as pool:
        list(pool.map(work, range(RATE_THREADS)))
    made = found.calls(before)
    throttled = sum(one["status"] == HTTPStatus.TOO_MANY_REQUESTS for one in found.calls(0))
    return Rate(_used_share(made), throttled)


def _used_share(made: list[dict[str, Any]]) -> float:
    """Return the calls of whole windows after the first, of those the portal allows in them."""
    walls = [float(one["wall"]) for one in made]
    start = walls[0] + RATE_WINDOW_S
    windows = int((walls[-1] - start) // RATE_WINDOW_S)
    inside = sum(start <= one < start + windows * RATE_WINDOW_S for one in walls)
    return round(inside / (windows * GENERAL_CALLS_PER_10_S), 3)


def _memory_ratio(home: Path, size: Size, say: Say) -> float:
    small = _peak_kb(home / "memory-1", size, say)
    return round(
        _peak_kb(home / "memory-10", Size(size.accounts * LARGER, size.deals * LARGER), say) / small, 3
    )


def _peak_kb(home: Path, size: Size, say: Say) -> int:
    say(f"peak memory of a first load of {size.accounts} companies")
    command = [sys.executable, "-m", "sync.bench.first_load", str(home), str(size.accounts), str(size.deals)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    if done.returncode != 0:
        raise RuntimeError(f"the load of {size.accounts} companies failed: {done.stderr[-2000:]}")
    return int(json.loads(done.stdout.splitlines()[-1])["peak_kb"])
