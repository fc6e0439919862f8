"""What one API user may see and change: object permissions and field-level security.

Everything that was in the org before our deploys is open to the API user. A deployed field or
object stays out of sight until a permission set that grants it is assigned (Permission Sets guide;
"INVALID_FIELD is almost always missing field-level security").
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sandbox.salesforce.schema import Field, Schema, SObject

OBJECT_RIGHTS = ("allowCreate", "allowDelete", "allowEdit", "allowRead", "modifyAllRecords", "viewAllRecords")


@dataclass(slots=True)
class Grants:
    """What one permission set grants: ``fields`` maps Object.Field to (read, edit), lower case."""

    name: str
    fields: dict[str, tuple[bool, bool]] = field(default_factory=dict)
    objects: dict[str, frozenset[str]] = field(default_factory=dict)


class Access:
    """The sight of one user over one version of the schema. ``everything`` is a person with all rights."""

    def __init__(
        self,
        schema: Schema,
        grants: Iterable[Grants],
        *,
        everything: bool = False,
        withheld: Mapping[str, str] | None = None,
    ) -> None:
        """Combine the grants of all permission sets assigned to the user.

        ``withheld`` maps Object.Field (lower case) to ``hidden`` or ``read_only``, whatever is granted.
        """
        self._schema = schema
        self._withheld = withheld or {}
        self._everything = everything
        self._fields: dict[str, tuple[bool, bool]] = {}
        self._objects: dict[str, set[str]] = {}
        self._seen: dict[str, dict[str, Field]] = {}
        for grant in grants:
            for key, (read, edit) in grant.fields.items():
                had = self._fields.get(key, (False, False))
                self._fields[key] = (had[0] or read, had[1] or edit)
            for name, rights in grant.objects.items():
                self._objects.setdefault(name, set()).update(rights)

    def may(self, obj: SObject, right: str) -> bool:
        """Return whether the user has an object right such as ``allowRead``."""
        return self._everything or obj.granted or right in self._objects.get(obj.name.lower(), ())

    def object(self, name: str) -> SObject | None:
        """Return an object the user may read, by name in any case."""
        obj = self._schema.get(name)
        return obj if obj is not None and self.may(obj, "allowRead") else None

    def fields(self, obj: SObject) -> dict[str, Field]:
        """Return the fields the user may read, by lower-case name."""
        key = obj.name.lower()
        if key not in self._seen:
            self._seen[key] = {n: f for n, f in obj.fields.items() if self._reads(obj, f)}
        return self._seen[key]

    def edits(self, obj: SObject, f: Field) -> bool:
        """Return whether field-level security lets the user write a field."""
        if f"{obj.name}.{f.name}".lower() in self._withheld:
            return False
        return self._open(f) or self._fields.get(f"{obj.name}.{f.name}".lower(), (False, False))[1]

    def _reads(self, obj: SObject, f: Field) -> bool:
        if self._withheld.get(f"{obj.name}.{f.name}".lower()) == "hidden":
            return False
        return self._open(f) or self._fields.get(f"{obj.name}.{f.name}".lower(), (False, False))[0]

    def _open(self, f: Field) -> bool:
        # Required custom fields have no field-level security: whoever sees the object sees them.
        return self._everything or f.granted or f.required
