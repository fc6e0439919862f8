"""An account is scored by the first scorecard that is for its segment and stage."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from success.decide import advance, decide
from success.fold import FoldState
from success.holding import Change, Held
from success.rules import Scorecard
from success.scorecards import card_for
from tests.success.builders import counts, facts, line, rules, scorecard, seen

DAY = date(2024, 6, 30)


def card(key: str, points: int, segments: str = "", stages: str = "") -> Scorecard:
    """Return a scorecard that gives everybody so many points, for the named segments and stages."""
    named = frozenset(segments.split()), frozenset(stages.split())
    base = replace(scorecard(counts("seats", 1, (0, points))), key=key)
    return replace(base, segments=named[0], stages=named[1])


CHARTER = rules(
    scorecard=card("rest", 10),
    scorecards=(
        card("big_new", 20, "enterprise", "onboarding"),
        card("big", 30, "enterprise strategic"),
        card("new", 40, "", "onboarding"),
    ),
)


@pytest.mark.parametrize(
    ("segment", "stage", "key"),
    [
        ("enterprise", "onboarding", "big_new"),
        ("enterprise", "customer", "big"),
        ("strategic", "onboarding", "big"),
        ("smb", "onboarding", "new"),
        (None, "onboarding", "new"),
        ("enterprise", None, "big"),
        ("smb", "customer", "rest"),
        (None, None, "rest"),
    ],
)
def test_the_first_that_fits_counts(segment: str | None, stage: str | None, key: str) -> None:
    """In the charter's order; one that asks for what is not known of an account does not fit it."""
    assert card_for(CHARTER, segment, stage).key == key


def test_the_fold_says_which_scorecard_it_is() -> None:
    """A look scores by the segment and the stage that stand, and the profile names the scorecard."""
    account = facts([line()])
    held = {"segment": Held((Change(DAY, "strategic"),)), "stage": Held((Change(DAY, "onboarding"),))}
    found = decide(replace(FoldState.empty(), **held), account, CHARTER, DAY)
    assert (found.health.points, found.health.scorecard) == (30_000, "big@1")
    assert found.records[0].fields["scorecard"] == "big@1"
    assert decide(FoldState.empty(), account, CHARTER, DAY).health.points == 10_000


def test_the_fold_holds_the_band_of_the_accounts_own_scorecard() -> None:
    """A customer who is green by the scorecard of its segment is green in the fold as well."""
    charter = replace(CHARTER, scorecards=(card("big", 90, "enterprise"),))
    begun = replace(FoldState.empty(), segment=Held((Change(DAY, "enterprise"),)))
    state = advance(begun, facts([line()]), charter, DAY)
    assert state.band is not None
    assert state.band.value == "green"


@pytest.mark.parametrize(("segment", "proposed"), [("enterprise", True), ("smb", False)])
def test_poor_health_holds_an_expansion_back_by_the_accounts_own_scorecard(
    segment: str, proposed: bool
) -> None:
    """Ten points by the scorecard for the rest suppress what ninety by its segment's do not."""
    trigger = replace(rules().expansion, suppress_when="health < 50.0", days=1, window_days=1)
    charter = replace(CHARTER, scorecards=(card("big", 90, "enterprise"),), expansion=trigger)
    begun = replace(FoldState.empty(), segment=Held((Change(DAY, segment),)))
    account = facts([line()], presence=(seen(DAY, "abcdefghij"),))
    state = advance(begun, account, charter, DAY + timedelta(days=1))
    assert bool(state.expansions) is proposed
