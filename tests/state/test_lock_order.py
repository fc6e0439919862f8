"""Transactions that meet in the same rows wait for each other in one order, so PostgreSQL ends none of them.

On PostgreSQL only; SQLite has one writer at a time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import Connection, Engine, Table, select, text

from sync.state import dirty, inbox, ledger
from sync.state.dirty import Claim, Scope
from sync.state.engine import migrate, open_engine, writing
from sync.state.inbox import InboxEvent
from sync.state.ledger import Acknowledgement, LedgerRow, WantedRow
from tests.state.moments import MINUTE, NOW, A, lease

PATIENCE_S = 30
Doing = Callable[[Connection], object]
OLD, YOUNG = ("b", "d"), ("B", "a", "c")
"""In the order of their age ``b`` comes before ``a``; capitals come first for us, not for every collation."""

ROW = WantedRow("companies", "", "", "profile", {"h": "1"}, {}, (), (), "x")


@pytest.fixture
def database(postgres_url: str) -> Iterator[Engine]:
    """Give an engine on a migrated PostgreSQL."""
    opened = open_engine(postgres_url)
    migrate(opened)
    yield opened
    opened.dispose()


def crossing(engine: Engine, table: Table, early: Doing, late: Doing) -> list[object]:
    """Have both come to rows of which somebody holds ``a``, ``early`` first; return what they returned.

    Whichever has locked a row by then that the other still wants has the other wait for it in turn.
    """
    name = "dedupe_key" if table is inbox.inbox else "id" if table is dirty.dirty else "key"
    with ThreadPoolExecutor(2) as pool, engine.begin() as blocking:
        blocking.execute(select(table).where(table.c[name] == "a").with_for_update())
        found = []
        for number, doing in enumerate((early, late), 1):
            found.append(pool.submit(_alone, engine, doing))
            _until_waiting(engine, number)
        blocking.rollback()
        return [one.result(PATIENCE_S) for one in found]


def _alone(engine: Engine, doing: Doing) -> object:
    with writing(engine) as conn:
        return doing(conn)


def _until_waiting(engine: Engine, number: int) -> None:
    here = "datname = current_database() AND wait_event_type = 'Lock'"
    waiting = text(f"SELECT count(*) FROM pg_stat_activity WHERE {here}")
    gives_up = time.monotonic() + PATIENCE_S
    while True:
        with engine.connect() as conn:
            if conn.execute(waiting).scalar_one() == number:
                return
        assert time.monotonic() < gives_up
        time.sleep(0.01)


def claimed(engine: Engine) -> tuple[Claim, ...]:
    """Claim accounts of two ages; return them in the order of their age."""
    with writing(engine) as conn:
        dirty.mark(conn, A, NOW, Scope.ACCOUNT, OLD, "one")
        dirty.mark(conn, A, NOW + MINUTE, Scope.ACCOUNT, YOUNG, "two")
        return dirty.claim(conn, A, Scope.ACCOUNT, lease(at=NOW + MINUTE))


def sent(engine: Engine) -> list[LedgerRow]:
    """Have records of two ages sent; return them in the order of their age."""
    with writing(engine) as conn:
        ledger.want(conn, A, NOW, wanted(OLD), 1)
        ledger.want(conn, A, NOW + MINUTE, wanted(YOUNG), 2)
        rows = ledger.claim_pending(conn, A, "companies", lease(at=NOW + MINUTE))
        return list(ledger.mark_sent(conn, A, NOW + MINUTE, rows))


def wanted(keys: tuple[str, ...], value: str = "1") -> list[WantedRow]:
    """Return a record for each key."""
    return [replace(ROW, key=key, account_id=key, desired={"h": value}) for key in keys]


@pytest.mark.parametrize("ends", ["extend", "finish"])
def test_a_look_that_ends_and_a_mark(database: Engine, ends: str) -> None:
    """An event marks the accounts of a look while it enters what it found."""
    claims = claimed(database)
    end: dict[str, Doing] = {
        "extend": lambda conn: dirty.extend(conn, A, claims, lease(at=NOW + 2 * MINUTE)),
        "finish": lambda conn: dirty.finish(conn, A, claims).done,
    }
    marks = [one.id for one in claims]
    both = crossing(
        database, dirty.dirty, lambda conn: dirty.mark(conn, A, NOW, Scope.ACCOUNT, marks, "three"), end[ends]
    )
    assert both == [5, 5 if ends == "extend" else 0]


def test_answers_of_the_crm_and_a_look(database: Engine) -> None:
    """A look wants other values of the records whose answers a push enters."""
    rows = sent(database)
    assert rows[0].key == "b"
    answers = [Acknowledgement(row, f"id-{row.key}", row.desired) for row in rows]
    _, entered = crossing(
        database,
        ledger.write_ledger,
        lambda conn: ledger.want(conn, A, NOW + MINUTE, wanted(OLD + YOUNG, "2"), 3),
        lambda conn: ledger.acknowledge(conn, A, NOW, answers),
    )
    assert entered == 5


def test_refusals_entered_one_by_one_and_a_look(database: Engine) -> None:
    """Whoever enters rows one after the other holds all of them from the start."""
    rows = sent(database)

    def refuse(conn: Connection) -> int:
        ledger.lock(conn, A, rows)
        return sum(ledger.block(conn, A, row, "NO", "no") for row in rows)

    _, entered = crossing(
        database,
        ledger.write_ledger,
        lambda conn: ledger.want(conn, A, NOW + MINUTE, wanted(OLD + YOUNG, "2"), 3),
        refuse,
    )
    assert entered == 5


def test_events_worked_in_and_put_off(database: Engine) -> None:
    """Two workers that hold the same events, one by a lease that ended, wait in the order of the keys."""
    with writing(database) as conn:
        for at, keys in ((NOW, OLD), (NOW + MINUTE, YOUNG)):
            inbox.put(conn, A, at, [InboxEvent(key, "hubspot", {}) for key in keys])
        items = inbox.take(conn, A, lease(at=NOW + MINUTE))
    assert items[0].dedupe_key == "b"
    backwards = sorted(items, key=lambda one: one.dedupe_key)
    _, late = crossing(
        database,
        inbox.inbox,
        lambda conn: inbox.give_back(conn, A, backwards, "no answer", NOW),
        lambda conn: inbox.done(conn, A, items),
    )
    assert late == 0
