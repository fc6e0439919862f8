"""Several requests in one call: queries, describes and collections side by side.

``POST /composite`` counts as a single call towards the org's limits whatever it holds; it may hold
25 subrequests, of which 5 may be queries or collections. Nothing is all-or-none here: each answer
stands for itself. Source: REST API guide, "Send Multiple Requests Using Composite".
Neighbours: ``describe``, ``write`` and ``schema`` fill it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import quote_plus

from integration.port import Unavailable
from integration.salesforce.errors import Failure, parse_failure
from integration.salesforce.transport import CALL_HEADERS, CALL_OPTIONS, Transport


@dataclass(frozen=True, slots=True)
class Part:
    """One subrequest; ``path`` is relative to the version and already quoted."""

    method: str
    path: str
    body: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class PartAnswer:
    """What one subrequest was answered; ``failure`` is ``None`` when it worked."""

    body: Any
    failure: Failure | None


def query_part(soql: str) -> Part:
    """Return the subrequest of a SOQL query."""
    return Part("GET", f"query?q={quote_plus(soql)}")


def send_parts(transport: Transport, reason: str, parts: Sequence[Part]) -> list[PartAnswer]:
    """Send ``parts`` in one call and return their answers in order; each runs whatever became of the rest.

    A later part may use ``@{p0.id}`` and the like to refer to an earlier one's answer.
    """
    body = {
        "allOrNone": False,
        "collateSubrequests": False,
        "compositeRequest": [_subrequest(transport, index, part) for index, part in enumerate(parts)],
    }
    answer = transport.request(reason, "POST", "composite", body=body)
    by_reference = {row["referenceId"]: row for row in answer["compositeResponse"]}
    if len(by_reference) != len(parts):
        raise Unavailable("a composite answer that leaves subrequests out")
    return [_answer(by_reference[_reference(index)]) for index in range(len(parts))]


def _subrequest(transport: Transport, index: int, part: Part) -> dict[str, Any]:
    request: dict[str, Any] = {
        "method": part.method,
        "url": transport.versioned(part.path),
        "referenceId": _reference(index),
        # Of the call's own headers a subrequest inherits Accept, Authorization and Content-Type only.
        "httpHeaders": {CALL_OPTIONS: CALL_HEADERS[CALL_OPTIONS]},
    }
    return request if part.body is None else {**request, "body": part.body}


def _answer(row: Mapping[str, Any]) -> PartAnswer:
    status = int(row["httpStatusCode"])
    if status < HTTPStatus.MULTIPLE_CHOICES:
        return PartAnswer(row["body"], None)
    return PartAnswer(None, parse_failure(status, row["body"]))


def _reference(index: int) -> str:
    return f"p{index}"
