"""How much of the portfolio is known: health coverage by ARR and freshness (K11, K27).

Unknown is a band of its own. A measure is fresh when it has a value no older than its limit
in the scorecard. Neighbours: ``decide`` gives the bands, ``measures`` the values.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from success.health import is_stale
from success.ledger import policies_text, sum_arr
from success.measures import MeasureBook
from success.policies import Policies
from success.rules import Scorecard
from success.view import AccountView

UNKNOWN_BAND = "unknown"


@dataclass(frozen=True, slots=True)
class BandShare:
    """One band's accounts and ARR (minor units), and its share of all ARR."""

    band: str
    accounts: int
    arr: int
    share: Fraction | None


@dataclass(frozen=True, slots=True)
class HealthCoverage:
    """ARR with a valid score over all ARR, and ARR by band, unknown among them."""

    as_of: date
    covered: int
    arr: int
    share: Fraction | None
    bands: tuple[BandShare, ...]
    policies: str


@dataclass(frozen=True, slots=True)
class Freshness:
    """The share of accounts whose measure has a value younger than its limit; None: no limit."""

    measure: str
    max_age_days: int | None
    fresh: int
    accounts: int
    share: Fraction | None


def health_coverage(
    scored: Iterable[tuple[AccountView, str]], as_of: date, policies: Policies
) -> HealthCoverage:
    """Return coverage over accounts with their band on a day."""
    money: defaultdict[str, int] = defaultdict(int)
    accounts: defaultdict[str, int] = defaultdict(int)
    for view, band in scored:
        money[band] += sum_arr(view.open_lines(as_of), policies).minor
        accounts[band] += 1
    total = sum(money.values())
    covered = total - money.get(UNKNOWN_BAND, 0)
    bands = tuple(
        BandShare(band, accounts[band], money[band], _share(money[band], total)) for band in sorted(accounts)
    )
    return HealthCoverage(as_of, covered, total, _share(covered, total), bands, policies_text(policies))


def freshness(scored: Iterable[tuple[AccountView, Scorecard]], as_of: date) -> tuple[Freshness, ...]:
    """Return freshness of each measure over accounts with an open line, each by the scorecard it has.

    Accounts whose scorecards do not have the measure are not counted; limits that differ stand apart.
    """
    fresh: dict[tuple[str, int | None], list[bool]] = {}
    for view, card in scored:
        if not view.open_lines(as_of):
            continue
        book = MeasureBook(view, as_of)
        for rule in card.measures:
            value = book[rule.measure]
            young = value.value is not None and not is_stale(value, rule.max_age_days, as_of)
            fresh.setdefault((rule.measure, rule.max_age_days), []).append(young)
    return tuple(
        Freshness(measure, limit, sum(found), len(found), _share(sum(found), len(found)))
        for (measure, limit), found in fresh.items()
    )


def _share(part: int, whole: int) -> Fraction | None:
    return Fraction(part, whole) if whole else None
