"""Feature adoption and seat utilisation of a portfolio (K9, K10).

No CRM says which features a product entitles to: a feature belongs to the products it was
ever validly used with, and who holds an open line of one of them is entitled to it. Use is
not told by user and feature together, so depth (users of a feature) is not among the figures.
Neighbour: ``measures`` has seat utilisation per account.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from success.days import days_between, window_start
from success.ledger import policies_text
from success.policies import Policies
from success.usage import UsageJudge, UsageVerdict
from success.view import AccountView

WINDOW_DAYS = 28


@dataclass(frozen=True, slots=True)
class FeatureUse:
    """One feature: accounts entitled to it, those that used it in the window, and their share."""

    feature: str
    entitled: int
    using: int
    penetration: Fraction


@dataclass(frozen=True, slots=True)
class FeatureAdoption:
    """Adoption in the 28 days that end on ``as_of``; ``breadth`` is Σ features used / Σ entitled."""

    as_of: date
    features: tuple[FeatureUse, ...]
    breadth: Fraction | None
    policies: str


@dataclass(frozen=True, slots=True)
class SeatUtilisation:
    """Distinct users in 28 days for each seat, over the accounts of which users are known.

    ``seats`` are seat-days / 28, so that seats bought inside the window weigh by their days.
    ``unknown`` accounts have seats, but no user of theirs was ever seen. Above 1 is allowed.
    """

    as_of: date
    users: int
    seats: Fraction
    share: Fraction | None
    accounts: int
    unknown: int
    policies: str


def feature_adoption(views: Sequence[AccountView], as_of: date, policies: Policies) -> FeatureAdoption:
    """Return penetration by feature, the most widespread first, and breadth."""
    first = window_start(as_of, WINDOW_DAYS)
    products_of: defaultdict[str, set[str]] = defaultdict(set)
    used: dict[int, set[str]] = {}
    for place, view in enumerate(views):
        used[place] = set()
        for day, product, feature in _valid_use(view, as_of):
            products_of[feature].add(product)
            used[place] |= {feature} if day >= first else set()
    entitled = [_entitled(view, as_of, products_of) for view in views]
    features = [_feature(name, entitled, used) for name in products_of]
    held = [one for one in features if one is not None]
    whole = sum(len(names) for names in entitled)
    parts = sum(len(names & used[place]) for place, names in enumerate(entitled))
    ordered = sorted(held, key=lambda one: (-one.penetration, one.feature))
    breadth = Fraction(parts, whole) if whole else None
    return FeatureAdoption(as_of, tuple(ordered), breadth, policies_text(policies))


def _valid_use(view: AccountView, as_of: date) -> list[tuple[date, str, str]]:
    judge = UsageJudge(view.lines)
    return [
        (row.day, row.product_id, row.feature)
        for row in view.facts.usage
        if row.day <= as_of and judge.of_row(row) is UsageVerdict.VALID
    ]


def _entitled(view: AccountView, as_of: date, products_of: Mapping[str, set[str]]) -> set[str]:
    owned = {line.product_id for line in view.open_lines(as_of)}
    return {feature for feature, products in products_of.items() if products & owned}


def _feature(name: str, entitled: Sequence[set[str]], used: Mapping[int, set[str]]) -> FeatureUse | None:
    holders = [place for place, names in enumerate(entitled) if name in names]
    if not holders:
        return None
    using = sum(name in used[place] for place in holders)
    return FeatureUse(name, len(holders), using, Fraction(using, len(holders)))


def seat_utilisation(views: Sequence[AccountView], as_of: date, policies: Policies) -> SeatUtilisation:
    """Return the utilisation of all seats whose users are known."""
    users, seats, accounts, unknown = 0, Fraction(0), 0, 0
    for view in views:
        held = _mean_seats(view, as_of)
        if held <= 0:
            continue
        if view.last_sighting(as_of) is None:
            unknown += 1
            continue
        accounts += 1
        seats += held
        users += view.active_users(as_of, WINDOW_DAYS)
    share = users / seats if seats else None
    return SeatUtilisation(as_of, users, seats, share, accounts, unknown, policies_text(policies))


def _mean_seats(view: AccountView, as_of: date) -> Fraction:
    first = window_start(as_of, WINDOW_DAYS)
    moved = any(first <= edge <= as_of for line in view.lines for edge in (line.start, line.end) if edge)
    if not moved:
        return Fraction(view.seats(as_of))
    return Fraction(sum(view.seats(day) for day in days_between(first, as_of)), WINDOW_DAYS)
