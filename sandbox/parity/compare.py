"""Compares what two CRMs hold, value by value.

Neighbours: ``read_hubspot`` and ``read_salesforce`` give the records; ``__main__`` prints the outcome.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from sandbox.parity.fields import Record

LISTED = 10
WHOLE = "the record"


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that is not the same in both: or a record that is not once in each (field ``the record``)."""

    kind: str
    key: str
    field: str
    hubspot: str | None
    salesforce: str | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many values were compared and differ; the first ten that do; the records by kind (HubSpot's).

    A field that is empty in both is no value.
    """

    compared: int
    differences: int
    first_differences: list[Difference]
    records: dict[str, int]


def compare(hubspot: Iterable[Record], salesforce: Iterable[Record]) -> Outcome:
    """Return how two readings differ; records are matched by kind and key."""
    left, right = _held(hubspot), _held(salesforce)
    compared = sum(_filled(left[place][0], right[place][0]) for place in left.keys() & right.keys())
    found = sorted(_differences(left, right), key=lambda one: (one.kind, one.key, one.field))
    return Outcome(compared, len(found), found[:LISTED], dict(Counter(kind for kind, _ in left)))


def _filled(one: Record, other: Record) -> int:
    """Return in how many fields at least one of two records has a value."""
    names = one.values.keys() | other.values.keys()
    return sum(bool(one.values.get(name) or other.values.get(name)) for name in names)


Held = Mapping[tuple[str, str], list[Record]]


def _held(records: Iterable[Record]) -> Held:
    found: dict[tuple[str, str], list[Record]] = {}
    for one in records:
        found.setdefault((one.kind, one.key), []).append(one)
    return found


def _differences(left: Held, right: Held) -> Iterator[Difference]:
    for place in left.keys() | right.keys():
        mine, theirs = left.get(place, []), right.get(place, [])
        if (len(mine), len(theirs)) != (1, 1):
            yield Difference(*place, WHOLE, f"{len(mine)} times", f"{len(theirs)} times")
            continue
        (one,), (other,) = mine, theirs
        for name in one.values.keys() | other.values.keys():
            pair = one.values.get(name), other.values.get(name)
            if pair[0] != pair[1]:
                yield Difference(*place, name, *pair)
