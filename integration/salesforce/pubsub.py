"""Listening to an org over the Pub/Sub API (gRPC): one Subscribe stream, in the stream's own pace.

Sources: the vendor's ``pubsub_api.proto`` and Pub/Sub API guide ("Subscribe RPC Method", "Handle Errors",
"Retry Long-Lived RPC Calls After an Error Occurs"). The access token is that of all other calls and is
renewed by the same authenticator, once. Neighbours: ``pubsub_wire`` writes and reads the messages,
``change_events`` the events, ``pubsub_errors`` says what a refusal means.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final, Protocol, TypeVar
from urllib.parse import urlsplit

import grpc

from integration.listening import Heard, HeardChange, Hint, NotOffered
from integration.port import Misconfigured, NeedsConsent, Unavailable
from integration.salesforce.auth import MOST_REFUSALS, Authenticator, Grant
from integration.salesforce.change_events import EPOCH, EventSchema, parse_schema, read_change
from integration.salesforce.names import CHANGE_CHANNEL
from integration.salesforce.pubsub_errors import SessionExpired, failure
from integration.salesforce.pubsub_wire import (
    SERVICE,
    Fetched,
    RawEvent,
    fetch_request,
    further_request,
    read_fetched,
    read_schema,
    schema_request,
)
from integration.salesforce.transport import LOOPBACK_HOSTS

MOST_EVENTS: Final = 100
"""FetchRequest: events asked for at once (Pub/Sub API guide, "Pub/Sub API Allocations")."""

SILENCE_S: Final = 330.0
"""A keep-alive comes within 270 seconds; a stream that says nothing for longer is dead."""

CALL_S: Final = 30.0
T = TypeVar("T")

if TYPE_CHECKING:  # generic in the stubs only
    _StreamStream = grpc.StreamStreamMultiCallable[bytes, bytes]
    _UnaryUnary = grpc.UnaryUnaryMultiCallable[bytes, bytes]


class _Call(Protocol):
    """What is used of a gRPC call: it is cancelled by other threads, and waited for."""

    def cancel(self) -> object: ...


class PubSubListening:
    """One org's changes (``Listening``). ``listen`` belongs to one thread, ``close`` to any."""

    def __init__(
        self,
        authenticator: Authenticator,
        address: str,
        channel: str = CHANGE_CHANNEL,
        silence_s: float = SILENCE_S,
    ) -> None:
        """Speak to ``address``; plain ``http`` is allowed on this machine only (else Misconfigured)."""
        self._topic = f"/data/{channel}"
        self._authenticator = authenticator
        self._channel = open_channel(address)
        self._schemas: dict[str, EventSchema] = {}
        self._silence_s = silence_s
        self._call: _Call | None = None
        self._closed = threading.Event()
        self._opening = threading.Lock()

    def listen(self, place: str | None) -> Iterator[Heard]:
        """See ``Listening.listen``. After ``MOST_REFUSALS`` refused at once the grant is gone."""
        try:
            yield from self._renewing(place)
        finally:
            self._channel.close()

    def _renewing(self, place: str | None) -> Iterator[Heard]:
        grant, refusals = self._authenticator.current(), 0
        while True:
            try:
                for heard in self._stream(grant, place):
                    place, refusals = heard.place, 0
                    yield heard
            except SessionExpired as error:
                refusals += 1
                if refusals == MOST_REFUSALS:
                    raise NeedsConsent("the org refuses a token it has just issued") from error
                grant = self._authenticator.renew(grant)
            else:
                return

    def close(self) -> None:
        """See ``Listening.close``."""
        with self._opening:
            self._closed.set()
            if self._call is not None:
                self._call.cancel()

    def _stream(self, grant: Grant, place: str | None) -> Iterator[Heard]:
        """Yield one stream's words until it ends; each further request says that what came is durable."""
        requests: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        requests.put(fetch_request(self._topic, MOST_EVENTS, None if place is None else bytes.fromhex(place)))
        subscribe: _StreamStream = self._channel.stream_stream(f"{SERVICE}/Subscribe")
        with self._opening:  # closed before, nothing is opened; closed later, this call is found
            if self._closed.is_set():
                return
            self._call = call = subscribe(iter(requests.get, None), metadata=_metadata(grant))
        watch = _Watch(call, self._silence_s)
        try:
            while not self._closed.is_set():
                with watch:
                    answer = next(call, None)
                if answer is None:
                    raise Unavailable("the stream was ended by the org")
                fetched = _read(read_fetched, answer)
                yield Heard(fetched.replay_id.hex(), self._changes(grant, fetched))
                if fetched.pending < MOST_EVENTS:
                    requests.put(further_request(MOST_EVENTS - fetched.pending))
        except grpc.RpcError as error:
            if not self._closed.is_set():
                raise failure(error, silent=watch.bitten) from error
        finally:
            requests.put(None)
            call.cancel()

    def _changes(self, grant: Grant, fetched: Fetched) -> tuple[HeardChange, ...]:
        return tuple(self._change(grant, one) for one in fetched.events)

    def _change(self, grant: Grant, event: RawEvent) -> HeardChange:
        """Return what an event tells; one that cannot be read means that anything may have changed."""
        try:
            return read_change(event.id, self._schema(grant, event.schema_id), event.payload)
        except ValueError:
            return HeardChange(event.id, "", (), Hint.POLL, EPOCH)

    def _schema(self, grant: Grant, schema_id: str) -> EventSchema:
        """Return a schema, asked for once: its id is a hash of it."""
        if schema_id not in self._schemas:
            self._schemas[schema_id] = parse_schema(self._ask_schema(grant, schema_id))
        return self._schemas[schema_id]

    def _ask_schema(self, grant: Grant, schema_id: str) -> str:
        """Return a schema's JSON. Raises ValueError where the org does not give it to us."""
        ask: _UnaryUnary = self._channel.unary_unary(f"{SERVICE}/GetSchema")
        try:
            answer = ask(schema_request(schema_id), metadata=_metadata(grant), timeout=CALL_S)
        except grpc.RpcError as error:
            not_ours = isinstance(failure(error, silent=False), NotOffered)
            if not_ours:
                raise ValueError(f"the schema {schema_id} is not given") from error
            raise
        return _read(read_schema, answer)


class _Watch:
    """Cancels a call that is silent for too long while somebody waits for it."""

    def __init__(self, call: _Call, seconds: float) -> None:
        self._call, self._seconds = call, seconds
        self._timer: threading.Timer | None = None
        self.bitten = False

    def __enter__(self) -> None:
        self._timer = threading.Timer(self._seconds, self._bite)
        self._timer.daemon = True
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _bite(self) -> None:
        self.bitten = True
        self._call.cancel()


def open_channel(address: str) -> grpc.Channel:
    """Return a channel to ``https://host:port``, or ``http://`` on this machine. Raises Misconfigured."""
    parts = urlsplit(address)
    if parts.scheme == "https":
        return grpc.secure_channel(parts.netloc, grpc.ssl_channel_credentials())
    if parts.scheme != "http" or parts.hostname not in LOOPBACK_HOSTS:
        raise Misconfigured(f"{address} must be https")
    return grpc.insecure_channel(parts.netloc)


def _metadata(grant: Grant) -> tuple[tuple[str, str | bytes], ...]:
    """Return what authenticates a call (``pubsub_api.proto``, service PubSub)."""
    return (
        ("accesstoken", grant.access_token),
        ("instanceurl", grant.instance_url),
        ("tenantid", grant.organization_id),
    )


def _read(read: Callable[[bytes], T], answer: bytes) -> T:
    try:
        return read(answer)
    except ValueError as error:
        raise Unavailable(f"an answer that cannot be read: {error}") from error
