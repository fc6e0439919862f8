"""What HubSpot refuses of searches, and what it does not find (reference 1.3)."""

from __future__ import annotations

import time
from typing import Any

import pytest
import requests

from tests.sandbox.refusals import Case, custom_schema, refuses

OBJECTS = "/crm/objects/2026-09"
SEARCH = f"{OBJECTS}/companies/search"
HAS_NAME = {"propertyName": "name", "operator": "HAS_PROPERTY"}


def asked(*groups: int, **more: Any) -> dict[str, Any]:
    """Return a search with groups of so many filters."""
    return {"filterGroups": [{"filters": [HAS_NAME] * size} for size in groups], **more}


def one(name: str, operator: str, **more: Any) -> dict[str, Any]:
    """Return a search with one filter."""
    return {"filterGroups": [{"filters": [{"propertyName": name, "operator": operator, **more}]}]}


def padded(length: int) -> dict[str, Any]:
    """Return a search whose compact JSON has exactly this many characters."""
    body = {"query": "", "limit": 1}
    return {**body, "query": "q" * (length - len('{"query": "", "limit": 1}'))}


def search(sandbox: Any, body: dict[str, Any], path: str = SEARCH) -> requests.Response:
    """Search, again after a second where the five of this one are spent."""
    for _ in range(20):
        answer: requests.Response = sandbox.call("POST", path, body)
        if answer.status_code != 429:
            return answer
        time.sleep(0.3)
    return answer


CASES = [
    Case("search-operator", "POST", SEARCH, one("name", "LIKE", value="x"), 400, "LIKE"),
    Case("search-6-groups", "POST", SEARCH, asked(1, 1, 1, 1, 1, 1), 400, "filterGroups"),
    Case("search-7-filters", "POST", SEARCH, asked(7), 400, "filters"),
    Case("search-19-filters", "POST", SEARCH, asked(6, 6, 6, 1), 400, "filters"),
    Case("search-body-3001", "POST", SEARCH, padded(3001), 400, "3000"),
    Case("search-201", "POST", SEARCH, asked(1, limit=201), 400, "201"),
    Case("search-past-10000", "POST", SEARCH, asked(1, limit=100, after="10000"), 400, "10000"),
    Case("search-two-sorts", "POST", SEARCH, asked(1, sorts=["name", "city"]), 400, "sort"),
    Case("search-unknown-property", "POST", SEARCH, one("nope", "EQ", value="1"), 400, "nope"),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_hubspot_refuses(hubspot: Any, case: Case) -> None:
    """One search, refused in HubSpot's way."""
    time.sleep(0.25)  # five searches a second
    case.check(hubspot)


@pytest.mark.parametrize(
    "body",
    [
        asked(1, 1, 1, 1, 1),
        asked(6, 6, 6),
        asked(1, limit=200),
        asked(1, limit=100, after="9900"),
        asked(1, sorts=["name"]),
        padded(3000),
    ],
    ids=["5 groups", "18 filters", "200", "9900", "1 sort", "3000 characters"],
)
def test_the_searches_next_to_the_refused_ones_are_answered(hubspot: Any, body: dict[str, Any]) -> None:
    """So the caps are where they should be."""
    answer = search(hubspot, body)
    assert answer.status_code == 200, answer.text


def make(sandbox: Any, **properties: str) -> str:
    """Make a company and return its id."""
    return str(sandbox.call("POST", f"{OBJECTS}/companies", {"properties": properties}).json()["id"])


def found(sandbox: Any, body: dict[str, Any]) -> list[str]:
    """Return the ids found."""
    return [row["id"] for row in search(sandbox, body).json()["results"]]


def wait_for(sandbox: Any, body: dict[str, Any]) -> list[str]:
    """Return the ids found once there are any, within five seconds."""
    deadline = time.monotonic() + 5
    while not (ids := found(sandbox, body)):
        assert time.monotonic() < deadline
        time.sleep(0.25)
    return ids


@refuses("search-in-upper-case")
def test_in_wants_lower_case_values_of_a_text(hubspot: Any) -> None:
    """The text is held as written and looked for in lower case."""
    company = make(hubspot, name="Upper Case Refused")
    assert wait_for(hubspot, one("name", "IN", values=["upper case refused"])) == [company]
    assert found(hubspot, one("name", "IN", values=["Upper Case Refused"])) == []


@refuses("search-option-case")
def test_options_are_found_in_their_own_case(hubspot: Any) -> None:
    """PARTNER is an option, partner is none."""
    company = make(hubspot, name="Option Case", type="PARTNER")
    assert company in wait_for(hubspot, one("type", "EQ", value="PARTNER"))
    assert found(hubspot, one("type", "EQ", value="partner")) == []


@refuses("search-archived")
def test_archived_records_are_never_found(hubspot: Any) -> None:
    """Not even before the index knows."""
    company = make(hubspot, name="Archived Soon")
    assert wait_for(hubspot, one("name", "EQ", value="Archived Soon")) == [company]
    hubspot.call("DELETE", f"{OBJECTS}/companies/{company}")
    assert found(hubspot, one("name", "EQ", value="Archived Soon")) == []


@refuses("search-lag")
def test_what_was_just_written_is_not_found_yet(hubspot_with: Any) -> None:
    """A few moments later it is: searching before creating makes doubles."""
    portal = hubspot_with("--index-lag-seconds", "1.5")
    company = make(portal, name="Just Written")
    assert found(portal, one("name", "EQ", value="Just Written")) == []
    assert wait_for(portal, one("name", "EQ", value="Just Written")) == [company]


@refuses("search-custom-associations")
def test_associations_of_custom_objects_cannot_be_searched(hubspot: Any) -> None:
    """Those of standard objects can."""
    given = custom_schema("searched_object")
    type_id = hubspot.call("POST", "/crm-object-schemas/2026-09/schemas", given).json()["objectTypeId"]
    refused = search(hubspot, one(f"associations.{type_id}", "EQ", value="1"))
    assert (refused.status_code, refused.json()["category"]) == (400, "VALIDATION_ERROR")
    assert search(hubspot, one("associations.contact", "EQ", value="1")).status_code == 200
    other_way = search(hubspot, one("associations.company", "EQ", value="1"), f"{OBJECTS}/{type_id}/search")
    assert other_way.status_code == 400
