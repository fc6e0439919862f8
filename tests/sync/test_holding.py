"""What a job claims stands while it works, is free a minute after its death, and at once when it leaves."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.exc import OperationalError

from sync.holding import holding, owner_name
from sync.state import dirty, held, inbox, ledger
from sync.state.dirty import Scope
from sync.state.engine import migrate, open_engine, writing
from sync.state.inbox import InboxEvent
from sync.state.leases import HOLD_S, Lease
from sync.state.ledger import WantedRow
from tests.state.moments import NOW, A

HOLD = timedelta(seconds=HOLD_S)
SECOND = timedelta(seconds=1)
PATIENCE_S = 30
ROW = WantedRow(
    object="companies", key="profile:1", account_id="1", kind="profile", desired={"h": "1"}, reason="x"
)


@dataclass
class Process:
    """As much of a process as holds leases: a database, and a clock that the test moves."""

    engine: Engine
    at: datetime = NOW
    clock: Process = field(init=False)

    def __post_init__(self) -> None:
        """Be one's own clock."""
        self.clock = self

    def now(self) -> datetime:
        """Return the instant it is."""
        return self.at

    def claim(self, owner: str) -> int:
        """Claim an account, an event and a record; return how many of them were free."""
        with writing(self.engine) as conn:
            terms = Lease(owner, self.at, HOLD_S, 10)
            return (
                len(dirty.claim(conn, A, Scope.ACCOUNT, terms))
                + len(inbox.take(conn, A, terms))
                + len(ledger.claim_pending(conn, A, "companies", terms))
            )


@pytest.fixture
def process(engine: Engine) -> Process:
    """Give a process with an account to look at, an event to work in and a record to write."""
    return prepared(engine)


def prepared(engine: Engine) -> Process:
    """Return a process on a database in which there is something of each kind to claim."""
    with writing(engine) as conn:
        dirty.mark(conn, A, NOW, Scope.ACCOUNT, ["1"], "test")
        inbox.put(conn, A, NOW, [InboxEvent("1", "hubspot", {})])
        ledger.want(conn, A, NOW, [ROW], fence=1)
    return Process(engine)


def ends(engine: Engine) -> list[datetime]:
    """Return until when each row is held."""
    with writing(engine) as conn:
        return [conn.execute(select(table.c.leased_until)).scalar_one() for table in held.CLAIMED[:3]]


def test_a_job_at_work_keeps_what_it_claimed(process: Process) -> None:
    """Its thread prolongs all of it, so that nobody takes it when the first minute is over."""
    with holding(process, every_s=0.01) as owner:
        assert process.claim(owner) == 3
        process.at += HOLD - SECOND
        gives_up = time.monotonic() + PATIENCE_S
        while ends(process.engine) != [process.at + HOLD] * 3:
            assert time.monotonic() < gives_up
            time.sleep(0.01)
        process.at += HOLD - SECOND
        assert process.claim("another") == 0


def test_what_a_killed_process_held_is_free_a_minute_later(process: Process) -> None:
    """Nobody prolongs it any more."""
    process.claim("killed")
    process.at += HOLD - SECOND
    assert process.claim("another") == 0
    process.at += SECOND
    assert process.claim("another") == 3


def test_a_process_that_leaves_gives_back_what_it_holds(process: Process) -> None:
    """Free at once, and as if it had not been tried; a record marked as sent is still asked for first."""
    with suppress(SystemExit), holding(process) as owner:
        process.claim(owner)
        with writing(process.engine) as conn:
            row = ledger.find(conn, A, "companies", ["profile:1"])["profile:1"]
            assert len(ledger.mark_sent(conn, A, NOW, [row])) == 1
        raise SystemExit
    with writing(process.engine) as conn:
        terms = Lease("next", process.at, HOLD_S, 10)
        assert dirty.claim(conn, A, Scope.ACCOUNT, terms)[0].attempts == 1
        assert inbox.take(conn, A, terms)[0].attempts == 1
        (row,) = ledger.claim_pending(conn, A, "companies", terms)
        assert row.uncertain


def test_a_job_that_fails_keeps_its_rows_for_a_pause(process: Process) -> None:
    """What broke it would break the next one at once."""
    with suppress(RuntimeError), holding(process) as owner:
        process.claim(owner)
        raise RuntimeError
    assert process.claim("another") == 0


def test_a_job_whose_transaction_the_database_ended_gives_its_rows_back(process: Process) -> None:
    """A deadlock, a lost connection, a lock waited for too long: nothing is wrong with the rows."""
    with suppress(OperationalError), holding(process) as owner:
        process.claim(owner)
        raise OperationalError("UPDATE dirty", {}, Exception("deadlock detected"))
    assert process.claim("another") == 3


def test_what_another_holds_is_left_alone(process: Process) -> None:
    """A job prolongs and gives back under its own name, which no other job has, of this process or any."""
    process.claim("another")
    before = ends(process.engine)
    with writing(process.engine) as conn:
        assert held.prolong(conn, owner_name(), NOW + 9 * HOLD) == held.give_back(conn, owner_name()) == 0
    assert ends(process.engine) == before
    assert len({owner_name() for _ in range(100)}) == 100


def test_prolonging_waits_for_nobody(postgres_url: str) -> None:
    """Rows that the job's own transaction is writing are left for the next time: neither side waits.

    On PostgreSQL; SQLite has one writer at a time, so there two can never wait for each other's rows.
    """
    engine = open_engine(postgres_url)
    migrate(engine)
    process = prepared(engine)
    process.claim("me")
    with writing(process.engine) as conn:
        terms = Lease("me", NOW, HOLD_S, 10)
        claims = [dirty.Claim(Scope.ACCOUNT, "1", 1, 1, 1, NOW, ())]
        assert dirty.extend(conn, A, claims, terms) == 1
        found: list[int] = []
        beside = threading.Thread(target=lambda: found.append(prolonged(process)))
        beside.start()
        beside.join(PATIENCE_S)
        assert found == [2]
    engine.dispose()


def prolonged(process: Process) -> int:
    """Prolong everything; return how many rows that was."""
    with writing(process.engine) as conn:
        return held.prolong(conn, "me", NOW + 2 * HOLD)
