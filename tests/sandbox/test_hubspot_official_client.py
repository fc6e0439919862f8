"""The stand-in as HubSpot's own Python client sees it (hubspot-api-client, v3 and v4 paths)."""

from __future__ import annotations

import time
from typing import Any

import pytest

hubspot_client = pytest.importorskip("hubspot")


@pytest.fixture(scope="module")
def client(hubspot: Any) -> Any:
    """Give the official client, pointed at the portal."""
    return hubspot_client.HubSpot(
        access_token=hubspot.credentials["service_key"], host=hubspot.url, retry=False
    )


def test_the_client_makes_and_reads_a_company(client: Any) -> None:
    """Models built from our answers have typed times and the values written."""
    api = client.crm.companies.basic_api
    made = api.create({"properties": {"name": "Official", "domain": "official.example"}})
    read = api.get_by_id(made.id, properties=["name"])
    assert read.properties["name"] == "Official"
    assert read.created_at.tzinfo is not None


def test_the_client_upserts_and_sees_which_were_new(client: Any) -> None:
    """A property made by the client serves as id; upsert models carry ``new``."""
    client.crm.properties.core_api.create(
        "companies",
        {
            "name": "client_key",
            "label": "K",
            "type": "string",
            "fieldType": "text",
            "groupName": "companyinformation",
            "hasUniqueValue": True,
        },
    )
    api = client.crm.companies.batch_api
    rows = [{"id": f"k{n}", "idProperty": "client_key", "properties": {"name": f"N{n}"}} for n in range(3)]
    first = api.upsert({"inputs": rows})
    second = api.upsert({"inputs": rows})
    assert ([row.new for row in first.results], [row.new for row in second.results]) == (
        [True] * 3,
        [False] * 3,
    )


def test_the_client_sees_partial_failure_as_a_model(client: Any) -> None:
    """A 207 is parsed to the client's model with errors."""
    made = client.crm.companies.basic_api.create({"properties": {"name": "One"}})
    body = {"inputs": [{"id": made.id}, {"id": "1"}], "properties": ["name"], "propertiesWithHistory": []}
    answer = client.crm.companies.batch_api.read(body)
    assert (len(answer.results), answer.num_errors) == (1, 1)


def test_the_client_pages_through_everything(client: Any) -> None:
    """get_all follows our paging to the end."""
    names = [row.properties["name"] for row in client.crm.companies.get_all(properties=["name"])]
    assert "Official" in names or "One" in names


def test_the_client_associates_and_reads_labels(client: Any) -> None:
    """v4 default association, then a page of it."""
    company = client.crm.companies.basic_api.create({"properties": {"name": "L"}}).id
    contact = client.crm.contacts.basic_api.create({"properties": {"email": "l@official.example"}}).id
    api = client.crm.associations.v4.basic_api
    api.create_default("companies", company, "contacts", contact)
    page = api.get_page("companies", company, "contacts")
    assert str(page.results[0].to_object_id) == contact
    assert page.results[0].association_types[0].type_id == 280


def test_the_client_defines_a_custom_object(client: Any) -> None:
    """The schema model is filled from our answer, associations included."""
    made = client.crm.schemas.core_api.create(
        {
            "name": "client_object",
            "labels": {"singular": "O", "plural": "Os"},
            "primaryDisplayProperty": "title",
            "secondaryDisplayProperties": [],
            "searchableProperties": [],
            "requiredProperties": ["title"],
            "properties": [{"name": "title", "label": "T", "type": "string", "fieldType": "text"}],
            "associatedObjects": ["COMPANY"],
        }
    )
    assert made.object_type_id.startswith("2-")
    assert {"0-2"} & {one.to_object_type_id for one in made.associations}


def test_the_client_reads_owners_pipelines_and_raises_its_own_errors(client: Any) -> None:
    """Empty owners, the default pipeline, and ApiException with our status."""
    assert client.crm.owners.owners_api.get_page().results == []
    stages = client.crm.pipelines.pipelines_api.get_all("deals").results[0].stages
    assert {"closedwon", "closedlost"} <= {stage.id for stage in stages}
    with pytest.raises(hubspot_client.crm.companies.ApiException) as refused:
        client.crm.companies.basic_api.get_by_id("1")
    assert refused.value.status == 404


DEAL = {"dealname": "D", "dealstage": "qualifiedtobuy", "pipeline": "default"}


def test_the_client_makes_a_deal_with_company_and_line_item(client: Any) -> None:
    """Associated by create, and read in a batch with its labels."""
    company = client.crm.companies.basic_api.create({"properties": {"name": "Buyer"}}).id
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 5}]
    body = {"properties": DEAL, "associations": [{"to": {"id": company}, "types": types}]}
    deal = client.crm.deals.basic_api.create(body).id
    item = client.crm.line_items.basic_api.create(
        {"properties": {"name": "L", "price": "10", "quantity": "3"}}
    )
    assert item.properties["amount"] == "30"
    batches = client.crm.associations.v4.batch_api
    batches.create_default("deals", "line_items", {"inputs": [{"from": {"id": deal}, "to": {"id": item.id}}]})
    read = client.crm.deals.basic_api.get_by_id(deal, associations=["companies", "line_items"])
    assert {one.type for one in read.associations["companies"].results} == {
        "deal_to_company",
        "deal_to_company_unlabeled",
    }
    assert [one.id for one in read.associations["line items"].results] == [item.id]
    (row,) = batches.get_page("companies", "deals", {"inputs": [{"id": company}]}).results
    assert {one.type_id for one in row.to[0].association_types} == {6, 342}


def test_the_client_maps_a_partly_refused_upsert_by_trace(client: Any) -> None:
    """A 207 of an upsert names the trace of the input that was refused."""
    body = {"name": "trace_key", "label": "K", "type": "string", "fieldType": "text", "hasUniqueValue": True}
    client.crm.properties.core_api.create("deals", {**body, "groupName": "dealinformation"})
    rows = [
        {"id": f"r{n}", "idProperty": "trace_key", "properties": DEAL, "objectWriteTraceId": f"t{n}"}
        for n in range(3)
    ]
    rows[1]["properties"] = {**DEAL, "amount": "a lot"}
    answer = client.crm.deals.batch_api.upsert({"inputs": rows})
    assert (answer.num_errors, answer.errors[0].context["objectWriteTraceId"]) == (1, ["t1"])
    assert sorted(one.object_write_trace_id for one in answer.results) == ["t0", "t2"]


def test_the_client_searches_what_the_index_knows(client: Any) -> None:
    """A keyset search by id, after the index has caught up."""
    first = client.crm.companies.basic_api.create({"properties": {"name": "Found One"}}).id
    second = client.crm.companies.basic_api.create({"properties": {"name": "Found Two"}}).id
    time.sleep(0.6)
    above = {"propertyName": "hs_object_id", "operator": "GT", "value": str(int(first) - 1)}
    body = {
        "filterGroups": [{"filters": [above]}],
        "sorts": ["hs_object_id"],
        "limit": 1,
        "properties": ["name"],
    }
    page = client.crm.companies.search_api.do_search(body)
    assert (page.results[0].id, page.total >= 2) == (first, True)
    after = client.crm.companies.search_api.do_search({**body, "after": page.paging.next.after})
    assert after.results[0].id == second


def test_the_client_makes_changes_and_deletes_a_pipeline(client: Any) -> None:
    """With a stage added, renamed and taken away."""
    stages = [
        {"label": "Open", "displayOrder": 0, "metadata": {"probability": "0.5"}},
        {"label": "Won", "displayOrder": 1, "metadata": {"probability": "1.0"}},
    ]
    api, stage_api = client.crm.pipelines.pipelines_api, client.crm.pipelines.pipeline_stages_api
    made = api.create("deals", {"label": "Client's", "displayOrder": 1, "stages": stages})
    added = stage_api.create(
        "deals", made.id, {"label": "Lost", "displayOrder": 2, "metadata": {"probability": "0.0"}}
    )
    assert added.metadata["isClosed"] == "true"
    renamed = stage_api.update("deals", made.id, added.id, {"label": "Churned", "metadata": {}})
    assert (renamed.label, renamed.metadata["probability"]) == ("Churned", "0.0")
    stage_api.archive("deals", made.id, added.id)
    api.update("deals", made.id, {"label": "Renamed"})
    assert [one.label for one in api.get_by_id("deals", made.id).stages] == ["Open", "Won"]
    api.archive("deals", made.id)
    assert "Renamed" not in {one.label for one in api.get_all("deals").results}


def test_the_client_finds_owners_by_email(client: Any, hubspot: Any) -> None:
    """Active and archived ones apart."""
    made = hubspot.control("POST", "/portal", {"add_owner": {"email": "o@client.example", "last_name": "O"}})[
        "owner"
    ]
    api = client.crm.owners.owners_api
    assert [(one.id, one.last_name) for one in api.get_page(email="o@client.example").results] == [
        (made, "O")
    ]
    hubspot.control("POST", "/portal", {"archive_owner": made})
    assert api.get_page(email="o@client.example").results == []
    assert api.get_by_id(int(made), archived=True).user_id is None


def test_the_client_makes_a_list_that_follows_a_date(client: Any, hubspot: Any) -> None:
    """Deals that close within 90 days of the portal's clock, with the shapes the client has for that."""
    hubspot.control("POST", "/clock", {"now": "2026-01-01T12:00:00Z", "running": False})
    ids = [
        client.crm.deals.basic_api.create({"properties": {**DEAL, "closedate": f"{day}T09:00:00Z"}}).id
        for day in ("2025-12-31", "2026-01-02", "2026-04-01", "2026-04-02")
    ]

    def point(days: int) -> dict[str, Any]:
        offset = {"days": days}
        today = {"referenceType": "TODAY"}
        return {"timeType": "INDEXED", "indexReference": today, "offset": offset, "zoneId": "UTC"}

    operation = {
        "operationType": "TIME_RANGED",
        "type": "TIME_RANGED",
        "operator": "IS_BETWEEN",
        "lowerBoundTimePoint": point(0),
        "upperBoundTimePoint": point(91),
        "includeObjectsWithNoValueSet": False,
    }
    leaf = {"filterType": "PROPERTY", "property": "closedate", "operation": operation}
    below = {
        "filterBranchType": "AND",
        "filterBranchOperator": "AND",
        "filters": [leaf],
        "filterBranches": [],
    }
    root = {"filterBranchType": "OR", "filterBranchOperator": "OR", "filters": [], "filterBranches": [below]}
    body = {"name": "Closing soon", "objectTypeId": "0-3", "processingType": "DYNAMIC", "filterBranch": root}
    lists, members = client.crm.lists.lists_api, client.crm.lists.memberships_api
    made = lists.create(body).list
    assert [one.record_id for one in members.get_page(made.list_id).results] == ids[1:3]
    hubspot.control("POST", "/clock", {"now": "2026-01-02T12:00:00Z", "running": False})
    assert [one.record_id for one in members.get_page(made.list_id).results] == ids[1:]
    hubspot.control("POST", "/clock", {"running": True})
    assert lists.get_by_id(made.list_id).list.filter_branch is None
    assert lists.get_by_id(made.list_id, include_filters=True).list.filter_branch is not None
    lists.remove(made.list_id)
    lists.restore(made.list_id)
    assert lists.get_by_name("Closing soon", "0-3").list.list_id == made.list_id


def test_the_client_makes_and_deletes_a_label(client: Any) -> None:
    """Both of its directions come and go together."""
    api = client.crm.associations.v4.schema.definitions_api
    made = api.create(
        "companies", "contacts", {"label": "Pays", "name": "client_pays", "inverseLabel": "Paid by"}
    )
    forth, back = (one.type_id for one in made.results)
    assert {forth} <= {one.type_id for one in api.get_all("companies", "contacts").results}
    assert {back} <= {one.type_id for one in api.get_all("contacts", "companies").results}
    api.remove("companies", "contacts", forth)
    assert back not in {one.type_id for one in api.get_all("contacts", "companies").results}


def test_the_client_refreshes_a_token_and_reads_what_it_is(client: Any, hubspot: Any) -> None:
    """By the v1 endpoints, the only ones it has."""
    ids = {name: hubspot.credentials[name] for name in ("client_id", "client_secret", "refresh_token")}
    made = client.oauth.tokens_api.create(grant_type="refresh_token", **ids)
    assert (made.expires_in, made.token_type) == (1800, "bearer")
    info = client.oauth.access_tokens_api.get(made.access_token)
    assert (info.hub_id, info.app_id) == (hubspot.credentials["portal_id"], hubspot.credentials["app_id"])
    assert "crm.objects.companies.read" in info.scopes
