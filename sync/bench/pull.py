"""``colonnade bench pull``: companies into the mirror and what changed of them, beside dlt and a plain loop.

Every client is a process of its own that reads the same fields of the same portal, with the sandbox's short
limits off, since within them all wait alike. Calls come from the sandbox's request log. Then once more within
the limits. Neighbours: ``pull_stage`` has the portal, ``pull_processes`` a client's turn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from sync.bench.pull_processes import Restart, Task, Turn, folder, kill_at_half, take_turn
from sync.bench.pull_stage import PullStage, pull_stage
from sync.bench.runs import Say, calls_for

LISTED: Final = 100
SEARCHED: Final = 200
LINKS_READ: Final = 1_000
BINNED: Final = 100
"""HubSpot pages "CRM API | Objects", "Search the CRM" and "Associate records"."""

OURS, FLOOR = "sync.bench.pull_ours", "sync.bench.pull_floor"
DLT, SDK = "sync.bench.pull_dlt", "sync.bench.pull_sdk"
RENAMED, IMPORTED = "Renamed", "Imported"


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many companies there are, how many are renamed and deleted, and how many share one import."""

    companies: int
    changed: int
    deleted: int
    ties: int


@dataclass(frozen=True, slots=True)
class Again:
    """A later pull: its turn, and how many of the records changed and deleted it has seen."""

    seconds: float
    calls: int
    changes_seen: int
    deletes_seen: int
    failed: str


@dataclass(frozen=True, slots=True)
class Client:
    """One client: everything for the first time, a few changes, an import, and a load that was killed."""

    first: Turn
    changed: Mapping[str, Again]
    ties: Mapping[str, Again]
    restart: Restart


@dataclass(frozen=True, slots=True)
class Least:
    """The fewest calls by HubSpot's page sizes: lists, searches, links of what was found, the recycle bin."""

    first: int
    changed: int
    ties: int


@dataclass(frozen=True, slots=True)
class PullBench:
    """All of it. ``ratio``: dlt's first load over ours; ``limited``: the first loads within limits."""

    sizes: Sizes
    fields: int
    least: Least
    floor: Turn
    ours: Client
    dlt: Client | None
    hubspot_api_client: Client | None
    ratio: Mapping[str, float]
    limited: Mapping[str, Turn] = field(default_factory=dict)


def run(home: Path, sizes: Sizes, *, peers: bool, limited: bool, say: Say) -> PullBench:
    """Return the figures of one run; with ``peers`` those of dlt and hubspot-api-client beside ours."""
    say(f"loading {sizes.companies} companies into the sandbox")
    with pull_stage(home / "free", sizes.companies, limits=False) as stage:
        found = _Run(stage, sizes, say, ("ours", "dlt", "hubspot_api_client") if peers else ("ours",)).all()
    if not limited:
        return found
    say("the first loads once more, within the vendor's limits")
    with pull_stage(home / "limited", sizes.companies, limits=True) as stage:
        return replace(found, limited=_limited(stage, peers=peers))


@dataclass(slots=True)
class _Run:
    """One run over a portal: the clients take turns at each step, so that all see the same."""

    stage: PullStage
    sizes: Sizes
    say: Say
    clients: tuple[str, ...]
    since: str = ""

    def all(self) -> PullBench:
        """Do every step."""
        floor = take_turn(self.stage.control, FLOOR, self._task("load", "floor"))
        self.say(f"floor: {floor.calls} calls, {floor.seconds} s")
        first = {name: self._first(name) for name in self.clients}
        self.since = self.stage.found.now.isoformat()
        restarts = {name: self._restart(name) for name in self.clients}
        renamed, gone = self._change()
        changed = {name: self._again(name, RENAMED) for name in self.clients}
        self.since = self.stage.found.now.isoformat()
        imported = self._import(gone)
        ties = {name: self._again(name, IMPORTED) for name in self.clients}
        done = {name: Client(first[name], changed[name], ties[name], restarts[name]) for name in self.clients}
        ours, dlt = done["ours"], done.get("dlt")
        return PullBench(
            Sizes(self.sizes.companies, renamed, len(gone), imported),
            len(self.stage.query.fields) + 1,  # what a record was merged of is asked as well
            self._least(renamed, len(gone), imported),
            floor,
            ours,
            dlt,
            done.get("hubspot_api_client"),
            {} if dlt is None else _ratio(dlt.first, ours.first),
        )

    def _change(self) -> tuple[int, set[str]]:
        """Have companies renamed and others deleted, spread over all; return how many, and which are gone."""
        stage, sizes = self.stage, self.sizes
        renamed = stage.ids[1 : 1 + 3 * sizes.changed : 3]
        others = sorted(set(stage.ids) - set(renamed), key=int)
        gone = others[1 :: max(1, len(others) // sizes.deleted)][: sizes.deleted]
        stage.found.later(hours=1)
        stage.rename(renamed, RENAMED)
        stage.delete(gone)
        stage.found.later(minutes=10)
        return len(renamed), set(gone)

    def _import(self, gone: set[str]) -> int:
        """Have many of those left changed at one moment; return how many."""
        stage = self.stage
        imported = sorted(set(stage.ids) - gone, key=int)[: self.sizes.ties]
        stage.found.later(hours=1)
        stage.rename(imported, IMPORTED)
        stage.found.later(minutes=10)
        return len(imported)

    def _least(self, renamed: int, gone: int, imported: int) -> Least:
        linked = len(self.stage.query.link_to)
        return Least(
            calls_for(self.sizes.companies, LISTED),
            _searched(renamed, linked) + calls_for(gone, BINNED),
            _searched(imported, linked),
        )

    def _first(self, name: str) -> Turn:
        module, task = self._client(name, "load", name)
        turn = take_turn(self.stage.control, module, task)
        self.say(f"first load, {name}: {turn.calls} calls, {turn.seconds} s, {turn.peak_mb} MB")
        return turn

    def _restart(self, name: str) -> Restart:
        module, task = self._client(name, "load", f"killed-{name}")
        if name == "ours":
            task = self.stage.another("killed").our_task("load")
        restart = kill_at_half(self.stage.control, module, task, self.stage.ids)
        self.say(f"killed at half, {name}: {restart.calls_again} calls again")
        return restart

    def _again(self, name: str, mark: str) -> dict[str, Again]:
        """Return what each way of reading again saw: dlt has two, by search and by the list."""
        found: dict[str, Again] = {}
        for what in ("search", "load") if name == "dlt" else ("again",):
            module, task = self._client(name, what, name, mark)
            turn = take_turn(self.stage.control, module, task)
            gone = self.sizes.companies - turn.records
            self.say(f"{mark.lower()}, {name} ({what}): {turn.calls} calls, {turn.marked} and {gone} seen")
            found["list" if what == "load" else what] = Again(
                turn.seconds, turn.calls, turn.marked, gone, turn.failed
            )
        return found

    def _client(self, name: str, what: str, home: str, mark: str = "") -> tuple[str, Task]:
        if name == "ours":
            return OURS, self.stage.our_task(what, mark)
        return (DLT if name == "dlt" else SDK), self._task(what, home, mark)

    def _task(self, what: str, home: str, mark: str = "") -> Task:
        return self.stage.task(what, folder(self.stage.home, home), mark, self.since)


def _searched(rows: int, linked: int) -> int:
    return calls_for(rows, SEARCHED) + linked * calls_for(rows, LINKS_READ)


def _limited(stage: PullStage, *, peers: bool) -> dict[str, Turn]:
    control = stage.control
    found = {"ours": take_turn(control, OURS, stage.our_task("load"))}
    if peers:
        found["dlt"] = take_turn(control, DLT, stage.task("load", folder(stage.home, "dlt")))
    return found


def _ratio(dlt: Turn, ours: Turn) -> dict[str, float]:
    return {
        "seconds": round(dlt.seconds / ours.seconds, 2),
        "cpu": round(dlt.cpu_us_per_record / ours.cpu_us_per_record, 2),
        "calls": round(dlt.calls / ours.calls, 3),
        "memory": round(dlt.peak_mb / ours.peak_mb, 2),
    }
