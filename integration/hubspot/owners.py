"""The owners of a portal: live and archived ones, by the owners endpoint.

Page "Owners": read only, ``limit``, ``after`` and ``archived``; either the live or the archived are
answered, so both are asked for. The page states 100 as usual and no cap. Records are given to an owner's
``id``, never to its ``userId``. Neighbours: ``port``, ``integration.owners`` has the question.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode

from integration.hubspot.portal import Portal
from integration.owners import OWNERS, Owner
from integration.port import Unavailable

PAGE_ROWS: Final = 100


def read_owners(portal: Portal) -> list[Owner]:
    """Return every owner of the portal; one who is archived between two pages is archived."""
    found = {one.id: one for archived in (False, True) for one in _listed(portal, archived=archived)}
    return sorted(found.values(), key=lambda one: one.id)


def _listed(portal: Portal, *, archived: bool) -> Iterator[Owner]:
    after: str | None = None
    while True:
        asked = {"limit": str(PAGE_ROWS), "archived": str(archived).lower()}
        query = urlencode(asked if after is None else {**asked, "after": after})
        answer = portal.transport.call(f"read {OWNERS}", "GET", f"{portal.paths.owners}?{query}").body
        yield from (_owner(row, archived) for row in answer.get("results", []))
        following = answer.get("paging", {}).get("next", {}).get("after")
        if following is None:
            return
        if str(following) == after:
            raise Unavailable("the list of owners did not go forward")
        after = str(following)


def _owner(row: dict[str, Any], archived: bool) -> Owner:
    return Owner(
        id=str(row["id"]),
        email=row.get("email") or "",
        first_name=row.get("firstName") or "",
        last_name=row.get("lastName") or "",
        archived=bool(row.get("archived", archived)),
        created_at=_instant(row["createdAt"]),
        changed_at=_instant(row["updatedAt"]),
        user_id=str(row.get("userId") or row.get("userIdIncludingInactive") or ""),
    )


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
