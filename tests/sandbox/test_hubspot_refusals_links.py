"""What HubSpot refuses of associations, their labels and line items (reference 1.4 and 1.7)."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from tests.sandbox.refusals import Case, refuses

OBJECTS = "/crm/objects/2026-09"
LINKS = "/crm/associations/2026-09/companies/deals"
LABELS = "/crm/associations/2026-09/companies/contacts/labels"
DEAL = {"dealname": "D", "dealstage": "qualifiedtobuy", "pipeline": "default"}
TASK = {"hs_timestamp": "2026-01-01T00:00:00Z"}


def pairs(count: int) -> dict[str, Any]:
    """Return a batch of pairs of records that do not exist."""
    kinds = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 342}]
    return {
        "inputs": [{"from": {"id": str(n)}, "to": {"id": "1"}, "types": kinds} for n in range(1, count + 1)]
    }


def archived(count: int) -> dict[str, Any]:
    """Return a batch of pairs to take apart."""
    return {"inputs": [{"from": {"id": str(n)}, "to": [{"id": "1"}]} for n in range(1, count + 1)]}


def ids(count: int) -> dict[str, Any]:
    """Return a batch of ids."""
    return {"inputs": [{"id": str(n)} for n in range(1, count + 1)]}


def label(name: str, text: str = "Text") -> dict[str, str]:
    """Return a label."""
    return {"name": name, "label": text}


CASES = [
    Case("link-create-2001", "POST", f"{LINKS}/batch/create", pairs(2001), 400, "is 2000"),
    Case("link-default-2001", "POST", f"{LINKS}/batch/associate/default", pairs(2001), 400, "is 2000"),
    Case("link-archive-2001", "POST", f"{LINKS}/batch/archive", archived(2001), 400, "is 2000"),
    Case("link-labels-archive-2001", "POST", f"{LINKS}/batch/labels/archive", pairs(2001), 400, "is 2000"),
    Case("link-read-1001", "POST", f"{LINKS}/batch/read", ids(1001), 400, "is 1000"),
    Case(
        "link-read-v3-101",
        "POST",
        "/crm/v3/associations/companies/deals/batch/read",
        ids(101),
        400,
        "is 100.",
    ),
    Case("label-hyphen", "POST", LABELS, label("managed-by"), 400, "managed-by"),
    Case("label-digit", "POST", LABELS, label("1st_contact"), 400, "1st_contact"),
    Case("label-missing", "POST", LABELS, {"name": "managed_by"}, 400, "[label]"),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_hubspot_refuses(hubspot: Any, case: Case) -> None:
    """One request, refused in HubSpot's way."""
    case.check(hubspot)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (f"{LINKS}/batch/create", pairs(2000), 207),
        (f"{LINKS}/batch/associate/default", pairs(2000), 207),
        (f"{LINKS}/batch/archive", archived(2000), 204),
        (f"{LINKS}/batch/labels/archive", pairs(2000), 204),
        (f"{LINKS}/batch/read", ids(1000), 207),
        ("/crm/v3/associations/companies/deals/batch/read", ids(100), 207),
    ],
)
def test_the_batches_next_to_the_refused_ones_are_taken(
    hubspot: Any, path: str, body: dict[str, Any], status: int
) -> None:
    """So the caps are where they should be; the records do not exist, which is another matter."""
    assert hubspot.call("POST", path, body).status_code == status


def make(hubspot: Any, object_name: str, **properties: str) -> str:
    """Make a record and return its id."""
    answer = hubspot.call("POST", f"{OBJECTS}/{object_name}", {"properties": properties})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def spec(type_id: int, category: str = "HUBSPOT_DEFINED") -> dict[str, Any]:
    """Return an association type as requests name it."""
    return {"associationCategory": category, "associationTypeId": type_id}


def kinds(hubspot: Any, a: str, a_id: str, b: str) -> dict[int, set[int]]:
    """Return the associated ids with their type ids."""
    rows = hubspot.call("GET", f"{OBJECTS}/{a}/{a_id}/associations/{b}").json()["results"]
    return {row["toObjectId"]: {one["typeId"] for one in row["associationTypes"]} for row in rows}


@refuses("link-missing-record")
def test_both_records_of_a_link_must_exist(hubspot: Any) -> None:
    """Either missing one is a 404."""
    deal = make(hubspot, "deals", **DEAL)
    for path in (
        f"deals/{deal}/associations/default/companies/1",
        f"companies/1/associations/default/deals/{deal}",
    ):
        answer = hubspot.call("PUT", f"{OBJECTS}/{path}")
        assert (answer.status_code, answer.json()["category"]) == (404, "OBJECT_NOT_FOUND")


@refuses("link-unknown-kind")
def test_an_association_type_must_exist(hubspot: Any) -> None:
    """A type id the portal does not have is refused and nothing is linked."""
    deal, company = make(hubspot, "deals", **DEAL), make(hubspot, "companies", name="C")
    answer = hubspot.call("PUT", f"{OBJECTS}/deals/{deal}/associations/companies/{company}", [spec(99_999)])
    assert (answer.status_code, answer.json()["category"]) == (400, "VALIDATION_ERROR")
    assert kinds(hubspot, "deals", deal, "companies") == {}


@refuses("link-wrong-way")
def test_an_association_type_has_a_direction(hubspot: Any) -> None:
    """342 goes from company to deal; from deal to company it is 341."""
    deal, company = make(hubspot, "deals", **DEAL), make(hubspot, "companies", name="C")
    path = f"{OBJECTS}/deals/{deal}/associations/companies/{company}"
    assert hubspot.call("PUT", path, [spec(342)]).status_code == 400
    assert hubspot.call("PUT", path, [spec(341)]).status_code == 201


@refuses("link-put-replaces")
def test_a_put_takes_away_the_labels_it_does_not_name(hubspot: Any) -> None:
    """Only the last label and the plain association stay."""
    made = [
        hubspot.call("POST", LABELS, label(f"kept_{n}", f"Kept {n}")).json()["results"][0]["typeId"]
        for n in range(2)
    ]
    company, contact = make(hubspot, "companies", name="C"), make(hubspot, "contacts", firstname="F")
    path = f"{OBJECTS}/companies/{company}/associations/contacts/{contact}"
    for type_id in made:
        hubspot.call("PUT", path, [spec(type_id, "USER_DEFINED")])
    assert kinds(hubspot, "companies", company, "contacts") == {int(contact): {280, made[1]}}


@refuses("label-11")
def test_two_objects_have_ten_labels_at_most(hubspot: Any) -> None:
    """The eleventh is refused."""
    path = "/crm/associations/2026-09/deals/contacts/labels"
    found = [hubspot.call("POST", path, label(f"label_{n}", f"Label {n}")).status_code for n in range(11)]
    assert found == [200] * 10 + [400]


def custom(hubspot: Any, name: str, others: list[str]) -> str:
    """Make a custom object and return its type id."""
    given = {
        "name": name,
        "labels": {"singular": "S", "plural": "Ss"},
        "primaryDisplayProperty": "title",
        "secondaryDisplayProperties": [],
        "searchableProperties": [],
        "requiredProperties": [],
        "properties": [{"name": "title", "label": "T", "type": "string", "fieldType": "text"}],
        "associatedObjects": others,
    }
    return str(hubspot.call("POST", "/crm-object-schemas/2026-09/schemas", given).json()["objectTypeId"])


@refuses("link-undefined-pair")
def test_a_custom_objects_association_must_be_defined(hubspot: Any) -> None:
    """Companies were named in the definition, contacts only after; tasks come free."""
    type_id = custom(hubspot, "linked_object", ["0-2"])
    record, contact = make(hubspot, type_id, title="T"), make(hubspot, "contacts", firstname="F")
    path = f"{OBJECTS}/{type_id}/{record}/associations/default/contacts/{contact}"
    assert hubspot.call("PUT", path).status_code == 400
    defined = {"fromObjectTypeId": type_id, "toObjectTypeId": "0-1", "name": "linked_to_contact"}
    made = hubspot.call("POST", f"/crm-object-schemas/2026-09/schemas/{type_id}/associations", defined)
    assert made.status_code == 201
    assert hubspot.call("PUT", path).status_code == 200
    task = make(hubspot, "tasks", **TASK)
    assert (
        hubspot.call("PUT", f"{OBJECTS}/{type_id}/{record}/associations/default/tasks/{task}").status_code
        == 200
    )


def created_with(hubspot: Any, to_id: str, type_id: int) -> requests.Response:
    """Make a task that is associated at once."""
    links = [{"to": {"id": to_id}, "types": [spec(type_id)]}]
    answer: requests.Response = hubspot.call(
        "POST", f"{OBJECTS}/tasks", {"properties": TASK, "associations": links}
    )
    return answer


@refuses("create-wrong-kind")
def test_a_create_takes_association_types_of_its_own_object_only(hubspot: Any) -> None:
    """191 goes from company to task; a task is made with 192."""
    company = make(hubspot, "companies", name="C")
    assert created_with(hubspot, company, 191).status_code == 400
    assert created_with(hubspot, company, 192).status_code == 201


@refuses("create-missing-end")
def test_a_create_with_a_missing_end_makes_nothing(hubspot: Any) -> None:
    """Neither the record nor the link."""
    before = hubspot.control("GET", "/dump")["objects"]["tasks"]
    answer = created_with(hubspot, "1", 192)
    assert (answer.status_code, answer.json()["message"]) == (400, "One or more associations are invalid")
    assert hubspot.control("GET", "/dump")["objects"]["tasks"] == before


def parent(hubspot: Any, item: str, object_name: str, record: str) -> int:
    """Give a line item a parent; return the status."""
    path = f"{OBJECTS}/line_items/{item}/associations/default/{object_name}/{record}"
    return int(hubspot.call("PUT", path).status_code)


@refuses("line-item-two-deals")
def test_a_line_item_has_one_deal(hubspot: Any) -> None:
    """The second is refused, the first may be put again."""
    item = make(hubspot, "line_items", name="L")
    first, second = make(hubspot, "deals", **DEAL), make(hubspot, "deals", **DEAL)
    found = [parent(hubspot, item, "deals", one) for one in (first, second, first)]
    assert found == [200, 400, 200]


@refuses("line-item-deal-and-quote")
def test_a_line_item_belongs_to_a_deal_or_a_quote(hubspot: Any) -> None:
    """A quote needs line items of its own, and takes them along when it is deleted."""
    item, other = make(hubspot, "line_items", name="L"), make(hubspot, "line_items", name="M")
    deal = make(hubspot, "deals", **DEAL)
    quote = make(hubspot, "quotes", hs_title="Q", hs_expiration_date="2026-01-01")
    assert parent(hubspot, item, "deals", deal) == 200
    assert parent(hubspot, item, "quotes", quote) == 400
    assert parent(hubspot, other, "quotes", quote) == 200
    assert hubspot.call("DELETE", f"{OBJECTS}/quotes/{quote}").status_code == 204
    found = [hubspot.call("GET", f"{OBJECTS}/line_items/{one}").status_code for one in (item, other)]
    assert found == [200, 404]


QUOTE = {"hs_title": "Q", "hs_expiration_date": "2026-01-01"}


@refuses("quote-publish")
def test_a_quote_is_published_with_all_its_parts(hubspot: Any) -> None:
    """A deal, a contact and a line item: without any of them it stays a draft."""
    quote = make(hubspot, "quotes", **QUOTE)
    path, publish = f"{OBJECTS}/quotes/{quote}", {"properties": {"hs_status": "APPROVAL_NOT_NEEDED"}}
    assert hubspot.call("GET", f"{path}?properties=hs_status").json()["properties"]["hs_status"] == "DRAFT"
    parts = {"deals": DEAL, "contacts": {"firstname": "F"}, "line_items": {"name": "L"}}
    for name, properties in parts.items():
        assert hubspot.call("PATCH", path, publish).status_code == 400
        record = make(hubspot, name, **properties)
        assert hubspot.call("PUT", f"{path}/associations/default/{name}/{record}").status_code == 200
    assert hubspot.call("PATCH", path, publish).status_code == 200


@refuses("quote-cpq-tier")
def test_a_cpq_quote_needs_professional(hubspot_with: Any) -> None:
    """On Starter it is refused."""
    given = {"properties": {**QUOTE, "hs_template_type": "CPQ_QUOTE"}}
    found = [
        hubspot_with("--tier", tier).call("POST", f"{OBJECTS}/quotes", given).status_code
        for tier in ("starter", "professional")
    ]
    assert found == [400, 201]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("companies", "deals", {342, 6}),
        ("deals", "companies", {341, 5}),
        ("deals", "contacts", {3}),
        ("contacts", "deals", {4}),
        ("contacts", "companies", {279, 1}),
        ("companies", "contacts", {280, 2}),
        ("deals", "line_items", {19}),
        ("line_items", "deals", {20}),
        ("companies", "tasks", {191}),
        ("tasks", "companies", {192}),
        ("companies", "notes", {189}),
        ("notes", "companies", {190}),
        ("notes", "contacts", {202}),
        ("tasks", "contacts", {204}),
        ("deals", "quotes", {63}),
        ("quotes", "deals", {64}),
        ("quotes", "line_items", {67}),
        ("quotes", "contacts", {69}),
        ("companies", "tickets", {340}),
    ],
)
def test_association_types_have_hubspots_ids(hubspot: Any, one: str, other: str, expected: set[int]) -> None:
    """Those of its tables (reference 1.4, useful ids)."""
    rows = hubspot.call("GET", f"/crm/associations/2026-09/{one}/{other}/labels").json()["results"]
    assert expected <= {row["typeId"] for row in rows if row["category"] == "HUBSPOT_DEFINED"}
