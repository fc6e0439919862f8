"""What the product's own telemetry would send for one account: one event per user, feature and day.

The last 120 days are full; before them a sample of two events a month reaches back a year.
Work days are busier than weekends, August and December quieter than other months. A few
events come twice, late, before the first contract starts or after the last one ends, as
telemetry does; a person never stays away longer than 16 days unless the story says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import ceil
from random import Random
from typing import Final

from sandbox.portfolio import names
from sandbox.portfolio.dates import add_months, at_work, days_before, off_weekend
from sandbox.portfolio.model import Contact, ContractLine, UsageEvent
from sandbox.portfolio.people import Situation
from sandbox.portfolio.story import Story

FULL_DAYS: Final = 120
_LONGEST_PAUSE: Final = 14
_QUIET_MONTHS: Final = {8: 1.6, 12: 1.5}
_CHAMPION_GONE_DAYS: Final = 45
# Share of the paid seats that people use, lowest and highest. Only "expansion_ready" nears all seats.
_SHARES: Final = {
    Story.EXPANSION_READY: (0.9, 1.0),
    Story.HEALTHY: (0.5, 0.72),
    Story.STEADY: (0.3, 0.55),
    Story.USAGE_DECAY: (0.5, 0.7),
    Story.NO_ADOPTION: (0.0, 0.08),
    Story.ONBOARDING_ON_TRACK: (0.5, 0.7),
    Story.ONBOARDING_STALLED: (0.0, 0.0),
    Story.TRIAL: (0.3, 0.6),
}
_SHARE_OTHERS: Final = (0.4, 0.68)


@dataclass(frozen=True, slots=True)
class Stretch:
    """The days usage may fall on, both included, and the lines that cover them.

    ``core`` are the lines of the core product, oldest first, without seats added later.
    """

    since: date
    until: date
    core: tuple[ContractLine, ...]
    add_on: ContractLine | None

    def line_on(self, day: date) -> ContractLine:
        """Return the core line that had begun by the day; terms follow each other without gaps."""
        text = day.isoformat()
        for line in reversed(self.core):
            if line.start_on <= text:
                return line
        return self.core[0]


class Telemetry:
    """Builds the events of one account and numbers them."""

    def __init__(self, who: Situation, rng: Random) -> None:
        """Start with no events."""
        self.who = who
        self.rng = rng
        self.events: list[UsageEvent] = []

    def add(self, line: ContractLine, user: str, feature: str, day: date) -> None:
        """Add what one user did with one feature on one day."""
        rng = self.rng
        count = 1 + int(rng.random() * rng.random() * 18)
        key = self.who.account.key
        self.events.append(
            UsageEvent(
                f"{key}-U{len(self.events) + 1}",
                key,
                # One event in twelve does not say under which contract it happened.
                line.key if rng.random() < 0.92 else None,
                line.product_key,
                feature,
                user,
                at_work(rng, day),
                count,
                count * (20 + int(rng.random() * 220)),
                1 if rng.random() < 0.02 else 0,
            )
        )


def usage(who: Situation, people: Sequence[Contact], lines: Sequence[ContractLine]) -> list[UsageEvent]:
    """Return the account's events in the order they arrive; none falls on or after as_of."""
    stretch = _stretch(who, lines)
    if stretch is None:
        return []
    rng = who.draw("usage")
    telemetry = Telemetry(who, rng)
    pool = _users(rng, who, people, stretch.core)
    _samples(telemetry, pool, stretch)
    for place, user in enumerate(pool):
        _user(telemetry, user, stretch, _level(who, place, stretch), on_add_on=place % 3 == 1)
    telemetry.events.sort(key=lambda event: event.at)
    _strays(telemetry, pool, stretch)
    return _as_it_arrives(rng, telemetry.events)


def _stretch(who: Situation, lines: Sequence[ContractLine]) -> Stretch | None:
    """Return the last 120 days under contract before as_of, or None without any line."""
    core: dict[str, ContractLine] = {}
    for line in lines:
        if line.product_key == names.CORE:
            core.setdefault(line.co_term_group or line.key, line)
    if not core:
        return None
    ends = [*core.values()][-1].end_on
    last = days_before(who.as_of, 1)
    if ends:
        last = min(last, days_before(date.fromisoformat(ends), 1))
    since = max(who.customer_since, days_before(last, FULL_DAYS - 1))
    add_ons = [line for line in lines if line.product_key in names.ADD_ONS]
    return Stretch(since, last, tuple(core.values()), add_ons[-1] if add_ons else None)


def _users(rng: Random, who: Situation, people: Sequence[Contact], core: Sequence[ContractLine]) -> list[str]:
    """Return who uses the product: the champion, admin and known users first, then others.

    The share is taken of the fewest seats of any term, so that growth does not look like a full house.
    """
    share = rng.uniform(*_SHARES.get(who.story, _SHARE_OTHERS))
    fewest = min(line.seats for line in core if line.kind == core[-1].kind)
    wanted = max(1, int(share * fewest))
    if who.story is Story.EXPANSION_READY:
        wanted = ceil(share * core[-1].seats)
    known = [one.email for one in people if one.role != "economic_buyer"]
    return [*known, *(f"user{n}@{who.account.domain}" for n in range(1, wanted + 1))][:wanted]


def _level(who: Situation, place: int, stretch: Stretch) -> Callable[[date], float]:
    """Return how likely, day by day, a visit of the user at ``place`` really happens."""
    if who.story is Story.USAGE_DECAY:
        length = max(1, (stretch.until - stretch.since).days)
        return lambda day: max(0.05, 1.0 - 1.15 * (day - stretch.since).days / length)
    if who.story is Story.CHAMPION_LEFT and place == 0:
        gone = days_before(stretch.until, _CHAMPION_GONE_DAYS)
        return lambda day: float(day < gone)
    if who.story in {Story.NO_ADOPTION, Story.ONBOARDING_STALLED}:
        return lambda _day: 0.25
    return lambda _day: 1.0


def _user(
    telemetry: Telemetry, user: str, stretch: Stretch, level: Callable[[date], float], *, on_add_on: bool
) -> None:
    """Add one user's visits, a few days apart; one in seven people comes almost daily."""
    rng = telemetry.rng
    shortest, longest = (1, 4) if rng.random() < 0.14 else (8, _LONGEST_PAUSE)
    favourites = rng.sample(names.FEATURES[names.CORE], rng.randint(2, 5))
    add_on = stretch.add_on if on_add_on else None
    day = stretch.since + timedelta(days=rng.randrange(longest))
    while day <= stretch.until:
        visit = off_weekend(rng, day)
        if visit <= stretch.until and rng.random() < level(visit):
            _visit(telemetry, user, visit, stretch.line_on(visit), favourites)
            if add_on and add_on.start_on <= visit.isoformat() and rng.random() < 0.4:
                telemetry.add(add_on, user, rng.choice(names.FEATURES[add_on.product_key]), visit)
        pause = (shortest + int(rng.random() * (longest - shortest + 1))) * _QUIET_MONTHS.get(day.month, 1.0)
        day += timedelta(days=min(_LONGEST_PAUSE, round(pause)))


def _visit(telemetry: Telemetry, user: str, day: date, line: ContractLine, favourites: Sequence[str]) -> None:
    """Add one feature of the core product the user likes, sometimes a second one."""
    place = int(telemetry.rng.random() * len(favourites))
    telemetry.add(line, user, favourites[place], day)
    if telemetry.rng.random() < 0.15:
        telemetry.add(line, user, favourites[place - 1], day)


def _samples(telemetry: Telemetry, pool: Sequence[str], stretch: Stretch) -> None:
    """Add two events a month for the year under contract before the full stretch."""
    rng = telemetry.rng
    for months in range(12, 0, -1):
        day = add_months(stretch.since, -months) + timedelta(days=rng.randrange(25))
        if telemetry.who.customer_since <= day < stretch.since:
            for user in pool[:2]:
                telemetry.add(stretch.line_on(day), user, rng.choice(names.FEATURES[names.CORE]), day)


def _strays(telemetry: Telemetry, pool: Sequence[str], stretch: Stretch) -> None:
    """Add the events outside any contract: before the first start, after a last end."""
    who, rng = telemetry.who, telemetry.rng
    first = stretch.core[0]
    if rng.random() < 0.05:
        for days in rng.sample(range(2, 20), 2):
            telemetry.add(first, pool[0], "login", days_before(date.fromisoformat(first.start_on), days))
    if who.part.churned:
        for days in rng.sample(range(2, 10), 2):
            telemetry.add(stretch.core[-1], pool[-1], "login", stretch.until + timedelta(days=days))


def _as_it_arrives(rng: Random, events: list[UsageEvent]) -> list[UsageEvent]:
    """Return the events with about one in 200 late (out of order) and one in 300 sent twice."""
    on_time: list[UsageEvent] = []
    late: list[UsageEvent] = []
    for event in events:
        roll = rng.random()
        (late if roll < 0.005 else on_time).append(event)
        if roll > 0.9967:
            late.append(event)
    return on_time + late
