"""Destructive changes: what a manifest takes out of the org, and what keeps a component in it.

All members of one manifest are judged by what stood before it: a component that another one still uses
is refused even where that one is named beside it, as public deploy logs show for a formula and its
fields. So what depends on one another takes several manifests. What is not there is a warning
(``No CustomField named: Account.X__c found``), which ``ignoreWarnings`` decides about. Source: Metadata
API guide, "Deleting Components from an Organization", "DeployOptions"; words of the refusal from public
deploy logs. Neighbours: ``metadata_scope`` collects what a component refers to, ``metadata_apply`` keeps
it under ``uses``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from sandbox.salesforce.metadata_messages import (
    FLOW,
    MESSAGE,
    delete_version,
    forget_messages,
    kept_version,
)
from sandbox.salesforce.org import Org
from sandbox.salesforce.store import Change

# How a refusal calls a component, where that is not its type's name spelled out.
_WORDS = {
    "CustomField": "Custom Field", "CustomObject": "Custom Object", "ListView": "List View",
    "FlexiPage": "Lightning Page", "CustomApplication": "Custom App", "CustomTab": "Tab", "Layout": "Layout",
    "ReportType": "Custom Report Type", "QuickAction": "Action", "PathAssistant": "Path",
    "CompactLayout": "Compact Layout", "PermissionSet": "Permission Set",
    MESSAGE: "Outbound Message", "ValidationRule": "Validation Rule",
    "LightningComponentBundle": "Lightning Web Component",
}  # fmt: skip


class Deleter:
    """The deletions of one deploy; ``settle`` does what cannot be taken back."""

    def __init__(self, org: Org, components: dict[str, list[str]], details: dict[str, Any]) -> None:
        """Delete from ``org`` and from the components and details that one deploy works on."""
        self._org, self._components, self._details = org, components, details
        self._objects: list[str] = []
        self._fields: list[tuple[str, str]] = []
        self._sets: list[str] = []

    def manifest(self, members: dict[str, list[str]]) -> Iterator[tuple[str, str, str | None, bool]]:
        """Delete what a manifest names; yield type, name, the refusal, and whether it is a warning."""
        before = {user: list(named) for user, named in self._details.get("uses", {}).items()}
        for kind, names in members.items():
            for name in names:
                held_by = self._held_by(kind, name, before)
                at_work = kept_version(self._details, name) if kind == FLOW else None
                if at_work is not None:
                    yield kind, name, at_work, False
                elif held_by is not None:
                    what = _WORDS.get(kind, kind).lower()
                    words = f"This {what} is referenced elsewhere in salesforce.com. : {held_by}."
                    yield kind, name, words, False
                elif self._gone(kind, name):
                    yield kind, name, None, False
                else:
                    yield kind, name, f"No {kind} named: {name} found", True

    def settle(self) -> None:
        """Purge the rows of deleted objects, the values of deleted fields, and deleted permission sets."""
        for name in self._objects:
            self._org.store.drop_object(name)
        for object_name, field_name in self._fields:
            self._org.store.drop_field(object_name, field_name)
        for key in self._sets:
            self._purge_set(key)

    def _held_by(self, kind: str, name: str, uses: dict[str, list[str]]) -> str | None:
        if kind == "PermissionSet":
            key = self._set(name)
            assigned = self._org.store.live("PermissionSetAssignment")
            return "Permission Set Assignment" if any(r["PermissionSetId"] == key for r in assigned) else None
        if kind in ("Report", "Dashboard") and "/" not in name:
            inside = [one for one in self._components.get(kind, []) if one.startswith(f"{name}/")]
            return f"{kind} - {inside[0]}" if inside else None
        whole = kind == "CustomObject"
        for user, named in sorted(uses.items()):
            held = any(one == f"{kind}:{name}" or (whole and _inside(one, name)) for one in named)
            if held and not (whole and _inside(user, name)):
                return self._called(user)
        return None

    def _called(self, user: str) -> str:
        kind, _, name = user.partition(":")
        obj = self._org.schema.get(name.partition(".")[0])
        found = obj.get(name.partition(".")[2]) if obj and kind == "CustomField" else None
        words = "Custom Formula Field" if found and found.formula is not None else _WORDS.get(kind, kind)
        return f"{words} - {name}"

    def _gone(self, kind: str, name: str) -> bool:
        ways: dict[str, Callable[[str], bool]] = {
            "CustomField": self._delete_field,
            "CustomObject": self._delete_object,
            "PermissionSet": self._delete_set,
            FLOW: self._delete_flow,
        }
        found = ways[kind](name) if kind in ways else self._forget(kind, name)
        self._details.get("uses", {}).pop(f"{kind}:{name}", None)
        return found

    def _forget(self, kind: str, name: str) -> bool:
        kept = self._components.get(kind, [])
        if name not in kept:
            return False
        kept.remove(name)
        if kind == MESSAGE:
            forget_messages(self._details, name)
        if kind == "Dashboard" and name in self._details.get("dynamic", []):
            self._details["dynamic"].remove(name)
        if kind == "PlatformEventChannelMember":
            entity = self._details.get("members", {}).pop(name, None)
            if entity in self._details.get("entities", []):
                self._details["entities"].remove(entity)
        return True

    def _delete_flow(self, member: str) -> bool:
        name, found = delete_version(self._details, member)
        kept = self._components.get(FLOW, [])
        if found and name not in self._details["flows"] and name in kept:
            kept.remove(name)
            self._details.get("uses", {}).pop(f"{FLOW}:{name}", None)
        return found

    def _delete_field(self, name: str) -> bool:
        object_name, _, field_name = name.partition(".")
        obj = self._org.schema.get(object_name)
        if obj is None or obj.get(field_name) is None or not field_name.endswith("__c"):
            return False
        self._fields.append((obj.name, obj.fields[field_name.lower()].name))
        self._org.schema.drop_field(obj.name, field_name, self._org.stamp())
        for grants in self._org.grants.values():
            grants.fields.pop(f"{obj.name}.{field_name}".lower(), None)
        return True

    def _delete_object(self, name: str) -> bool:
        obj = self._org.schema.get(name)
        if obj is None or not obj.custom:
            return False
        for field in list(obj.fields.values()):
            if field.custom:
                self._delete_field(f"{obj.name}.{field.name}")
        self._org.schema.drop(name)
        self._objects.append(obj.name)
        for grants in self._org.grants.values():
            grants.objects.pop(obj.name.lower(), None)
        for kind, kept in self._components.items():
            kept[:] = [one for one in kept if not _inside(f"{kind}:{one}", obj.name)]
        forget_messages(self._details, obj.name)
        uses = self._details.get("uses", {})
        for user in [user for user in uses if _inside(user, obj.name)]:
            del uses[user]
        return True

    def _set(self, name: str) -> str | None:
        return next((key for key, grants in self._org.grants.items() if grants.name == name), None)

    def _delete_set(self, name: str) -> bool:
        key = self._set(name)
        if key is None:
            return False
        del self._org.grants[key]
        self._sets.append(key)
        return True

    def _purge_set(self, key: str) -> None:
        if self._org.store.find("PermissionSet", key):
            self._org.store.remove(Change(), "PermissionSet", key)


def _inside(user: str, object_name: str) -> bool:
    """Return whether a component (``Type:name``) belongs to an object and goes with it."""
    kind, _, name = user.partition(":")
    if kind == "CustomTab":
        return name == object_name
    return name.startswith((f"{object_name}.", f"{object_name}-"))
