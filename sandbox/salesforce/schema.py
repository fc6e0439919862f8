"""What an org's objects and fields are: frozen descriptions, and the register that holds them.

``standard.py`` and ``standard_work.py`` fill it at first start, ``load.py`` adds the customer's own
fields, ``metadata_apply.py`` what is deployed. It is stored as JSON beside the records.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Any

TEXTUAL = frozenset(
    {"string", "textarea", "picklist", "multipicklist", "email", "phone", "url", "encryptedstring"}
)
NUMERIC = frozenset({"double", "currency", "percent", "int"})


@dataclass(frozen=True, slots=True)
class Pick:
    """One value of a picklist."""

    value: str
    label: str
    active: bool = True
    default: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """One field, with describe's own type names.

    ``granted`` is true where the API user's profile already shows the field (all that was
    in the org before our deploys); deployed fields need a permission set.
    """

    name: str
    label: str
    type: str
    length: int = 0
    precision: int = 0
    scale: int = 0
    nillable: bool = True
    createable: bool = True
    updateable: bool = True
    external_id: bool = False
    unique: bool = False
    case_sensitive: bool = False
    reference_to: tuple[str, ...] = ()
    relationship_name: str | None = None
    child_relationship: str | None = None
    picks: tuple[Pick, ...] = ()
    restricted: bool = False
    formula: str | None = None
    blank_as_zero: bool = False
    default: str | bool | float | None = None
    help_text: str | None = None
    description: str | None = None
    auto_format: str | None = None
    cascade_delete: bool = False
    granted: bool = True
    metadata_type: str | None = None

    @property
    def custom(self) -> bool:
        """Return whether the field was added to the org."""
        return self.name.endswith("__c")

    @property
    def required(self) -> bool:
        """Return whether a create without a value is refused."""
        return not self.nillable and self.createable and self.default is None and self.type != "boolean"

    @property
    def textual(self) -> bool:
        """Return whether values are character strings."""
        return self.type in TEXTUAL


@dataclass(frozen=True, slots=True)
class RecordType:
    """One record type of an object; ``picks`` are the values it has of each picklist it narrows.

    ``available`` says whether the API user may give it, ``default`` whether it is what the user gives
    without saying, ``person`` whether its accounts are people.
    """

    id: str
    developer_name: str
    name: str
    active: bool = True
    available: bool = True
    default: bool = False
    person: bool = False
    picks: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(slots=True)
class SObject:
    """One object with its fields by lower-case name, in order of definition."""

    name: str
    label: str
    plural: str
    prefix: str
    fields: dict[str, Field] = field(default_factory=dict)
    createable: bool = True
    updateable: bool = True
    deletable: bool = True
    granted: bool = True
    sharing_model: str = "ReadWrite"
    record_types: tuple[RecordType, ...] = ()

    @property
    def custom(self) -> bool:
        """Return whether the object was added to the org."""
        return self.name.endswith("__c")

    @property
    def name_field(self) -> str:
        """Return the field that names a record of this object."""
        names = {"case": "CaseNumber", "task": "Subject", "opportunitystage": "MasterLabel",
                 "contract": "ContractNumber"}  # fmt: skip
        return names.get(self.name.lower(), "Name")

    def put(self, new: Field) -> None:
        """Add a field, or replace the one of the same name."""
        self.fields[new.name.lower()] = new

    def get(self, name: str) -> Field | None:
        """Return a field by name in any case."""
        return self.fields.get(name.lower())

    def relationship(self, name: str) -> Field | None:
        """Return the reference field behind a parent path such as ``Account`` or ``CS_Plan__r``."""
        wanted = name.lower()
        return next((f for f in self.fields.values() if (f.relationship_name or "").lower() == wanted), None)


def goes_with(child: SObject, link: Field) -> bool:
    """Return whether a record is deleted with the one it hangs under."""
    of_account = link.name == "AccountId" and child.name in ("Contact", "Opportunity")
    return link.cascade_delete or of_account


class Schema:
    """All objects of the org by lower-case name, and a number that grows with each change."""

    def __init__(self) -> None:
        """Start with no objects."""
        self._objects: dict[str, SObject] = {}
        self.version = 0
        self.changed_at: dict[str, str] = {}

    def get(self, name: str) -> SObject | None:
        """Return an object by name in any case."""
        return self._objects.get(name.lower())

    def __getitem__(self, name: str) -> SObject:
        """Return an object that is known to exist."""
        return self._objects[name.lower()]

    def __iter__(self) -> Iterator[SObject]:
        """Yield all objects, in order of definition."""
        return iter(list(self._objects.values()))

    def put(self, new: SObject, at: str) -> None:
        """Add or replace an object; ``at`` is its describe's Last-Modified."""
        self._objects[new.name.lower()] = new
        self.touch(new.name, at)

    def put_field(self, object_name: str, new: Field, at: str) -> None:
        """Add or replace a field of an object."""
        self[object_name].put(new)
        self.touch(object_name, at)

    def drop_field(self, object_name: str, name: str, at: str) -> None:
        """Delete a field."""
        self[object_name].fields.pop(name.lower(), None)
        self.touch(object_name, at)

    def drop(self, object_name: str) -> None:
        """Delete an object."""
        self._objects.pop(object_name.lower(), None)
        self.version += 1

    def touch(self, object_name: str, at: str) -> None:
        """Mark an object's description as changed at ``at`` (ISO instant)."""
        self.version += 1
        self.changed_at[object_name.lower()] = at

    def by_prefix(self, prefix: str) -> SObject | None:
        """Return the object whose ids start with ``prefix``."""
        return next((o for o in self._objects.values() if o.prefix == prefix), None)

    def children_of(self, object_name: str) -> Iterable[tuple[SObject, Field]]:
        """Yield the reference fields that point to an object."""
        for obj in self._objects.values():
            for f in obj.fields.values():
                if object_name in f.reference_to:
                    yield obj, f

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        return {"objects": [asdict(o) for o in self], "changed_at": self.changed_at}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Schema:
        """Return the schema ``to_json`` described."""
        schema = cls()
        for raw in data["objects"]:
            fields = {k: _field(v) for k, v in raw.pop("fields").items()}
            types = tuple(_record_type(one) for one in raw.pop("record_types", ()))
            schema._objects[raw["name"].lower()] = SObject(**raw, fields=fields, record_types=types)
        schema.changed_at = dict(data["changed_at"])
        return schema


def _field(raw: dict[str, Any]) -> Field:
    picks = tuple(Pick(**p) for p in raw.pop("picks"))
    return replace(Field(**{**raw, "reference_to": tuple(raw["reference_to"])}), picks=picks)


def _record_type(raw: dict[str, Any]) -> RecordType:
    picks = tuple((name, tuple(values)) for name, values in raw.pop("picks"))
    return RecordType(**raw, picks=picks)
