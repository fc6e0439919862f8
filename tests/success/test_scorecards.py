"""An account is scored by the first scorecard that is for its segment and stage."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from success.criteria import Segmentation, SegmentRule
from success.decide import advance, decide
from success.fold import FoldState
from success.human_inputs import HumanInputs, Pin
from success.rules import Scorecard
from success.scorecards import card_for
from tests.success.builders import counts, facts, line, rules, scorecard, seen

DAY = date(2024, 6, 30)


def card(key: str, points: int, segments: str = "", stages: str = "") -> Scorecard:
    """Return a scorecard that gives everybody so many points, for the named segments and stages."""
    named = frozenset(segments.split()), frozenset(stages.split())
    base = replace(scorecard(counts("seats", 1, (0, points))), key=key)
    return replace(base, segments=named[0], stages=named[1])


SEGMENTS = Segmentation(
    1, 0, tuple(SegmentRule(key, key.title()) for key in ("smb", "strategic", "enterprise"))
)
CHARTER = rules(
    segmentation=SEGMENTS,
    scorecard=card("rest", 10),
    scorecards=(
        card("big_new", 20, "enterprise", "onboarding"),
        card("big", 30, "enterprise strategic"),
        card("new", 40, "", "onboarding"),
    ),
)


def pinned(segment: str) -> HumanInputs:
    """Return a pin to a segment, in force all through."""
    return HumanInputs(segment_pin=Pin(segment, date(2024, 1, 1), date(2025, 1, 1)))


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


def test_an_account_is_scored_where_it_stands() -> None:
    """A look scores by the segment and the stage that stand, and the profile names the scorecard."""
    account = facts([line()])
    found = decide(FoldState.empty(), replace(account, human=pinned("strategic")), CHARTER, DAY)
    assert (found.health.points, found.health.scorecard) == (30_000, "big@1")
    assert found.records[0].fields["scorecard"] == "big@1"
    assert decide(FoldState.empty(), account, CHARTER, DAY).health.points == 10_000


def test_the_fold_holds_the_band_of_the_accounts_own_scorecard() -> None:
    """A customer who is green by the scorecard of its segment is green in the fold as well."""
    charter = replace(CHARTER, scorecards=(card("big", 90, "enterprise"),))
    account = replace(facts([line()]), human=pinned("enterprise"))
    state = advance(FoldState.empty(), account, charter, DAY)
    assert state.band is not None
    assert state.band.value == "green"


@pytest.mark.parametrize(("segment", "proposed"), [("enterprise", True), ("smb", False)])
def test_poor_health_holds_an_expansion_back_by_the_accounts_own_scorecard(
    segment: str, proposed: bool
) -> None:
    """Ten points by the scorecard for the rest suppress what ninety by its segment's do not."""
    trigger = replace(rules().expansion, suppress_when="health < 50.0", days=1, window_days=1)
    charter = replace(CHARTER, scorecards=(card("big", 90, "enterprise"),), expansion=trigger)
    account = facts([line()], presence=(seen(DAY, "abcdefghij"),))
    account = replace(account, human=pinned(segment))
    state = advance(FoldState.empty(), account, charter, DAY + timedelta(days=1))
    assert bool(state.expansions) is proposed
