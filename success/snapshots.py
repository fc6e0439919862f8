"""Snapshots: a portfolio and its segments month by month, as trends are drawn from (K1 to K4, K11; C06).

A month that has ended is taken once, as of its last day, and never again: what was wrong is restated in
another version (K1). The month that runs is taken as of a day. Health of a month nobody watched is left
out, never invented. Neighbours: ``positions`` and ``kpis`` give the figures, ``snapshot_records`` the
records, ``sync/portfolio_look.py`` the facts and what is kept.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from fractions import Fraction

from success.days import MONTHS_IN_YEAR, add_months, month_of
from success.facts import ContractLine
from success.health import UNKNOWN_BAND
from success.holding import Held
from success.kpis import Rate, headlines
from success.policies import Policies, policies_text
from success.positions import Book, Context
from success.shares import THOUSAND, half_up

DAY = timedelta(days=1)


class Over(StrEnum):
    """What a snapshot is about: all accounts, those of one segment, or those of one owner (their book)."""

    PORTFOLIO = "portfolio"
    SEGMENT = "segment"
    OWNER = "owner"


@dataclass(frozen=True, slots=True)
class Watched:
    """What was known of an account on the day of a snapshot, beside its contracts.

    ``segments`` are all it stood in during the month up to that day, so that a segment left by its last
    account still has its row. ``band`` and ``points`` (thousandths) None are unknown.
    """

    segment: str | None = None
    segments: frozenset[str] = frozenset()
    band: str | None = None
    points: int | None = None


@dataclass(frozen=True, slots=True)
class BandPart:
    """The paying accounts of one band and their ARR in minor units."""

    band: str
    accounts: int
    arr: int


@dataclass(frozen=True, slots=True)
class SnapshotHealth:
    """Health of the paying accounts: by band, unknown among them, and in the mean.

    ``points`` is the mean of those that have a score, in thousandths, None where none has. ``coverage`` is
    the share of ARR with a valid score in thousandths (K11), None without ARR.
    """

    bands: tuple[BandPart, ...]
    points: int | None
    coverage: int | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One month of a portfolio or segment. Amounts are minor units of ``currency``, shares thousandths.

    ``opening`` is ARR on the day before ``month`` (its first day), ``closing`` on ``as_of``. Retention runs
    over the twelve months to ``as_of`` at account level, None where nobody paid at their start.
    ``accounts`` pay on ``as_of``. ``health`` None: nobody watched yet.
    """

    over: Over
    segment: str | None
    month: date
    as_of: date
    currency: str
    opening: int
    closing: int
    nrr: int | None
    grr: int | None
    logos: int | None
    accounts: int
    health: SnapshotHealth | None
    policies: str

    def to_json(self) -> str:
        """Return the snapshot as JSON text; equal snapshots give equal text."""
        health = None
        if self.health is not None:
            bands = [[one.band, one.accounts, one.arr] for one in self.health.bands]
            health = {"bands": bands, "points": self.health.points, "coverage": self.health.coverage}
        body = {name: getattr(self, name) for name in self.__slots__}
        body |= {"month": self.month.isoformat(), "as_of": self.as_of.isoformat(), "health": health}
        return json.dumps(body, sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Snapshot:
        """Return the snapshot written by ``to_json``."""
        body = json.loads(text)
        held = body["health"]
        if held is not None:
            bands = tuple(BandPart(*one) for one in held["bands"])
            body["health"] = SnapshotHealth(bands, held["points"], held["coverage"])
        body |= {"over": Over(body["over"])}
        body |= {name: date.fromisoformat(body[name]) for name in ("month", "as_of")}
        return cls(**body)


def last_day(month: date) -> date:
    """Return the last day of the month that begins on ``month``."""
    return add_months(month, 1) - DAY


def year_before(as_of: date) -> date:
    """Return where the twelve months to a day begin; those to the end of a month, at the end of a month."""
    month = month_of(as_of)
    if as_of == last_day(month):
        return last_day(add_months(month, -MONTHS_IN_YEAR))
    return add_months(as_of, -MONTHS_IN_YEAR)


def stood_in(held: Held | None, first: date, last: date) -> frozenset[str]:
    """Return every value that stood on some day of [first, last]."""
    if held is None:
        return frozenset()
    begun = {change.value for change in held.changes if first < change.since <= last}
    before = held.on(first)
    return frozenset(begun | ({before} if before is not None else set()))


def take(
    lines: Iterable[ContractLine],
    watched: Mapping[str, Watched] | None,
    as_of: date,
    policies: Policies,
    bands: Sequence[str],
    context: Context | None = None,
) -> tuple[Snapshot, ...]:
    """Return the snapshots of the month of ``as_of`` as of that day: the portfolio's, then each segment's.

    ``watched`` holds what was known of each account by its id; None where nobody watched yet: there is no
    health then, and there are no segments. ``bands`` are the bands' keys in order, without unknown. An
    account is in the segment it stood in on ``as_of``, over all twelve months of its retention.
    """
    every = list(lines)
    found = [_one(Over.PORTFOLIO, None, every, watched, as_of, policies, bands, context)]
    seen = watched or {}
    for segment in sorted({name for one in seen.values() for name in one.segments}):
        own = [line for line in every if _in(seen, line.account_id) == segment]
        found.append(_one(Over.SEGMENT, segment, own, watched, as_of, policies, bands, context))
    return tuple(found)


def take_books(
    lines: Iterable[ContractLine],
    owner_of: Mapping[str, str],
    watched: Mapping[str, Watched] | None,
    as_of: date,
    policies: Policies,
    bands: Sequence[str],
    context: Context | None = None,
) -> tuple[Snapshot, ...]:
    """Return the month of ``as_of`` of each owner's book, by owner: as ``take`` does of a segment.

    ``owner_of`` is the owner of each account by its id. An account is in the book of its owner on ``as_of``
    over all twelve months of its retention; the owner's id stands where a segment's key does.
    """
    every, found = list(lines), []
    for owner in sorted(set(owner_of.values())):
        own = [line for line in every if owner_of.get(line.account_id) == owner]
        found.append(_one(Over.OWNER, owner, own, watched, as_of, policies, bands, context))
    return tuple(found)


def _in(watched: Mapping[str, Watched], account_id: str) -> str | None:
    found = watched.get(account_id)
    return None if found is None else found.segment


def _one(
    over: Over,
    segment: str | None,
    lines: Sequence[ContractLine],
    watched: Mapping[str, Watched] | None,
    as_of: date,
    policies: Policies,
    bands: Sequence[str],
    context: Context | None,
) -> Snapshot:
    book, month = Book(lines, policies, context), month_of(as_of)
    paying = _by_account(book, as_of)
    nrr, grr, logos = headlines(book, year_before(as_of), as_of)
    return Snapshot(
        over=over,
        segment=segment,
        month=month,
        as_of=as_of,
        currency=policies.reporting_currency,
        opening=sum(_by_account(book, month - DAY).values()),
        closing=sum(paying.values()),
        nrr=_thousandths(nrr),
        grr=_thousandths(grr),
        logos=_thousandths(logos),
        accounts=len(paying),
        health=None if watched is None else _health(paying, watched, bands),
        policies=policies_text(policies),
    )


def _by_account(book: Book, day: date) -> dict[str, int]:
    """Return the ARR of each account that pays on a day, at that day's rates."""
    totals: defaultdict[str, int] = defaultdict(int)
    for position in book.on(day):
        totals[position.line.account_id] += book.worth(position, day)
    return {account: amount for account, amount in totals.items() if amount > 0}


def _thousandths(rate: Rate) -> int | None:
    return None if rate.value is None else half_up(rate.value * THOUSAND)


def _health(
    paying: Mapping[str, int], watched: Mapping[str, Watched], bands: Sequence[str]
) -> SnapshotHealth:
    accounts: defaultdict[str, int] = defaultdict(int)
    money: defaultdict[str, int] = defaultdict(int)
    points: list[int] = []
    for account, amount in paying.items():
        one = watched.get(account, Watched())
        band = one.band or UNKNOWN_BAND
        accounts[band] += 1
        money[band] += amount
        points += [] if one.points is None else [one.points]
    # A band the charter has no longer still holds who stood in it.
    names = dict.fromkeys([*bands, *sorted(accounts.keys() - {UNKNOWN_BAND}), UNKNOWN_BAND])
    total = sum(money.values())
    known = total - money[UNKNOWN_BAND]
    return SnapshotHealth(
        bands=tuple(BandPart(name, accounts[name], money[name]) for name in names),
        points=half_up(Fraction(sum(points), len(points))) if points else None,
        coverage=half_up(Fraction(known * THOUSAND, total)) if total else None,
    )
