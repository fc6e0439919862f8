"""What the filters of lists mean: which companies are members, by hand calculation.

Source: HubSpot's list filters overview. That a rolling range holds the whole day X days away is chosen.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

OBJECTS = "/crm/objects/2026-09/companies"
LISTS = "/crm/lists/2026-09"
NOW = "2026-05-10T12:00:00Z"
PROPERTIES = {
    "score": {"type": "number", "fieldType": "number"},
    "band": {"type": "enumeration", "fieldType": "select"},
    "risks": {"type": "enumeration", "fieldType": "checkbox"},
    "late": {"type": "bool", "fieldType": "booleancheckbox"},
    "renews": {"type": "date", "fieldType": "date"},
    "seen": {"type": "datetime", "fieldType": "date"},
}
OPTIONS = {"band": ("red", "green"), "risks": ("usage", "price", "sponsor"), "late": ("true", "false")}
COMPANIES = {
    "Ada": {
        "score": "39.9",
        "band": "red",
        "risks": "usage;price",
        "late": "true",
        "renews": "2026-05-10",
        "seen": "2026-05-10T11:00:00Z",
    },
    "Ben": {
        "score": "40",
        "band": "green",
        "risks": "price",
        "late": "false",
        "renews": "2026-08-08",
        "seen": "2026-05-03T12:00:00Z",
    },
    "Cleo": {"score": "95", "band": "green", "renews": "2026-08-09", "seen": "2026-05-10T13:00:00Z"},
    "Dora": {"renews": "2026-05-09"},
}


@pytest.fixture(scope="module")
def portal(hubspot: Any) -> Iterator[Any]:
    """Give a portal whose clock stands still, with four companies."""
    hubspot.control("POST", "/clock", {"now": NOW, "running": False})
    for name, shape in PROPERTIES.items():
        options = [{"label": value, "value": value} for value in OPTIONS.get(name, ())]
        body = {"name": name, "label": name, "groupName": "companyinformation", "options": options, **shape}
        made = hubspot.call("POST", "/crm/properties/2026-09/companies", body)
        assert made.status_code == 201, made.text
    for name, values in COMPANIES.items():
        made = hubspot.call("POST", OBJECTS, {"properties": {"name": name, **values}})
        assert made.status_code == 201, made.text
    yield hubspot
    hubspot.control("POST", "/clock", {"running": True})


def members(portal: Any, *groups: list[dict[str, Any]]) -> str:
    """Return the first letters of the members of a list with these groups of filters."""
    below = [{"filterBranchType": "AND", "filters": filters, "filterBranches": []} for filters in groups]
    branch = {"filterBranchType": "OR", "filters": [], "filterBranches": below}
    body = {"name": "Asked", "objectTypeId": "0-2", "processingType": "DYNAMIC", "filterBranch": branch}
    answer = portal.call("POST", LISTS, body)
    assert answer.status_code == 200, answer.text
    made = answer.json()["list"]
    rows = portal.call("GET", f"{LISTS}/{made['listId']}/memberships").json()["results"]
    assert made["size"] == len(rows)
    portal.call("DELETE", f"{LISTS}/{made['listId']}")
    names = {row["id"]: row["properties"]["name"] for row in portal.call("GET", OBJECTS).json()["results"]}
    return "".join(sorted(names[row["recordId"]][0] for row in rows))


def leaf(name: str, kind: str, operator: str, *, unset: bool = False, **parts: Any) -> dict[str, Any]:
    """Return a property filter; ``unset`` lets companies without a value pass."""
    operation = {"operationType": kind, "operator": operator, "includeObjectsWithNoValueSet": unset, **parts}
    return {"filterType": "PROPERTY", "property": name, "operation": operation}


def today(days: int = 0, kind: str = "TODAY", zone: str = "UTC") -> dict[str, Any]:
    """Return a point in time that moves with the clock."""
    offset = {"days": days}
    return {
        "timeType": "INDEXED",
        "indexReference": {"referenceType": kind},
        "offset": offset,
        "zoneId": zone,
    }


def on(day: int, month: int) -> dict[str, Any]:
    """Return the beginning of a day of 2026."""
    return {"timeType": "DATE", "year": 2026, "month": month, "day": day, "zoneId": "UTC"}


WITHIN_90 = {"lowerBoundTimePoint": today(), "upperBoundTimePoint": today(90)}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (leaf("score", "NUMBER", "IS_LESS_THAN", value=40), "A"),
        (leaf("score", "NUMBER", "IS_LESS_THAN", value=40, unset=True), "AD"),
        (leaf("score", "NUMBER", "IS_LESS_THAN_OR_EQUAL_TO", value=40), "AB"),
        (leaf("score", "NUMBER", "IS_GREATER_THAN", value=40), "C"),
        (leaf("score", "NUMBER", "IS_GREATER_THAN_OR_EQUAL_TO", value=40), "BC"),
        (leaf("score", "NUMBER", "IS_EQUAL_TO", value=40.0), "B"),
        (leaf("score", "NUMBER", "IS_NOT_EQUAL_TO", value=40), "AC"),
        (leaf("score", "RANGED_NUMBER", "IS_BETWEEN", lowerBound=40, upperBound=95), "BC"),
        (leaf("band", "ENUMERATION", "IS_ANY_OF", values=["red"]), "A"),
        (leaf("band", "ENUMERATION", "IS_NONE_OF", values=["red"]), "BC"),
        (leaf("band", "ENUMERATION", "IS_NONE_OF", values=["red"], unset=True), "BCD"),
        (leaf("risks", "ENUMERATION", "IS_ANY_OF", values=["usage", "sponsor"]), "A"),
        (leaf("risks", "ENUMERATION", "CONTAINS_ALL", values=["usage", "price"]), "A"),
        (leaf("risks", "ENUMERATION", "DOES_NOT_CONTAIN_ALL", values=["usage", "price"]), "B"),
        (leaf("risks", "ENUMERATION", "IS_EXACTLY", values=["price"]), "B"),
        (leaf("risks", "ENUMERATION", "IS_NOT_EXACTLY", values=["price"]), "A"),
        (leaf("name", "MULTISTRING", "IS_EQUAL_TO", values=["ada", "Ben"]), "AB"),
        (leaf("name", "MULTISTRING", "DOES_NOT_CONTAIN", values=["a"]), "BC"),
        (leaf("name", "STRING", "STARTS_WITH", value="c"), "C"),
        (leaf("name", "STRING", "ENDS_WITH", value="A"), "AD"),
        (leaf("late", "BOOL", "IS_EQUAL_TO", value=True), "A"),
        (leaf("late", "BOOL", "IS_NOT_EQUAL_TO", value=True), "B"),
        (leaf("late", "ALL_PROPERTY", "IS_KNOWN"), "AB"),
        (leaf("late", "ALL_PROPERTY", "IS_UNKNOWN"), "CD"),
        (leaf("renews", "TIME_RANGED", "IS_BETWEEN", **WITHIN_90), "AB"),
        (leaf("renews", "TIME_RANGED", "IS_NOT_BETWEEN", **WITHIN_90), "CD"),
        (
            leaf("renews", "TIME_RANGED", "IS_BETWEEN", lowerBoundEndpointBehavior="EXCLUSIVE", **WITHIN_90),
            "B",
        ),
        (leaf("renews", "TIME_POINT", "IS_BEFORE", timePoint=today()), "D"),
        (leaf("renews", "TIME_POINT", "IS_BEFORE", timePoint=today(), endpointBehavior="INCLUSIVE"), "AD"),
        (leaf("renews", "TIME_POINT", "IS_AFTER", timePoint=on(8, 8)), "C"),
        (leaf("renews", "ROLLING_DATE_RANGE", "IS_LESS_THAN_X_DAYS_FROM_NOW", numberOfDays=90), "AB"),
        (leaf("renews", "ROLLING_DATE_RANGE", "IS_MORE_THAN_X_DAYS_FROM_NOW", numberOfDays=90), "C"),
        (leaf("seen", "ROLLING_DATE_RANGE", "IS_LESS_THAN_X_DAYS_AGO", numberOfDays=6), "A"),
        (leaf("seen", "ROLLING_DATE_RANGE", "IS_LESS_THAN_X_DAYS_AGO", numberOfDays=7), "AB"),
        (leaf("seen", "ROLLING_DATE_RANGE", "IS_MORE_THAN_X_DAYS_AGO", numberOfDays=6), "B"),
        (leaf("seen", "ROLLING_DATE_RANGE", "IS_MORE_THAN_X_DAYS_AGO", numberOfDays=7), ""),
        (leaf("seen", "TIME_POINT", "IS_AFTER", timePoint=today(kind="NOW")), "C"),
        (leaf("seen", "TIME_POINT", "IS_AFTER", timePoint=today(kind="MONTH")), "ABC"),
        (leaf("seen", "TIME_POINT", "IS_AFTER", timePoint=today(1, zone="Asia/Tokyo")), ""),
    ],
)
def test_a_filter_lets_the_right_companies_pass(portal: Any, given: dict[str, Any], expected: str) -> None:
    """Today is 10 May 2026; 90 days later is 8 August."""
    assert members(portal, [given]) == expected


def test_filters_of_a_group_are_anded_and_groups_ored(portal: Any) -> None:
    """Green and due soon, or red."""
    green = leaf("band", "ENUMERATION", "IS_ANY_OF", values=["green"])
    soon = leaf("renews", "TIME_RANGED", "IS_BETWEEN", **WITHIN_90)
    red = leaf("band", "ENUMERATION", "IS_ANY_OF", values=["red"])
    assert members(portal, [green, soon]) == "B"
    assert members(portal, [green, soon], [red]) == "AB"


def test_a_snapshot_keeps_who_was_there(portal: Any) -> None:
    """A dynamic list follows a change, a snapshot does not."""
    filters = [leaf("score", "NUMBER", "IS_LESS_THAN", value=40)]
    below = {"filterBranchType": "AND", "filters": filters, "filterBranches": []}
    branch = {"filterBranchType": "OR", "filters": [], "filterBranches": [below]}
    body = {"objectTypeId": "0-2", "filterBranch": branch}
    ids = {
        kind: portal.call("POST", LISTS, {**body, "name": kind, "processingType": kind}).json()["list"][
            "listId"
        ]
        for kind in ("DYNAMIC", "SNAPSHOT")
    }
    made = portal.call("POST", OBJECTS, {"properties": {"name": "Eve", "score": "1"}}).json()["id"]
    sizes = {kind: portal.call("GET", f"{LISTS}/{one}").json()["list"]["size"] for kind, one in ids.items()}
    assert sizes == {"DYNAMIC": 2, "SNAPSHOT": 1}
    portal.call("DELETE", f"{OBJECTS}/{made}")
