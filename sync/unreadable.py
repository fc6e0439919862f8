"""Unreadable: objects the CRM refuses to show, and the signals about them, which wait until it does.

A scope that was taken away, or a mapped field that was deleted, is the customer's to mend: nothing of it is
a failure of the signal. Neighbours: ``drain`` calls this; ``pull`` catches up on what was given up.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta

from sqlalchemy import Connection

from integration.port import Refused
from sync.state import findings, inbox
from sync.state.inbox import InboxItem
from sync.workspace import Workspace

UNREADABLE = "unreadable"
"""The kind of finding: the CRM refuses to show the records of an object, by object."""

SOONEST, LATEST = timedelta(minutes=1), timedelta(hours=1)
"""A signal is tried again after as long as it has waited already, within these."""

GIVEN_UP_AFTER = timedelta(days=1)
"""A signal older than this is kept as failed; the poll reads the record once the CRM shows it again."""


def put_off(
    conn: Connection,
    ws: Workspace,
    items: Mapping[str, Sequence[InboxItem]],
    refused: Mapping[str, Refused],
) -> set[str]:
    """Have the signals of refused objects tried again later, and tell people; return the signals' keys.

    A refusal is no attempt at any of them. Those a day old are given up.
    """
    now = ws.now()
    for name in sorted(items):
        words = str(refused[name])
        waits = defaultdict[timedelta, list[InboxItem]](list)
        for item in items[name]:
            age = now - item.received_at
            if age >= GIVEN_UP_AFTER:
                inbox.failed(conn, ws.id, item, words, None)
            else:
                waits[min(max(age, SOONEST), LATEST)].append(item)
        for wait, those in waits.items():
            inbox.give_back(conn, ws.id, those, words, now + wait)
    told = {name: f"the CRM does not show its records: {error}" for name, error in refused.items()}
    findings.report(conn, ws.id, now, UNREADABLE, told)
    return {item.dedupe_key for those in items.values() for item in those}


def resolve(conn: Connection, ws: Workspace, names: Collection[str]) -> None:
    """Close the findings about objects that the CRM has shown."""
    if names:
        findings.resolve(conn, ws.id, ws.now(), UNREADABLE, names)
