"""What stands of our package in an org, as far as its REST API tells: read in two calls.

Seen are list views, tabs, the app, reports, dashboards, and our permission sets with their rights and who
of them is given to us; objects and fields are described elsewhere. Not seen are page layouts, record pages,
compact layouts, actions, paths, report types, folders and channels: only the Tooling API shows those.
Sources: Object Reference, "ListView", "TabDefinition", "AppDefinition", "Report", "Dashboard",
"PermissionSet". Neighbours: ``installer`` compares, ``rights`` reads the rows of rights.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from integration.salesforce.composite import PartAnswer, query_part, send_parts
from integration.salesforce.errors import call_error
from integration.salesforce.rights import OBJECT_RIGHTS, Rights, field_rights, object_rights
from integration.salesforce.transport import Transport

REASON: Final = "install"
SEEN: Final = frozenset(
    {"ListView", "CustomTab", "CustomApplication", "Report", "Dashboard", "PermissionSet"}
)
"""The metadata types, beside objects and fields, of which the org tells what stands."""
_OURS: Final = "LIKE 'CS\\_%'"
_EDITION: Final = "SELECT OrganizationType FROM Organization LIMIT 1"
FIELD_RIGHTS: Final = "SELECT Parent.Name, Field, PermissionsRead, PermissionsEdit FROM FieldPermissions"
OBJECT_ROWS: Final = (
    f"SELECT Parent.Name, SobjectType, {', '.join(OBJECT_RIGHTS.values())} FROM ObjectPermissions"
)
_ASSIGNED: Final = "SELECT PermissionSet.Name, PermissionSet.NamespacePrefix FROM PermissionSetAssignment"
_NAMED: Final[Mapping[str, str]] = {
    "ListView": f"SELECT SobjectType, DeveloperName FROM ListView WHERE DeveloperName {_OURS}",
    "CustomTab": "SELECT Name FROM TabDefinition",
    "CustomApplication": "SELECT DeveloperName FROM AppDefinition",
    "Report": f"SELECT DeveloperName FROM Report WHERE DeveloperName {_OURS}",
    "Dashboard": "SELECT DeveloperName, Type FROM Dashboard",
}
_HIDDEN: Final = frozenset({"INVALID_TYPE", "INSUFFICIENT_ACCESS", "INVALID_FIELD"})


@dataclass(frozen=True, slots=True)
class StandingPackage:
    """What of it stands: names by metadata type, rights and holders by permission set.

    ``names`` of list views are Object.View; of reports and dashboards without their folder. ``hidden`` are
    the types the user may not see. ``dynamic`` are the dashboards that run as their reader, whoever made
    them. ``edition`` is the org's own word.
    """

    edition: str
    names: Mapping[str, frozenset[str]]
    rights: Mapping[str, Rights]
    given: frozenset[str]
    dynamic: frozenset[str] = frozenset()
    hidden: frozenset[str] = field(default_factory=frozenset)

    def holds(self, kind: str, name: str) -> bool:
        """Return whether a component of a seen type stands."""
        own = name.rpartition("/")[2] if kind in ("Report", "Dashboard") else name
        return own in self.names.get(kind, frozenset())


def read_standing(transport: Transport, sets: Collection[str]) -> StandingPackage:
    """Return what stands; ``sets`` are the names of our permission sets. Two calls."""
    quoted = ", ".join(f"'{name}'" for name in sorted(sets))
    seen = send_parts(transport, REASON, [query_part(soql) for soql in _NAMED.values()])
    of_sets = [
        f"SELECT Name FROM PermissionSet WHERE Name IN ({quoted})",
        f"{FIELD_RIGHTS} WHERE Parent.Name IN ({quoted})",
        f"{OBJECT_ROWS} WHERE Parent.Name IN ({quoted})",
        f"{_ASSIGNED} WHERE AssigneeId = '{transport.grant.user_id}'",
        _EDITION,
    ]
    about_sets = send_parts(transport, REASON, list(map(query_part, of_sets)))
    held, fields, objects, given, edition = (list(_rows(answer)) for answer in about_sets)
    answers = dict(zip(_NAMED, seen, strict=True))
    rows = {kind: list(_rows(answer)) for kind, answer in answers.items()}
    names = {kind: frozenset(_name(kind, row) for row in found) for kind, found in rows.items()}
    sets_held = frozenset(str(row["Name"]) for row in held)
    return StandingPackage(
        edition=str(edition[0]["OrganizationType"]) if edition else "",
        names={**names, "PermissionSet": sets_held},
        rights={name: rights_of(name, fields, objects) for name in sets_held},
        given=frozenset(_full_name(row["PermissionSet"]) for row in given),
        dynamic=frozenset(
            str(row["DeveloperName"]) for row in rows["Dashboard"] if row["Type"] == "LoggedInUser"
        ),
        hidden=frozenset(
            kind
            for kind, answer in {**answers, "PermissionSet": about_sets[0]}.items()
            if answer.failure is not None
        ),
    )


def _rows(answer: PartAnswer) -> Iterator[Mapping[str, Any]]:
    """Yield a query's rows; none of what the user may not see, as before an install."""
    if answer.failure is not None:
        if answer.failure.code not in _HIDDEN:
            raise call_error(answer.failure)
        return
    yield from answer.body["records"]


def _name(kind: str, row: Mapping[str, Any]) -> str:
    if kind == "ListView":
        return f"{row['SobjectType']}.{row['DeveloperName']}"
    return str(row["Name"] if kind == "CustomTab" else row["DeveloperName"])


def _full_name(row: Mapping[str, Any]) -> str:
    prefix = row.get("NamespacePrefix")
    return f"{prefix}__{row['Name']}" if prefix else str(row["Name"])


def rights_of(name: str, fields: Sequence[Mapping[str, Any]], objects: Sequence[Mapping[str, Any]]) -> Rights:
    """Return the rights of one permission set in rows of FieldPermissions and ObjectPermissions."""
    return Rights(
        {row["SobjectType"]: object_rights(row) for row in objects if row["Parent"]["Name"] == name},
        {row["Field"]: field_rights(row) for row in fields if row["Parent"]["Name"] == name},
    )
