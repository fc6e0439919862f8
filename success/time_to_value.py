"""Time to value and activation (K7, K8): how long accounts take to their first valid use.

Accounts that have not got there yet are censored at the day asked about, never dropped: the
median and the share are those of the Kaplan-Meier estimator of ``lifelines``. It is imported
on use, because it brings pandas and scipy. Neighbour: ``view`` judges which use is valid.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from math import isinf
from statistics import median

from success.ledger import policies_text
from success.policies import Clock, Policies
from success.view import AccountView

DIGITS = 12


@dataclass(frozen=True, slots=True)
class Wait:
    """One account's way to value: ``days`` until it was reached, else until the day asked about.

    ``early``: the first use came before the clock started (a pilot), which counts as 0 days.
    """

    account_id: str
    started_on: date
    reached_on: date | None
    days: int
    early: bool


@dataclass(frozen=True, slots=True)
class TimeToValue:
    """Time to first value of all accounts whose clock has started; days and shares.

    ``naive_median`` leaves out who has not got there and flatters; ``median`` is None where
    fewer than half are estimated to get there. ``share_within`` is estimated for ``target_days``.
    """

    as_of: date
    accounts: int
    reached: int
    early: int
    naive_median: Fraction | None
    median: int | None
    target_days: int
    share_within: float | None
    policies: str


@dataclass(frozen=True, slots=True)
class Activation:
    """Accounts activated within ``days`` of their start, of those that have had so many days."""

    as_of: date
    days: int
    activated: int
    eligible: int
    share: Fraction | None
    policies: str


def waits(views: Iterable[AccountView], as_of: date, clock: Clock) -> tuple[Wait, ...]:
    """Return the way of every account whose clock started by a day."""
    found = []
    for view in views:
        start = clock_start(view, as_of, clock)
        if start is None or start > as_of:
            continue
        used = view.usage.days[0] if view.usage.days and view.usage.days[0] <= as_of else None
        days = ((used or as_of) - start).days
        early = used is not None and days < 0
        found.append(Wait(view.facts.account.account_id, start, used, max(0, days), early))
    return tuple(sorted(found, key=lambda wait: wait.account_id))


def clock_start(view: AccountView, as_of: date, clock: Clock) -> date | None:
    """Return the day a clock starts for an account, None where it has not."""
    if clock is Clock.ACCOUNT_CREATED:
        return view.facts.account.created_on
    if clock is Clock.SIGNATURE:
        signed = [line.booked_on for line in view.recurring if line.booked_on and line.booked_on <= as_of]
        return min(signed, default=None)
    return view.started_on(as_of)


def time_to_value(found: Sequence[Wait], as_of: date, policies: Policies) -> TimeToValue:
    """Return the median time to value and the share that gets there within the charter's target."""
    reached = [wait.days for wait in found if wait.reached_on is not None]
    middle, within = _kaplan_meier(found, policies.value_days) if found else (None, None)
    return TimeToValue(
        as_of=as_of,
        accounts=len(found),
        reached=len(reached),
        early=sum(wait.early for wait in found),
        naive_median=Fraction(median(reached)) if reached else None,
        median=middle,
        target_days=policies.value_days,
        share_within=within,
        policies=policies_text(policies),
    )


def activation(found: Iterable[Wait], as_of: date, policies: Policies) -> Activation:
    """Return the share activated in time; accounts too young to tell are on neither side."""
    days = policies.activation_days
    eligible = [wait for wait in found if (as_of - wait.started_on).days >= days]
    activated = sum(wait.reached_on is not None and wait.days <= days for wait in eligible)
    share = Fraction(activated, len(eligible)) if eligible else None
    return Activation(as_of, days, activated, len(eligible), share, policies_text(policies))


def _kaplan_meier(found: Sequence[Wait], target_days: int) -> tuple[int | None, float]:
    from lifelines import KaplanMeierFitter

    fitted = KaplanMeierFitter().fit(
        [wait.days for wait in found], [wait.reached_on is not None for wait in found]
    )
    middle = float(fitted.median_survival_time_)
    waiting = float(fitted.survival_function_at_times([target_days]).iloc[0])
    return None if isinf(middle) else int(middle), round(1 - waiting, DIGITS)
