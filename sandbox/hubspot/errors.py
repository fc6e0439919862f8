"""HubSpot's error bodies. Every refusal of the sandbox is a ``VendorError`` made here.

Shapes: HubSpot's error-handling page, and the bodies measured on live portals.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from typing import Any

_SCOPES_PAGE = "https://developers.hubspot.com/scopes"


class VendorError(Exception):
    """An answer that is not success; ``body`` is what HubSpot would send."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        """Carry the HTTP ``status`` and the answer's ``body``."""
        super().__init__(body.get("message", ""))
        self.status = status
        self.body = body


def error(
    status: int,
    category: str,
    message: str,
    **parts: Any,
) -> VendorError:
    """Return the general error body with ``errors``, ``context`` and ``sub_category`` where given."""
    body: dict[str, Any] = {"status": "error", "message": message, "correlationId": str(uuid.uuid4())}
    if parts.get("errors"):
        body["errors"] = list(parts["errors"])
    if parts.get("context"):
        body["context"] = parts["context"]
    body["category"] = category
    if parts.get("sub_category"):
        body["subCategory"] = parts["sub_category"]
    return VendorError(status, body)


def invalid(message: str, **parts: Any) -> VendorError:
    """Return a 400 ``VALIDATION_ERROR``."""
    return error(400, "VALIDATION_ERROR", message, **parts)


def missing_fields(*names: str) -> VendorError:
    """Return the 400 of a body that lacks fields its JSON type requires."""
    return invalid(f"Invalid input JSON: some required fields were not set: [{', '.join(names)}]")


def bad_json(reason: str) -> VendorError:
    """Return the 400 of a body that is not the JSON asked for; HubSpot gives this one no category."""
    made = error(400, "", f"Invalid input JSON on line 1, column 1: {reason}")
    del made.body["category"]
    return made


def no_record(record_id: str) -> VendorError:
    """Return the 404 of a record: live portals answer a number without a category, anything else with one."""
    if record_id.isdigit():
        made = error(404, "", "resource not found")
        del made.body["category"]
        return made
    return error(
        404,
        "OBJECT_NOT_FOUND",
        "Object not found.  objectId are usually numeric.",
        context={"id": [record_id]},
    )


def not_found(message: str = "resource not found", sub_category: str | None = None) -> VendorError:
    """Return a 404 ``OBJECT_NOT_FOUND``."""
    return error(404, "OBJECT_NOT_FOUND", message, sub_category=sub_category)


def problem(code: str, name: str, message: str, value: str = "") -> dict[str, Any]:
    """Return one entry of ``errors[]`` about the property ``name`` and the ``value`` sent for it."""
    context = {"propertyName": [name], **({"propertyValue": [value]} if value else {})}
    return {"message": message, "code": code, "context": context}


def entry(refused: VendorError, **context: list[str]) -> dict[str, Any]:
    """Return a refusal as one entry of a batch's ``errors``, with more ``context``."""
    body = {key: value for key, value in refused.body.items() if key != "correlationId"}
    return {**body, "context": {**body.get("context", {}), **context}}


def invalid_values(problems: Sequence[dict[str, Any]], portal_id: int) -> VendorError:
    """Return the 400 for property values that were not valid; the message embeds a JSON list."""
    embedded = [
        {
            "isValid": False,
            "message": item["message"],
            "error": item["code"],
            "name": item["context"]["propertyName"][0],
            "localizedErrorMessage": item["message"],
            "propertyValue": "".join(item["context"].get("propertyValue", [])),
            "portalId": portal_id,
        }
        for item in problems
    ]
    errors = [{**item, "context": {"propertyName": item["context"]["propertyName"]}} for item in problems]
    text = json.dumps(embedded, separators=(",", ":"))
    return invalid(f"Property values were not valid: {text}", errors=errors)


def missing_scopes(scopes: Sequence[str]) -> VendorError:
    """Return the 403 of a token without any of ``scopes``."""
    made = error(
        403,
        "MISSING_SCOPES",
        "This app hasn't been granted all required scopes to make this call. "
        f"Read more about required scopes here: {_SCOPES_PAGE}.",
        errors=[
            {
                "message": "One or more of the following scopes are required.",
                "context": {"requiredGranularScopes": list(scopes)},
            }
        ],
    )
    made.body["links"] = {"scopes": _SCOPES_PAGE}
    return made


def rate_limited(policy: str) -> VendorError:
    """Return the 429 of ``policy``: TEN_SECONDLY_ROLLING, SECONDLY or DAILY."""
    body = {
        "status": "error",
        "message": f"You have reached your {policy.lower()} limit.",
        "errorType": "RATE_LIMIT",
        "correlationId": str(uuid.uuid4()),
        "policyName": policy,
        "requestId": str(uuid.uuid4()),
    }
    return VendorError(429, body)
