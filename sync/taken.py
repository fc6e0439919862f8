"""What the CRM took, as the ledger keeps it: every value as it stands there, not as we sent it.

Where the CRM brings a value into another form, the form it keeps is acknowledged, so that neither
its own echo nor the next poll looks like somebody else's change; beside it stands what we sent, so
that wanting the same again is no difference. The admin sees each as a finding.
Neighbours: ``push`` enters the answers; ``mappings.diff`` compares with what stands here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection

from integration.port import FieldValues, WriteResult
from mappings.diff import kept_form, same_value
from sync.state import findings
from sync.state.ledger import Acknowledgement, LedgerRow

NORMALISED = "normalised"
"""The kind of a finding: a field the CRM keeps in another form than the one we send."""


def taken(
    row: LedgerRow, record_id: str, sent: FieldValues, blocked: Collection[str], result: WriteResult
) -> Acknowledgement:
    """Return the acknowledgement of a row the CRM has just taken with the values ``sent``.

    What was wanted and not sent stands there already, or it would have been sent; not so ``blocked``
    fields, in which somebody's own values stand.
    """
    before = standing(row, record_id, leave_out={*sent, *blocked})
    kept = {one.field: one.kept for one in result.normalised}
    normalised = {name: value for name, value in before.normalised.items() if name not in sent}
    normalised |= {one.field: one.sent for one in result.normalised}
    return Acknowledgement(row, record_id, {**before.values, **sent, **kept}, normalised)


def standing(row: LedgerRow, record_id: str, leave_out: Collection[str] = ()) -> Acknowledgement:
    """Return the acknowledgement of a row whose wanted values stand in the CRM, but for those left out."""
    held = row.acknowledged or {}
    stands = {
        name: kept_form(name, wanted, held, row.normalised)
        for name, wanted in row.desired.items()
        if name not in leave_out
    }
    normalised = {
        name: sent
        for name, sent in row.normalised.items()
        if name not in row.desired or same_value(row.desired[name], sent)
    }
    return Acknowledgement(row, record_id, {**held, **stands}, normalised)


def tell_normalised(
    conn: Connection,
    installation_id: str,
    now: datetime,
    answers: Iterable[Acknowledgement],
    results: Sequence[WriteResult] = (),
) -> None:
    """Report what the CRM has just normalised, in its words, and close what it keeps as sent since."""
    by_key = {result.key: result for result in results if result.normalised}
    told: dict[str, str] = {}
    ended: list[str] = []
    for answer in answers:
        row = answer.row
        subject = f"{row.object}/{row.key}"
        for one in by_key[row.key].normalised if row.key in by_key else ():
            words = f" ({one.message})" if one.message else ""
            told[f"{subject}/{one.field}"] = f"we sent {one.sent!r}; the CRM keeps {one.kept!r}{words}"
        ended += [f"{subject}/{name}" for name in row.normalised if name not in answer.normalised]
    findings.report(conn, installation_id, now, NORMALISED, told)
    findings.resolve(conn, installation_id, now, NORMALISED, ended)
