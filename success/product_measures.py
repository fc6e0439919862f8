"""What is measured of one product of an account: the words that rules of adoption read (domain C15, K10).

Windows end on the day asked about, that day included; only valid use counts. Where the product sends
nothing, use is unknown, not zero, as for the account's own ``measures``.
"""

from __future__ import annotations

from datetime import date
from fractions import Fraction

from success.days import window_start
from success.measures import MONTH_DAYS
from success.view import AccountView
from success.words import Word


def words_of_product(view: AccountView, product_id: str, day: date) -> dict[str, Word]:
    """Return the words for one product on a day; what is not known has none."""
    words: dict[str, Word] = {"product.id": product_id, "product.seats": view.seats(day, product_id)}
    starts = [line.start for line in view.recurring if line.product_id == product_id and line.start <= day]
    if starts:
        words["product.days_since_start"] = (day - min(starts)).days
    return words | _use(view, product_id, day) | _people(view, product_id, day)


def _use(view: AccountView, product_id: str, day: date) -> dict[str, Word]:
    usage = view.usage_of(product_id)
    if not view.facts.usage_seen and usage.last_day(day) is None:
        return {}
    first = window_start(day, MONTH_DAYS)
    return {
        "product.usage_events_28d": usage.total(first, day),
        "product.active_days_28d": usage.active_days(first, day),
        "product.feature_breadth_28d": len(usage.features(first, day)),
        "product.usage_total": usage.total(date.min, day),
    }


def _people(view: AccountView, product_id: str, day: date) -> dict[str, Word]:
    """Return active users and their share of the seats; unknown while none of the product was ever seen."""
    first = view.first_sightings.get(product_id)
    if first is None or first > day:
        return {}
    users, seats = view.active_users(day, MONTH_DAYS, product_id), view.seats(day, product_id)
    words: dict[str, Word] = {"product.active_users_28d": users}
    if seats > 0:
        words["product.seat_utilisation"] = float(Fraction(users, seats))
    return words
