"""Fairness: nobody's burst delays another's webhook, lanes do not meet, and a burst is few full batches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from redis import Redis
from rq import Queue
from sqlalchemy import Engine

from sync import jobs
from sync.bell import Lane, Work, ring
from sync.look import BATCH_ACCOUNTS
from sync.state import dirty
from sync.state.dirty import Scope
from sync.state.engine import writing
from sync.state.installations import Status
from sync.worker import run_worker
from tests.state.moments import MINUTE, NOW, A, B, lease

BIG, SMALL = "big-portal", "small-portal"


@dataclass
class Floor:
    """Jobs of this process whose steps only note who worked; each portal has so many batches left."""

    redis: Redis
    left: dict[str, int]
    worked: list[str] = field(default_factory=list)

    def step(self, ws: Any, _owner: str) -> object | None:
        """Work on one batch of a portal; ``None`` when none is left."""
        if not self.left.get(ws.id):
            return None
        self.left[ws.id] -= 1
        self.worked.append(ws.id)
        return ws


@pytest.fixture
def floor(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give jobs that note their turns, a turn ending with each step where others wait."""
    with Redis.from_url(redis_url) as redis:
        found = Floor(redis, {})
        active = SimpleNamespace(status=Status.ACTIVE)
        monkeypatch.setattr(jobs, "process_runtime", lambda: SimpleNamespace(redis=redis))
        monkeypatch.setattr(jobs, "client_mark", lambda _runtime, _id: None)
        monkeypatch.setattr(
            jobs,
            "open_workspace",
            lambda _runtime, one: SimpleNamespace(id=one, installation=active, now=lambda: None),
        )
        monkeypatch.setattr(jobs, "look_on", found.step)
        monkeypatch.setattr(jobs.draining, "drain", found.step)
        monkeypatch.setattr(jobs, "_load", found.step)
        monkeypatch.setattr(jobs.allocation, "waits", lambda _ws, _began: True)
        monkeypatch.setattr(jobs, "TURN_S", -1.0)
        yield found


def test_a_hundred_thousand_dirty_accounts_wait_for_another_portals_webhook(floor: Floor) -> None:
    """500 batches of one portal are under way: the other's event is worked in after the first of them."""
    floor.left = {BIG: 500, SMALL: 1}
    ring(floor.redis, Lane.FAST, Work.LOOK, BIG)
    ring(floor.redis, Lane.FAST, Work.DRAIN, SMALL)
    run_worker(floor.redis, Lane.FAST, until_idle=True)
    assert floor.worked.index(SMALL) == 1
    assert floor.worked.count(BIG) == 500


def test_a_portal_with_many_writes_lets_another_portals_event_pass(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forty claims wait to be written: after the first the other's event is worked in, then the rest."""

    def claims(ws: Any, owner: str) -> Iterator[object]:
        while floor.step(ws, owner) is not None:
            yield ws

    monkeypatch.setattr(jobs.pushing, "claims", claims)
    floor.left = {BIG: 40, SMALL: 1}
    ring(floor.redis, Lane.FAST, Work.PUSH, BIG)
    ring(floor.redis, Lane.FAST, Work.DRAIN, SMALL)
    run_worker(floor.redis, Lane.FAST, until_idle=True)
    assert floor.worked == [BIG, SMALL] + [BIG] * 39


def test_where_nobody_waits_a_portal_works_on_without_ringing(floor: Floor) -> None:
    """Alone, all of its batches are one job: a turn ends for somebody, not for its own sake."""
    floor.left = {BIG: 50}
    ring(floor.redis, Lane.FAST, Work.LOOK, BIG)
    assert Queue(Lane.FAST.value, connection=floor.redis).count == 1
    run_worker(floor.redis, Lane.FAST, until_idle=True)
    assert floor.worked == [BIG] * 50


def test_a_first_load_never_stands_before_a_webhook(floor: Floor) -> None:
    """Its bell, and those that follow from it, are on the bulk lane: the fast worker never meets them."""
    floor.left = {BIG: 3, SMALL: 1}
    ring(floor.redis, Lane.BULK, Work.LOAD, BIG)
    ring(floor.redis, Lane.FAST, Work.DRAIN, SMALL)
    run_worker(floor.redis, Lane.FAST, until_idle=True)
    assert floor.worked == [SMALL]
    assert Queue(Lane.BULK.value, connection=floor.redis).count == 1
    run_worker(floor.redis, Lane.BULK, until_idle=True)
    assert floor.worked == [SMALL, BIG, BIG, BIG]
    assert Queue(Lane.FAST.value, connection=floor.redis).count == 0


def test_a_thousand_events_on_one_account_are_one_look(engine: Engine) -> None:
    """The dirty set is a set: the account is claimed once, with the reasons of all of them."""
    with writing(engine) as conn:
        for number in range(1_000):
            dirty.mark(conn, A, NOW, Scope.ACCOUNT, ["1"], f"event of kind {number % 3}")
        (claim,) = dirty.claim(conn, A, Scope.ACCOUNT, lease())
        assert claim.reasons == ("event of kind 0", "event of kind 1", "event of kind 2")
        assert dirty.finish(conn, A, [claim]).done == 1
        assert dirty.claim(conn, A, Scope.ACCOUNT, lease()) == ()


def test_a_burst_over_many_accounts_is_full_batches_of_looks(engine: Engine) -> None:
    """450 accounts are looked at as 200, 200 and 50, the longest dirty first; others have their own."""
    with writing(engine) as conn:
        for place, one in enumerate(range(450)):
            dirty.mark(conn, A, NOW + place * MINUTE / 60, Scope.ACCOUNT, [f"{one:03}"], "burst")
        dirty.mark(conn, B, NOW, Scope.ACCOUNT, ["000"], "another's")
    sizes, first = [], []
    for worker in ("one", "two", "three", "four"):
        with writing(engine) as conn:
            claims = dirty.claim(conn, A, Scope.ACCOUNT, lease(worker, NOW + 10 * MINUTE, BATCH_ACCOUNTS))
        sizes.append(len(claims))
        first += [claims[0].id] if claims else []
    assert sizes == [200, 200, 50, 0]
    assert first == ["000", "200", "400"]


def test_an_account_is_one_workers_and_what_comes_meanwhile_is_looked_at_after(engine: Engine) -> None:
    """Marked during the look, no second worker takes it beside; it is taken once the first has finished."""
    with writing(engine) as conn:
        dirty.mark(conn, A, NOW, Scope.ACCOUNT, ["1"], "first")
        (claim,) = dirty.claim(conn, A, Scope.ACCOUNT, lease("one"))
    with writing(engine) as conn:
        dirty.mark(conn, A, NOW, Scope.ACCOUNT, ["1"], "second")
        assert dirty.claim(conn, A, Scope.ACCOUNT, lease("two")) == ()
        assert dirty.finish(conn, A, [claim]).kept == 1
        (after,) = dirty.claim(conn, A, Scope.ACCOUNT, lease("two"))
    assert after.fence > claim.fence
