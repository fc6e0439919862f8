"""Read ahead: the next page comes while the last one is stored.

Reading waits for the network, storing for the disk, so one thread beside the caller's fetches a single page
ahead: memory holds two pages, whatever there is to read. What was fetched and not yet stored when a process
dies is fetched again. Neighbour: ``pull`` reads first loads by it.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar, cast

T = TypeVar("T")
_END = object()


def read_ahead(items: Iterator[T]) -> Iterator[T]:
    """Yield the items in their order, the next one fetched in a thread of its own meanwhile.

    An error in fetching is raised where its item would have come, after those before it. Who stops early
    waits for what is being fetched. The thread calls in the caller's lane.
    """
    context = copy_context()

    def fetch() -> object:
        return context.run(next, items, _END)

    with ThreadPoolExecutor(1, thread_name_prefix="read-ahead") as reader:
        coming = reader.submit(fetch)
        while (item := coming.result()) is not _END:
            coming = reader.submit(fetch)
            yield cast("T", item)
