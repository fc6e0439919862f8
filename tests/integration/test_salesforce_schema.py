"""What an install deploys to Salesforce: valid files, rights for what we touch, the org's own words."""

from __future__ import annotations

import io
import zipfile
from xml.etree import ElementTree as ET

import pytest
from lxml import etree

from integration.port import FieldSpec, FieldType, ObjectSpec, SchemaChange, Unavailable
from integration.salesforce.metadata_xml import NAMESPACE, PERMISSION_SET, child_relationship, parent_specs
from tests.integration.salesforce_metadata import metadata_schema
from tests.integration.salesforce_steps import archive_of, install
from tests.integration.salesforce_wire import USER_ID, rig

RIGHTS = f"permissionsets/{PERMISSION_SET}.permissionset"
KEY = FieldSpec("CS_Key__c", "CS Key", FieldType.TEXT, unique=True, required=True)
PLAN = ObjectSpec(
    "CS_Plan__c",
    "Success Plan",
    "Success Plans",
    (
        FieldSpec("Name", "Name", FieldType.TEXT),
        KEY,
        FieldSpec("Notes__c", 'Notes & "more" <b>', FieldType.LONG_TEXT, description="Free text"),
        FieldSpec("Done__c", "Done", FieldType.NUMBER, decimals=1),
        FieldSpec("Value__c", "Value", FieldType.MONEY),
        FieldSpec("Late__c", "Late", FieldType.BOOLEAN, required=True),
        FieldSpec("Starts__c", "Starts", FieldType.DATE),
        FieldSpec("Seen__c", "Seen", FieldType.INSTANT),
        FieldSpec("Status__c", "Status", FieldType.CHOICE, choices=(("active", "Active"), ("done", "Done"))),
        FieldSpec("Sponsor__c", "Sponsor", FieldType.REFERENCE, references="Contact"),
    ),
    custom=True,
    parents=("Account",),
)
MILESTONE = ObjectSpec("CS_Milestone__c", "Milestone", "Milestones", (KEY,), True, ("CS_Plan__c", "Account"))
OPPORTUNITY = ObjectSpec("Opportunity", "Opportunity", "Opportunities", (KEY,))
CHANGES = [
    SchemaChange(PLAN, True, PLAN.fields),
    SchemaChange(MILESTONE, True, MILESTONE.fields),
    SchemaChange(OPPORTUNITY, False, (KEY, FieldSpec("CS_Reason__c", "Reason", FieldType.TEXT))),
]
SHARED = (
    200,
    {
        "compositeResponse": [
            {"referenceId": "p0", "httpStatusCode": 200, "body": {"records": [{"Id": "0PS1"}], "done": True}},
            {"referenceId": "p1", "httpStatusCode": 201, "body": {"id": "0Pa1", "success": True}},
        ]
    },
)


def files(changes=CHANGES):
    """Return the archive as text by path."""
    archive = zipfile.ZipFile(io.BytesIO(archive_of(changes)))
    return {name: archive.read(name).decode() for name in archive.namelist()}


def tags(text, path):
    """Return the texts at ``path`` of a metadata file."""
    steps = "/".join(f"{{{NAMESPACE}}}{step}" for step in path.split("/"))
    return [node.text for node in ET.fromstring(text).findall(steps)]


@pytest.mark.parametrize("path", sorted(files()))
def test_every_file_is_valid_by_salesforces_own_schema(path):
    """Names, order, types and enumerations are those of the Metadata API."""
    metadata_schema().assertValid(etree.fromstring(files()[path].encode()))


def test_the_manifest_names_exactly_what_is_in_the_archive():
    """A standard object is listed by its fields only: listing it whole would redeploy the customer's."""
    manifest = ET.fromstring(files()["package.xml"])
    listed = {
        kind.find(f"{{{NAMESPACE}}}name").text: [m.text for m in kind.findall(f"{{{NAMESPACE}}}members")]
        for kind in manifest.findall(f"{{{NAMESPACE}}}types")
    }
    assert listed["CustomObject"] == ["CS_Milestone__c", "CS_Plan__c"]
    assert "Opportunity.CS_Reason__c" in listed["CustomField"]
    assert tags(files()["objects/Opportunity.object"], "label") == []


def test_the_standard_name_is_no_custom_field():
    """Every custom object has its Name already."""
    assert "Name" not in tags(files()["objects/CS_Plan__c.object"], "fields/fullName")


def test_children_of_one_parent_have_different_relationship_names():
    """Two objects under Account with one relationship name would refuse the deploy."""
    names = [
        child_relationship(owner.name, lookup)
        for owner in (PLAN, MILESTONE)
        for lookup in (*parent_specs(owner), *(f for f in owner.fields if f.type is FieldType.REFERENCE))
    ]
    assert names == ["CS_Plans", "CS_Plan_Sponsor", "CS_Milestones", "CS_Milestones"]


def test_a_child_of_two_parents_hangs_under_both():
    """A milestone hangs under its plan and its account."""
    assert [(s.name, s.references) for s in parent_specs(MILESTONE)] == [
        ("CS_Plan__c", "CS_Plan__c"),
        ("CS_Account__c", "Account"),
    ]


def test_the_permission_set_leaves_required_fields_out():
    """Salesforce refuses to deploy rights on a required field."""
    granted = tags(files()[RIGHTS], "fieldPermissions/field")
    assert "CS_Plan__c.CS_Key__c" not in granted
    assert {"CS_Plan__c.Notes__c", "CS_Plan__c.CS_Account__c", "Opportunity.CS_Reason__c"} <= set(granted)


def test_a_field_on_the_customers_object_is_never_required():
    """It would refuse every opportunity a person saves; as it is optional it needs its right."""
    assert tags(files()["objects/Opportunity.object"], "fields/required") == []
    granted = tags(files()[RIGHTS], "fieldPermissions/field")
    assert "Opportunity.CS_Key__c" in granted


def test_an_object_with_nothing_to_add_keeps_all_its_rights():
    """Naming it is enough: its fields and lookups are granted again, and nothing else is deployed."""
    unchanged = [SchemaChange(PLAN, create_object=False, fields=())]
    rights = files(unchanged)[RIGHTS]
    assert {"CS_Plan__c.CS_Account__c", "CS_Plan__c.Notes__c"} <= set(tags(rights, "fieldPermissions/field"))
    assert tags(files(unchanged)["objects/CS_Plan__c.object"], "fields/fullName") == ["CS_Account__c"]


def test_our_own_objects_are_ours_and_the_customers_are_only_as_needed():
    """We may delete our own records, and neither delete nor take over the customer's."""
    text = files()[RIGHTS]
    rights = dict(
        zip(
            tags(text, "objectPermissions/object"),
            zip(
                tags(text, "objectPermissions/allowEdit"),
                tags(text, "objectPermissions/allowDelete"),
                tags(text, "objectPermissions/modifyAllRecords"),
                strict=True,
            ),
            strict=True,
        )
    )
    assert rights["CS_Plan__c"] == ("true", "true", "true")
    assert rights["Opportunity"] == ("true", "false", "false")
    assert rights["Account"] == ("false", "false", "false")


def test_the_same_install_is_the_same_archive():
    """Nothing of the moment is in it."""
    assert archive_of(CHANGES) == archive_of(CHANGES)


def deployed(status, failures=()):
    """Return the answer of a deploy that ended."""
    result = {"status": status, "details": {"componentFailures": list(failures)}}
    return 200, {"id": "0Af1", "deployResult": result}


def test_an_install_is_one_deploy_and_one_assignment():
    """Five calls: post, three looks, assign; the archive travels with rollback on."""
    setup = rig(
        (201, {"id": "0Af1"}),
        deployed("Pending"),
        deployed("InProgress"),
        deployed("Succeeded"),
        SHARED,
    )
    assert install(setup.port, CHANGES).done
    assert b'"rollbackOnError":true' in setup.org.sent[0].body
    assert setup.org.sent[0].headers["Content-Type"].startswith("multipart/form-data; boundary=")
    assert setup.slept == [0.25, 0.5, 1.0]
    assert setup.org.sent[-1].json["compositeRequest"][1]["body"]["AssigneeId"] == USER_ID
    assert setup.port.calls.by_reason == {"install": 5}


def test_having_the_permission_set_already_is_no_error():
    """Installing twice is not an error."""
    body = {"compositeResponse": [dict(row) for row in SHARED[1]["compositeResponse"]]}
    refusal = [{"errorCode": "DUPLICATE_VALUE", "message": "duplicate value found"}]
    body["compositeResponse"][1].update(httpStatusCode=400, body=refusal)
    setup = rig((201, {"id": "0Af1"}), deployed("Succeeded"), (200, body))
    assert install(setup.port, CHANGES).done


def test_a_refused_deploy_makes_nothing_and_tells_the_orgs_words():
    """One bad field rolls all back."""
    failure = {
        "componentType": "CustomField",
        "fullName": "CS_Plan__c.Done__c",
        "problem": "Custom Field Definition limit reached",
    }
    setup = rig((201, {"id": "0Af1"}), deployed("Failed", [failure]))
    made = install(setup.port, CHANGES)
    assert made.message == "CustomField CS_Plan__c.Done__c: Custom Field Definition limit reached"
    assert (made.made, set(made.refused.values())) == ({}, {made.message})


def test_a_deploy_that_never_ends_is_given_up():
    """A queue of the org that stands still ends in Unavailable after ten minutes."""
    setup = rig((201, {"id": "0Af1"}), *[deployed("Pending")] * 100)
    with pytest.raises(Unavailable, match="0Af1"):
        install(setup.port, CHANGES)
    assert 600 <= sum(setup.slept) < 620


def test_types_deployed_are_known_when_writing():
    """After an install the first write needs no describe."""
    collection = (200, [{"id": "a001", "success": True, "created": True, "errors": []}])
    setup = rig((201, {"id": "0Af1"}), deployed("Succeeded"), SHARED, collection)
    assert install(setup.port, CHANGES).done
    from integration.port import WriteRow

    setup.port.upsert("CS_Plan__c", "CS_Key__c", [WriteRow("k", {"Done__c": "3.5"})])
    assert setup.org.sent[-1].json["records"][0]["Done__c"] == 3.5
