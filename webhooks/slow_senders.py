"""gunicorn's threads, given only requests that have come: who sends slowly holds no thread.

``gthread`` hands a connection to a thread at its first byte, and that thread then waits without end for
the rest; eight connections that trickle stop a process. Here the loop that watches all connections gathers
a request first, and drops one that is not whole in time. What is larger, or comes in pieces of unstated
size, is read by a thread at a pace that must be kept. Neighbour: ``gunicorn.py`` names this worker.
Source: gunicorn page "Design" (a slow client is a proxy's to hold back; there may be none).
"""

from __future__ import annotations

import re
import socket
import time
from functools import partial
from selectors import EVENT_READ
from typing import Any, Final

from gunicorn.http.unreader import SocketUnreader
from gunicorn.workers.gthread import TConn, ThreadWorker

WHOLE_WITHIN_S: Final = 10.0
"""HubSpot gives up after 5 s, Salesforce after 60 s; both send at once what they have to say."""

GATHERED_MAX: Final = 256 * 1024
"""Larger than any batch of a CRM; times the connections, what slow senders can make a process hold."""

HEAD_MAX: Final = 64 * 1024
"""The longest head; a CRM's has two or three thousand bytes."""

BYTES_PER_S: Final = 20_000
"""The pace a large body must keep on top of ``WHOLE_WITHIN_S``."""

_HEAD_END: Final = b"\r\n\r\n"
_LENGTH: Final = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,12})[ \t]*\r\n", re.IGNORECASE)
_UNSTATED: Final = re.compile(rb"\r\n(transfer-encoding|expect):", re.IGNORECASE)
_READ: Final = 65_536


class GatheredConnection(TConn):  # type: ignore[misc]  # gunicorn has no types
    """A connection with the bytes gathered of its next request."""

    def __init__(self, *arguments: Any) -> None:
        """Begin with nothing gathered."""
        super().__init__(*arguments)
        self.gathered = bytearray()
        self._searched = 0
        self._wanted: int | None = None
        self.data_ready = True

    def begin(self) -> None:
        """Have the parser read what was gathered, and the rest at a pace."""
        fresh = not self.initialized
        self.init()
        if fresh:
            self.parser.unreader = PacedUnreader(self.sock)
        self.parser.unreader.begin(bytes(self.gathered))
        self.forget()

    def forget(self) -> None:
        """Begin the next request with nothing gathered."""
        self.gathered.clear()
        self._searched, self._wanted = 0, None

    def is_whole(self) -> bool:
        """Say whether a thread need not wait for this request, or must be the one that reads it.

        What was searched is not searched again: bytes may come one by one.
        """
        if self._wanted is None:
            self._wanted = self._stated()
        return self._wanted is not None and len(self.gathered) >= self._wanted

    def has_endless_head(self) -> bool:
        """Say whether the head is longer than any is, whether or not it ends."""
        return self._wanted is None and len(self.gathered) >= HEAD_MAX + len(_HEAD_END)

    def _stated(self) -> int | None:
        """Return how many bytes a thread wants to find gathered, ``None`` before the head has ended."""
        head_ends = self.gathered.find(_HEAD_END, self._searched, HEAD_MAX + len(_HEAD_END))
        if head_ends < 0:
            self._searched = max(0, len(self.gathered) - len(_HEAD_END) + 1)
            return None
        head = bytes(self.gathered[: head_ends + 2])
        if _UNSTATED.search(head):
            return 0
        stated = _LENGTH.search(head)
        return min(head_ends + len(_HEAD_END) + (int(stated[1]) if stated else 0), GATHERED_MAX)


class PacedUnreader(SocketUnreader):  # type: ignore[misc]  # gunicorn has no types
    """Reads from a connection as long as it keeps the pace; after that it counts as closed by the sender."""

    def __init__(self, sock: socket.socket) -> None:
        """Read from ``sock``."""
        super().__init__(sock)
        self._began, self._read = time.monotonic(), 0

    def begin(self, gathered: bytes) -> None:
        """Begin a request of which something came already."""
        self._began, self._read = time.monotonic(), 0
        self.unread(self.take_buffered() + gathered)

    def chunk(self, size_hint: int | None = None) -> bytes:
        """Return what comes next, nothing once the pace is not kept."""
        left = self._began + WHOLE_WITHIN_S + self._read / BYTES_PER_S - time.monotonic()
        try:
            self.sock.settimeout(max(left, 0.001))
            came = bytes(super().chunk(size_hint))
        except TimeoutError:
            self.sock.shutdown(socket.SHUT_RD)  # no further request of this connection is waited for
            return b""
        finally:
            self.sock.settimeout(None)
        self._read += len(came)
        return came


class WholeRequestWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """``gthread`` with a request gathered before a thread has it."""

    def accept(self, listener: socket.socket) -> None:
        """Take a connection and wait for its first request."""
        try:
            client, address = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        self.nr_conns += 1
        self._gather(GatheredConnection(self.cfg, client, address, listener.getsockname()))

    def on_client_socket_readable(self, conn: GatheredConnection, client: socket.socket) -> None:
        """Gather the next request of a connection that was kept."""
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        self._gather(conn)
        self._on_bytes(conn, client)

    def _gather(self, conn: GatheredConnection) -> None:
        conn.timeout = time.monotonic() + WHOLE_WITHIN_S
        conn.sock.setblocking(False)
        self.pending_conns.append(conn)  # in the order of their times, as ``murder_pending`` needs it
        self.poller.register(conn.sock, EVENT_READ, partial(self._on_bytes, conn))

    def _on_bytes(self, conn: GatheredConnection, client: socket.socket) -> None:
        try:
            came = client.recv(_READ)
        except BlockingIOError:
            return
        except OSError:
            came = b""
        conn.gathered += came
        whole = conn.is_whole()
        if came and not whole and not conn.has_endless_head():
            return
        self.poller.unregister(client)
        self.pending_conns.remove(conn)
        if came and whole:
            self.enqueue_req(conn)
        else:
            self.nr_conns -= 1
            conn.close()

    def handle(self, conn: GatheredConnection) -> Any:
        """Answer one request in a thread."""
        conn.sock.setblocking(True)
        conn.begin()
        return super().handle(conn)
