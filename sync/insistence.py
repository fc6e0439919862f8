"""What stands in the CRM against our writes: whose doing it is, so that nobody is fought.

A field of ours in which something else stands is written over once. When it is changed back, the row is
blocked with the name of who does it. An automation of the CRM may rewrite a value while our own write is
being saved: then nobody has saved the record since, and the value is another all the same. Where it is
our value in another form (letters' case, white space, cut short, rounded) it counts as the form the CRM
keeps; any other is somebody's who insists, however long ago it was written over.
Neighbours: ``push`` asks here what was observed, ``drift`` has the row looked at, ``mappings.diff``
decides, ``integration/witness`` says who saved a record last.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from integration.port import Refused
from integration.witness import Saved, WitnessPort
from mappings.diff import Acknowledged, BlockedField, Observed, changed_fields, same_value
from sync.drift import SKEW
from sync.state import findings, mirror
from sync.state.engine import reading, writing
from sync.state.ledger import LedgerRow
from sync.state.mirror import StoredRecord
from sync.taken import NORMALISED
from sync.workspace import Workspace

REWRITTEN = "rewritten"
"""The kind of a finding: when we last wrote over somebody else's change of a field."""

INSISTED = "insisted"
"""The kind of a finding: a field of ours that somebody insists on, until it holds what we want."""

AUTOMATION = "an automation of the CRM that runs as {} while our write is saved"
LEAST = timedelta(microseconds=1)
CUT_CHARACTERS = 8
"""How much of a text must be left for it to count as cut short, and not as another."""


@dataclass(frozen=True, slots=True)
class Sight:
    """Claimed rows as they are to be compared, and what is known to stand, by record id.

    ``rewritten`` says when we last wrote over somebody else's change, by row and field, ``insisted`` on
    which fields somebody insists.
    """

    rows: tuple[LedgerRow, ...]
    observed: Mapping[str, Observed]
    rewritten: Mapping[str, Mapping[str, datetime]]
    insisted: Mapping[str, Collection[str]]

    def acknowledged(self, row: LedgerRow) -> Acknowledged | None:
        """Return what the CRM last confirmed of a row, as the comparison takes it."""
        return acknowledged(row, self.rewritten, self.insisted)


def sight(ws: Workspace, object_name: str, rows: Sequence[LedgerRow]) -> Sight:
    """Return what the mirror holds of the rows' records, with who changed what stands against our writes.

    The CRM is asked about records that differ from what it acknowledged, in one call for all of them.
    """
    ids = [row.record_id for row in rows if row.record_id is not None]
    with reading(ws.runtime.engine) as conn:
        held = mirror.find(conn, ws.id, object_name, ids)
    known, insisted = _told(ws, REWRITTEN), _told(ws, INSISTED)
    observed = {record_id: Observed(one.values, one.confirmed_at) for record_id, one in held.items()}
    doubtful = [
        row
        for row in rows
        if row.record_id in held and _doubtful(row, held[row.record_id], acknowledged(row, known, insisted))
    ]
    saved = _last_saved(ws, object_name, doubtful)
    observed |= {str(row.record_id): _observed(row, saved[row.key]) for row in doubtful if row.key in saved}
    kept = tuple(_with_kept_forms(row, saved[row.key]) if row.key in saved else row for row in rows)
    _tell_forms(ws, rows, kept)
    return Sight(kept, observed, known, insisted)


def _last_saved(ws: Workspace, object_name: str, rows: Sequence[LedgerRow]) -> dict[str, Saved]:
    """Return, by key, how the records of rows stand and who saved them; none where the CRM does not say.

    A field hidden from us meanwhile keeps it from saying: then the mirror must do.
    """
    port = ws.port
    if not rows or not isinstance(port, WitnessPort):
        return {}
    names = sorted({name for row in rows for name in row.desired})
    try:
        saved = port.last_saved(object_name, [str(row.record_id) for row in rows], names)
    except Refused:
        return {}
    return {row.key: saved[str(row.record_id)] for row in rows if row.record_id in saved}


def _told(ws: Workspace, kind: str) -> dict[str, dict[str, datetime]]:
    """Return when it was last told of fields, by row and field."""
    found: dict[str, dict[str, datetime]] = {}
    with reading(ws.runtime.engine) as conn:
        for one in findings.open_findings(conn, ws.id, kind):
            row, _, name = one.subject.rpartition("/")
            found.setdefault(row, {})[name] = one.last_at
    return found


def acknowledged(
    row: LedgerRow,
    rewritten: Mapping[str, Mapping[str, datetime]],
    insisted: Mapping[str, Collection[str]],
) -> Acknowledged | None:
    """Return what the CRM last confirmed of a row, as the comparison takes it."""
    if row.acknowledged is None or row.acknowledged_at is None:
        return None
    name = f"{row.object}/{row.key}"
    at, theirs = rewritten.get(name, {}), frozenset(insisted.get(name, ()))
    return Acknowledged(row.acknowledged, row.acknowledged_at, at, row.normalised, theirs)


def insisted_words(blocked: Sequence[BlockedField]) -> str:
    """Return, for the admin, who insists on which values of ours being others."""
    return "; ".join(
        f"{one.field} was set to {one.found!r} by {one.changed_by} "
        f"{'each time we wrote it' if one.on_save else 'twice within a day'}; we want {one.desired!r}"
        for one in blocked
    )


def _doubtful(row: LedgerRow, record: StoredRecord, known: Acknowledged | None) -> bool:
    """Say whether it matters who put what stands in a record against what the CRM acknowledged.

    It does where that may have happened while our own write was saved, and where we would give in.
    """
    if known is None or row.sent_at is None or record.deleted or not differs(row, record):
        return False
    if record.confirmed_at > known.at + SKEW:
        return bool(changed_fields(row.desired, known, Observed(record.values, record.confirmed_at)).blocked)
    return record.confirmed_at >= row.sent_at - SKEW


def differs(row: LedgerRow, record: StoredRecord) -> bool:
    """Say whether a field of ours stands otherwise than the CRM acknowledged it."""
    held = row.acknowledged or {}
    return any(
        name in held and name in record.values and not same_value(record.values[name], held[name])
        for name in row.desired
    )


def _observed(row: LedgerRow, saved: Saved) -> Observed:
    """Return what stands now as newer than our write: by others, or by an automation in our own save."""
    held = row.acknowledged or {}
    at = max(saved.at, row.acknowledged_at + LEAST) if row.acknowledged_at else saved.at
    if not saved.ours:
        return Observed(saved.values, at, dict.fromkeys(held, saved.by))
    return Observed(saved.values, at, dict.fromkeys(held, AUTOMATION.format(saved.by)), on_save=True)


def _with_kept_forms(row: LedgerRow, saved: Saved) -> LedgerRow:
    """Return the row with the forms acknowledged in which an automation keeps our values."""
    held = dict(row.acknowledged or {})
    sent = {name: row.normalised.get(name, value) for name, value in held.items()}
    forms = {
        name: saved.values[name]
        for name in row.desired
        if saved.ours and name in held and name in saved.values
        and not same_value(held[name], saved.values[name]) and is_form_of(saved.values[name], sent[name])
    }  # fmt: skip
    normalised = {**row.normalised, **{name: sent[name] for name in forms}}
    return replace(row, acknowledged={**held, **forms}, normalised=normalised) if forms else row


def is_form_of(kept: str | None, sent: str | None) -> bool:
    """Say whether one text is the other in another form: letters' case, white space, cut short, rounded."""
    if not kept or not sent:
        return False
    numbers = _number(kept), _number(sent)
    if numbers[0] is not None and numbers[1] is not None:
        return numbers[1].quantize(numbers[0], ROUND_HALF_UP) == numbers[0]
    plain, whole = (" ".join(text.split()).casefold() for text in (kept, sent))
    return plain == whole or (len(plain) >= CUT_CHARACTERS and whole.startswith(plain))


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _tell_forms(ws: Workspace, before: Sequence[LedgerRow], after: Sequence[LedgerRow]) -> None:
    told: dict[str, str] = {}
    for old, new in zip(before, after, strict=True):
        for name, kept in (new.acknowledged or {}).items():
            if kept != (old.acknowledged or {}).get(name):
                words = f"we sent {new.normalised[name]!r}; the CRM keeps {kept!r} (an automation of its own)"
                told[f"{new.object}/{new.key}/{name}"] = words
    if told:
        with writing(ws.runtime.engine) as conn:
            findings.report(conn, ws.id, ws.now(), NORMALISED, told)
