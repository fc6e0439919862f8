"""What the doctor says of looks and of the nightly compare: who cannot be looked at, and what differed.

Neighbours: ``diagnosis`` has what is the matter with the connection, ``showing`` is the command.
"""

from __future__ import annotations

from sync.commands.diagnosis import NAMED, Diagnosis, Severity
from sync.compare import last_compared
from sync.state import dirty
from sync.state.engine import reading
from sync.workspace import Workspace


def of_looks(ws: Workspace) -> list[Diagnosis]:
    """Return which looks fail, the first of each scope with its error; each is tried again by itself."""
    with reading(ws.runtime.engine) as conn:
        failing = dirty.failing(conn, ws.id)
    found = []
    for scope in dict.fromkeys(one.scope for one in failing):
        rows = [one for one in failing if one.scope is scope]
        named = "; ".join(f"{one.id}: {one.error} (tried {one.attempts} times)" for one in rows[:NAMED])
        more = f", and {len(rows) - NAMED} more" if len(rows) > NAMED else ""
        remedy = "mend the record or the rule it names; it is tried again within the hour"
        found.append(Diagnosis(ws.id, f"a look at {scope.value} fails: {named}{more}", remedy))
    return found


def of_compares(ws: Workspace) -> list[Diagnosis]:
    """Return when each object was last held against the CRM, how many records, how many differed, by whom."""
    with reading(ws.runtime.engine) as conn:
        compared = last_compared(conn, ws)
    found = []
    for name, (at, one) in sorted(compared.items()):
        by = ", ".join(f"{who} ({count})" for who, count in sorted(one.people.items()))
        words = f"{name} was last compared at {at:%Y-%m-%d %H:%M} UTC: {one.records} records, "
        words += f"{one.differed} differed" + (f", saved last by {by}" if by else "")
        words += f", {one.missing} missing" if one.missing else ""
        remedy = "none is needed; what differs again within a day is shown as a blocked write"
        found.append(Diagnosis(ws.id, words, remedy, Severity.NOTE))
    return found
