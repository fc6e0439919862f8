"""The list endpoint: a hundred records a call with their links in the answer, straight from the store.

First loads read by it: unlike search it lags behind nothing, has no window of 10,000 rows and is
not held to five calls a second. ``after`` is HubSpot's own paging cursor and is handed back as it
came. Neighbours: ``read`` makes pages of it, ``associate`` reads links an answer cut short.

Pages: "CRM API | Objects" (100 rows a page, ``associations`` by object), "Error handling" (414).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from integration.hubspot.associate import read_links
from integration.hubspot.connector import LIST_PAGE_ROWS, LIST_URI_CHARS, MERGED_IDS, SINGULAR_NAMES
from integration.hubspot.portal import Portal
from integration.port import Link, ReadQuery, Unavailable

Row = dict[str, Any]

CHILD_TO_PARENT: Final = "child_to_parent_company"
UNLABELED: Final = "_unlabeled"
"""How HubSpot names the plain link beside a labelled one, ``deal_to_company_unlabeled``."""


@dataclass(frozen=True, slots=True)
class ListPage:
    """Rows as HubSpot gave them, the cursor of the next page, and whether they carry the fields asked."""

    rows: list[Row]
    after: str | None
    complete: bool


def list_page(portal: Portal, query: ReadQuery, after: str | None) -> ListPage:
    """Return the page of live records at ``after``; fields for which the address has no room are left out."""
    path = portal.objects_path(query.object)
    uri = _uri(path, (*query.fields, MERGED_IDS), _ends(portal, query.link_to), after)
    complete = len(uri) <= LIST_URI_CHARS
    if not complete:
        uri = _uri(path, ("hs_object_id",), _ends(portal, query.link_to), after)
    answer = portal.transport.call(f"read {query.object}", "GET", uri).body
    following = answer.get("paging", {}).get("next", {}).get("after")
    if following is not None and str(following) == after:
        raise Unavailable("the list did not go forward")
    return ListPage(answer.get("results", []), None if following is None else str(following), complete)


def listed_links(
    portal: Portal, source: str, targets: Sequence[str], rows: Sequence[Row]
) -> dict[str, tuple[Link, ...]]:
    """Return each row's links in the order of ``targets``, the primary one of a target first.

    Where a row's links did not fit into the answer they are read whole, for all such rows at once.
    """
    found: dict[str, tuple[Link, ...]] = {str(row["id"]): () for row in rows}
    linked = [row for row in rows if row.get("associations")]
    for target in targets:
        names = {target, target.replace("_", " "), portal.names.in_path(target)}
        parts = {str(row["id"]): _part(row, names) for row in linked}
        cut_short = [record_id for record_id, part in parts.items() if part.get("paging", {}).get("next")]
        whole = read_links(portal, source, target, cut_short) if cut_short else {}
        for record_id, part in parts.items():
            inline = _links(source, target, part.get("results", []))
            found[record_id] += whole.get(record_id, inline)
    return found


def _uri(path: str, fields: Iterable[str], ends: str, after: str | None) -> str:
    query = {"limit": str(LIST_PAGE_ROWS), "properties": ",".join(fields), "associations": ends}
    given = {name: value for name, value in (query | {"after": after or ""}).items() if value}
    return f"{path}?{urlencode(given, safe=',')}"


def _ends(portal: Portal, targets: Iterable[str]) -> str:
    return ",".join(portal.names.in_path(target) for target in targets)


def _part(row: Mapping[str, Any], names: Collection[str]) -> Mapping[str, Any]:
    """Return the links to a target in a row: HubSpot keys them by plural name, with a space for ``_``."""
    parts: Mapping[str, Any] = row["associations"]
    return next((part for name, part in parts.items() if name.lower() in names), {})


def _links(source: str, target: str, ties: Iterable[Mapping[str, Any]]) -> tuple[Link, ...]:
    """Return links without repeats; from companies to companies only the parent company is one."""
    labelled: dict[str, bool] = {}
    for tie in ties:
        kind, record_id = str(tie.get("type", "")), str(tie["id"])
        if source == target == "companies" and kind != CHILD_TO_PARENT:
            continue
        plain = kind.endswith(UNLABELED)
        labelled[record_id] = labelled.get(record_id, False) or (not plain and _is_primary(kind, source))
    return tuple(Link(target, one) for one in sorted(labelled, key=lambda one: not labelled[one]))


def _is_primary(kind: str, source: str) -> bool:
    """Say whether a link's type is HubSpot's own: a customer's label has no ``_to_`` of the two objects."""
    return kind.startswith(f"{SINGULAR_NAMES.get(source, source)}_to_")
