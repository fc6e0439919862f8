"""What any score has to be better than: base rate, tenure, recent use, and the score in use (domain C.6 e).

Each is one number known at the row, its direction that of the training rows, so that none has an
advantage or is made weak. Neighbour: ``report`` compares.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from success.backtest.ranking import auc
from success.backtest.table import FactsTable, Floats, Mask

HALF = 0.5
BASE_RATE, TENURE, USAGE, USAGE_PER_SEAT, SCORE = (
    "base_rate",
    "tenure",
    "usage_last_30_days",
    "usage_per_seat",
    "existing_score",
)


@dataclass(frozen=True, slots=True)
class Roles:
    """Which columns mean something by themselves; None where the file has none."""

    tenure: str | None = None
    usage: str | None = None
    seats: str | None = None
    score: str | None = None
    arr: str | None = None
    segment: str | None = None


WORDS = {
    "tenure": ("tenure", "age", "age_months", "age_days", "tenure_months", "tenure_days", "days_since_start"),
    "usage": (
        "usage_last_30_days",
        "usage_30d",
        "usage_28d",
        "usage_events_28d",
        "active_users",
        "active_users_28d",
        "usage",
        "logins",
        "events",
    ),
    "seats": ("seats", "licences", "licenses", "purchased_seats"),
    "score": ("health_score", "existing_score", "cs_health_score"),
    "arr": ("arr", "arr_amount", "mrr", "mrr_amount"),
    "segment": ("segment", "cs_segment"),
}
"""Names a column is known by, the surest first, where nobody names it."""

PARTS_OF_WORDS = {
    "tenure": ("tenure", "account_age", "since_sign", "since_start", "months_active"),
    "usage": ("usage_last", "usage_30", "usage_28", "active_users", "logins_30", "events_30"),
}
"""What such a name may hold, where none of the others is there."""


def roles_of(names: tuple[str, ...], named: Roles) -> Roles:
    """Return the columns' roles: those named, else those known by their names.

    Raises ValueError for a named column the file does not have.
    """
    found: dict[str, str | None] = {}
    lower = {name.lower(): name for name in reversed(names)}
    for role, words in WORDS.items():
        given = getattr(named, role)
        if given is not None and given not in names:
            raise ValueError(
                f"--{role} names the column {given!r}, which is not among {', '.join(names)}; correct it"
            )
        whole = (lower[word] for word in words if word in lower)
        found[role] = given or next(whole, None) or _by_part(lower, PARTS_OF_WORDS.get(role, ()))
    return Roles(**found)


def _by_part(lower: dict[str, str], parts: tuple[str, ...]) -> str | None:
    return next((lower[name] for part in parts for name in sorted(lower) if part in name), None)


def baselines_of(
    table: FactsTable, roles: Roles, train: Mask, blocked: frozenset[str]
) -> tuple[dict[str, Floats], list[str]]:
    """Return each baseline's risk for every row, and what is to be said of those there are not."""
    found: dict[str, Floats] = {BASE_RATE: np.zeros(len(table))}
    notes: list[str] = []
    named = roles.tenure if roles.tenure not in blocked else None
    raw = {TENURE: table.elapsed.astype(float) if named is None else table.column(named).values}
    if named is None:
        notes.append("no column tells tenure, so it is counted from the account's first row")
    raw |= _usage(table, roles, blocked, notes)
    if roles.score is not None and roles.score not in blocked:
        raw[SCORE] = table.column(roles.score).values
    for name, values in raw.items():
        found[name] = directed(values, table, train)
    return found, notes


def _usage(table: FactsTable, roles: Roles, blocked: frozenset[str], notes: list[str]) -> dict[str, Floats]:
    if roles.usage is None or roles.usage in blocked:
        notes.append("no column tells recent use, so there is no such baseline; name one with --usage")
        return {}
    usage = table.column(roles.usage).values
    found = {USAGE: usage}
    per = per_seat(table, roles, blocked)
    return found if per is None else {**found, USAGE_PER_SEAT: per}


def per_seat(table: FactsTable, roles: Roles, blocked: frozenset[str]) -> Floats | None:
    """Return use per seat, NaN without seats; None where the file has not both."""
    if roles.usage is None or roles.seats is None or blocked & {roles.usage, roles.seats}:
        return None
    usage, seats = table.column(roles.usage), table.column(roles.seats)
    if usage.levels or seats.levels:
        return None
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(seats.values > 0, usage.values / seats.values, np.nan)


def directed(values: Floats, table: FactsTable, train: Mask) -> Floats:
    """Return values as a risk: turned round where low ones went with events in training.

    Gaps are put in the middle of what training knew.
    """
    known = train & ~np.isnan(values)
    middle = float(np.median(values[known])) if known.any() else 0.0
    filled = np.where(np.isnan(values), middle, values)
    area = auc(table.labels[train] == 1, filled[train])
    return -filled if area is not None and area < HALF else filled
