"""What need not be kept for ever, deleted once a day.

Inbox bodies may hold personal values and are kept 30 days (DESIGN: a person can be
forgotten); presence and the hashes of usage messages as long as a window can ask for them;
fold states but for the last weeks, since older ones are rebuilt by replay.
Neighbours: ``scheduler`` calls this with each new day.
"""

from __future__ import annotations

from datetime import date, timedelta

from sync.state import fold, inbox, installations, usage_store
from sync.state.engine import writing
from sync.workspace import Workspace

INBOX_KEPT = timedelta(days=30)
PRESENCE_KEPT = timedelta(days=120)
MESSAGES_KEPT = timedelta(days=120)
FOLDS_KEPT = timedelta(days=14)
PRESENCE_FROM = "presence_from"


def tidy(ws: Workspace) -> int:
    """Delete what is past its time in one installation; return how many rows that were."""
    now = ws.now()
    today = ws.day_of(now)
    first = today - PRESENCE_KEPT
    with writing(ws.runtime.engine) as conn:
        if expired := usage_store.expire_presence(conn, ws.id, first):
            installations.change_settings(conn, ws.id, {PRESENCE_FROM: first.isoformat()})
        return (
            expired
            + inbox.expire(conn, ws.id, now - INBOX_KEPT)
            + usage_store.expire_messages(conn, ws.id, now - MESSAGES_KEPT)
            + fold.prune(conn, ws.id, today - FOLDS_KEPT)
        )


def presence_from(ws: Workspace) -> date | None:
    """Return the first day whose presence is still kept; ``None`` while none was ever deleted.

    What was deleted, not what is due to be: a replay after a long pause still counts what is there.
    """
    kept = ws.installation.settings.get(PRESENCE_FROM)
    return date.fromisoformat(kept) if isinstance(kept, str) else None
