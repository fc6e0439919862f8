"""Salesforce's own passing refusals, as named faults for ``POST /_sandbox/faults``.

Sources: REST API guide, "Status Codes and Error Responses"; what clients of others are known to try again
(airbyte's connector: 406, 420 and 429 without a JSON body, TXN_SECURITY_METERING_ERROR as a 400). The
message of a locked row is the vendor's ("unable to obtain exclusive access ..."); where no source gives the
words, they are ours.
"""

from __future__ import annotations

from typing import Any, Final

from sandbox.salesforce.errors import SfError, dml

LOCKED_ROWS: Final = "locked_rows"
_EVERY: Final = 3
_EDGE: Final = "<html><head><title>Setting things up</title></head><body>One moment.</body></html>"
_CONCURRENT: Final = "ConcurrentRequests (Concurrent API Requests) Limit exceeded."
_METERING: Final = "The request was stopped by transaction security metering. Try again later."


def named_faults() -> dict[str, dict[str, Any]]:
    """Return every named fault as a body of the control endpoint; its parts may be overridden there."""
    return {
        "session_expired": _refusal(401, "INVALID_SESSION_ID", "Session expired or invalid"),
        "concurrent": _refusal(403, "REQUEST_LIMIT_EXCEEDED", _CONCURRENT),
        "metering": _refusal(400, "TXN_SECURITY_METERING_ERROR", _METERING),
        "locked": _refusal(400, "UNABLE_TO_LOCK_ROW", _locked().message),
        LOCKED_ROWS: {"kind": "work"},
        "unavailable": _refusal(503, "SERVER_UNAVAILABLE", "The server is temporarily unavailable."),
        "not_acceptable": {"kind": "status", "status": 406, "body": ""},
        "setting_up": {"kind": "html", "status": 420, "body": _EDGE},
        "too_many": {"kind": "status", "status": 429, "body": "Too Many Requests"},
    }


def refuse_locked(fault: str, index: int) -> None:
    """Refuse every third row of a request that meets ``locked_rows``, as another transaction's lock would."""
    if fault == LOCKED_ROWS and index % _EVERY == 0:
        raise _locked()


def _locked() -> SfError:
    return dml("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record or 1 records")


def _refusal(status: int, code: str, message: str) -> dict[str, Any]:
    body = [SfError(code, message, status).rest()]
    return {"kind": "status", "status": status, "body": body}
