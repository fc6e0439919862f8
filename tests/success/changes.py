"""What the tests of the change of health share: a day, segments with scorecards, and overrides."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from success.facts import AccountFacts
from success.health import Contribution, HealthResult, Standing, band_of, score
from success.human_inputs import HumanInputs, Override, OverrideKind
from success.measures import MeasureValue
from success.rules import Rules, Scorecard
from tests.success.builders import counts, scorecard

FIRST = date(2024, 3, 1)
DAY = timedelta(days=1)
POINTS = 1000
CSAT = counts("csat_90d", 50, (1, 0), (5, 100))


def by_segment(book: Rules, segment: str | None, _stage: str | None) -> Scorecard:
    """Return the card of large customers, who are not asked for use, or everybody's."""
    return scorecard(CSAT) if segment == "large" else book.scorecard


def with_override(account: AccountFacts, card: Scorecard, measures: Any, as_of: date) -> HealthResult:
    """Score, and let a value set by a person stand for it while it is in force."""
    result, word = score(account, card, measures, as_of), account.human.override
    if (
        word is None
        or not word.made_on <= as_of < word.until
        or any(part.group == "override" for part in result.contributions)
    ):
        return result
    added = word.points - (result.points or 0)
    part = Contribution(
        "override", word.reason, "override", Standing.CAP, added, 0, 0, word.points, MeasureValue(True, as_of)
    )
    parts = (*result.contributions, part)
    return replace(result, points=word.points, band=band_of(word.points, card.bands), contributions=parts)


def override(points: int, made_on: date, lasting: int = 30) -> HumanInputs:
    """Return a person's score."""
    word = Override(
        OverrideKind.VALUE, points * POINTS, "They told me they stay", "ann", made_on, made_on + lasting * DAY
    )
    return HumanInputs(override=word)
