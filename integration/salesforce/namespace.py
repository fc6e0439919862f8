"""The namespace under which an org knows our package, and our names in it, both ways.

Where the package is installed, the org calls its objects ``acme__CS_Profile__c``, its fields
``acme__CS_Health__c`` (on our objects and on the customer's alike) and its relationships
``acme__CS_Plan__r``; what a charter adds is deployed beside it and has no prefix, and the customer's own
names stay as they are. In the org in which the package is developed everything of ours has the prefix.

An org is asked for its objects, which tells both cases: ``Organization.NamespacePrefix`` is set in the
developing org only, and ``PackageSubscriber`` stands in the publisher's. Objects the user has no rights to
are not listed; the package's permission sets tell that it is there. The call option
``defaultNamespace`` is not used: describe ignores it and Bulk has no word on the rows it is given. Sources:
Object Reference, "Organization", "PackageSubscriber"; REST API guide, "Call Options Header".
Neighbours: ``namespaced_port`` translates at the port's border, ``names`` builds names from these.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from integration.port import Misconfigured, Refused
from integration.salesforce.names import CUSTOM, OUR_PREFIX, RELATIONSHIP
from integration.salesforce.source_format import Part, component_of, package_files
from integration.salesforce.transport import Transport

MARK: Final = "__"
OWN_SOQL: Final = "SELECT NamespacePrefix FROM Organization LIMIT 1"
_OBJECT: Final = re.compile(r"(?:([A-Za-z][A-Za-z0-9_]{0,14})__)?(CS_[A-Za-z0-9_]+__c)")


@dataclass(frozen=True, slots=True)
class Namespace:
    """A prefix, empty where the org knows us without one; ``own`` where the org develops the package."""

    prefix: str = ""
    own: bool = False

    def object(self, name: str) -> str:
        """Return what the org calls an object of ours; any other name stays."""
        return self._told(name) if self._has_prefix("CustomObject", name, name) else name

    def field(self, object_name: str, path: str) -> str:
        """Return what the org calls a field of an object, both in our words; relationships are followed."""
        told, owner = [], object_name
        for name in path.split("."):
            field = name.removesuffix(RELATIONSHIP) + CUSTOM if name.endswith(RELATIONSHIP) else name
            packaged = self._has_prefix("CustomField", f"{owner}.{field}", field)
            told.append(self._told(name) if packaged else name)
            owner = _target(field)
        return ".".join(told)

    def channel(self, name: str) -> str:
        """Return what the org calls a channel of change events that came with the package."""
        return self._told(name) if self.prefix else name

    def ours(self, name: str) -> str:
        """Return our word for a name of the org's, or a path of names."""
        if not self.prefix:
            return name
        return ".".join(one.removeprefix(self.prefix + MARK) for one in name.split("."))

    def _told(self, name: str) -> str:
        return f"{self.prefix}{MARK}{name}"

    def _has_prefix(self, kind: str, full_name: str, name: str) -> bool:
        if not self.prefix:
            return False
        return name.startswith(OUR_PREFIX) if self.own else (kind, full_name) in _core()


NO_NAMESPACE: Final = Namespace()


def learn_namespace(transport: Transport) -> Namespace | None:
    """Return under which namespace the org shows our objects; ``None`` where it shows none yet.

    One call, one more where none is listed, one more where there is a prefix. Raises Misconfigured where
    they stand there twice.
    """
    listed = transport.request("describe", "GET", "sobjects")["sobjects"]
    prefix = prefix_among([str(one["name"]) for one in listed])
    if prefix is None:
        prefix = _prefix_of_sets(transport)
    if not prefix:
        return None if prefix is None else NO_NAMESPACE
    rows = transport.query("describe", OWN_SOQL)["records"]
    return Namespace(prefix, own=bool(rows) and rows[0].get("NamespacePrefix") == prefix)


def _prefix_of_sets(transport: Transport) -> str | None:
    """Return the prefix under which all permission sets of the package stand; ``None`` where none is seen."""
    wanted = {name for kind, name in _core() if kind == "PermissionSet"}
    names = ", ".join(f"'{name}'" for name in sorted(wanted))
    named = f"Name IN ({names}) AND NamespacePrefix != null"
    try:
        rows = transport.query("describe", f"SELECT Name, NamespacePrefix FROM PermissionSet WHERE {named}")
    except Refused:  # the user may not see set-up; then it may not install either
        return None
    seen: dict[str, set[str]] = {}
    for row in rows["records"]:
        seen.setdefault(str(row["NamespacePrefix"]), set()).add(str(row["Name"]))
    return next((prefix for prefix in sorted(seen) if wanted <= seen[prefix]), None)


def prefix_among(names: list[str]) -> str | None:
    """Return the prefix under which all our objects are among an org's, ``None`` where they are not.

    One object of such a name may be somebody else's. Raises Misconfigured where there are two.
    """
    seen: dict[str, set[str]] = {}
    for name in names:
        if found := _OBJECT.fullmatch(name):
            seen.setdefault(found[1] or "", set()).add(found[2])
    wanted = {name for kind, name in _core() if kind == "CustomObject" and name.startswith(OUR_PREFIX)}
    whole = sorted(prefix for prefix, held in seen.items() if wanted <= held)
    if len(whole) > 1:
        told = " and ".join(repr(prefix) if prefix else "no prefix" for prefix in whole)
        raise Misconfigured(f"the org holds our objects twice, under {told}: uninstall those not in use")
    return whole[0] if whole else None


def to_setting(namespace: Namespace) -> Mapping[str, str | bool]:
    """Return a namespace as an installation's settings keep it."""
    return {"prefix": namespace.prefix, "own": namespace.own}


def from_setting(held: object) -> Namespace:
    """Return the namespace an installation's settings hold, none where nothing is pinned."""
    if not isinstance(held, Mapping):
        return NO_NAMESPACE
    return Namespace(str(held.get("prefix", "")), bool(held.get("own")))


def _target(field: str) -> str:
    """Return the object a lookup leads to, by our convention: ``CS_Account__c`` to Account."""
    if ("CustomObject", field) in _core() or not field.endswith(CUSTOM):
        return field
    return field.removeprefix(OUR_PREFIX).removesuffix(CUSTOM)


@cache
def _core() -> frozenset[tuple[str, str]]:
    """Return the package's components by type and full name."""
    return frozenset(component_of(path) for path in package_files(Part.CORE))
