"""What Salesforce refuses of queries, limits, collections, composites and graphs (reference 1.2 and 1.4)."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from tests.sandbox.salesforce_refusals import BASE, Case, part, record, refuses
from tests.sandbox.salesforce_session import Api, profile_package

COLLECTION = "/composite/sobjects"
UPSERT = "/composite/sobjects/CS_Profile__c/CS_Key__c"


@pytest.fixture(scope="module")
def api(salesforce: Any) -> Api:
    """Give a session on an org where the profile object is deployed and granted."""
    salesforce.control("POST", "/clock", {"now": "2026-06-30T10:00:00Z", "running": False})
    api = Api(salesforce.url)
    assert api.deploy(profile_package())["status"] == "Succeeded"
    api.grant("CS_Integration")
    return api


def accounts(count: int) -> dict[str, Any]:
    """Return a collection of so many accounts."""
    return {"records": [record("Account", Name=f"n{number}") for number in range(count)]}


def profiles(*keys: str | None, **values: Any) -> dict[str, Any]:
    """Return a collection of profiles with these keys."""
    return {"records": [record("CS_Profile__c", CS_Key__c=key, **values) for key in keys]}


def mixed(runs: int) -> dict[str, Any]:
    """Return a collection whose types change so often."""
    kinds = [("Account", "Name"), ("Contact", "LastName")]
    return {"records": [record(kind, **{name: "x"}) for kind, name in (kinds * runs)[:runs]]}


def composite(*parts: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return the body of a composite call."""
    return {"compositeRequest": list(parts), **more}


def queries(count: int) -> dict[str, Any]:
    """Return a composite of so many queries."""
    return composite(*[part(f"q{n}", "GET", "/query?q=SELECT+Id+FROM+Account") for n in range(count)])


def account_part(reference: str, **body: Any) -> dict[str, Any]:
    """Return a subrequest that creates an account."""
    return part(reference, "POST", "/sobjects/Account", body)


def graphs(*requests_of: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the body of a graph call."""
    return {"graphs": [{"graphId": f"g{n}", "compositeRequest": one} for n, one in enumerate(requests_of)]}


def chain(length: int) -> list[dict[str, Any]]:
    """Return a graph in which each account is the child of the one before."""
    first = [account_part("a0", Name="a0")]
    return first + [
        account_part(f"a{n}", Name=f"a{n}", ParentId=f"@{{a{n - 1}.id}}") for n in range(1, length)
    ]


def kinds(count: int) -> list[dict[str, Any]]:
    """Return a graph of so many kinds of node."""
    return [part(f"k{n}", "POST", f"/sobjects/Kind{n}__c", {"Name": "x"}) for n in range(count)]


CASES = [
    Case("query-missing", "GET", "/query", None, 400, "MALFORMED_QUERY"),
    Case("query-malformed", "GET", "/query?q=SELECT+Id+FRM+Account", None, 400, "MALFORMED_QUERY", "FRM"),
    Case("query-column", "GET", "/query?q=SELECT+Nope+FROM+Account", None, 400, "INVALID_FIELD", "Nope"),
    Case("query-object", "GET", "/query?q=SELECT+Id+FROM+Nope", None, 400, "INVALID_TYPE", "Nope"),
    Case("query-locator", "GET", "/query/0r8xx-2000", None, 400, "INVALID_QUERY_LOCATOR"),
    Case(
        "updated-31-days",
        "GET",
        "/sobjects/Account/updated?start=2026-05-30T00:00:00Z&end=2026-06-30T00:00:00Z",
        None,
        400,
        "INVALID_REPLICATION_DATE",
        "30 days",
    ),
    Case(
        "updated-a-minute",
        "GET",
        "/sobjects/Account/updated?start=2026-06-29T10:00:00Z&end=2026-06-29T10:01:00Z",
        None,
        400,
        "INVALID_REPLICATION_DATE",
        "one minute",
    ),
    Case(
        "deleted-16-days",
        "GET",
        "/sobjects/Account/deleted?start=2026-06-14T00:00:00Z&end=2026-06-30T00:00:00Z",
        None,
        400,
        "INVALID_REPLICATION_DATE",
        "15 days",
    ),
    Case("create-201", "POST", COLLECTION, accounts(201), 400, "EXCEEDED_ID_LIMIT", "200"),
    Case("update-201", "PATCH", COLLECTION, accounts(201), 400, "EXCEEDED_ID_LIMIT", "200"),
    Case("delete-201", "DELETE", f"{COLLECTION}?ids={'001,' * 201}", None, 400, "EXCEEDED_ID_LIMIT", "200"),
    Case("upsert-201", "PATCH", UPSERT, profiles(*["k"] * 201), 400, "EXCEEDED_ID_LIMIT", "200"),
    Case("collection-empty", "POST", COLLECTION, accounts(0), 400, "INVALID_INPUT"),
    Case("collection-envelope", "POST", COLLECTION, {"rows": []}, 400, "JSON_PARSER_ERROR", "rows"),
    Case("collection-no-type", "POST", COLLECTION, {"records": [{"Name": "x"}]}, 400, "INVALID_INPUT"),
    Case("collection-11-chunks", "POST", COLLECTION, mixed(11), 400, "INVALID_INPUT", "10"),
    Case("upsert-two-types", "PATCH", UPSERT, accounts(1), 400, "INVALID_INPUT", "CS_Profile__c"),
    Case(
        "upsert-not-external",
        "PATCH",
        "/composite/sobjects/CS_Profile__c/CS_Band__c",
        profiles("k"),
        404,
        "NOT_FOUND",
        "CS_Band__c",
    ),
    Case(
        "retrieve-2001",
        "POST",
        "/composite/sobjects/Account",
        {"ids": ["001000000000000AAA"] * 2_001, "fields": ["Id"]},
        400,
        "EXCEEDED_ID_LIMIT",
    ),
    Case("retrieve-nothing", "POST", "/composite/sobjects/Account", {"ids": ["x"]}, 400, "INVALID_INPUT"),
    Case("composite-name", "POST", "/composite", composite(account_part("a b")), 400, "INVALID_INPUT", "a b"),
    Case(
        "composite-nested",
        "POST",
        "/composite",
        composite(part("a", "POST", "/composite", composite(account_part("b", Name="x")))),
        400,
        "INVALID_INPUT",
        "/composite",
    ),
    Case(
        "composite-job",
        "POST",
        "/composite",
        composite(
            part("a", "POST", "/jobs/query", {"operation": "query", "query": "SELECT Id FROM Account"})
        ),
        400,
        "INVALID_INPUT",
        "/jobs/query",
    ),
    Case(
        "graph-unnamed",
        "POST",
        "/composite/graph",
        {"graphs": [{"compositeRequest": [account_part("a", Name="x")]}]},
        400,
        "INVALID_INPUT",
    ),
    Case(
        "graph-named-twice",
        "POST",
        "/composite/graph",
        {"graphs": [{"graphId": "g", "compositeRequest": [account_part("a", Name="x")]}] * 2},
        400,
        "INVALID_INPUT",
    ),
    Case(
        "composite-26",
        "POST",
        "/composite",
        composite(*[account_part(f"a{n}", Name="x") for n in range(26)]),
        400,
        "LIMIT_EXCEEDED",
        "25",
    ),
    Case("composite-6-heavy", "POST", "/composite", queries(6), 400, "LIMIT_EXCEEDED", "5"),
    Case(
        "composite-twice",
        "POST",
        "/composite",
        composite(account_part("a", Name="x"), account_part("a", Name="y")),
        400,
        "INVALID_INPUT",
        "a",
    ),
    Case(
        "composite-incomplete",
        "POST",
        "/composite",
        composite({"method": "GET", "referenceId": "a"}),
        400,
        "JSON_PARSER_ERROR",
    ),
    Case(
        "composite-inherited",
        "POST",
        "/composite",
        composite(part("a", "GET", "/sobjects") | {"httpHeaders": {"Authorization": "Bearer x"}}),
        400,
        "INVALID_INPUT",
        "authorization",
    ),
    Case(
        "graph-501",
        "POST",
        "/composite/graph",
        graphs([account_part(f"a{n}", Name="x") for n in range(501)]),
        400,
        "LIMIT_EXCEEDED",
        "500 nodes",
    ),
    Case(
        "graph-76",
        "POST",
        "/composite/graph",
        graphs(*[[account_part("a", Name="x")]] * 76),
        400,
        "LIMIT_EXCEEDED",
        "75 graphs",
    ),
    Case("graph-16-deep", "POST", "/composite/graph", graphs(chain(16)), 400, "LIMIT_EXCEEDED", "15"),
    Case("graph-16-kinds", "POST", "/composite/graph", graphs(kinds(16)), 400, "LIMIT_EXCEEDED", "15"),
    Case(
        "graph-address",
        "POST",
        "/composite/graph",
        graphs([part("q", "GET", "/query?q=SELECT+Id+FROM+Account")]),
        400,
        "INVALID_INPUT",
        "/query",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_is_refused(api: Api, case: Case) -> None:
    """One request, refused whole with the vendor's code."""
    case.check(api)


def codes(answer: requests.Response) -> list[str | None]:
    """Return the status code of each row of a collection, ``None`` where it was written."""
    assert answer.status_code == 200, answer.text
    return [row["errors"][0]["statusCode"] if row["errors"] else None for row in answer.json()]


@refuses("collection-row")
def test_a_bad_row_is_refused_alone(api: Api) -> None:
    """Its neighbour is written; the row names the field."""
    records = [record("Account", Name="good"), record("Account", Website="x")]
    answer = api.call("POST", COLLECTION, {"allOrNone": False, "records": records})
    assert codes(answer) == [None, "REQUIRED_FIELD_MISSING"]
    assert answer.json()[1]["errors"][0]["fields"] == ["Name"]


@refuses("collection-all-or-none")
def test_all_or_none_takes_the_good_rows_back(api: Api) -> None:
    """The answer is 200 all the same."""
    records = [record("Account", Name="taken back"), record("Account", Website="x")]
    answer = api.call("POST", COLLECTION, {"allOrNone": True, "records": records})
    assert codes(answer) == ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "REQUIRED_FIELD_MISSING"]
    assert api.rows("SELECT Id FROM Account WHERE Name = 'taken back'") == []


@refuses("upsert-no-key")
def test_a_row_without_its_key_is_refused(api: Api) -> None:
    """The others are written."""
    assert codes(api.call("PATCH", UPSERT, profiles("nokey:1", None))) == [None, "MISSING_ARGUMENT"]


@refuses("upsert-key-twice")
def test_a_key_given_twice_refuses_both(api: Api) -> None:
    """Neither row is taken for the right one; upper and lower case are the same key."""
    answer = api.call("PATCH", UPSERT, profiles("twice", "TWICE", "once"))
    assert codes(answer) == ["DUPLICATE_VALUE", "DUPLICATE_VALUE", None]


@refuses("upsert-with-id")
def test_a_record_id_beside_the_key_is_refused(api: Api) -> None:
    """An upsert finds its record by the key alone."""
    answer = api.call("PATCH", UPSERT, profiles("withid", Id="a00000000000001AAA"))
    assert codes(answer) == ["INVALID_FIELD_FOR_INSERT_UPDATE"]


@refuses("composite-halted")
def test_all_or_none_halts_the_other_subrequests(api: Api) -> None:
    """The status is 200; what was done is undone, and every neighbour says so."""
    body = composite(
        account_part("a", Name="halted"), account_part("b"), account_part("c", Name="x"), allOrNone=True
    )
    answer = api.call("POST", "/composite", body)
    found = [one["body"][0]["errorCode"] for one in answer.json()["compositeResponse"]]
    assert (answer.status_code, found) == (
        200,
        ["PROCESSING_HALTED", "REQUIRED_FIELD_MISSING", "PROCESSING_HALTED"],
    )
    assert api.rows("SELECT Id FROM Account WHERE Name = 'halted'") == []


@refuses("composite-reference")
def test_a_reference_to_what_is_not_there_is_refused(api: Api) -> None:
    """The subrequest is halted, the one before it stands."""
    body = composite(account_part("a", Name="x"), account_part("b", Name="y", ParentId="@{a.nope}"))
    first, second = api.call("POST", "/composite", body).json()["compositeResponse"]
    assert (first["httpStatusCode"], second["body"][0]["errorCode"]) == (201, "PROCESSING_HALTED")


@refuses("graph-15-failed")
def test_after_fourteen_failed_graphs_the_rest_are_halted(api: Api) -> None:
    """A good sixteenth graph is not tried any more."""
    body = graphs(*[[account_part("a")]] * 14, [account_part("a", Name="sixteenth")])
    last = api.call("POST", "/composite/graph", body).json()["graphs"][-1]
    assert last["isSuccessful"] is False
    assert last["graphResponse"]["compositeResponse"][0]["body"][0]["errorCode"] == "PROCESSING_HALTED"
    assert api.rows("SELECT Id FROM Account WHERE Name = 'sixteenth'") == []


@refuses("graph-all-or-none")
def test_a_graph_with_a_bad_node_leaves_nothing(api: Api) -> None:
    """Its neighbour graph stands."""
    body = graphs(
        [account_part("a", Name="bad graph"), account_part("b")], [account_part("a", Name="good graph")]
    )
    found = api.call("POST", "/composite/graph", body).json()["graphs"]
    assert [one["isSuccessful"] for one in found] == [False, True]
    names = api.rows("SELECT Name FROM Account WHERE Name LIKE '%graph' ORDER BY Name")
    assert [row["Name"] for row in names] == ["good graph"]


@refuses("no-session")
@pytest.mark.parametrize("token", [None, "Bearer dead", "Basic eA=="])
def test_a_call_without_a_session_is_refused(api: Api, token: str | None) -> None:
    """401, whatever stands in its place; the quota is told all the same."""
    headers = {} if token is None else {"Authorization": token}
    answer = requests.get(f"{api.url}{BASE}/limits", headers=headers, timeout=30)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (401, "INVALID_SESSION_ID")
    assert "Sforce-Limit-Info" in answer.headers


@refuses("version-retired")
def test_a_retired_version_is_gone(api: Api) -> None:
    """410, with the oldest version that is served."""
    answer = api.session.get(f"{api.url}/services/data/v30.0/limits", timeout=30)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (410, "UNSUPPORTED_API_VERSION")


@refuses("version-unknown")
def test_a_version_to_come_is_not_found(api: Api) -> None:
    """v69 does not exist yet."""
    answer = api.session.get(f"{api.url}/services/data/v69.0/limits", timeout=30)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (404, "NOT_FOUND")


@refuses("uri-too-long")
def test_a_long_query_does_not_fit_the_address(api: Api) -> None:
    """Sixteen kilobytes of URI and headers are the most; the edge answers with a page."""
    answer = api.query("SELECT Id FROM Account WHERE Name = '" + "x" * 16_400 + "'")
    assert answer.status_code == 414
    assert answer.headers["Content-Type"].startswith("text/html")


@refuses("daily-limit")
def test_a_spent_day_refuses_the_next_call(api: Api, salesforce: Any) -> None:
    """The code is that of too many long calls at once, the words are not; no Retry-After comes with it."""
    held = salesforce.control("POST", "/api_usage", {"used": 100_000})
    answer = api.call("GET", "/limits")
    salesforce.control("POST", "/api_usage", {"used": 0})
    assert held["max"] == 100_000
    assert answer.status_code == 403
    assert answer.json() == [
        {"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}
    ]
    assert answer.headers["Sforce-Limit-Info"] == "api-usage=100000/100000"
    assert "Retry-After" not in answer.headers


@refuses("deleted-too-many")
def test_more_deletions_than_may_be_told_at_once_are_refused(api: Api) -> None:
    """The caller has to ask for a shorter time; the cap is lowered here."""
    requests.post(f"{api.url}/_sandbox/replication", json={"ids_cap": 0}, timeout=30)
    gone = api.create("Account", Name="gone")
    api.call("DELETE", f"/sobjects/Account/{gone}")
    window = "start=2026-06-29T00:00:00Z&end=2026-07-01T00:00:00Z"
    status, code, words = api.refusal("GET", f"/sobjects/Account/deleted?{window}")
    requests.post(f"{api.url}/_sandbox/replication", json={"ids_cap": 600_000}, timeout=30)
    assert (status, code) == (400, "EXCEEDED_ID_LIMIT")
    assert "closer together" in words
