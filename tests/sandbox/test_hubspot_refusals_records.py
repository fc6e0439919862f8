"""What HubSpot refuses of records: paging, batches, create minimums (reference 1.1 and 1.2)."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from tests.sandbox.refusals import Case, refuses

OBJECTS = "/crm/objects/2026-09"
COMPANIES = f"{OBJECTS}/companies"
SURVEYS = f"{OBJECTS}/feedback_submissions"
NAMED = {"properties": {"name": "C"}}
WHEN = {"hs_timestamp": "2026-01-01T00:00:00Z"}
DEAL = {"dealname": "D", "dealstage": "qualifiedtobuy", "pipeline": "default"}
SERVICE = {"hs_name": "S", "hs_pipeline": "7f7d1a62-6c1f-4a54-8b70-2c5f0f2d3a11", "hs_pipeline_stage": "new"}
KEY = {"label": "K", "type": "string", "fieldType": "text", "groupName": "companyinformation"}
UNSET = "Some required properties were not set"
TOO_MANY = "The maximum number of inputs supported in a batch is 100"
VALIDATION = {"category": "VALIDATION_ERROR"}


def inputs(count: int, **part: Any) -> dict[str, Any]:
    """Return a batch of inputs with ids of their own."""
    return {"inputs": [{"id": str(number), "properties": {"name": "C"}, **part} for number in range(count)]}


def without(properties: dict[str, str], name: str) -> dict[str, Any]:
    """Return a create that lacks one property."""
    return {"properties": {key: value for key, value in properties.items() if key != name}}


CASES = [
    Case(
        "unknown-property",
        "POST",
        COMPANIES,
        {"properties": {"name": "C", "nope": "1"}},
        400,
        "PROPERTY_DOESNT_EXIST",
    ),
    Case("survey-create", "POST", SURVEYS, {"properties": {"hs_value": "9"}}, 400, "read-only", VALIDATION),
    Case("survey-update", "PATCH", f"{SURVEYS}/1", {"properties": {"hs_value": "9"}}, 400, "read-only"),
    Case("survey-archive", "POST", f"{SURVEYS}/batch/archive", {"inputs": [{"id": "1"}]}, 400, "read-only"),
    Case("unknown-record", "GET", f"{COMPANIES}/1", None, 404, "resource not found"),
    Case(
        "unknown-type",
        "GET",
        f"{OBJECTS}/spaceships",
        None,
        400,
        "Unable to infer object type from: spaceships",
    ),
    Case("list-101", "GET", f"{COMPANIES}?limit=101", None, 400, "101", VALIDATION),
    Case(
        "list-history-51",
        "GET",
        f"{COMPANIES}?limit=51&propertiesWithHistory=name",
        None,
        400,
        "51",
        VALIDATION,
    ),
    Case("create-no-properties", "POST", COMPANIES, {"name": "C"}, 400, "[properties]", VALIDATION),
    Case("batch-read-101", "POST", f"{COMPANIES}/batch/read", inputs(101), 400, TOO_MANY, VALIDATION),
    Case(
        "batch-read-history-51",
        "POST",
        f"{COMPANIES}/batch/read",
        {**inputs(51), "propertiesWithHistory": ["name"]},
        400,
        "a batch request for property histories is 50",
        VALIDATION,
    ),
    Case("batch-create-101", "POST", f"{COMPANIES}/batch/create", inputs(101), 400, TOO_MANY, VALIDATION),
    Case("batch-update-101", "POST", f"{COMPANIES}/batch/update", inputs(101), 400, TOO_MANY, VALIDATION),
    Case("batch-upsert-101", "POST", f"{COMPANIES}/batch/upsert", inputs(101, idProperty="k"), 400, TOO_MANY),
    Case("batch-archive-101", "POST", f"{COMPANIES}/batch/archive", inputs(101), 400, TOO_MANY, VALIDATION),
    Case("minimum-company", "POST", COMPANIES, {"properties": {"city": "Bonn"}}, 400, UNSET, VALIDATION),
    Case("minimum-deal-name", "POST", f"{OBJECTS}/deals", without(DEAL, "dealname"), 400, UNSET),
    Case("minimum-deal-stage", "POST", f"{OBJECTS}/deals", without(DEAL, "dealstage"), 400, UNSET),
    Case("minimum-deal-pipeline", "POST", f"{OBJECTS}/deals", without(DEAL, "pipeline"), 400, UNSET),
    Case(
        "minimum-ticket-subject",
        "POST",
        f"{OBJECTS}/tickets",
        {"properties": {"hs_pipeline_stage": "1"}},
        400,
        UNSET,
    ),
    Case("minimum-ticket-stage", "POST", f"{OBJECTS}/tickets", {"properties": {"subject": "T"}}, 400, UNSET),
    Case(
        "minimum-task",
        "POST",
        f"{OBJECTS}/tasks",
        {"properties": {"hs_task_subject": "T"}},
        400,
        "hs_timestamp",
    ),
    Case(
        "minimum-note", "POST", f"{OBJECTS}/notes", {"properties": {"hs_note_body": "N"}}, 400, "hs_timestamp"
    ),
    Case(
        "minimum-call",
        "POST",
        f"{OBJECTS}/calls",
        {"properties": {"hs_call_title": "C"}},
        400,
        "hs_timestamp",
    ),
    Case(
        "minimum-email",
        "POST",
        f"{OBJECTS}/emails",
        {"properties": {"hs_email_subject": "E"}},
        400,
        "hs_timestamp",
    ),
    Case(
        "minimum-meeting",
        "POST",
        f"{OBJECTS}/meetings",
        {"properties": {"hs_meeting_title": "M"}},
        400,
        "hs_timestamp",
    ),
    Case(
        "minimum-quote-title",
        "POST",
        f"{OBJECTS}/quotes",
        {"properties": {"hs_expiration_date": "2026-01-01"}},
        400,
        "hs_title",
    ),
    Case(
        "minimum-quote-expiration",
        "POST",
        f"{OBJECTS}/quotes",
        {"properties": {"hs_title": "Q"}},
        400,
        "hs_expiration_date",
    ),
    Case("minimum-service-name", "POST", f"{OBJECTS}/0-162", without(SERVICE, "hs_name"), 400, "hs_name"),
    Case(
        "minimum-service-pipeline",
        "POST",
        f"{OBJECTS}/0-162",
        without(SERVICE, "hs_pipeline"),
        400,
        "hs_pipeline",
    ),
    Case(
        "minimum-service-stage",
        "POST",
        f"{OBJECTS}/0-162",
        without(SERVICE, "hs_pipeline_stage"),
        400,
        "hs_pipeline_stage",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_hubspot_refuses(hubspot: Any, case: Case) -> None:
    """One request, refused in HubSpot's way."""
    case.check(hubspot)


@pytest.mark.parametrize(
    ("object_name", "properties"),
    [
        ("companies", {"domain": "only.example"}),
        ("deals", DEAL),
        ("tickets", {"subject": "T", "hs_pipeline_stage": "1"}),
        ("tasks", WHEN),
        ("notes", WHEN),
        ("calls", WHEN),
        ("emails", WHEN),
        ("meetings", WHEN),
        ("quotes", {"hs_title": "Q", "hs_expiration_date": "2026-01-01"}),
        ("0-162", SERVICE),
    ],
)
def test_the_minimum_itself_is_enough(hubspot: Any, object_name: str, properties: dict[str, str]) -> None:
    """Nothing but what the guide asks for makes a record, so the refusals above are about what lacks."""
    answer = hubspot.call("POST", f"{OBJECTS}/{object_name}", {"properties": properties})
    assert answer.status_code == 201, answer.text


@pytest.fixture(scope="module")
def key(hubspot: Any) -> str:
    """Give a unique property of companies."""
    body = {**KEY, "name": "refusal_key", "hasUniqueValue": True}
    assert hubspot.call("POST", "/crm/properties/2026-09/companies", body).status_code == 201
    return "refusal_key"


def rows(key: str, *names: str, trace: bool = False, bad: str = "") -> list[dict[str, Any]]:
    """Return upsert inputs; the one called ``bad`` names a property that does not exist."""
    made: list[dict[str, Any]] = []
    for name in names:
        properties = {"name": name, **({"nope": "1"} if name == bad else {})}
        row = {"id": name, "idProperty": key, "properties": properties}
        made.append({**row, "objectWriteTraceId": f"trace-{name}"} if trace else row)
    return made


def batch(
    hubspot: Any, verb: str, given: list[dict[str, Any]], object_name: str = "companies"
) -> requests.Response:
    """Send a batch."""
    answer: requests.Response = hubspot.call(
        "POST", f"{OBJECTS}/{object_name}/batch/{verb}", {"inputs": given}
    )
    return answer


def make(hubspot: Any, **properties: str) -> str:
    """Make a company and return its id."""
    return str(hubspot.call("POST", COMPANIES, {"properties": {"name": "C", **properties}}).json()["id"])


@refuses("batch-read-associations")
def test_a_batch_read_answers_no_associations(hubspot: Any) -> None:
    """The list of associations asked for is passed over; a single read of the record has them."""
    one, deal = make(hubspot), hubspot.call("POST", f"{OBJECTS}/deals", {"properties": DEAL}).json()["id"]
    hubspot.call("PUT", f"{COMPANIES}/{one}/associations/default/deals/{deal}")
    body = {"inputs": [{"id": one}], "properties": ["name"], "associations": ["deals"]}
    (found,) = hubspot.call("POST", f"{COMPANIES}/batch/read", body).json()["results"]
    assert "associations" not in found
    assert "associations" in hubspot.call("GET", f"{COMPANIES}/{one}?associations=deals").json()


@refuses("batch-read-missing")
def test_missing_ids_of_a_batch_read_are_errors_of_a_207(hubspot: Any) -> None:
    """The others are answered."""
    one = make(hubspot)
    answer = batch(hubspot, "read", [{"id": one}, {"id": "7"}])
    body = answer.json()
    assert (answer.status_code, body["status"], body["numErrors"]) == (207, "COMPLETE", 1)
    assert (body["errors"][0]["category"], body["errors"][0]["context"]) == (
        "OBJECT_NOT_FOUND",
        {"ids": ["7"]},
    )
    assert [row["id"] for row in body["results"]] == [one]


@refuses("upsert-whole")
def test_without_trace_ids_one_bad_input_refuses_all(hubspot: Any, key: str) -> None:
    """Nothing of the batch is written."""
    answer = batch(hubspot, "upsert", rows(key, "whole-a", "whole-b", bad="whole-b"))
    assert (answer.status_code, answer.json()["category"]) == (400, "VALIDATION_ERROR")
    assert hubspot.call("GET", f"{COMPANIES}/whole-a?idProperty={key}").status_code == 404


@refuses("upsert-traced")
def test_with_trace_ids_the_bad_input_alone_is_refused(hubspot: Any, key: str) -> None:
    """The answer is 207, and the error names the trace."""
    answer = batch(hubspot, "upsert", rows(key, "traced-a", "traced-b", trace=True, bad="traced-b"))
    body = answer.json()
    assert (answer.status_code, body["numErrors"]) == (207, 1)
    assert body["errors"][0]["context"]["objectWriteTraceId"] == ["trace-traced-b"]
    assert [(row["objectWriteTraceId"], row["new"]) for row in body["results"]] == [("trace-traced-a", True)]


@refuses("create-traced")
def test_a_batch_create_with_trace_ids_refuses_the_bad_input_alone(hubspot: Any) -> None:
    """The good one is made."""
    given = [
        {"properties": {"name": "good"}, "objectWriteTraceId": "t1"},
        {"properties": {"city": "Bonn"}, "objectWriteTraceId": "t2"},
    ]
    answer = batch(hubspot, "create", given)
    assert (answer.status_code, answer.json()["numErrors"]) == (207, 1)
    assert answer.json()["errors"][0]["context"]["objectWriteTraceId"] == ["t2"]
    assert answer.json()["results"][0]["objectWriteTraceId"] == "t1"


@refuses("update-traced")
def test_a_batch_update_with_trace_ids_refuses_the_bad_inputs_alone(hubspot: Any) -> None:
    """A record that is not there and a value that is none, each by its trace."""
    ids = [make(hubspot), "7", make(hubspot)]
    values: list[dict[str, str]] = [{"city": "Ulm"}, {"city": "Ulm"}, {"numberofemployees": "many"}]
    given = [
        {"id": one, "properties": value, "objectWriteTraceId": f"t{number}"}
        for number, (one, value) in enumerate(zip(ids, values, strict=True))
    ]
    answer = batch(hubspot, "update", given)
    assert answer.status_code == 207
    failed = {
        error["context"]["objectWriteTraceId"][0]: error["category"] for error in answer.json()["errors"]
    }
    assert failed == {"t1": "OBJECT_NOT_FOUND", "t2": "VALIDATION_ERROR"}
    assert [row["properties"]["city"] for row in answer.json()["results"]] == ["Ulm"]


@refuses("upsert-duplicates")
def test_an_id_twice_refuses_the_batch_trace_ids_or_not(hubspot: Any, key: str) -> None:
    """The answer names the id."""
    given = rows(key, "same", "same", trace=True)
    given[1]["objectWriteTraceId"] = "trace-other"
    answer = batch(hubspot, "upsert", given)
    assert (answer.status_code, answer.json()["context"]) == (400, {"ids": ["same"]})
    assert answer.json()["message"] == "Duplicate IDs found in batch input: [same]. IDs must be unique"


def refused_as_non_unique(hubspot: Any, verb: str, object_name: str, type_id: str, name: str) -> None:
    """Send one input by a property that is not unique; the refusal is HubSpot's own text."""
    given = [{"id": "x", "idProperty": name, "properties": {}, "objectWriteTraceId": "t"}]
    answer = batch(hubspot, verb, given, object_name)
    text = f"Unable to perform update/upsert by non-unique {type_id} property {name}"
    assert (answer.status_code, answer.json()["message"]) == (400, text)


@refuses("upsert-company-domain")
def test_a_companys_domain_is_not_unique(hubspot: Any) -> None:
    """Companies can't be upserted by their domain."""
    refused_as_non_unique(hubspot, "upsert", "companies", "0-2", "domain")


@refuses("upsert-company-name")
def test_a_companys_name_is_not_unique(hubspot: Any) -> None:
    """Companies can't be upserted by their name."""
    refused_as_non_unique(hubspot, "upsert", "companies", "0-2", "name")


@refuses("upsert-deal-name")
def test_a_deals_name_is_not_unique(hubspot: Any) -> None:
    """Deals can't be upserted by their name."""
    refused_as_non_unique(hubspot, "upsert", "deals", "0-3", "dealname")


@refuses("update-non-unique")
def test_a_batch_update_wants_a_unique_property_too(hubspot: Any) -> None:
    """The wording is that of the upsert."""
    refused_as_non_unique(hubspot, "update", "companies", "0-2", "domain")


@refuses("upsert-email-whole")
def test_there_is_no_partial_upsert_by_email(hubspot: Any) -> None:
    """One bad contact refuses the batch, though every input has a trace id."""
    given = rows("email", "a@partial.example", "b@partial.example", trace=True)
    for row in given:
        row["properties"] = {"firstname": "F"}
    given[1]["properties"]["nope"] = "1"
    assert batch(hubspot, "upsert", given, "contacts").status_code == 400
    del given[1]["properties"]["nope"]
    assert batch(hubspot, "upsert", given, "contacts").status_code == 200


@refuses("contact-exists")
def test_a_contact_with_the_email_of_another_is_a_409(hubspot: Any) -> None:
    """The message names the one that exists; emails are kept in lower case."""
    path = f"{OBJECTS}/contacts"
    first = hubspot.call("POST", path, {"properties": {"email": "Ann@Refused.example"}}).json()
    answer = hubspot.call("POST", path, {"properties": {"email": "ann@refused.EXAMPLE"}})
    assert first["properties"]["email"] == "ann@refused.example"
    assert (answer.status_code, answer.json()["category"]) == (409, "CONFLICT")
    assert answer.json()["message"] == f"Contact already exists. Existing ID: {first['id']}"


@refuses("merged-batch-update")
def test_a_merged_id_works_in_a_single_update_and_not_in_a_batch(hubspot: Any) -> None:
    """Also when the survivor was merged again."""
    first, second, third = (make(hubspot) for _ in range(3))
    for primary, other in ((second, first), (third, second)):
        merged = {"primaryObjectId": primary, "objectIdToMerge": other}
        assert hubspot.call("POST", f"{COMPANIES}/merge", merged).status_code == 200
    single = hubspot.call("PATCH", f"{COMPANIES}/{first}", {"properties": {"city": "Ulm"}})
    assert (single.status_code, single.json()["id"]) == (200, third)
    answer = batch(hubspot, "update", [{"id": first, "properties": {"city": "Bonn"}}])
    assert (answer.status_code, answer.json()["errors"][0]["category"]) == (207, "OBJECT_NOT_FOUND")
