"""The stand-in as HubSpot's newer Python client sees it (hubspot-sdk, 2026-03 paths).

The client checks every answer against the types HubSpot generates from its own OpenAPI documents:
a field that lacks, is misspelt or has another type fails the test.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import hubspot_sdk
import pytest
import requests
from hubspot_sdk import HubSpot
from hubspot_sdk.types.auth import (
    AccessTokenResponse,
    PublicAccessTokenInfoResponse,
    PublicRefreshTokenInfoResponse,
)

DEAL = {"dealname": "D", "dealstage": "qualifiedtobuy", "pipeline": "default"}


@pytest.fixture(scope="module")
def client(hubspot: Any) -> Iterator[HubSpot]:
    """Give the client, pointed at the portal; it checks answers and repeats nothing."""
    with HubSpot(
        access_token=hubspot.credentials["service_key"],
        base_url=hubspot.url,
        max_retries=0,
        _strict_response_validation=True,
    ) as made:
        yield made


@pytest.fixture(scope="module")
def easy(hubspot: Any) -> Iterator[HubSpot]:
    """Give the client as it comes, without the check of types.

    The ids of association answers are numbers in HubSpot's guide, as here, and texts in this client.
    """
    with HubSpot(
        access_token=hubspot.credentials["service_key"], base_url=hubspot.url, max_retries=0
    ) as made:
        yield made


def company(client: HubSpot, **properties: str) -> str:
    """Make a company and return its id."""
    made = client.crm.objects.companies.create(associations=[], properties={"name": "C", **properties})
    return str(made.id)


def field(client: HubSpot, name: str, *, unique: bool = False) -> Any:
    """Make a company property."""
    return client.crm.properties.create(
        "companies",
        name=name,
        label="F",
        type="string",
        field_type="text",
        group_name="companyinformation",
        has_unique_value=unique,
    )


def test_records_are_made_read_changed_listed_and_deleted(client: HubSpot) -> None:
    """One company from birth to the recycle bin."""
    api = client.crm.objects.companies
    made = company(client, domain="sdk.example", numberofemployees="12")
    assert api.get(made, properties=["domain"]).properties["domain"] == "sdk.example"
    assert api.update(made, properties={"city": "Ulm"}).properties["city"] == "Ulm"
    history = api.get(made, properties_with_history=["city"]).properties_with_history
    assert history is not None
    assert [one.value for one in history["city"]] == ["Ulm"]
    assert made in {one.id for one in api.list(limit=2)}
    api.delete(made)
    with pytest.raises(hubspot_sdk.NotFoundError):
        api.get(made)


def test_upserts_tell_what_is_new_and_what_was_refused(client: HubSpot) -> None:
    """Two batches: made, then changed, and in the second one input is refused by its trace."""
    field(client, "sdk_key", unique=True)
    rows = [
        {
            "id": f"s{n}",
            "id_property": "sdk_key",
            "properties": {"name": f"N{n}"},
            "object_write_trace_id": f"t{n}",
        }
        for n in range(3)
    ]
    first = client.crm.objects.companies.batch.upsert(inputs=rows)
    assert [(one.new, one.archived) for one in first.results] == [(True, False)] * 3
    rows[1]["properties"] = {"nope": "1"}
    second = client.crm.objects.companies.batch.upsert(inputs=rows)
    assert {one.object_write_trace_id for one in second.results} == {"t0", "t2"}
    assert {one.new for one in second.results} == {False}
    partly: Any = second.model_extra
    assert (partly["numErrors"], partly["errors"][0]["context"]["objectWriteTraceId"]) == (1, ["t1"])


def test_a_batch_read_names_what_is_missing(client: HubSpot) -> None:
    """207 is parsed as the same answer with errors."""
    made = company(client)
    answer = client.crm.objects.companies.batch.get(
        inputs=[{"id": made}, {"id": "7"}], properties=["name"], properties_with_history=[]
    )
    partly: Any = answer.model_extra
    assert ([one.id for one in answer.results], partly["numErrors"]) == ([made], 1)


def test_refusals_are_the_clients_errors(client: HubSpot) -> None:
    """Each with its status and HubSpot's body."""
    with pytest.raises(hubspot_sdk.BadRequestError) as refused:
        company(client, nope="1")
    body: Any = refused.value.body
    assert body["errors"][0]["code"] == "PROPERTY_DOESNT_EXIST"
    field(client, "sdk_twice")
    with pytest.raises(hubspot_sdk.ConflictError):
        field(client, "sdk_twice")


def test_a_deal_is_linked_to_company_and_line_item(client: HubSpot, easy: HubSpot) -> None:
    """By default association, by create, and read in a batch."""
    one = company(client)
    types = [{"association_category": "HUBSPOT_DEFINED", "association_type_id": 5}]
    links: Any = [{"to": {"id": one}, "types": types}]
    deal = client.crm.objects.deals.create(associations=links, properties=DEAL).id
    item = client.crm.objects.line_items.create(
        associations=[], properties={"name": "L", "price": "10", "quantity": "2"}
    )
    assert item.properties["amount"] == "20"
    linked = client.crm.associations.create(
        item.id, from_object_type="deals", from_object_id=deal, to_object_type="line_items"
    )
    assert linked.status == "COMPLETE"
    (end,) = easy.crm.associations.list("companies", object_type="deals", object_id=deal)
    assert (str(end.to_object_id), {kind.type_id for kind in end.association_types}) == (one, {5, 341})
    answer = easy.crm.associations.batch.get("deals", from_object_type="companies", inputs=[{"id": one}])
    assert [str(row.to[0].to_object_id) for row in answer.results] == [deal]


def test_labels_are_made_listed_changed_and_deleted(client: HubSpot) -> None:
    """A label has an id each way."""
    api = client.crm.associations_schema.labels
    made = api.create_label(
        "contacts",
        from_object_type="companies",
        label="Sponsor of",
        name="sdk_sponsor",
        inverse_label="Sponsored by",
    )
    forth, _back = (one.type_id for one in made.results)
    api.update_label("contacts", from_object_type="companies", association_type_id=forth, label="Sponsors")
    shown = {
        one.type_id: one.label for one in api.list_labels("contacts", from_object_type="companies").results
    }
    assert shown[forth] == "Sponsors"
    api.delete_label(forth, from_object_type="companies", to_object_type="contacts")
    left = api.list_labels("companies", from_object_type="contacts").results
    assert not [one for one in left if one.category == "USER_DEFINED"]


def test_a_custom_object_is_defined_used_and_deleted(client: HubSpot) -> None:
    """Definition, record, change of definition, both deletes."""
    api = client.crm.object_schemas
    made = api.create(
        name="sdk_object",
        labels={"singular": "S", "plural": "Ss"},
        primary_display_property="title",
        secondary_display_properties=[],
        searchable_properties=["title"],
        required_properties=["title"],
        properties=[{"name": "title", "label": "T", "type": "string", "field_type": "text"}],
        associated_objects=["0-2"],
        allows_sensitive_properties=False,
    )
    record = client.crm.objects.custom.create(made.object_type_id, associations=[], properties={"title": "T"})
    assert record.properties["title"] == "T"
    labels: Any = {"singular": "New", "plural": "News"}
    changed = api.update(made.object_type_id, clear_description=False, labels=labels)
    assert changed.labels.plural == "News"
    added = api.create_association(
        made.object_type_id,
        from_object_type_id=made.object_type_id,
        to_object_type_id="0-3",
        name="sdk_to_deal",
    )
    assert added.to_object_type_id == "0-3"
    assert made.object_type_id in {one.object_type_id for one in api.list().results}
    client.crm.objects.custom.delete(record.id, object_type=made.object_type_id)
    api.delete(made.object_type_id)
    api.delete(made.object_type_id, archived=True)


def test_properties_and_groups_are_made_read_and_archived(client: HubSpot) -> None:
    """One by one and in batches."""
    made = field(client, "sdk_field")
    assert (made.has_unique_value, made.hubspot_defined) == (False, False)
    changed = client.crm.properties.update("sdk_field", object_type="companies", label="New")
    assert changed.label == "New"
    names = {one.name for one in client.crm.properties.list("companies").results}
    assert {"sdk_field", "name", "domain"} <= names
    group = client.crm.properties.groups.create("companies", name="sdk_group", label="G")
    assert group.archived is False
    row: Any = {
        "name": "sdk_batch",
        "label": "B",
        "type": "number",
        "field_type": "number",
        "group_name": "sdk_group",
    }
    batch = client.crm.properties.batch.create("companies", inputs=[row])
    assert [one.name for one in batch.results] == ["sdk_batch"]
    client.crm.properties.delete("sdk_field", object_type="companies")
    gone = client.crm.properties.get("sdk_field", object_type="companies", archived=True)
    assert gone.archived is True


def test_pipelines_and_stages_are_made_changed_and_deleted(client: HubSpot) -> None:
    """A renewals pipeline with numeric stage ids of the portal's own."""
    stages: Any = [
        {"label": "Open", "display_order": 0, "metadata": {"probability": "0.5"}},
        {"label": "Won", "display_order": 1, "metadata": {"probability": "1.0"}},
    ]
    api = client.crm.pipelines
    made = api.create("deals", label="Sdk renewals", display_order=1, stages=stages)
    assert [(one.id.isdigit(), one.metadata["isClosed"]) for one in made.stages] == [
        (True, "false"),
        (True, "true"),
    ]
    added = api.create_stage(
        made.id, object_type="deals", label="Lost", display_order=2, metadata={"probability": "0.0"}
    )
    api.update_stage(added.id, object_type="deals", pipeline_id=made.id, label="Churned", metadata={})
    assert api.get(made.id, object_type="deals").stages[2].label == "Churned"
    api.delete_stage(added.id, object_type="deals", pipeline_id=made.id)
    assert len(api.list_stages(made.id, object_type="deals").results) == 2
    api.delete(made.id, object_type="deals")
    assert {one.id for one in api.list("deals").results} == {"default"}


def test_owners_are_read(client: HubSpot, hubspot: Any) -> None:
    """By page, by email, by id."""
    made = hubspot.control("POST", "/portal", {"add_owner": {"email": "o@sdk.example", "first_name": "O"}})[
        "owner"
    ]
    assert [one.id for one in client.crm.owners.list(email="o@sdk.example")] == [made]
    assert client.crm.owners.get(int(made)).first_name == "O"


def test_a_list_follows_its_filters(client: HubSpot) -> None:
    """A dynamic list counts the companies that pass; a manual one those added."""
    inside, outside = company(client, numberofemployees="70001"), company(client, numberofemployees="69999")
    operation = {
        "operationType": "NUMBER",
        "operator": "IS_GREATER_THAN",
        "value": 70000,
        "includeObjectsWithNoValueSet": False,
    }
    leaf = {"filterType": "PROPERTY", "property": "numberofemployees", "operation": operation}
    below = {
        "filterBranchType": "AND",
        "filterBranchOperator": "AND",
        "filters": [leaf],
        "filterBranches": [],
    }
    root: Any = {
        "filterBranchType": "OR",
        "filterBranchOperator": "OR",
        "filters": [],
        "filterBranches": [below],
    }
    api = client.crm.lists
    made = api.create(
        name="Sdk large", object_type_id="0-2", processing_type="DYNAMIC", filter_branch=root
    ).list
    assert made.size == 1
    assert [one.record_id for one in api.list_memberships(made.list_id)] == [inside]
    client.crm.objects.companies.update(outside, properties={"numberofemployees": "80000"})
    assert api.get(made.list_id).list.size == 2
    hand = api.create(name="Sdk by hand", object_type_id="0-2", processing_type="MANUAL").list.list_id
    assert api.add_memberships(hand, body=[inside, "7"]).record_ids_missing == ["7"]
    assert {one.list_id for one in api.get_record_memberships(inside, object_type_id="0-2").results} == {
        made.list_id,
        hand,
    }
    api.delete(hand)
    api.restore(hand)
    assert api.get_by_object_type_and_name("Sdk by hand", object_type_id="0-2").list.list_id == hand


def test_searches_are_answered(client: HubSpot) -> None:
    """Once the index knows the company; the page has a total."""
    company(client)
    time.sleep(0.6)
    answer = client.crm.objects.companies.search(
        after="0",
        limit=1,
        properties=["name"],
        sorts=["name"],
        filter_groups=[{"filters": [{"property_name": "name", "operator": "HAS_PROPERTY"}]}],
    )
    assert (len(answer.results), answer.total >= 1) == (1, True)


def test_the_account_and_its_limits_are_read(client: HubSpot, hubspot: Any) -> None:
    """Every limits endpoint the installer asks."""
    field(client, "sdk_counted")
    assert client.account.get().portal_id == hubspot.credentials["portal_id"]
    assert client.account.get_daily_private_apps_usage().results[0].usage_limit == 1_000_000
    limits = client.crm.limits
    assert limits.get_custom_object_type_limits().limit == 10
    assert limits.get_record_limits().hubspot_defined_object_types[0].limit > 0
    properties = {one.object_type_id: one.usage for one in limits.get_custom_property_limits().by_object_type}
    assert properties["0-2"] >= 1
    assert {one.object_type_id for one in limits.get_pipeline_limits().hubspot_defined_object_types} >= {
        "0-3",
        "0-5",
    }
    assert limits.get_association_label_limits().results is not None
    assert limits.get_calculated_property_limits().overall_usage == 0


def test_the_token_endpoints_answer_in_the_clients_types(hubspot: Any) -> None:
    """Sent as forms, which the client itself does not."""
    ids = {name: hubspot.credentials[name] for name in ("client_id", "client_secret")}
    refresh = hubspot.credentials["refresh_token"]
    path = f"{hubspot.url}/oauth/2026-03/token"
    form = {**ids, "grant_type": "refresh_token", "refresh_token": refresh}
    made = AccessTokenResponse.model_validate(requests.post(path, data=form, timeout=10).json())
    assert (made.expires_in, made.token_use, made.hub_id) == (
        1800,
        "access_token",
        hubspot.credentials["portal_id"],
    )

    def about(token: str) -> Any:
        return requests.post(f"{path}/introspect", data={**ids, "token": token}, timeout=10).json()

    access = PublicAccessTokenInfoResponse.model_validate(about(made.access_token))
    assert (access.active, access.expires_in <= 1800, access.is_private_distribution) == (True, True, True)
    assert PublicRefreshTokenInfoResponse.model_validate(about(refresh)).token_use == "refresh_token"
