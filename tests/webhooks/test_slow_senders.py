"""Who sends slowly holds no thread: the web process answers others, and drops what does not come in time."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from sqlalchemy import Engine

from sync.state.secrets import new_key
from tests.webhooks.conftest import CLIENT_SECRET, PORTAL, connect, kept_by
from tests.webhooks.test_hubspot_webhook import CHANGE, PATH, sign
from tests.webhooks.test_real_delivery import gunicorn

THREADS = 8
SLOW = 3 * THREADS
WHOLE_WITHIN_S = 10
HEAD = b"POST /webhooks/hubspot HTTP/1.1\r\nHost: cs.example.com\r\n"


@pytest.fixture(scope="module")
def key() -> str:
    """Give the key that seals secrets."""
    return new_key()


@pytest.fixture
def served(sqlite_engine: Engine, redis_url: str, tmp_path: Path, key: str) -> Iterator[str]:
    """Serve the application as the Procfile does, in one process of eight threads."""
    connect(sqlite_engine, "hubspot", PORTAL, "A portal")
    env = {
        "DATABASE_URL": sqlite_engine.url.render_as_string(hide_password=False),
        "REDIS_URL": redis_url,
        "CS_SECRET_KEYS": key,
        "CS_HUBSPOT_CLIENT_SECRET": CLIENT_SECRET,
    }
    with gunicorn(tmp_path, env) as url:
        yield url


def begun(url: str, first: bytes) -> socket.socket:
    """Return a connection that has sent the first bytes of a request and no more."""
    host, _, port = url.removeprefix("http://").partition(":")
    sock = socket.create_connection((host, int(port)), timeout=2 * WHOLE_WITHIN_S)
    sock.sendall(first)
    return sock


def delivered(url: str, sock: socket.socket | None = None, rest: bytes = b"") -> int:
    """Deliver one signed event, by a connection that holds all but ``rest`` where one is given."""
    if sock is not None:
        sock.sendall(rest)
        return int(sock.recv(100).split()[1])
    head, body = signed(url)
    with begun(url, head + body) as own:
        return int(own.recv(100).split()[1])


def signed(url: str) -> tuple[bytes, bytes]:
    """Return head and body of a genuine delivery."""
    body, stamp = json.dumps([CHANGE]).encode(), str(int(time.time() * 1000))  # noqa: TID251 - the served clock's
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: cs.example.com\r\nContent-Length: {len(body)}\r\n"
        f"X-HubSpot-Request-Timestamp: {stamp}\r\n"
        f"X-HubSpot-Signature-v3: {sign(body, stamp, url=url + PATH)}\r\n\r\n"
    )
    return head.encode(), body


def test_slow_senders_hold_up_nobody_and_are_dropped(served: str, sqlite_engine: Engine) -> None:
    """Three times as many as threads stop inside head or body: a webhook is kept meanwhile, at once.

    In ten seconds they are gone; one that was slow and yet in time is kept as any other.
    """
    head, body = signed(served)
    inside_body = b"Content-Length: 5000\r\n\r\n" + b"x" * 100
    inside_large = b"Content-Length: 7000000\r\n\r\n" + b"x" * 300_000
    stuck = [begun(served, HEAD + part) for part in (b"X-A: b", inside_body, b"") for _ in range(SLOW // 3)]
    large = [begun(served, HEAD + inside_large) for _ in range(THREADS - 1)]
    late = begun(served, head + body[:-1])
    asked = time.monotonic()
    assert delivered(served) == 204
    assert requests.get(f"{served}/healthz", timeout=WHOLE_WITHIN_S).ok
    assert time.monotonic() - asked < WHOLE_WITHIN_S  # before any of them was dropped
    assert delivered(served, late, body[-1:]) == 204
    assert len(kept_by(sqlite_engine)) == 1  # the same event, twice
    for one in stuck:
        assert one.recv(1) == b""
    assert time.monotonic() - asked < 6 * WHOLE_WITHIN_S
    for one in large:  # 300,000 bytes buy fifteen seconds more
        one.close()
