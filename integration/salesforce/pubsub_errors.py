"""What a refusal of the Pub/Sub API means to us: go on elsewhere, wait, sign in again, or do without.

The vendor's code stands in the trailers as ``error-code``; the gRPC status alone says too little. Source:
Pub/Sub API guide, "Handle Errors". Neighbour: ``pubsub`` raises what ``failure`` returns.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import grpc

from integration.listening import NotOffered, PlaceLost
from integration.port import CrmError, RateLimited, Unavailable

PREFIX: Final = "sfdc.platform.eventbus.grpc."
PLACE_LOST: Final = frozenset(
    {
        "subscription.fetch.replayid.corrupted",
        "subscription.fetch.replayid.validation.failed",
        "subscription.fetch.replay.repeated",
    }
)
NOT_OFFERED: Final = frozenset(
    {
        "schema.meta.permission",
        "schema.validation.failed",
        "service.tenant.license",
        "subscription.topic.cannot.subscribe",
        "topic.meta.permission",
        "topic.not.found",
    }
)
LIMITS: Final = frozenset({"concurrent.client.limit.exceeded", "subscription.limit.exceeded"})
RPC_ID: Final = re.compile(r"\s*rpcId: \S+")
"""Another one each time: what else is said would never be the same twice."""

LIMIT_RETRY_S: Final = 900.0
"""The 24 hours of events roll on, so a part of them comes back all the time."""


class SessionExpired(Exception):
    """The access token was refused."""


def failure(error: grpc.RpcError, *, silent: bool) -> CrmError | SessionExpired:
    """Return what a call's end means. ``silent``: we ended it, because the org said nothing for too long."""
    if silent:
        return Unavailable("the stream said nothing for longer than keep-alives take")
    status, code = _status(error), _code(error)
    words = f"{code or status.name}: {RPC_ID.sub('', _details(error))}"
    if status is grpc.StatusCode.UNAUTHENTICATED or code.startswith("service.auth."):
        return SessionExpired(words)
    if code in PLACE_LOST:
        return PlaceLost(words)
    if code in NOT_OFFERED:
        return NotOffered(words)
    if code in LIMITS:
        return RateLimited(words, code, LIMIT_RETRY_S)
    return Unavailable(words)


def _status(error: grpc.RpcError) -> grpc.StatusCode:
    found = error.code() if isinstance(error, grpc.Call) else None
    return found or grpc.StatusCode.UNKNOWN


def _code(error: grpc.RpcError) -> str:
    trailers: Iterable[tuple[str, str | bytes]] = ()
    if isinstance(error, grpc.Call):
        trailers = error.trailing_metadata() or ()
    found = next((value for key, value in trailers if key == "error-code"), "")
    return str(found).removeprefix(PREFIX)


def _details(error: grpc.RpcError) -> str:
    return str(error.details() or "") if isinstance(error, grpc.Call) else str(error)
