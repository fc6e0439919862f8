"""What to write of one record: desired against last acknowledged against observed; pure.

``sync/push.py`` calls it per row. The rule (DESIGN: three-way writes): a field of ours that
somebody else changed is rewritten once; changed again within a day it is a blocked write that
names who changed it. Blocked it stays, also while other fields of the record are written, until
the value is as desired again, or an admin clears ``rewritten_at`` and ``insisted``. An automation
that rewrites a field while our write is saved is met once more per value wanted, however much time
passes: writing the same again could only end the same.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from integration.port import FieldValues

BLOCK_WITHIN = timedelta(days=1)

_NUMBER = re.compile(r"-?(0|[1-9]\d{0,30})(\.\d{1,30})?([eE][+-]?\d{1,2})?", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """What the CRM last confirmed of our writes to a record, and when (UTC).

    ``values`` are as they stand there. ``normalised`` are those we sent in another form, as we sent
    them. ``rewritten_at`` says per field when we last wrote over somebody else's change. On ``insisted``
    fields somebody insisted since: they are not written, and what is acknowledged of them is of no account.
    """

    values: FieldValues
    at: datetime
    rewritten_at: Mapping[str, datetime] = field(default_factory=dict)
    normalised: FieldValues = field(default_factory=dict)
    insisted: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Observed:
    """What the mirror holds of a record, as the CRM changed it last at ``source_at`` (UTC).

    ``changed_by`` names who changed a field, where the CRM says so. ``on_save`` says that nobody has
    saved the record since our write: what stands otherwise was rewritten by an automation while it was
    saved, and would be again.
    """

    values: FieldValues
    source_at: datetime
    changed_by: Mapping[str, str] = field(default_factory=dict)
    on_save: bool = False


@dataclass(frozen=True, slots=True)
class BlockedField:
    """A field of ours that somebody else insists on."""

    field: str
    desired: str | None
    found: str | None
    changed_by: str
    on_save: bool = False


@dataclass(frozen=True, slots=True)
class FieldChanges:
    """What to do: ``write`` these values; ``rewrites`` are those of them that overrule somebody."""

    write: FieldValues
    rewrites: tuple[str, ...] = ()
    blocked: tuple[BlockedField, ...] = ()


def changed_fields(
    desired: FieldValues, acknowledged: Acknowledged | None, observed: Observed | None
) -> FieldChanges:
    """Return the fields of ours to write and those blocked, in the order of ``desired``.

    The observation counts for a field only when it is newer than the acknowledgement, unless somebody
    insists on the field: then no acknowledgement since was about it.
    """
    write: dict[str, str | None] = {}
    rewrites: list[str] = []
    blocked: list[BlockedField] = []
    seen = observed if _is_newer(observed, acknowledged) else None
    for name, wanted in desired.items():
        if _is_insisted(name, acknowledged, observed):
            blocked += _insisted(name, wanted, acknowledged, observed)
            continue
        standing = _standing(name, acknowledged, seen)
        if standing is not None and _stands(name, wanted, standing[0], acknowledged):
            continue
        if acknowledged is None or seen is None or not _is_foreign(name, acknowledged, seen):
            write[name] = wanted
        elif _is_repeated(name, wanted, acknowledged, seen):
            who = seen.changed_by.get(name, "somebody else")
            blocked.append(BlockedField(name, wanted, seen.values[name], who, seen.on_save))
        else:
            write[name] = wanted
            rewrites.append(name)
    return FieldChanges(write, tuple(rewrites), tuple(blocked))


def _is_insisted(name: str, acknowledged: Acknowledged | None, observed: Observed | None) -> bool:
    known = observed is not None and name in observed.values
    return known and acknowledged is not None and name in acknowledged.insisted


def _insisted(
    name: str, wanted: str | None, acknowledged: Acknowledged | None, observed: Observed | None
) -> list[BlockedField]:
    """Return the block of a field somebody insists on; none where it holds what is wanted by now.

    Whose save of the record was the last says nothing of the field: other fields are written.
    """
    if observed is None or _stands(name, wanted, observed.values[name], acknowledged):
        return []
    who = "somebody else" if observed.on_save else observed.changed_by.get(name, "somebody else")
    return [BlockedField(name, wanted, observed.values[name], who)]


def kept_form(
    name: str, wanted: str | None, acknowledged: FieldValues, normalised: FieldValues
) -> str | None:
    """Return how the CRM keeps ``wanted``: as it said when it was sent that very value, else as it is."""
    known = name in normalised and name in acknowledged and same_value(normalised[name], wanted)
    return acknowledged[name] if known else wanted


def same_value(one: str | None, other: str | None) -> bool:
    """Say whether two texts mean the same to a CRM: ``5`` and ``5.0``, ``true`` and ``True``.

    So do ``None`` and empty text, an instant in two zones, and a date and its midnight in UTC.
    Text differs by its letters, not by the white space around it.
    """
    return _normal(one) == _normal(other)


def _normal(text: str | None) -> str:
    plain = (text or "").replace("\r\n", "\n").strip()
    if plain.lower() in ("true", "false"):
        return plain.lower()
    if _INSTANT.fullmatch(plain):
        return _normal_instant(plain)
    if _NUMBER.fullmatch(plain):
        number = Decimal(plain)
        return f"{number.normalize():f}" if number else "0"
    return plain


def _normal_instant(text: str) -> str:
    """Return an instant in UTC, midnight as its date; what only looks like one stays as it is."""
    try:
        instant = datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return text
    return instant.isoformat().removesuffix("T00:00:00+00:00")


def _stands(name: str, wanted: str | None, found: str | None, acknowledged: Acknowledged | None) -> bool:
    if acknowledged is None:
        return same_value(wanted, found)
    return same_value(kept_form(name, wanted, acknowledged.values, acknowledged.normalised), found)


def _is_newer(observed: Observed | None, acknowledged: Acknowledged | None) -> bool:
    return observed is not None and (acknowledged is None or observed.source_at > acknowledged.at)


def _standing(
    name: str, acknowledged: Acknowledged | None, seen: Observed | None
) -> tuple[str | None] | None:
    """Return what the field holds now as far as we know, or ``None`` when we know nothing of it."""
    for known in (seen, acknowledged):
        if known is not None and name in known.values:
            return (known.values[name],)
    return None


def _is_foreign(name: str, acknowledged: Acknowledged, seen: Observed) -> bool:
    """Say whether the field now holds something other than what we wrote."""
    if name not in acknowledged.values or name not in seen.values:
        return False
    return not same_value(acknowledged.values[name], seen.values[name])


def _is_repeated(name: str, wanted: str | None, acknowledged: Acknowledged, seen: Observed) -> bool:
    """Say whether we have written over this before: by an automation, with the very value wanted now."""
    rewritten = acknowledged.rewritten_at.get(name)
    if rewritten is None:
        return False
    if seen.on_save:
        return same_value(acknowledged.values[name], wanted)
    return seen.source_at - rewritten <= BLOCK_WITHIN
