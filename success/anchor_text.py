"""What is remembered of a day's score, as JSON values and back; ``fold`` keeps them.

Short, because every account has two of them: rows of plain values, and titles only where they are not the
catalogue's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import Any

from success.anchors import Anchor, Anchors
from success.health_result import Contribution, Standing
from success.human_inputs import Override, OverrideKind
from success.measures import MEASURES, MeasureValue
from success.words import Word


def anchors_out(found: Anchors) -> list[dict[str, Any] | None]:
    """Return both days as JSON values; equal days give equal values."""
    return [None if one is None else _out(one) for one in (found.since, found.settled)]


def anchors_in(body: Sequence[Mapping[str, Any] | None]) -> Anchors:
    """Return what ``anchors_out`` made; of nothing, no days."""
    since, settled = [None if one is None else _in(one) for one in body] or [None, None]
    return Anchors(since, settled)


def _out(one: Anchor) -> dict[str, Any]:
    return {
        "day": one.day.isoformat(),
        "charter": one.charter_hash,
        "scorecard": one.scorecard,
        "band": one.band,
        "points": one.points,
        "coverage": one.coverage,
        "parts": [_part_out(part) for part in one.contributions],
        "words": {name: _word_out(word) for name, word in one.words.items()},
        "attributes": dict(one.attributes),
        "owner": one.owner_id,
        "seen": [one.usage_seen, one.support_seen],
        "override": None if one.override is None else _override_out(one.override),
        "marks": " ".join(sorted(one.marks)),
    }


def _in(body: Mapping[str, Any]) -> Anchor:
    return Anchor(
        day=date.fromisoformat(body["day"]),
        charter_hash=body["charter"],
        scorecard=body["scorecard"],
        band=body["band"],
        points=body["points"],
        coverage=body["coverage"],
        contributions=tuple(_part_in(part) for part in body["parts"]),
        words={name: _word_in(word) for name, word in body["words"].items()},
        attributes=dict(body["attributes"]),
        owner_id=body["owner"],
        usage_seen=body["seen"][0],
        support_seen=body["seen"][1],
        override=None if body["override"] is None else _override_in(body["override"]),
        marks=frozenset(body["marks"].split()),
    )


def _part_out(part: Contribution) -> list[Any]:
    known = MEASURES.get(part.key)
    title = None if known is not None and known.title == part.title else part.title
    return [
        part.key, part.group, part.standing.value, part.points, part.share, part.declared_share,
        part.measure_points, _value_out(part.value), part.stale, title, part.reason,
    ]  # fmt: skip


def _part_in(row: Sequence[Any]) -> Contribution:
    key, group, standing, points, share, declared, own, value, stale, title, reason = row
    title = MEASURES[key].title if title is None else title
    return Contribution(
        key, title, group, Standing(standing), points, share, declared, own, _value_in(value), stale, reason
    )


def _value_out(found: MeasureValue) -> list[Any]:
    value = found.value
    told = f"{value.numerator}/{value.denominator}" if isinstance(value, Fraction) else value
    return [told, None if found.observed_on is None else found.observed_on.isoformat()]


def _value_in(row: Sequence[Any]) -> MeasureValue:
    value, on = row
    told = Fraction(value) if isinstance(value, str) else value
    return MeasureValue(told, None if on is None else date.fromisoformat(on))


def _word_out(word: Word) -> Any:
    return list(word) if isinstance(word, tuple) else word


def _word_in(word: Any) -> Word:
    found: Word = tuple(word) if isinstance(word, list) else word
    return found


def _override_out(word: Override) -> list[Any]:
    return [word.kind.value, word.points, word.reason, word.made_on.isoformat(), word.until.isoformat()]


def _override_in(row: Sequence[Any]) -> Override:
    kind, points, reason, made_on, until = row
    return Override(
        OverrideKind(kind), points, reason, "", date.fromisoformat(made_on), date.fromisoformat(until)
    )
