"""Which segment an account is in (domain C02): ordered rules, a margin, a hold, and pins that end.

The first segment whose criterion holds is the one. Where that hangs on something unknown the account
stays where it is, so that a gap in the data moves nobody; one that never had a segment is ``unknown``
until more is known. Neighbours: ``standing`` judges one rule and holds what all of them ask.
"""

from __future__ import annotations

from datetime import date

from success.criteria import UNKNOWN, Segmentation, SegmentRule
from success.holding import Held
from success.measures import MeasureBook
from success.standing import Standing, held_before, in_force, kept, settled
from success.standing_findings import single_attributes
from success.view import AccountView
from success.words import ATTRIBUTES, SEGMENT


def asked(segmentation: Segmentation, current: str | None, book: MeasureBook) -> str:
    """Return the segment the rules ask for, for an account that is in ``current``."""
    for rule in segmentation.segments:
        found = kept(rule, current, book)
        if found is None:
            return current or UNKNOWN
        if found:
            return rule.key
    return current or UNKNOWN


def step(view: AccountView, before: Standing, book: MeasureBook, day: date) -> tuple[Held, bool]:
    """Return the segment after a day, with all it was before, and whether a pin set it."""
    segmentation = view.rules.segmentation
    keys = [rule.key for rule in segmentation.segments]
    pin = in_force(view.facts.human.segment_pin, day, keys)
    current = held_before(before.segment, keys, pinned=SEGMENT in before.pinned)
    single = book.saying({ATTRIBUTES: single_attributes(view)})
    wanted = pin or asked(segmentation, current, single)
    held = settled(before.segment, current, wanted, pin, day, segmentation.hold_days)
    return held, pin is not None


def rule_of(segmentation: Segmentation, key: str) -> SegmentRule | None:
    """Return the rule of a segment; None where the charter has none such, as for ``unknown``."""
    return next((rule for rule in segmentation.segments if rule.key == key), None)
