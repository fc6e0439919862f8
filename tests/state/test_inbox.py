"""The inbox: durable before it is answered, once however often it is delivered."""

from concurrent.futures import ThreadPoolExecutor
from itertools import chain

import pytest
from sqlalchemy import Engine

from sync.state import inbox
from sync.state.engine import writing
from sync.state.inbox import InboxEvent, InboxItem, InboxState
from sync.state.leases import Waiting
from sync.state.schema import EPOCH
from tests.state.moments import DAY, HOUR, MINUTE, NOW, A, lease

EVENT = InboxEvent("hubspot:1", "webhook", {"objectId": 7}, NOW - MINUTE)


def _put(engine: Engine, *keys: str) -> int:
    with writing(engine) as conn:
        return inbox.put(conn, A, NOW, [InboxEvent(key, "webhook", {}) for key in keys])


def _take(engine: Engine, owner="w1", at=NOW, limit=100) -> tuple[InboxItem, ...]:
    with writing(engine) as conn:
        return inbox.take(conn, A, lease(owner, at, limit))


def test_a_delivery_repeated_is_one_event(engine: Engine) -> None:
    """The sender retries until it is answered; we count it once."""
    with writing(engine) as conn:
        assert inbox.put(conn, A, NOW, [EVENT, EVENT]) == 1
        assert inbox.put(conn, A, NOW + HOUR, [EVENT]) == 0
    (item,) = _take(engine, at=NOW + HOUR)
    assert (item.body, item.received_at, item.occurred_at) == ({"objectId": 7}, NOW, NOW - MINUTE)


def test_a_thousand_events_of_a_burst_are_counted_right(engine: Engine) -> None:
    """New ones among known ones are told apart across chunks."""
    _put(engine, *(str(number) for number in range(1500)))
    assert _put(engine, *(str(number) for number in range(1000, 3000))) == 1500


def test_a_done_event_is_not_taken_again(engine: Engine) -> None:
    """Also when the same delivery comes once more."""
    _put(engine, "1")
    with writing(engine) as conn:
        assert inbox.done(conn, A, inbox.take(conn, A, lease())) == 1
        assert inbox.counts(conn, A) == {InboxState.DONE: 1}
    assert _put(engine, "1") == 0
    assert _take(engine, at=NOW + DAY) == ()


def test_concurrent_takers_never_share_an_event(engine: Engine) -> None:
    """Eight workers empty the inbox together."""
    _put(engine, *(str(number) for number in range(100)))

    def drain(worker: int) -> list[str]:
        mine: list[str] = []
        while items := _take(engine, f"w{worker}", limit=7):
            mine += [one.dedupe_key for one in items]
        return mine

    with ThreadPoolExecutor(8) as pool:
        assert sorted(chain.from_iterable(pool.map(drain, range(8)))) == sorted(map(str, range(100)))


def test_an_event_of_a_dead_worker_is_taken_over(engine: Engine) -> None:
    """After its lease another takes it, with a higher fence; the first is refused."""
    _put(engine, "1")
    (lost,) = _take(engine, "w1")
    assert _take(engine, "w2") == ()
    (item,) = _take(engine, "w2", at=NOW + MINUTE)
    assert item.fence > lost.fence
    with writing(engine) as conn:
        assert inbox.done(conn, A, [lost]) == 0
        assert inbox.done(conn, A, [item]) == 1


def test_a_failed_event_is_tried_later_or_given_up(engine: Engine) -> None:
    """When its time has come it is rung for at once; given up, it waits for a person and is not."""
    _put(engine, "1")
    (item,) = _take(engine)
    with writing(engine) as conn:
        assert inbox.failed(conn, A, item, "no such object", NOW + HOUR)
        assert inbox.unheld(conn, NOW) == ()
        assert inbox.unheld(conn, NOW + HOUR) == (Waiting(A, "webhook", 1, EPOCH),)
    (again,) = _take(engine, at=NOW + HOUR)
    assert again.attempts == 2
    with writing(engine) as conn:
        assert inbox.failed(conn, A, again, "no such object", None)
        assert inbox.counts(conn, A) == {InboxState.FAILED: 1}
        assert inbox.unheld(conn, NOW + DAY) == ()


def test_bodies_expire_but_unworked_events_never_do(engine: Engine) -> None:
    """What was not worked in stays, however old."""
    _put(engine, "1", "2")
    with writing(engine) as conn:
        inbox.done(conn, A, inbox.take(conn, A, lease(limit=1)))
        assert inbox.expire(conn, A, NOW) == 0
        assert inbox.expire(conn, A, NOW + DAY) == 1
        assert inbox.counts(conn, A) == {InboxState.NEW: 1}


def test_a_take_is_bounded_by_what_it_loads(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bodies of 12, 12, 42 and 12 characters, at most 30 a take: two, the long one alone, the last."""
    monkeypatch.setattr(inbox, "TAKE_MAX", 30)
    bodies = {"1": "x" * 10, "2": "x" * 10, "3": "x" * 40, "4": "x" * 10}
    with writing(engine) as conn:
        inbox.put(conn, A, NOW, [InboxEvent(key, "usage", body) for key, body in bodies.items()])
    takes = []
    while items := _take(engine):
        assert [one.body for one in items] == [bodies[one.dedupe_key] for one in items]
        assert {one.attempts for one in items} == {1}
        takes.append([one.dedupe_key for one in items])
    assert takes == [["1", "2"], ["3"], ["4"]]
