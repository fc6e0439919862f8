"""The Pub/Sub API's messages as bytes: what we send is written here, what we get is read into frozen values.

Names and numbers of fields are those of the vendor's public ``pubsub_api.proto`` (forcedotcom/pub-sub-api,
package ``eventbus.v1``). Message classes are built from the table at run time, so nothing generated is kept;
they have no static type and do not leave this module. Neighbour: ``pubsub`` makes the calls.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

SERVICE: Final = "/eventbus.v1.PubSub"
LATEST, CUSTOM = 0, 2
"""Values of ReplayPreset: from now on, and after a replay id."""

_PACKAGE: Final = "eventbus.v1"
_Shape = descriptor_pb2.FieldDescriptorProto
_KINDS: Final = {"bytes": _Shape.TYPE_BYTES, "int32": _Shape.TYPE_INT32, "string": _Shape.TYPE_STRING}
_MESSAGES: Final[Mapping[str, Mapping[str, tuple[int, str]]]] = {
    "SchemaRequest": {"schema_id": (1, "string")},
    "SchemaInfo": {"schema_json": (1, "string"), "schema_id": (2, "string")},
    "ProducerEvent": {"id": (1, "string"), "schema_id": (2, "string"), "payload": (3, "bytes")},
    "ConsumerEvent": {"event": (1, "ProducerEvent"), "replay_id": (2, "bytes")},
    "FetchRequest": {
        "topic_name": (1, "string"),
        "replay_preset": (2, "int32"),  # an enum travels as its number
        "replay_id": (3, "bytes"),
        "num_requested": (4, "int32"),
    },
    "FetchResponse": {
        "events": (1, "ConsumerEvent*"),
        "latest_replay_id": (2, "bytes"),
        "pending_num_requested": (4, "int32"),
    },
}


@dataclass(frozen=True, slots=True)
class RawEvent:
    """An event as it came: ``payload`` is Avro by the schema ``schema_id``."""

    id: str
    schema_id: str
    payload: bytes
    replay_id: bytes


@dataclass(frozen=True, slots=True)
class Fetched:
    """A response: events, or the keep-alive that has none, and how many events are still to come."""

    events: tuple[RawEvent, ...]
    latest_replay_id: bytes
    pending: int

    @property
    def replay_id(self) -> bytes:
        """Return where to go on: after the last event that came, never further."""
        return self.events[-1].replay_id if self.events else self.latest_replay_id


def fetch_request(topic: str, wanted: int, replay_id: bytes | None) -> bytes:
    """Return the first request of a stream: from now on, or after ``replay_id``."""
    preset = LATEST if replay_id is None else CUSTOM
    request = _class("FetchRequest")(
        topic_name=topic, replay_preset=preset, replay_id=replay_id or b"", num_requested=wanted
    )
    return _bytes(request)


def further_request(wanted: int) -> bytes:
    """Return a later request of the same stream."""
    return _bytes(_class("FetchRequest")(num_requested=wanted))


def read_fetched(message: bytes) -> Fetched:
    """Return a response. Raises ValueError for bytes that are none."""
    found = _read("FetchResponse", message)
    events = tuple(
        RawEvent(one.event.id, one.event.schema_id, one.event.payload, one.replay_id) for one in found.events
    )
    return Fetched(events, found.latest_replay_id, found.pending_num_requested)


def schema_request(schema_id: str) -> bytes:
    """Return a request for a schema."""
    return _bytes(_class("SchemaRequest")(schema_id=schema_id))


def read_schema(message: bytes) -> str:
    """Return the schema's JSON. Raises ValueError for bytes that are no answer."""
    return str(_read("SchemaInfo", message).schema_json)


def _pool() -> descriptor_pool.DescriptorPool:
    file = descriptor_pb2.FileDescriptorProto(
        name="colonnade/eventbus.proto", package=_PACKAGE, syntax="proto3"
    )
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, (number, kind) in fields.items():
            _add(message, field, number, kind)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return pool


def _add(message: descriptor_pb2.DescriptorProto, name: str, number: int, kind: str) -> None:
    added = message.field.add(name=name, number=number)
    added.label = _Shape.LABEL_REPEATED if kind.endswith("*") else _Shape.LABEL_OPTIONAL
    added.type = _KINDS.get(kind, _Shape.TYPE_MESSAGE)
    if kind not in _KINDS:
        added.type_name = f".{_PACKAGE}.{kind.removesuffix('*')}"


_POOL: Final = _pool()


def _class(name: str) -> Any:
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(f"{_PACKAGE}.{name}"))


def _bytes(message: Any) -> bytes:
    written: bytes = message.SerializeToString()
    return written


def _read(name: str, message: bytes) -> Any:
    from google.protobuf.message import DecodeError

    try:
        return _class(name).FromString(message)
    except DecodeError as error:
        raise ValueError(f"no {name}") from error
