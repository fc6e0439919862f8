"""The ledger of writes: what is missing in the CRM is always known, whoever dies when."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import chain

import pytest
from sqlalchemy import Engine

from integration.port import Link
from sync.state import ledger
from sync.state.engine import writing
from sync.state.leases import Waiting
from sync.state.ledger import Acknowledgement, LedgerRow, Wanted, WantedRow, WriteState
from sync.state.schema import EPOCH
from tests.state.moments import HOUR, MINUTE, NOW, A, lease

ROW = WantedRow(
    object="companies",
    key="profile:1",
    account_id="1",
    kind="profile",
    desired={"cs_health": "80"},
    seed={"cs_name": "Acme"},
    parents=(Link("companies", "1"),),
    parent_keys=(("cs_plan", "plan:1"),),
    reason="facts changed",
)


def _want(engine: Engine, *rows: WantedRow, fence: int = 1, at=NOW) -> Wanted:
    with writing(engine) as conn:
        return ledger.want(conn, A, at, rows, fence)


def _claim(engine: Engine, owner="w1", at=NOW, limit=100) -> tuple[LedgerRow, ...]:
    with writing(engine) as conn:
        return ledger.claim_pending(conn, A, "companies", lease(owner, at, limit))


def _send(engine: Engine, *rows: LedgerRow, at=NOW) -> tuple[LedgerRow, ...]:
    with writing(engine) as conn:
        return ledger.mark_sent(conn, A, at, rows)


def _acknowledge(engine: Engine, row: LedgerRow, at=NOW) -> int:
    with writing(engine) as conn:
        return ledger.acknowledge(conn, A, at, [Acknowledgement(row, "501", row.desired)])


def _held(engine: Engine, key="profile:1") -> LedgerRow:
    with writing(engine) as conn:
        return ledger.find(conn, A, "companies", [key])[key]


def _written(engine: Engine) -> LedgerRow:
    _want(engine, ROW)
    (row,) = _claim(engine)
    _send(engine, row)
    assert _acknowledge(engine, row) == 1
    return _held(engine)


def test_a_wanted_row_is_written_once(engine: Engine) -> None:
    """Wanted, claimed, sent, taken; wanted again the same, it wakes nobody."""
    written = _written(engine)
    assert (written.state, written.record_id) == (WriteState.ACKNOWLEDGED, "501")
    assert written.acknowledged == {"cs_health": "80"}
    assert _want(engine, ROW, fence=2) == Wanted(0, 0, 0)
    assert _claim(engine, at=NOW + HOUR) == ()


def test_a_claimed_row_carries_all_that_the_write_needs(engine: Engine) -> None:
    """The push reads nothing but the ledger."""
    _want(engine, ROW)
    (row,) = _claim(engine)
    assert (row.desired, row.seed) == ({"cs_health": "80"}, {"cs_name": "Acme"})
    assert row.parents == (Link("companies", "1"),)
    assert row.parent_keys == (("cs_plan", "plan:1"),)
    assert (row.record_id, row.acknowledged, row.uncertain, row.attempts) == (None, None, False, 1)


def test_a_changed_value_is_pending_again_and_remembers_what_was_taken(engine: Engine) -> None:
    """The three-way comparison needs the last acknowledged values."""
    _written(engine)
    assert _want(engine, replace(ROW, desired={"cs_health": "70"}), fence=2).changed == 1
    (row,) = _claim(engine, at=NOW + HOUR)
    assert row.desired == {"cs_health": "70"}
    assert row.acknowledged == {"cs_health": "80"}
    assert row.record_id == "501"


@pytest.mark.parametrize(
    "other",
    [
        replace(ROW, parents=(Link("companies", "2"),)),
        replace(ROW, parent_keys=()),
        replace(ROW, account_id="2"),
    ],
)
def test_another_parent_is_a_change(engine: Engine, other: WantedRow) -> None:
    """A record that should hang elsewhere has to be written."""
    _written(engine)
    assert _want(engine, other, fence=2).changed == 1


def test_the_seed_counts_until_the_record_exists(engine: Engine) -> None:
    """Before the first write a new seed replaces the old; after it the field is the customer's."""
    other = replace(ROW, seed={"cs_name": "Acme Ltd"})
    _want(engine, ROW)
    assert _want(engine, other, fence=2).changed == 1
    (row,) = _claim(engine)
    assert row.seed == {"cs_name": "Acme Ltd"}
    _send(engine, row)
    _acknowledge(engine, row)
    assert _want(engine, ROW, fence=3) == Wanted(0, 0, 0)


def test_a_reason_alone_is_no_change(engine: Engine) -> None:
    """Words for people do not cost a call."""
    _written(engine)
    assert _want(engine, replace(ROW, reason="looked again"), fence=2).changed == 0


def test_an_orphans_older_fence_is_refused(engine: Engine) -> None:
    """A look that outlived its lease cannot overwrite the later one, also where that changed nothing."""
    _want(engine, ROW, fence=5)
    _want(engine, ROW, fence=9)
    assert _want(engine, replace(ROW, desired={"cs_health": "1"}), fence=7) == Wanted(0, 1, 0)
    assert _held(engine).desired == {"cs_health": "80"}


def test_pushing_does_not_make_the_next_look_stale(engine: Engine) -> None:
    """The push's fence and the look's are two: a look claimed before the push still counts."""
    _want(engine, ROW, fence=1)
    for _ in range(5):
        _claim(engine, at=NOW + HOUR)
    assert _want(engine, replace(ROW, desired={"cs_health": "2"}), fence=2).changed == 1


def test_a_value_changed_during_the_call_is_written_next(engine: Engine) -> None:
    """The answer is about what was sent; the newer value stays pending."""
    _want(engine, ROW)
    (row,) = _claim(engine)
    _send(engine, row)
    _want(engine, replace(ROW, desired={"cs_health": "70"}), fence=2)
    assert _held(engine).state is WriteState.SENT
    assert _acknowledge(engine, row) == 1
    held = _held(engine)
    assert (held.state, held.acknowledged) == (WriteState.PENDING, {"cs_health": "80"})
    assert _claim(engine)[0].desired == {"cs_health": "70"}


KILLED_PUSH = """
import os, signal, sys
from sync.state import ledger
from sync.state.engine import open_engine, writing
from tests.state.moments import A, NOW, lease
engine = open_engine(sys.argv[1])
with writing(engine) as conn:
    rows = ledger.claim_pending(conn, A, "companies", lease("doomed"))
with writing(engine) as conn:
    assert len(ledger.mark_sent(conn, A, NOW, rows)) == 1
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_push_killed_between_call_and_answer_comes_back_uncertain(
    engine: Engine, database_url: str
) -> None:
    """Kill -9 after the intent: the next claim says that the CRM may have taken it."""
    _want(engine, ROW)
    killed = subprocess.run([sys.executable, "-c", KILLED_PUSH, database_url], check=False)
    assert killed.returncode == -9
    assert _claim(engine, "w2", at=NOW + MINUTE / 2) == ()
    (row,) = _claim(engine, "w2", at=NOW + MINUTE)
    assert row.uncertain
    assert row.sent_at == NOW


def test_a_push_that_lost_its_lease_may_not_send_or_answer(engine: Engine) -> None:
    """Whoever was overtaken by a later claim changes nothing."""
    _want(engine, ROW)
    (orphan,) = _claim(engine, "w1")
    (later,) = _claim(engine, "w2", at=NOW + MINUTE)
    assert later.fence > orphan.fence
    assert _send(engine, orphan) == ()
    assert _acknowledge(engine, orphan) == 0
    with writing(engine) as conn:
        assert not ledger.block(conn, A, orphan, "X", "no")
        assert not ledger.retry(conn, A, orphan, NOW + HOUR, code="X", message="no")
    assert _send(engine, later) == (later,)


def test_claims_of_concurrent_pushes_never_overlap(engine: Engine) -> None:
    """Eight pushers empty the ledger together; no row is sent twice."""
    _want(engine, *(replace(ROW, key=f"profile:{number}", account_id=f"{number}") for number in range(120)))

    def drain(worker: int) -> list[str]:
        mine: list[str] = []
        while rows := _claim(engine, f"w{worker}", limit=7):
            mine += [row.key for row in rows]
        return mine

    with ThreadPoolExecutor(8) as pool:
        taken = list(chain.from_iterable(pool.map(drain, range(8))))
    assert sorted(taken) == sorted(f"profile:{number}" for number in range(120))


def test_a_refused_row_is_blocked_with_the_crms_own_words(engine: Engine) -> None:
    """Not tried again while the same is wanted; tried again once it is wanted differently."""
    _want(engine, ROW)
    (row,) = _claim(engine)
    _send(engine, row)
    with writing(engine) as conn:
        assert ledger.block(conn, A, row, "FIELD_CUSTOM_VALIDATION_EXCEPTION", "Owner must be active")
        (blocked,) = ledger.blocked(conn, A)
    assert (blocked.error_code, blocked.error_message) == (
        "FIELD_CUSTOM_VALIDATION_EXCEPTION",
        "Owner must be active",
    )
    assert _want(engine, ROW, fence=2) == Wanted(0, 0, 0)
    assert _claim(engine, at=NOW + HOUR) == ()
    assert _want(engine, replace(ROW, desired={"cs_health": "70"}), fence=3).changed == 1
    assert _claim(engine, at=NOW + HOUR)[0].error_code is None


def test_a_mended_block_is_reopened_by_the_admin(engine: Engine) -> None:
    """After the customer's rule is changed the same row goes out."""
    _want(engine, ROW)
    (row,) = _claim(engine)
    with writing(engine) as conn:
        ledger.block(conn, A, row, "X", "no")
        assert ledger.reopen(conn, A, "companies", ["profile:1"]) == 1
    assert len(_claim(engine)) == 1


@pytest.mark.parametrize("uncertain", [True, False])
def test_a_failed_call_waits_and_says_whether_it_may_have_worked(engine: Engine, uncertain: bool) -> None:
    """A timeout leaves doubt, a clear refusal to serve does not; both wait for their time, then are rung."""
    _want(engine, ROW)
    (row,) = _claim(engine)
    _send(engine, row)
    with writing(engine) as conn:
        assert ledger.retry(conn, A, row, NOW + HOUR, code="503", message="later", uncertain=uncertain)
        assert ledger.unheld(conn, NOW + MINUTE) == ()
        assert ledger.unheld(conn, NOW + HOUR) == (Waiting(A, "companies", 1, EPOCH),)
    assert _claim(engine, at=NOW + HOUR - MINUTE) == ()
    (again,) = _claim(engine, at=NOW + HOUR)
    assert (again.uncertain, again.attempts) == (uncertain, 2)


def test_rows_not_sent_are_given_back(engine: Engine) -> None:
    """A push out of budget leaves its rows for the next."""
    _want(engine, ROW)
    rows = _claim(engine)
    with writing(engine) as conn:
        assert ledger.release(conn, A, rows) == 1
    assert _claim(engine)[0].attempts == 1


def test_a_tombstone_is_never_written_again(engine: Engine) -> None:
    """Deleting one of our renewals is a decision."""
    _written(engine)
    with writing(engine) as conn:
        assert ledger.tombstone(conn, A, "companies", ["profile:1"], "deleted by jane") == 1
        assert ledger.reopen(conn, A, "companies", ["profile:1"], recreate=True) == 0
        assert ledger.counts(conn, A) == {("companies", WriteState.TOMBSTONE): 1}
    assert _want(engine, replace(ROW, desired={"cs_health": "1"}), fence=9) == Wanted(0, 0, 1)
    assert _claim(engine, at=NOW + HOUR) == ()


def test_a_tombstone_set_during_the_call_stays(engine: Engine) -> None:
    """The answer to a write in flight does not raise the dead."""
    _want(engine, ROW)
    (row,) = _claim(engine)
    _send(engine, row)
    with writing(engine) as conn:
        ledger.tombstone(conn, A, "companies", ["profile:1"], "deleted by jane")
    assert _acknowledge(engine, row) == 0
    assert _held(engine).state is WriteState.TOMBSTONE


def test_a_record_of_ours_that_vanished_is_created_anew(engine: Engine) -> None:
    """Where the charter wants it back, the CRM's old id and values are forgotten."""
    _written(engine)
    with writing(engine) as conn:
        assert ledger.reopen(conn, A, "companies", ["profile:1"], recreate=True) == 1
    (row,) = _claim(engine)
    assert (row.record_id, row.acknowledged) == (None, None)


def test_an_adopted_record_brings_its_id(engine: Engine) -> None:
    """A renewal made by a person is linked, never doubled."""
    _want(engine, replace(ROW, record_id="900"))
    assert _claim(engine)[0].record_id == "900"


def test_our_records_are_known_by_id_and_account(engine: Engine) -> None:
    """An echo of our own write is told from a stranger's record."""
    _written(engine)
    with writing(engine) as conn:
        assert list(ledger.by_record(conn, A, "companies", ["501", "502"])) == ["501"]
        assert [row.key for row in ledger.of_accounts(conn, A, ["1", "2"])] == ["profile:1"]
