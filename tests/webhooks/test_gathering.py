"""What gathering a request costs: every byte is looked at about once, however few come at a time."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from webhooks import slow_senders
from webhooks.slow_senders import GATHERED_MAX, HEAD_MAX, GatheredConnection

HEAD = b"POST / HTTP/1.1\r\nHost: a\r\n"


class Looked(bytearray):
    """What was gathered, and how many bytes of it were looked at for the end of the head."""

    looked = 0

    def find(self, *arguments):
        """Count the bytes between where the search begins and where the text ends."""
        self.looked += max(0, len(self) - (arguments[1] if len(arguments) > 1 else 0))
        return super().find(*arguments)


class Searches:
    """A pattern that counts how often it is searched for."""

    def __init__(self, pattern):
        """Search as ``pattern`` does."""
        self.pattern, self.made = pattern, 0

    def search(self, text):
        """Count and search."""
        self.made += 1
        return self.pattern.search(text)


@contextmanager
def connection() -> Iterator[GatheredConnection]:
    """Yield a connection that has sent nothing yet."""
    here, there = socket.socketpair()
    with here, there:
        conn = GatheredConnection(None, here, None, None)
        conn.gathered = Looked()
        yield conn


def fed(conn, body, by=1):
    """Bring so many bytes at a time; return after how many the request was whole."""
    for start in range(0, len(body), by):
        conn.gathered += body[start : start + by]
        if conn.is_whole():
            return start + by
    return None


def test_a_head_that_trickles_is_looked_at_once():
    """Twenty thousand bytes one by one: four looks a byte, as the end of a head is four bytes."""
    with connection() as conn:
        assert fed(conn, HEAD + b"X-A: " + b"b" * 20_000) is None
        assert conn.gathered.looked <= 4 * len(conn.gathered)


def test_a_body_that_trickles_is_not_looked_at(monkeypatch):
    """Once the head has ended, its length is known; it is asked for once."""
    lengths = Searches(slow_senders._LENGTH)
    monkeypatch.setattr(slow_senders, "_LENGTH", lengths)
    request = HEAD + b"Content-Length: 5000\r\n\r\n" + b"x" * 5_000
    with connection() as conn:
        assert fed(conn, request) == len(request)
        assert lengths.made == 1
        assert conn.gathered.looked <= 4 * len(request)


@pytest.mark.parametrize("by", [1, 7, 65_536])
def test_the_next_request_of_a_connection_is_looked_at_anew(by):
    """What was known of the last one does not make the next one whole; its head's end may be cut in four."""
    with connection() as conn:
        assert fed(conn, HEAD + b"Content-Length: 3\r\n\r\nabc", 1) == len(HEAD) + 24
        conn.forget()
        request = HEAD + b"Content-Length: 90\r\n\r\n" + b"x" * 90
        assert fed(conn, request[:-1], by) is None
        conn.gathered += b"x"
        assert conn.is_whole()


def test_a_head_has_an_end():
    """A head of 64 KB is taken; a longer one is dropped, whole or not; a body may be larger."""
    end = b"\r\n\r\n"
    for size, too_long in ((HEAD_MAX, False), (HEAD_MAX + 1, True)):
        for tail in (end, end + b"x" * 70_000):
            with connection() as conn:
                conn.gathered += HEAD.ljust(size, b"x") + tail
                assert (conn.is_whole(), conn.has_endless_head()) == (not too_long, too_long)
    with connection() as conn:
        conn.gathered += HEAD.ljust(HEAD_MAX + 4, b"x")
        assert (conn.is_whole(), conn.has_endless_head()) == (False, True)
    with connection() as conn:
        conn.gathered += HEAD + b"Content-Length: 9000000\r\n\r\n"
        conn.gathered += b"x" * GATHERED_MAX
        assert (conn.is_whole(), conn.has_endless_head()) == (True, False)
