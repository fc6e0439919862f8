"""What HubSpot refuses of properties, groups and custom objects (reference 1.1, 1.5 and 1.6)."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from tests.sandbox.refusals import Case, custom_schema, refuses

OBJECTS = "/crm/objects/2026-09"
PROPERTIES = "/crm/properties/2026-09/companies"
SCHEMAS = "/crm-object-schemas/2026-09/schemas"
FIELD = {"name": "f", "label": "F", "type": "string", "fieldType": "text", "groupName": "companyinformation"}
TITLE = {"name": "title", "label": "T", "type": "string", "fieldType": "text"}
SCHEMA = custom_schema("refused_object")


def field(**parts: Any) -> dict[str, Any]:
    """Return a property with parts changed, or left out where they are None."""
    return {key: value for key, value in {**FIELD, **parts}.items() if value is not None}


def schema(**parts: Any) -> dict[str, Any]:
    """Return a definition with parts changed, or left out where they are None."""
    return {key: value for key, value in {**SCHEMA, **parts}.items() if value is not None}


def many(count: int) -> dict[str, Any]:
    """Return a definition with so many searchable properties."""
    names = [f"p{number}" for number in range(count)]
    more = [{**TITLE, "name": name} for name in names]
    return schema(name=f"searched_{count}", properties=[TITLE, *more], searchableProperties=names)


CASES = [
    Case("property-no-name", "POST", PROPERTIES, field(name=None), 400, "[name]"),
    Case("property-no-label", "POST", PROPERTIES, field(label=None), 400, "[label]"),
    Case("property-no-type", "POST", PROPERTIES, field(type=None), 400, "[type]"),
    Case("property-no-field-type", "POST", PROPERTIES, field(fieldType=None), 400, "[fieldType]"),
    Case("property-no-group", "POST", PROPERTIES, field(groupName=None), 400, "[groupName]"),
    Case("property-type", "POST", PROPERTIES, field(type="text"), 400, "type"),
    Case("property-field-type", "POST", PROPERTIES, field(fieldType="number"), 400, "fieldType"),
    Case("property-name-capital", "POST", PROPERTIES, field(name="Big"), 400, "Big"),
    Case("property-name-digit", "POST", PROPERTIES, field(name="1st"), 400, "1st"),
    Case("property-name-hyphen", "POST", PROPERTIES, field(name="a-b"), 400, "a-b"),
    Case("property-unknown-group", "POST", PROPERTIES, field(groupName="nowhere"), 400, "nowhere"),
    Case(
        "property-no-options",
        "POST",
        PROPERTIES,
        field(type="enumeration", fieldType="select"),
        400,
        "options",
    ),
    Case(
        "property-bool-options",
        "POST",
        PROPERTIES,
        field(type="bool", fieldType="booleancheckbox"),
        400,
        "INVALID_BOOLEAN_OPTION",
    ),
    Case(
        "property-unknown", "GET", f"{PROPERTIES}/nope", None, 404, "nope", {"category": "OBJECT_NOT_FOUND"}
    ),
    Case("schema-name-digit", "POST", SCHEMAS, schema(name="1st_object"), 400, "OBJECT_TYPE_NAME_FORMAT"),
    Case("schema-name-hyphen", "POST", SCHEMAS, schema(name="an-object"), 400, "OBJECT_TYPE_NAME_FORMAT"),
    Case("schema-no-name", "POST", SCHEMAS, schema(name=None), 400, "[name]"),
    Case("schema-no-labels", "POST", SCHEMAS, schema(labels=None), 400, "[labels]"),
    Case("schema-no-properties", "POST", SCHEMAS, schema(properties=None), 400, "[properties]"),
    Case("schema-no-associated", "POST", SCHEMAS, schema(associatedObjects=None), 400, "[associatedObjects]"),
    Case("schema-no-required", "POST", SCHEMAS, schema(requiredProperties=None), 400, "[requiredProperties]"),
    Case(
        "schema-no-searchable",
        "POST",
        SCHEMAS,
        schema(searchableProperties=None),
        400,
        "[searchableProperties]",
    ),
    Case(
        "schema-no-secondary",
        "POST",
        SCHEMAS,
        schema(secondaryDisplayProperties=None),
        400,
        "[secondaryDisplayProperties]",
    ),
    Case(
        "schema-no-primary",
        "POST",
        SCHEMAS,
        schema(primaryDisplayProperty=None),
        400,
        "PRIMARY_DISPLAY_PROPERTY_REQUIRED",
    ),
    Case("schema-searchable-21", "POST", SCHEMAS, many(21), 400, "20 searchableProperties"),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_hubspot_refuses(hubspot: Any, case: Case) -> None:
    """One request, refused in HubSpot's way."""
    case.check(hubspot)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (PROPERTIES, field(name="fine_1")),
        (
            PROPERTIES,
            field(
                name="fine_bool",
                type="bool",
                fieldType="booleancheckbox",
                options=[{"label": "Y", "value": "true"}, {"label": "N", "value": "false"}],
            ),
        ),
        (SCHEMAS, many(20)),
    ],
    ids=["property", "bool", "20 searchable"],
)
def test_what_is_next_to_the_refused_is_made(hubspot: Any, path: str, body: dict[str, Any]) -> None:
    """So the refusals above are about the part that was changed."""
    answer = hubspot.call("POST", path, body)
    assert answer.status_code == 201, answer.text


def make(sandbox: Any, name: str, **parts: Any) -> requests.Response:
    """Make a company property."""
    answer: requests.Response = sandbox.call("POST", PROPERTIES, field(name=name, **parts))
    return answer


@refuses("property-11-unique")
def test_an_object_has_ten_unique_properties(hubspot: Any) -> None:
    """The eleventh is refused; HubSpot's own do not count."""
    body = {**FIELD, "groupName": "contactinformation", "hasUniqueValue": True}
    path = "/crm/properties/2026-09/contacts"
    found = [hubspot.call("POST", path, {**body, "name": f"unique_{n}"}).status_code for n in range(11)]
    assert found == [201] * 10 + [400]


@refuses("property-unique-later")
def test_uniqueness_cannot_be_added_later(hubspot: Any) -> None:
    """The change is answered and the property is as it was; upserts by it stay refused."""
    make(hubspot, "plain")
    changed = hubspot.call("PATCH", f"{PROPERTIES}/plain", {"hasUniqueValue": True, "name": "other"}).json()
    assert (changed["hasUniqueValue"], changed["name"]) == (False, "plain")
    row = {"id": "x", "idProperty": "plain", "properties": {"name": "C"}}
    assert hubspot.call("POST", f"{OBJECTS}/companies/batch/upsert", {"inputs": [row]}).status_code == 400


@refuses("property-batch-update")
def test_there_is_no_batch_update_of_properties(hubspot: Any) -> None:
    """The path does not exist."""
    answer = hubspot.call("POST", f"{PROPERTIES}/batch/update", {"inputs": [{"name": "name"}]})
    assert answer.status_code in {404, 405}


@refuses("property-exists")
def test_a_property_name_in_use_is_a_409_and_an_archived_one_comes_back(hubspot: Any) -> None:
    """Restoring keeps when it was first made, and the records' values."""
    first = make(hubspot, "comes_back").json()
    company = hubspot.call(
        "POST", f"{OBJECTS}/companies", {"properties": {"name": "C", "comes_back": "v"}}
    ).json()
    again = make(hubspot, "comes_back")
    assert (again.status_code, again.json()["category"]) == (409, "OBJECT_ALREADY_EXISTS")
    assert again.json()["subCategory"] == "Properties.PROPERTY_WITH_NAME_EXISTS"
    assert hubspot.call("DELETE", f"{PROPERTIES}/comes_back").status_code == 204
    assert hubspot.call("GET", f"{PROPERTIES}/comes_back?archived=true").json()["archived"] is True
    restored = make(hubspot, "comes_back")
    assert (restored.status_code, restored.json()["createdAt"]) == (201, first["createdAt"])
    path = f"{OBJECTS}/companies/{company['id']}?properties=comes_back"
    assert hubspot.call("GET", path).json()["properties"]["comes_back"] == "v"


@refuses("property-in-formula")
def test_a_property_a_formula_uses_cannot_be_archived(hubspot: Any) -> None:
    """The refusal says where it is used."""
    make(hubspot, "base", type="number", fieldType="number")
    formula = {"type": "number", "fieldType": "calculation_equation", "calculationFormula": "base * 2"}
    assert make(hubspot, "doubled", **formula).status_code == 201
    answer = hubspot.call("DELETE", f"{PROPERTIES}/base")
    assert (answer.status_code, answer.json()["category"]) == (400, "VALIDATION_ERROR")
    assert answer.json()["subCategory"] == "PropertyValidationError.CANNOT_DELETE_PROPERTY_IN_USE"
    assert answer.json()["errors"][0]["context"]["parentName"] == ["0-2/doubled"]
    hubspot.call("DELETE", f"{PROPERTIES}/doubled")
    assert hubspot.call("DELETE", f"{PROPERTIES}/base").status_code == 204


@refuses("property-in-list")
def test_a_property_a_list_uses_cannot_be_archived(hubspot: Any) -> None:
    """Once the list is deleted it can."""
    make(hubspot, "listed")
    known = {"operationType": "ALL_PROPERTY", "operator": "IS_KNOWN"}
    leaf = {"filterType": "PROPERTY", "property": "listed", "operation": known}
    branch = {"filterBranchType": "AND", "filters": [leaf], "filterBranches": []}
    root = {"filterBranchType": "OR", "filters": [], "filterBranches": [branch]}
    given = {"name": "L", "objectTypeId": "0-2", "processingType": "DYNAMIC", "filterBranch": root}
    made = hubspot.call("POST", "/crm/lists/2026-09", given).json()["list"]["listId"]
    answer = hubspot.call("DELETE", f"{PROPERTIES}/listed")
    assert (answer.status_code, answer.json()["errors"][0]["context"]["parentType"]) == (400, ["LIST"])
    hubspot.call("DELETE", f"/crm/lists/2026-09/{made}")
    assert hubspot.call("DELETE", f"{PROPERTIES}/listed").status_code == 204


@refuses("property-options-whole")
def test_options_are_replaced_whole(hubspot: Any) -> None:
    """An option that was not sent is gone, and writing it is refused."""
    options = [{"label": value, "value": value} for value in ("a", "b")]
    make(hubspot, "picked", type="enumeration", fieldType="select", options=options)
    hubspot.call("PATCH", f"{PROPERTIES}/picked", {"options": options[:1]})
    found = [
        hubspot.call(
            "POST", f"{OBJECTS}/companies", {"properties": {"name": "C", "picked": value}}
        ).status_code
        for value in ("a", "b")
    ]
    assert found == [201, 400]


@refuses("property-scope")
def test_the_scope_of_records_does_not_write_properties(hubspot_with: Any) -> None:
    """crm.objects writes companies, crm.schemas their properties."""
    portal = hubspot_with("--scopes", "crm.objects.companies.read crm.objects.companies.write")
    answer = make(portal, "mine")
    assert (answer.status_code, answer.json()["category"]) == (403, "MISSING_SCOPES")
    portal.control("POST", "/portal", {"scopes": ["crm.schemas.companies.write"]})
    assert make(portal, "mine").status_code == 201


@refuses("group-in-use")
def test_a_group_with_active_properties_cannot_be_archived(hubspot: Any) -> None:
    """Archived ones do not count."""
    hubspot.call("POST", f"{PROPERTIES}/groups", {"name": "held", "label": "Held"})
    make(hubspot, "in_held", groupName="held")
    answer = hubspot.call("DELETE", f"{PROPERTIES}/groups/held")
    assert answer.status_code == 400
    assert answer.json()["subCategory"] == "PropertyGroupError.GROUP_WITH_ACTIVE_PROPERTIES"
    hubspot.call("DELETE", f"{PROPERTIES}/in_held")
    assert hubspot.call("DELETE", f"{PROPERTIES}/groups/held").status_code == 204


@refuses("group-exists")
def test_a_group_name_in_use_is_a_409(hubspot: Any) -> None:
    """As with properties."""
    found = [
        hubspot.call("POST", f"{PROPERTIES}/groups", {"name": "twice", "label": "T"}).status_code
        for _ in range(2)
    ]
    assert found == [201, 409]


@refuses("calculated-tier")
def test_calculated_properties_need_professional(hubspot_with: Any) -> None:
    """On Starter they are refused, by their limits endpoint too."""
    portal = hubspot_with("--tier", "starter")
    formula = {"type": "number", "fieldType": "calculation_equation", "calculationFormula": "1 + 1"}
    assert make(portal, "two", **formula).status_code == 400
    assert portal.call("GET", "/crm/limits/2026-09/calculated-properties").status_code == 403


@refuses("schema-tier")
def test_custom_objects_need_enterprise(hubspot_with: Any) -> None:
    """Below it the very scope can't be granted."""
    portal = hubspot_with("--tier", "professional")
    answer = portal.call("POST", SCHEMAS, SCHEMA)
    assert (answer.status_code, answer.json()["category"]) == (403, "MISSING_SCOPES")
    required = answer.json()["errors"][0]["context"]["requiredGranularScopes"]
    assert required == ["crm.schemas.custom.write"]


@refuses("schema-limit")
def test_an_account_has_so_many_definitions(hubspot_with: Any) -> None:
    """One more than the limits endpoint tells is refused."""
    portal = hubspot_with("--custom-objects", "1")
    assert portal.call("POST", SCHEMAS, SCHEMA).status_code == 201
    limits = portal.call("GET", "/crm/limits/2026-09/custom-object-types").json()
    assert limits == {"limit": 1, "usage": 1, "percentage": 100.0}
    assert portal.call("POST", SCHEMAS, schema(name="one_more")).status_code == 400


def define(hubspot: Any, name: str, **parts: Any) -> dict[str, Any]:
    """Define a custom object."""
    answer = hubspot.call("POST", SCHEMAS, schema(name=name, **parts))
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


@refuses("custom-bare-name")
def test_a_custom_object_is_named_by_id_or_in_full(hubspot: Any) -> None:
    """Its bare name is no object type."""
    made = define(hubspot, "named_object")
    names = ("named_object", made["objectTypeId"], made["fullyQualifiedName"])
    assert [hubspot.call("GET", f"{OBJECTS}/{name}").status_code for name in names] == [400, 200, 200]


@refuses("schema-exists")
def test_a_definitions_name_in_use_is_a_409(hubspot: Any) -> None:
    """In any case of its letters."""
    define(hubspot, "taken_object")
    answer = hubspot.call("POST", SCHEMAS, schema(name="Taken_Object"))
    assert (answer.status_code, answer.json()["category"]) == (409, "OBJECT_ALREADY_EXISTS")


@refuses("schema-unknown-display")
def test_display_properties_must_exist_first(hubspot: Any) -> None:
    """A change that names another is refused whole; once the property is made it passes."""
    made = define(hubspot, "shown_object")
    path, change = f"{SCHEMAS}/{made['objectTypeId']}", {"secondaryDisplayProperties": ["later"]}
    assert hubspot.call("PATCH", path, change).status_code == 400
    group = made["properties"][-1]["groupName"]
    later = {**TITLE, "name": "later", "groupName": group}
    assert hubspot.call("POST", f"/crm/properties/2026-09/{made['objectTypeId']}", later).status_code == 201
    assert hubspot.call("PATCH", path, change).json()["secondaryDisplayProperties"] == ["later"]


@refuses("schema-rename")
def test_a_definition_keeps_its_name(hubspot: Any) -> None:
    """Labels change, the name does not."""
    made = define(hubspot, "kept_object")
    path = f"{SCHEMAS}/{made['objectTypeId']}"
    assert hubspot.call("PATCH", path, {"name": "other"}).status_code == 400
    labels = {"singular": "New", "plural": "News"}
    changed = hubspot.call("PATCH", path, {"labels": labels}).json()
    assert (changed["name"], changed["labels"]) == ("kept_object", labels)


@refuses("schema-delete-records")
def test_a_definition_with_records_cannot_be_deleted(hubspot: Any) -> None:
    """Records in the recycle bin do not count."""
    type_id = define(hubspot, "full_object")["objectTypeId"]
    record = hubspot.call("POST", f"{OBJECTS}/{type_id}", {"properties": {"title": "T"}}).json()["id"]
    answer = hubspot.call("DELETE", f"{SCHEMAS}/{type_id}")
    assert (answer.status_code, answer.json()["subCategory"]) == (
        400,
        "ObjectSchemaError.EXISTING_OBJECT_RECORDS",
    )
    hubspot.call("DELETE", f"{OBJECTS}/{type_id}/{record}")
    assert hubspot.call("DELETE", f"{SCHEMAS}/{type_id}").status_code == 204


@refuses("schema-delete-properties")
def test_a_definition_with_properties_cannot_be_deleted(hubspot: Any) -> None:
    """The ones it displays go with it, the others first."""
    type_id = define(hubspot, "wide_object", properties=[TITLE, {**TITLE, "name": "more"}])["objectTypeId"]
    assert hubspot.call("DELETE", f"{SCHEMAS}/{type_id}").status_code == 400
    assert hubspot.call("DELETE", f"/crm/properties/2026-09/{type_id}/more").status_code == 204
    assert hubspot.call("DELETE", f"{SCHEMAS}/{type_id}").status_code == 204


@refuses("schema-name-archived")
def test_a_deleted_definitions_name_is_taken_until_the_second_delete(hubspot: Any) -> None:
    """The second one says archived=true."""
    type_id = define(hubspot, "short_lived")["objectTypeId"]
    assert hubspot.call("DELETE", f"{SCHEMAS}/{type_id}").status_code == 204
    assert hubspot.call("POST", SCHEMAS, schema(name="short_lived")).status_code == 409
    assert hubspot.call("DELETE", f"{SCHEMAS}/{type_id}?archived=true").status_code == 204
    define(hubspot, "short_lived")


@refuses("schema-purge-active")
def test_the_second_delete_needs_the_first(hubspot: Any) -> None:
    """A definition in use can't be purged."""
    type_id = define(hubspot, "still_here")["objectTypeId"]
    assert hubspot.call("DELETE", f"{SCHEMAS}/{type_id}?archived=true").status_code == 400
    assert hubspot.call("GET", f"{SCHEMAS}/{type_id}").status_code == 200
