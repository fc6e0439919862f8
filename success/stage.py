"""The journey stage of an account and the trend of its use (domain C24, D.2, C.4).

Stages follow the ledger and the plan's evidence, never activity or the calendar alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from fractions import Fraction

from success.plans import MilestoneState, MilestoneStatus
from success.slope import relative_use_slope
from success.view import AccountView

WEEKS = 8
# A change of less than this share of the mean per week is flat.
FLAT_SHARE = Fraction(1, 20)


class Stage(StrEnum):
    """Where an account stands in its journey."""

    PROSPECT = "prospect"
    ONBOARDING = "onboarding"
    ADOPTING = "adopting"
    CUSTOMER = "customer"
    CHURNED = "churned"


class Trend(StrEnum):
    """The direction of use over eight weeks."""

    UP = "up"
    FLAT = "flat"
    DOWN = "down"
    UNKNOWN = "unknown"


def stage(view: AccountView, milestones: Sequence[MilestoneStatus], as_of: date) -> Stage:
    """Return the stage on a day.

    Prospect: nothing recurring has begun. Churned: no recurring line is open. Onboarding:
    a milestone of the plan's first phase is not reached. Adopting: a later one is not.
    Customer: the plan is complete, or the account began before plans were kept.
    """
    if view.started_on(as_of) is None:
        return Stage.PROSPECT
    if not view.open_lines(as_of):
        return Stage.CHURNED
    waiting = {found.rule.phase for found in milestones if found.status is not MilestoneState.DONE}
    if not waiting:
        return Stage.CUSTOMER
    return Stage.ONBOARDING if milestones[0].rule.phase in waiting else Stage.ADOPTING


def trend(view: AccountView, as_of: date) -> Trend:
    """Return the direction of weekly use over the 8 weeks that end on a day.

    The slope is the robust median of pairs (Theil-Sen) against the mean week. Unknown
    without any use in them or without a contract throughout them.
    """
    relative = relative_use_slope(view, as_of, WEEKS)
    if relative is None:
        return Trend.UNKNOWN
    if abs(relative) < FLAT_SHARE:
        return Trend.FLAT
    return Trend.UP if relative > 0 else Trend.DOWN
