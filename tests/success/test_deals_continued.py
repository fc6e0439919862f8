"""Which earlier deals a renewal or an expansion goes on with, as far as deals sold what it continues."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from success.facts import DealState
from success.fold import FoldState
from tests.success.builders import deal, facts, line
from tests.success.test_deal_lines import OPENING, decided

ENDS = date(2026, 1, 1)
OLD = line("L1", start=date(2025, 1, 1), end=ENDS, booked_on=date(2024, 12, 20), deal_id="006A")
NEW = line("L2", start=date(2025, 1, 1), end=ENDS, booked_on=date(2025, 2, 1), deal_id="006B")


def test_the_latest_deal_leads_and_each_is_named_once() -> None:
    """One deal sold two of the lines, the later one the third; a contract's line was sold by none."""
    lines = [OLD, replace(OLD, line_id="L3"), NEW, replace(NEW, line_id="L4", deal_id=None)]
    found, _ = decided(facts(lines), FoldState.empty(), OPENING)
    assert found.continues == ("006B", "006A")


def test_a_renewal_that_is_closed_continues_nothing_any_more() -> None:
    """Nothing is to be copied to a deal that is lost."""
    first, state = decided(facts([OLD]), FoldState.empty(), OPENING)
    lost = deal("006R", state=DealState.LOST, kind="renewal", cs_key=first.key)
    found, _ = decided(facts([OLD], deals=[lost]), state, date(2025, 11, 2))
    assert (first.continues, found.continues) == (("006A",), ())
