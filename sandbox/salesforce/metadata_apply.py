"""One deploy: every component checked and applied in order, and taken back where the deploy fails.

Objects come before fields, fields before formulas, then what refers to them (``metadata_components``),
tabs and apps before permission sets. A deploy with ``rollbackOnError`` (the default here, a must in
production) or ``checkOnly`` leaves nothing behind.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any
from xml.etree import ElementTree as ET

from sandbox.salesforce.access import Grants
from sandbox.salesforce.formula import FormulaError, compile_formula
from sandbox.salesforce.metadata_components import (
    AFTER_PERMISSIONS,
    BEFORE_PERMISSIONS,
    check_file,
    check_nested,
    files_of,
    strangers,
)
from sandbox.salesforce.metadata_fields import FieldFile, Problem, build
from sandbox.salesforce.metadata_objects import custom_object, read_object_file
from sandbox.salesforce.metadata_permissions import permission_set
from sandbox.salesforce.metadata_scope import Scope, missing
from sandbox.salesforce.metadata_zip import NESTED, NS, Package, text_of
from sandbox.salesforce.org import Org
from sandbox.salesforce.schema import Field
from sandbox.salesforce.store import Change

Json = dict[str, Any]


@dataclass(slots=True)
class Outcome:
    """What became of the components of a deploy."""

    successes: list[Json] = field(default_factory=list)
    failures: list[Json] = field(default_factory=list)


def deploy(org: Org, package: Package, *, rollback: bool, check_only: bool) -> Outcome:
    """Apply a package and return the outcome per component."""
    before = (copy.deepcopy(org.schema), copy.deepcopy(org.grants))
    run = _Deploy(org, package)
    run.all()
    if check_only or (run.outcome.failures and rollback):
        org.schema, org.grants = before
    else:
        run.settle()
    org.index_all()
    org.save_schema()
    org.save_grants()
    return run.outcome


class _Deploy:
    def __init__(self, org: Org, package: Package) -> None:
        self.org, self.package, self.outcome = org, package, Outcome()
        self.components: dict[str, list[str]] = org.store.noted("components", {})
        self.details: dict[str, Any] = org.store.noted("details", {})
        self.members: list[tuple[str, ET.Element, str, bool]] = []
        self.dropped: list[str] = []
        self.dropped_fields: list[tuple[str, str]] = []
        self.dropped_sets: list[str] = []

    def all(self) -> None:
        for name in ("destructiveChangesPre.xml", "destructiveChanges.xml"):
            self.delete(self.package.deletions.get(name, {}), name)
        fields = self.objects()
        for file in [f for f in fields if not f.is_formula] + [f for f in fields if f.is_formula]:
            self.attempt(
                "CustomField", file.full_name, f"objects/{file.object}.object", lambda f=file: self.field(f)
            )
        self.nested()
        self.others(BEFORE_PERMISSIONS)
        self.permission_sets()
        self.others(AFTER_PERMISSIONS)
        for path, kind, words in strangers(self.package):
            self.report(kind, path, path, problem=words)
        self.absent()
        self.delete(
            self.package.deletions.get("destructiveChangesPost.xml", {}), "destructiveChangesPost.xml"
        )

    def settle(self) -> None:
        """Do what cannot be taken back: purge rows of deleted objects, write permission set rows."""
        for name in self.dropped:
            self.org.store.drop_object(name)
        for object_name, field_name in self.dropped_fields:
            self.org.store.drop_field(object_name, field_name)
        for key in self.dropped_sets:
            self.purge_set(key)
        self.org.store.note("components", self.components)
        self.org.store.note("details", self.details)
        for grant in list(self.org.grants.items()):
            self.keep_set(*grant)

    def keep_set(self, key: str, grants: Grants) -> None:
        if not key.startswith("new:"):
            return
        row_id = self.org.plant("PermissionSet", {"Name": grants.name, "Label": key.removeprefix("new:"),
                                                  "Type": "Regular"})  # fmt: skip
        self.org.grants[row_id] = self.org.grants.pop(key)

    def report(self, kind: str, name: str, file: str, *, created: bool = False, deleted: bool = False,
               problem: str | None = None, warning: bool = False) -> None:  # fmt: skip
        message = {
            "changed": problem is None, "columnNumber": None, "componentType": kind, "created": created,
            "createdDate": self.org.stamp(), "deleted": deleted, "fileName": file, "fullName": name,
            "id": None,
            "knownPackagingProblem": False, "lineNumber": None, "problem": problem,
            "problemType": None if problem is None else "Warning" if warning else "Error",
            "requiresProductionTestRun": False, "success": problem is None or warning, "warning": warning,
        }  # fmt: skip
        (self.outcome.successes if message["success"] else self.outcome.failures).append(message)

    def attempt(self, kind: str, name: str, file: str, work: Any) -> None:
        """Do one component's work and report it; ``work`` returns whether it was new."""
        try:
            created = work()
        except (Problem, FormulaError) as problem:
            self.report(kind, name, file, problem=str(problem))
            return
        except ET.ParseError as error:
            self.report(kind, name, file, problem=f"Error parsing file: {error}")
            return
        self.report(kind, name, file, created=bool(created))

    def objects(self) -> list[FieldFile]:
        """Apply the objects named as CustomObject; return the fields to apply."""
        named = self.package.members.get("CustomObject", [])
        fields: list[FieldFile] = []
        for path, data in sorted(self.package.files.items()):
            folder, _, file = path.partition("/")
            if folder != "objects" or not file.endswith(".object"):
                continue
            name = file.removesuffix(".object")
            try:
                root, found = read_object_file(name, data)
            except (Problem, ET.ParseError) as error:
                self.report("CustomObject", name, path, problem=f"Error parsing file: {error}")
                continue
            whole = name in named or ("*" in named and name.endswith("__c"))
            if whole:
                self.attempt("CustomObject", name, path, lambda n=name, r=root: self.object(n, r))
            wanted = self.package.members.get("CustomField", [])
            for f in found:
                if whole or f.full_name in wanted or "*" in wanted:
                    fields.append(f)
                else:
                    self.report("CustomField", f.full_name, path, problem="Not in package.xml", warning=True)
            self.members.append((name, root, path, whole))
        return fields

    @property
    def scope(self) -> Scope:
        """Return what components may refer to now."""
        return Scope(self.org.schema, self.components, self.details)

    def nested(self) -> None:
        """Apply the list views and compact layouts of the object files, once all fields are there."""
        for name, root, path, whole in self.members:
            for kind, holder in NESTED.items():
                if kind == "CustomField":
                    continue
                wanted = self.package.members.get(kind, [])
                for element in root.findall(NS + holder):
                    full = f"{name}.{text_of(element, 'fullName')}"
                    if whole or full in wanted or "*" in wanted:
                        self.attempt(kind, full, path, lambda k=kind, f=full, e=element: self.one(k, f, e))
                    else:
                        self.report(kind, full, path, problem="Not in package.xml", warning=True)
            self.assigned(name, root, path)

    def assigned(self, name: str, root: ET.Element, path: str) -> None:
        """Refuse an object whose compact layout is none of its own."""
        chosen = text_of(root, "compactLayoutAssignment")
        if chosen in (None, "SYSTEM") or self.scope.holds("CompactLayout", f"{name}.{chosen}"):
            return
        words = str(missing("compactLayoutAssignment", "CompactLayout", f"{name}.{chosen}"))
        self.report("CustomObject", name, path, problem=words)

    def one(self, kind: str, name: str, element: ET.Element) -> bool:
        check_nested(self.scope, kind, name, element)
        return self.note_component(kind, name)

    def object(self, name: str, root: ET.Element) -> bool:
        old = self.org.schema.get(name)
        new = custom_object(name, root, old)
        if new is None:
            return False
        if old is None:
            new.prefix = self.org.next_prefix()
        self.org.schema.put(new, self.org.stamp())
        return old is None

    def field(self, file: FieldFile) -> bool:
        obj = self.org.schema.get(file.object)
        if obj is None:
            raise Problem(f"Entity of type '{file.object}' cannot be found")
        new = build(self.org.schema, FieldFile(obj.name, file.name, file.element))
        old = obj.get(file.name)
        if old is not None:
            new = replace(new, granted=old.granted, name=old.name)
            _check_change(old, new)
        if new.formula is not None:
            compile_formula(self.org.schema, self.org.store, obj, new)
        self.org.schema.put_field(obj.name, new, self.org.stamp())
        return old is None

    def permission_sets(self) -> None:
        for path, data in sorted(self.package.files.items()):
            folder, _, file = path.partition("/")
            if folder == "permissionsets":
                name = file.removesuffix(".permissionset")
                self.attempt("PermissionSet", name, path, lambda n=name, d=data: self.permission_set(n, d))

    def permission_set(self, name: str, data: bytes) -> bool:
        grants, label = permission_set(self.scope, name, data)
        old = next((k for k, g in self.org.grants.items() if g.name == name), None)
        self.org.grants[old or "new:" + label] = grants
        return old is None

    def others(self, kinds: Iterable[str]) -> None:
        """Check the files of these types, in this order; what package.xml does not name is passed over."""
        for kind in kinds:
            wanted = self.package.members.get(kind, [])
            for path, name, data in files_of(self.package, kind):
                if name not in wanted and "*" not in wanted:
                    self.report(kind, name, path, problem="Not in package.xml", warning=True)
                    continue
                self.attempt(kind, name, path, lambda k=kind, n=name, p=path, d=data: self.other(k, n, p, d))

    def other(self, kind: str, name: str, path: str, data: bytes) -> bool:
        check_file(self.scope, kind, name, path, data)
        return self.note_component(kind, name)

    def note_component(self, kind: str, name: str) -> bool:
        kept = self.components.setdefault(kind, [])
        if name in kept:
            return False
        kept.append(name)
        return True

    def absent(self) -> None:
        """Report what package.xml names and the zip does not hold."""
        seen = {(m["componentType"], m["fullName"]) for m in self.outcome.successes + self.outcome.failures}
        for kind, names in self.package.members.items():
            for name in names:
                if name == "*" or (kind, name) in seen:
                    continue
                words = f"An object '{name}' of type {kind} was named in package.xml, "
                words += "but was not found in zipped directory"
                self.report(kind, name, "package.xml", problem=words)

    def delete(self, members: dict[str, list[str]], file: str) -> None:
        for kind, names in members.items():
            for name in names:
                self.delete_one(kind, name, file)

    def delete_one(self, kind: str, name: str, file: str) -> None:
        gone = {"CustomField": self.delete_field, "CustomObject": self.delete_object,
                "PermissionSet": self.delete_set}.get(kind)  # fmt: skip
        found = gone(name) if gone else self.delete_other(kind, name)
        if found:
            self.report(kind, name, file, deleted=True)
        else:
            words = f"No {kind} named: {name} found"
            self.report(kind, name, file, problem=words, warning=True)

    def delete_other(self, kind: str, name: str) -> bool:
        kept = self.components.get(kind, [])
        if name in kept:
            kept.remove(name)
            return True
        return False

    def delete_field(self, name: str) -> bool:
        object_name, _, field_name = name.partition(".")
        obj = self.org.schema.get(object_name)
        if obj is None or obj.get(field_name) is None or not field_name.endswith("__c"):
            return False
        self.dropped_fields.append((obj.name, obj.fields[field_name.lower()].name))
        self.org.schema.drop_field(obj.name, field_name, self.org.stamp())
        return True

    def delete_object(self, name: str) -> bool:
        obj = self.org.schema.get(name)
        if obj is None or not obj.custom:
            return False
        for other, f in list(self.org.schema.children_of(obj.name)):
            self.org.schema.drop_field(other.name, f.name, self.org.stamp())
        self.org.schema.drop(name)
        self.dropped.append(obj.name)
        return True

    def delete_set(self, name: str) -> bool:
        key = next((k for k, g in self.org.grants.items() if g.name == name), None)
        if key is None:
            return False
        del self.org.grants[key]
        self.dropped_sets.append(key)
        return True

    def purge_set(self, key: str) -> None:
        rows = [("PermissionSet", key)] if self.org.store.find("PermissionSet", key) else []
        rows += [("PermissionSetAssignment", r["Id"]) for r in self.org.store.live("PermissionSetAssignment")
                 if r["PermissionSetId"] == key]  # fmt: skip
        for object_name, row_id in rows:
            self.org.store.remove(Change(), object_name, row_id)


def _check_change(old: Field, new: Field) -> None:
    if (old.formula is None) != (new.formula is None):
        raise Problem("You cannot change a field to or from a formula field.")
    allowed = {("string", "textarea"), ("picklist", "string"), ("double", "string"), ("date", "datetime")}
    if old.type != new.type and (old.type, new.type) not in allowed:
        raise Problem(f"Cannot change the data type of {old.name} from {old.type} to {new.type}")
    if old.reference_to != new.reference_to:
        raise Problem("Cannot update referenceTo")
