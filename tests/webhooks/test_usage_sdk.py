"""Segment's own library against us while we are behind: it waits as told, comes back, and nothing is lost."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from zoneinfo import ZoneInfo

import pytest
from segment.analytics.client import Client
from sqlalchemy import text
from werkzeug.serving import make_server

from app import create_app  # noqa: TID251 - tests stand above the composition root
from sync.state import inbox
from sync.state.engine import writing
from sync.state.inbox import InboxEvent
from sync.usage_events import UsageEvent, read_message
from tests.webhooks.conftest import HUBSPOT, NOW, WRITE_SECRET, Web


@contextmanager
def served(web: Web, statuses: list[str]) -> Iterator[str]:
    """Serve the application; every answer's status is noted, and after a refusal what waited is done."""
    app = create_app(web.runtime)

    def noting(environ, start_response):
        def noted(status, headers, *rest):
            statuses.append(f"{status[:3]} {environ.get('HTTP_CONTENT_ENCODING', 'plain')}")
            if status.startswith("429"):
                with writing(web.runtime.engine) as conn:
                    conn.execute(text("UPDATE inbox SET state = 'done'"))
            return start_response(status, headers, *rest)

        return app(environ, noted)

    server = make_server("127.0.0.1", 0, noting, threaded=True)
    running = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    running.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        running.join()


def test_the_official_library_comes_back_after_a_429(web, monkeypatch):
    """Told to come back in a second it does, packed as before; all 150 events are kept, each once."""
    monkeypatch.setattr("webhooks.usage.RETRY_AFTER_S", 1)
    behind = web.over(settings=web.runtime.settings.model_copy(update={"intake_backlog": 1}))
    with writing(web.runtime.engine) as conn:
        inbox.put(conn, HUBSPOT, NOW, [InboxEvent("waits", "usage", {"batch": []})])
    statuses: list[str] = []
    failures: list[Exception] = []
    with served(behind, statuses) as url:
        key = f"{HUBSPOT}.{WRITE_SECRET}"
        client = Client(key, host=url, gzip=True, on_error=lambda error, _: failures.append(error))
        for number in range(150):
            client.track("u-1", f"Feature {number}", {"account": "A-1"}, timestamp=NOW)
        client.flush()
        client.shutdown()
    assert failures == []
    assert statuses[0] == "429 gzip"
    assert set(statuses[1:]) <= {"429 gzip", "202 gzip"}
    kept = [one for row in web.rows() for one in json.loads(row["body"])["batch"]]
    assert sorted(one["event"] for one in kept) == sorted(f"Feature {number}" for number in range(150))


def test_somebody_without_a_name_is_counted(web):
    """The library sends ``userId`` as null beside an ``anonymousId``: the event is one of that somebody."""
    with served(web, []) as url:
        client = Client(f"{HUBSPOT}.{WRITE_SECRET}", host=url)
        client.track(anonymous_id="a-1", event="Share", properties={"account": "A-1"}, timestamp=NOW)
        client.flush()
        client.shutdown()
    (message,) = [one for row in web.rows() for one in json.loads(row["body"])["batch"]]
    assert message["userId"] is None
    read = read_message(message, ZoneInfo("UTC"), NOW)
    assert isinstance(read, UsageEvent), read
    assert (read.user, read.feature, read.account_ref) == ("a-1", "Share", "A-1")


@pytest.mark.parametrize(
    ("ids", "user"),
    [
        ({"userId": "u-1", "anonymousId": "a-1"}, "u-1"),
        ({"userId": "u-1", "anonymousId": None}, "u-1"),
        ({"userId": "", "anonymousId": "a-1"}, "a-1"),
        ({"userId": None, "anonymousId": None}, ""),
        ({}, ""),
    ],
)
def test_the_user_is_whoever_is_named(ids, user):
    """The id of a known user first, else the one of somebody without a name, else nobody."""
    message = {
        "messageId": "m",
        "event": "Share",
        "timestamp": NOW.isoformat(),
        "properties": {"account": "A-1"},
    }
    read = read_message(message | ids, ZoneInfo("UTC"), NOW)
    assert isinstance(read, UsageEvent), read
    assert read.user == user
