"""Taking records of ours back: they go to the org's recycle bin, 200 a call.

Source: REST API guide, "Delete Multiple Records with sObject Collections". Neighbours: ``connector``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from integration.port import Refusal, Refused, RowError
from integration.salesforce.errors import row_error
from integration.salesforce.limits import COLLECTION_ROWS
from integration.salesforce.transport import Transport


def withdraw(transport: Transport, object_name: str, ids: Sequence[str]) -> dict[str, RowError]:
    """Delete the records; return those the org keeps. See ``WithdrawingPort.withdraw``."""
    kept: dict[str, RowError] = {}
    for start in range(0, len(ids), COLLECTION_ROWS):
        batch = ids[start : start + COLLECTION_ROWS]
        asked = {"ids": ",".join(batch), "allOrNone": "false"}
        try:
            rows = transport.request(f"withdraw {object_name}", "DELETE", "composite/sobjects", params=asked)
        except Refused as refusal:
            kept |= dict.fromkeys(batch, refusal.error)
            continue
        for record_id, row in zip(batch, rows, strict=True):
            error = _refusal(row)
            if error is not None:
                kept[record_id] = error
    return kept


def _refusal(row: dict[str, Any]) -> RowError | None:
    """Return what keeps a record from being taken back; ``None`` where it is gone."""
    if row.get("success"):
        return None
    first = row["errors"][0]
    error = row_error(str(first["statusCode"]), str(first["message"]), first.get("fields") or ())
    return None if error.refusal is Refusal.GONE else error
