"""Makes up a portfolio from a seed and streams it to a folder, account by account.

The first N accounts of a portfolio are the same whatever its size: all random numbers come
from the seed and the account's own place. The same seed and as_of give the same bytes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from sandbox.portfolio import names
from sandbox.portfolio.activity import usage
from sandbox.portfolio.contracts import Book, book
from sandbox.portfolio.model import ContractLine, Portfolio, UsageEvent
from sandbox.portfolio.people import Situation, contacts, owners, situation
from sandbox.portfolio.schedule import WINDOW_DAYS, schedule
from sandbox.portfolio.story import Story, part_of
from sandbox.portfolio.support import surveys, tickets
from sandbox.portfolio.write import FolderWriter, new_folder

# Written down as facts (from the lines), not as stories.
_NOT_IN_TRUTH: Final = frozenset({Story.RENEWAL_SOON, Story.RENEWAL_TOMORROW, Story.STEADY})


@dataclass(frozen=True, slots=True)
class Request:
    """What to make: how many accounts, from which seed, as of which day."""

    accounts: int
    seed: int
    as_of: date


@dataclass(frozen=True, slots=True)
class Made:
    """What was made: records per file and accounts per truth set."""

    counts: dict[str, int]
    truth: dict[str, int]


@dataclass(slots=True)
class Truth:
    """Account keys by what is true of them, in account order."""

    keys: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def note(self, who: Situation, made: Book, events: Sequence[UsageEvent]) -> None:
        """Write down everything that is true of one account."""
        key = who.account.key
        for name in _planted(who) + _seen_in_lines(who, made.lines) + _seen_in_usage(made.lines, events):
            self.keys[name].append(key)

    def sorted(self) -> dict[str, list[str]]:
        """Return the sets by name."""
        return {name: self.keys[name] for name in sorted(self.keys)}


def generate(target: Path, request: Request, step: Callable[[], None] = lambda: None) -> Made:
    """Write the portfolio to ``target`` and return what was made; ``step`` is called per account.

    Raises:
        TargetError: the target holds something that is not a portfolio.

    """
    truth = Truth()
    with new_folder(target) as writer:
        writer.add(owners(request.seed))
        writer.add(names.PRODUCTS)
        for index in range(request.accounts):
            _write_account(writer, truth, request, index)
            step()
        sets = truth.sorted()
        writer.describe(
            Portfolio(
                f"{names.VENDOR}, {request.accounts} accounts",
                request.as_of.isoformat(),
                "line_item",
                seed=request.seed,
                truth=sets,
            )
        )
    return Made(writer.counts, {name: len(keys) for name, keys in sets.items()})


def _write_account(writer: FolderWriter, truth: Truth, request: Request, index: int) -> None:
    """Make one account with all that belongs to it and append it to the files."""
    plan = schedule(request.seed, index, part_of(request.seed, index), request.as_of)
    who = situation(request.seed, index, request.as_of, plan.begins)
    until = min(request.as_of, plan.edges[-1]) if who.part.churned else request.as_of
    people = contacts(who)
    made = book(who, plan)
    events = usage(who, people, made.lines)
    writer.add([who.account])
    writer.add(people)
    writer.add(made.deals)
    writer.add(made.lines)
    writer.add(tickets(who, until))
    writer.add(surveys(who, people, until))
    writer.add(events)
    truth.note(who, made, events)


def _planted(who: Situation) -> list[str]:
    """Return the names of the stories planted in the account."""
    planted = [] if who.story in _NOT_IN_TRUTH else [who.story.value]
    return [*planted, "churned"] if who.part.churned else planted


def _seen_in_lines(who: Situation, lines: Sequence[ContractLine]) -> list[str]:
    """Return whether a term ends in the renewal window (both ends included) or the day after it."""
    ends = {line.end_on for line in lines if line.kind == "recurring" and line.end_on}
    last = (who.as_of + timedelta(days=WINDOW_DAYS)).isoformat()
    entering = (who.as_of + timedelta(days=WINDOW_DAYS + 1)).isoformat()
    seen = ["renewal_in_window"] if any(who.as_of.isoformat() <= end <= last for end in ends) else []
    return [*seen, Story.RENEWAL_TOMORROW.value] if entering in ends else seen


def _seen_in_usage(lines: Sequence[ContractLine], events: Sequence[UsageEvent]) -> list[str]:
    """Return whether there is usage before the first line starts or after the last one has ended."""
    days = [event.at[:10] for event in events]
    if not days:
        return []
    seen = ["usage_before_start"] if min(days) < min(line.start_on for line in lines) else []
    ends = [line.end_on or "9999" for line in lines]
    return [*seen, "usage_after_end"] if max(days) > max(ends) else seen
