"""What people do and what breaks in a chaos run, drawn from a seed before it begins; pure.

The same seed, size and length give the same plan. Whom an edit may touch follows from the plan alone, so
that a quiet and a disturbed run are edited alike. Neighbours: ``book`` says who may be merged or deleted,
``people`` does the edits, ``breakage`` the disturbances, ``play`` keeps the time.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from sync.chaos import book

DAY_S = 45.0
"""Wall seconds of edits and disturbances in a day of the run; the rest of the day passes at once."""

EDITS_PER_S = 1.2
KILL_EVERY_S, FLUSH_EVERY_S, EXPIRY_EVERY_S, RESTART_EVERY_S = 7.0, 17.0, 23.0, 31.0
LONGEST_OUTAGE_S = 3.0


class Act(StrEnum):
    """What people do."""

    RENAME = "rename an account"
    AMOUNT = "change an open deal's amount"
    WIN = "win a deal with a line"
    TERM = "move the end of a contract line"
    SEATS = "change what a contract line is worth"
    DROP_LINE = "delete a contract line"
    DROP_DEAL = "delete a deal"
    BRING_DEAL_BACK = "restore a deal"
    TICKET = "open an urgent ticket and escalate it"
    CLOSE_TICKET = "close a ticket"
    CUSTOMER = "make a new customer with a won deal"
    MERGE = "merge one account into another"
    DELETE = "delete an account"
    BRING_BACK = "restore an account"
    OURS_PROFILE = "write over a field of our profile"
    OURS_DEAL = "write over a field of ours on a renewal"
    OURS_ACCOUNT = "write over a field of ours on the account"
    DROP_OURS = "delete a renewal of ours"
    USAGE = "use the product"


class Breakage(StrEnum):
    """What breaks."""

    KILL = "kill -9"
    FLUSH = "FLUSHALL"
    RESTART = "Redis killed, and started empty"
    EXPIRY = "every session of the Salesforce org ended"


@dataclass(frozen=True, slots=True)
class Edit:
    """One thing people do in both CRMs, ``at_s`` wall seconds into a day. ``number`` is unique in a plan."""

    at_s: float
    act: Act
    account: int
    number: int


@dataclass(frozen=True, slots=True)
class Disturbance:
    """One thing that breaks. ``draw`` (0 to 1) chooses the process killed, or how long Redis is away."""

    at_s: float
    what: Breakage
    draw: float

    def chosen(self, names: Sequence[str]) -> str:
        """Return the one of ``names`` that is meant."""
        return names[int(self.draw * len(names))]


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the run, each part by its time."""

    edits: tuple[Edit, ...]
    disturbances: tuple[Disturbance, ...]


COMMON = {
    Act.RENAME: 12,
    Act.AMOUNT: 6,
    Act.WIN: 8,
    Act.TERM: 8,
    Act.SEATS: 8,
    Act.TICKET: 8,
    Act.CUSTOMER: 8,
    Act.USAGE: 10,
}
RARE = {
    Act.DROP_LINE: 3,
    Act.DROP_DEAL: 3,
    Act.BRING_DEAL_BACK: 3,
    Act.CLOSE_TICKET: 3,
    Act.MERGE: 5,
    Act.DELETE: 5,
    Act.BRING_BACK: 4,
    Act.OURS_PROFILE: 4,
    Act.OURS_DEAL: 3,
    Act.OURS_ACCOUNT: 4,
    Act.DROP_OURS: 3,
}


def make_plan(seed: int, accounts: int, minutes: float) -> tuple[Day, ...]:
    """Return the days of a run: about ``minutes`` of edits and disturbances, one day at least."""
    days = max(1, round(minutes * 60 / DAY_S))
    length = min(DAY_S, minutes * 60 / days)
    people = _People(random.Random(f"people {seed}"), accounts)  # noqa: S311 - to be drawn again
    breaking = random.Random(f"breaking {seed}")  # noqa: S311 - as above
    return tuple(Day(people.day(length), _disturbances(breaking, length)) for _ in range(days))


def _disturbances(rng: random.Random, length: float) -> tuple[Disturbance, ...]:
    found = [
        Disturbance(at, what, rng.random())
        for what, every in (
            (Breakage.KILL, KILL_EVERY_S),
            (Breakage.FLUSH, FLUSH_EVERY_S),
            (Breakage.EXPIRY, EXPIRY_EVERY_S),
            (Breakage.RESTART, RESTART_EVERY_S),
        )
        for at in _instants(rng, every, length)
    ]
    return tuple(sorted(found, key=lambda one: one.at_s))


def _instants(rng: random.Random, every: float, length: float) -> list[float]:
    """Return instants of which one comes in ``every`` seconds, at any time; one at least."""
    number = max(1, round(length / every))
    return sorted(round(rng.uniform(0, length), 3) for _ in range(number))


@dataclass(slots=True)
class _People:
    """Draws edits, and remembers who is gone and what was edited already."""

    rng: random.Random
    accounts: int
    number: int = 0
    gone: set[int] = field(default_factory=set)
    merged: set[int] = field(default_factory=set)
    lines_gone: set[int] = field(default_factory=set)
    deals_gone: list[int] = field(default_factory=list)
    touched: set[tuple[Act, int]] = field(default_factory=set)

    def day(self, length: float) -> tuple[Edit, ...]:
        """Return the edits of the next day, each possible after those before it."""
        times = sorted(round(self.rng.uniform(0, length), 3) for _ in range(round(length * EDITS_PER_S)))
        weights = COMMON | RARE
        found: list[Edit] = []
        for at in times:
            act = self.rng.choices(list(weights), list(weights.values()))[0]
            account = self._account_for(act)
            if account is not None:
                self.number += 1
                found.append(Edit(at, act, account, self.number))
        return tuple(found)

    def _account_for(self, act: Act) -> int | None:
        """Return whom an act is about, ``None`` where nobody is left for it."""
        if act is Act.MERGE:
            return self._once(
                self.merged, lambda one: one % book.ROLES == book.MERGED and one + 1 < self.accounts
            )
        if act is Act.DELETE:
            return self._once(self.gone, lambda one: one % book.ROLES == book.DELETED)
        if act is Act.BRING_BACK:
            return self._back(self.gone)
        if act is Act.BRING_DEAL_BACK:
            return self.deals_gone.pop() if self.deals_gone else None
        return self._ordinary(act)

    def _once(self, done: set[int], fits: Callable[[int], bool]) -> int | None:
        account = self._any(lambda one: fits(one) and one not in done)
        if account is not None:
            done.add(account)
        return account

    def _back(self, gone: set[int]) -> int | None:
        """Return somebody deleted; who came back is ``touched``, and not deleted again."""
        waiting = sorted(one for one in gone if (Act.BRING_BACK, one) not in self.touched)
        if not waiting:
            return None
        account = self.rng.choice(waiting)
        self.touched.add((Act.BRING_BACK, account))
        return account

    def _ordinary(self, act: Act) -> int | None:
        account = self._any(lambda one: book.is_ordinary(one) and self._fits(act, one))
        if account is None:
            return None
        if act in RARE:
            self.touched.add((act, account))
        if act is Act.DROP_LINE:
            self.lines_gone.add(account)
        if act is Act.DROP_DEAL:
            self.lines_gone.add(account)
            self.deals_gone.append(account)
        return account

    def _fits(self, act: Act, account: int) -> bool:
        if act in RARE and (act, account) in self.touched:
            return False  # a field of ours written over twice within a day is let be
        if act in (Act.TERM, Act.SEATS, Act.DROP_LINE, Act.DROP_DEAL):
            return book.has_contract(account) and account not in self.lines_gone
        if act in (Act.OURS_DEAL, Act.DROP_OURS):
            return book.has_contract(account) and not book.is_new(account)
        if act is Act.AMOUNT:
            return not book.has_contract(account)
        return act is not Act.CLOSE_TICKET or book.has_ticket(account)

    def _any(self, fits: Callable[[int], bool]) -> int | None:
        """Return an account that fits, drawn; ``None`` after looking at as many as there are."""
        start = self.rng.randrange(self.accounts)
        around = ((start + step) % self.accounts for step in range(self.accounts))
        return next((one for one in around if fits(one)), None)
