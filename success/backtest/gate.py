"""The gate: what a score or model must show before it may be activated (domain C.6 e, g).

Every reason is a sentence with its figures; none is waived here. Neighbour: ``run`` asks.
"""

from __future__ import annotations

from collections.abc import Iterator

from success.backtest.baselines import BASE_RATE, TENURE, USAGE
from success.backtest.report import Baseline, Fit, Measured, PartCounts

FEWEST_EVENTS = 20
TOO_GOOD = 0.97
HALF = 0.5
FREE = (TENURE, USAGE)
"""Baselines anybody has without a model: a lead over them must be more than chance."""
SHUFFLED_OFF = 0.05
SHUFFLED_ERRORS = 4.0


def refusals(measured: Measured, train: PartCounts, test: PartCounts, fit: Fit | None) -> tuple[str, ...]:
    """Return why it must not be activated; empty where nothing stands against it."""
    scarce = too_few(train, test)
    found = [] if scarce is None else [scarce]
    if measured.auc is None:
        return tuple(found) or ("there is no AUC: the test has events only, or none",)
    found += _of_ranking(measured)
    found += _of_baselines(measured)
    if fit is not None:
        found += _of_shuffling(fit, test)
    return tuple(found)


def too_few(train: PartCounts, test: PartCounts) -> str | None:
    """Return the refusal for want of events; None where training and test have enough."""
    fewest = min(train.events, test.events)
    if fewest == 0:
        return "insufficient events: 0"
    if fewest < FEWEST_EVENTS:
        return (
            f"insufficient evidence: {train.events} events in training and {test.events} in the test, "
            f"at least {FEWEST_EVENTS} are needed in each; keep expert weights"
        )
    return None


def passed(measured: Measured) -> tuple[str, ...]:
    """Return what speaks for a score against which nothing stands."""
    area = measured.auc
    if area is None:
        return ()
    against = ", ".join(f"{name} {one.auc:.4f}" for name, one in measured.baselines.items())
    ranks = f"AUC {area.value:.4f} with the interval {area.low:.4f} to {area.high:.4f} above 0.5"
    return (f"{ranks}, and better than every baseline ({against})",)


def _of_ranking(measured: Measured) -> Iterator[str]:
    area = measured.auc
    if area is None:
        return
    if area.low <= HALF <= area.high:
        yield f"the AUC interval includes 0.5: {area.value:.4f} ({area.low:.4f} to {area.high:.4f})"
    elif area.high < HALF:
        yield f"it ranks the wrong way round: AUC {area.value:.4f}, the interval ends at {area.high:.4f}"
    if area.value > TOO_GOOD:
        yield (
            f"AUC {area.value:.4f} is too good to be believed; two columns together may know the outcome, "
            "look at them"
        )


def _of_baselines(measured: Measured) -> Iterator[str]:
    for name, one in _baselines(measured):
        if measured.auc is not None and one.auc >= measured.auc.value:
            yield f"the {name} baseline is better: AUC {one.auc:.4f} against {measured.auc.value:.4f}"
        elif name in FREE and _by_chance(one):
            yield f"it is not shown to be better than the {name} baseline {_lead(one)}"


def doubts(measured: Measured) -> tuple[str, ...]:
    """Return what does not forbid activation and should be known: leads that may be chance."""
    return tuple(
        f"it may be no better than the {name} baseline {_lead(one)}"
        for name, one in _baselines(measured)
        if name not in FREE and one.lead > 0 and _by_chance(one)
    )


def _by_chance(one: Baseline) -> bool:
    return one.lead_low is not None and one.lead_low <= 0


def _lead(one: Baseline) -> str:
    spread = f"{one.lead_low:.4f} to {one.lead_high:.4f}"
    return f"(AUC {one.auc:.4f}): the interval of its lead, {spread}, includes 0"


def _baselines(measured: Measured) -> Iterator[tuple[str, Baseline]]:
    return ((name, one) for name, one in measured.baselines.items() if name != BASE_RATE)


def _of_shuffling(fit: Fit, test: PartCounts) -> Iterator[str]:
    """Yield a fault of the fitting itself: on shuffled labels nothing can be learned."""
    if not fit.permuted_auc or not test.events:
        return
    mean = sum(fit.permuted_auc) / len(fit.permuted_auc)
    error = (12 * test.events * len(fit.permuted_auc)) ** -0.5
    if abs(mean - HALF) > max(SHUFFLED_OFF, SHUFFLED_ERRORS * error):
        yield f"refits on shuffled labels still rank (AUC {mean:.4f}): outcomes reach the model"
