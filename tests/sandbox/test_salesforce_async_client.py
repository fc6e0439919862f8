"""aiosalesforce, a second client we did not write, works against the Salesforce sandbox."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import httpx
import pytest
from aiosalesforce import Salesforce
from aiosalesforce.auth import ClientCredentialsFlow
from aiosalesforce.exceptions import NotFoundError, SalesforceError

from tests.sandbox.salesforce_session import Api, profile_package

T = TypeVar("T")
HOST = "https://acme.my.salesforce.com"


class ToSandbox(httpx.AsyncHTTPTransport):
    """Sends what is meant for the org's own host to the sandbox (the client knows only that form)."""

    def __init__(self, sandbox: str) -> None:
        super().__init__()
        self._sandbox = httpx.URL(sandbox)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request."""
        request.url = request.url.copy_with(scheme="http", host=self._sandbox.host, port=self._sandbox.port)
        return await super().handle_async_request(request)


@pytest.fixture(scope="module")
def org(salesforce: Any) -> str:
    """Give an org where the profile object is deployed and granted, and its app registered."""
    api = Api(salesforce.url)
    assert api.deploy(profile_package())["status"] == "Succeeded"
    api.grant("CS_Integration")
    return str(salesforce.url)


def run(org: str, work: Callable[[Salesforce], Awaitable[T]]) -> T:
    """Do some work with a fresh client, which signs in by itself."""

    async def with_client() -> T:
        async with httpx.AsyncClient(transport=ToSandbox(org)) as http:
            return await work(Salesforce(http, HOST, ClientCredentialsFlow("key", "secret"), version="66.0"))

    return asyncio.run(with_client())


def test_it_signs_in_and_works_with_one_record(org: str) -> None:
    """The verbs of a record, an upsert by external id that creates once, a record that is not there."""

    async def work(client: Salesforce) -> tuple[Any, ...]:
        made = await client.sobject.create("Account", {"Name": "Async"})
        await client.sobject.update("Account", made, {"Website": "https://x.example"})
        found = await client.sobject.get("Account", made, fields=["Name", "Website"])
        upserts = [
            await client.sobject.upsert("CS_Profile__c", "async:1", "CS_Key__c", {"CS_Health__c": health})
            for health in (50, 60)
        ]
        await client.sobject.delete("Account", made)
        with pytest.raises(NotFoundError):
            await client.sobject.get("Account", made)
        return found["Website"], [one.created for one in upserts]

    assert run(org, work) == ("https://x.example", [True, False])


def test_it_pages_a_query_and_reads_the_limits(org: str) -> None:
    """It follows nextRecordsUrl past 2,000 rows."""

    async def work(client: Salesforce) -> tuple[int, int]:
        rows = [{"CS_Key__c": f"page:{number}"} for number in range(2_100)]
        async for one in client.bulk_v2.ingest.perform_operation(
            "upsert", "CS_Profile__c", rows, external_id_field="CS_Key__c", polling_interval=0
        ):
            assert one.job_info.state == "JobComplete"
        soql = "SELECT Id FROM CS_Profile__c WHERE CS_Key__c LIKE 'page:%'"
        limits = await client.get_limits()
        return len([row async for row in client.query(soql)]), limits["DailyApiRequests"]["Max"]

    assert run(org, work) == (2_100, 100_000)


def test_its_bulk_tells_good_and_bad_rows_and_an_unknown_column(org: str) -> None:
    """The three result files are as it expects them, also where they are empty."""

    async def upsert(client: Salesforce, rows: list[dict[str, Any]]) -> Any:
        work = client.bulk_v2.ingest.perform_operation(
            "upsert", "CS_Profile__c", rows, external_id_field="CS_Key__c", polling_interval=0
        )
        (only,) = [one async for one in work]
        return only

    rows = [{"CS_Key__c": "a:1", "CS_Band__c": "red"}, {"CS_Key__c": "a:2", "CS_Band__c": "blue"}]
    found = run(org, lambda client: upsert(client, rows))
    assert [row["CS_Key__c"] for row in found.successful_results] == ["a:1"]
    assert found.failed_results[0]["sf__Error"].startswith("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST")
    assert found.unprocessed_records == []
    left = run(org, lambda client: upsert(client, [{"CS_Key__c": "a:3", "Nope__c": "x"}]))
    assert left.job_info.state == "Failed"
    assert [row["CS_Key__c"] for row in left.unprocessed_records] == ["a:3"]


def test_its_composite_refers_to_what_it_has_just_made(org: str) -> None:
    """A contact under a new account, in one call."""

    async def work(client: Salesforce) -> tuple[int, int]:
        async with client.composite(all_or_none=True) as call:
            account = call.sobject.create("Account", {"Name": "Composite"})
            contact = call.sobject.create(
                "Contact", {"LastName": "Under", "AccountId": str(account.reference.id)}
            )
        return account.status_code, contact.status_code

    assert run(org, work) == (201, 201)


def test_it_raises_the_vendors_errors(org: str) -> None:
    """A wrong column is told with the vendor's code."""

    async def work(client: Salesforce) -> None:
        async for _ in client.query("SELECT Nope FROM Account"):
            pass

    with pytest.raises(SalesforceError, match="INVALID_FIELD"):
        run(org, work)
