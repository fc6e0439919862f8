"""Which fields somebody insists on, kept from one push to the next.

A row with such a field is blocked, also after its other fields were written; the field is left alone until
it holds what we want, or until an admin has it tried again. Neighbours: ``push_enter`` enters what became of
rows, ``insistence`` reads what is kept here, ``mended`` forgets it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection

from sync.insistence import INSISTED, insisted_words
from sync.push_plan import Plan
from sync.state import findings
from sync.state.ledger import Acknowledgement, LedgerRow
from sync.state.ledger_blocks import block_taken
from sync.workspace import Workspace


def keep_insisted(conn: Connection, ws: Workspace, plans: Sequence[Plan]) -> None:
    """Keep on which fields of compared rows somebody insists, and forget those that stand as wanted by now.

    An automation is met anew with each value wanted: it is none.
    """
    told = {one.subject for one in findings.open_findings(conn, ws.id, INSISTED)}
    found = {
        f"{_name(plan.row)}/{one.field}": insisted_words([one])
        for plan in plans
        for one in plan.changes.blocked
        if not one.on_save
    }
    rows = {_name(plan.row) for plan in plans}
    ended = {subject for subject in told - found.keys() if subject.rpartition("/")[0] in rows}
    new = {subject: words for subject, words in found.items() if subject not in told}
    findings.report(conn, ws.id, ws.now(), INSISTED, new)
    findings.resolve(conn, ws.id, ws.now(), INSISTED, ended)


def known_to_stand(plan: Plan, answer: Acknowledgement) -> Acknowledgement:
    """Return an acknowledgement that says nothing of fields somebody insists on: theirs stands, not ours."""
    theirs = {one.field for one in plan.changes.blocked if not one.on_save}
    return replace(answer, values={name: one for name, one in answer.values.items() if name not in theirs})


def block_written(conn: Connection, ws: Workspace, plans: Sequence[Plan]) -> int:
    """Block rows whose other fields the CRM has just taken; return how many.

    Where it is an automation, what it makes of this write is asked first.
    """
    blocked = [plan for plan in plans if any(not one.on_save for one in plan.changes.blocked)]
    return sum(
        block_taken(conn, ws.id, plan.row, block_code(plan), insisted_words(plan.changes.blocked))
        for plan in blocked
    )


def block_code(plan: Plan) -> str:
    """Return why a row is blocked in which somebody, or an automation, insists on a field."""
    on_save = any(one.on_save for one in plan.changes.blocked)
    return "REWRITTEN_ON_SAVE" if on_save else "CHANGED_BY_OTHERS"


def _name(row: LedgerRow) -> str:
    return f"{row.object}/{row.key}"
