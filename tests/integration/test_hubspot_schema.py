"""Describing and installing: what a portal holds, and our objects in the fewest calls."""

import pytest

from integration.install_specs import MakeObject
from integration.port import FieldSpec, FieldType, ObjectSpec, SchemaChange
from tests.integration.hubspot_steps import install

KEY = FieldSpec("cs_key", "CS key", FieldType.TEXT, unique=True)
HEALTH = FieldSpec("cs_health", "Health", FieldType.NUMBER)
BAND = FieldSpec("cs_band", "Band", FieldType.CHOICE, choices=(("green", "Green"), ("red", "Red")))
COMPANY = ObjectSpec("companies", "Company", "Companies", ())
PROFILE = ObjectSpec(
    "cs_profile",
    "Profile",
    "Profiles",
    (KEY, FieldSpec("name", "Name", FieldType.TEXT), HEALTH),
    custom=True,
    parents=("companies",),
    primary_field="name",
)
CREATE_PROFILE = SchemaChange(PROFILE, create_object=True, fields=PROFILE.fields)
GROUPS = "POST /crm/properties/2026-09/companies/groups"
CREATE = "POST /crm/properties/2026-09/companies/batch/create"
HELD = "GET /crm/properties/2026-09/companies"
SCHEMAS = "/crm-object-schemas/2026-09/schemas"
EXISTS = {"category": "OBJECT_ALREADY_EXISTS", "message": "it exists"}


def held(name, kind="string", field_type="text", **more):
    """Return a property as HubSpot gives it."""
    return {"name": name, "label": name, "type": kind, "fieldType": field_type, "options": [], **more}


def schema(name="cs_profile", type_id="2-345", **more):
    """Return a custom object's schema as HubSpot gives it."""
    return {"id": "345", "name": name, "objectTypeId": type_id, "fullyQualifiedName": f"p1_{name}", **more}


def stage(name, order, probability, *, closed):
    """Return a stage as HubSpot gives it."""
    metadata = {"probability": probability, "isClosed": str(closed).lower()}
    return {"id": name, "label": name.title(), "displayOrder": order, "metadata": metadata}


def add(*fields):
    """Return the change that adds ``fields`` to companies."""
    return [SchemaChange(COMPANY, create_object=False, fields=fields)]


def test_properties_cost_a_group_and_one_batch(scripted_hubspot, script):
    """Three properties on companies are two calls; the key is unique, a choice has its options."""
    script.answer(201, {"name": "customer_success"})
    made = [
        held("cs_key", hasUniqueValue=True),
        held("cs_health", "number", "number"),
        held("cs_band", "enumeration", "select"),
    ]
    script.answer(201, {"status": "COMPLETE", "results": made})
    (result,) = install(scripted_hubspot, add(KEY, HEALTH, BAND))
    assert (result.object, result.done, result.message) == ("companies", True, "")
    assert script.paths() == [GROUPS, CREATE]
    key, health, band = script.bodies()[1]["inputs"]
    assert key == {
        "name": "cs_key",
        "label": "CS key",
        "type": "string",
        "fieldType": "text",
        "groupName": "customer_success",
        "hasUniqueValue": True,
    }
    assert "hasUniqueValue" not in health
    assert [option["value"] for option in band["options"]] == ["green", "red"]
    assert scripted_hubspot.calls.by_reason == {"install": 2}


def test_a_boolean_gets_the_two_options_hubspot_wants(scripted_hubspot, script):
    """HubSpot's bool properties are made with ``true`` and ``false`` as options."""
    script.answer(201, {}).answer(201, {"results": [held("cs_late", "bool", "booleancheckbox")]})
    install(scripted_hubspot, add(FieldSpec("cs_late", "Late", FieldType.BOOLEAN)))
    assert [option["value"] for option in script.bodies()[1]["inputs"][0]["options"]] == ["true", "false"]


def test_money_is_a_number_with_the_portals_currency_sign(scripted_hubspot, script):
    """HubSpot has no money type; the sign is how money is told from a number when described."""
    script.answer(201, {}).answer(201, {"results": [held("cs_arr", "number", "number")]})
    install(scripted_hubspot, add(FieldSpec("cs_arr", "ARR", FieldType.MONEY)))
    sent = script.bodies()[1]["inputs"][0]
    assert (sent["type"], sent["showCurrencySymbol"]) == ("number", True)


def test_installing_twice_is_done_without_making_anything(scripted_hubspot, script):
    """Where group and properties stand, the 409s are answered by one look at what stands."""
    script.answer(409, EXISTS).answer(409, EXISTS)
    standing = [held("cs_key", hasUniqueValue=True), held("cs_health", "number", "number")]
    script.answer(200, {"results": standing})
    (result,) = install(scripted_hubspot, add(KEY, HEALTH))
    assert (result.done, result.message) == (True, "")
    assert script.paths() == [GROUPS, CREATE, HELD]


def test_only_what_is_missing_is_made_when_some_stand(scripted_hubspot, script):
    """A batch refused because one property exists is sent again without it."""
    script.answer(409, EXISTS).answer(409, EXISTS)
    script.answer(200, {"results": [held("cs_key", hasUniqueValue=True)]})
    script.answer(201, {"results": [held("cs_health", "number", "number")]})
    (result,) = install(scripted_hubspot, add(KEY, HEALTH))
    assert result.done
    assert [each["name"] for each in script.bodies()[2]["inputs"]] == ["cs_health"]


def test_a_property_of_another_kind_is_told_and_not_taken(scripted_hubspot, script):
    """An archived or standing property that is no number, or not unique, will not do."""
    script.answer(201, {})
    script.answer(201, {"results": [held("cs_key"), held("cs_health")]})
    (result,) = install(scripted_hubspot, add(KEY, HEALTH))
    assert not result.done
    assert result.message == "cs_key exists as text, not unique; cs_health exists as text"


def test_a_refused_property_is_told_in_the_portals_words(scripted_hubspot, script):
    """A partial refusal (207) that is no duplicate stands in the message."""
    words = "cs_health: you have reached the limit of properties"
    script.answer(201, {})
    script.answer(
        207,
        {
            "results": [held("cs_key", hasUniqueValue=True)],
            "errors": [{"category": "VALIDATION_ERROR", "message": words}],
        },
    )
    script.answer(200, {"results": [held("cs_key", hasUniqueValue=True)]})
    (result,) = install(scripted_hubspot, add(KEY, HEALTH))
    assert not result.done
    assert words in result.message


def test_a_custom_object_is_made_in_one_call(scripted_hubspot, script):
    """Object, properties and associations go together; its type id is known from then on."""
    script.answer(201, schema())
    (result,) = install(scripted_hubspot, [CREATE_PROFILE])
    assert result.done
    (body,) = script.bodies()
    assert script.paths() == [f"POST {SCHEMAS}"]
    assert body["associatedObjects"] == ["0-2"]
    assert body["primaryDisplayProperty"] == "name"
    assert body["labels"] == {"singular": "Profile", "plural": "Profiles"}
    assert body["allowsSensitiveProperties"] is False
    assert {each["name"]: each.get("hasUniqueValue") for each in body["properties"]} == {
        "cs_key": True,
        "name": None,
        "cs_health": None,
    }
    script.answer(200, {"results": []})
    scripted_hubspot.find("cs_profile", "cs_key", ["k"], [])
    assert script.paths()[1] == "POST /crm/objects/2026-09/2-345/batch/read"


def test_a_custom_object_made_meanwhile_by_somebody_else_is_left_to_the_next_plan(scripted_hubspot, script):
    """A 409 is settled by one look; what it lacks is told, and nothing is added behind the plan's back."""
    standing = [held("cs_key", hasUniqueValue=True), held("name")]
    script.answer(409, EXISTS).answer(200, {"results": [schema(properties=standing)]})
    made = scripted_hubspot.make(MakeObject(PROFILE))
    assert [part.name for part in made.taken] == ["cs_profile"]
    assert made.message == "cs_profile was made by somebody else meanwhile: run again"
    assert script.paths() == [f"POST {SCHEMAS}", f"GET {SCHEMAS}"]


def test_the_name_of_a_deleted_object_is_told_to_the_admin(scripted_hubspot, script):
    """HubSpot holds the name until a second delete; we neither delete nor loop."""
    script.answer(409, EXISTS).answer(200, {"results": []})
    (result,) = install(scripted_hubspot, [CREATE_PROFILE])
    assert not result.done
    assert "the deleted object cs_profile" in result.message


def test_a_refused_object_does_not_stop_the_next_change(scripted_hubspot, script):
    """A portal without Enterprise keeps its words for the object and still gets the properties."""
    script.answer(403, {"category": "MISSING_SCOPES", "message": "Enterprise only"})
    script.answer(201, {}).answer(201, {"results": [held("cs_health", "number", "number")]})
    changes = [CREATE_PROFILE, *add(HEALTH)]
    refused, done = install(scripted_hubspot, changes)
    assert (refused.done, refused.message) == (False, "Enterprise only")
    assert done.done


def test_describes_a_portal_in_five_calls_for_one_standard_object(scripted_hubspot, script):
    """Account, schemas, properties, limit and pipelines; custom objects come with their schemas."""
    script.answer(200, {"portalId": 111, "timeZone": "US/Eastern"})
    ends = ("0-2", "0-46", "2-346")  # companies, notes that come free, and a child made later
    ties = [{"id": end, "fromObjectTypeId": "2-345", "toObjectTypeId": end} for end in ends]
    properties = [held("cs_key", hasUniqueValue=True), held("old", archived=True)]
    labels = {"singular": "Profile", "plural": "Profiles"}
    profile = schema(properties=properties, labels=labels, associations=ties)
    later = schema("cs_plan_item", "2-346")
    script.answer(200, {"results": [later, {**profile, "primaryDisplayProperty": "name"}]})
    script.answer(200, {"results": [held("name")]})
    script.answer(200, {"limit": 10, "usage": 4, "percentage": 40})
    stages = [
        stage("won", 1, "1.0", closed=True),
        stage("open", 0, "0.4", closed=False),
        stage("lost", 2, "0.0", closed=True),
    ]
    script.answer(200, {"results": [{"id": "default", "label": "Sales", "stages": stages}]})
    found = scripted_hubspot.describe(["companies", "cs_profile", "cs_plan"])
    assert (found.account_id, found.time_zone, found.custom_objects_left) == ("111", "US/Eastern", 6)
    assert set(found.objects) == {"companies", "cs_profile"}
    profile = found.objects["cs_profile"]
    assert [field.name for field in profile.fields] == ["cs_key"]
    assert (profile.parents, profile.primary_field, profile.custom) == (("companies",), "name", True)
    (pipeline,) = found.deal_pipelines
    assert [(each.id, each.closed, each.won, each.probability) for each in pipeline.stages] == [
        ("open", False, False, 0.4),
        ("won", True, True, 1.0),
        ("lost", True, False, 0.0),
    ]
    assert scripted_hubspot.calls.by_reason == {"describe": 5}


def test_a_portal_without_enterprise_is_described_with_a_note(scripted_hubspot, script):
    """Where schemas are forbidden no custom object is left, and the admin is told why."""
    script.answer(200, {"portalId": 111, "timeZone": "UTC"})
    script.answer(403, {"category": "MISSING_SCOPES", "message": "Enterprise only"})
    script.answer(200, {"results": []}).answer(200, {"results": []})
    found = scripted_hubspot.describe(["companies"])
    assert found.custom_objects_left == 0
    assert found.notes == ("custom objects cannot be used: Enterprise only",)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (held("a"), FieldType.TEXT),
        (held("a", "string", "textarea"), FieldType.LONG_TEXT),
        (held("a", "number", "number"), FieldType.NUMBER),
        (held("a", "number", "number", showCurrencySymbol=True), FieldType.MONEY),
        (held("a", "bool", "booleancheckbox"), FieldType.BOOLEAN),
        (held("a", "enumeration", "booleancheckbox"), FieldType.BOOLEAN),
        (held("a", "date", "date"), FieldType.DATE),
        (held("a", "datetime", "date"), FieldType.INSTANT),
        (held("a", "enumeration", "select"), FieldType.CHOICE),
        (held("a", "enumeration", "select", externalOptions=True, referencedObjectType="OWNER"),
         FieldType.REFERENCE),
        (held("a", "phone_number", "phonenumber"), FieldType.TEXT),
        (held("a", "something_new", "sparkle"), FieldType.TEXT),
    ],
)  # fmt: skip
def test_types_are_read_as_the_ports(scripted_hubspot, script, given, expected):
    """Each of HubSpot's types has one of ours; one nobody knows yet is text."""
    script.answer(200, {}).answer(200, {"results": []}).answer(200, {"results": [given]})
    script.answer(200, {}).answer(200, {"results": []})
    found = scripted_hubspot.describe(["companies"])
    assert found.objects["companies"].fields[0].type is expected


@pytest.mark.parametrize(
    "more", [{"calculated": True}, {"modificationMetadata": {"readOnlyValue": True, "archivable": True}}]
)
def test_what_cannot_be_written_is_described_so(scripted_hubspot, script, more):
    """Calculated and read-only properties are not writable."""
    script.answer(200, {}).answer(200, {"results": []})
    script.answer(200, {"results": [held("a", "number", "number", **more)]})
    script.answer(200, {}).answer(200, {"results": []})
    assert not scripted_hubspot.describe(["companies"]).objects["companies"].fields[0].writable
