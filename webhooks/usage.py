"""Usage intake: batches in the form of Segment's HTTP tracking API, kept before answered.

The write key (basic auth user) names the installation. A batch is one inbox row; repeated
delivery of the same messages is counted once by ``sync/usage.py``. Source: Segment page
"HTTP Tracking API source" (500 KB per batch, gzip allowed).
"""

from __future__ import annotations

import hashlib
import json
import zlib
from typing import Any

from flask import Blueprint, Response, jsonify, request

from sync.addresses import USAGE_PATH, WRITE_KEY, is_secret
from sync.bell import Lane, Work, ring
from sync.drain import USAGE
from sync.runtime import Runtime
from sync.state import inbox
from sync.state.engine import writing
from sync.state.inbox import InboxEvent
from webhooks.answers import TOO_LARGE, refused

BODY_MAX = 5_000_000
GZIP_BITS = 31  # zlib's word for "a gzip wrapper, nothing else"


def usage_blueprint(runtime: Runtime) -> Blueprint:
    """Return the blueprint that takes in usage at ``/v1/batch``."""
    blueprint = Blueprint("usage", __name__)

    @blueprint.post(USAGE_PATH)
    def batch() -> tuple[Response, int] | Response:
        installation = _installation(runtime)
        if installation is None:
            return refused(401, "unknown_write_key")
        try:
            body = _body()
        except OverflowError:
            return refused(413, TOO_LARGE)
        messages = None if body is None else _messages(body)
        if body is None or messages is None:
            return refused(400, "not_a_batch_of_messages")
        event = InboxEvent(f"usage:{hashlib.sha256(body).hexdigest()}", USAGE, {"batch": messages})
        with writing(runtime.engine) as conn:
            new = inbox.put(conn, installation, runtime.clock.now(), [event])
        if new:
            ring(runtime.redis, Lane.FAST, Work.DRAIN, installation)
        return jsonify(success=True), 202

    return blueprint


def _installation(runtime: Runtime) -> str | None:
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


def _messages(body: bytes) -> list[dict[str, Any]] | None:
    """Return the batch's messages, ``None`` when the body is not a batch."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    batch = found.get("batch") if isinstance(found, dict) else None
    return batch if isinstance(batch, list) and all(isinstance(one, dict) for one in batch) else None
