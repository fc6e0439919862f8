"""HubSpot's search: operators, caps, the lagging index and the 10,000 window ("Search the CRM")."""

from __future__ import annotations

import time
from typing import Any

import pytest

DEALS = "/crm/objects/2026-09/deals"
LAG = 0.4


@pytest.fixture(scope="module", autouse=True)
def deals(hubspot: Any) -> None:
    """Give deals with amounts 9, 10 and 100, and one with none, that the index knows."""
    inputs = [
        {"properties": {"dealname": f"Deal {n}", "pipeline": "default", "dealstage": "closedwon", **amount}}
        for n, amount in enumerate([{"amount": "9"}, {"amount": "10"}, {"amount": "100"}, {}])
    ]
    assert hubspot.call("POST", f"{DEALS}/batch/create", {"inputs": inputs}).status_code == 201
    time.sleep(LAG + 0.2)


def search(hubspot: Any, body: dict[str, Any], path: str = DEALS) -> Any:
    """Search, waiting out the five a second that HubSpot allows."""
    for _ in range(20):
        answer = hubspot.call("POST", f"{path}/search", body)
        if answer.status_code != 429:
            return answer
        time.sleep(0.25)
    return answer


def names(answer: Any) -> list[str]:
    """Return the deal names of a search's results, in order."""
    return [row["properties"]["dealname"] for row in answer.json()["results"]]


def one(name: str, operator: str, **more: Any) -> dict[str, Any]:
    """Return a body with a single filter, sorted by amount."""
    filters = [{"propertyName": name, "operator": operator, **more}]
    sorts = [{"propertyName": "amount", "direction": "ASCENDING"}]
    return {"filterGroups": [{"filters": filters}], "sorts": sorts}


@pytest.mark.parametrize(
    ("operator", "more", "expected"),
    [
        ("GT", {"value": "9"}, ["Deal 1", "Deal 2"]),
        ("LTE", {"value": "10"}, ["Deal 0", "Deal 1"]),
        ("BETWEEN", {"value": "10", "highValue": "99"}, ["Deal 1"]),
        ("IN", {"values": ["9", "100"]}, ["Deal 0", "Deal 2"]),
        ("EQ", {"value": "10.0"}, ["Deal 1"]),
        ("HAS_PROPERTY", {}, ["Deal 0", "Deal 1", "Deal 2"]),
        ("NOT_HAS_PROPERTY", {}, ["Deal 3"]),
    ],
)
def test_numbers_compare_as_numbers(
    hubspot: Any, operator: str, more: dict[str, Any], expected: list[str]
) -> None:
    """9 is less than 10, which text comparison would deny."""
    assert names(search(hubspot, one("amount", operator, **more))) == expected


def test_enumerations_are_case_sensitive(hubspot: Any) -> None:
    """A stage id in other case matches nothing."""
    assert search(hubspot, one("dealstage", "EQ", value="closedwon")).json()["total"] == 4
    assert search(hubspot, one("dealstage", "EQ", value="ClosedWon")).json()["total"] == 0


def test_modified_times_compare_as_milliseconds(hubspot: Any) -> None:
    """A sweep by modified time takes milliseconds since 1970."""
    first = search(hubspot, one("amount", "EQ", value="9")).json()["results"][0]
    body = one("hs_lastmodifieddate", "GTE", value="1000000000000")
    assert search(hubspot, body).json()["total"] == 4
    assert search(hubspot, one("hs_lastmodifieddate", "GT", value="9999999999999")).json()["total"] == 0
    assert first["properties"]["hs_lastmodifieddate"].endswith("Z")


def test_a_write_reaches_the_index_only_after_the_lag(hubspot: Any) -> None:
    """Search-then-create would make a double: the record is there by id, not yet by search."""
    made = hubspot.call(
        "POST", "/crm/v3/objects/companies", {"properties": {"name": "Late", "domain": "late.example"}}
    ).json()
    companies = "/crm/v3/objects/companies"
    body = {
        "filterGroups": [{"filters": [{"propertyName": "domain", "operator": "EQ", "value": "late.example"}]}]
    }
    at_once = hubspot.call("POST", f"{companies}/search", body)
    assert hubspot.call("GET", f"{companies}/{made['id']}").status_code == 200
    if at_once.status_code == 200:
        assert at_once.json()["total"] == 0
    time.sleep(LAG + 0.2)
    assert search(hubspot, body, companies).json()["total"] == 1


@pytest.mark.parametrize(
    "body",
    [
        {"limit": 201},
        {"limit": 200, "after": "9801"},
        {"filterGroups": [{"filters": []}] * 6},
        {"filterGroups": [{"filters": [{"propertyName": "amount", "operator": "HAS_PROPERTY"}] * 7}]},
        {"filterGroups": [{"filters": [{"propertyName": "amount", "operator": "HAS_PROPERTY"}] * 5}] * 4},
        {"sorts": [{"propertyName": "amount"}, {"propertyName": "dealname"}]},
        {"filterGroups": [{"filters": [{"propertyName": "nope", "operator": "EQ", "value": "1"}]}]},
        {"query": "x" * 3000},
    ],
)
def test_a_search_past_the_caps_is_refused(hubspot: Any, body: dict[str, Any]) -> None:
    """Limit, window, groups, filters, sorts, unknown properties and body length are all bounded."""
    assert search(hubspot, body).status_code == 400


def test_archived_records_are_never_found(hubspot: Any) -> None:
    """A deleted record is gone from search at once."""
    made = hubspot.call(
        "POST",
        DEALS,
        {
            "properties": {
                "dealname": "Gone",
                "pipeline": "default",
                "dealstage": "closedlost",
                "amount": "777",
            }
        },
    ).json()
    time.sleep(LAG + 0.2)
    assert search(hubspot, one("amount", "EQ", value="777")).json()["total"] == 1
    hubspot.call("DELETE", f"{DEALS}/{made['id']}")
    assert search(hubspot, one("amount", "EQ", value="777")).json()["total"] == 0


def test_the_sixth_search_in_a_second_is_refused_and_searches_show_no_limits(hubspot: Any) -> None:
    """Search has its own five a second; its answers carry no rate-limit headers."""
    time.sleep(1.1)
    answers = [hubspot.call("POST", f"{DEALS}/search", {"limit": 1}) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert answers[-1].json()["policyName"] == "SECONDLY"
    assert not [name for answer in answers for name in answer.headers if "ratelimit" in name.lower()]
