"""Deals that are made together with their lines and contact roles: claimed, sent and entered as one.

Only a deal that is not there yet is made with them; lines that are wanted under a deal that stands, such as
those a person has freed again, are written like any row, and roles by ``push_roles``. Neighbours: ``push``
calls this with the deals to make, ``integration.wholes`` writes them all or nothing, ``push_enter`` enters
what became of each row.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from integration.port import Refusal, Refused, Unavailable, WriteResult
from integration.wholes import Whole, WholeResult
from mappings.deal_lines import line_object
from mappings.deal_roles import copied_from, role_object
from mappings.diff import changed_fields
from mappings.naming import key_field
from sync import storage
from sync.push_enter import Pushed, enter, give_back, put_off, put_off_refused
from sync.push_plan import Plan, write_row
from sync.push_roles import enter_roles, whole_port
from sync.state import ledger
from sync.state.engine import writing
from sync.state.leases import Lease
from sync.state.ledger import LedgerRow
from sync.vanished import follow_vanished
from sync.workspace import Workspace


@dataclass(frozen=True, slots=True)
class _Under:
    """The rows claimed under deals to be made, by its key: lines as plans, and the row of its roles."""

    lines: Mapping[str, list[Plan]]
    roles: Mapping[str, LedgerRow]

    def has(self, plan: Plan) -> bool:
        """Return whether a deal is made with anything."""
        return plan.row.key in self.lines or plan.row.key in self.roles

    @property
    def rows(self) -> list[LedgerRow]:
        """Return all the rows."""
        return [*(part.row for own in self.lines.values() for part in own), *self.roles.values()]


def send_wholes(
    ws: Workspace, object_name: str, plans: Sequence[Plan], lease: Lease
) -> tuple[Pushed, list[Plan]]:
    """Make the deals that have lines or roles; return what was done, and the plans left to be sent."""
    crm = ws.inbound.crm
    made = [plan for plan in plans if plan.creates and not plan.keyless]
    if object_name != crm.reads.deal.object or not made:
        return Pushed(), list(plans)
    lines = _claimed(ws, line_object(crm), made, lease)
    roles = _claimed(ws, role_object(crm), made, lease)
    try:
        return _send(ws, plans, _Under(_by_parent(lines), {row.parent_keys[0][1]: row for row in roles}))
    except Unavailable as error:
        for rows in (lines, roles):
            if rows:
                give_back(ws, rows, error)
        raise
    except Refused as refused:
        for rows in (lines, roles):
            if rows:
                put_off_refused(ws, rows, refused.error)
        raise


def _claimed(
    ws: Workspace, object_name: str | None, plans: Sequence[Plan], lease: Lease
) -> tuple[LedgerRow, ...]:
    if object_name is None:
        return ()
    with writing(ws.runtime.engine) as conn:
        return ledger.claim_children(conn, ws.id, object_name, [plan.row for plan in plans], lease)


def _send(ws: Workspace, plans: Sequence[Plan], under: _Under) -> tuple[Pushed, list[Plan]]:
    crm = ws.inbound.crm
    with writing(ws.runtime.engine) as conn:
        rows = [plan.row for plan in plans if under.has(plan)]
        marked = ledger.mark_sent(conn, ws.id, ws.now(), [*rows, *under.rows])
    sent = {(row.object, row.key) for row in marked}
    mine = [plan for plan in plans if under.has(plan) and (plan.row.object, plan.row.key) in sent]
    left = [plan for plan in plans if not under.has(plan)]
    if not mine:
        return Pushed(), left
    wholes = [_whole(plan, under, sent) for plan in mine]
    results = whole_port(ws).upsert_wholes(
        crm.reads.deal.object, line_object(crm), key_field(ws.vendor), wholes
    )
    return _enter(ws, mine, under, results), left


def _whole(plan: Plan, under: _Under, sent: Collection[tuple[str, str]]) -> Whole:
    """Return a deal with what is still ours to send."""
    lines = [part for part in under.lines.get(plan.row.key, ()) if (part.row.object, part.row.key) in sent]
    roles = under.roles.get(plan.row.key)
    held = roles is not None and (roles.object, roles.key) in sent
    return Whole(
        replace(write_row(plan), record_id=None),
        tuple(write_row(part) for part in lines),
        copied_from(roles.seed) if roles is not None and held else (),
    )


def _enter(ws: Workspace, plans: Sequence[Plan], under: _Under, results: Sequence[WholeResult]) -> Pushed:
    """Enter deals, lines and roles; what hangs under a deal that was refused waits until it is written."""
    storage.notice(ws, [one for result in results for one in (result.row, *result.parts)])
    rows = [result.row for result in results]
    done = enter(ws, plans, rows)
    follow_vanished(ws, plans[0].row.object, plans, rows)
    lines: list[tuple[Plan, WriteResult]] = []
    roles: list[tuple[LedgerRow, WholeResult]] = []
    waiting: list[LedgerRow] = []
    for plan, result in zip(plans, results, strict=True):
        by_key = {part.row.key: part for part in under.lines.get(plan.row.key, ())}
        own = [under.roles[plan.row.key]] if plan.row.key in under.roles else []
        if result.row.error is not None and result.row.error.refusal is not Refusal.BUSY:
            waiting += [*(by_key[one.key].row for one in result.parts), *own]
        else:
            lines += [(by_key[one.key], one) for one in result.parts]
            roles += [(row, result) for row in own]
    done = done.plus(put_off(ws, waiting))
    done = done.plus(enter(ws, [part for part, _ in lines], [one for _, one in lines]))
    told = [(result.row.record_id, result.roles_error or result.row.error) for _, result in roles]
    return done.plus(enter_roles(ws, [row for row, _ in roles], told))


def _by_parent(rows: Sequence[LedgerRow]) -> dict[str, list[Plan]]:
    """Return the lines to make by the key of their deal, as plans."""
    found: dict[str, list[Plan]] = {}
    for row in rows:
        found.setdefault(row.parent_keys[0][1], []).append(
            Plan(row, None, changed_fields(row.desired, None, None), ())
        )
    return found
