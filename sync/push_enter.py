"""Entering what became of claimed rows: taken, standing already, refused, or put off.

Neighbours: ``push`` sends and calls these, ``push_plan`` says what was meant, ``taken`` what stands now.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from integration.port import Refusal, RowError, Unavailable, WriteResult
from sync import storage
from sync.insisted import block_code, block_written, keep_insisted, known_to_stand
from sync.insistence import REWRITTEN, insisted_words
from sync.push_plan import Plan, goes_by_key, needs_a_call, write_row
from sync.settle import LANDS_WITHIN
from sync.state import findings, ledger
from sync.state.engine import writing
from sync.state.ledger import PARENT, Acknowledgement, LedgerRow, retry_wait
from sync.taken import standing, taken, tell_normalised
from sync.withdraw import own_objects
from sync.workspace import Workspace

PARENT_WAIT, PARENT_LONGEST = timedelta(seconds=2), timedelta(minutes=5)
BUSY_TRIES = 24
"""How often a row the CRM calls busy is tried, about a day, before it is shown to the admin; so is one whose
account or parent it calls gone."""

DELETED = "a person deleted the record in the CRM"


@dataclass(frozen=True, slots=True)
class Pushed:
    """What a push did, by rows: written, found to stand already, refused by the CRM, put off."""

    written: int = 0
    standing: int = 0
    blocked: int = 0
    put_off: int = 0

    def plus(self, other: Pushed) -> Pushed:
        """Return the sum of both."""
        return Pushed(
            self.written + other.written,
            self.standing + other.standing,
            self.blocked + other.blocked,
            self.put_off + other.put_off,
        )


@contextmanager
def _entering(ws: Workspace, rows: Sequence[LedgerRow]) -> Iterator[Connection]:
    """Yield the transaction in which outcomes are entered row by row; it holds all rows from the start."""
    with writing(ws.runtime.engine) as conn:
        ledger.lock(conn, ws.id, rows)
        yield conn


def settle_standing(ws: Workspace, plans: Sequence[Plan]) -> Pushed:
    """Enter rows that need no call: everything wanted stands there, or somebody insists on a field."""
    idle = [plan for plan in plans if not needs_a_call(plan)]
    blocked = [plan for plan in idle if plan.changes.blocked]
    answers = [
        standing(plan.row, plan.record_id)
        for plan in idle
        if plan.record_id is not None and not plan.changes.blocked
    ]
    with _entering(ws, [plan.row for plan in idle]) as conn:
        ledger.acknowledge(conn, ws.id, ws.now(), answers)
        tell_normalised(conn, ws.id, ws.now(), answers)
        for plan in blocked:
            _block_insisted(ws, plan, conn)
        keep_insisted(conn, ws, idle)
    return Pushed(standing=len(answers), blocked=len(blocked))


def _block_insisted(ws: Workspace, plan: Plan, conn: Connection) -> None:
    ledger.block(conn, ws.id, plan.row, block_code(plan), insisted_words(plan.changes.blocked))


def put_off(ws: Workspace, rows: Sequence[LedgerRow]) -> Pushed:
    """Put off rows until what they hang under is written; longer from try to try, for that may be refused."""
    room = storage.next_asked(ws) if rows else None
    with _entering(ws, rows) as conn:
        for row in rows:
            at = (room if storage.may_wait(row) else None) or ws.now() + _parent_wait(row.attempts)
            ledger.retry(conn, ws.id, row, at, PARENT, "its parent is not written yet")
    return Pushed(put_off=len(rows))


def _parent_wait(attempts: int) -> timedelta:
    doublings = min(max(attempts - 1, 0), 10)
    return min(PARENT_WAIT * (1 << doublings), PARENT_LONGEST)


def keep_for_room(ws: Workspace, plans: Sequence[Plan]) -> Pushed:
    """Put off records that may wait until the CRM is asked again whether it has room."""
    at = storage.next_asked(ws) or ws.now()
    words = "the CRM has no room for another record"
    with _entering(ws, [plan.row for plan in plans]) as conn:
        for plan in plans:
            ledger.retry(conn, ws.id, plan.row, at, storage.NO_ROOM, words, uncertain=plan.row.uncertain)
    return Pushed(put_off=len(plans))


def let_land(ws: Workspace, rows: Sequence[LedgerRow]) -> Pushed:
    """Put off rows whose create got no answer until it has either been done or never will be."""
    words = "no answer came; it is looked for again before it is made"
    with _entering(ws, rows) as conn:
        for row in rows:
            at = (row.sent_at or ws.now()) + LANDS_WITHIN
            ledger.retry(conn, ws.id, row, at, "NO_ANSWER", words, uncertain=True)
    return Pushed(put_off=len(rows))


def enter(ws: Workspace, plans: Sequence[Plan], results: Sequence[WriteResult]) -> Pushed:
    """Enter the CRM's answers, one per plan, in order; return what they were."""
    now = ws.now()
    answers: list[Acknowledgement] = []
    done = Pushed()
    with _entering(ws, [plan.row for plan in plans]) as conn:
        for plan, result in zip(plans, results, strict=True):
            if result.error is None:
                answers.append(_acknowledgement(plan, result))
            else:
                done = done.plus(_refused(ws, plan, result, result.error, conn))
        ledger.acknowledge(conn, ws.id, now, answers)
        tell_normalised(conn, ws.id, now, answers, results)
        rewrites = {
            f"{plan.row.object}/{plan.row.key}/{name}": "we wrote over somebody else's change"
            for plan in plans
            for name in plan.changes.rewrites
        }
        findings.report(conn, ws.id, now, REWRITTEN, rewrites)
        mine = {answer.row.key for answer in answers}
        written = [plan for plan in plans if plan.row.key in mine]
        keep_insisted(conn, ws, written)
        block_written(conn, ws, written)
    return done.plus(Pushed(written=len(answers)))


def _refused(ws: Workspace, plan: Plan, result: WriteResult, error: RowError, conn: Connection) -> Pushed:
    """Enter a refusal by what can be done about it; of what was made and not linked, that it may stand."""
    row = plan.row
    if error.refusal is Refusal.BUSY and not _given_up(plan, error):
        at = ws.now() + retry_wait(row.attempts)
        ledger.retry(conn, ws.id, row, at, error.code, error.message, uncertain=True)
        return Pushed(put_off=1)
    if error.refusal is Refusal.FULL:
        words = f"{error.code}: {error.words}"
        if storage.may_wait(row):
            ledger.retry(conn, ws.id, row, ws.now() + storage.ASK_EVERY, storage.NO_ROOM, words)
            return Pushed(put_off=1)
        ledger.block(conn, ws.id, row, storage.NO_ROOM, words)
        return Pushed(blocked=1)
    if error.refusal is Refusal.GONE and plan.keyless and plan.record_id is not None:
        ledger.tombstone(conn, ws.id, row.object, [row.key], DELETED)
        return Pushed()
    if error.refusal is Refusal.GONE and _may_come_back(ws, plan) and not _given_up(plan, error):
        stands = _stands(ws, plan, result) is not None
        at = ws.now() + retry_wait(row.attempts)
        ledger.retry(conn, ws.id, row, at, error.code, error.message, uncertain=stands)
        return Pushed(put_off=1)
    ledger.block(conn, ws.id, row, error.code, error.words, record_id=_stands(ws, plan, result))
    return Pushed(blocked=1)


def _stands(ws: Workspace, plan: Plan, result: WriteResult) -> str | None:
    """Return the id of a record of our own objects that stands although its row was refused.

    Kept, so that it is taken back once its account is gone. Deals are people's as soon as they stand.
    """
    return (result.unlinked or plan.record_id) if plan.row.object in own_objects(ws) else None


def _may_come_back(ws: Workspace, plan: Plan) -> bool:
    """Say whether the account is gone, or a parent: people may restore it before we hear of either."""
    if plan.row.object == ws.inbound.crm.reads.account.object:
        return True
    return not plan.keyless and bool(plan.parents) and goes_by_key(plan)


def _given_up(plan: Plan, error: RowError) -> bool:
    """Say whether the CRM has called a row busy so often, in the same way, that waiting is no remedy.

    One without a key is never given up: whether it was made is found out by asking.
    """
    row = plan.row
    return not plan.keyless and row.attempts >= BUSY_TRIES and row.error_code == error.code


def _acknowledgement(plan: Plan, result: WriteResult) -> Acknowledgement:
    record_id = result.record_id or plan.record_id
    assert record_id is not None  # noqa: S101 - the port promises an id with every success
    blocked = [one.field for one in plan.changes.blocked]
    return known_to_stand(plan, taken(plan.row, record_id, write_row(plan).values, blocked, result))


def give_back(ws: Workspace, rows: Sequence[LedgerRow], error: Unavailable) -> None:
    """Give the claim back: rows not marked sent at once, those marked as uncertain after a while."""
    at = ws.now() + timedelta(seconds=error.retry_after_s or retry_wait(1).total_seconds())
    _try_again(ws, rows, at, "UNAVAILABLE", str(error))


def put_off_refused(ws: Workspace, rows: Sequence[LedgerRow], error: RowError) -> Pushed:
    """Put off each row of a claim of which the CRM refused a call as a whole, shown as blocked meanwhile.

    Each on its own curve: a new row whose neighbours cannot be asked about goes without them next time.
    """
    words, done = f"{error.code}: {error.words}", 0
    by_attempts: dict[int, list[LedgerRow]] = {}
    for row in rows:
        by_attempts.setdefault(row.attempts, []).append(row)
    for attempts, some in sorted(by_attempts.items()):
        done += _try_again(ws, some, ws.now() + retry_wait(attempts), ledger.CALL_REFUSED, words)
    return Pushed(put_off=done)


def _try_again(ws: Workspace, rows: Sequence[LedgerRow], at: datetime, code: str, words: str) -> int:
    """Put off what is still ours of rows, as sent where a call was made for it; return how many."""
    with _entering(ws, rows) as conn:
        held = ledger.find(conn, ws.id, rows[0].object, [row.key for row in rows])
        known = [row for row in rows if row.key in held]  # of others the account went meanwhile, unmade
        return sum(
            ledger.retry(
                conn,
                ws.id,
                replace(row, uncertain=held[row.key].uncertain),
                at,
                code,
                words,
                uncertain=held[row.key].uncertain,
            )
            for row in known
        )
