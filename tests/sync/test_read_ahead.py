"""Reading ahead changes when pages are fetched, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextvars import ContextVar
from threading import Event, get_ident

import pytest

from sync.read_ahead import read_ahead

WITHIN_S = 10.0
BRIEFLY_S = 0.2
"""How long what must not come is waited for."""


def one_row(_page: object) -> int:
    """Return the size of a page that holds one record."""
    return 1


def test_the_next_page_is_fetched_while_one_is_worked_on_and_no_further() -> None:
    """While the first is in hand the second comes; the third waits until the second is taken."""
    fetched = [Event(), Event(), Event()]

    def pages() -> Iterator[int]:
        for number, came in enumerate(fetched):
            came.set()
            yield number

    reader = read_ahead(pages(), one_row, rows=1)
    assert next(reader) == [0]
    assert fetched[1].wait(WITHIN_S)
    assert not fetched[2].is_set()
    assert next(reader) == [1]
    assert fetched[2].wait(WITHIN_S)
    assert list(reader) == [[2]]


def test_small_pages_come_together_as_far_as_there_is_room() -> None:
    """With room for five records, two pages of two come together, two more meanwhile, and no fifth."""
    fetched = [Event() for _ in range(7)]

    def pages() -> Iterator[int]:
        for number, came in enumerate(fetched):
            came.set()
            yield number

    reader = read_ahead(pages(), lambda _page: 2, rows=5)
    assert next(reader) == [0, 1]
    assert fetched[3].wait(WITHIN_S)
    assert not fetched[4].wait(BRIEFLY_S)
    assert next(reader) == [2, 3]
    assert list(reader) == [[4, 5], [6]]


def test_what_came_before_an_error_is_given_though_there_is_room_for_more() -> None:
    """So that it can be stored; the error comes where its page would have come."""

    def pages() -> Iterator[int]:
        yield 0
        yield 1
        raise ConnectionError("lost")

    reader = read_ahead(pages(), one_row)
    assert next(reader) == [0, 1]
    with pytest.raises(ConnectionError, match="lost"):
        next(reader)


def test_a_large_page_is_given_alone() -> None:
    """One that fills the room waits for no other."""
    assert list(read_ahead(iter((7, 9)), lambda rows: rows, rows=5)) == [[7], [9]]


@pytest.mark.parametrize("size", [0, 1])
def test_pages_that_hold_hardly_anything_are_not_waited_for_without_end(size: int) -> None:
    """A kill repeats what was fetched and not given yet, so six are enough."""
    found = list(read_ahead(iter(range(14)), lambda _page: size))
    assert [len(together) for together in found] == [6, 6, 2]


def test_one_small_page_among_large_ones_makes_no_room_for_many() -> None:
    """The next ones may be as large as those before it."""
    asked = []

    def pages() -> Iterator[int]:
        for rows in (100, 1, *[100] * 20):
            asked.append(rows)
            yield rows

    reader = read_ahead(pages(), lambda rows: rows)
    assert next(reader) == [100, 1, 100]
    reader.close()
    assert len(asked) <= 6


def test_nothing_to_read_is_nothing() -> None:
    """An empty reading ends at once."""
    assert list(read_ahead(iter(()), one_row)) == []


def test_the_thread_knows_what_the_caller_set() -> None:
    """The lane of a caller's calls is a context variable; the reader's thread has it too."""
    lane: ContextVar[str] = ContextVar("lane", default="none")
    lane.set("backfill")
    here = get_ident()

    def pages() -> Iterator[tuple[str, bool]]:
        yield lane.get(), get_ident() != here
        yield lane.get(), get_ident() != here

    found = [one for together in read_ahead(pages(), one_row) for one in together]
    assert found == [("backfill", True)] * 2
