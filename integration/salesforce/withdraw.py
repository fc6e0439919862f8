"""Taking records of ours back: they go to the org's recycle bin, 200 a call.

Source: REST API guide, "Delete Multiple Records with sObject Collections". Neighbours: ``connector``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from integration.port import Refusal, Refused, Unavailable
from integration.salesforce.errors import row_error
from integration.salesforce.limits import COLLECTION_ROWS
from integration.salesforce.transport import Transport


def withdraw(transport: Transport, object_name: str, ids: Sequence[str]) -> None:
    """Delete the records; one that is gone already is as wanted. See ``WithdrawingPort.withdraw``."""
    for start in range(0, len(ids), COLLECTION_ROWS):
        asked = {"ids": ",".join(ids[start : start + COLLECTION_ROWS]), "allOrNone": "false"}
        rows = transport.request(f"withdraw {object_name}", "DELETE", "composite/sobjects", params=asked)
        for row in rows:
            _check(row)


def _check(row: dict[str, Any]) -> None:
    """Raise what keeps a record from being taken back."""
    if row.get("success"):
        return
    first = row["errors"][0]
    error = row_error(str(first["statusCode"]), str(first["message"]), first.get("fields") or ())
    if error.refusal is Refusal.BUSY:
        raise Unavailable(f"{error.code}: {error.message}")
    if error.refusal is not Refusal.GONE:
        raise Refused(error)
