"""Writes a folder's usage as Segment ``track`` messages, one JSON object per line.

Field names are those of Segment's "Spec: Track" and "Spec: Common Fields"; ``groupId`` in
the context says which account a message belongs to.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from sandbox.portfolio.model import UsageEvent
from sandbox.portfolio.read import read_portfolio, usage

ANONYMOUS: Final = "unknown"


def track_message(event: UsageEvent) -> dict[str, object]:
    """Return the event as a ``track`` message; without a known user it is anonymous."""
    person = {"userId": event.user} if event.user else {"anonymousId": ANONYMOUS}
    return {
        "type": "track",
        "messageId": event.message_id,
        **person,
        "event": event.feature,
        "timestamp": event.at,
        "properties": {
            "product": event.product_key,
            "subscription": event.line_key,
            "account": event.account_key,
            "count": event.count,
            "duration_s": event.duration_s,
            "errors": event.errors,
        },
        "context": {"groupId": event.account_key},
    }


def write_messages(folder: Path, target: Path) -> int:
    """Write all usage of a portfolio folder to ``target`` and return how many messages that were.

    The file appears whole or not at all.

    Raises:
        FolderError: the folder is no portfolio or a record cannot be read.

    """
    read_portfolio(folder)
    partial = target.with_name(f".{target.name}.part")
    written = 0
    try:
        with partial.open("w", encoding="utf-8", newline="\n") as out:
            for event in usage(folder):
                out.write(json.dumps(track_message(event), ensure_ascii=False, separators=(",", ":")) + "\n")
                written += 1
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return written
