"""HubSpot's refusals, read once and named by what the caller can do.

Every field of HubSpot's error body is optional when read (page "Error handling").
Neighbours: ``transport`` raises for whole calls, ``write`` and ``associate`` read rows.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from integration.port import Refusal, Refused, RowError

MIGRATING_STATUS: Final = 477
"""HubSpot moves the account to another data centre (page "Error handling")."""

_BUSY_CATEGORIES: Final = frozenset({"CONFLICT", "OBJECT_ALREADY_EXISTS", "RATE_LIMITS", "LOCKED"})
_GONE_CATEGORIES: Final = frozenset({"OBJECT_NOT_FOUND", "NOT_FOUND"})
_PERMISSION_CATEGORIES: Final = frozenset({"MISSING_SCOPES", "FORBIDDEN", "PERMISSION"})
_BUSY_STATUSES: Final = frozenset(
    {HTTPStatus.CONFLICT, HTTPStatus.LOCKED, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.REQUEST_TIMEOUT}
)
_GONE_STATUSES: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
_FIELD_KEYS: Final = ("propertyName", "properties", "requiredGranularScopes", "requiredScopes")


@dataclass(frozen=True, slots=True)
class Problem:
    """An error body of HubSpot, of a call or of one row of a batch.

    ``status`` is the HTTP status, 0 for a row. ``context`` joins the contexts of the body
    and of its ``errors``. ``policy`` names the limit met; ``oauth`` is RFC 6749's error.
    """

    status: int
    category: str
    code: str
    message: str
    context: Mapping[str, tuple[str, ...]]
    policy: str = ""
    oauth: str = ""

    def named(self, *keys: str) -> tuple[str, ...]:
        """Return the context values under ``keys``, in order, without repeats."""
        found = (value for key in keys for value in self.context.get(key, ()))
        return tuple(dict.fromkeys(found))


class RefusedCall(Refused):
    """``Refused`` with HubSpot's whole error body, for rows it may name."""

    def __init__(self, problem: Problem) -> None:
        """Name the refusal by what can be done about it."""
        super().__init__(row_error(problem))
        self.problem = problem


def problem_of(status: int, body: object) -> Problem:
    """Return the problem in an error body; anything that is not one keeps its status."""
    fields: dict[str, Any] = body if isinstance(body, dict) else {}
    details = [item for item in fields.get("errors") or [] if isinstance(item, dict)]
    codes = (str(item["code"]) for item in details if item.get("code"))
    category = _text(fields, "category") or _text(fields, "errorType")
    return Problem(
        status=status,
        category=category,
        code=next(codes, "") or _text(fields, "subCategory") or category or f"HTTP_{status}",
        message=_words(fields, details) or f"HubSpot answered {status} without words",
        context=_joined_context([fields, *details]),
        policy=_text(fields, "policyName"),
        oauth=_text(fields, "error"),
    )


def row_error(problem: Problem) -> RowError:
    """Return the refusal as the port names it, in the portal's own words."""
    return RowError(_refusal(problem), problem.code, problem.message, problem.named(*_FIELD_KEYS))


def _refusal(problem: Problem) -> Refusal:
    if problem.category in _PERMISSION_CATEGORIES or problem.status == HTTPStatus.FORBIDDEN:
        return Refusal.PERMISSION
    if problem.message.startswith("Missing '") and problem.message.endswith("' permission."):
        return Refusal.PERMISSION  # 2026-09: a user-level grant answers 400 with these words
    if problem.category in _BUSY_CATEGORIES or problem.status in _BUSY_STATUSES:
        return Refusal.BUSY
    if problem.category in _GONE_CATEGORIES or problem.status in _GONE_STATUSES:
        return Refusal.GONE
    return Refusal.FIXABLE


def _joined_context(parts: Iterable[Mapping[str, Any]]) -> dict[str, tuple[str, ...]]:
    joined: dict[str, tuple[str, ...]] = {}
    for part in parts:
        context = part.get("context")
        for key, value in context.items() if isinstance(context, dict) else ():
            values = value if isinstance(value, list) else [value]
            joined[key] = (*joined.get(key, ()), *(str(item) for item in values))
    return joined


def _words(fields: Mapping[str, Any], details: Iterable[Mapping[str, Any]]) -> str:
    """Return the message; of one that embeds its details or itself as JSON, what is for people."""
    message = _unwrapped(_text(fields, "message"))
    told = [text for item in details if (text := _text(item, "message"))]
    return "; ".join(dict.fromkeys(told)) if told and "[{" in message else message


def _unwrapped(message: str) -> str:
    """Return the words of a message that is an error body of its own, as property groups answer."""
    if not message.startswith("{"):
        return message
    try:
        inner = json.loads(message)
    except ValueError:
        return message
    return _text(inner, "message") or message


def _text(fields: Mapping[str, Any], key: str) -> str:
    value = fields.get(key)
    return value if isinstance(value, str) else ""
