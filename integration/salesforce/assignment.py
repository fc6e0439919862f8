"""Giving permission sets to the integration user, and taking them from everybody before they go.

Source: Object Reference, "PermissionSetAssignment". Neighbours: ``installer``, ``removal``.
"""

from __future__ import annotations

from collections.abc import Sequence

from integration.port import Refused
from integration.salesforce.composite import Part, query_part, send_parts
from integration.salesforce.errors import call_error, row_error
from integration.salesforce.limits import COLLECTION_ROWS, COMPOSITE_COLLECTIONS
from integration.salesforce.transport import Transport


def assign(transport: Transport, reason: str, names: Sequence[str]) -> None:
    """Give permission sets to the user we run as, in one call; having one already is no error.

    A name may carry a namespace (``cs__CS_Integration``). Raises Refused where the user may not assign.
    """
    parts: list[Part] = []
    for place, name in enumerate(names):
        parts.append(query_part(f"SELECT Id FROM PermissionSet WHERE {set_named(name)}"))
        chosen = f"@{{p{2 * place}.records[0].Id}}"
        body = {"AssigneeId": transport.grant.user_id, "PermissionSetId": chosen}
        parts.append(Part("POST", "sobjects/PermissionSetAssignment", body))
    for answer in send_parts(transport, reason, parts) if parts else ():
        if answer.failure and answer.failure.code != "DUPLICATE_VALUE":
            raise call_error(answer.failure)


def unassign(transport: Transport, reason: str, names: Sequence[str]) -> None:
    """Take permission sets from everybody who has them. Raises Refused where the user may not."""
    quoted = ", ".join(f"'{name}'" for name in names)
    soql = f"SELECT Id FROM PermissionSetAssignment WHERE PermissionSet.Name IN ({quoted})"
    most = COLLECTION_ROWS * COMPOSITE_COLLECTIONS
    while True:
        found = transport.request(reason, "GET", "query", params={"q": f"{soql} LIMIT {most}"})
        ids = [str(row["Id"]) for row in found["records"]]
        if not ids:
            return
        for start in range(0, len(ids), COLLECTION_ROWS):
            batch = ",".join(ids[start : start + COLLECTION_ROWS])
            wanted = {"ids": batch, "allOrNone": "true"}
            for row in transport.request(reason, "DELETE", "composite/sobjects", params=wanted):
                if not row["success"]:
                    error = row["errors"][0]
                    raise Refused(row_error(error["statusCode"], error["message"]))


def set_named(name: str) -> str:
    """Return the SOQL condition that holds for one permission set, by its name with or without namespace."""
    prefix, parted, own = name.rpartition("__")
    if not parted:
        return f"Name = '{name}'"
    return f"Name = '{own}' AND NamespacePrefix = '{prefix}'"
