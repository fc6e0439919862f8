"""A person looked for in Redis, which holds bells and budgets and should never name one.

What does is deleted: all that Redis holds may be lost (decision 0003). Neighbours: ``forget``, ``prove``.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from redis import Redis

from sync.person_text import Traces


def named_keys(redis: Redis, traces: Traces) -> tuple[int, list[bytes]]:
    """Return how many keys there are, and those that name the person. Raises RedisError."""
    seen, found = 0, list[bytes]()
    for key in redis.scan_iter(count=1000):
        seen += 1
        if any(traces.tells(one.decode("utf-8", "replace")) for one in _texts(redis, key)):
            found.append(key)
    return seen, found


def remove_keys(redis: Redis, traces: Traces) -> int:
    """Delete every key that names the person; return how many."""
    _, found = named_keys(redis, traces)
    return int(redis.delete(*found)) if found else 0


def _texts(redis: Redis, key: bytes) -> Iterator[bytes]:
    """Yield the key and all it holds, unpacked as RQ packs it."""
    yield key
    client: Any = redis
    kind = client.type(key).decode()
    read: dict[str, Callable[[], Iterable[bytes | None]]] = {
        "string": lambda: [client.get(key)],
        "hash": lambda: [part for pair in client.hgetall(key).items() for part in pair],
        "list": lambda: client.lrange(key, 0, -1),
        "set": lambda: client.smembers(key),
        "zset": lambda: client.zrange(key, 0, -1),
        "stream": lambda: [repr(one).encode() for one in client.xrange(key)],
    }
    for value in read[kind]() if kind in read else ():
        if value is not None:
            yield value
            yield _unpacked(value)


def _unpacked(value: bytes) -> bytes:
    try:
        return zlib.decompress(value)
    except zlib.error:
        return b""
