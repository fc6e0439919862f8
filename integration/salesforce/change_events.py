"""Change events read: Avro into what happened to which records, and bitmaps into names of fields; pure.

Sources: Change Data Capture guide, "ChangeEventHeader Fields", "Gap Events", "Overflow Events"; Pub/Sub API
guide, "Event Deserialization Considerations" (bit n of a bitmap is field n of the schema, the lowest bit
first; ``4-0x10`` is a bitmap of the fields inside compound field 4). Neighbour: ``pubsub`` gets the events.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, TypeAlias, cast

import fastavro

from integration.listening import HeardChange, Hint
from integration.port import FieldValues
from integration.salesforce.ids import long_id
from integration.salesforce.limits import CLIENT_NAME
from integration.salesforce.values import to_text

Json: TypeAlias = Any
"""Parsed JSON or Avro: it is taken apart here and leaves as frozen values."""

HEADER: Final = "ChangeEventHeader"
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
READ: Final = frozenset({"CREATE", "UPDATE", "GAP_CREATE", "GAP_UPDATE"})
RESTORED: Final = frozenset({"UNDELETE", "GAP_UNDELETE"})
AUDIT: Final = frozenset({"CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById"})
"""Fields every save writes: they say nothing of whose values these are."""


@dataclass(frozen=True, slots=True)
class EventSchema:
    """A schema as the org gave it."""

    parsed: Json

    @property
    def fields(self) -> Sequence[Mapping[str, Json]]:
        """Return the fields in the order bitmaps count them, the header first."""
        return cast("Sequence[Mapping[str, Json]]", self.parsed["fields"])


def parse_schema(text: str) -> EventSchema:
    """Return a schema. Raises ValueError for a text that is none of a change event."""
    try:
        parsed = fastavro.parse_schema(json.loads(text))
        names = [field["name"] for field in cast("Json", parsed)["fields"]]
    except (ValueError, LookupError, TypeError, fastavro.schema.SchemaParseException) as error:
        raise ValueError("no Avro schema of a record") from error
    if HEADER not in names:
        raise ValueError("no schema of a change event")
    return EventSchema(parsed)


def read_change(event_id: str, schema: EventSchema, payload: bytes) -> HeardChange:
    """Return what an event tells. Raises ValueError for a payload that is not of the schema.

    A delete is polled for, never believed: the org may have merged the record into another, which only
    the record itself says. So are wildcards (``001*``) and change types not known here. Values are told of
    updates only: a record we made is read once, for the org fills in more than it was sent.
    """
    body = _decoded(schema, payload)
    header = body[HEADER]
    name, kind = str(header["entityName"]), str(header["changeType"])
    at = EPOCH + timedelta(milliseconds=int(header["commitTimestamp"]))
    ids = _ids(header["recordIds"])
    hint = Hint.READ if kind in READ else Hint.RESTORED if kind in RESTORED else Hint.POLL
    if hint is Hint.POLL or not ids:
        return HeardChange(event_id, name, (), Hint.POLL, at)
    written = (
        _written(schema, header, body) if kind == "UPDATE" and is_ours(str(header["changeOrigin"])) else None
    )
    return HeardChange(event_id, name, ids, hint, at, written)


def is_ours(origin: str) -> bool:
    """Return whether an origin (``com/salesforce/api/rest/66.0;client=colonnade``) names our client."""
    return origin.partition(";client=")[2] == CLIENT_NAME


def bitmap_fields(schema: EventSchema, bitmaps: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the fields in a list of bitmaps; inside a compound field as ``Compound.Field``.

    Raises ValueError for a text that is no bitmap, or a bit beyond the schema's fields.
    """
    found: list[str] = []
    for text in bitmaps:
        place, dash, bits = text.rpartition("-")
        if not dash:
            found += _named(schema.fields, bits)
            continue
        compound = _at(schema.fields, int(place))
        inner = _record(compound["type"])
        found += [f"{compound['name']}.{name}" for name in _named(inner["fields"], bits)]
    return tuple(found)


def _decoded(schema: EventSchema, payload: bytes) -> Json:
    try:
        return fastavro.schemaless_reader(io.BytesIO(payload), schema.parsed, None)
    except Exception as error:  # a reader of foreign bytes fails in as many ways as there are bytes
        raise ValueError("no event of its schema") from error


def _ids(given: Sequence[str]) -> tuple[str, ...]:
    """Return the ids at full length; none where one of them is a wildcard or no id."""
    try:
        return tuple(long_id(one) for one in given)
    except ValueError:
        return ()


def _written(schema: EventSchema, header: Mapping[str, Json], body: Mapping[str, Json]) -> FieldValues | None:
    """Return the values a change of ours wrote; ``None`` where that cannot be said for certain."""
    try:
        changed = bitmap_fields(schema, header["changedFields"])
    except ValueError:
        return None
    if not changed:
        return None
    instants = {field["name"] for field in schema.fields if "long" in _kinds(field["type"])}
    return {name: _text(_value(body, name), name in instants) for name in changed if name not in AUDIT}


def _value(body: Mapping[str, Json], name: str) -> Json:
    compound, _, inner = name.partition(".")
    held = body.get(compound)
    return held.get(inner) if inner and isinstance(held, Mapping) else held


def _text(value: Json, is_instant: bool) -> str | None:
    """Return a value as the port's text; Avro gives days and instants as milliseconds."""
    if is_instant and isinstance(value, int):
        return (EPOCH + timedelta(milliseconds=value)).isoformat().replace("+00:00", "Z")
    return to_text(Decimal(repr(value)) if isinstance(value, float) else value)


def _named(fields: Sequence[Mapping[str, Json]], bits: str) -> list[str]:
    if not bits.startswith("0x"):
        raise ValueError(f"no bitmap: {bits}")
    return [str(_at(fields, place)["name"]) for place in _places(int(bits, 16))]


def _places(number: int) -> Iterator[int]:
    return (place for place in range(number.bit_length()) if number >> place & 1)


def _at(fields: Sequence[Mapping[str, Json]], place: int) -> Mapping[str, Json]:
    if place >= len(fields):
        raise ValueError(f"the schema has no field {place}")
    return fields[place]


def _kinds(kind: Json) -> Sequence[Json]:
    return kind if isinstance(kind, list) else [kind]


def _record(kind: Json) -> Mapping[str, Json]:
    found = [one for one in _kinds(kind) if isinstance(one, Mapping) and one.get("type") == "record"]
    if not found:
        raise ValueError("a bitmap inside a field that holds none")
    return cast("Mapping[str, Json]", found[0])
