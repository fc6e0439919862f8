"""Where a portfolio's accounts stand: by segment, by stage, and who moved in a period; reads only.

Neighbours: ``numbers`` assembles the portfolio, ``success.standing_counts`` counts, and
``commands/metrics.py`` prints.
"""

from __future__ import annotations

from datetime import date

from success.decide import standing
from success.standing_counts import StandingCounts, standing_counts
from success.view import AccountView
from sync.numbers import Portfolio
from sync.workspace import Workspace


def standings(ws: Workspace, found: Portfolio, start: date) -> StandingCounts:
    """Return the portfolio by segment and stage as of its day, with the moves since ``start``."""
    views = {key: AccountView(one, ws.rules) for key, one in found.facts.items()}
    stands = {key: standing(found.states[key], view, found.as_of) for key, view in views.items()}
    return standing_counts(views, stands, ws.rules, (start, found.as_of))
