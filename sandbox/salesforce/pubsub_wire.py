"""The messages of the Pub/Sub API on the wire, built from a table of fields and their numbers.

Names and numbers are those of the vendor's public ``pubsub_api.proto`` (forcedotcom/pub-sub-api, package
``eventbus.v1``); of its messages only those of GetTopic, GetSchema and Subscribe are here. Message
classes made at run time have no static type, so they are ``Any`` and stay within ``pubsub``.
"""

from __future__ import annotations

from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

SERVICE: Final = "eventbus.v1.PubSub"
LATEST, EARLIEST, CUSTOM = 0, 1, 2

_FILE: Final = "sandbox/eventbus.proto"
_KINDS: Final = {
    "bool": descriptor_pb2.FieldDescriptorProto.TYPE_BOOL,
    "bytes": descriptor_pb2.FieldDescriptorProto.TYPE_BYTES,
    "int32": descriptor_pb2.FieldDescriptorProto.TYPE_INT32,
    "string": descriptor_pb2.FieldDescriptorProto.TYPE_STRING,
}
_MESSAGES: Final[dict[str, tuple[tuple[str, str, int], ...]]] = {
    "TopicRequest": (("topic_name", "string", 1),),
    "TopicInfo": (
        ("topic_name", "string", 1),
        ("tenant_guid", "string", 2),
        ("can_publish", "bool", 3),
        ("can_subscribe", "bool", 4),
        ("schema_id", "string", 5),
        ("rpc_id", "string", 6),
    ),
    "SchemaRequest": (("schema_id", "string", 1),),
    "SchemaInfo": (("schema_json", "string", 1), ("schema_id", "string", 2), ("rpc_id", "string", 3)),
    "ProducerEvent": (("id", "string", 1), ("schema_id", "string", 2), ("payload", "bytes", 3)),
    "ConsumerEvent": (("event", "ProducerEvent", 1), ("replay_id", "bytes", 2)),
    "FetchRequest": (
        ("topic_name", "string", 1),
        ("replay_preset", "ReplayPreset", 2),
        ("replay_id", "bytes", 3),
        ("num_requested", "int32", 4),
        ("auth_refresh", "string", 5),
    ),
    "FetchResponse": (
        ("events", "repeated ConsumerEvent", 1),
        ("latest_replay_id", "bytes", 2),
        ("rpc_id", "string", 3),
        ("pending_num_requested", "int32", 4),
    ),
}


def _file() -> descriptor_pb2.FileDescriptorProto:
    found = descriptor_pb2.FileDescriptorProto(name=_FILE, package="eventbus.v1", syntax="proto3")
    presets = found.enum_type.add(name="ReplayPreset")
    for number, name in enumerate(("LATEST", "EARLIEST", "CUSTOM")):
        presets.value.add(name=name, number=number)
    for name, fields in _MESSAGES.items():
        message = found.message_type.add(name=name)
        for field, kind, number in fields:
            _add(message, field, kind, number)
    return found


def _add(message: descriptor_pb2.DescriptorProto, name: str, kind: str, number: int) -> None:
    many, target = kind.startswith("repeated "), kind.removeprefix("repeated ")
    shape = descriptor_pb2.FieldDescriptorProto
    field = message.field.add(name=name, number=number)
    field.label = shape.LABEL_REPEATED if many else shape.LABEL_OPTIONAL
    if target in _KINDS:
        field.type = _KINDS[target]
        return
    field.type = shape.TYPE_ENUM if target == "ReplayPreset" else shape.TYPE_MESSAGE
    field.type_name = f".eventbus.v1.{target}"


_POOL: Final = descriptor_pool.DescriptorPool()
_POOL.Add(_file())


def _class(name: str) -> Any:
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(f"eventbus.v1.{name}"))


TopicRequest, TopicInfo = _class("TopicRequest"), _class("TopicInfo")
SchemaRequest, SchemaInfo = _class("SchemaRequest"), _class("SchemaInfo")
ProducerEvent, ConsumerEvent = _class("ProducerEvent"), _class("ConsumerEvent")
FetchRequest, FetchResponse = _class("FetchRequest"), _class("FetchResponse")
