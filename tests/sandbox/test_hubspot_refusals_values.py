"""What HubSpot refuses of values and writes, and its passing refusals (reference 0, 1.1, 1.2 and 1.7)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.sandbox.refusals import Case, refuses

OBJECTS = "/crm/objects/2026-09"
COMPANIES = f"{OBJECTS}/companies"
DEAL = {"dealname": "D", "dealstage": "qualifiedtobuy", "pipeline": "default"}
NOTE = {"hs_timestamp": "2026-01-01T00:00:00Z"}
LONG = "x" * 65_537


def company(**properties: Any) -> dict[str, Any]:
    """Return a create of a company."""
    return {"properties": {"name": "C", **properties}}


def contact(**properties: Any) -> dict[str, Any]:
    """Return a create of a contact."""
    return {"properties": {"firstname": "F", **properties}}


def deal(**properties: Any) -> dict[str, Any]:
    """Return a create of a deal."""
    return {"properties": {**DEAL, **properties}}


def line(**properties: Any) -> dict[str, Any]:
    """Return a create of a line item."""
    return {"properties": {"name": "L", **properties}}


CASES = [
    Case("value-too-long", "POST", COMPANIES, company(description=LONG), 400, "65536"),
    Case("value-datetime", "POST", f"{OBJECTS}/deals", deal(closedate="soon"), 400, "INVALID_DATE"),
    Case("value-number", "POST", COMPANIES, company(numberofemployees="many"), 400, "was not a valid number"),
    Case("value-option-case", "POST", COMPANIES, company(type="partner"), 400, "INVALID_OPTION"),
    Case(
        "value-checkbox", "POST", f"{OBJECTS}/contacts", contact(hs_buying_role="CHAMPION;KING"), 400, "KING"
    ),
    Case(
        "value-read-only",
        "POST",
        COMPANIES,
        company(hs_lastmodifieddate="2026-01-01"),
        400,
        "READ_ONLY_VALUE",
    ),
    Case("value-null", "POST", COMPANIES, company(city=None), 400, "Invalid input JSON"),
    Case("value-stage", "POST", f"{OBJECTS}/deals", deal(dealstage="elsewhere"), 400, "INVALID_OPTION"),
    Case("value-pipeline", "POST", f"{OBJECTS}/deals", deal(pipeline="elsewhere"), 400, "INVALID_OPTION"),
    Case(
        "value-task-priority",
        "POST",
        f"{OBJECTS}/tasks",
        {"properties": {**NOTE, "hs_task_priority": "URGENT"}},
        400,
        "INVALID_OPTION",
    ),
    Case(
        "value-note-too-long",
        "POST",
        f"{OBJECTS}/notes",
        {"properties": {**NOTE, "hs_note_body": LONG}},
        400,
        "65536",
    ),
    Case("line-item-price", "POST", f"{OBJECTS}/line_items", line(price="-0.01"), 400, "price"),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_hubspot_refuses(hubspot: Any, case: Case) -> None:
    """One request, refused in HubSpot's way."""
    case.check(hubspot)


@pytest.mark.parametrize(
    ("object_name", "body"),
    [
        ("companies", company(description="x" * 65_536, type="PARTNER", numberofemployees="12")),
        ("contacts", contact(hs_buying_role="CHAMPION;END_USER")),
        ("deals", deal(closedate="2026-01-01T10:00:00Z")),
        ("deals", deal(closedate="1767261600000")),
        ("line_items", line(price="0")),
    ],
)
def test_the_values_next_to_the_refused_ones_are_taken(hubspot: Any, object_name: str, body: Any) -> None:
    """So the refusals above are about the value."""
    answer = hubspot.call("POST", f"{OBJECTS}/{object_name}", body)
    assert answer.status_code == 201, answer.text


@pytest.fixture(scope="module")
def day(hubspot: Any) -> str:
    """Give a date property of companies."""
    body = {"label": "D", "type": "date", "fieldType": "date", "groupName": "companyinformation"}
    made = hubspot.call("POST", "/crm/properties/2026-09/companies", {**body, "name": "refusal_day"})
    assert made.status_code == 201
    return "refusal_day"


@refuses("value-date")
def test_a_date_that_is_none_is_refused(hubspot: Any, day: str) -> None:
    """Neither a day of the calendar nor milliseconds."""
    for value in ("2026-02-30", "tomorrow", "01/02/2026"):
        answer = hubspot.call("POST", COMPANIES, company(**{day: value}))
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "INVALID_DATE"), value


@refuses("value-date-not-midnight")
def test_a_date_that_is_no_midnight_is_refused_before_2026_09(hubspot: Any, day: str) -> None:
    """1767261600000 is 2026-01-01T10:00Z: 2026-09 keeps its day and warns, v3 and 2026-03 refuse."""
    body = company(**{day: "1767261600000"})
    for path in ("/crm/v3/objects/companies", "/crm/objects/2026-03/companies"):
        answer = hubspot.call("POST", path, body)
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "INVALID_DATE")
    kept = hubspot.call("POST", COMPANIES, body).json()
    assert kept["properties"][day] == "2026-01-01"
    assert kept["warnings"][0]["context"]["rawValue"] == ["1767261600000"]


@refuses("value-owner-user-id")
def test_an_owner_is_named_by_id_not_by_user_id(hubspot: Any) -> None:
    """The userId of an owner is no owner id."""
    made = hubspot.control("POST", "/portal", {"add_owner": {"email": "owner@refused.example"}})["owner"]
    user = hubspot.call("GET", f"/crm/owners/2026-09/{made}").json()["userId"]
    answer = hubspot.call("POST", COMPANIES, company(hubspot_owner_id=str(user)))
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "INVALID_OWNER_ID")
    assert hubspot.call("POST", COMPANIES, company(hubspot_owner_id=made)).status_code == 201


def rule(hubspot: Any, given: dict[str, Any]) -> None:
    """Set the portal's one write rule."""
    hubspot.control("POST", "/portal", {"write_rules": [given]})


@pytest.fixture
def rules(hubspot: Any) -> Iterator[None]:
    """Take the write rules away after the test."""
    yield
    hubspot.control("POST", "/portal", {"write_rules": [], "edit_associations": True})


def statuses(hubspot: Any, body: dict[str, Any]) -> list[int]:
    """Return how the three versions answer a create of a deal."""
    paths = ("/crm/v3/objects/deals", "/crm/objects/2026-03/deals", f"{OBJECTS}/deals")
    return [hubspot.call("POST", path, body).status_code for path in paths]


@refuses("conditional-required")
@pytest.mark.usefixtures("rules")
def test_a_conditionally_required_property_binds_2026_09(hubspot: Any) -> None:
    """Older versions are not bound."""
    when = {"property": "dealstage", "values": ["closedlost"]}
    rule(hubspot, {"object": "deals", "when": when, "required": ["closed_lost_reason"]})
    body = deal(dealstage="closedlost")
    assert statuses(hubspot, body) == [201, 201, 400]
    (error,) = hubspot.call("POST", f"{OBJECTS}/deals", body).json()["errors"]
    assert error["code"] == "MISSING_CONDITIONAL_REQUIRED_PROPERTY"
    assert error["context"] == {"propertyName": ["closed_lost_reason"]}


@refuses("create-form-required")
@pytest.mark.usefixtures("rules")
def test_a_property_the_create_form_requires_binds_2026_09(hubspot: Any) -> None:
    """On create only: an update of the same record passes."""
    rule(hubspot, {"object": "deals", "required_on_create": ["hs_next_step"]})
    assert statuses(hubspot, deal()) == [201, 201, 400]
    answer = hubspot.call("POST", f"{OBJECTS}/deals", deal())
    assert answer.json()["errors"][0]["code"] == "MISSING_REQUIRED_PROPERTY"
    made = hubspot.call("POST", f"{OBJECTS}/deals", deal(hs_next_step="Call")).json()
    change = {"properties": {"dealname": "E"}}
    assert hubspot.call("PATCH", f"{OBJECTS}/deals/{made['id']}", change).status_code == 200


def bearer(hubspot: Any) -> dict[str, str]:
    """Return the header of a fresh OAuth token."""
    names = ("client_id", "client_secret", "refresh_token")
    form = {**{name: hubspot.credentials[name] for name in names}, "grant_type": "refresh_token"}
    token = requests.post(f"{hubspot.url}/oauth/2026-09/token", data=form, timeout=10).json()["access_token"]
    return {"Authorization": f"Bearer {token}"}


@refuses("edit-associations")
@pytest.mark.usefixtures("rules")
def test_a_user_who_may_not_edit_associations_is_refused_by_2026_09(hubspot: Any) -> None:
    """A user-level token is bound by its user's permission; the account's service key is not."""
    company_id = hubspot.call("POST", COMPANIES, company()).json()["id"]
    deal_id = hubspot.call("POST", f"{OBJECTS}/deals", deal()).json()["id"]
    hubspot.control("POST", "/portal", {"edit_associations": False})
    tail = f"companies/{company_id}/associations/default/deals/{deal_id}"
    headers = bearer(hubspot)
    refused = requests.put(f"{hubspot.url}{OBJECTS}/{tail}", headers=headers, timeout=10)
    assert (refused.status_code, refused.json()["message"]) == (
        400,
        "Missing 'Edit Associations' permission.",
    )
    older = f"{hubspot.url}/crm/objects/2026-03/{tail}"
    assert requests.put(older, headers=headers, timeout=10).status_code == 200
    assert hubspot.call("PUT", f"{OBJECTS}/{tail}").status_code == 200


@refuses("uri-too-long")
def test_a_uri_that_is_too_long_is_a_414(hubspot: Any) -> None:
    """Asking for two thousand properties in the query; half of it is answered."""
    for count, status in ((2000, 414), (1000, 200)):
        names = ",".join(f"property{number:04d}" for number in range(count))
        assert hubspot.call("GET", f"{COMPANIES}?properties={names}").status_code == status


def injected(hubspot: Any, kind: str) -> requests.Response:
    """Return the answer of a call on which a named fault is spent; the next one is well."""
    hubspot.control("POST", "/faults", {"faults": [{"kind": kind, "match": {"path_contains": "/companies"}}]})
    answer: requests.Response = hubspot.call("GET", COMPANIES)
    assert hubspot.call("GET", COMPANIES).status_code == 200
    return answer


@refuses("locked")
def test_a_locked_record_is_a_423(hubspot: Any) -> None:
    """With HubSpot's error body."""
    answer = injected(hubspot, "locked")
    assert (answer.status_code, answer.json()["status"]) == (423, "error")


@refuses("migrating")
def test_an_account_that_moves_is_a_477(hubspot: Any) -> None:
    """Retry-After is in seconds."""
    answer = injected(hubspot, "migrating")
    assert (answer.status_code, answer.headers["Retry-After"]) == (477, "1")


@refuses("edge-timeout")
def test_the_edge_gives_up_with_a_page(hubspot: Any) -> None:
    """524 is HTML, not JSON."""
    answer = injected(hubspot, "edge_timeout")
    assert (answer.status_code, answer.headers["Content-Type"].startswith("text/html")) == (524, True)
