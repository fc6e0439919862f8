"""HubSpot's own passing refusals, as named faults for ``POST /_sandbox/faults``.

Source: HubSpot's "Error handling" page: 423 while a record is locked by fast writes (two seconds),
429 by policy, 477 while an account moves to another data centre (with ``Retry-After`` in seconds),
502 and 504, 503, and the 520s of the edge, which answers with pages.
"""

from __future__ import annotations

from typing import Any, Final

from sandbox.hubspot.errors import error, rate_limited

_EDGE: Final = (
    "<!DOCTYPE html><html><head><title>api.hubapi.com | 524: A timeout occurred</title></head></html>"
)


def named_faults() -> dict[str, dict[str, Any]]:
    """Return every named fault as a body of the control endpoint; its parts may be overridden there."""
    locked = error(423, "LOCKED", "This record is locked by another write. Wait two seconds and try again.")
    moving = error(477, "MIGRATION_IN_PROGRESS", "This account is being moved to another data centre.")
    down = error(503, "SERVICE_UNAVAILABLE", "The service is temporarily unavailable.")
    gateway = error(504, "TIMEOUT", "The request timed out.")
    limits = {
        f"limit_{policy.lower()}": _status(429, rate_limited(policy).body)
        for policy in ("TEN_SECONDLY_ROLLING", "SECONDLY", "DAILY")
    }
    return {
        "locked": _status(423, locked.body),
        "migrating": {**_status(477, moving.body), "headers": {"Retry-After": "1"}},
        "unavailable": _status(503, down.body),
        "gateway_timeout": _status(504, gateway.body),
        "edge_timeout": {"kind": "html", "status": 524, "body": _EDGE},
        **limits,
    }


def _status(status: int, body: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "status", "status": status, "body": body}
