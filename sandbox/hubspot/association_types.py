"""What kinds of association exist between which object types, and their ids.

HubSpot's own come from ``standard_links``; those of custom objects and the customer's labels
are made per portal and kept as documents.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from sandbox.hubspot.catalogue import ACTIVITIES, Catalogue, ObjectType
from sandbox.hubspot.documents import Documents
from sandbox.hubspot.errors import invalid
from sandbox.hubspot.standard_links import CHILD_LABEL, PAIRS, PRIMARY_IDS

MAX_LABELS: Final = 10
_LABEL_NAME: Final = re.compile(r"^[^-0-9][^-]*$")


@dataclass(frozen=True, slots=True)
class AssociationType:
    """One direction of a kind of association; ``inverse`` is the id of the other direction."""

    type_id: int
    category: str
    from_type: str
    to_type: str
    label: str | None
    name: str
    inverse: int

    @property
    def primary(self) -> bool:
        """Return whether a record may have only one of these."""
        return self.category == "HUBSPOT_DEFINED" and self.type_id in PRIMARY_IDS

    def spec(self) -> dict[str, Any]:
        """Return ``{category, typeId, label}``."""
        return {"category": self.category, "typeId": self.type_id, "label": self.label}


class AssociationTypes:
    """Association types by pair of object types and by id."""

    def __init__(self, catalogue: Catalogue, documents: Documents) -> None:
        """Learn the standard types and those kept in ``documents``."""
        self._documents = documents
        self._by_pair: dict[tuple[str, str], list[AssociationType]] = {}
        self._by_key: dict[tuple[str, int, str, str], AssociationType] = {}
        labelled = {(a, b) for a, b, _, _, label in PAIRS if label == "Primary"}
        for a, b, forth, back, label in PAIRS:
            suffix = "_unlabeled" if label is None and (a, b) in labelled else ""
            names = [catalogue.by_id(kind).singular for kind in (a, b)]
            self._standard((a, b), (forth, back), label, f"{names[0]}_to_{names[1]}{suffix}")
            if forth != back or a != b:
                other = CHILD_LABEL if label == "Parent Company" else label
                self._standard((b, a), (back, forth), other, f"{names[1]}_to_{names[0]}{suffix}")
        self._next = 1000  # above HubSpot's own ids, which are one numbering with these on a live portal
        for body in documents.all("association"):
            self._take(AssociationType(**body))
            self._next = max(self._next, body["type_id"])

    def _standard(self, ends: tuple[str, str], ids: tuple[int, int], label: str | None, name: str) -> None:
        forth, back = ids
        shown = "Child Company" if forth == 13 else ("Parent Company" if forth == 14 else label)
        given = {13: "parent_to_child_company", 14: "child_to_parent_company"}.get(forth, name)
        self._take(AssociationType(forth, "HUBSPOT_DEFINED", *ends, shown, given, back))

    def _take(self, kind: AssociationType) -> None:
        self._by_pair.setdefault((kind.from_type, kind.to_type), []).append(kind)
        self._by_key[(kind.category, kind.type_id, kind.from_type, kind.to_type)] = kind

    def between(self, from_type: str, to_type: str) -> list[AssociationType]:
        """Return the kinds defined from one type to another."""
        return self._by_pair.get((from_type, to_type), [])

    def of(self, type_id: str) -> list[AssociationType]:
        """Return the kinds from or to one type."""
        return [kind for kind in self._by_key.values() if type_id in (kind.from_type, kind.to_type)]

    def default(self, from_type: str, to_type: str) -> AssociationType:
        """Return the unlabelled kind. Raises 400 when the two types can't be associated."""
        for kind in self.between(from_type, to_type):
            if kind.label is None:
                return kind
        raise invalid(f"No association type is defined between {from_type} and {to_type}")

    def named(self, spec: Any, from_type: str, to_type: str) -> AssociationType:
        """Return the kind of ``{associationCategory, associationTypeId}``. Raises 400 when there is none."""
        if not isinstance(spec, dict):
            raise invalid("Invalid input JSON: an association type is not an object")
        category, type_id = spec.get("associationCategory"), spec.get("associationTypeId")
        number = int(str(type_id)) if str(type_id).isdigit() else 0
        found = self._by_key.get((str(category), number, from_type, to_type))
        if found is None:
            raise invalid(
                f"invalid association type {type_id} ({category}) from object type {from_type} to {to_type}"
            )
        return found

    def by_id(self, type_id: int, from_type: str, to_type: str) -> AssociationType:
        """Return the kind of this id between two types. Raises KeyError."""
        for kind in self.between(from_type, to_type):
            if kind.type_id == type_id:
                return kind
        raise KeyError(type_id)

    def define(self, from_type: str, to_type: str, name: str) -> list[AssociationType]:
        """Define the unlabelled kind between two types; both directions, or what is there already."""
        if any(kind.label is None for kind in self.between(from_type, to_type)):
            return [self.default(from_type, to_type), self.default(to_type, from_type)]
        return self._make(from_type, to_type, name, None, None)

    def add_label(
        self, a: ObjectType, b: ObjectType, name: str, label: str, inverse: str | None
    ) -> list[AssociationType]:
        """Add a customer's label between two types. Raises 400 for a bad name or past the cap."""
        if not label or not _LABEL_NAME.match(name):
            raise invalid(f"Association label name {name!r} is not valid")
        self.default(a.type_id, b.type_id)
        own = [
            kind
            for kind in self.between(a.type_id, b.type_id)
            if kind.category == "USER_DEFINED" and kind.label
        ]
        if len(own) >= MAX_LABELS:
            raise invalid(
                f"No more than {MAX_LABELS} association types are allowed between {a.type_id} and {b.type_id}"
            )
        if any(kind.name == name and kind.category == "USER_DEFINED" for kind in self._by_key.values()):
            raise invalid(f"Association definition named {name} already exists for portal")
        if any(kind.label == label for kind in own):
            raise invalid(
                f"Association definition label {label} already exists on ObjectType pair",
                sub_category="AssociationValidationError.DUPLICATE_ASSOCIATION_LABEL",
            )
        return self._make(a.type_id, b.type_id, name, label, inverse or label)

    def relabel(self, kind: AssociationType, label: str, inverse: str) -> None:
        """Change a label's text on both sides."""
        back = self.by_id(kind.inverse, kind.to_type, kind.from_type)
        pairs = {kind: label} if back == kind else {kind: label, back: inverse}
        for held, text in pairs.items():
            self._forget_kind(held)
            changed = replace(held, label=text)
            self._take(changed)
            self._keep([changed])

    def drop(self, kind: AssociationType) -> None:
        """Remove one of the customer's kinds, both ways."""
        for held in {kind, self.by_id(kind.inverse, kind.to_type, kind.from_type)}:
            self._forget_kind(held)
            self._documents.drop("association", f"{held.from_type}>{held.to_type}", str(held.type_id))

    def _forget_kind(self, kind: AssociationType) -> None:
        self._by_pair[(kind.from_type, kind.to_type)].remove(kind)
        self._by_key.pop((kind.category, kind.type_id, kind.from_type, kind.to_type))

    def _keep(self, kinds: list[AssociationType]) -> None:
        rows = [(f"{kind.from_type}>{kind.to_type}", str(kind.type_id), asdict(kind)) for kind in kinds]
        self._documents.put_many("association", rows)

    def _make(
        self, a: str, b: str, name: str, label: str | None, inverse: str | None
    ) -> list[AssociationType]:
        forth = self._next + 1
        back = forth if a == b and label == inverse else forth + 1
        self._next = back
        made = [AssociationType(forth, "USER_DEFINED", a, b, label, name, back)]
        if back != forth:
            made.append(AssociationType(back, "USER_DEFINED", b, a, inverse, name, forth))
        for kind in made:
            self._take(kind)
        self._keep(made)
        return made

    def define_for_schema(self, custom: ObjectType, others: list[str]) -> list[AssociationType]:
        """Define what a custom object may be associated with; activities come free."""
        made: list[AssociationType] = []
        for other in dict.fromkeys([*others, *ACTIVITIES]):
            made += self.define(custom.type_id, other, f"{custom.singular}_to_{other.replace('-', '_')}")
        return made

    def forget(self, type_id: str) -> None:
        """Drop every kind from or to a type whose schema is gone."""
        for (a, b), kinds in list(self._by_pair.items()):
            if type_id in (a, b):
                del self._by_pair[(a, b)]
                for kind in kinds:
                    self._by_key.pop((kind.category, kind.type_id, a, b), None)
                    self._documents.drop("association", f"{a}>{b}", str(kind.type_id))
