"""A roll call: which of many ids are missing, by counts of ranges that are halved until they agree.

A CRM tells how many records stand between two ids, and names the first of them. Where that is as many as we
hold nothing more is asked. Where it is not, the ids are halved: the count of one half gives that of the
other, and a half that agrees is left alone, so that one deletion among 50,000 records takes a few calls and
not one for each page. Up to one page of records the answer names them, and ids are compared instead of
numbers. Neighbours: each vendor's ``census`` asks and confirms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from integration.port import Unavailable

Id = TypeVar("Id", int, str)


@dataclass(slots=True)
class RollCall(Generic[Id]):
    """The roll of one object being called.

    ``held`` are the ids we know, ascending as the CRM orders them. ``look(above, up_to)`` returns how many
    records stand above one id (``None``: from the lowest) and up to another, and the first ``page_rows`` of
    their ids.
    """

    held: Sequence[Id]
    look: Callable[[Id | None, Id], tuple[int, list[Id]]]
    page_rows: int
    missing: list[Id] = field(default_factory=list)
    unknown: list[Id] = field(default_factory=list)

    def settle(self, first: int, end: int, there: int | None = None) -> int:
        """Find what differs among the ids held from ``first`` to before ``end``; return how many are there.

        ``there`` is that number where it is known already.
        """
        size = end - first
        if there == size:
            return size
        if there is None or min(there, size) <= self.page_rows:
            there, ids = self.look(self.held[first - 1] if first else None, self.held[end - 1])
            if min(there, size) <= self.page_rows:
                self._compare(first, end, ids if there <= self.page_rows else self._all(end, ids))
                return there
        if there != size:
            middle = first + size // 2
            left = self.settle(first, middle)
            self.settle(middle, end, there - left)
        return there

    def _compare(self, first: int, end: int, ids: Iterable[Id]) -> None:
        held, there = set(self.held[first:end]), set(ids)
        self.missing += held - there
        self.unknown += there - held

    def _all(self, end: int, ids: list[Id]) -> list[Id]:
        """Return the ids of a range of more than one page, of which ``ids`` are the first."""
        found, page = list(ids), ids
        while len(page) == self.page_rows:
            _, page = self.look(found[-1], self.held[end - 1])
            if page and page[-1] <= found[-1]:
                raise Unavailable("the records did not go forward by id")
            found += page
        return found
