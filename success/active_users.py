"""Distinct users of one account over a window: the union of its days, never their sum (domain C16).

Exact for the users the product names on days under contract. Events without a user are nobody's, so beside
them the figure is a lower bound. Neighbours: ``view`` merges the days, ``measures`` lists these.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from success.days import window_start
from success.support import Reading
from success.view import AccountView


def active_users(days: int) -> Callable[[AccountView, date], Reading | None]:
    """Return the measure of distinct users in the window of so many days that ends on ``as_of``.

    Unknown without a contract in the window, where nobody was named although the product was used, and
    where presence of the window's first day is no longer kept: a window of 90 days is exact up to 30 days
    back when 120 are kept.
    """

    def measured(view: AccountView, as_of: date) -> Reading | None:
        first = window_start(as_of, days)
        kept = view.facts.presence_from
        if (kept is not None and first < kept) or not view.contracted_within(first, as_of):
            return None
        seen = view.active_users(as_of, days)
        if seen:
            last = view.last_sighting(as_of)
            return Reading(seen, as_of if view.facts.usage_seen or last is None else last)
        silent = view.facts.usage_seen and view.usage.active_days(first, as_of) == 0
        return Reading(0, as_of) if silent else None

    return measured
