"""Why health changed between two moments: the difference as a sum of causes, exact to the thousandth.

Health is scored again on the way from the one moment to the other, one input moved at a time; what a step
moved is its cause's. A sum of steps is the whole way, so the parts are the change itself, and each step's
own parts are the differences of contributions, which sum to the score (domain C.8).

The order is fixed, and reads like what a CSM would ask in turn:

1. **ageing**: the later day. A measure that moved just as it would have with nothing new has aged.
2. **data**: the later facts. Every other measure moved by what was heard, its whole way: use that went on
   as before would otherwise first age to nothing and then come back, two causes for what stood still.
   What the plan has come to since is news too.
3. **missing**: which measures are known at all. Up to here each measure is known or missing as at first, so
   what is left is weight that moved because one became known or went missing, and what stands in for it.
4. **weights**: the later charter, as the segment and stage of before are scored by it.
5. **segment**: the later segment and stage, where they have another scorecard.
6. **override**: the score a person set. The one of before stands through all steps above, whatever its
   end; so the last step is what setting, changing or ending it did to the score that is shown.

People change charters, segments and overrides knowingly, so these come last: what they add is told on the
customer as it is now. A step on which the score is unknown has no points of its own; what it did is counted
with the next step on which there is a score. Where it is unknown at either end there is no difference, and
the reason is told instead. Neighbours: ``health`` scores, ``explain_change`` says it in words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import StrEnum
from functools import partial

from success.expressions import names_in
from success.facts import AccountFacts
from success.health import Contribution, HealthResult, Standing, score
from success.human_inputs import Override
from success.measures import MEASURES, UNKNOWN, MeasureBook, MeasureValue
from success.overriding import in_force
from success.rules import Rules, Scorecard
from success.scorecards import card_for
from success.view import AccountView
from success.words import SEGMENT, STAGE, Word

DAY = timedelta(days=1)
Cards = Callable[[Rules, str | None, str | None], Scorecard]
"""Which scorecard the rules have for a segment and a stage (None: not known)."""


class Cause(StrEnum):
    """What moved a score, in the order in which it is counted."""

    AGEING = "ageing"
    DATA = "data"
    MISSING = "missing"
    WEIGHTS = "weights"
    SEGMENT = "segment"
    OVERRIDE = "override"


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two moments: facts known then, the rules in force, the day, and where the account stood.

    ``band`` is the one that stood where it is held apart from the score's own. ``words`` are what
    expressions may read beside measures: segment, stage, the plan's progress. ``kept`` is the score as it was
    made then, where ``facts`` are only what still stands of those known then (``success.anchors``).
    ``view`` are the facts indexed, where somebody has them so.
    """

    facts: AccountFacts
    rules: Rules
    day: date
    segment: str | None = None
    stage: str | None = None
    band: str | None = None
    words: Mapping[str, Word] = field(default_factory=dict)
    kept: HealthResult | None = None
    view: AccountView | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """What one measure (or cap, or other contribution) gave to a cause, in thousandths of points.

    ``before`` and ``after`` are its values on the two sides of the step, None where it is not known.
    """

    key: str
    title: str
    is_measure: bool
    points: int
    before: MeasureValue | None
    after: MeasureValue | None


@dataclass(frozen=True, slots=True)
class Part:
    """What one cause moved, in thousandths of points: the sum of its items, none of which is nothing."""

    cause: Cause
    points: int
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Unknown:
    """Why there is no score: measures without which there is none, or too little known (thousandths)."""

    coverage: int
    needed: int
    blocking: tuple[Contribution, ...]


@dataclass(frozen=True, slots=True)
class End:
    """Health on one of the two days; ``unknown`` says why ``points`` (thousandths) are None."""

    day: date
    points: int | None
    band: str
    scorecard: str
    unknown: Unknown | None


@dataclass(frozen=True, slots=True)
class Change:
    """The change of one account's health: ``delta`` is the sum of ``parts``, None without a score at an end.

    Parts stand in the order of their causes; those that moved nothing are left out.
    """

    account_id: str
    before: End
    after: End
    delta: int | None
    parts: tuple[Part, ...]


def change(then: Side, now: Side, *, cards: Cards = card_for, heard: AccountFacts | None = None) -> Change:
    """Return why health is what it is ``now`` and not what it was ``then``.

    ``heard`` are the facts of now as the charter of then reads them, where that is another one.
    """
    walk = _walk(then, now, cards, heard)
    card = cards(then.rules, then.segment, then.stage)
    before = then.kept or _scored(then, walk.was, then.day, card)
    after = _scored(now, walk.latest, now.day, cards(now.rules, now.segment, now.stage))
    ends = _end(before, then, cards), _end(after, now, cards)
    account = now.facts.account.account_id
    if before.points is None or after.points is None:
        return Change(account, *ends, None, ())
    still = then.kept is not None and not _items(before, after)
    steps = () if still else _steps(walk, before, card)
    parts = _parts(before, [*steps, (Cause.OVERRIDE, after)])
    return Change(account, *ends, after.points - before.points, parts)


@dataclass(frozen=True, slots=True)
class _Walk:
    """The way from ``then`` to ``now``, and the facts on it, each indexed once.

    ``was`` are those of then, ``anew`` those of now as then would read them, ``latest`` those of now.
    """

    then: Side
    now: Side
    cards: Cards
    was: AccountView
    anew: AccountView
    latest: AccountView


def _walk(then: Side, now: Side, cards: Cards, heard: AccountFacts | None) -> _Walk:
    latest = now.view or AccountView(now.facts, now.rules)
    same = (heard is None or heard is now.facts) and then.rules is now.rules
    anew = latest if same else AccountView(now.facts if heard is None else heard, then.rules)
    return _Walk(then, now, cards, AccountView(then.facts, then.rules), anew, latest)


def _scored(
    side: Side,
    view: AccountView,
    day: date,
    card: Scorecard,
    values: Mapping[str, MeasureValue] | None = None,
    words: Mapping[str, Word] | None = None,
    *,
    under: Override | None = None,
    instead: bool = False,
) -> HealthResult:
    """Return the health of a view's facts; ``values`` stand for the measures of the day.

    ``words`` stand for the side's own; with ``instead``, the override ``under`` for the one of the facts.
    """
    said = side.words if words is None else words
    facts = _under(under, view.facts, day) if instead else view.facts
    return score(facts, card, MeasureBook(view, day, values, said), day)


def _steps(walk: _Walk, before: HealthResult, card: Scorecard) -> list[tuple[Cause, HealthResult]]:
    """Return the scores on the way up to the override, each with the cause that led there."""
    then, now, cards = walk.then, walk.now, walk.cards
    word = in_force(then.facts.human.override, then.day)
    score_of = partial(_scored, under=word, instead=True)
    there = _still_there(then, now)
    news = there if then.rules.plan == now.rules.plan else then.words
    known = score_of(then, walk.anew, now.day, card, words=news)
    old = _measured(walk, before, card)
    aged, told = _between(walk, old, _known(before), _known(known))
    same_place = cards(now.rules, then.segment, then.stage)
    # What was heard since of the day itself: a record that is another now, or is no more.
    past = [] if then.kept is None else [(Cause.DATA, _scored(then, walk.was, then.day, card, old))]
    return [
        *past,
        (Cause.AGEING, score_of(then, walk.was, now.day, card, aged)),
        (Cause.DATA, score_of(then, walk.anew, now.day, card, told, news)),
        (Cause.MISSING, known),
        (Cause.WEIGHTS, score_of(now, walk.latest, now.day, same_place, words=there)),
        (Cause.SEGMENT, score_of(now, walk.latest, now.day, cards(now.rules, now.segment, now.stage))),
    ]


def _still_there(then: Side, now: Side) -> dict[str, Word]:
    """Return the words of now with the segment and stage of then: what the plan came to is news."""
    place = (SEGMENT, STAGE)
    came_to = {name: word for name, word in now.words.items() if name not in place}
    return {**came_to, **{name: then.words[name] for name in place if name in then.words}}


def _under(word: Override | None, facts: AccountFacts, day: date) -> AccountFacts:
    """Return the facts with an override that is in force on a day, or none, in place of their own."""
    lasting = None if word is None else replace(word, made_on=day, until=day + DAY)
    return replace(facts, human=replace(facts.human, override=lasting))


def _known(result: HealthResult) -> dict[str, bool]:
    return {part.key: _value(part) is not None for part in result.contributions if _is_measure(part)}


def _measured(walk: _Walk, before: HealthResult, card: Scorecard) -> dict[str, MeasureValue]:
    """Return the measures a scorecard asks for as they were then: those kept, else those of the facts."""
    measured = (one for one in before.contributions if _is_measure(one))
    kept = {} if walk.then.kept is None else {one.key: one.value for one in measured}
    book = MeasureBook(walk.was, walk.then.day, kept)
    asked = [rule.measure for rule in card.measures]
    asked += [name for cap in card.caps for name in names_in(cap.when) if name in MEASURES]
    return {name: book[name] for name in dict.fromkeys(asked)}


def _between(
    walk: _Walk, old: Mapping[str, MeasureValue], first: Mapping[str, bool], last: Mapping[str, bool]
) -> tuple[dict[str, MeasureValue], dict[str, MeasureValue]]:
    """Return the measures after ageing alone and after what was heard, each known or missing as at first.

    ``old`` are those of then; ``first`` and ``last`` say which of the scorecard are known before and after.
    """
    day = walk.now.day
    was, older = MeasureBook(walk.was, walk.then.day), MeasureBook(walk.was, day)
    new = MeasureBook(walk.anew, day)
    aged, told = {}, {}
    for name in old:
        # As fresh as it was, so that it does not go stale on the way.
        held = MeasureValue(old[name].value, day) if first.get(name, True) else UNKNOWN
        settled = first.get(name) == last.get(name)
        # Facts that do not give the measure of then cannot say what it would have come to.
        by_itself = settled and was[name] == old[name] and older[name] == new[name]
        aged[name] = new[name] if by_itself else held
        told[name] = new[name] if settled else held
    return aged, told


def _parts(before: HealthResult, steps: Sequence[tuple[Cause, HealthResult]]) -> tuple[Part, ...]:
    moved: dict[Cause, dict[tuple[str, str, bool], Item]] = {}
    last = before
    for cause, result in steps:
        if result.points is None:
            continue
        for item in _items(last, result):
            found, place = moved.setdefault(cause, {}), (item.key, item.title, item.is_measure)
            found[place] = _both(found[place], item) if place in found else item
        last = result
    told = ((cause, tuple(one for one in moved.get(cause, {}).values() if one.points)) for cause in Cause)
    return tuple(Part(cause, sum(item.points for item in items), items) for cause, items in told if items)


def _both(first: Item, then: Item) -> Item:
    """Return what two steps of one cause moved together."""
    return replace(then, points=first.points + then.points, before=first.before)


def _items(before: HealthResult, after: HealthResult) -> tuple[Item, ...]:
    """Return the contributions that differ, in the order of the later score and then of the earlier one."""
    first = {_identity(part): part for part in before.contributions}
    last = {_identity(part): part for part in after.contributions}
    order = dict.fromkeys([*last, *first])
    found = (_item(first.get(one), last.get(one)) for one in order)
    return tuple(item for item in found if item.points)


def _item(before: Contribution | None, after: Contribution | None) -> Item:
    part = after or before
    if part is None:
        raise ValueError("a contribution that stands on neither side cannot differ")
    points = (after.points if after else 0) - (before.points if before else 0)
    return Item(
        part.key, part.title, _is_measure(part), points,
        None if before is None else _value(before), None if after is None else _value(after),
    )  # fmt: skip


def _identity(part: Contribution) -> tuple[str, str]:
    """Return what tells contributions apart: a cap may be called like a measure."""
    return "" if _is_measure(part) else part.group, part.key


_OF_MEASURES = frozenset(
    {
        Standing.COUNTED,
        Standing.SHADOW,
        Standing.REDISTRIBUTED,
        Standing.NEUTRAL,
        Standing.WORST,
        Standing.BLOCKING,
    }
)


def _is_measure(part: Contribution) -> bool:
    return part.standing in _OF_MEASURES


def _value(part: Contribution) -> MeasureValue | None:
    return None if part.stale or part.value.value is None else part.value


def _end(result: HealthResult, side: Side, cards: Cards) -> End:
    band = side.band or result.band
    why = None
    if result.points is None:
        blocking = tuple(part for part in result.contributions if part.standing is Standing.BLOCKING)
        needed = cards(side.rules, side.segment, side.stage).coverage_floor
        why = Unknown(result.coverage, needed, blocking)
    return End(side.day, result.points, band, result.scorecard, why)
