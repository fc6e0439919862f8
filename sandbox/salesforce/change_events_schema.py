"""The Avro form of one object's change events: its schema, its values, and the bitmaps of fields.

Source: Pub/Sub API guide, "Event Deserialization Considerations"; Change Data Capture guide, "Change Event
Fields". A bitmap's lowest bit is the schema's first field; fields inside a compound field have a bitmap of
their own, ``position-0x..``. Neighbours: ``change_events`` makes the events, ``pubsub`` sends them.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import fastavro

from sandbox.salesforce.instants import moment
from sandbox.salesforce.schema import Field, SObject

CHANGES = ("CREATE", "UPDATE", "DELETE", "UNDELETE")
GAPS = ("GAP_CREATE", "GAP_UPDATE", "GAP_DELETE", "GAP_UNDELETE", "GAP_OVERFLOW")
# Never in an event (Change Data Capture guide, "Change Event Fields"); formulas are left out too.
_LEFT_OUT = frozenset({"Id", "IsDeleted", "SystemModstamp"})
_ADDRESS = ("Street", "City", "State", "PostalCode", "Country", "StateCode", "CountryCode", "Latitude",
            "Longitude", "Xyz", "GeocodeAccuracy")  # fmt: skip
_PERSON = ("Salutation", "FirstName", "LastName", "MiddleName", "InformalName", "Suffix")
_TYPES = {"boolean": "boolean", "int": "int", "date": "long", "datetime": "long",
          "double": "double", "currency": "double", "percent": "double"}  # fmt: skip
_TEXTS = {"type": "array", "items": "string"}


@dataclass(frozen=True, slots=True)
class EventSchema:
    """The schema of one object's events. ``places`` says where a field of the object stands.

    A place is the position of the field in the schema and, inside a compound field, the position in that.
    """

    id: str
    json: str
    places: Mapping[str, tuple[int, int | None]]
    parsed: Any

    def bitmap(self, names: Collection[str]) -> list[str]:
        """Return the bitmaps of some fields, as ``changedFields`` holds them."""
        whole, nested = 0, dict[int, int]()
        for name in names:
            outer, inner = self.places[name]
            if inner is None:
                whole |= 1 << outer
            else:
                nested[outer] = nested.get(outer, 0) | 1 << inner
        found = [_hex(whole)] if whole else []
        return found + [f"{outer}-{_hex(bits)}" for outer, bits in sorted(nested.items())]

    def payload(self, header: Mapping[str, Any], values: Mapping[str, Any]) -> bytes:
        """Return an event in Avro's binary form; ``values`` by field of the object, None where not given."""
        fields = self.parsed["fields"]
        body: dict[str, Any] = {"ChangeEventHeader": dict(header)}
        for name, value in values.items():
            outer, inner = self.places[name]
            held = fields[outer]["name"]
            if inner is None:
                body[held] = value
            else:
                body.setdefault(held, {})[_record(fields[outer])["fields"][inner]["name"]] = value
        out = io.BytesIO()
        fastavro.schemaless_writer(out, self.parsed, body)
        return out.getvalue()


def event_name(obj: SObject) -> str:
    """Return the name of an object's change events: ``AccountChangeEvent``, ``CS_Plan__ChangeEvent``."""
    return obj.name.removesuffix("__c") + "__ChangeEvent" if obj.custom else obj.name + "ChangeEvent"


def schema_of(obj: SObject) -> EventSchema:
    """Return the schema of an object as it is defined now."""
    fields: list[dict[str, Any]] = [{"name": "ChangeEventHeader", "type": _header()}]
    places: dict[str, tuple[int, int | None]] = {}
    compounds: dict[str, int] = {}
    for f in obj.fields.values():
        if f.name in _LEFT_OUT or f.formula is not None or (obj.name, f.name) == ("Contact", "Name"):
            continue
        compound, inner = _compound(obj, f)
        if compound not in compounds:
            compounds[compound] = len(fields)
            fields.append({"name": compound, "type": _type(obj, f, inner), "default": None})
        places[f.name] = (compounds[compound], inner)
    raw = {"type": "record", "name": event_name(obj), "namespace": "com.sforce.eventbus", "fields": fields}
    text = json.dumps(raw, separators=(",", ":"))
    digest = base64.urlsafe_b64encode(hashlib.md5(text.encode()).digest()).decode().rstrip("=")
    return EventSchema(digest, text, places, fastavro.parse_schema(json.loads(text)))


def avro_value(f: Field, value: Any) -> Any:
    """Return a stored value as Avro takes it: days and instants are milliseconds since 1970 UTC."""
    if value is None:
        return None
    if f.type == "date":
        day = date.fromisoformat(value)
        return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)
    if f.type == "datetime":
        return int(moment(value).timestamp() * 1000)
    if f.type == "int":
        return int(value)
    return float(value) if _TYPES.get(f.type) == "double" else value


def _compound(obj: SObject, f: Field) -> tuple[str, int | None]:
    """Return the schema's field that holds a field, and where in it; most hold themselves."""
    if obj.name == "Account" and f.name.removeprefix("Billing") in _ADDRESS and f.name.startswith("Billing"):
        return "BillingAddress", _ADDRESS.index(f.name.removeprefix("Billing"))
    if obj.name == "Contact" and f.name in _PERSON:
        return "Name", _PERSON.index(f.name)
    return f.name, None


def _type(obj: SObject, f: Field, inner: int | None) -> list[Any]:
    if inner is not None and obj.name == "Account":
        return ["null", _texts("Address", _ADDRESS, {"Latitude": "double", "Longitude": "double"})]
    if inner is not None:
        return ["null", _texts("PersonName", _PERSON, {})]
    if obj.name == "Account" and f.name == "Name":
        return ["null", "string", _texts("Switchable_PersonName", _PERSON, {})]
    return ["null", _TYPES.get(f.type, "string")]


def _texts(name: str, fields: Collection[str], others: Mapping[str, str]) -> dict[str, Any]:
    rows = [{"name": one, "type": ["null", others.get(one, "string")], "default": None} for one in fields]
    return {"type": "record", "name": name, "fields": rows}


def _header() -> dict[str, Any]:
    kinds = {"type": "enum", "name": "ChangeType", "symbols": [*CHANGES, *GAPS, "SNAPSHOT"]}
    types: dict[str, Any] = {
        "entityName": "string", "recordIds": _TEXTS, "changeType": kinds, "changeOrigin": "string",
        "transactionKey": "string", "sequenceNumber": "int", "commitTimestamp": "long",
        "commitNumber": "long", "commitUser": "string", "nulledFields": _TEXTS, "diffFields": _TEXTS,
        "changedFields": _TEXTS,
    }  # fmt: skip
    rows = [{"name": name, "type": kind} for name, kind in types.items()]
    return {"type": "record", "name": "ChangeEventHeader", "fields": rows}


def _record(field: Mapping[str, Any]) -> Any:
    return next(kind for kind in field["type"] if isinstance(kind, dict))


def _hex(bits: int) -> str:
    width = (bits.bit_length() + 7) // 8 * 2
    return f"0x{bits:0{width}X}"
