"""The answers of the receiving endpoints, and what they tell about a refusal."""

from __future__ import annotations

import logging

from flask import Response, jsonify

log = logging.getLogger("webhooks")


def kept() -> Response:
    """Return 204: what was sent is durable."""
    return Response(status=204)


def refused(status: int, reason: str) -> Response:
    """Return a refusal with its reason's code; never what was sent."""
    log.warning("refused with %d: %s", status, reason)
    answer = jsonify(error=reason)
    answer.status_code = status
    return answer
