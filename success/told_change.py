"""Why health is another than before its band began, as it stands on the record.

Neighbours: ``anchors`` has the day it is told from, ``change`` finds the causes, ``explain_change`` has the
words, ``records`` writes them.
"""

from __future__ import annotations

from collections.abc import Mapping

from success.anchors import Anchor, facts_then
from success.change import Change, Side, change
from success.explain_change import change_on_record
from success.facts import AccountFacts
from success.health import HealthResult
from success.rules import Rules
from success.wording.words import Words
from success.words import SEGMENT, STAGE, Word


def told_change(then: Anchor | None, now: Side, earlier: Mapping[str, Rules]) -> str:
    """Return the change since a day remembered, in the language of the rules of now.

    ``earlier`` are the rules of charters in force before, by hash. Empty without a day to tell it from, and
    where the charter of that day is not among them.
    """
    found = change_since(then, now, earlier)
    return "" if found is None else change_on_record(found, Words(now.rules.language))


def change_since(then: Anchor | None, now: Side, earlier: Mapping[str, Rules]) -> Change | None:
    """Return the change since a day remembered, None where it cannot be told."""
    if then is None:
        return None
    rules = now.rules if then.charter_hash == now.rules.charter_hash else earlier.get(then.charter_hash)
    return None if rules is None else change(_side(then, now.facts, rules), now)


def _side(then: Anchor, facts: AccountFacts, rules: Rules) -> Side:
    account = facts.account.account_id
    kept = HealthResult(
        account, then.scorecard, then.day, then.points, then.band, then.coverage, then.contributions, ()
    )
    segment, stage = (_text(then.words.get(name)) for name in (SEGMENT, STAGE))
    was = facts_then(then, facts, rules.time_zone)
    return Side(was, rules, then.day, segment, stage, then.band, then.words, kept)


def _text(word: Word | None) -> str | None:
    return word if isinstance(word, str) else None
