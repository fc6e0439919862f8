"""What a Salesforce org refuses because a record is locked or its storage is full (reference 1.5 and 8)."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.sandbox.conftest import Sandbox
from tests.sandbox.salesforce_refusals import record, refuses
from tests.sandbox.salesforce_session import Api

LOCKED = "unable to obtain exclusive access to this record or 1 records: "


@pytest.fixture(scope="module")
def api(salesforce: Sandbox) -> Api:
    """Give a session on the org."""
    return Api(salesforce.url)


@pytest.fixture
def held(api: Api, salesforce: Sandbox) -> Iterator[str]:
    """Give an account that another transaction holds until the test has ended."""
    account = api.create("Account", Name="Held")
    salesforce.control("POST", "/locks", {"records": [account]})
    yield account
    salesforce.control("DELETE", "/locks")


def opportunity(account: str) -> dict[str, Any]:
    """Return an opportunity of an account."""
    return {"Name": "R", "StageName": "Prospecting", "CloseDate": "2026-01-31", "AccountId": account}


@refuses("row-locked")
def test_a_record_another_transaction_holds_cannot_be_written(api: Api, held: str) -> None:
    """It is named; its neighbour in the collection is written."""
    free = api.create("Account", Name="Free")
    body = {"records": [record("Account", Id=one, Phone="1") for one in (held, free)]}
    first, second = api.call("PATCH", "/composite/sobjects", body).json()
    assert first["errors"] == [{"statusCode": "UNABLE_TO_LOCK_ROW", "message": LOCKED + held, "fields": []}]
    assert second["success"]


@refuses("parent-locked")
def test_a_record_whose_account_is_held_cannot_be_written(api: Api, held: str, salesforce: Sandbox) -> None:
    """A write locks what its record hangs under; it works once the other has let go."""
    refusal = (400, "UNABLE_TO_LOCK_ROW", LOCKED + held)
    assert api.refusal("POST", "/sobjects/Opportunity", opportunity(held)) == refusal
    salesforce.control("DELETE", "/locks")
    made = api.create("Opportunity", **opportunity(held))
    salesforce.control("POST", "/locks", {"records": [held]})
    assert api.refusal("PATCH", f"/sobjects/Opportunity/{made}", {"NextStep": "x"}) == refusal
    assert api.refusal("DELETE", f"/sobjects/Opportunity/{made}") == refusal


def test_of_two_requests_at_once_under_one_account_one_is_refused(api: Api, salesforce: Sandbox) -> None:
    """Under two accounts both are written: what is locked is the account, not the object."""
    salesforce.control("POST", "/locks", {"hold_seconds": 0.4})
    one, other = (api.create("Account", Name=name) for name in ("One", "Other"))

    def write(account: str) -> int:
        return Api(salesforce.url).call("POST", "/sobjects/Opportunity", opportunity(account)).status_code

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(write, [one, one])) == [201, 400]
        assert sorted(pool.map(write, [one, other])) == [201, 201]
    salesforce.control("DELETE", "/locks")


@refuses("storage-full")
def test_a_full_org_takes_no_new_row(api: Api, salesforce: Sandbox) -> None:
    """What stands may be changed; a deleted row takes its room until it is purged."""
    salesforce.control("POST", "/storage", {"free_rows": 1})
    account = api.create("Account", Name="The last one")
    refusal = (400, "STORAGE_LIMIT_EXCEEDED", "storage limit exceeded")
    assert api.refusal("POST", "/sobjects/Account", {"Name": "One more"}) == refusal
    assert api.call("PATCH", f"/sobjects/Account/{account}", {"Phone": "1"}).status_code == 204
    assert api.call("DELETE", f"/sobjects/Account/{account}").status_code == 204
    assert api.refusal("POST", "/sobjects/Account", {"Name": "One more"}) == refusal
    salesforce.control("POST", "/storage", {"max_mb": 10})
    assert api.call("GET", "/limits").json()["DataStorageMB"] == {"Max": 10, "Remaining": 9}
