"""What an alarm would have been worth: how early it came, and how often for nothing.

An account turns red where its risk reaches the alarm level, which training sets, and stays red while
it does. Neighbour: ``report`` asks with the rows of the test.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from success.backtest.table import FactsTable, Floats, Mask

DAYS_OF_MONTH = 30.4375


@dataclass(frozen=True, slots=True)
class Alarms:
    """Alarms over the test, times in ``unit`` (``days`` or ``months``).

    ``events`` are events, not rows; ``warned`` those whose account was red when its last row before
    them came, ``lead_time`` the median from its turning red to the event. An alarm is false when no
    event of the account follows before it ends or within the horizon.
    """

    unit: str
    events: int
    warned: int
    lead_time: float | None
    alarms: int
    false_alarms: int
    csm_months: float
    false_alarms_per_csm_month: float | None


def alarms_of(
    table: FactsTable, risk: Floats, level: float, rows: Mask, horizon: int, accounts_per_csm: int
) -> Alarms:
    """Return the worth of alarming at ``level`` and above over ``rows``, which are those of the test."""
    seen = np.flatnonzero(rows)
    red = risk[seen] >= level
    same = np.concatenate(([False], table.groups[seen][1:] == table.groups[seen][:-1]))
    before_red = np.concatenate(([False], red[:-1])) & same
    turned = red & ~before_red
    since = np.maximum.accumulate(np.where(turned, np.arange(len(seen)), 0))
    labels = table.labels[seen] == 1
    follows = np.concatenate((same[1:], [False]))
    last = labels & ~(np.concatenate((labels[1:], [False])) & follows)
    warned = last & red
    ahead = table.times[seen] - table.times[seen][since] + min(table.step, max(horizon, 1))
    good = np.bincount(since[red], weights=labels[red].astype(float), minlength=len(seen))[turned] > 0
    months = len(seen) * table.step / (DAYS_OF_MONTH if table.days else 1.0) / accounts_per_csm
    false = int((~good).sum())
    return Alarms(
        "days" if table.days else "months",
        int(last.sum()),
        int(warned.sum()),
        float(np.median(ahead[warned])) if warned.any() else None,
        int(turned.sum()),
        false,
        float(months),
        false / months if months > 0 else None,
    )
