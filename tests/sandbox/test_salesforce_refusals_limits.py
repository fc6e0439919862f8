"""What Salesforce refuses once a limit is used up by whomever (reference 1.2 to 1.4)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.sandbox.conftest import Sandbox
from tests.sandbox.salesforce_refusals import refuses
from tests.sandbox.salesforce_session import Api

JOB = {"operation": "query", "query": "SELECT Id FROM Account"}
INGEST = {"object": "Account", "operation": "insert", "contentType": "CSV", "lineEnding": "LF"}


@pytest.fixture(scope="module")
def api(salesforce: Sandbox) -> Api:
    """Give a session on the module's org."""
    return Api(salesforce.url)


@pytest.fixture(autouse=True)
def free(salesforce: Sandbox) -> Iterator[None]:
    """Give every limit back after a test."""
    yield
    given = {"used": 0, "limits_hidden": False, "query jobs": 0, "batches": 0}
    salesforce.control("POST", "/api_usage", given)
    salesforce.control("POST", "/long_requests", {"running": 0})


@refuses("concurrent-limit")
@pytest.mark.parametrize(("edition", "cap"), [("Enterprise Edition", 25), ("Developer Edition", 5)])
def test_a_call_beside_too_many_long_ones_is_refused(
    api: Api, salesforce: Sandbox, edition: str, cap: int
) -> None:
    """The code is that of the spent day, the words are not; it passes when a long call ends."""
    salesforce.control("POST", "/org", {"edition": edition})
    salesforce.control("POST", "/long_requests", {"running": cap - 1})
    assert api.call("GET", "/limits").status_code == 200
    salesforce.control("POST", "/long_requests", {"running": cap, "refusals": 2})
    for _ in range(2):
        status, code, message = api.refusal("GET", "/limits")
        assert (status, code) == (403, "REQUEST_LIMIT_EXCEEDED")
        assert message.startswith("ConcurrentRequests")
    assert api.call("GET", "/limits").status_code == 200


@refuses("limits-hidden")
def test_limits_are_hidden_from_who_may_not_view_setup(api: Api, salesforce: Sandbox) -> None:
    """403; the header of every other call tells the calls all the same."""
    salesforce.control("POST", "/api_usage", {"limits_hidden": True})
    assert api.refusal("GET", "/limits")[:2] == (403, "INSUFFICIENT_ACCESS")
    assert "api-usage=" in api.query("SELECT Id FROM Account").headers["Sforce-Limit-Info"]


@refuses("bulk-jobs-spent")
def test_no_query_job_is_made_once_they_are_spent(api: Api, salesforce: Sandbox) -> None:
    """The limits resource counts them: the last one is made, the next is not."""
    salesforce.control("POST", "/api_usage", {"query jobs": 9_999})
    assert api.call("POST", "/jobs/query", JOB).status_code == 200
    assert api.call("GET", "/limits").json()["DailyBulkV2QueryJobs"] == {"Max": 10_000, "Remaining": 0}
    assert api.refusal("POST", "/jobs/query", JOB)[:2] == (400, "LIMIT_EXCEEDED")


@refuses("bulk-batches-spent")
def test_no_upload_is_taken_beyond_the_batches(api: Api, salesforce: Sandbox) -> None:
    """Ten thousand rows are one batch, one row more is two; the upload is refused as a whole."""
    salesforce.control("POST", "/api_usage", {"batches": 14_997})
    path = f"/jobs/ingest/{api.call('POST', '/jobs/ingest', INGEST).json()['id']}/batches"
    rows = ["Name"] + [f"n{number}" for number in range(10_001)]
    answer = api.session.put(
        api.data + path, data="\n".join(rows) + "\n", headers={"Content-Type": "text/csv"}, timeout=60
    )
    assert answer.status_code == 201
    assert api.call("GET", "/limits").json()["DailyBulkApiBatches"] == {"Max": 15_000, "Remaining": 1}
    again = f"/jobs/ingest/{api.call('POST', '/jobs/ingest', INGEST).json()['id']}/batches"
    answer = api.session.put(
        api.data + again, data="\n".join(rows) + "\n", headers={"Content-Type": "text/csv"}, timeout=60
    )
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "LIMIT_EXCEEDED")
