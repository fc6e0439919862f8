"""Merging, restoring and purging in the Salesforce sandbox, as raw HTTP shows them."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from tests.sandbox.salesforce_session import Api


@pytest.fixture(scope="module")
def api(salesforce: Any) -> Api:
    """Give a session on an org whose clock stands still."""
    salesforce.control("POST", "/clock", {"now": "2026-06-30T10:00:00Z", "running": False})
    return Api(salesforce.url)


def edit(api: Api, **body: Any) -> None:
    """Do something as a person would."""
    answer = requests.post(f"{api.url}/_sandbox/edit", json=body, timeout=30)
    assert answer.status_code == 200, answer.text


def everything(api: Api, soql: str) -> list[dict[str, Any]]:
    """Return the records of a query that sees the recycle bin."""
    rows = api.call("GET", "/queryAll", params={"q": soql}).json()["records"]
    return [{name: value for name, value in row.items() if name != "attributes"} for row in rows]


def logged(api: Api) -> list[str]:
    """Return the accounts the delete log tells of."""
    window = "start=2026-06-29T00:00:00Z&end=2026-07-01T00:00:00Z"
    found = api.call("GET", f"/sobjects/Account/deleted?{window}").json()
    return [one["id"] for one in found["deletedRecords"]]


def test_a_merge_leaves_the_loser_in_the_bin_and_its_children_with_the_survivor(api: Api) -> None:
    """The loser names its survivor; contacts and opportunities go over."""
    survivor, loser = api.create("Account", Name="Stays"), api.create("Account", Name="Goes")
    contact = api.create("Contact", LastName="C", AccountId=loser)
    edit(api, object="Account", id=survivor, merge=loser)
    found = everything(api, f"SELECT IsDeleted, MasterRecordId FROM Account WHERE Id = '{loser}'")
    assert found == [{"IsDeleted": True, "MasterRecordId": survivor}]
    assert api.rows(f"SELECT AccountId FROM Contact WHERE Id = '{contact}'") == [{"AccountId": survivor}]
    assert loser in logged(api)


def test_a_record_is_not_merged_with_itself(api: Api) -> None:
    """It stays as it is."""
    account = api.create("Account", Name="Alone")
    body = {"object": "Account", "id": account, "merge": account}
    assert requests.post(f"{api.url}/_sandbox/edit", json=body, timeout=30).status_code == 400
    assert api.rows(f"SELECT Name FROM Account WHERE Id = '{account}'") == [{"Name": "Alone"}]


def test_describe_says_what_goes_with_an_account(api: Api) -> None:
    """Its contacts and opportunities do; an account under it stays."""
    links = api.call("GET", "/sobjects/Account/describe").json()["childRelationships"]
    cascades = {one["relationshipName"]: one["cascadeDelete"] for one in links}
    assert (cascades["Contacts"], cascades["Opportunities"], cascades["ChildAccounts"]) == (True, True, False)


def test_a_restore_brings_back_what_went_along(api: Api) -> None:
    """The account, its opportunity, and its task's lookup."""
    account = api.create("Account", Name="Back")
    deal = api.create(
        "Opportunity", Name="D", AccountId=account, StageName="Prospecting", CloseDate="2026-07-01"
    )
    task = api.create("Task", Subject="T", WhatId=account)
    edit(api, object="Account", id=account, delete=True)
    assert api.rows(f"SELECT Id FROM Opportunity WHERE Id = '{deal}'") == []
    assert api.rows(f"SELECT WhatId FROM Task WHERE Id = '{task}'") == [{"WhatId": None}]
    edit(api, object="Account", id=account, restore=True)
    assert api.rows(f"SELECT IsDeleted FROM Opportunity WHERE Id = '{deal}'") == [{"IsDeleted": False}]
    assert api.rows(f"SELECT WhatId FROM Task WHERE Id = '{task}'") == [{"WhatId": account}]


def test_what_is_purged_stands_in_the_log_alone(api: Api) -> None:
    """No query tells of it any more."""
    account = api.create("Account", Name="Gone")
    edit(api, object="Account", id=account, delete=True)
    edit(api, object="Account", id=account, purge=True)
    assert everything(api, f"SELECT Id FROM Account WHERE Id = '{account}'") == []
    assert account in logged(api)
