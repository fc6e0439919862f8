"""What spans accounts is settled scope by scope: once at a time, fenced, after the accounts, poison apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Connection, Engine

from sync import allocation
from sync.allocation import Allocated, Allocator, allocate, allocate_next
from sync.allocators import scopes
from sync.state import dirty, identity
from sync.state.dirty import Scope
from sync.state.engine import reading, writing
from tests.state.moments import HOUR, MINUTE, NOW, A, B, lease

LEASE_S = 60


@dataclass
class Settled:
    """An allocator for tests: notes what it is given, and enters a name that stands once it has entered."""

    engine: Engine
    now: datetime = NOW
    prepared: list[tuple[str, ...]] = field(default_factory=list)
    poison: frozenset[str] = frozenset()

    def ws(self, installation_id: str = A) -> Any:
        """Return as much of a workspace as an allocation asks for."""
        runtime = SimpleNamespace(engine=self.engine)
        return SimpleNamespace(id=installation_id, live=True, runtime=runtime, now=lambda: self.now)

    def prepare(self, _ws: object, _now: datetime, ids: Sequence[str]) -> tuple[str, ...]:
        """Note the ids; what is poisoned fails."""
        self.prepared.append(tuple(ids))
        if self.poison & set(ids):
            raise ArithmeticError("no sum")
        return tuple(ids)

    def enter(self, conn: Connection, ws: Any, _now: datetime, ids: tuple[str, ...], _fence: int) -> int:
        """Enter every id."""
        identity.mint_many(conn, ws.id, "settled", {one: one for one in ids})
        return len(ids)

    def entered(self) -> list[str]:
        """Return what was entered."""
        with reading(self.engine) as conn:
            return sorted(identity.resolve(conn, A, "settled", ["a", "b", "c"]))

    def mark(self, scope: Scope, *ids: str, installation_id: str = A) -> None:
        """Ask for ids of a scope."""
        with writing(self.engine) as conn:
            dirty.mark(conn, installation_id, self.now, scope, ids, "the test")

    def left(self) -> dict[str, int]:
        """Return what is dirty."""
        with reading(self.engine) as conn:
            return dirty.count(conn, A)


@pytest.fixture
def settled(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Settled:
    """Give an allocator of owners and one of contacts that need not wait for accounts; nobody else's."""
    found = Settled(engine)
    monkeypatch.setattr(allocation, "REGISTRY", {})
    allocation.register(Scope.CONTACT, Allocator(LEASE_S, found.prepare, found.enter, after_accounts=False))
    allocation.register(Scope.OWNER, Allocator(LEASE_S, found.prepare, found.enter, together=10))
    return found


def test_rows_are_settled_together_and_are_done(settled: Settled) -> None:
    """Marked thrice or once, an owner is one row; all of them are worked on in one go."""
    for _ in range(3):
        settled.mark(Scope.OWNER, "a", "b")
    assert allocate(settled.ws(), "w", Scope.OWNER) == Allocated(Scope.OWNER, ("a", "b"), changed=2)
    assert (settled.prepared, settled.entered(), settled.left()) == ([("a", "b")], ["a", "b"], {})
    assert allocate_next(settled.ws(), "w") is None


def test_accounts_come_first_unless_the_scope_says_otherwise(settled: Settled) -> None:
    """An owner's book waits while an account is dirty or held; a person who is to be forgotten does not."""
    settled.mark(Scope.ACCOUNT, "1")
    settled.mark(Scope.OWNER, "a")
    settled.mark(Scope.CONTACT, "c")
    assert allocate_next(settled.ws(), "w") == Allocated(Scope.CONTACT, ("c",), changed=1)
    with writing(settled.engine) as conn:
        claims = dirty.claim(conn, A, Scope.ACCOUNT, lease())
    assert allocate_next(settled.ws(), "w") is None
    with writing(settled.engine) as conn:
        dirty.finish(conn, A, claims)
    assert allocate_next(settled.ws(), "w") == Allocated(Scope.OWNER, ("a",), changed=1)


def test_two_never_settle_one_scope_at_once(settled: Settled, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one works on a row another finds nothing; others' rows and other installations are free."""
    beside: list[object] = []

    def prepare(_ws: object, _now: datetime, ids: Sequence[str]) -> tuple[str, ...]:
        monkeypatch.setitem(
            allocation.REGISTRY, Scope.OWNER, Allocator(LEASE_S, settled.prepare, settled.enter)
        )
        beside.append(allocate(settled.ws(), "other", Scope.OWNER))
        settled.mark(Scope.OWNER, "b")
        beside.append(allocate(settled.ws(), "other", Scope.OWNER))
        beside.append(allocate(settled.ws(B), "other", Scope.OWNER))
        return tuple(ids)

    settled.mark(Scope.OWNER, "a")
    settled.mark(Scope.OWNER, "a", installation_id=B)
    allocation.register(Scope.OWNER, Allocator(LEASE_S, prepare, settled.enter))
    first = allocate(settled.ws(), "one", Scope.OWNER)
    assert first == Allocated(Scope.OWNER, ("a",), changed=1)
    assert [None if one is None else getattr(one, "settled", ()) for one in beside] == [None, ("b",), ("a",)]


def test_one_that_lost_its_lease_changes_nothing(settled: Settled) -> None:
    """Its lease ends while it works, another settles the row: what the first prepared is never entered."""
    later: list[object] = []

    def slowly(_ws: object, _now: datetime, ids: Sequence[str]) -> tuple[str, ...]:
        allocation.register(Scope.OWNER, Allocator(LEASE_S, settled.prepare, settled.enter))
        settled.now = NOW + MINUTE
        later.append(allocate(settled.ws(), "later", Scope.OWNER))
        return ("b",)

    settled.mark(Scope.OWNER, "a")
    allocation.register(Scope.OWNER, Allocator(LEASE_S, slowly, settled.enter))
    assert allocate(settled.ws(), "first", Scope.OWNER) == Allocated(Scope.OWNER)
    assert later == [Allocated(Scope.OWNER, ("a",), changed=1)]
    assert (settled.entered(), settled.left()) == (["a"], {})


def test_a_row_marked_while_it_was_settled_is_settled_again(settled: Settled) -> None:
    """What came during the work is not lost with the row."""

    def marked(_ws: object, _now: datetime, ids: Sequence[str]) -> tuple[str, ...]:
        settled.mark(Scope.OWNER, "a")
        return tuple(ids)

    settled.mark(Scope.OWNER, "a")
    allocation.register(Scope.OWNER, Allocator(LEASE_S, marked, settled.enter))
    allocate(settled.ws(), "w", Scope.OWNER)
    assert settled.left() == {"owner": 1}


def test_poison_is_kept_apart_with_its_error_and_tried_again_on_a_curve(settled: Settled) -> None:
    """Of three one cannot be settled: it alone waits 10 seconds, a minute, ten, then an hour each time."""
    settled.poison = frozenset({"b"})
    settled.mark(Scope.OWNER, "a", "b", "c")
    assert allocate(settled.ws(), "w", Scope.OWNER) == Allocated(Scope.OWNER, ("a", "c"), ("b",), 2)
    assert settled.prepared == [("a", "b", "c"), ("a",), ("b",), ("c",)]
    assert settled.entered() == ["a", "c"]
    with reading(settled.engine) as conn:
        (failing,) = dirty.failing(conn, A)
    assert (failing.scope, failing.id, failing.error) == (Scope.OWNER, "b", "ArithmeticError: no sum")
    for wait in (MINUTE / 6, MINUTE, 10 * MINUTE, HOUR, HOUR):
        settled.now += wait - MINUTE / 60
        assert allocate(settled.ws(), "w", Scope.OWNER) is None
        settled.now += MINUTE / 60
        assert allocate(settled.ws(), "w", Scope.OWNER) == Allocated(Scope.OWNER, (), ("b",))
    settled.poison, settled.now = frozenset(), settled.now + HOUR
    allocate(settled.ws(), "w", Scope.OWNER)
    with reading(settled.engine) as conn:
        assert dirty.failing(conn, A) == []


def test_a_scope_nobody_settles_waits_and_keeps_nobody_awake(settled: Settled) -> None:
    """Segments have no allocator here: their row stays, no look goes on for it, and it is not rung for."""
    settled.mark(Scope.SEGMENT, "a")
    assert allocate_next(settled.ws(), "w") is None
    assert not allocation.waits(settled.ws(), NOW)
    assert Scope.SEGMENT not in scopes()
    assert settled.left() == {"segment": 1}


def test_nothing_is_settled_before_the_installation_is_live(settled: Settled) -> None:
    """The dirty set waits for the first load."""
    settled.mark(Scope.CONTACT, "a")
    ws = settled.ws()
    ws.live = False
    assert allocate_next(ws, "w") is None
    assert settled.left() == {"contact": 1}
