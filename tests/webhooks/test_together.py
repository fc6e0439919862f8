"""Requests that come at once share a transaction; each has its own answer, and rings are one."""

from __future__ import annotations

import threading
import time

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from sync.state.inbox import InboxEvent
from sync.state.installations import Status
from tests.webhooks.conftest import HUBSPOT, NOW, SALESFORCE, bells, connect
from webhooks.together import Together


def brought(number, owner=HUBSPOT, body=None):
    """Return the events of one request."""
    return {owner: [InboxEvent(f"event-{number}", "hubspot", body or {"n": number})]}


def at_once(together, requests):
    """Keep what eight requests bring while the turn is somebody else's; return what each was told."""
    told = [None] * len(requests)

    def keep(place):
        try:
            together.keep(NOW, requests[place])
        except Exception as error:  # noqa: BLE001 - whatever it was told is looked at
            told[place] = error

    threads = [threading.Thread(target=keep, args=(place,)) for place in range(len(requests))]
    with together._turn:
        for one in threads:
            one.start()
        ends = time.monotonic() + 30
        while len(together._waiting) < len(requests) and time.monotonic() < ends:
            threading.Event().wait(0.001)
    for one in threads:
        one.join()
    return told


def test_what_waits_is_kept_by_one_commit(web_on_each):
    """Eight requests, one wait for the disk, one bell; every row is there when they are answered."""
    together, commits = Together(web_on_each.runtime), []
    event.listen(web_on_each.runtime.engine, "commit", commits.append)
    assert at_once(together, [brought(number) for number in range(8)]) == [None] * 8
    assert len(web_on_each.rows()) == 8
    assert (len(commits), bells(web_on_each)) == (1, 1)


def test_one_that_cannot_be_kept_spoils_no_other(web_on_each):
    """It alone is told so; the others are durable."""
    bad = brought(3, body={"n": object()})
    told = at_once(Together(web_on_each.runtime), [brought(1), brought(2), bad, brought(4)])
    assert [type(one) for one in told] == [type(None), type(None), TypeError, type(None)]
    assert [row["dedupe_key"] for row in web_on_each.rows()] == ["event-1", "event-2", "event-4"]


def test_the_same_event_in_two_requests_is_one_row(web_on_each):
    """A retry that overtakes the first delivery meets it in one transaction."""
    assert at_once(Together(web_on_each.runtime), [brought(1), brought(1), brought(2)]) == [None] * 3
    assert len(web_on_each.rows()) == 2


@pytest.mark.parametrize("status", [Status.DISCONNECTED, Status.UNINSTALLED])
def test_what_was_ended_keeps_nothing_from_that_moment(web_on_each, status):
    """Whether an installation is served is asked in the transaction itself: no list goes stale."""
    together = Together(web_on_each.runtime)
    together.keep(NOW, brought(1, SALESFORCE) | brought(2))
    connect(web_on_each.runtime.engine, "hubspot", HUBSPOT.partition("-")[2], "Ended", status)
    together.keep(NOW, brought(3) | brought(4, SALESFORCE))
    assert [row["dedupe_key"] for row in web_on_each.rows()] == ["event-2", "event-1", "event-4"]


def test_nobody_is_told_yes_when_the_one_with_the_turn_was_stopped(web, monkeypatch):
    """Its own request ends by what stopped it; those it had taken along fail, and are sent again."""
    together, requests = Together(web.runtime), [brought(1), brought(2)]

    def stopped(*_arguments):
        raise SystemExit

    monkeypatch.setattr(Together, "_write", stopped)
    monkeypatch.setattr(threading, "excepthook", lambda _ended: None)
    told = at_once(together, requests)
    assert sorted(type(one).__name__ for one in told) == ["NoneType", "RuntimeError"]
    assert web.rows() == []


@pytest.mark.parametrize("away", [OperationalError("connect", {}, OSError()), PoolTimeout("no connection")])
def test_a_database_that_is_away_is_asked_once_for_all(web, monkeypatch, away):
    """One attempt to connect waits ten seconds: eight more, one by one, would hold the turn for ninety."""
    asked = []

    def cannot(_self, _now, brought):
        asked.append(len(brought))
        raise away

    monkeypatch.setattr(Together, "_write", cannot)
    told = at_once(Together(web.runtime), [brought(number) for number in range(8)])
    assert told == [away] * 8
    assert asked == [8]
