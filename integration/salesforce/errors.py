"""Salesforce's error codes, sorted by what the caller can do about them.

Two shapes reach us: the body of a failed call (a JSON array with ``errorCode``) and the
``errors`` of one row in a collection (``statusCode``). Source: REST API guide, "Status Codes
and Error Responses", and SOAP API guide, "StatusCode". Neighbours: ``transport`` (calls),
``write`` and ``bulk`` (rows).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from integration.port import CrmError, Misconfigured, RateLimited, Refusal, Refused, RowError, Unavailable
from integration.salesforce.limits import DAILY_QUOTA_RETRY_S

TRANSIENT_STATUSES = frozenset({406, 408, 420, 429})
LOCKED: Final = "UNABLE_TO_LOCK_ROW"
DUPLICATE: Final = "DUPLICATES_DETECTED"
FULL: Final = "STORAGE_LIMIT_EXCEEDED"
BUSY_CODES = frozenset(
    {
        LOCKED,
        "TXN_SECURITY_METERING_ERROR",
        "SERVER_UNAVAILABLE",
        "REQUEST_RUNNING_TOO_LONG",
        "PROCESSING_HALTED",
        "UNKNOWN_EXCEPTION",
        "REQUEST_LIMIT_EXCEEDED",
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    }
)
GONE_CODES = frozenset({"ENTITY_IS_DELETED", "NOT_FOUND", "INVALID_CROSS_REFERENCE_KEY"})
PERMISSION_CODES = frozenset(
    {
        "INVALID_FIELD",
        "INVALID_TYPE",
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        "INSUFFICIENT_ACCESS",
        "INSUFFICIENT_ACCESS_OR_READONLY",
        "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
        "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_OBJECT",
        "API_DISABLED_FOR_ORG",
        "API_CURRENTLY_DISABLED",
        "FORBIDDEN",
    }
)
RETIRED_VERSION_CODES = frozenset({"UNSUPPORTED_API_VERSION", "GONE"})
PARENT_KEY_UNKNOWN = "Foreign key external ID"


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed call as Salesforce told it; ``code`` is empty when the body was no JSON."""

    status: int
    code: str
    message: str
    fields: tuple[str, ...] = ()

    @property
    def transient(self) -> bool:
        """Return whether the same call may work in a moment, unchanged."""
        if self.code == "REQUEST_LIMIT_EXCEEDED":
            return self.concurrent
        return (
            self.status >= HTTPStatus.INTERNAL_SERVER_ERROR
            or self.status in TRANSIENT_STATUSES
            or self.code in {"TXN_SECURITY_METERING_ERROR", LOCKED}
            or not self.code
        )

    @property
    def concurrent(self) -> bool:
        """Return whether too many long requests ran at once (not the daily quota)."""
        return "concurrent" in self.message.lower()


def parse_failure(status: int, content: object) -> Failure:
    """Return the failure in an error answer, whatever its body turned out to be."""
    item: object = content[0] if isinstance(content, list) and content else content
    if not isinstance(item, Mapping):
        return Failure(status, "", f"HTTP {status} without a Salesforce error body")
    code = item.get("errorCode") or item.get("error") or item.get("statusCode") or ""
    message = item.get("message") or item.get("error_description") or ""
    return Failure(status, str(code), str(message), _names(item.get("fields")))


def call_error(failure: Failure) -> CrmError:
    """Return the port's error for a call that failed for good."""
    if failure.code == "REQUEST_LIMIT_EXCEEDED":
        policy = "concurrent" if failure.concurrent else "daily"
        wait_s = None if failure.concurrent else DAILY_QUOTA_RETRY_S
        return RateLimited(failure.message, policy, wait_s)
    if failure.status == HTTPStatus.TOO_MANY_REQUESTS:
        return RateLimited(failure.message, "edge")
    if failure.transient:
        return Unavailable(f"{failure.status} {failure.code}: {failure.message}")
    if failure.code in RETIRED_VERSION_CODES or failure.status == HTTPStatus.GONE:
        return Misconfigured(f"API version no longer served: {failure.message}")
    return Refused(row_error(failure.code, failure.message, failure.fields))


def row_error(code: str, message: str, fields: Sequence[str] = (), key_field: str | None = None) -> RowError:
    """Return the refusal of one row in the org's own words.

    A DUPLICATE_VALUE on ``key_field`` is a race between two writers of the same key, so it is
    BUSY; on any other field it is the customer's own unique field.
    """
    return RowError(_refusal(code, message, fields, key_field), code, message, tuple(fields))


def _refusal(code: str, message: str, fields: Sequence[str], key_field: str | None) -> Refusal:
    if code in BUSY_CODES:
        return Refusal.BUSY
    if code == "DUPLICATE_VALUE" and key_field and (key_field in fields or key_field in message):
        return Refusal.BUSY
    # A record type our user may not give; the record is where it was.
    if code == "INVALID_CROSS_REFERENCE_KEY" and "RecordTypeId" in fields:
        return Refusal.PERMISSION
    # Salesforce says INVALID_FIELD when a parent named by external id is not there (any more).
    if code in GONE_CODES or PARENT_KEY_UNKNOWN in message:
        return Refusal.GONE
    if code == FULL:
        return Refusal.FULL
    if code in PERMISSION_CODES or code.startswith("INSUFFICIENT_ACCESS"):
        return Refusal.PERMISSION
    return Refusal.FIXABLE


def _names(value: object) -> tuple[str, ...]:
    return tuple(str(name) for name in value) if isinstance(value, list | tuple) else ()
