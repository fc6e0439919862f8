"""The stand-in as HubSpot's own Python client sees it (hubspot-api-client, v3 and v4 paths)."""

from __future__ import annotations

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
