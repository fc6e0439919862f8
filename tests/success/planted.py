"""Made-up account-months from a known hazard, and the ways in which a column could know the outcome.

Independent of the product: plain NumPy and Python. Risk rises with falling utilisation, with tickets and
in the month a term ends; everything else is noise. ``LEAKS`` each add one column ``x`` that nobody could
have known, ``HONEST`` add columns that anybody could.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

ACCOUNTS, MONTHS = 420, 36
TRAIN_TO, TEST_FROM, EMBARGO = 20, 22, 1


@dataclass(frozen=True)
class Planted:
    """Account-months in order of account and month; every array has one value per row."""

    account: np.ndarray
    month: np.ndarray
    age: np.ndarray
    seats: np.ndarray
    active: np.ndarray
    tickets: np.ndarray
    term_end: np.ndarray
    segment: np.ndarray
    label: np.ndarray

    def of_account(self, values: np.ndarray, how: Callable[[np.ndarray], float]) -> np.ndarray:
        """Return a figure over all rows of each account, on every row of it."""
        found = np.array([how(values[self.account == one]) for one in range(ACCOUNTS)])
        return found[self.account.astype(int)]

    def later(self, values: np.ndarray, rows: int, otherwise: np.ndarray) -> np.ndarray:
        """Return the value some rows later in the account, another where there is no such row."""
        moved, same = np.roll(values, -rows), np.roll(self.account, -rows) == self.account
        same[len(same) - rows :] = False
        return np.where(same, moved, otherwise)

    @property
    def leaves(self) -> np.ndarray:
        """Return on every row whether its account ever leaves."""
        return self.of_account(self.label, np.max)

    @property
    def left(self) -> np.ndarray:
        """Return how many rows of the account are still to come."""
        return self.of_account(self.month, np.max) - self.month


@cache
def planted(seed: int = 5) -> Planted:
    """Draw the account-months."""
    draw = np.random.default_rng(seed)
    rows: list[tuple[float, ...]] = []
    for account in range(ACCOUNTS):
        segment = int(draw.integers(0, 3))
        seats = int(5 + draw.gamma(2, 8 * (segment + 1)))
        use, start = draw.normal(0.6, 0.15), int(draw.integers(0, 24))
        for month in range(start, MONTHS):
            age = month - start
            use = 0.9 * use + 0.1 * 0.6 + draw.normal(0, 0.06)
            active = int(draw.binomial(seats, min(max(use, 0.02), 0.98)))
            risk = -4.0 + 9 * (0.55 - use) + (1.8 if age % 12 == 11 else 0.0)
            tickets = int(draw.poisson(0.8 + (0.6 if use < 0.4 else 0.0)))
            gone = draw.random() < 1 / (1 + np.exp(-risk - 0.45 * (tickets - 1)))
            rows.append((account, month, age, seats, active, tickets, age % 12 == 11, segment, gone))
            if gone:
                break
    return Planted(*(np.array(column, dtype=float) for column in zip(*rows, strict=True)))


def _draw(p: Planted, seed: int = 1) -> tuple[np.random.Generator, int]:
    return np.random.default_rng(seed), len(p.label)


def _flagged(share: float, false: float) -> Callable[[Planted], np.ndarray]:
    def make(p: Planted) -> np.ndarray:
        draw, count = _draw(p)
        hit, wrong = draw.random(count) < share, draw.random(count) < false
        return np.where(p.label == 1, hit, wrong).astype(float)

    return make


def _per_account(p: Planted, seed: int = 2) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=ACCOUNTS)[p.account.astype(int)]


def _number_by_outcome(p: Planted) -> np.ndarray:
    leaves = np.array([p.label[p.account == one].max() for one in range(ACCOUNTS)])
    order = np.lexsort((np.random.default_rng(3).random(ACCOUNTS), leaves))
    place = np.empty(ACCOUNTS)
    place[order] = np.arange(ACCOUNTS)
    return place[p.account.astype(int)]


def _status(share: float) -> Callable[[Planted], np.ndarray]:
    def make(p: Planted) -> np.ndarray:
        draw, count = _draw(p)
        quiet = np.where(draw.random(count) < 0.1, "paused", "active")
        return np.where((p.label == 1) & (draw.random(count) < share), "closing", quiet)

    return make


LEAKS: dict[str, Callable[[Planted], np.ndarray]] = {
    "filled in after the event": lambda p: p.label.copy(),
    "filled in for 80 % of the events": _flagged(0.8, 0.002),
    "filled in for 80 % of the events and 2 % of the rest": _flagged(0.8, 0.02),
    "filled in for half of the events and 2 % of the rest": _flagged(0.5, 0.02),
    "filled in for a fifth of the events": _flagged(0.2, 0.0),
    "a number that jumps at the event": lambda p: p.label + _draw(p)[0].normal(0, 0.6, len(p.label)),
    "tickets of the whole lifetime": lambda p: p.of_account(p.tickets, np.sum),
    "mean tickets of the whole lifetime": lambda p: p.of_account(p.tickets, np.mean),
    "final tenure": lambda p: p.of_account(p.age, np.max),
    "use of the whole lifetime, which goes with size": lambda p: p.of_account(p.active, np.sum),
    "what was paid in the whole lifetime, by seat": lambda p: p.seats * (p.of_account(p.age, np.max) + 1),
    "all log-ins of the lifetime": lambda p: np.round(
        np.exp(2 + 0.5 * _per_account(p)) * p.of_account(p.age + 1, np.max)
    ),
    "next month's use": lambda p: p.later(p.active, 1, p.active),
    "next month's use, nothing after the end": lambda p: p.later(p.active, 1, np.zeros(len(p.label))),
    "next month's use per seat": lambda p: p.later(p.active, 1, p.active) / p.seats,
    "use around the month": lambda p: (p.active + p.later(p.active, 1, p.active)) / 2,
    "use in three months": lambda p: p.later(p.active, 3, p.active),
    "an id in the order of outcomes": _number_by_outcome,
    "a text id in the order of outcomes": lambda p: np.array(
        [f"C-{int(one):04d}" for one in _number_by_outcome(p)]
    ),
    "empty only for who leaves": lambda p: np.where(
        p.label == 1, np.nan, _draw(p)[0].normal(size=len(p.label))
    ),
    "empty in all rows of who leaves": lambda p: np.where(p.leaves == 1, np.nan, _per_account(p)),
    "a status of closing": _status(0.9),
    "a status of closing for some": _status(0.3),
    "the CRM's stage of today": lambda p: np.where(p.leaves == 1, "former", "customer"),
    "a mood noted at the end": lambda p: p.leaves + 0.5 * _per_account(p),
    "a flag in the last three months": lambda p: ((p.leaves == 1) & (p.left < 3)).astype(float),
    "the event of the month after": lambda p: p.later(p.label, 1, np.zeros(len(p.label))),
    "months until the last row": lambda p: p.left,
    "a balance that goes to nothing": lambda p: np.where(p.label == 1, 0, np.exp(6 + 2 * _per_account(p))),
}


def honest(p: Planted) -> dict[str, np.ndarray]:
    """Return columns that were known at the time, strong ones among them."""
    draw, count = _draw(p, 9)
    before = np.where(np.roll(p.account, 1) == p.account, np.roll(p.active, 1), np.nan)
    start = p.month - p.age
    totals = np.cumsum(p.tickets)
    first = np.concatenate(([0], np.flatnonzero(np.diff(p.account)) + 1))
    offset = np.repeat(totals[first] - p.tickets[first], np.diff(np.append(first, count)))
    return {
        "active_before": before,
        "tickets_so_far": totals - offset,
        "start_month": start,
        "months_to_term_end": 11 - p.age % 12,
        "days_to_term_end": np.round((11 - p.age % 12) * 30.44),
        "account_number": draw.permutation(ACCOUNTS)[p.account.astype(int)].astype(float),
        "region": np.array([f"r{one}" for one in draw.integers(0, 12, ACCOUNTS)])[p.account.astype(int)],
        "arr": p.seats * np.where(p.segment == 0, 3600, 2400),
        "sponsor_left": np.where(p.label == 1, draw.random(count) < 0.2, draw.random(count) < 0.01),
        "nps": np.where(draw.random(count) < 0.6, np.nan, np.round(draw.normal(7.5 - p.label, 1.5))),
        "utilisation": p.active / p.seats,
    }
