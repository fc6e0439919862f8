"""Lists (segments): kept as documents, their members beside them.

Source: HubSpot's Lists guide: names are unique, deleted lists can be restored for 90 days, members
are added by hand to MANUAL and SNAPSHOT lists only, DYNAMIC ones follow their filters. What the
filters mean is in ``list_filters``; ``api_lists`` serves both.
"""

from __future__ import annotations

from typing import Any, Final

from sandbox.hubspot.documents import Document, Documents
from sandbox.hubspot.errors import VendorError, invalid, not_found
from sandbox.hubspot.times import stamp, to_ms
from sandbox.server.clock import SandboxClock

DYNAMIC, MANUAL, SNAPSHOT = "DYNAMIC", "MANUAL", "SNAPSHOT"
PROCESSING: Final = (DYNAMIC, MANUAL, SNAPSHOT)
RESTORE_DAYS: Final = 90
_DAY_MS = 86_400_000


class Lists:
    """The portal's lists by id. Treat what is returned as frozen."""

    def __init__(self, documents: Documents, clock: SandboxClock) -> None:
        """Keep them in ``documents``."""
        self._documents, self._clock = documents, clock

    def live(self) -> list[Document]:
        """Return the lists that are not deleted, oldest first."""
        return [body for body in self._documents.all("list") if not body.get("deletedAt")]

    def read(self, list_id: str, *, deleted: bool = False) -> Document:
        """Return one list in that state. Raises 404."""
        found = self._documents.get("list", "", list_id)
        if found is None or bool(found.get("deletedAt")) != deleted:
            raise not_found(f"List does not exist with ID {list_id}.")
        return found

    def named(self, type_id: str, name: str) -> Document:
        """Return the list of this object type and name. Raises 404."""
        for body in self.live():
            if (body["objectTypeId"], body["name"]) == (type_id, name):
                return body
        raise not_found(f"List does not exist with name {name} and object type ID {type_id}.")

    def using(self, type_id: str, name: str) -> list[str]:
        """Return the names of the lists whose filters use a property."""
        return [
            body["name"]
            for body in self.live()
            if body["objectTypeId"] == type_id and name in _named(body.get("filterBranch"))
        ]

    def check_name(self, name: str, but: str = "") -> None:
        """Raise 400 for a name that another list than ``but`` has."""
        if any(body["name"] == name and body["listId"] != but for body in self.live()):
            raise invalid(f"A list named '{name}' already exists.", sub_category="ILS.DUPLICATE_LIST_NAMES")

    def create(self, given: dict[str, Any], type_id: str, members: list[str], user: str) -> Document:
        """Make a list with these first members. Raises 400 for a name in use."""
        self.check_name(str(given["name"]))
        now = stamp(self._clock.now_ms())
        body = {
            "listId": str(self._documents.next_number("lists_made")),
            "listVersion": 1,
            "name": str(given["name"]),
            "objectTypeId": type_id,
            "processingType": given["processingType"],
            "processingStatus": "COMPLETE",
            "filterBranch": given.get("filterBranch"),
            "createdAt": now,
            "updatedAt": now,
            "filtersUpdatedAt": now,
            "createdById": user,
            "updatedById": user,
        }
        self._documents.put("list", "", body["listId"], body)
        self.put_members(body["listId"], dict.fromkeys(members, self._clock.now_ms()))
        return body

    def change(self, body: Document, **changes: Any) -> Document:
        """Keep changes of a list as its next version."""
        now = stamp(self._clock.now_ms())
        changed = {**body, **changes, "updatedAt": now, "listVersion": body["listVersion"] + 1}
        if "filterBranch" in changes:
            changed["filtersUpdatedAt"] = now
        self._documents.put("list", "", body["listId"], changed)
        return changed

    def delete(self, body: Document) -> None:
        """Delete a list; it can be restored for 90 days."""
        self.change(body, deletedAt=stamp(self._clock.now_ms()))

    def restore(self, body: Document) -> None:
        """Bring a deleted list back. Raises 400 after 90 days or for a name in use meanwhile."""
        if self._clock.now_ms() - to_ms(body["deletedAt"]) > RESTORE_DAYS * _DAY_MS:
            raise invalid(f"List {body['listId']} was deleted more than {RESTORE_DAYS} days ago")
        self.check_name(body["name"], but=body["listId"])
        self.change(body, deletedAt=None)

    def members(self, list_id: str) -> dict[str, int]:
        """Return the members added by hand: record ids with the ms they joined."""
        found = self._documents.get("list_members", "", list_id)
        return dict(found["members"]) if found else {}

    def put_members(self, list_id: str, members: dict[str, int]) -> None:
        """Keep the members added by hand."""
        self._documents.put("list_members", "", list_id, {"members": members})


def not_by_hand(body: Document) -> VendorError:
    """Return the 400 of changing the members of a list that follows its filters."""
    return invalid(
        f"List {body['listId']} is {body['processingType']}: its members can't be changed by hand",
        sub_category="ILS.INVALID_PROCESSING_TYPE",
    )


def _named(branch: Any) -> set[str]:
    if not isinstance(branch, dict):
        return set()
    found = {str(one.get("property")) for one in branch.get("filters") or [] if isinstance(one, dict)}
    for child in branch.get("filterBranches") or []:
        found |= _named(child)
    return found
