"""What an org says its objects look like, kept for the life of a port.

``Shapes`` answers two questions with the fewest calls: of what type is a field, and which
field points to a parent. It asks tables and learned specs first and describes an object only
when they do not know. Neighbours: ``describe`` fills it, ``read`` and ``write`` ask it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from integration.port import FieldSpec, FieldType, ObjectSpec, Refusal, Refused, RowError
from integration.salesforce.names import (
    CUSTOM,
    OUR_PREFIX,
    STANDARD_TYPES,
    STANDARD_TYPES_EVERYWHERE,
    USUAL_OBJECTS,
    WITHOUT_IS_DELETED,
    is_custom,
    parent_field,
    without_namespace,
)
from integration.salesforce.transport import Transport

# SOAP API guide, "Field Types" -> the port's types; whatever is not here reads as text.
TYPES: Mapping[str, FieldType] = {
    "textarea": FieldType.LONG_TEXT,
    "int": FieldType.NUMBER,
    "long": FieldType.NUMBER,
    "double": FieldType.NUMBER,
    "percent": FieldType.NUMBER,
    "currency": FieldType.MONEY,
    "boolean": FieldType.BOOLEAN,
    "date": FieldType.DATE,
    "datetime": FieldType.INSTANT,
    "picklist": FieldType.CHOICE,
    "multipicklist": FieldType.CHOICE,
    "combobox": FieldType.CHOICE,
    "reference": FieldType.REFERENCE,
}


@dataclass(frozen=True, slots=True)
class RecordType:
    """A record type our user may give, by id and by the name that is the same in every copy of the org."""

    id: str
    developer_name: str
    label: str


@dataclass(frozen=True, slots=True)
class Shape:
    """An object as the org describes it; ``targets`` maps reference fields to what they may hold."""

    spec: ObjectSpec
    targets: Mapping[str, tuple[str, ...]]
    permissionable: frozenset[str]
    record_types: tuple[RecordType, ...] = ()


@dataclass(frozen=True, slots=True)
class TimeColumns:
    """Where an object says when a record was made and changed, and whether it says what is deleted."""

    created: str | None = "CreatedDate"
    changed: str | None = "SystemModstamp"
    tells_deleted: bool = True


USUAL_TIMES = TimeColumns()
# Object Reference, "System Fields": not every object has all of them; the latest known comes first.
CHANGED = ("SystemModstamp", "LastModifiedDate", "CreatedDate")


class Shapes:
    """The described objects of one port."""

    def __init__(self, transport: Transport) -> None:
        """Describe over ``transport``."""
        self._transport = transport
        self._known: dict[str, Shape] = {}
        self._learned: dict[str, dict[str, FieldType]] = {}
        self._links: dict[tuple[str, str], str] = {}

    def add(self, shape: Shape) -> None:
        """Keep a description read for another purpose."""
        self._known[shape.spec.name] = shape

    def knows(self, object_name: str) -> bool:
        """Return whether an object's description is at hand."""
        return object_name in self._known

    def forget(self, object_name: str) -> None:
        """Drop a description that a deploy has made old."""
        self._known.pop(object_name, None)

    def learn(self, object_name: str, fields: Iterable[FieldSpec]) -> None:
        """Take field types and lookups from specs, so that writing needs no describe."""
        for spec in fields:
            self._learned.setdefault(object_name, {})[spec.name] = spec.type
            if spec.references is not None:
                self._links[object_name, spec.references] = spec.name

    def get(self, object_name: str) -> Shape:
        """Return the description of an object, asking the org once (reason ``describe``)."""
        if object_name not in self._known:
            path = f"sobjects/{quote(object_name, safe='')}/describe"
            self.add(parse_shape(self._transport.request("describe", "GET", path)))
        return self._known[object_name]

    def types(self, object_name: str, fields: Iterable[str]) -> dict[str, FieldType | None]:
        """Return the types of ``fields``; ``None`` for one the org does not show us."""
        known = {name: self._cheap_type(object_name, name) for name in fields}
        if all(known.values()):
            return known
        described = {spec.name: spec.type for spec in self.get(object_name).spec.fields}
        return {name: kind or described.get(name) for name, kind in known.items()}

    def _cheap_type(self, object_name: str, name: str) -> FieldType | None:
        learned = self._learned.get(object_name, {}).get(name)
        standard = STANDARD_TYPES.get(object_name, {}).get(name)
        return learned or standard or STANDARD_TYPES_EVERYWHERE.get(without_namespace(name))

    def link_field(self, object_name: str, target: str) -> str:
        """Return the field of ``object_name`` that holds ids of ``target``.

        A described object decides by its own reference fields, standard ones first; an
        undescribed one by what we learned of it or by convention where that is certain. Raises
        Refused when none points there.
        """
        if object_name not in self._known and (object_name, target) in self._links:
            return self._links[object_name, target]
        conventional = parent_field(object_name, target)
        ours_or_standard = not is_custom(object_name) or without_namespace(object_name).startswith(OUR_PREFIX)
        described = object_name in self._known
        if (
            conventional
            and ours_or_standard
            and (not described or conventional in self._targets(object_name))
        ):
            return conventional
        pointing = [name for name, to in self._targets(object_name).items() if target in to]
        if not pointing:
            words = f"{object_name} has no field that refers to {target}"
            raise Refused(RowError(Refusal.FIXABLE, "NO_REFERENCE_FIELD", words))
        return min(pointing, key=lambda name: (is_custom(name), name.startswith("LastModified"), name))

    def times(self, object_name: str) -> TimeColumns:
        """Return which columns tell of a record's times; an object no table knows is described once."""
        if object_name in USUAL_OBJECTS or object_name.endswith(CUSTOM):
            return TimeColumns(tells_deleted=object_name not in WITHOUT_IS_DELETED)
        names = {field.name for field in self.get(object_name).spec.fields}
        changed = next((name for name in CHANGED if name in names), None)
        created = "CreatedDate" if "CreatedDate" in names else None
        return TimeColumns(created, changed, "IsDeleted" in names)

    def _targets(self, object_name: str) -> Mapping[str, tuple[str, ...]]:
        return self.get(object_name).targets


def parse_shape(body: Mapping[str, Any]) -> Shape:
    """Return the shape in an sObject Describe answer."""
    name = str(body["name"])
    rows = body["fields"]
    targets = {row["name"]: tuple(row["referenceTo"]) for row in rows if row.get("referenceTo")}
    spec = ObjectSpec(
        name=name,
        label=str(body.get("label", name)),
        plural=str(body.get("labelPlural") or body.get("label", name)),
        fields=tuple(_field(row) for row in rows),
        custom=bool(body.get("custom", is_custom(name))),
        parents=tuple(dict.fromkeys(to for names in targets.values() for to in names if to != "User")),
        primary_field=next((row["name"] for row in rows if row.get("nameField")), "Name"),
    )
    permitted = frozenset(row["name"] for row in rows if row.get("permissionable"))
    return Shape(spec, targets, permitted, tuple(_record_types(body)))


def _record_types(body: Mapping[str, Any]) -> Iterator[RecordType]:
    """Yield those that are active and open to our user; Master is what an object without any has."""
    for row in body.get("recordTypeInfos") or ():
        if row.get("active") and row.get("available") and not row.get("master"):
            yield RecordType(str(row["recordTypeId"]), str(row["developerName"]), str(row["name"]))


def _field(row: Mapping[str, Any]) -> FieldSpec:
    kind = TYPES.get(str(row["type"]), FieldType.TEXT)
    targets = row.get("referenceTo") or []
    spec = FieldSpec(
        name=str(row["name"]),
        label=str(row.get("label", row["name"])),
        type=kind,
        unique=bool(row.get("externalId") and row.get("unique")),
        references=str(targets[0]) if targets else None,
        required=_demanded(row),
        writable=bool(row.get("updateable") or row.get("createable")),
        createable=bool(row.get("createable")),
        restricted=bool(row.get("restrictedPicklist")),
        decimals=int(row.get("scale") or 0),
        description=str(row.get("inlineHelpText") or ""),
    )
    return replace(spec, choices=_choices(row)) if kind is FieldType.CHOICE else spec


def _demanded(row: Mapping[str, Any]) -> bool:
    """Return whether no record can be made without the field; page layouts alone demand nothing of an API."""
    optional = row.get("nillable", True) or row.get("defaultedOnCreate", False)
    return bool(row.get("createable")) and not optional


def _choices(row: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    values = row.get("picklistValues") or []
    return tuple(
        (str(v["value"]), str(v.get("label") or v["value"])) for v in values if v.get("active", True)
    )
