"""Dynamic lists (HubSpot's segments): our conditions as its filters, and finding, making, changing them.

Pages "Lists" and "List filters overview": an OR of ANDs; names are unique in the portal; days may
be counted from today, in a zone the filter names. The bodies are plain JSON: the SDK knows each
filter as a class of its own and adds nothing to it. Neighbours: ``survey`` reads through this,
``schema`` makes through it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from integration.hubspot.errors import RefusedCall
from integration.hubspot.portal import Portal
from integration.install_specs import Comparison, Condition, ListSpec, StandingList

Body = dict[str, Any]
NAMES_A_PAGE: Final = 500
"""Page "Lists": a search answers at most so many."""

DUPLICATE_NAME: Final = "ILS.DUPLICATE_LIST_NAMES"


def filter_branch(spec: ListSpec) -> Body:
    """Return the filters of a list as HubSpot takes them."""
    groups = [
        {"filterBranchType": "AND", "filterBranches": [], "filters": [_filter(one) for one in group]}
        for group in spec.any_of
    ]
    return {"filterBranchType": "OR", "filters": [], "filterBranches": groups}


def _filter(condition: Condition) -> Body:
    return {"filterType": "PROPERTY", "property": condition.field, "operation": _operation(condition)}


def _operation(condition: Condition) -> Body:
    if condition.comparison is Comparison.ANY_OF:
        asked: Body = {"operationType": "ENUMERATION", "operator": "IS_ANY_OF", "values": [*condition.values]}
    elif condition.comparison is Comparison.AT_LEAST:
        asked = {
            "operationType": "NUMBER",
            "operator": "IS_GREATER_THAN_OR_EQUAL_TO",
            "value": condition.number,
        }
    else:
        asked = {
            "operationType": "TIME_RANGED",
            "type": "TIME_RANGED",
            "operator": "IS_BETWEEN",
            "lowerBoundEndpointBehavior": "INCLUSIVE",
            "upperBoundEndpointBehavior": "INCLUSIVE",
            "lowerBoundTimePoint": _days_from_today(0, condition.time_zone),
            "upperBoundTimePoint": _days_from_today(condition.number, condition.time_zone),
        }
    return {**asked, "includeObjectsWithNoValueSet": False}


def _days_from_today(days: int, zone: str) -> Body:
    return {
        "timeType": "INDEXED",
        "timezoneSource": "CUSTOM",
        "zoneId": zone,
        "indexReference": {"referenceType": "TODAY"},
        "offset": {"days": days},
    }


def standing_lists(
    portal: Portal, wanted: Sequence[ListSpec], known: Mapping[str, str], reason: str
) -> dict[str, StandingList]:
    """Return the lists that stand, by the name wanted; ``known`` are ids of ours by that name.

    One call a page of the portal's lists named like ours, and one for their filters where any is
    there. A list of ours that was renamed is found by its id.
    """
    specs = {spec.name: spec for spec in wanted}
    by_id = {list_id: name for name, list_id in known.items()}
    first_words = {name.split()[0] for name in specs}
    held = find_lists(portal, first_words.pop() if len(first_words) == 1 else "", reason)
    named = {str(one["listId"]) for one in held if one["name"] in specs}
    asked = sorted(named | by_id.keys())
    if not asked:
        return {}
    query = "&".join(f"listIds={one}" for one in asked)
    answer = portal.transport.call(reason, "GET", f"{portal.paths.lists}?includeFilters=true&{query}").body
    found: dict[str, StandingList] = {}
    for one in answer.get("lists", []):
        list_id = str(one["listId"])
        name = by_id.get(list_id, str(one["name"]))
        if name in specs and (list_id in by_id or name not in found):
            fits = covers(filter_branch(specs[name]), one.get("filterBranch"))
            found[name] = StandingList(str(one["name"]), list_id, fits)
    return found


def find_lists(portal: Portal, query: str, reason: str) -> Iterable[Body]:
    """Yield the lists whose names hold ``query``, as HubSpot gives them; one call a page."""
    offset, more = 0, True
    while more:
        body = {"query": query, "count": NAMES_A_PAGE, "offset": offset}
        answer = portal.transport.call(reason, "POST", f"{portal.paths.lists}/search", body).body
        yield from answer.get("lists", [])
        offset, more = int(answer.get("offset", 0)), bool(answer.get("hasMore"))


def covers(ours: Any, held: Any) -> bool:
    """Return whether filters as HubSpot gives them are ours; it adds settings nobody asked for."""
    if isinstance(ours, dict):
        return isinstance(held, dict) and all(covers(value, held.get(key)) for key, value in ours.items())
    if isinstance(ours, list):
        return (
            isinstance(held, list)
            and len(ours) == len(held)
            and all(covers(one, other) for one, other in zip(ours, held, strict=True))
        )
    return bool(ours == held)


def create_list(portal: Portal, spec: ListSpec, reason: str) -> str:
    """Make a list and return its id. Raises RefusedCall."""
    body = {
        "name": spec.name,
        "objectTypeId": portal.names.type_id(spec.object),
        "processingType": "DYNAMIC",
        "filterBranch": filter_branch(spec),
    }
    answer = portal.transport.call(reason, "POST", portal.paths.lists, body, repeatable=False).body
    return str(answer["list"]["listId"])


def change_list(portal: Portal, spec: ListSpec, list_id: str, reason: str) -> None:
    """Give a list our filters; doing it twice changes nothing. Raises RefusedCall."""
    path = f"{portal.paths.lists}/{list_id}/update-list-filters"
    portal.transport.call(reason, "PUT", path, {"filterBranch": filter_branch(spec)})


def is_name_taken(refusal: RefusedCall) -> bool:
    """Return whether a list was refused because another one has its name."""
    return refusal.problem.code == DUPLICATE_NAME
