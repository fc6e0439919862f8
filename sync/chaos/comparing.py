"""What stands in a CRM, held against what should: missing, there twice, or other than wanted; pure.

It knows neither vendor nor database. Every field that is wanted is compared, and every record of ours that
stands is accounted for: wanted once, or told. What people decided is no difference: a record of ours they
deleted stays away, and one that came back all the same is told. Neighbours: ``standing`` reads both sides.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from mappings.diff import same_value

Key = tuple[str, str]
"""Object and key."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A record that should stand. ``record_id`` where it is the CRM's own record of an account.

    ``parents`` are ids of records it hangs under, ``parent_keys`` records of ours it hangs under.
    """

    object: str
    key: str
    values: Mapping[str, str | None]
    record_id: str | None = None
    parents: tuple[str, ...] = ()
    parent_keys: tuple[Key, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """A live record of the CRM that is ours, or on which fields of ours stand.

    ``thing`` is what it is about, told without its key; two of one thing are doubles. ``linked`` are the ids
    of records it names.
    """

    object: str
    id: str
    key: str | None
    values: Mapping[str, str | None]
    linked: frozenset[str] = frozenset()
    thing: tuple[str, ...] | None = None
    orphaned: bool = False
    """A deal whose account is gone: nothing wants it any more, and it stays, for it is people's."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as it should be, with what was wanted and what was found."""

    object: str
    key: str
    field: str
    wanted: str | None
    found: str | None


@dataclass(slots=True)
class Differences:
    """What a comparison found."""

    missing: list[Difference] = field(default_factory=list)
    duplicate: list[Difference] = field(default_factory=list)
    stale: list[Difference] = field(default_factory=list)


def compare(
    wanted: Sequence[Wanted], standing: Sequence[Standing], dropped: Collection[Key] = ()
) -> Differences:
    """Return every difference; ``dropped`` are the records of ours that people deleted."""
    found = Differences()
    by_key: defaultdict[Key, list[Standing]] = defaultdict(list)
    by_id = {(one.object, one.id): one for one in standing}
    for one in standing:
        if one.key is not None:
            by_key[one.object, one.key].append(one)
    _find_doubles(standing, by_key, found)
    asked = {(one.object, one.key) for one in wanted}
    for want in wanted:
        if want.record_id is not None:
            _compare_own(want, by_id.get((want.object, want.record_id)), by_key, found)
        elif (want.object, want.key) not in dropped:
            _compare_own(want, next(iter(by_key[want.object, want.key]), None), by_key, found)
    for key, held in by_key.items():
        unwanted = key not in asked and not all(one.orphaned for one in held)
        if held and (key in dropped or unwanted):
            why = "deleted by a person" if key in dropped else "wanted by nothing"
            found.stale.append(Difference(*key, "the record", None, f"{held[0].id} stands, {why}"))
    return found


def _find_doubles(
    standing: Iterable[Standing], by_key: Mapping[Key, Sequence[Standing]], found: Differences
) -> None:
    told: set[tuple[str, str]] = set()
    for (object_name, key), held in by_key.items():
        for extra in held[1:]:
            told.add((object_name, extra.id))
            found.duplicate.append(Difference(object_name, key, "the record", held[0].id, extra.id))
    things: defaultdict[tuple[str, ...], list[Standing]] = defaultdict(list)
    for one in standing:
        if one.thing is not None and (one.object, one.id) not in told:
            things[one.object, *one.thing].append(one)
    for thing, held in things.items():
        for extra in held[1:]:
            words = ", ".join(thing[1:])
            found.duplicate.append(Difference(thing[0], extra.key or "", words, held[0].id, extra.id))


def _compare_own(
    want: Wanted, one: Standing | None, by_key: Mapping[Key, Sequence[Standing]], found: Differences
) -> None:
    if one is None:
        found.missing.append(Difference(want.object, want.key, "the record", want.record_id, None))
        return
    for name, value in want.values.items():
        if not same_value(one.values.get(name), value):
            found.stale.append(Difference(want.object, want.key, name, value, one.values.get(name)))
    for parent in want.parents:
        if parent not in one.linked:
            found.stale.append(Difference(want.object, want.key, "link", parent, _shown(one.linked)))
    for key in want.parent_keys:
        ids = {parent.id for parent in by_key.get(key, ())}
        if not ids & one.linked:
            found.stale.append(
                Difference(want.object, want.key, f"link to {key[1]}", _shown(ids), _shown(one.linked))
            )


def _shown(ids: Iterable[str]) -> str:
    return ", ".join(sorted(ids))


def counted(found: Differences) -> Counter[str]:
    """Return how many there are of each."""
    return Counter(
        {"missing": len(found.missing), "duplicate": len(found.duplicate), "stale": len(found.stale)}
    )
