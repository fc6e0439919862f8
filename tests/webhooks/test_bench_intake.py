"""The sender of the intake benchmark is believed by the endpoint, and counts what was not kept."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
from werkzeug.serving import BaseWSGIServer, make_server

from sync.bench.intake import _part
from sync.bench.intake_load import Plan, Sender, requests_of
from sync.bench.latency import _Edits, _waits
from sync.clock import WallClock
from tests.webhooks.conftest import CLIENT_SECRET, PORTAL, PUBLIC_URL, Web


@pytest.fixture
def server(web: Web) -> Iterator[BaseWSGIServer]:
    """Serve the application on a port of its own, by the wall's clock."""
    made = make_server("127.0.0.1", 0, web.over(clock=WallClock()).client.application, threaded=True)
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


def plan(server: BaseWSGIServer, per_s: float = 0.0) -> Plan:
    """Return a plan of three requests over two connections."""
    port = int(server.server_port)
    return Plan(port, "/webhooks/hubspot", PUBLIC_URL, CLIENT_SECRET, int(PORTAL), 500, 3, 2, per_s)


@pytest.mark.parametrize("per_s", [0.0, 100.0], ids=["as answered", "at a rate"])
def test_every_event_of_the_sender_is_a_row(server: BaseWSGIServer, web: Web, per_s: float) -> None:
    """Three requests of a hundred events: three hundred rows, three waits, none refused."""
    given = plan(server, per_s)
    sent = Sender(given.port, per_s, given.connections).send(requests_of(given))
    assert (len(sent.waits_ms), sent.not_kept, len(web.rows())) == (3, 0, 300)
    assert all(wait > 0 for wait in sent.waits_ms)


def test_what_is_refused_is_counted_as_such(server: BaseWSGIServer, web: Web) -> None:
    """Signed with another secret nothing is kept, and nothing counts as a wait."""
    given = replace(plan(server), secret="another")
    sent = Sender(given.port, 0.0, given.connections).send(requests_of(given))
    assert (sent.waits_ms, sent.not_kept, web.rows()) == ([], 3, [])


@pytest.mark.parametrize(
    ("waits", "share", "expected"),
    [
        ([3.0, 1.0, 2.0, 4.0], 0.5, 2.0),
        ([1.0] * 98 + [7.0, 9.0], 0.99, 7.0),
        ([5.0], 0.99, 5.0),
        ([1, 2], 1, 2),
    ],
)
def test_a_percentile_is_the_nearest_rank(waits: list[float], share: float, expected: float) -> None:
    """The smallest wait that so many do not exceed, by hand."""
    assert _part(waits, share) == expected


def test_an_edit_waits_for_the_first_write_after_it() -> None:
    """A write before the edit is not its answer, a later one is not either; one never written has no wait."""
    edits = _Edits(at={"c1": 100.0, "c2": 101.0, "c3": 102.0})
    profiles = {"c1": "p1", "c2": "p2", "c3": "p3"}
    calls = [
        {"wall": 99.0, "written": ["p1", "p2"]},
        {"wall": 101.5, "written": ["p1", "p2", "other"]},
        {"wall": 103.0, "written": ["p1"]},
    ]
    assert _waits(edits, profiles, calls) == [1.5, 0.5]
