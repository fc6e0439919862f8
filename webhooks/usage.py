"""Usage intake in the form of Segment's HTTP tracking API: kept before answered.

The write key (basic auth user) names the installation. A batch, or a single call, is one inbox
row; repeated delivery of the same messages is counted once by ``sync/usage.py``. Neighbour:
``back_pressure`` says when no more is taken. Sources: Segment page "HTTP Tracking API source"
(a call per type and ``batch``; what has no ``messageId`` or ``timestamp`` is given one when it
arrives) and its Python library, which takes any 2xx for an upload.
"""

from __future__ import annotations

import hashlib
import zlib
from datetime import datetime
from typing import Any, Final

from flask import Blueprint, Response, jsonify, request

from sync.addresses import USAGE_PATH, WRITE_KEY, is_secret
from sync.back_pressure import why_behind
from sync.bell import Lane, Work, ring
from sync.drain import USAGE
from sync.json_bodies import parsed
from sync.runtime import Runtime
from sync.state import inbox
from sync.state.engine import writing
from sync.state.inbox import InboxEvent
from sync.usage_events import TIMED_ON_ARRIVAL
from webhooks.answers import TOO_LARGE, refused

BODY_MAX = 5_000_000
MESSAGES_MAX: Final = 10_000
"""Of a batch: an empty message is three bytes, packed nearly none, and a thousand once it is read."""
GZIP_BITS = 31  # zlib's word for "a gzip wrapper, nothing else"
CALLS: Final = ("track", "identify", "group", "page", "screen", "alias")
RETRY_AFTER_S: Final = 30


def usage_blueprint(runtime: Runtime) -> Blueprint:
    """Return the blueprint that takes in usage at ``/v1/batch`` and at a path per type of call."""
    blueprint = Blueprint("usage", __name__)

    @blueprint.post(USAGE_PATH)
    def batch() -> Response:
        return _take(runtime, None)

    @blueprint.post("/v1/<call>")
    def single(call: str) -> Response:
        return _take(runtime, call) if call in CALLS else refused(404, "no_such_call")

    return blueprint


def _take(runtime: Runtime, call: str | None) -> Response:
    """Keep the messages of a request and answer 202: a batch's, or the one of a single ``call``."""
    installation = installation_of(runtime)
    if installation is None:
        return refused(401, "unknown_write_key")
    try:
        body = _body()
        messages = None if body is None else _messages(body, call)
    except OverflowError:
        return refused(413, TOO_LARGE)
    if body is None or messages is None:
        return refused(400, "not_a_batch_of_messages" if call is None else "not_a_message")
    why = why_behind(runtime, installation)
    if why is not None:
        return refused(429, why, retry_after_s=RETRY_AFTER_S)
    now, name = runtime.clock.now(), hashlib.sha256(body + (call or "").encode()).hexdigest()
    kept = [named(one, f"{name}-{place}", now) for place, one in enumerate(messages)]
    with writing(runtime.engine) as conn:
        new = inbox.put(conn, installation, now, [InboxEvent(f"usage:{name}", USAGE, {"batch": kept})])
    if new:
        ring(runtime.redis, Lane.FAST, Work.DRAIN, installation)
    answer = jsonify(success=True)
    answer.status_code = 202
    return answer


def installation_of(runtime: Runtime) -> str | None:
    """Return the installation the write key belongs to: ``<installation id>.<secret>``."""
    auth = request.authorization
    owner, _, secret = (auth.username or "" if auth else "").rpartition(".")
    if not owner or not owner.isprintable():
        return None
    return owner if is_secret(runtime, owner, WRITE_KEY, secret) else None


def _body() -> bytes | None:
    """Return the body, unpacked; ``None`` when it cannot be.

    Raises OverflowError for one that is too large; no more than ``BODY_MAX`` is ever unpacked.
    """
    raw = request.get_data(cache=False)
    if request.headers.get("Content-Encoding") != "gzip":
        if len(raw) > BODY_MAX:
            raise OverflowError
        return raw
    unpack = zlib.decompressobj(wbits=GZIP_BITS)
    try:
        body = unpack.decompress(raw, BODY_MAX)
    except zlib.error:
        return None
    if unpack.unconsumed_tail:
        raise OverflowError
    # What follows the first gzip member would be dropped unseen.
    return body if unpack.eof and not unpack.unused_data else None


def _messages(body: bytes, call: str | None) -> list[dict[str, Any]] | None:
    """Return the messages in a body, a single call's with its type; ``None`` when it is not as called.

    Raises OverflowError for more than ``MESSAGES_MAX``.
    """
    found = parsed(body)
    if not isinstance(found, dict):
        return None
    if call is not None:
        return [found | {"type": call}] if found.get("type", call) == call else None
    batch = found.get("batch")
    if not isinstance(batch, list):
        return None
    if len(batch) > MESSAGES_MAX:
        raise OverflowError
    return batch if all(isinstance(one, dict) for one in batch) else None


def named(message: dict[str, Any], name: str, now: datetime) -> dict[str, Any]:
    """Return the message with an id and a time: the body's and the arrival's where it has none itself.

    The same body delivered again has the same ids, so it is known again. A time of ours is marked as such:
    the same message in another body has another, and is the same message.
    """
    given: dict[str, Any] = {"messageId": message.get("messageId") or name}
    if message.get("timestamp") is None:
        given |= {"timestamp": now.isoformat(), TIMED_ON_ARRIVAL: True}
    return {key: value for key, value in message.items() if key != TIMED_ON_ARRIVAL} | given
