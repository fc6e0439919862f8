"""What HubSpot takes, refuses and answers for records; rules from its object and property guides."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

COMPANIES = "/crm/objects/2026-09/companies"


def make_key(
    hubspot: Any, name: str, object_name: str = "companies", group: str = "companyinformation"
) -> str:
    """Make a text property with unique values and return its name."""
    body = {"name": name, "label": name, "type": "string", "fieldType": "text", "groupName": group}
    answer = hubspot.call("POST", f"/crm/properties/2026-09/{object_name}", {**body, "hasUniqueValue": True})
    assert answer.status_code == 201, answer.text
    return name


@pytest.fixture(scope="module")
def key(hubspot: Any) -> str:
    """Give a unique company property."""
    return make_key(hubspot, "own_key")


def upsert(hubspot: Any, inputs: list[dict[str, Any]]) -> Any:
    """Upsert companies."""
    return hubspot.call("POST", f"{COMPANIES}/batch/upsert", {"inputs": inputs})


def rows(key: str, *names: str, trace: bool = True) -> list[dict[str, Any]]:
    """Return upsert inputs for these keys."""
    made = [{"id": name, "idProperty": key, "properties": {"name": name}} for name in names]
    return [{**row, "objectWriteTraceId": f"t-{row['id']}"} for row in made] if trace else made


def test_a_create_answers_201_with_the_flat_record(hubspot: Any) -> None:
    """A create answers 201 and the record itself, with string values."""
    answer = hubspot.call("POST", COMPANIES, {"properties": {"name": "Flat", "numberofemployees": 12}})
    assert answer.status_code == 201
    assert answer.json()["properties"]["numberofemployees"] == "12"
    assert answer.json()["archived"] is False


def test_an_unknown_property_refuses_the_write_and_names_it(hubspot: Any) -> None:
    """A property that does not exist gives 400 PROPERTY_DOESNT_EXIST with its name in the context."""
    answer = hubspot.call("POST", COMPANIES, {"properties": {"name": "X", "nope": "1"}})
    assert answer.status_code == 400
    assert answer.json()["category"] == "VALIDATION_ERROR"
    assert answer.json()["errors"][0]["code"] == "PROPERTY_DOESNT_EXIST"
    assert answer.json()["errors"][0]["context"] == {"propertyName": ["nope"]}


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("industry", "Basket weaving", "INVALID_OPTION"),
        ("numberofemployees", "many", "INVALID_INTEGER"),
        ("hs_lastmodifieddate", "2024-01-01", "READ_ONLY_VALUE"),
        ("hubspot_owner_id", "1", "INVALID_OWNER_ID"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(hubspot: Any, name: str, value: str, code: str) -> None:
    """Options, numbers, system values and owners are checked."""
    answer = hubspot.call("POST", COMPANIES, {"properties": {"name": "X", name: value}})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, code)


def test_a_company_needs_a_name_or_a_domain(hubspot: Any) -> None:
    """The create minimum of a company is its name or its domain."""
    answer = hubspot.call("POST", COMPANIES, {"properties": {"city": "Bonn"}})
    assert answer.status_code == 400
    assert "Some required properties were not set" in answer.json()["message"]


def test_a_deal_stage_must_be_one_of_its_pipeline(hubspot: Any) -> None:
    """A stage the pipeline does not have is no option."""
    deal = {"dealname": "D", "pipeline": "default", "dealstage": "elsewhere"}
    answer = hubspot.call("POST", "/crm/objects/2026-09/deals", {"properties": deal})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "INVALID_OPTION")


def test_winning_a_deal_closes_it(hubspot: Any) -> None:
    """HubSpot itself marks a deal in a stage of probability 1 as closed and won."""
    deal = {"dealname": "D", "pipeline": "default", "dealstage": "closedwon"}
    made = hubspot.call("POST", "/crm/objects/2026-09/deals", {"properties": deal}).json()["properties"]
    assert (made["hs_is_closed"], made["hs_is_closed_won"]) == ("true", "true")


def test_a_second_contact_with_an_email_is_a_conflict(hubspot: Any) -> None:
    """The 409 names the contact that has the email, whatever its case."""
    path = "/crm/v3/objects/contacts"
    first = hubspot.call("POST", path, {"properties": {"email": "Ann@example.com"}}).json()
    assert first["properties"]["email"] == "ann@example.com"
    second = hubspot.call("POST", path, {"properties": {"email": "ann@EXAMPLE.com"}})
    assert second.status_code == 409
    assert second.json()["message"] == f"Contact already exists. Existing ID: {first['id']}"


def test_a_write_that_changes_nothing_leaves_the_modified_time(hubspot: Any) -> None:
    """The modified time moves on a real change only."""
    made = hubspot.call("POST", COMPANIES, {"properties": {"name": "Still"}}).json()
    same = hubspot.call("PATCH", f"{COMPANIES}/{made['id']}", {"properties": {"name": "Still"}}).json()
    moved = hubspot.call("PATCH", f"{COMPANIES}/{made['id']}", {"properties": {"name": "Moved"}}).json()
    assert same["updatedAt"] == made["updatedAt"]
    assert _instant(moved["updatedAt"]) > _instant(made["updatedAt"])


def _instant(text: str) -> datetime:
    """HubSpot leaves milliseconds out where there are none, so such texts do not sort by time."""
    return datetime.fromisoformat(text)


def test_an_empty_text_clears_a_value_and_history_keeps_it(hubspot: Any) -> None:
    """Clearing is writing the empty text; the versions say who wrote what."""
    made = hubspot.call("POST", COMPANIES, {"properties": {"name": "H", "city": "Bonn"}}).json()
    hubspot.call("PATCH", f"{COMPANIES}/{made['id']}", {"properties": {"city": ""}})
    read = hubspot.call("GET", f"{COMPANIES}/{made['id']}?properties=city&propertiesWithHistory=city").json()
    assert read["properties"]["city"] is None
    versions = read["propertiesWithHistory"]["city"]
    assert [one["value"] for one in versions] == ["", "Bonn"]
    assert versions[0]["sourceType"] == "INTEGRATION"


def test_an_archived_record_is_gone_from_reads_but_listed_as_archived(hubspot: Any) -> None:
    """A delete is 204; the record answers only to archived=true."""
    made = hubspot.call("POST", COMPANIES, {"properties": {"name": "Gone"}}).json()
    assert hubspot.call("DELETE", f"{COMPANIES}/{made['id']}").status_code == 204
    assert hubspot.call("GET", f"{COMPANIES}/{made['id']}").status_code == 404
    found = hubspot.call("GET", f"{COMPANIES}?archived=true&limit=100").json()["results"]
    assert made["id"] in [row["id"] for row in found]


def test_an_upsert_makes_then_changes_and_says_which(hubspot: Any, key: str) -> None:
    """The first upsert of a key makes the record, the second one changes it."""
    first = upsert(hubspot, rows(key, "up-1")).json()["results"][0]
    second = upsert(hubspot, rows(key, "up-1")).json()["results"][0]
    assert (first["new"], second["new"]) == (True, False)
    assert first["id"] == second["id"]
    assert first["properties"][key] == "up-1"


def test_upsert_results_carry_trace_ids_and_do_not_keep_input_order(hubspot: Any, key: str) -> None:
    """Results are to be matched by trace id, never by position."""
    names = [f"order-{number:02d}" for number in range(40)]
    results = upsert(hubspot, rows(key, *names)).json()["results"]
    traces = [row["objectWriteTraceId"] for row in results]
    assert sorted(traces) == [f"t-{name}" for name in names]
    assert traces != [f"t-{name}" for name in names]


def test_one_bad_input_refuses_a_batch_without_trace_ids(hubspot: Any, key: str) -> None:
    """Without trace ids nothing of the batch is written."""
    inputs = rows(key, "whole-1", "whole-2", trace=False)
    inputs[1]["properties"]["nope"] = "1"
    assert upsert(hubspot, inputs).status_code == 400
    assert hubspot.call("GET", f"{COMPANIES}/whole-1?idProperty={key}").status_code == 404


def test_one_bad_input_fails_alone_with_trace_ids(hubspot: Any, key: str) -> None:
    """With trace ids the answer is 207: the good one written, the bad one named by its trace id."""
    inputs = rows(key, "alone-1", "alone-2")
    inputs[1]["properties"]["nope"] = "1"
    answer = upsert(hubspot, inputs)
    assert answer.status_code == 207
    assert [row["objectWriteTraceId"] for row in answer.json()["results"]] == ["t-alone-1"]
    assert answer.json()["numErrors"] == 1
    assert answer.json()["errors"][0]["context"]["objectWriteTraceId"] == ["t-alone-2"]


def test_the_same_id_twice_refuses_the_batch_even_with_trace_ids(hubspot: Any, key: str) -> None:
    """Duplicate ids are refused whole, and named."""
    inputs = rows(key, "twice", "twice")
    inputs[1]["objectWriteTraceId"] = "t-other"
    answer = upsert(hubspot, inputs)
    assert answer.status_code == 400
    assert answer.json()["message"] == "Duplicate IDs found in batch input: [twice]. IDs must be unique"
    assert answer.json()["context"] == {"ids": ["twice"]}


def test_upsert_by_a_property_that_is_not_unique_is_refused(hubspot: Any) -> None:
    """A company's domain is not unique to HubSpot."""
    answer = upsert(hubspot, [{"id": "a.com", "idProperty": "domain", "properties": {"name": "A"}}])
    assert answer.status_code == 400
    assert answer.json()["message"] == "Unable to perform update/upsert by non-unique 0-2 property domain"


def test_a_batch_takes_100_inputs_and_no_more(hubspot: Any, key: str) -> None:
    """101 inputs are refused."""
    names = [f"cap-{number}" for number in range(101)]
    assert upsert(hubspot, rows(key, *names)).status_code == 400
    assert upsert(hubspot, rows(key, *names[:100])).status_code == 200


def test_a_unique_value_of_another_record_is_refused(hubspot: Any, key: str) -> None:
    """Writing a value that another record holds names the other record."""
    holder = upsert(hubspot, rows(key, "held")).json()["results"][0]
    other = upsert(hubspot, rows(key, "free")).json()["results"][0]
    answer = hubspot.call("PATCH", f"{COMPANIES}/{other['id']}", {"properties": {key: "held"}})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["code"] == "CONFLICTING_UNIQUE_VALUE"
    assert f"{holder['id']} already has that value" in answer.json()["errors"][0]["message"]


def test_a_batch_read_lists_missing_ids_in_a_207(hubspot: Any) -> None:
    """Ids that do not exist do not fail the read of the others."""
    made = hubspot.call("POST", COMPANIES, {"properties": {"name": "There"}}).json()
    body = {"properties": ["name"], "inputs": [{"id": made["id"]}, {"id": "99"}]}
    answer = hubspot.call("POST", f"{COMPANIES}/batch/read", body)
    assert answer.status_code == 207
    assert [row["id"] for row in answer.json()["results"]] == [made["id"]]
    assert answer.json()["errors"][0]["context"] == {"ids": ["99"]}


def test_a_batch_read_looks_into_the_recycle_bin_when_asked(hubspot: Any) -> None:
    """With archived=true only deleted records are there, with the time they were deleted."""
    kept, gone = (
        hubspot.call("POST", COMPANIES, {"properties": {"name": name}}).json()["id"] for name in ("A", "B")
    )
    hubspot.call("DELETE", f"{COMPANIES}/{gone}")
    body = {"properties": ["name"], "inputs": [{"id": kept}, {"id": gone}]}
    answer = hubspot.call("POST", f"{COMPANIES}/batch/read?archived=true", body)
    assert answer.status_code == 207
    (row,) = answer.json()["results"]
    assert (row["id"], row["archived"], "archivedAt" in row) == (gone, True, True)


def test_a_list_page_holds_100_at_most_and_links_to_its_own_host(hubspot: Any, key: str) -> None:
    """Paging follows ``after`` to the end and sees each record once."""
    upsert(hubspot, rows(key, *[f"page-{number}" for number in range(30)]))
    assert hubspot.call("GET", f"{COMPANIES}?limit=101").status_code == 400
    seen: list[str] = []
    path = f"{COMPANIES}?limit=20"
    while path:
        page = hubspot.call("GET", path).json()
        seen += [row["id"] for row in page["results"]]
        link = page.get("paging", {}).get("next", {}).get("link", "")
        assert not link or link.startswith(hubspot.url)
        path = link.removeprefix(hubspot.url)
    assert len(seen) == len(set(seen))
    assert len(seen) >= 30


def test_a_date_that_is_no_midnight_is_refused_before_2026_09_and_normalised_from_then_on(
    hubspot: Any,
) -> None:
    """2026-09 keeps the day and warns; older versions refuse."""
    body = {
        "name": "day_of",
        "label": "d",
        "type": "date",
        "fieldType": "date",
        "groupName": "companyinformation",
    }
    hubspot.call("POST", "/crm/properties/2026-09/companies", body)
    write = {"properties": {"name": "Dated", "day_of": "2024-05-06T07:08:09Z"}}
    assert hubspot.call("POST", "/crm/objects/2026-03/companies", write).status_code == 400
    made = hubspot.call("POST", COMPANIES, write).json()
    assert made["properties"]["day_of"] == "2024-05-06"
    assert made["warnings"][0]["category"] == "PROPERTY_VALUE_NORMALIZED"


def test_in_a_batch_the_record_that_was_normalised_carries_the_warning(hubspot: Any) -> None:
    """Of two records upserted, the one whose date had an hour is warned of, under its own trace id."""
    named = {"label": "x", "type": "date", "fieldType": "date", "groupName": "companyinformation"}
    hubspot.call("POST", "/crm/properties/2026-09/companies", {**named, "name": "batch_day"})
    key = {**named, "name": "batch_key", "type": "string", "fieldType": "text", "hasUniqueValue": True}
    hubspot.call("POST", "/crm/properties/2026-09/companies", key)
    days = {"t1": "2024-05-06", "t2": "2024-05-06T07:08:09Z"}
    inputs = [
        {
            "id": trace,
            "idProperty": "batch_key",
            "objectWriteTraceId": trace,
            "properties": {"name": trace, "batch_day": day},
        }
        for trace, day in days.items()
    ]
    answer = hubspot.call("POST", f"{COMPANIES}/batch/upsert", {"inputs": inputs}).json()
    found = {one["objectWriteTraceId"]: one for one in answer["results"]}
    assert {one["properties"]["batch_day"] for one in found.values()} == {"2024-05-06"}
    assert "warnings" not in found["t1"]
    (warning,) = found["t2"]["warnings"]
    assert (warning["category"], warning["context"]) == (
        "PROPERTY_VALUE_NORMALIZED",
        {
            "propertyName": ["batch_day"],
            "rawValue": ["2024-05-06T07:08:09Z"],
            "normalizedValue": ["2024-05-06"],
        },
    )
    older = hubspot.call("POST", "/crm/objects/2026-03/companies/batch/upsert", {"inputs": inputs})
    assert (older.status_code, older.json()["errors"][0]["errors"][0]["code"]) == (207, "INVALID_DATE")


def test_an_admins_write_rule_binds_2026_09_only(hubspot: Any) -> None:
    """A conditional required property refuses the write with its own code, on 2026-09 alone."""
    when = {"property": "dealstage", "values": ["closedlost"]}
    rule = {"object": "deals", "when": when, "required": ["closed_lost_reason"]}
    hubspot.control("POST", "/portal", {"write_rules": [rule]})
    deal = {"properties": {"dealname": "D", "pipeline": "default", "dealstage": "closedlost"}}
    refused = hubspot.call("POST", "/crm/objects/2026-09/deals", deal)
    older = hubspot.call("POST", "/crm/objects/2026-03/deals", deal)
    hubspot.control("POST", "/portal", {"write_rules": []})
    assert refused.json()["errors"][0]["code"] == "MISSING_CONDITIONAL_REQUIRED_PROPERTY"
    assert (refused.status_code, older.status_code) == (400, 201)


def test_a_merged_away_id_still_takes_a_single_update(hubspot: Any) -> None:
    """After a merge the old id leads single updates to the record that stayed."""
    ids = [hubspot.call("POST", COMPANIES, {"properties": {"name": n}}).json()["id"] for n in ("P", "Q")]
    hubspot.call("POST", f"{COMPANIES}/merge", {"primaryObjectId": ids[0], "objectIdToMerge": ids[1]})
    changed = hubspot.call("PATCH", f"{COMPANIES}/{ids[1]}", {"properties": {"city": "Ulm"}})
    assert (changed.status_code, changed.json()["id"]) == (200, ids[0])
    batch = {"inputs": [{"id": ids[1], "properties": {"city": "Bonn"}}]}
    assert hubspot.call("POST", f"{COMPANIES}/batch/update", batch).status_code == 207


def test_an_object_type_that_does_not_exist_is_refused(hubspot: Any) -> None:
    """HubSpot can't infer an object type from a name it does not know."""
    answer = hubspot.call("GET", "/crm/objects/2026-09/spaceships")
    assert (answer.status_code, answer.json()["message"]) == (
        400,
        "Unable to infer object type from: spaceships",
    )
