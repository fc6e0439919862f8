"""Three runs of one installation: everything for the first time, nothing changed, a few records changed.

Calls come from the sandbox's request log. What the least possible is depends on the vendor and comes from
its ``Limits``, which counts by the sandbox's rows; both stay under the home, to be counted again.
Neighbours: ``hubspot_sync`` and ``salesforce_sync``.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from sync.bench.book import Size, account_ref, deal_ref
from sync.bench.stage import Stage

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class First:
    """A first run: everything read, decided about and written."""

    calls: int
    least: int
    records: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Unchanged:
    """A run after which nothing had changed: what it asked and the records it wrote."""

    calls: int
    writes: int


@dataclass(frozen=True, slots=True)
class Changed:
    """A run after some records changed."""

    calls: int
    least: int
    written: int


@dataclass(frozen=True, slots=True)
class Edits:
    """What a vendor calls accounts and deals, and the fields a person changes of them."""

    accounts: str
    account_name: str
    deals: str
    amount: str


class Limits(Protocol):
    """How few calls a vendor's page and batch sizes allow."""

    edits: Edits

    def least_first(self, before: Mapping[str, int], after: Mapping[str, int]) -> int:
        """Return the fewest calls that read the rows there were and write those that came, by object."""
        ...

    def least_changed(self, accounts: int, deals: int, written: Mapping[str, int]) -> int:
        """Return the fewest calls that read so many changed records and write those, by object."""
        ...


def first_run(found: Stage, limits: Limits, say: Say) -> First:
    """Read everything, decide and write."""
    say("first run: read everything, decide, write")
    before, held = found.control.last_request(), found.control.counts()
    begun = time.perf_counter()
    records = found.load()
    found.go_live()
    seconds = round(time.perf_counter() - begun, 1)
    calls, after = found.calls(before), found.control.counts()
    found.keep("first", {"before": held, "after": after, "calls": calls})
    return First(len(calls), limits.least_first(held, after), records, seconds)


def later_runs(found: Stage, size: Size, share: float, limits: Limits, say: Say) -> tuple[Unchanged, Changed]:
    """Run again with nothing changed, after a run that reads back what we wrote; and with a few changes."""
    found.later(hours=1)
    found.run_again()  # reads once what we wrote ourselves
    found.later(hours=1)
    unchanged = _unchanged(found, say)
    found.later(hours=1)
    return unchanged, _changed(found, size, share, limits, say)


def _unchanged(found: Stage, say: Say) -> Unchanged:
    say("second run: nothing has changed")
    before = found.control.last_request()
    found.run_again()
    made = found.calls(before)
    return Unchanged(len(made), sum(len(one["written"]) for one in made))


def _changed(found: Stage, size: Size, share: float, limits: Limits, say: Say) -> Changed:
    accounts, deals = int(size.accounts * share), int(size.deals * share)
    say(f"third run: {accounts} accounts and {deals} deals have changed")
    edits = limits.edits
    for number in range(accounts):
        _edit(found, edits.accounts, account_ref(number), {edits.account_name: f"Renamed {number}"})
    for number in range(deals):
        _edit(found, edits.deals, deal_ref(size.deals - 1 - number), {edits.amount: "1300.00"})
    found.later(minutes=1)
    before = found.control.last_request()
    found.run_again()
    made = found.calls(before)
    found.keep("changed", {"accounts": accounts, "deals": deals, "calls": made})
    written: Counter[str] = Counter()
    for one in made:
        written[one["object"]] += len(one["written"])
    return Changed(len(made), limits.least_changed(accounts, deals, written), written.total())


def _edit(found: Stage, object_name: str, ref: str, values: Mapping[str, str]) -> None:
    record_id = found.control.lookup(ref)
    found.control.post("edit", {"object": object_name, "id": record_id, "values": values})


def calls_for(rows: int, per_call: int) -> int:
    """Return how many calls of ``per_call`` rows take so many."""
    return -(-rows // per_call)
