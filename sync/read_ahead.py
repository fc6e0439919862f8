"""Read ahead: the next pages come while the last ones are stored.

Reading waits for the network, storing for the disk, so one thread beside the caller's fetches ahead. Pages
are given together as far as they hold ``ROWS`` records, by the largest so far, or one by one: a transaction
costs as much for one page as for three. As many again are under way meanwhile: memory holds twice ``ROWS``,
whatever there is to read. What was fetched and not yet stored when a process dies is fetched again.
Neighbour: ``pull`` reads first loads by it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import Final, Generic, TypeVar, cast

T = TypeVar("T")
ROWS: Final = 300
PAGES: Final = 6
"""As many are given together at most: what pages hold is known once they have come, and some hold nothing."""

_END = object()


def read_ahead(items: Iterator[T], size: Callable[[T], int], rows: int = ROWS) -> Iterator[list[T]]:
    """Yield the items in their order, as many together as ``rows`` has room for, the next fetched meanwhile.

    ``size`` tells how many of ``rows`` an item holds. An error in fetching is raised where its item would
    have come, after those before it. Who stops early waits for what is being fetched. The thread that
    fetches calls in the caller's lane.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="read-ahead") as thread:
        reader = _Reader(items, size, rows, thread)
        try:
            while found := reader.together():
                yield found
        finally:
            reader.cancel()


class _Reader(Generic[T]):
    """What is under way, and the error that ended it."""

    def __init__(
        self, items: Iterator[T], size: Callable[[T], int], rows: int, thread: ThreadPoolExecutor
    ) -> None:
        self._items, self._size, self._rows, self._thread = items, size, rows, thread
        self._context = copy_context()
        self._coming: deque[Future[object]] = deque()
        self._error: BaseException | None = None
        self._largest = 1
        self._fetch_up_to(1)

    def together(self) -> list[T]:
        """Wait for what comes next, as much as has room; return nothing at the end.

        Raises what fetching raised, once what came before it was given.
        """
        found: list[T] = []
        while self._error is None:
            future = self._coming.popleft()
            self._error = future.exception()
            if self._error is not None:
                break
            one = future.result()
            if one is _END:
                self._fetch_up_to(1)  # for whoever asks again
                return found
            found.append(cast("T", one))
            self._largest = max(self._largest, self._size(found[-1]))
            room = max(1, min(PAGES, self._rows // self._largest))
            self._fetch_up_to(room)
            if len(found) >= room:
                return found
        if not found and self._error is not None:
            raise self._error
        return found

    def cancel(self) -> None:
        """Fetch no more than what is being fetched."""
        for one in self._coming:
            one.cancel()

    def _fetch_up_to(self, number: int) -> None:
        for _ in range(number - len(self._coming)):
            self._coming.append(self._thread.submit(self._fetch))

    def _fetch(self) -> object:
        return self._context.run(next, self._items, _END)
