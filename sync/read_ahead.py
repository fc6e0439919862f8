"""Read ahead: the next pages come while the last ones are stored.

Reading waits for the network, storing for the disk, so one thread beside the caller's fetches ahead. Pages
that have come by the time the caller asks are given together: a transaction costs as much for one page as
for three. As many are under way as hold ``ROWS`` records, or one: memory holds twice that, whatever there is
to read. What was fetched and not yet stored when a process dies is fetched again. Neighbour: ``pull`` reads
first loads by it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import Final, TypeVar, cast

T = TypeVar("T")
ROWS: Final = 300
_END = object()


def read_ahead(items: Iterator[T], size: Callable[[T], int], rows: int = ROWS) -> Iterator[list[T]]:
    """Yield the items in their order, those that have come together, the next fetched meanwhile in a thread.

    ``size`` tells how many of ``rows`` an item holds. An error in fetching is raised where its item would
    have come, after those before it. Who stops early waits for what is being fetched. The thread calls in
    the caller's lane.
    """
    context = copy_context()

    def fetch() -> object:
        return context.run(next, items, _END)

    with ThreadPoolExecutor(1, thread_name_prefix="read-ahead") as reader:
        coming = deque([reader.submit(fetch)])
        try:
            while found := [cast("T", one) for one in _come(coming) if one is not _END]:
                ahead = max(1, rows // max(1, size(found[-1])))
                coming.extend(reader.submit(fetch) for _ in range(ahead - len(coming)))
                yield found
        finally:
            for one in coming:
                one.cancel()


def _come(coming: deque[Future[object]]) -> list[object]:
    """Take what comes next, waiting for it, and what is there behind it."""
    found = [coming.popleft().result()]
    while coming and coming[0].done() and coming[0].exception() is None:
        found.append(coming.popleft().result())
    return found
