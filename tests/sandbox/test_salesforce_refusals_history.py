"""Stage history and field history in the Salesforce sandbox, and what is refused of them, over raw HTTP."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from tests.sandbox.salesforce_refusals import refuses
from tests.sandbox.salesforce_session import Api


def clock(salesforce: Any, now: str) -> None:
    """Set the org's clock, standing still."""
    salesforce.control("POST", "/clock", {"now": now, "running": False})


@pytest.fixture(scope="module")
def api(salesforce: Any) -> Api:
    """Give a session on an org that tracks an account's owner and industry."""
    clock(salesforce, "2026-06-30T10:00:00Z")
    found = Api(salesforce.url)
    body = {"object": "Account", "fields": ["OwnerId", "Industry"]}
    assert requests.post(f"{found.url}/_sandbox/tracked_fields", json=body, timeout=30).status_code == 200
    return found


def deal(api: Api, **values: Any) -> str:
    """Create an opportunity."""
    usual = {"Name": "D", "StageName": "Prospecting", "CloseDate": "2026-07-31", "Amount": 10.0}
    return api.create("Opportunity", **{**usual, **values})


def stages(api: Api, opportunity: str) -> list[tuple[str, float, str, float]]:
    """Return the rows of stage history, oldest first."""
    soql = "SELECT StageName, Amount, CloseDate, Probability FROM OpportunityHistory "
    rows = api.rows(f"{soql} WHERE OpportunityId = '{opportunity}' ORDER BY CreatedDate, Id")
    return [(one["StageName"], one["Amount"], one["CloseDate"], one["Probability"]) for one in rows]


def test_each_change_of_stage_amount_date_or_probability_is_a_row(api: Api) -> None:
    """The first at creation, each with the values after the change; a new name alone is none."""
    one = deal(api)
    for body in ({"StageName": "Negotiation/Review"}, {"Name": "E"}, {"Amount": 12.0}, {"Probability": 95.0}):
        assert api.call("PATCH", f"/sobjects/Opportunity/{one}", body).status_code == 204
    assert stages(api, one) == [
        ("Prospecting", 10.0, "2026-07-31", 10.0),
        ("Negotiation/Review", 10.0, "2026-07-31", 90.0),
        ("Negotiation/Review", 12.0, "2026-07-31", 90.0),
        ("Negotiation/Review", 12.0, "2026-07-31", 95.0),
    ]


def test_only_tracked_fields_are_told_and_a_lookup_twice(api: Api) -> None:
    """Names and ids of the owner; nothing of the website."""
    account = api.create("Account", Name="A", Industry="Energy")
    body = {"Industry": "Retail", "Website": "https://a.example"}
    assert api.call("PATCH", f"/sobjects/Account/{account}", body).status_code == 204
    rows = api.rows(f"SELECT Field, OldValue, NewValue FROM AccountHistory WHERE AccountId = '{account}'")
    assert rows == [{"Field": "Industry", "OldValue": "Energy", "NewValue": "Retail"}]


def test_tracked_changes_are_forgotten_and_stages_are_not(api: Api, salesforce: Any) -> None:
    """Two years on, the account's change is gone; the opportunity's creation is still told."""
    account, one = api.create("Account", Name="B", Industry="Energy"), deal(api)
    assert api.call("PATCH", f"/sobjects/Account/{account}", {"Industry": "Retail"}).status_code == 204
    clock(salesforce, "2028-08-01T10:00:00Z")
    api.sign_in()
    assert api.rows(f"SELECT Id FROM AccountHistory WHERE AccountId = '{account}'") == []
    assert len(stages(api, one)) == 1
    clock(salesforce, "2026-06-30T10:00:00Z")
    api.sign_in()


@refuses("history-filter")
def test_values_of_history_cannot_be_asked_for(api: Api) -> None:
    """They are of any type."""
    answer = api.query("SELECT Id FROM AccountHistory WHERE NewValue = 'Retail'")
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALID_FIELD")


@refuses("history-untracked")
def test_an_object_that_tracks_nothing_has_no_history(api: Api) -> None:
    """Its history object does not exist."""
    answer = api.query("SELECT Id FROM CaseHistory")
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALID_TYPE")


@refuses("history-write")
def test_nobody_writes_history(api: Api) -> None:
    """Neither a new row nor another value."""
    one = deal(api)
    row = api.rows(f"SELECT Id FROM OpportunityHistory WHERE OpportunityId = '{one}'")[0]["Id"]
    body = {"OpportunityId": one, "StageName": "Prospecting"}
    refused = api.refusal("POST", "/sobjects/OpportunityHistory", body)
    assert refused[1] == "INSUFFICIENT_ACCESS_OR_READONLY"
    refused = api.refusal("PATCH", f"/sobjects/OpportunityHistory/{row}", {"StageName": "Closed Won"})
    assert refused[1] == "INSUFFICIENT_ACCESS_OR_READONLY"
