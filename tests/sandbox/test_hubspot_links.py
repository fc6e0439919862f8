"""Associations between records, in HubSpot's v4 and dated paths ("Associate records")."""

from __future__ import annotations

from typing import Any

import pytest

OBJECTS = "/crm/objects/2026-09"


def make(hubspot: Any, object_name: str, /, **properties: str) -> str:
    """Make a record and return its id."""
    answer = hubspot.call("POST", f"{OBJECTS}/{object_name}", {"properties": properties})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def deal(hubspot: Any) -> str:
    """Make a deal and return its id."""
    return make(hubspot, "deals", dealname="D", pipeline="default", dealstage="qualifiedtobuy")


def ends(hubspot: Any, a: str, a_id: str, b: str) -> dict[int, list[int]]:
    """Return the associated ids with their type ids."""
    found = hubspot.call("GET", f"{OBJECTS}/{a}/{a_id}/associations/{b}").json()["results"]
    return {row["toObjectId"]: [one["typeId"] for one in row["associationTypes"]] for row in found}


def test_a_default_link_is_seen_from_both_sides(hubspot: Any) -> None:
    """Deal to company is 341, company to deal 342; putting it twice changes nothing."""
    deal_id, company_id = deal(hubspot), make(hubspot, "companies", name="C")
    for _ in range(2):
        path = f"{OBJECTS}/deals/{deal_id}/associations/default/companies/{company_id}"
        assert hubspot.call("PUT", path).status_code == 200
    assert ends(hubspot, "deals", deal_id, "companies") == {int(company_id): [341]}
    assert ends(hubspot, "companies", company_id, "deals") == {int(deal_id): [342]}


def test_a_primary_company_moves_and_keeps_the_unlabelled_link(hubspot: Any) -> None:
    """A deal has one primary company (5); the earlier one stays associated (341)."""
    deal_id = deal(hubspot)
    companies = [make(hubspot, "companies", name=name) for name in ("A", "B")]
    primary = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 5}]
    for company_id in companies:
        path = f"/crm/v4/objects/deals/{deal_id}/associations/companies/{company_id}"
        assert hubspot.call("PUT", path, primary).status_code == 201
    assert ends(hubspot, "deals", deal_id, "companies") == {
        int(companies[0]): [341],
        int(companies[1]): [5, 341],
    }


def test_a_line_item_has_one_deal(hubspot: Any) -> None:
    """A line item that has a deal can't be given another."""
    item = make(hubspot, "line_items", name="L")
    first, second = deal(hubspot), deal(hubspot)
    paths = [f"{OBJECTS}/line_items/{item}/associations/default/deals/{one}" for one in (first, second)]
    assert [hubspot.call("PUT", path).status_code for path in paths] == [200, 400]


def test_a_batch_read_lists_records_without_links_in_a_207(hubspot: Any) -> None:
    """What has no association is an error entry, not an empty row."""
    linked, alone = make(hubspot, "companies", name="L"), make(hubspot, "companies", name="A")
    deal_id = deal(hubspot)
    pairs = {"inputs": [{"from": {"id": linked}, "to": {"id": deal_id}}]}
    made = hubspot.call("POST", "/crm/associations/2026-09/companies/deals/batch/associate/default", pairs)
    assert made.status_code == 200
    body = {"inputs": [{"id": linked}, {"id": alone}]}
    answer = hubspot.call("POST", "/crm/associations/2026-09/companies/deals/batch/read", body)
    assert answer.status_code == 207
    assert [row["from"]["id"] for row in answer.json()["results"]] == [linked]
    assert answer.json()["errors"][0]["context"]["fromObjectId"] == [alone]


@pytest.mark.parametrize(("verb", "cap"), [("read", 1000), ("associate/default", 2000)])
def test_association_batches_have_their_own_caps(hubspot: Any, verb: str, cap: int) -> None:
    """Reads take 1,000 inputs, writes 2,000."""
    row = {"id": "1", "from": {"id": "1"}, "to": {"id": "2"}}
    path = f"/crm/associations/2026-09/companies/deals/batch/{verb}"
    assert hubspot.call("POST", path, {"inputs": [row] * (cap + 1)}).status_code == 400
    assert hubspot.call("POST", path, {"inputs": [row] * cap}).status_code == 207


def test_a_record_made_with_associations_shows_them(hubspot: Any) -> None:
    """A create may associate; a read with ``associations`` shows ids with the type's name."""
    company_id = make(hubspot, "companies", name="C")
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 192}]
    task = {"properties": {"hs_timestamp": "2024-01-01T00:00:00Z", "hs_task_subject": "Call"}}
    body = {**task, "associations": [{"to": {"id": company_id}, "types": types}]}
    made = hubspot.call("POST", f"{OBJECTS}/tasks", body)
    assert made.status_code == 201, made.text
    read = hubspot.call("GET", f"{OBJECTS}/tasks/{made.json()['id']}?associations=companies").json()
    assert read["associations"] == {"companies": {"results": [{"id": company_id, "type": "task_to_company"}]}}


def test_a_link_to_a_record_that_is_not_there_is_refused(hubspot: Any) -> None:
    """Both ends must exist."""
    path = f"{OBJECTS}/deals/{deal(hubspot)}/associations/default/companies/1"
    assert hubspot.call("PUT", path).status_code == 404


def test_a_customers_label_has_an_id_each_way(hubspot: Any) -> None:
    """A paired label comes back with two ids, and a write with one shows the inverse on the other side."""
    body = {"label": "Managed by", "name": "managed_by", "inverseLabel": "Manages"}
    made = hubspot.call("POST", "/crm/associations/2026-09/companies/contacts/labels", body).json()["results"]
    assert [row["label"] for row in made] == ["Managed by", "Manages"]
    company_id, contact_id = make(hubspot, "companies", name="C"), make(hubspot, "contacts", firstname="N")
    spec = [{"associationCategory": "USER_DEFINED", "associationTypeId": made[0]["typeId"]}]
    hubspot.call("PUT", f"{OBJECTS}/companies/{company_id}/associations/contacts/{contact_id}", spec)
    assert made[1]["typeId"] in ends(hubspot, "contacts", contact_id, "companies")[int(company_id)]
    bad = hubspot.call(
        "POST", "/crm/associations/2026-09/companies/contacts/labels", {"label": "x", "name": "a-b"}
    )
    assert bad.status_code == 400
