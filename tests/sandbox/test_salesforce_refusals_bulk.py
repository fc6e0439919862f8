"""What Salesforce refuses of Bulk 2.0 jobs, their files and their rows (reference 1.3)."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
import requests

from tests.sandbox.salesforce_refusals import Case, refuses
from tests.sandbox.salesforce_session import Api, profile_package

INGEST = "/jobs/ingest"
QUERY = "/jobs/query"
JOB = {
    "object": "CS_Profile__c",
    "operation": "upsert",
    "externalIdFieldName": "CS_Key__c",
    "contentType": "CSV",
}


@pytest.fixture(scope="module")
def api(salesforce: Any) -> Api:
    """Give a session on an org where the profile object is deployed and granted."""
    api = Api(salesforce.url)
    assert api.deploy(profile_package())["status"] == "Succeeded"
    api.grant("CS_Integration")
    return api


def job(**changes: Any) -> dict[str, Any]:
    """Return the body of an ingest job with something else in it; ``None`` leaves it out."""
    return {name: value for name, value in {**JOB, **changes}.items() if value is not None}


def asked(soql: str, operation: str = "query") -> dict[str, str]:
    """Return the body of a query job."""
    return {"operation": operation, "query": soql}


CASES = [
    Case("job-object", "POST", INGEST, job(object="Nope__c"), 400, "INVALIDENTITY", "Nope__c"),
    Case("job-operation", "POST", INGEST, job(operation="merge"), 400, "INVALIDOPERATION", "merge"),
    Case("job-hard-delete", "POST", INGEST, job(operation="hardDelete"), 400, "FEATURENOTENABLED"),
    Case("job-no-key", "POST", INGEST, job(externalIdFieldName=None), 400, "INVALIDJOB"),
    Case("job-key", "POST", INGEST, job(externalIdFieldName="CS_Band__c"), 404, "NOT_FOUND", "CS_Band__c"),
    Case("job-content-type", "POST", INGEST, job(contentType="JSON"), 400, "INVALIDJOB"),
    Case("job-line-ending", "POST", INGEST, job(lineEnding="CR"), 400, "INVALIDJOB", "CR"),
    Case("job-unknown", "GET", f"{INGEST}/750000000000000AAA", None, 404, "NOT_FOUND"),
    Case(
        "bulk-query-operation", "POST", QUERY, asked("SELECT Id FROM Account", "x"), 400, "INVALIDOPERATION"
    ),
    Case("bulk-query-malformed", "POST", QUERY, asked("SELECT FROM"), 400, "MALFORMED_QUERY"),
    Case(
        "bulk-query-offset", "POST", QUERY, asked("SELECT Id FROM Account LIMIT 1 OFFSET 1"), 400, "API_ERROR"
    ),
    Case(
        "bulk-query-fields", "POST", QUERY, asked("SELECT FIELDS(ALL) FROM Account LIMIT 1"), 400, "API_ERROR"
    ),
    Case(
        "bulk-query-delimiter",
        "POST",
        QUERY,
        asked("SELECT Id FROM Account") | {"columnDelimiter": "SPACE"},
        400,
        "INVALIDJOB",
        "SPACE",
    ),
    Case("bulk-query-count", "POST", QUERY, asked("SELECT COUNT() FROM Account"), 400, "API_ERROR"),
    Case(
        "bulk-query-children",
        "POST",
        QUERY,
        asked("SELECT Id, (SELECT Id FROM Contacts) FROM Account"),
        400,
        "API_ERROR",
        "subqueries",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_is_refused(api: Api, case: Case) -> None:
    """One request, refused whole with the vendor's code."""
    case.check(api)


def opened(api: Api, **changes: Any) -> str:
    """Open an ingest job; return its path."""
    return f"{INGEST}/{api.call('POST', INGEST, job(**changes)).json()['id']}"


def upload(api: Api, path: str, data: bytes, kind: str = "text/csv") -> requests.Response:
    """Send a job's file."""
    headers = {"Content-Type": kind}
    return api.session.put(f"{api.data}{path}/batches", data=data, headers=headers, timeout=120)


def ended(api: Api, text: str, **changes: Any) -> tuple[str, dict[str, Any]]:
    """Run a job to its end; return its path and what it says of itself."""
    path = opened(api, **changes)
    assert upload(api, path, text.encode()).status_code == 201
    assert api.call("PATCH", path, {"state": "UploadComplete"}).status_code == 200
    while (found := api.call("GET", path).json())["state"] not in ("JobComplete", "Failed"):
        assert found["state"] == "InProgress"
    return path, found


def failed_rows(api: Api, path: str) -> list[dict[str, str]]:
    """Return the rows a job refused."""
    text = api.call("GET", f"{path}/failedResults").text
    return list(csv.DictReader(io.StringIO(text, newline="")))


def only_error(api: Api, text: str) -> str:
    """Return the error of the one bad row of a file whose other row, ``good``, is written."""
    path, found = ended(api, text)
    assert (found["state"], found["numberRecordsProcessed"], found["numberRecordsFailed"]) == (
        "JobComplete", 2, 1)  # fmt: skip
    (bad,) = failed_rows(api, path)
    assert '"good' in api.call("GET", f"{path}/successfulResults").text
    return bad["sf__Error"]


def code_of(answer: requests.Response) -> tuple[int, str]:
    """Return status and code of a refusal."""
    return answer.status_code, answer.json()[0]["errorCode"]


@refuses("upload-content-type")
def test_an_upload_is_a_csv(api: Api) -> None:
    """JSON is no CSV."""
    assert code_of(upload(api, opened(api), b"{}", "application/json")) == (415, "INVALIDBATCH")


@refuses("upload-twice")
def test_a_job_takes_one_upload(api: Api) -> None:
    """The second is refused, and the first counts."""
    path = opened(api)
    upload(api, path, b"CS_Key__c\ntwice:1\n")
    assert code_of(upload(api, path, b"CS_Key__c\ntwice:2\n")) == (400, "INVALIDJOBSTATE")


@refuses("upload-too-large")
def test_an_upload_has_at_most_150_megabytes(api: Api) -> None:
    """One byte more is refused."""
    assert code_of(upload(api, opened(api), b"x" * 150_000_001)) == (413, "EXCEEDEDSIZE")


@refuses("job-closed-twice")
def test_a_job_is_closed_once(api: Api) -> None:
    """Its state has moved on."""
    path, _ = ended(api, "CS_Key__c\nclosed\n")
    assert code_of(api.call("PATCH", path, {"state": "UploadComplete"})) == (400, "INVALIDJOBSTATE")


@refuses("job-abort-ended")
def test_an_ended_job_cannot_be_aborted(api: Api) -> None:
    """What is done is done."""
    path, _ = ended(api, "CS_Key__c\naborted\n")
    assert code_of(api.call("PATCH", path, {"state": "Aborted"})) == (400, "INVALIDJOBSTATE")


def test_a_job_under_way_can_be_aborted_and_what_it_did_stays(api: Api) -> None:
    """Its results tell the rows it has done by then."""
    path = opened(api)
    upload(api, path, b"CS_Key__c\nunderway\n")
    api.call("PATCH", path, {"state": "UploadComplete"})
    assert api.call("PATCH", path, {"state": "Aborted"}).json()["state"] == "Aborted"
    found = api.call("GET", path).json()
    assert (found["state"], found["numberRecordsProcessed"]) == ("Aborted", 1)
    assert "underway" in api.call("GET", f"{path}/successfulResults").text


@refuses("job-delete-open")
def test_an_open_job_cannot_be_deleted(api: Api) -> None:
    """It is to be aborted first."""
    path = opened(api)
    assert code_of(api.call("DELETE", path)) == (400, "INVALIDJOBSTATE")
    assert api.call("PATCH", path, {"state": "Aborted"}).json()["state"] == "Aborted"
    assert api.call("DELETE", path).status_code == 204


@refuses("job-column")
def test_an_unknown_column_fails_the_job(api: Api) -> None:
    """Nothing is written, and every row is among the unprocessed ones."""
    path, found = ended(api, "CS_Key__c,Nope__c\ncolumn:1,x\ncolumn:2,y\n")
    assert (found["state"], found["errorMessage"]) == (
        "Failed",
        "InvalidBatch : Field name not found : Nope__c",
    )
    left = api.call("GET", f"{path}/unprocessedrecords").text.splitlines()
    assert left == ['"CS_Key__c","Nope__c"', '"column:1","x"', '"column:2","y"']
    assert api.rows("SELECT Id FROM CS_Profile__c WHERE CS_Key__c LIKE 'column:%'") == []


@refuses("upload-line-ending")
def test_a_file_ends_its_lines_as_its_job_says(api: Api) -> None:
    """CRLF in a job of LF fails the job; in a job of CRLF it is right."""
    _, found = ended(api, "CS_Key__c\r\nending:1\r\n")
    words = "ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is LF"
    assert (found["state"], found["errorMessage"]) == ("Failed", words)
    assert ended(api, "CS_Key__c\r\nending:1\r\n", lineEnding="CRLF")[1]["state"] == "JobComplete"


@refuses("upload-column-twice")
def test_a_column_given_twice_fails_the_job(api: Api) -> None:
    """Neither of its values is taken."""
    _, found = ended(api, "CS_Key__c,Name,name\ntwice:1,x,y\n")
    assert (found["state"], found["errorMessage"][:12]) == ("Failed", "InvalidBatch")
    assert api.rows("SELECT Id FROM CS_Profile__c WHERE CS_Key__c = 'twice:1'") == []


@refuses("row-insert-id")
def test_an_inserted_row_brings_no_id(api: Api) -> None:
    """It would be another record than the one it names."""
    accounts = {"object": "Account", "operation": "insert", "externalIdFieldName": None}
    path, found = ended(api, "Id,Name\n001000000000000AAA,Named\n", **accounts)
    assert (found["state"], found["numberRecordsFailed"]) == ("JobComplete", 1)
    assert failed_rows(api, path)[0]["sf__Error"].startswith("INVALID_FIELD_FOR_INSERT_UPDATE:")


@refuses("results-early")
@pytest.mark.parametrize("which", ["successfulResults", "failedResults", "unprocessedrecords"])
def test_results_come_at_the_end(api: Api, which: str) -> None:
    """An open job has none."""
    assert code_of(api.call("GET", f"{opened(api)}/{which}")) == (400, "INVALIDJOBSTATE")


@refuses("results-other")
def test_there_are_three_result_files(api: Api) -> None:
    """Another name is not found."""
    path, _ = ended(api, "CS_Key__c\nother\n")
    assert code_of(api.call("GET", f"{path}/allResults")) == (404, "NOT_FOUND")


@refuses("row-refused")
def test_a_complete_job_may_hold_refused_rows(api: Api) -> None:
    """Code, words and field stand in one cell."""
    words = only_error(api, "CS_Key__c,CS_Band__c\ngood:1,red\nbad:1,blue\n")
    assert words.startswith("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST:")
    assert words.endswith(":CS_Band__c --")


@refuses("row-width")
def test_a_row_has_the_headers_width(api: Api) -> None:
    """A cell too many refuses its row."""
    assert only_error(api, "CS_Key__c,CS_Band__c\ngood:2,red\nbad:2,red,red\n").startswith("MALFORMED_CSV:")


@refuses("row-space-quote")
def test_a_space_before_quotes_refuses_the_row(api: Api) -> None:
    """It is neither trimmed nor taken for a part of the value."""
    assert only_error(api, 'CS_Key__c,CS_Band__c\ngood:3,"red"\nbad:3, "red"\n').startswith("MALFORMED_CSV:")


@refuses("row-parent")
def test_a_parents_key_that_is_not_there_refuses_the_row(api: Api) -> None:
    """A lookup by external key finds its record or nothing is written."""
    accounts = {"object": "Account", "operation": "insert", "externalIdFieldName": None}
    path, found = ended(api, "Name,CS_Profile__r.CS_Key__c\nOrphan,nobody\n", **accounts)
    assert (found["state"], found["numberRecordsFailed"]) == ("JobComplete", 1)
    assert "Foreign key external ID: nobody not found" in failed_rows(api, path)[0]["sf__Error"]
    assert api.rows("SELECT Id FROM Account WHERE Name = 'Orphan'") == []


@refuses("row-field-32001")
def test_a_field_has_at_most_32000_characters(api: Api) -> None:
    """The row is refused, its neighbour is written."""
    assert "32000" in only_error(api, f"CS_Key__c,Name\ngood:4,x\nbad:4,{'x' * 32_001}\n")


@refuses("row-400001")
def test_a_row_has_at_most_400000_characters(api: Api) -> None:
    """However many fields they are spread over."""
    cells = ",".join(["x" * 100_000] * 4)
    header = "CS_Key__c,Name,CS_Band__c,CS_Health__c,CS_Account__c"
    assert "400000" in only_error(api, f"{header}\ngood:5,,,,\nbad:5,{cells}\n")


def query_job(api: Api) -> str:
    """Start a query job; return its path."""
    return f"{QUERY}/{api.call('POST', QUERY, asked('SELECT Id FROM Account')).json()['id']}"


@refuses("bulk-query-early")
def test_a_query_gives_its_rows_when_it_has_ended(api: Api) -> None:
    """Not before."""
    assert code_of(api.call("GET", f"{query_job(api)}/results")) == (400, "INVALIDJOBSTATE")


def ended_query(api: Api) -> str:
    """Run a query job to its end; return its path."""
    path = query_job(api)
    while api.call("GET", path).json()["state"] != "JobComplete":
        pass
    return path


@refuses("bulk-query-locator")
def test_a_locator_is_one_the_org_gave(api: Api) -> None:
    """Another one is refused."""
    answer = api.call("GET", f"{ended_query(api)}/results?locator=nope")
    assert code_of(answer) == (400, "INVALID_QUERY_LOCATOR")


@refuses("bulk-query-records")
@pytest.mark.parametrize("asked_for", ["0", "many"])
def test_a_page_has_a_number_of_records(api: Api, asked_for: str) -> None:
    """It is one at least."""
    answer = api.call("GET", f"{ended_query(api)}/results?maxRecords={asked_for}")
    assert code_of(answer) == (400, "INVALID_QUERY_LOCATOR")


def test_an_ended_query_is_deleted(api: Api) -> None:
    """It is not there any more."""
    path = ended_query(api)
    assert api.call("DELETE", path).status_code == 204
    assert api.call("GET", path).status_code == 404


@refuses("bulk-query-abort")
def test_an_ended_query_cannot_be_aborted(api: Api) -> None:
    """It is to be deleted."""
    assert code_of(api.call("PATCH", ended_query(api), {"state": "Aborted"})) == (400, "INVALIDJOBSTATE")
