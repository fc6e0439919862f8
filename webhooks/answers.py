"""The answers of the receiving endpoints, and what they tell about a refusal."""

from __future__ import annotations

import logging

from flask import Flask, Response, jsonify
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import RequestEntityTooLarge

from sync.state.errors import StateError

TOO_LARGE = "too_large"
RETRY_AFTER_S = 10
log = logging.getLogger("webhooks")


def kept() -> Response:
    """Return 204: what was sent is durable."""
    return Response(status=204)


def refused(status: int, reason: str, retry_after_s: int | None = None) -> Response:
    """Return a refusal with its reason's code; never what was sent.

    ``retry_after_s`` says when the sender may come again.
    """
    log.warning("refused with %d: %s", status, reason)
    answer = jsonify(error=reason)
    answer.status_code = status
    if retry_after_s is not None:
        answer.headers["Retry-After"] = str(retry_after_s)
    return answer


def answer_troubles(app: Flask) -> None:
    """Have every endpoint answer a trouble of ours with 503, so that the sender tries again.

    The database may be away, or no key may open a secret; neither is the sender's fault.
    """
    app.register_error_handler(SQLAlchemyError, lambda error: _later("database_away", error))
    app.register_error_handler(StateError, lambda error: _later("state_unreadable", error))
    app.register_error_handler(RequestEntityTooLarge, lambda _error: refused(413, TOO_LARGE))


def _later(reason: str, error: Exception) -> Response:
    log.error("%s: %s", reason, str(error).partition("\n")[0])
    return refused(503, reason, RETRY_AFTER_S)
