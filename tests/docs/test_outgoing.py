"""Every call that leaves the product ends: sessions and clients are made in one place, with their times."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("integration", "mappings", "success", "sync", "webhooks")
VERBS = frozenset({"get", "post", "put", "patch", "delete", "head", "options", "request"})
CLIENTS = frozenset({"requests", "httpx", "urllib3"})
SESSIONS = frozenset({"Session", "PoolManager", "HTTPConnection", "HTTPSConnection", "Client", "urlopen"})
MEASURING = ("sync/bench/", "sync/chaos/")
"""What calls the sandboxes on this machine only, to measure and to try."""
SESSION_ROOM = "integration/http.py"


def without_time(source: str) -> Iterator[str]:
    """Yield the calls in a module that could wait for ever."""
    tree = ast.parse(source)
    imported = {name.name for one in ast.walk(tree) if isinstance(one, ast.Import) for name in one.names}
    for call in (one for one in ast.walk(tree) if isinstance(one, ast.Call)):
        given = {one.arg for one in call.keywords}
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        whose = (
            call.func.value.id
            if (isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name))
            else ""
        )
        at_requests = whose in imported & CLIENTS and name in VERBS
        at_redis = name == "Redis" or (name == "from_url" and "edis" in ast.dump(call.func))
        if at_requests and "timeout" not in given:
            yield f"{call.lineno}: {whose}.{name}"
        if name in SESSIONS and whose != "grpc":
            yield f"{call.lineno}: {name}"
        if at_redis and "socket_timeout" not in given:
            yield f"{call.lineno}: {whose}.{name}"
        if name == "create_connection" and "timeout" not in given:
            yield f"{call.lineno}: {name}"


def test_no_call_of_the_product_can_wait_for_ever() -> None:
    """A session comes from the one room that gives it times; a single call and a Redis name their own."""
    found = {
        str(path.relative_to(ROOT)): calls
        for room in ROOMS
        for path in sorted((ROOT / room).rglob("*.py"))
        if not str(path.relative_to(ROOT)).startswith(MEASURING)
        if (calls := list(without_time(path.read_text("utf-8"))))
    }
    assert set(found) <= {SESSION_ROOM}, found


@pytest.mark.parametrize(
    "source",
    [
        "import requests\nrequests.get(url)",
        "requests.Session()",
        "urllib.request.urlopen(url)",
        "Redis.from_url(url)",
        "redis.Redis(port=1)",
        "socket.create_connection(place)",
    ],
)
def test_a_call_without_a_time_would_be_found(source: str) -> None:
    """Each way of calling out without one is told."""
    assert list(without_time(source))
