"""Reading ahead changes when pages are fetched, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextvars import ContextVar
from threading import Event, get_ident
from time import sleep

import pytest

from sync.read_ahead import read_ahead

WITHIN_S = 10.0


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


def test_small_pages_come_together_up_to_the_bound() -> None:
    """With room for five records, two pages of two come while the first is in hand, and no third."""
    fetched = [Event() for _ in range(6)]

    def pages() -> Iterator[int]:
        for number, came in enumerate(fetched):
            came.set()
            yield number

    reader = read_ahead(pages(), lambda _page: 2, rows=5)
    assert next(reader) == [0]
    assert fetched[2].wait(WITHIN_S)
    sleep(0.5)  # a page is there a moment after its mark
    assert not fetched[3].is_set()
    assert next(reader) == [1, 2]
    assert fetched[4].wait(WITHIN_S)
    assert [one for found in reader for one in found] == [3, 4, 5]


def test_an_error_comes_where_its_page_would_have_come() -> None:
    """The page before it is still given, so that it can be stored."""

    def pages() -> Iterator[int]:
        yield 0
        raise ConnectionError("lost")

    reader = read_ahead(pages(), one_row)
    assert next(reader) == [0]
    with pytest.raises(ConnectionError, match="lost"):
        next(reader)


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
