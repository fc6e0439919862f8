"""``colonnade bench latency``: from a person's edit to our value in the CRM, by real processes.

A sandbox with HubSpot's limits tells our web process of each edit; workers read, decide and write. A
company is renamed at most once a rate; its profile carries the new name. Both moments come from the
sandbox: the edit's answer, and its log of the write that took the profile. That the name stands there is
read from the records afterwards. Neighbours: ``stage`` sets up, ``latency_processes`` runs the product,
``docs/benchmarks.md`` keeps the figures.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from mappings.naming import vendor_name
from success.desired import RecordKind
from sync.bench.book import Size, account_ref
from sync.bench.latency_processes import processes
from sync.bench.runs import Say
from sync.bench.stage import HUBSPOT, Stage, stage
from sync.clock import WallClock, move_clock
from sync.demo.crm import Crm, percentile, values_of
from sync.state import dirty, inbox, ledger
from sync.state.engine import reading
from sync.state.inbox import InboxState
from sync.state.ledger import WriteState

EDITORS: Final = 8
QUIET_WITHIN_S: Final = 300.0
QUIET_FOR_S: Final = 2.0
LOOK_EVERY_S: Final = 0.5
MOST_EDITS: Final = 4_000
"""Per rate: a company is renamed once, so that every write is the answer to one edit."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured: edits a second, each for so many seconds, over a portfolio of ``accounts``."""

    accounts: int = 5_000
    rates: tuple[int, ...] = (5, 50, 200)
    seconds: float = 30.0
    workers: int = 2


@dataclass(frozen=True, slots=True)
class AtRate:
    """One rate. Milliseconds from an edit's answer to the write that carries it.

    ``per_s`` is the rate that was reached: the sandbox may be slower than was asked. ``missing``: edits
    whose name did not stand in the CRM at the end. ``told``: events delivered for them, ``calls``: all that
    was asked of the CRM, ``refused``: calls answered 429. ``caught_up_s``: from the last edit until nothing
    waited.
    """

    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float
    per_s: float
    edits: int
    missing: int
    told: int
    calls: int
    calls_per_1000_events: float
    refused: int
    caught_up_s: float


@dataclass(frozen=True, slots=True)
class Latency:
    """The whole benchmark; ``rates`` by edits a second."""

    accounts: int
    workers: int
    rates: dict[str, AtRate]


@dataclass(slots=True)
class _Edits:
    """What was edited when: company id → the wall's time of the answer, and the name it was given."""

    at: dict[str, float] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)


def run(home: Path, plan: Plan, say: Say) -> Latency:
    """Return the figures of one run; the first load of the portfolio takes most of the time."""
    say(f"loading and writing {plan.accounts} accounts")
    with stage(home / "sync", HUBSPOT, Size(plan.accounts, plan.accounts)) as found:
        found.install()
        found.load()
        found.go_live()
        _let_clocks_run(found)
        with processes(found, plan.workers) as web:
            Crm(HUBSPOT, found.control, installation=found.installation).send_webhooks(
                found.runtime, found.ws, web
            )
            rates = {str(rate): _at_rate(found, plan, rate, say) for rate in plan.rates}
    return Latency(plan.accounts, plan.workers, rates)


def _let_clocks_run(found: Stage) -> None:
    found.control.set_clock(found.now, running=True)
    move_clock(found.runtime.engine, found.now, running=True)


def _at_rate(found: Stage, plan: Plan, rate: int, say: Say) -> AtRate:
    """Edit at a rate, wait until nothing is left to do, and compare with what the sandbox saw."""
    profiles = _profiles(found)
    count = min(int(rate * plan.seconds), plan.accounts, MOST_EDITS)
    say(f"{count} edits at {rate} a second")
    companies = [found.control.lookup(account_ref(number)) for number in range(count)]
    _wait_quiet(found)
    before, told = found.control.last_request(), _last_delivery(found)
    started = _now()
    edits = _edit(found, rate, companies)
    ended = _now()
    _wait_quiet(found)
    calls = found.calls(before)
    waits = _waits(edits, profiles, calls)
    deliveries = [one for one in found.control.deliveries(told) if one["attempt"] == 0]
    events = sum(len(one["events"]) for one in deliveries)
    return AtRate(
        p50_ms=_ms(waits, 0.5),
        p95_ms=_ms(waits, 0.95),
        p99_ms=_ms(waits, 0.99),
        max_ms=_ms(waits, 1.0),
        per_s=round(count / max(ended - started, 0.001), 1),
        edits=count,
        missing=_missing(found, edits),
        told=events,
        calls=len(calls),
        calls_per_1000_events=round(1000 * len(calls) / max(events, 1), 1),
        refused=sum(one["status"] == 429 for one in calls),  # noqa: PLR2004 - Too Many Requests
        caught_up_s=round(max((float(one["wall"]) for one in calls), default=ended) - ended, 1),
    )


def _edit(found: Stage, rate: int, companies: Sequence[str]) -> _Edits:
    """Rename companies at a rate; each edit's moment is when the sandbox had answered it."""
    made, lock, start = _Edits(), threading.Lock(), time.monotonic()

    def one(number: int) -> None:
        time.sleep(max(0.0, start + number / rate - time.monotonic()))
        company = companies[number]
        name = f"Renamed at {rate}, {number}"
        found.control.post("edit", {"object": "companies", "id": company, "values": {"name": name}})
        with lock:
            made.at[company], made.names[company] = _now(), name

    with ThreadPoolExecutor(EDITORS) as pool:
        list(pool.map(one, range(len(companies))))
    return made


def _waits(edits: _Edits, profiles: Mapping[str, str], calls: Sequence[Mapping[str, Any]]) -> list[float]:
    """Return, per edit that was answered by a write, the seconds until the first write of its profile."""
    writes: dict[str, list[float]] = {}
    for call in calls:
        for record in call["written"]:
            writes.setdefault(str(record), []).append(float(call["wall"]))
    found = []
    for company, at in edits.at.items():
        after = [wall for wall in writes.get(profiles[company], ()) if wall >= at]
        if after:
            found.append(min(after) - at)
    return found


def _profiles(found: Stage) -> dict[str, str]:
    """Return the profile's record id per company id."""
    key = vendor_name("key", HUBSPOT)
    return {
        str(values_of(one)[key]).removeprefix("profile:"): str(one["id"])
        for one in found.control.records(_profile_object(found))
    }


def _profile_object(found: Stage) -> str:
    return Crm(HUBSPOT, found.control).own_object(found.ws, RecordKind.PROFILE)


def _missing(found: Stage, edits: _Edits) -> int:
    """Return how many profiles do not carry the name their company was given."""
    key, name = vendor_name("key", HUBSPOT), vendor_name("name", HUBSPOT)
    stand = {
        str(values_of(one)[key]).removeprefix("profile:"): values_of(one).get(name)
        for one in found.control.records(_profile_object(found))
    }
    return sum(stand.get(company) != given for company, given in edits.names.items())


def _wait_quiet(found: Stage) -> None:
    """Return once nothing has waited anywhere for a while. Raises RuntimeError when that does not come."""
    ends, quiet_since = time.monotonic() + QUIET_WITHIN_S, None
    while time.monotonic() < ends:
        if _waiting(found):
            quiet_since = None
        else:
            quiet_since = quiet_since or time.monotonic()
            if time.monotonic() - quiet_since > QUIET_FOR_S:
                return
        time.sleep(LOOK_EVERY_S)
    raise RuntimeError(f"work still waits after {QUIET_WITHIN_S:.0f} s; the logs are in {found.home}")


def _waiting(found: Stage) -> int:
    """Return how much is not done yet. Each is asked at a moment of its own, in the order work moves on."""
    with reading(found.runtime.engine) as conn:
        events = inbox.counts(conn, found.installation).get(InboxState.NEW, 0)
    with reading(found.runtime.engine) as conn:
        accounts = sum(dirty.count(conn, found.installation).values())
    with reading(found.runtime.engine) as conn:
        rows = ledger.counts(conn, found.installation)
    unwritten = (WriteState.PENDING, WriteState.SENT)
    return events + accounts + sum(count for (_, state), count in rows.items() if state in unwritten)


def _last_delivery(found: Stage) -> int:
    return int(found.control.get("deliveries", after=2**40)["last"])


def _now() -> float:
    """Return the wall's time, as the sandbox's log has it."""
    return WallClock().now().timestamp()


def _ms(waits: Sequence[float], share: float) -> float:
    return round(percentile(waits, share) * 1000, 1)
