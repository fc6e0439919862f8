"""The Pub/Sub API of the org over gRPC: GetTopic, GetSchema and Subscribe.

Plain text on this machine, where the vendor has TLS. Source: the vendor's ``pubsub_api.proto``; Pub/Sub API
guide, "Handle Errors" (the codes, which stand in the trailers as ``error-code``), "Subscribe RPC Method".
Which gRPC status goes with a code is not always documented: those here are the nearest.
Neighbours: ``change_events`` holds what is sent, ``pubsub_wire`` the messages.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent import futures
from datetime import timedelta
from typing import Any, NoReturn

import grpc

from sandbox.salesforce import pubsub_wire as wire
from sandbox.salesforce.change_events import Bus, ChangeEvent
from sandbox.salesforce.oauth import Tokens
from sandbox.salesforce.org import Org

CODES = "sfdc.platform.eventbus.grpc."
MOST_EVENTS = 100
KEEP_ALIVE = timedelta(seconds=270)
_LOOK_EVERY_S = 0.25
_THREADS = 32
_REPLAY_BYTES = 10


class _Refusal(Exception):
    """An answer that ends the call: the gRPC status, the vendor's code without its prefix, and words."""

    def __init__(self, status: grpc.StatusCode, code: str, words: str) -> None:
        super().__init__(words)
        self.status, self.code = status, code


class PubSub:
    """The service. Each Subscribe holds one thread."""

    def __init__(self, org: Org, tokens: Tokens, bus: Bus) -> None:
        """Serve one org's bus to its own tokens."""
        self._org, self._tokens, self._bus = org, tokens, bus
        self.refusing: list[tuple[grpc.StatusCode, str]] = []
        self.cuts = 0
        self.greets = False

    def start(self, port: int) -> int:
        """Serve on a port of this machine (0 takes a free one); return it."""
        server = grpc.server(
            futures.ThreadPoolExecutor(_THREADS, "pubsub"), options=[("grpc.so_reuseport", 0)]
        )
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(wire.SERVICE, self._methods()),)
        )
        taken: int = server.add_insecure_port(f"127.0.0.1:{port}")
        server.start()
        self._server = server
        return taken

    def _methods(self) -> dict[str, grpc.RpcMethodHandler[Any, Any]]:
        unary, both = grpc.unary_unary_rpc_method_handler, grpc.stream_stream_rpc_method_handler
        return {
            "GetTopic": unary(_ending(self.topic), wire.TopicRequest.FromString, _bytes),
            "GetSchema": unary(_ending(self.schema), wire.SchemaRequest.FromString, _bytes),
            "Subscribe": both(_streaming(self.subscribe), wire.FetchRequest.FromString, _bytes),
        }

    def topic(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Return what a topic is."""
        user = self._user(context)
        with self._org.lock:
            objects = self._objects(user, request.topic_name)
            name = next(iter(objects)) if len(objects) == 1 else ""
            schema = self._bus.schema(self._org.schema[name]).id if name else ""
        return wire.TopicInfo(topic_name=request.topic_name, tenant_guid=self._org.org_id, can_subscribe=True,
                              schema_id=schema, rpc_id=str(uuid.uuid4()))  # fmt: skip

    def schema(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Return a schema by its id."""
        self._user(context)
        if not request.schema_id:
            words = "Schema ID is blank."
            raise _Refusal(grpc.StatusCode.INVALID_ARGUMENT, "schema.validation.failed", words)
        found = self._bus.schemas.get(request.schema_id)
        if found is None:
            words = f"No schema has the id {request.schema_id}."
            raise _Refusal(grpc.StatusCode.NOT_FOUND, "schema.meta.permission", words)
        return wire.SchemaInfo(schema_json=found.json, schema_id=found.id, rpc_id=str(uuid.uuid4()))

    def subscribe(self, requests: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Any]:
        """Send events as they are asked for, and a keep-alive where there are none."""
        user = self._user(context)
        first = next(requests, None)
        if first is None:
            return
        with self._org.lock:
            self._objects(user, first.topic_name)
            position = self._position(first)
        wanted = _Wanted(first, self._bus.condition)
        threading.Thread(target=wanted.read, args=(requests,), daemon=True).start()
        context.send_initial_metadata(())  # from here on nothing is missed
        cuts, spoken = self.cuts, self._org.now()
        alive = -1 if self.greets else self._bus.keepalives
        while context.is_active() and not wanted.over:
            if wanted.refusal is not None:
                raise wanted.refusal
            if self.cuts != cuts:
                raise _Refusal(grpc.StatusCode.UNAVAILABLE, "service.unavailable", "The stream was cut.")
            due = self._bus.keepalives != alive or self._org.now() - spoken >= KEEP_ALIVE
            found = self._turn(user, first.topic_name, position, wanted, due=due)
            if found is not None:
                self._user(context)
                position, answer = found
                alive, spoken = self._bus.keepalives, self._org.now()
                yield answer
                continue
            with self._bus.condition:
                self._bus.condition.wait(_LOOK_EVERY_S)

    def _user(self, context: grpc.ServicerContext) -> str:
        """Return whose token the metadata carries."""
        if self.refusing:
            status, code = self.refusing.pop(0)
            raise _Refusal(status, code, "Refused by the control endpoint.")
        given = {str(key): str(value) for key, value in context.invocation_metadata()}
        for name in ("accesstoken", "instanceurl", "tenantid"):
            if not given.get(name, "").strip():
                words = f"The header {name} is blank."
                raise _Refusal(grpc.StatusCode.UNAUTHENTICATED, "service.auth.headers.invalid", words)
        with self._org.lock:
            user = self._tokens.user_of(given["accesstoken"])
        if user is None or given["tenantid"] != self._org.org_id:
            words = "An authentication exception occurred."
            raise _Refusal(grpc.StatusCode.UNAUTHENTICATED, "service.auth.error", words)
        return user

    def _objects(self, user: str, topic: str) -> frozenset[str]:
        """Return the objects of a topic that a user may see all records of."""
        if not topic:
            words = "The topic name is blank."
            raise _Refusal(grpc.StatusCode.INVALID_ARGUMENT, "topic.validation.empty", words)
        found = self._bus.objects_of(topic)
        if found is None:
            raise _Refusal(grpc.StatusCode.NOT_FOUND, "topic.not.found", f"There is no topic {topic}.")
        access = self._org.access(user)
        seen = frozenset(one for one in found if access.may(self._org.schema[one], "viewAllRecords"))
        if found and not seen:
            words = f"The user cannot subscribe to {topic}."
            raise _Refusal(grpc.StatusCode.PERMISSION_DENIED, "subscription.topic.cannot.subscribe", words)
        return seen

    def _position(self, first: Any) -> int:
        """Return behind which replay id the first request starts."""
        _check_number(first.num_requested)
        if first.replay_preset == wire.LATEST:
            return self._bus.tip
        if first.replay_preset == wire.EARLIEST:
            return -1
        if not first.replay_id:
            words = "The replay preset is CUSTOM and no replay ID is given."
            code = "subscription.fetch.replayid.validation.failed"
            raise _Refusal(grpc.StatusCode.INVALID_ARGUMENT, code, words)
        replay = _number(first.replay_id)
        if replay is None or not self._bus.knows(replay):
            words = "The Replay ID validation failed: it is invalid or outside the retention window."
            code = "subscription.fetch.replayid.corrupted"
            raise _Refusal(grpc.StatusCode.INVALID_ARGUMENT, code, words)
        return replay

    def _turn(
        self, user: str, topic: str, position: int, wanted: _Wanted, *, due: bool
    ) -> tuple[int, Any] | None:
        """Return the next position and response: events that are wanted, or a keep-alive that is due."""
        with self._org.lock:
            objects = self._objects(user, topic)
            waiting = self._bus.after(position, objects, MOST_EVENTS)
            batch = waiting[: wanted.number]
            if batch and not self._bus.left():
                words = "You have exceeded the event delivery limit for your org."
                code = "subscription.limit.exceeded"
                raise _Refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, code, words)
            batch = batch[: self._bus.left()]
            if not batch and not due:
                return None
            self._bus.delivered(len(batch))
            if batch or not waiting:  # a keep-alive never passes over events nobody asked for yet
                position = batch[-1].replay if batch else self._bus.mark()
            return position, self._response(user, batch, position, wanted)

    def _response(self, user: str, batch: list[ChangeEvent], position: int, wanted: _Wanted) -> Any:
        sight = self._org.access(user)
        rows = [_consumer(one, one.seen_by(sight, self._org.schema[one.object])) for one in batch]
        return wire.FetchResponse(
            events=rows,
            latest_replay_id=_replay(position),
            rpc_id=str(uuid.uuid4()),
            pending_num_requested=wanted.take(len(batch)),
        )


class _Wanted:
    """How many events a subscriber has asked for and not got yet."""

    def __init__(self, first: Any, condition: threading.Condition) -> None:
        self._topic, self._condition = first.topic_name, condition
        self.number = first.num_requested
        self.over = False
        self.refusal: _Refusal | None = None

    def read(self, requests: Iterator[Any]) -> None:
        """Add up further requests until the subscriber ends; what it may not ask ends the stream."""
        try:
            for one in requests:
                self._add(one)
        except _Refusal as refusal:
            self.refusal = refusal
        except grpc.RpcError:
            self.over = True
        else:
            self.over = True
        with self._condition:
            self._condition.notify_all()

    def take(self, sent: int) -> int:
        """Count events sent; return how many are still wanted."""
        with self._condition:
            self.number -= sent
            left: int = self.number
        return left

    def _add(self, one: Any) -> None:
        _check_number(one.num_requested)
        if one.topic_name not in ("", self._topic):
            words = "The topic name differs from that of the first request."
            raise _Refusal(grpc.StatusCode.INVALID_ARGUMENT, "subscription.fetch.topic.mismatch", words)
        with self._condition:
            self.number += one.num_requested
            self._condition.notify_all()


def _check_number(wanted: int) -> None:
    if not 1 <= wanted <= MOST_EVENTS:
        words = f"num_requested must be from 1 to {MOST_EVENTS}, it is {wanted}."
        code = "subscription.fetch.requested.events.invalid"
        raise _Refusal(grpc.StatusCode.INVALID_ARGUMENT, code, words)


def _consumer(one: ChangeEvent, payload: bytes) -> Any:
    event = wire.ProducerEvent(id=one.id, schema_id=one.schema.id, payload=payload)
    return wire.ConsumerEvent(event=event, replay_id=_replay(one.replay))


def _replay(position: int) -> bytes:
    return position.to_bytes(_REPLAY_BYTES - 2, "big") + b"\0\0"


def _number(replay: bytes) -> int | None:
    return int.from_bytes(replay[:-2], "big") if len(replay) == _REPLAY_BYTES else None


def _bytes(message: Any) -> bytes:
    found: bytes = message.SerializeToString()
    return found


def _refuse(context: grpc.ServicerContext, refusal: _Refusal) -> NoReturn:
    rpc = str(uuid.uuid4())
    context.set_trailing_metadata((("error-code", CODES + refusal.code), ("rpc-id", rpc)))
    context.abort(refusal.status, f"{refusal} rpcId: {rpc}")


def _ending(serve: Callable[[Any, grpc.ServicerContext], Any]) -> Callable[..., Any]:
    def answer(request: Any, context: grpc.ServicerContext) -> Any:
        try:
            return serve(request, context)
        except _Refusal as refusal:
            _refuse(context, refusal)

    return answer


def _streaming(serve: Callable[[Iterator[Any], grpc.ServicerContext], Iterator[Any]]) -> Callable[..., Any]:
    def answers(requests: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Any]:
        try:
            yield from serve(requests, context)
        except _Refusal as refusal:
            _refuse(context, refusal)

    return answers
