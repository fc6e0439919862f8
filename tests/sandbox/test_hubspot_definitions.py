"""Properties, groups, pipelines and custom objects (HubSpot's guides, and what a live portal did)."""

from __future__ import annotations

from typing import Any

PROPERTIES = "/crm/properties/2026-09/companies"
SCHEMAS = "/crm-object-schemas/2026-09/schemas"
FIELD = {"label": "F", "type": "string", "fieldType": "text", "groupName": "companyinformation"}


def make(hubspot: Any, name: str, **more: Any) -> Any:
    """Make a company property."""
    return hubspot.call("POST", PROPERTIES, {**FIELD, "name": name, **more})


def schema(name: str, **more: Any) -> dict[str, Any]:
    """Return a custom object definition."""
    return {
        "name": name,
        "labels": {"singular": name, "plural": f"{name}s"},
        "primaryDisplayProperty": "title",
        "secondaryDisplayProperties": [],
        "searchableProperties": ["title"],
        "requiredProperties": ["title"],
        "properties": [
            {"name": "title", "label": "Title", "type": "string", "fieldType": "text"},
            {"name": "own_key", "label": "K", "type": "string", "fieldType": "text", "hasUniqueValue": True},
        ],
        "associatedObjects": ["0-2"],
        **more,
    }


def test_an_existing_property_is_a_409_and_an_archived_one_comes_back(hubspot: Any) -> None:
    """Creating again conflicts while it lives, and restores once it is archived."""
    assert make(hubspot, "twice_made").status_code == 201
    again = make(hubspot, "twice_made")
    assert (again.status_code, again.json()["subCategory"]) == (409, "Properties.PROPERTY_WITH_NAME_EXISTS")
    assert hubspot.call("DELETE", f"{PROPERTIES}/twice_made").status_code == 204
    assert hubspot.call("GET", f"{PROPERTIES}/twice_made").status_code == 404
    assert make(hubspot, "twice_made").status_code == 201
    assert hubspot.call("GET", f"{PROPERTIES}/twice_made").json()["archived"] is False


def test_property_names_are_lower_case_and_start_with_a_letter(hubspot: Any) -> None:
    """Capitals, a leading digit and a hyphen are refused."""
    assert [make(hubspot, name).status_code for name in ("Big", "1st", "a-b", "fine_1")] == [
        400,
        400,
        400,
        201,
    ]


def test_uniqueness_is_fixed_when_a_property_is_made(hubspot: Any) -> None:
    """An existing property can't become unique: the wish is left out of the change, as on a live portal."""
    make(hubspot, "plain_one")
    answer = hubspot.call("PATCH", f"{PROPERTIES}/plain_one", {"hasUniqueValue": True})
    assert (answer.status_code, answer.json()["hasUniqueValue"]) == (200, False)
    assert hubspot.call("PATCH", f"{PROPERTIES}/plain_one", {"label": "New"}).json()["label"] == "New"


def test_an_object_has_ten_unique_properties_at_most(hubspot: Any) -> None:
    """The eleventh is refused."""
    path = "/crm/properties/2026-09/tickets"
    field = {**FIELD, "groupName": "ticketinformation", "hasUniqueValue": True}
    found = [hubspot.call("POST", path, {**field, "name": f"unique_{n}"}).status_code for n in range(11)]
    assert found == [201] * 10 + [400]


def test_a_group_with_properties_cannot_be_archived(hubspot: Any) -> None:
    """The group goes only after its properties."""
    group = {"name": "own_group", "label": "Own", "displayOrder": 1}
    assert hubspot.call("POST", f"{PROPERTIES}/groups", group).status_code == 201
    make(hubspot, "in_group", groupName="own_group")
    refused = hubspot.call("DELETE", f"{PROPERTIES}/groups/own_group")
    assert refused.json()["subCategory"] == "PropertyGroupError.GROUP_WITH_ACTIVE_PROPERTIES"
    hubspot.call("DELETE", f"{PROPERTIES}/in_group")
    assert hubspot.call("DELETE", f"{PROPERTIES}/groups/own_group").status_code == 204


def test_options_are_replaced_whole(hubspot: Any) -> None:
    """PATCH options leaves only the ones sent."""
    options = [{"label": value, "value": value} for value in ("a", "b")]
    make(hubspot, "picked", type="enumeration", fieldType="select", options=options)
    changed = hubspot.call("PATCH", f"{PROPERTIES}/picked", {"options": options[:1]}).json()
    assert [option["value"] for option in changed["options"]] == ["a"]


def test_a_custom_object_is_made_used_and_linked(hubspot: Any) -> None:
    """A definition brings a 2- type id, its own association ids, and unique upsert."""
    made = hubspot.call("POST", SCHEMAS, schema("success_profile"))
    assert made.status_code == 201, made.text
    body = made.json()
    assert body["objectTypeId"].startswith("2-")
    assert body["fullyQualifiedName"] == f"p{hubspot.credentials['portal_id']}_success_profile"
    path = f"/crm/objects/2026-09/{body['fullyQualifiedName']}"
    row = {"id": "k1", "idProperty": "own_key", "properties": {"title": "T"}}
    record = hubspot.call("POST", f"{path}/batch/upsert", {"inputs": [row]}).json()["results"][0]
    company = hubspot.call("POST", "/crm/objects/2026-09/companies", {"properties": {"name": "C"}}).json()
    link = f"{path}/{record['id']}/associations/default/companies/{company['id']}"
    assert hubspot.call("PUT", link).status_code == 200
    labels = hubspot.call("GET", f"/crm/associations/2026-09/{body['objectTypeId']}/0-2/labels").json()[
        "results"
    ]
    assert str(labels[0]["typeId"]) in [one["id"] for one in body["associations"]]
    assert hubspot.call("DELETE", f"{SCHEMAS}/{body['objectTypeId']}").status_code == 400


def test_a_custom_object_needs_its_required_property(hubspot: Any) -> None:
    """The requiredProperties of the definition bind a create."""
    made = hubspot.call("POST", SCHEMAS, schema("needs_title")).json()
    path = f"/crm/objects/2026-09/{made['objectTypeId']}"
    assert hubspot.call("POST", path, {"properties": {"own_key": "x"}}).status_code == 400


def test_a_deleted_definition_frees_its_name_after_the_second_delete(hubspot: Any) -> None:
    """The name is taken until the archived definition is purged."""
    given = schema("short_lived", properties=schema("x")["properties"][:1])
    type_id = hubspot.call("POST", SCHEMAS, given).json()["objectTypeId"]
    assert hubspot.call("DELETE", f"{SCHEMAS}/{type_id}").status_code == 204
    assert hubspot.call("POST", SCHEMAS, given).status_code == 409
    assert hubspot.call("DELETE", f"{SCHEMAS}/{type_id}?archived=true").status_code == 204
    assert hubspot.call("POST", SCHEMAS, given).status_code == 201


def test_custom_objects_are_counted_and_capped(hubspot_with: Any) -> None:
    """The limits endpoint says how many are left; one more than that is refused."""
    portal = hubspot_with("--custom-objects", "1")
    limit = "/crm/limits/2026-09/custom-object-types"
    assert portal.call("GET", limit).json() == {"limit": 1, "usage": 0, "percentage": 0}
    assert portal.call("POST", SCHEMAS, schema("one")).status_code == 201
    assert portal.call("GET", limit).json()["usage"] == 1
    assert portal.call("POST", SCHEMAS, schema("two")).status_code == 400


def test_custom_objects_are_enterprise_only(hubspot_with: Any) -> None:
    """Below Enterprise the scope itself is not granted."""
    portal = hubspot_with("--tier", "professional")
    answer = portal.call("POST", SCHEMAS, schema("one"))
    assert (answer.status_code, answer.json()["category"]) == (403, "MISSING_SCOPES")
    assert answer.json()["errors"][0]["context"]["requiredGranularScopes"] == ["crm.schemas.custom.write"]


def test_a_new_pipeline_needs_probabilities_and_a_new_label(hubspot: Any) -> None:
    """Deal stages carry a probability; labels are unique."""
    path = "/crm/pipelines/2026-09/deals"
    stage = {"label": "Only", "displayOrder": 0, "metadata": {"probability": "0.5"}}
    body = {"label": "Renewals", "displayOrder": 1, "stages": [stage]}
    assert hubspot.call("POST", path, {**body, "stages": [{**stage, "metadata": {}}]}).status_code == 400
    assert hubspot.call("POST", path, body).status_code == 201
    again = hubspot.call("POST", path, body)
    assert (again.status_code, "Renewals already exists" in again.json()["message"]) == (400, True)
    assert [one["label"] for one in hubspot.call("GET", path).json()["results"]] == [
        "Sales Pipeline",
        "Renewals",
    ]
