"""Deploys, field-level security, upserts and collections of the Salesforce sandbox, by raw HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.salesforce_session import (
    NS,
    Api,
    custom_object,
    field,
    package,
    permission_set,
    profile_package,
    zipped,
)

UPSERT = "/composite/sobjects/CS_Profile__c/CS_Key__c"


@pytest.fixture(scope="module")
def api(salesforce: Any) -> Api:
    """Give a session on an org where the profile object is deployed and granted."""
    api = Api(salesforce.url)
    assert api.deploy(profile_package())["status"] == "Succeeded"
    api.grant("CS_Integration")
    return api


def row(key: str | None, **values: Any) -> dict[str, Any]:
    """Return a profile row of a collection."""
    return {"attributes": {"type": "CS_Profile__c"}, "CS_Key__c": key, **values}


def test_a_deployed_object_is_out_of_sight_until_its_permission_set_is_assigned(salesforce: Any) -> None:
    """Describe is 404 and SOQL INVALID_TYPE after a successful deploy; an assignment opens both."""
    api = Api(salesforce.url)
    files = {
        "package.xml": package(CustomObject=["Hidden__c"], PermissionSet=["See_Hidden"]),
        "objects/Hidden__c.object": custom_object("Hidden", field("A__c", "Text", length="10"),
                                                  field("B__c", "Text", length="10")),
        "permissionsets/See_Hidden.permissionset": permission_set("See", ["Hidden__c"], ["Hidden__c.A__c"]),
    }  # fmt: skip
    assert api.deploy(files)["numberComponentsDeployed"] == 4
    assert api.call("GET", "/sobjects/Hidden__c/describe").status_code == 404
    assert api.query("SELECT Id FROM Hidden__c").json()[0]["errorCode"] == "INVALID_TYPE"
    api.grant("See_Hidden")
    names = {f["name"] for f in api.call("GET", "/sobjects/Hidden__c/describe").json()["fields"]}
    assert "A__c" in names
    assert "B__c" not in names
    assert api.refusal("POST", "/sobjects/Hidden__c", {"B__c": "x"})[1] == "INVALID_FIELD"


def test_deploying_again_changes_nothing(api: Api) -> None:
    """A second deploy succeeds and creates no component."""
    result = api.deploy(profile_package())
    assert result["status"] == "Succeeded"
    assert not any(c["created"] for c in result["details"]["componentSuccesses"])


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        (field("X__c", "Text"), "Must specify 'length' for a CustomField of type Text"),
        (field("X__c", "Numbr"), "'Numbr' is not a valid value for the enum 'FieldType'"),
        (field("X__c", "Checkbox"), "Must specify 'defaultValue' for a CustomField of type Checkbox"),
        (field("X__c", "Lookup", referenceTo="Account"), "Must specify 'relationshipName'"),
        (
            field("X__c", "Lookup", referenceTo="No__c", relationshipName="Xs"),
            "does not resolve to a valid sObject",
        ),
        (
            field("X__c", "Date", externalId="true"),
            "Can not specify 'externalId' for a CustomField of type Date",
        ),
        (field("X__c", "Number", precision="18", scale="1", formula="Nope__r.Y__c"), "does not exist"),
        (
            field("X__c", "Number", precision="18", scale="0", formula="CreatedDate - Name"),
            "Incorrect parameter type for operator '-'",
        ),
        (
            field("X__c", "Text", formula="Good__c - Good__c"),
            "Formula result is data type (Number), incompatible",
        ),
        (field("X__c", "Text", length="9", colour="red"), "invalid at this location in type CustomField"),
    ],
)
def test_a_wrong_field_fails_the_whole_deploy(api: Api, bad: str, problem: str) -> None:
    """One component fails in the vendor's words and a good neighbour is rolled back with it."""
    files = {
        "package.xml": package(CustomField=["Account.X__c", "Account.Good__c"]),
        "objects/Account.object": f"<CustomObject {NS}>{field('Good__c', 'Date')}{bad}</CustomObject>",
    }
    result = api.deploy(files)
    assert (result["status"], result["numberComponentErrors"]) == ("Failed", 1)
    assert problem in result["details"]["componentFailures"][0]["problem"]
    drop = {"package.xml": package(), "destructiveChanges.xml": package(CustomField=["Account.Good__c"])}
    assert "No CustomField named" in api.deploy(drop)["details"]["componentSuccesses"][0]["problem"]


def test_an_upsert_answers_in_request_order_and_creates_once(api: Api) -> None:
    """The same keys come back as created and then as updated, with the same ids."""
    rows = [row(f"order:{n}", Name=str(n)) for n in (3, 1, 2)]
    first = api.call("PATCH", UPSERT, {"records": rows}).json()
    second = api.call("PATCH", UPSERT, {"records": rows}).json()
    assert [r["created"] for r in first + second] == [True] * 3 + [False] * 3
    assert [r["id"] for r in first] == [r["id"] for r in second]
    names = {
        r["Id"]: r["Name"]
        for r in api.rows("SELECT Id, Name FROM CS_Profile__c WHERE CS_Key__c LIKE 'order:%'")
    }
    assert [names[r["id"]] for r in first] == ["3", "1", "2"]


def test_each_row_is_refused_by_itself(api: Api) -> None:
    """Bad value, unknown field, missing key and a key given twice leave the good row written."""
    rows = [row("each:good"), row("each:pick", CS_Band__c="blue"), row("each:field", Nope__c=1), row(None),
            row("each:twice"), row("EACH:TWICE")]  # fmt: skip
    found = api.call("PATCH", UPSERT, {"allOrNone": False, "records": rows}).json()
    assert found[0]["success"]
    codes = [r["errors"][0]["statusCode"] for r in found[1:]]
    assert codes == ["INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "INVALID_FIELD", "MISSING_ARGUMENT",
                     "DUPLICATE_VALUE", "DUPLICATE_VALUE"]  # fmt: skip


def test_all_or_none_takes_the_good_rows_back(api: Api) -> None:
    """The answer is still 200, and nothing of the request is kept."""
    rows = [row("none:good"), row("none:bad", CS_Health__c=12345)]
    answer = api.call("PATCH", UPSERT, {"allOrNone": True, "records": rows})
    codes = [r["errors"][0]["statusCode"] for r in answer.json()]
    assert (answer.status_code, codes) == (
        200, ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "NUMBER_OUTSIDE_VALID_RANGE"])  # fmt: skip
    assert api.rows("SELECT Id FROM CS_Profile__c WHERE CS_Key__c = 'none:good'") == []


def test_more_than_200_rows_are_refused(api: Api) -> None:
    """The 201st record costs the whole request."""
    answer = api.call("PATCH", UPSERT, {"records": [row(f"many:{n}") for n in range(201)]})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "EXCEEDED_ID_LIMIT")


def test_upsert_of_one_record(api: Api) -> None:
    """201, then 200; the key in the body is refused; updateOnly does not create."""
    path = "/sobjects/CS_Profile__c/CS_Key__c/one%3A1"
    assert [api.call("PATCH", path, {"Name": "One"}).status_code for _ in range(2)] == [201, 200]
    assert api.refusal("PATCH", path, {"CS_Key__c": "one:1"})[:2] == (400, "INVALID_FIELD")
    missing = "/sobjects/CS_Profile__c/CS_Key__c/one%3A2?updateOnly=true"
    assert api.refusal("PATCH", missing, {"Name": "Two"})[:2] == (404, "NOT_FOUND")


def test_a_parent_is_named_by_external_id_and_feeds_the_formula(api: Api) -> None:
    """Account's cross-object formula shows the profile's health once the lookup is set by key."""
    account = api.create("Account", Name="Formula")
    api.call("PATCH", "/sobjects/CS_Profile__c/CS_Key__c/formula", {"CS_Health__c": 71.5})
    api.call("PATCH", f"/sobjects/Account/{account}", {"CS_Profile__r": {"CS_Key__c": "formula"}})
    assert api.rows(f"SELECT CS_Health__c FROM Account WHERE Id = '{account}'") == [{"CS_Health__c": 71.5}]
    wrong = {"CS_Profile__r": {"CS_Key__c": "unknown"}}
    assert (
        "Foreign key external ID: unknown not found"
        in api.refusal("PATCH", f"/sobjects/Account/{account}", wrong)[2]
    )


def test_a_graph_is_all_or_nothing(api: Api) -> None:
    """A contact that refers to a new account is made with it; a failing graph leaves nothing."""
    base = "/services/data/v66.0/sobjects/"

    def graph(name: str, contact: dict[str, Any]) -> dict[str, Any]:
        return {"graphId": name, "compositeRequest": [
            {"method": "POST", "url": base + "Account", "referenceId": "a",
            "body": {"Name": "graph " + name}},
            {"method": "POST", "url": base + "Contact", "referenceId": "c",
            "body": {"AccountId": "@{a.id}", **contact}},
        ]}  # fmt: skip

    answer = api.call(
        "POST", "/composite/graph", {"graphs": [graph("good", {"LastName": "X"}), graph("bad", {})]}
    )
    assert [g["isSuccessful"] for g in answer.json()["graphs"]] == [True, False]
    assert [r["Name"] for r in api.rows("SELECT Name FROM Account WHERE Name LIKE 'graph%'")] == [
        "graph good"
    ]


def bulk(api: Api, text: str, **job: str) -> dict[str, Any]:
    """Run an ingest job to its end and return it."""
    made = api.call("POST", "/jobs/ingest", {"contentType": "CSV", "object": "CS_Profile__c", **job}).json()
    assert made["contentUrl"].startswith("services/data/")
    put = api.session.put(f"{api.url}/{made['contentUrl']}", data=text.encode(), timeout=30,
                          headers={"Content-Type": "text/csv"})  # fmt: skip
    assert put.status_code == 201
    path = f"/jobs/ingest/{made['id']}"
    api.call("PATCH", path, {"state": "UploadComplete"})
    while (found := api.call("GET", path).json())["state"] not in ("JobComplete", "Failed"):
        assert found["state"] == "InProgress"
    return found


def test_bulk_rows_fail_one_by_one_and_empty_is_not_null(api: Api) -> None:
    """An empty cell leaves the value, #N/A clears it, and a bad row is listed with its code."""
    api.call("PATCH", UPSERT, {"records": [row(f"bulk:{n}", CS_Health__c=5) for n in (1, 2, 3)]})
    text = "CS_Key__c,CS_Health__c,CS_Band__c\nbulk:1,,red\nbulk:2,#N/A,red\nbulk:3,6,blue\n"
    job = bulk(api, text, operation="upsert", externalIdFieldName="CS_Key__c")
    assert (job["state"], job["numberRecordsProcessed"], job["numberRecordsFailed"]) == ("JobComplete", 3, 1)
    soql = "SELECT CS_Health__c FROM CS_Profile__c WHERE CS_Key__c LIKE 'bulk:%' ORDER BY CS_Key__c"
    assert [r["CS_Health__c"] for r in api.rows(soql)] == [5.0, None, 5.0]
    failed = api.call("GET", f"/jobs/ingest/{job['id']}/failedResults").text.splitlines()
    assert failed[0] == '"sf__Id","sf__Error","CS_Key__c","CS_Health__c","CS_Band__c"'
    assert "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST" in failed[1]


def test_bulk_query_pages_by_locator_until_the_text_null(api: Api) -> None:
    """Three rows by two are two pages."""
    api.call("PATCH", UPSERT, {"records": [row(f"pages:{n}") for n in (1, 2, 3)]})
    soql = "SELECT CS_Key__c FROM CS_Profile__c WHERE CS_Key__c LIKE 'pages:%' ORDER BY CS_Key__c"
    job = api.call("POST", "/jobs/query", {"operation": "query", "query": soql}).json()["id"]
    while api.call("GET", f"/jobs/query/{job}").json()["state"] != "JobComplete":
        pass
    locator, seen = "", []
    while locator != "null":
        page = api.call(
            "GET", f"/jobs/query/{job}/results?maxRecords=2" + (f"&locator={locator}" if locator else "")
        )
        seen.append(page.text.splitlines()[1:])
        locator = page.headers["Sforce-Locator"]
    assert seen == [['"pages:1"', '"pages:2"'], ['"pages:3"']]


def test_validation_and_duplicate_rules_refuse_in_the_orgs_words(api: Api, salesforce: Any) -> None:
    """The customer's own message comes back; a duplicate is let through where rule and header allow it."""
    salesforce.control("POST", "/validation_rules", {"object": "Contact", "field_required": "Email",
                                                     "message": "Give an e-mail address"})  # fmt: skip
    body = {"LastName": "Rule", "Email": "rule@example.com"}
    assert api.refusal("POST", "/sobjects/Contact", {"LastName": "R"}) == (
        400, "FIELD_CUSTOM_VALIDATION_EXCEPTION", "Give an e-mail address")  # fmt: skip
    salesforce.control(
        "POST", "/duplicate_rules", {"object": "Contact", "fields": ["Email"], "allow_save": True}
    )
    assert api.call("POST", "/sobjects/Contact", body).status_code == 201
    assert api.refusal("POST", "/sobjects/Contact", body)[1] == "DUPLICATES_DETECTED"
    allowed = api.call(
        "POST", "/sobjects/Contact", body, headers={"Sforce-Duplicate-Rule-Header": "allowSave=true"}
    )
    assert allowed.status_code == 201


@pytest.mark.parametrize("part", ["json", "entity_content"])
def test_the_options_of_a_deploy_go_by_two_names(api: Api, part: str) -> None:
    """The guide's, and the one jsforce and Salesforce's CLI send; without either a deploy is refused."""
    files = {"package.xml": package()}
    options = '{"deployOptions": {"checkOnly": true}}'
    parts = {part: (None, options, "application/json"), "file": ("d.zip", zipped(files))}
    url = f"{api.data}/metadata/deployRequest"
    answer = api.session.post(url, files=parts, timeout=60)
    assert (answer.status_code, answer.json()["deployResult"]["checkOnly"]) == (201, True)
    refused = api.session.post(url, files={"file": ("d.zip", zipped(files))}, timeout=60)
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (400, "INVALID_MULTIPART_REQUEST")
