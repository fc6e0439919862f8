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
from sandbox.salesforce.formula import FormulaError, compile_formula, field_uses
from sandbox.salesforce.metadata_components import (
    AFTER_PERMISSIONS,
    BEFORE_PERMISSIONS,
    check_file,
    check_nested,
    files_of,
    strangers,
)
from sandbox.salesforce.metadata_delete import Deleter
from sandbox.salesforce.metadata_fields import FieldFile, Problem, build
from sandbox.salesforce.metadata_lwc import BUNDLE, bundle, bundles_of
from sandbox.salesforce.metadata_messages import MESSAGE, sendings, workflow_messages
from sandbox.salesforce.metadata_objects import custom_object, read_object_file
from sandbox.salesforce.metadata_permissions import permission_set
from sandbox.salesforce.metadata_rows import refresh
from sandbox.salesforce.metadata_scope import Scope, missing
from sandbox.salesforce.metadata_zip import NESTED, NS, Package, text_of
from sandbox.salesforce.org import SENDINGS, Org
from sandbox.salesforce.schema import Field
from sandbox.salesforce.validation_rules import RULE, RULES

Json = dict[str, Any]


@dataclass(slots=True)
class Outcome:
    """What became of the components of a deploy."""

    successes: list[Json] = field(default_factory=list)
    failures: list[Json] = field(default_factory=list)


def deploy(
    org: Org, package: Package, *, rollback: bool, check_only: bool, ignore_warnings: bool = False
) -> Outcome:
    """Apply a package and return the outcome per component.

    Without ``ignore_warnings`` the warning that something to delete is not there counts as an error.
    """
    before = (copy.deepcopy(org.schema), copy.deepcopy(org.grants))
    run = _Deploy(org, package, ignore_warnings=ignore_warnings)
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
    def __init__(self, org: Org, package: Package, *, ignore_warnings: bool) -> None:
        self.org, self.package, self.outcome = org, package, Outcome()
        self.components: dict[str, list[str]] = org.store.noted("components", {})
        self.details: dict[str, Any] = org.store.noted("details", {})
        self.members: list[tuple[str, ET.Element, str, bool]] = []
        self.ignore_warnings = ignore_warnings
        self.usernames = frozenset(one["Username"].lower() for one in org.store.live("User"))
        self.deleter = Deleter(org, self.components, self.details)

    def all(self) -> None:
        if float(self.package.version) > self.org.newest_version:
            words = f"Invalid version specified:{self.package.version}"
            self.report("", "package.xml", "package.xml", problem=words)
            return
        for name in ("destructiveChangesPre.xml", "destructiveChanges.xml"):
            self.delete(self.package.deletions.get(name, {}), name)
        fields = self.objects()
        for file in [f for f in fields if not f.is_formula] + [f for f in fields if f.is_formula]:
            self.attempt(
                "CustomField", file.full_name, f"objects/{file.object}.object", lambda f=file: self.field(f)
            )
        self.nested()
        self.bundles()
        self.others(BEFORE_PERMISSIONS)
        self.permission_sets()
        self.messages()
        self.others(AFTER_PERMISSIONS)
        for path, kind, words in strangers(self.package):
            self.report(kind, path, path, problem=words)
        self.absent()
        self.delete(
            self.package.deletions.get("destructiveChangesPost.xml", {}), "destructiveChangesPost.xml"
        )

    def settle(self) -> None:
        """Do what cannot be taken back: purge rows of deleted objects, write permission set rows."""
        self.deleter.settle()
        self.org.store.note("components", self.components)
        self.org.store.note("details", self.details)
        self.org.keep(SENDINGS, list(sendings(self.details)))
        rules = self.details.get(RULES, {})
        self.org.keep(RULES, [rules[name] for name in self.components.get(RULE, [])])
        for grant in list(self.org.grants.items()):
            self.keep_set(*grant)
        refresh(self.org, self.components)

    def keep_set(self, key: str, grants: Grants) -> None:
        if not key.startswith("new:"):
            return
        row_id = self.org.plant("PermissionSet", {"Name": grants.name, "Label": key.removeprefix("new:"),
                                                  "Type": "Regular"})  # fmt: skip
        self.org.grants[row_id] = self.org.grants.pop(key)

    def report(self, kind: str, name: str, file: str, *, created: bool = False, deleted: bool = False,
               problem: str | None = None, warning: bool = False, told: bool = False) -> None:  # fmt: skip
        message = {
            "changed": problem is None, "columnNumber": None, "componentType": kind, "created": created,
            "createdDate": self.org.stamp(), "deleted": deleted, "fileName": file, "fullName": name,
            "id": None,
            "knownPackagingProblem": False, "lineNumber": None, "problem": problem,
            "problemType": None if problem is None else "Warning" if warning else "Error",
            "requiresProductionTestRun": False, "success": problem is None or (warning and not told),
            "warning": warning,
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
        """Return what components may refer to now, nothing being referred to yet."""
        return Scope(self.org.schema, self.components, self.details, usernames=self.usernames)

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

    def bundles(self) -> None:
        """Apply the Lightning components, which pages may show; those not in package.xml are passed over."""
        wanted = self.package.members.get(BUNDLE, [])
        for name, files in bundles_of(self.package).items():
            path = f"lwc/{name}/{name}.js-meta.xml"
            if name in wanted or "*" in wanted:
                self.attempt(BUNDLE, name, path, lambda n=name, f=files: self.bundle(n, f))
            else:
                self.report(BUNDLE, name, path, problem="Not in package.xml", warning=True)

    def bundle(self, name: str, files: dict[str, str]) -> bool:
        scope = self.scope
        bundle(scope, name, files)
        return self.note_component(BUNDLE, name, scope.uses)

    def messages(self) -> None:
        """Apply the outbound messages of the workflow files; every object has a workflow, so none is made."""
        whole, named = self.package.members.get("Workflow", []), self.package.members.get(MESSAGE, [])
        for path, name, data in files_of(self.package, "Workflow"):
            try:
                found = workflow_messages(name, data)
            except (Problem, ET.ParseError) as error:
                self.report("Workflow", name, path, problem=str(error))
                continue
            if name in whole:
                self.report("Workflow", name, path)
            for full, one in found:
                if name in whole or full in named or "*" in (*whole, *named):
                    self.attempt(MESSAGE, full, path, lambda f=full, e=one: self.one(MESSAGE, f, e))
                else:
                    self.report(MESSAGE, full, path, problem="Not in package.xml", warning=True)

    def assigned(self, name: str, root: ET.Element, path: str) -> None:
        """Refuse an object whose compact layout is none of its own."""
        chosen = text_of(root, "compactLayoutAssignment")
        if chosen in (None, "SYSTEM") or self.scope.holds("CompactLayout", f"{name}.{chosen}"):
            return
        words = str(missing("compactLayoutAssignment", "CompactLayout", f"{name}.{chosen}"))
        self.report("CustomObject", name, path, problem=words)

    def one(self, kind: str, name: str, element: ET.Element) -> bool:
        scope = self.scope
        check_nested(scope, kind, name, element)
        return self.note_component(kind, name, scope.uses)

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
        self.note_uses("CustomField", f"{obj.name}.{new.name}", field_uses(self.org.schema, obj, new))
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
        scope = self.scope
        check_file(scope, kind, name, path, data)
        return self.note_component(kind, name, scope.uses)

    def note_uses(self, kind: str, name: str, uses: Iterable[tuple[str, str]]) -> None:
        """Keep what a component refers to: none of it can be deleted while this one stands."""
        kept = self.details.setdefault("uses", {})
        kept[f"{kind}:{name}"] = sorted(f"{one}:{full}" for one, full in uses)

    def note_component(self, kind: str, name: str, uses: Iterable[tuple[str, str]]) -> bool:
        self.note_uses(kind, name, uses)
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
        for kind, name, problem, warning in self.deleter.manifest(members):
            self.report(kind, name, file, deleted=problem is None, problem=problem, warning=warning,
                        told=not self.ignore_warnings)  # fmt: skip


def _check_change(old: Field, new: Field) -> None:
    if (old.formula is None) != (new.formula is None):
        raise Problem("You cannot change a field to or from a formula field.")
    allowed = {("string", "textarea"), ("picklist", "string"), ("double", "string"), ("date", "datetime")}
    if old.type != new.type and (old.type, new.type) not in allowed:
        raise Problem(f"Cannot change the data type of {old.name} from {old.type} to {new.type}")
    if old.reference_to != new.reference_to:
        raise Problem("Cannot update referenceTo")
