"""How health changed, in the words a CSM reads: what it was and is, then every cause with its measures.

Points are shown in tenths as ``explain`` shows them, shared out so that the measures of a cause add up to
it and the causes to the difference of the two scores that are read. Neighbour: ``change`` finds the causes.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from success.change import Cause, Change, End, Item, Part, Unknown
from success.explain import in_tenths, shown_points, shown_value, tenths, title_of
from success.wording.words import ENGLISH, Said, Words


def explain_change(found: Change, words: Words = ENGLISH) -> str:
    """Return the change: a first line with both scores, then one line per cause and one per measure of it.

    The lines of measures are indented; what is shown as nothing is left out.
    """
    return "\n".join([_headline(found, words, "change"), *_lines(found, words)])


def change_on_record(found: Change, words: Words = ENGLISH) -> str:
    """Return the same for a record that is read on any day: as of now, so that the days leave no trace."""
    return "\n".join([_headline(found, words, "record"), *_lines(found, words)])


def shown_delta(found: Change) -> Decimal:
    """Return the difference of the two scores as they are read, in points with one decimal."""
    return shown_points(found.after.points or 0) - shown_points(found.before.points or 0)


def shown_parts(found: Change) -> tuple[Decimal, ...]:
    """Return the causes in points with one decimal; they add up to ``shown_delta``."""
    return in_tenths([part.points for part in found.parts], shown_delta(found))


def shown_items(part: Part, total: Decimal) -> tuple[Decimal, ...]:
    """Return the items of a cause in points with one decimal; they add up to its own ``total``."""
    return in_tenths([item.points for item in part.items], total)


def _headline(found: Change, words: Words, told: str) -> str:
    before, after = found.before, found.after
    values: dict[str, Said] = {"since": before.day, "day": after.day}
    values |= _score("before", before, words) | _score("after", after, words)
    if before.unknown and after.unknown:
        return words(f"{told}.both_unknown", **values)
    if before.unknown:
        return words(f"{told}.was_unknown", **values)
    if after.unknown:
        return words(f"{told}.is_unknown", **values)
    if before.points == after.points and before.band == after.band:
        return words(f"{told}.offset" if found.parts else f"{told}.still", **values)
    return words(f"{told}.moved", points=words.signed(shown_delta(found)), **values)


def _score(name: str, end: End, words: Words) -> dict[str, Said]:
    if end.unknown is not None:
        return {f"why_{name}": _why(end.unknown, words)}
    return {name: shown_points(end.points or 0), f"{name}_band": end.band}


def _why(unknown: Unknown, words: Words) -> str:
    if unknown.blocking:
        return words("why.blocked", measures=", ".join(title_of(one, words) for one in unknown.blocking))
    if unknown.coverage == 0:
        return words("why.nothing")
    return words("why.coverage", known=tenths(unknown.coverage), needed=tenths(unknown.needed))


def _lines(found: Change, words: Words) -> Iterator[str]:
    for part, total in zip(found.parts, shown_parts(found), strict=True):
        items = shown_items(part, total)
        if not any(items):
            continue
        yield words(f"cause.{part.cause.value}", points=words.signed(total))
        for item, points in zip(part.items, items, strict=True):
            if points:
                yield f"  {_sentence(item, points, words, by_rule=part.cause in _BY_RULE)}"


# Under other rules a measure is weighed or not; it was known all along.
_BY_RULE = frozenset({Cause.WEIGHTS, Cause.SEGMENT})


def _sentence(item: Item, points: Decimal, words: Words, *, by_rule: bool) -> str:
    signed, title = words.signed(points), title_of(item, words)
    if not item.is_measure:
        return words("part.other", reason=title, points=signed)
    before = None if item.before is None else shown_value(item.key, item.before, words)
    after = None if item.after is None else shown_value(item.key, item.after, words)
    if before is None and after is None:
        return words("part.other", reason=title, points=signed)
    if before is None or after is None:
        came, went = ("weighed", "dropped") if by_rule else ("appeared", "vanished")
        phrase, value = (came, "after") if before is None else (went, "before")
        return words(f"item.{phrase}", title=title, points=signed, **{value: after or before or ""})
    if before == after:
        return words("item.same", title=title, after=after, points=signed)
    return words("item.moved", title=title, before=before, after=after, points=signed)
