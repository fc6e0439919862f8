"""Installing what was deployed as a managed package would have it: under a namespace.

The objects, fields and permission sets named get the prefix, their rows, rights, lookups and formulas with
them; from then on they are known by no other name. What hangs on such an object (its views, layouts, tab)
follows its name. Salesforce resolves a bare name in no org but the one that develops the package,
unless a call names a ``defaultNamespace``, which is not modelled. Source: ISVforce guide, "Namespace".
Neighbours: ``control`` calls it, ``schema`` and ``access`` hold what is renamed.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace
from typing import Any

from sandbox.salesforce.access import Grants
from sandbox.salesforce.metadata_rows import refresh
from sandbox.salesforce.org import Org
from sandbox.salesforce.schema import Field, SObject
from sandbox.salesforce.store import Change, Row
from sandbox.salesforce.validation_rules import RULE, RULES

_NAME = re.compile(r"\b(\w+)__(c|r)\b")


class Renaming:
    """The names of a package's components in an org, by those they were deployed with."""

    def __init__(self, namespace: str, components: Collection[str]) -> None:
        """Rename ``components``: objects, fields as ``Object.Field``, and permission sets."""
        self._front = namespace + "__"
        self._all = frozenset(components)
        self._words = frozenset(one.rpartition(".")[2] for one in components)

    def object(self, name: str) -> str:
        """Return an object's name."""
        return self._front + name if name in self._all else name

    def field(self, object_name: str, name: str) -> str:
        """Return a field's name on an object as it was called."""
        return self._front + name if f"{object_name}.{name}" in self._all else name

    def full(self, name: str) -> str:
        """Return ``Object.Field`` or an object's name, whose case does not matter."""
        lower = {one.lower(): one for one in self._all}
        owner, dot, field = name.partition(".")
        told = self.object(lower.get(owner, owner))
        if not dot:
            return told.lower()
        return f"{told}.{self._front + field if name in lower else field}".lower()

    def remembered(self, kind: str, name: str) -> str:
        """Return a deployed component's full name: an object's or field's own, else with its object's."""
        if kind == "CustomField":
            owner, _, field = name.partition(".")
            return f"{self.object(owner)}.{self.field(owner, field)}"
        owner = re.split(r"[.-]", name, maxsplit=1)[0]
        return self.object(owner) + name.removeprefix(owner)

    def formula(self, text: str | None) -> str | None:
        """Return a formula with the components it names renamed."""
        if text is None:
            return None
        return _NAME.sub(lambda found: self._word(found[1], found[2]), text)

    def described(self, obj: SObject, f: Field) -> Field:
        """Return a field with everything about it renamed."""
        name = self.field(obj.name, f.name)
        front = self._front if name != f.name else ""
        child = f.child_relationship
        return replace(
            f,
            name=name,
            reference_to=tuple(self.object(one) for one in f.reference_to),
            relationship_name=front + f.relationship_name if f.relationship_name else None,
            child_relationship=front + child if child else None,
            formula=self.formula(f.formula),
        )

    def _word(self, word: str, end: str) -> str:
        return f"{self._front if f'{word}__c' in self._words else ''}{word}__{end}"


def install_as_package(org: Org, namespace: str, components: Collection[str]) -> None:
    """Have ``components`` stand under a namespace; everything else stays as it is called."""
    names = Renaming(namespace, components)
    change, at = Change(), org.stamp()
    for obj in list(org.schema):
        fields = [names.described(obj, f) for f in obj.fields.values()]
        rows = [_row(names, obj, row) for row in org.store.table(obj.name).values()]
        for row in rows:
            org.store.remove(change, obj.name, row["Id"])
        if names.object(obj.name) != obj.name:
            org.schema.drop(obj.name)
        renamed = replace(obj, name=names.object(obj.name), fields={f.name.lower(): f for f in fields})
        org.schema.put(renamed, at)
        for row in rows:
            org.store.put(change, renamed.name, row)
    org.grants = {key: _grants(names, held) for key, held in org.grants.items()}
    for row in org.store.table("PermissionSet").values():
        if row["Name"] in components:
            org.store.put(change, "PermissionSet", row | {"NamespacePrefix": namespace})
    _remember(org, names)
    org.index_all()
    org.save_schema()
    org.save_grants()
    org.commit()


def _remember(org: Org, names: Renaming) -> None:
    """Keep what was deployed, and what it uses, under its names of now; queries show those."""
    held = org.store.noted("components", {})
    told = {kind: [names.remembered(kind, one) for one in every] for kind, every in held.items()}
    details = org.store.noted("details", {})
    uses = details.get("uses", {})
    details["uses"] = {_used(names, one): [_used(names, part) for part in uses[one]] for one in uses}
    details[RULES] = dict(_rule(names, name, one) for name, one in details.get(RULES, {}).items())
    org.keep(RULES, [details[RULES][name] for name in told.get(RULE, [])])
    org.store.note("components", told)
    org.store.note("details", details)
    refresh(org, told)


def _used(names: Renaming, component: str) -> str:
    kind, _, name = component.partition(":")
    return f"{kind}:{names.remembered(kind, name)}"


def _rule(names: Renaming, name: str, rule: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return a validation rule's full name, and the rule, with everything it names renamed."""
    shown = rule["field"] and names.field(rule["object"], rule["field"])
    renamed = {
        "object": names.object(rule["object"]),
        "formula": names.formula(rule["formula"]),
        "field": shown,
    }
    return names.remembered(RULE, name), rule | renamed


def _row(names: Renaming, obj: SObject, row: Row) -> Row:
    return {names.field(obj.name, name): value for name, value in row.items()}


def _grants(names: Renaming, held: Grants) -> Grants:
    fields = {names.full(name): rights for name, rights in held.fields.items()}
    objects = {names.full(name): rights for name, rights in held.objects.items()}
    return Grants(names.object(held.name), fields, objects)
