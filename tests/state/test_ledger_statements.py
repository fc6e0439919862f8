"""Rows of the ledger go many to a statement: what a cycle costs does not grow by a statement a row."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from sqlalchemy import Engine, event

from sync.state import ledger
from sync.state.engine import writing
from sync.state.ledger import Acknowledgement, Wanted, WantedRow, WriteState
from tests.state.moments import NOW, A, lease

ROWS = 1_200
STATEMENTS = 3  # 500 keys each
CHANGED = [0, 700]


def wanted(title: str = "as before", seed: str = "0") -> list[WantedRow]:
    """Return many rows, of which two have the title given."""
    names = ["as before"] * ROWS
    for number in CHANGED:
        names[number] = title
    return [
        WantedRow("cs_milestone", f"m{n:04}", f"a{n}", "milestone", {"cs_name": name}, {"cs_seed": seed})
        for n, name in enumerate(names)
    ]


@contextmanager
def said(engine: Engine, beginning: str) -> Iterator[list[str]]:
    """Collect the statements sent that begin so; one for many sets of values counts once a set."""
    found: list[str] = []

    def hear(_conn: object, _cursor: object, text: str, values: object, _context: object, many: bool) -> None:
        if text.startswith(beginning):
            found.extend([text] * (len(values) if many and isinstance(values, list) else 1))

    event.listen(engine, "before_cursor_execute", hear)
    yield found
    event.remove(engine, "before_cursor_execute", hear)


@pytest.fixture
def standing(engine: Engine) -> Engine:
    """Give the database with many rows the CRM has taken."""
    with writing(engine) as conn:
        ledger.want(conn, A, NOW, wanted(), 1)
        claimed = ledger.claim_pending(conn, A, "cs_milestone", lease(limit=ROWS))
        answers = [Acknowledgement(row, f"r{row.key}", row.desired) for row in claimed]
        ledger.acknowledge(conn, A, NOW, answers)
    return engine


def test_what_has_not_changed_is_compared_many_rows_at_a_time(standing: Engine) -> None:
    """Of 1,200 rows wanted two differ: three reads, and those two are pending; the seed matters no more."""
    with said(standing, "SELECT") as reads, writing(standing) as conn:
        assert ledger.want(conn, A, NOW, wanted("anew", seed="1"), 2) == Wanted(len(CHANGED), 0, 0)
    assert len(reads) == STATEMENTS
    with writing(standing) as conn:
        rows = ledger.claim_pending(conn, A, "cs_milestone", lease(limit=ROWS))
    assert [row.key for row in rows] == ["m0000", "m0700"]


def test_another_seed_of_a_row_never_taken_is_a_change(engine: Engine) -> None:
    """Before the first write the seed is ours: the same text changes nothing, another does."""
    with writing(engine) as conn:
        ledger.want(conn, A, NOW, wanted()[:1], 1)
        assert ledger.want(conn, A, NOW, wanted()[:1], 2) == Wanted(0, 0, 0)
        assert ledger.want(conn, A, NOW, wanted(seed="é")[:1], 3) == Wanted(1, 0, 0)


def test_rows_are_marked_and_given_back_many_at_a_time(engine: Engine) -> None:
    """Three statements for 1,200 rows; what another claim has taken meanwhile is left alone."""
    with writing(engine) as conn:
        ledger.want(conn, A, NOW, wanted(), 1)
        rows = ledger.claim_pending(conn, A, "cs_milestone", lease(limit=ROWS))
    with said(engine, "UPDATE") as updates, writing(engine) as conn:
        assert len(ledger.mark_sent(conn, A, NOW, rows)) == ROWS
    assert len(updates) == STATEMENTS
    orphans = [replace(row, fence=row.fence - 1) for row in rows[:5]]
    with said(engine, "UPDATE") as updates, writing(engine) as conn:
        assert ledger.release(conn, A, [*orphans, *rows[5:]]) == ROWS - len(orphans)
    assert len(updates) == STATEMENTS + 1
    with writing(engine) as conn:
        assert ledger.counts(conn, A) == {("cs_milestone", WriteState.SENT): ROWS}
