"""Which scorecard is an account's: the first for its segment and stage, else the default (domain C.1).

Neighbours: ``health`` scores by it; segment and stage are those the fold holds.
"""

from __future__ import annotations

from success.rules import Rules, Scorecard


def card_for(rules: Rules, segment: str | None, stage: str | None) -> Scorecard:
    """Return the scorecard for an account of a segment in a stage; None is one that nobody knows.

    A scorecard for named segments (or stages) fits only an account known to be in one of them.
    """
    fitting = (card for card in rules.scorecards if _fits(card, segment, stage))
    return next(fitting, rules.scorecard)


def _fits(card: Scorecard, segment: str | None, stage: str | None) -> bool:
    return (not card.segments or segment in card.segments) and (not card.stages or stage in card.stages)
