"""One run: the same people, quietly or disturbed, day by day; then both CRMs against the clean replay.

A day begins with edits under disturbances; then faults and kills pause, time passes until everything
promised has been read (polls, census), what is left is worked off, and the replay reads the same CRM. So
both know the same at midnight, which is all that the memory of the rules depends on. The new day begins
disturbed again. A last midnight passes before the comparison: what accounts that became one remember begins
at the next point of the grid.
Neighbours: ``run`` plays twice and judges, ``stage`` is what runs, ``replay`` the clean state.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from datetime import time as day_time
from typing import Any

from sync.bell import Lane, Work, ring
from sync.catch_up import KINDS
from sync.chaos import breakage
from sync.chaos.comparing import Differences, compare
from sync.chaos.people import People
from sync.chaos.plan import LONGEST_OUTAGE_S, Breakage, Day, Disturbance, Edit
from sync.chaos.replay import Order, copy_installations
from sync.chaos.replaying import Replay
from sync.chaos.stage import INDEX_LAG_S, PROCESSES, Stage
from sync.chaos.standing import standing_of, wanted_of
from sync.compare import COMPARE
from sync.demo.crm import Crm
from sync.demo.usage_feed import send
from sync.onboard import go_live
from sync.scheduler import NEW_DAY
from sync.state import cursors, dirty, due, inbox, ledger
from sync.state.cursors import Phase
from sync.state.engine import reading
from sync.state.inbox import InboxState
from sync.state.ledger import WriteState

STEP_EVERY_S = 3.0
STEP = timedelta(minutes=1)
"""How time moves on, by wall seconds: faster than the wall, by less than a poll reaches back."""

FRESH = timedelta(hours=4, minutes=10)
"""After this every promise of freshness is due, but for those of a day (``mappings.freshness``)."""

SURE = 2
"""How often in a row nothing waits before that is believed: work moves from place to place."""

STILL_FOR_S = 1.5
"""Nobody at work and nothing asked for so long: what is left waits for its time, so time passes."""

SPAN = timedelta(seconds=200)
STUCK_AFTER_S = 600.0
SHOWN = 20
LOOK_EVERY_S = 0.2
Say = Callable[[str], None]


@dataclass(slots=True)
class Played:
    """What a run did and how it ended. ``calls`` by vendor, the replay's own left out."""

    calls: dict[str, int] = field(default_factory=dict)
    faults: int = 0
    kills: dict[str, int] = field(default_factory=dict)
    flushes: int = 0
    restarts: int = 0
    edits: int = 0
    deliveries: dict[str, int] = field(default_factory=dict)
    differences: dict[str, Differences] = field(default_factory=dict)
    blocked: dict[str, list[str]] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)
    seconds: float = 0.0


class Play:
    """A run on a stage. ``seed`` draws faults; ``None`` plays quietly."""

    def __init__(self, stage: Stage, days: tuple[Day, ...], seed: int | None, say: Say) -> None:
        """Begin with nothing done."""
        self.stage, self.days, self.seed, self.say = stage, days, seed, say
        self.done = Played()
        self._replay_home = stage.home / "replay"
        self._usage: dict[str, list[dict[str, Any]]] = {}
        self._marks: dict[str, int] = {}
        self._not_ours: dict[str, list[tuple[int, int]]] = {}
        self._people: dict[str, People] = {}
        self._waited: Counter[str] = Counter()

    def play(self) -> Played:
        """Install, go live, let the days pass, compare; return what happened."""
        began, stage = time.monotonic(), self.stage
        stage.install()
        copy_installations(stage.home, self._replay_home)
        for crm in stage.crms:
            self._people[crm.vendor] = self._people_of(crm)
            self._not_ours[crm.vendor] = []
        self._replay = Replay(self._replay_home, stage.env)
        try:
            self._story()
        finally:
            self._replay.stop()
        self.done.seconds = round(time.monotonic() - began, 1)
        return self.done

    def _story(self) -> None:
        stage = self.stage
        stage.start_product()
        self._load()
        self.say("read; going live")
        self._order("begin")
        self._marks = {crm.vendor: crm.control.last_request() for crm in stage.crms}
        self._begin()
        for number, day in enumerate(self.days):
            if number:
                self._midnight()
            self._day(number, day)
        self.say("a last midnight, and comparing")
        self._midnight()
        self._settle()
        self._order("read")
        self._order("decide")
        self._compare()
        self._count()

    def _people_of(self, crm: Crm) -> People:
        vendor, runtime = crm.vendor, self.stage.runtime
        self._usage[vendor] = []

        def use(messages: list[dict[str, Any]]) -> None:
            self._usage[vendor] += messages
            for _ in range(2 if self.seed is not None else 1):  # a sender that got no answer sends again
                send(self.stage.web, crm.write_key, messages)

        people = People(crm, lambda: crm.workspace(runtime), use)
        people.made_deals |= {_id(one) for one in crm.control.records(people.names.deal)}
        return people

    def _load(self) -> None:
        for crm in self.stage.crms:
            ring(self.stage.runtime.redis, Lane.BULK, Work.LOAD, crm.installation)
        self._until("the first load", lambda: all(self._loaded(crm) for crm in self.stage.crms))

    def _loaded(self, crm: Crm) -> bool:
        wanted = {query.object for query in crm.control_queries(self.stage.runtime)}
        with reading(self.stage.runtime.engine) as conn:
            places = cursors.every(conn, crm.installation)
        return wanted <= {one.object for one in places if one.phase is Phase.INCREMENTAL}

    def _begin(self) -> None:
        """Go live in the middle of disturbances: the first writes are the most."""
        self._disturb(0)
        for crm in self.stage.crms:
            epoch = go_live(crm.workspace(self.stage.runtime)).installation.epoch
            ring(self.stage.runtime.redis, Lane.FAST, Work.LOOK, crm.installation)
            self._order_of(crm, "live", epoch, epoch)

    def _day(self, number: int, day: Day) -> None:
        self.say(f"day {number + 1} of {len(self.days)}: {len(day.edits)} edits in each CRM")
        self._disturb(number)
        breaking = threading.Thread(target=self._break, args=(day.disturbances,))
        if self.seed is not None:
            breaking.start()
        self._edit(day.edits)
        if self.seed is not None:
            breaking.join()
        self._calm()
        self.say(f"day {number + 1}: working off what is left, and one sweep")
        self._settle()
        self._order("read")

    def _disturb(self, number: int) -> None:
        if self.seed is not None:
            breakage.scatter(self.stage.crms, self.seed + number)
            self.stage.relay.mangling = True

    def _calm(self) -> None:
        breakage.heal(self.stage.crms)
        self.stage.relay.mangling = False

    def _edit(self, edits: tuple[Edit, ...]) -> None:
        """Do the edits at their times, or as soon as the machine can; time moves on between them."""
        began, steps = time.monotonic(), 1
        for edit in edits:
            while True:
                passed = time.monotonic() - began
                if passed > steps * STEP_EVERY_S:
                    self.stage.later(STEP)
                    steps += 1
                if passed >= edit.at_s:
                    break
                time.sleep(min(LOOK_EVERY_S, edit.at_s - passed))
            for people in self._people.values():
                people.do(edit, self.stage.now().date())
            self.done.edits += 1

    def _break(self, disturbances: tuple[Disturbance, ...]) -> None:
        """Break what is planned, once: a machine slow to start again what is killed would never get on."""
        began = time.monotonic()
        for one in disturbances:
            time.sleep(max(0.0, one.at_s - (time.monotonic() - began)))
            self._break_one(one)

    def _break_one(self, one: Disturbance) -> None:
        if one.what is Breakage.KILL:
            name = one.chosen(PROCESSES)
            if breakage.kill(self.stage.children, name, one.draw):
                self.done.kills[name] = self.done.kills.get(name, 0) + 1
        elif one.what is Breakage.FLUSH:
            self.stage.valkey.flush()
            self.done.flushes += 1
        elif one.what is Breakage.EXPIRY:
            breakage.expire(self.stage.crms)
        else:
            self.stage.valkey.restart(one.draw * LONGEST_OUTAGE_S)
            self.done.restarts += 1

    def _settle(self) -> None:
        """Let what is on its way arrive, time pass until everything promised is read, and work end.

        Raises RuntimeError when midnight passes before: the replay would read on another day than we did.
        """
        day, self._waited = self._today(), Counter()
        self._until("what was held up", lambda: self.stage.relay.under_way() == 0)
        self._until("what was under way", lambda: not self._waiting())
        time.sleep(INDEX_LAG_S + 1)
        self.stage.later(FRESH)
        self._until("one sweep", lambda: not self._waiting())
        if self._today() != day:
            waited = ", ".join(f"{count} times {name}" for name, count in self._waited.most_common())
            waited = waited or "nothing: the machine was too slow"
            raise RuntimeError(f"midnight passed before the work of {day} ended; time passed over {waited}")

    def _midnight(self) -> None:
        """Let the next day begin."""
        ws = self.stage.crms[0].workspace(self.stage.runtime)
        tomorrow = self._today() + timedelta(days=1)
        self.stage.move_to(datetime.combine(tomorrow, day_time(0, 1), ws.zone))

    def _today(self) -> date:
        ws = self.stage.crms[0].workspace(self.stage.runtime)
        return ws.day_of(ws.now())

    def _waiting(self) -> dict[str, int]:
        """Return what waits anywhere: events, accounts, writes, and what is due by now."""
        found: dict[str, int] = {}
        now = self.stage.now()
        for crm in self.stage.crms:
            with reading(self.stage.runtime.engine) as conn:
                events = inbox.counts(conn, crm.installation).get(InboxState.NEW, 0)
                looks = sum(dirty.count(conn, crm.installation).values())
                writes = ledger.counts(conn, crm.installation)
                times = due.schedule(conn, crm.installation)
            unwritten = (WriteState.PENDING, WriteState.SENT, WriteState.WITHDRAW)
            tasks = [one for one, at in times.items() if at <= now and _is_promised(one)]
            counts = {
                "events": events,
                "accounts": looks,
                "writes": sum(count for (_, state), count in writes.items() if state in unwritten),
                "due": len(tasks),
            }
            found |= {f"{crm.vendor} {name}": count for name, count in counts.items() if count}
        return found

    def _until(self, what: str, done: Callable[[], bool]) -> None:
        """Wait until ``done``, twice in a row; whenever nothing moves for a while, let time pass.

        Raises RuntimeError, with what waits, when that takes longer than anything should.
        """
        ends, seen, still_at, sure = time.monotonic() + STUCK_AFTER_S, None, time.monotonic() + STILL_FOR_S, 0
        while sure < SURE:
            sure = sure + 1 if done() else 0
            self.stage.children.check()
            moved = (self._waiting(), [crm.control.last_request() for crm in self.stage.crms])
            if moved != seen or self.stage.at_work():
                seen, still_at = moved, time.monotonic() + STILL_FOR_S
            if time.monotonic() > still_at and not sure:
                self._waited.update(moved[0])
                self.stage.later(SPAN)
                still_at = time.monotonic() + STILL_FOR_S
            if time.monotonic() > ends:
                raise RuntimeError(
                    f"{what} does not end; waiting: {self._waiting()}; logs in {self.stage.home}"
                )
            time.sleep(LOOK_EVERY_S)

    def _order(self, step: str) -> None:
        for crm in self.stage.crms:
            self._order_of(crm, step, self.stage.now(), None)

    def _order_of(self, crm: Crm, step: str, at: datetime, epoch: datetime | None) -> None:
        """Have the replay do a step; what it asks of the CRM is no call of the product's."""
        usage, self._usage[crm.vendor] = tuple(self._usage[crm.vendor]), []
        before = crm.control.last_request()
        self._replay.do(Order(step, crm.installation, at, epoch, usage))
        if self._marks:
            self._not_ours[crm.vendor].append((before, crm.control.last_request()))

    def _compare(self) -> None:
        for crm in self.stage.crms:
            people, ws = self._people[crm.vendor], crm.workspace(self.stage.runtime)
            wanted = wanted_of(self._replay_home / f"wanted-{crm.installation}.json")
            standing = standing_of(crm, ws, people.made_deals)
            found = compare(wanted, standing, people.dropped)
            self.done.differences[crm.vendor] = found
            for one in (*found.missing, *found.duplicate, *found.stale)[:SHOWN]:
                self.say(f"{one.object} {one.key}, {one.field}: wanted {one.wanted!r}, found {one.found!r}")
            self.done.left += people.left
            with reading(self.stage.runtime.engine) as conn:
                rows = ledger.blocked(conn, crm.installation)
            self.done.blocked[crm.vendor] = [f"{one.object} {one.key}: {one.error_message}" for one in rows]

    def _count(self) -> None:
        for crm in self.stage.crms:
            asked = crm.control.requests(self._marks[crm.vendor])
            spans = self._not_ours[crm.vendor]
            ours = [one for one in asked if not any(low < one["seq"] <= high for low, high in spans)]
            self.done.calls[crm.vendor] = sum(one["object"] != "oauth" for one in ours)
            self.done.faults += sum(bool(one["fault"]) for one in ours)
        mangled = self.stage.relay.mangled
        self.done.deliveries = {
            name: getattr(mangled, name) for name in ("passed", "lost", "doubled", "held_up")
        }


def _is_promised(task: str) -> bool:
    return task == NEW_DAY or task.partition(" ")[0] in (*KINDS, COMPARE)


def _id(record: dict[str, Any]) -> str:
    return str(record.get("Id") or record["id"])
