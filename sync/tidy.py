"""What need not be kept for ever, deleted once a day.

Inbox bodies may hold personal values and are kept 30 days (DESIGN: a person can be
forgotten); presence and the hashes of usage messages as long as a window can ask for them;
fold states but for the last weeks, since older ones are rebuilt by replay.
Neighbours: ``scheduler`` calls this with each new day.
"""

from __future__ import annotations

from datetime import timedelta

from sync.state import fold, inbox, usage_store
from sync.state.engine import writing
from sync.workspace import Workspace

INBOX_KEPT = timedelta(days=30)
PRESENCE_KEPT = timedelta(days=120)
MESSAGES_KEPT = timedelta(days=120)
FOLDS_KEPT = timedelta(days=14)


def tidy(ws: Workspace) -> int:
    """Delete what is past its time in one installation; return how many rows that were."""
    now = ws.now()
    today = ws.day_of(now)
    with writing(ws.runtime.engine) as conn:
        return (
            inbox.expire(conn, ws.id, now - INBOX_KEPT)
            + usage_store.expire_presence(conn, ws.id, today - PRESENCE_KEPT)
            + usage_store.expire_messages(conn, ws.id, now - MESSAGES_KEPT)
            + fold.prune(conn, ws.id, today - FOLDS_KEPT)
        )
