"""What people fill in on a profile of the Salesforce package: who may, and what the org refuses."""

from __future__ import annotations

from typing import Any

from integration.salesforce.source_format import Part, package_files, to_metadata_format
from mappings.human_fields import human_names
from mappings.naming import SALESFORCE
from tests.integration.conftest import Sandbox
from tests.integration.salesforce_package_rules import tree
from tests.sandbox.salesforce_session import Api

CORE = {**package_files(Part.CORE), **package_files(Part.DASHBOARDS)}
PROFILE = "CS_Profile__c"
CAP = {
    "CS_Override_Kind__c": "cap",
    "CS_Override_Points__c": 40,
    "CS_Override_Reason__c": "the sponsor left",
    "CS_Override_Ends_On__c": "2025-04-01",
}


def rights(who: str) -> dict[str, str | None]:
    """Return whether a permission set lets edit each field of the profile that it lets see."""
    root = tree(CORE[f"permissionsets/{who}.permissionset-meta.xml"])
    found = {one.findtext("field") or "": one.findtext("editable") for one in root.iter("fieldPermissions")}
    return {name.partition(".")[2]: may for name, may in found.items() if name.startswith(f"{PROFILE}.")}


def test_people_may_edit_what_is_theirs_and_our_user_may_only_read_it() -> None:
    """CS User edits the inputs and nothing else of a profile, CS Admin them too, CS Integration none."""
    inputs = set(human_names(SALESFORCE))
    assert {name for name, may in rights("CS_User").items() if may == "true"} == inputs
    assert inputs <= {name for name, may in rights("CS_Admin").items() if may == "true"}
    assert {name: rights("CS_Integration").get(name) for name in inputs} == dict.fromkeys(inputs, "false")
    root = tree(CORE["permissionsets/CS_User.permissionset-meta.xml"])
    objects = {one.findtext("object"): one.findtext("allowEdit") for one in root.iter("objectPermissions")}
    others = ("CS_Plan__c", "CS_Milestone__c", "CS_Snapshot__c")
    assert objects == {PROFILE: "true", **dict.fromkeys(others, "false")}


def test_the_inputs_stand_together_with_a_word_beside_each() -> None:
    """In a section of the profile's page layout, each field with its help."""
    layout = tree(CORE["layouts/CS_Profile__c-CS Profile Layout.layout-meta.xml"])
    (section,) = (one for one in layout.iter("layoutSections") if one.findtext("label") == "CS Inputs")
    shown = [one.findtext("field") for one in section.iter("layoutItems")]
    assert sorted(map(str, shown)) == sorted(human_names(SALESFORCE))
    for name in human_names(SALESFORCE):
        field = tree(CORE[f"objects/{PROFILE}/fields/{name}.field-meta.xml"])
        assert field.findtext("inlineHelpText")


def stands(sandbox: Sandbox, day: str) -> Api:
    """Set the org's clock to noon of a day and return a session of the API user."""
    sandbox.post("/_sandbox/clock", {"now": f"{day}T12:00:00Z", "running": False})
    return Api(sandbox.url, "68.0")


KIND, POINTS, REASON, UNTIL = CAP
REFUSED: tuple[tuple[dict[str, Any], str], ...] = (
    ({POINTS: None}, POINTS),
    ({KIND: None}, POINTS),
    ({POINTS: 101}, POINTS),
    ({POINTS: -1}, POINTS),
    ({REASON: None}, REASON),
    ({UNTIL: "2025-03-03"}, UNTIL),
    ({UNTIL: "2025-06-02"}, UNTIL),
    ({"CS_Segment_Pin__c": "smb"}, "CS_Segment_Pin_Ends_On__c"),
    ({"CS_Stage_Pin__c": "adopting", "CS_Stage_Pin_Ends_On__c": "2025-03-03"}, "CS_Stage_Pin_Ends_On__c"),
    ({"CS_Pulse__c": 9}, "CS_Pulse__c"),
    ({"CS_Pulse__c": 0}, "CS_Pulse__c"),
)
TAKEN: tuple[dict[str, Any], ...] = (
    {UNTIL: "2025-06-01"},
    {UNTIL: None},
    {"CS_Pulse__c": 5, "CS_Segment_Pin__c": "smb", "CS_Segment_Pin_Ends_On__c": "2026-03-03"},
    {"CS_Pulse__c": None, "CS_Segment_Pin__c": None, "CS_Segment_Pin_Ends_On__c": None},
    dict.fromkeys(CAP),
)


def test_what_cannot_count_is_refused_where_it_is_written(salesforce_sandbox: Sandbox) -> None:
    """By field, on 3 March 2025 (90 days later is 1 June); a later save of other fields is not asked."""
    api = stands(salesforce_sandbox, "2025-03-03")
    assert api.deploy(to_metadata_format(CORE))["status"] == "Succeeded"
    api.grant("CS_Admin")
    for values, field in REFUSED:
        answer = api.call("POST", f"/sobjects/{PROFILE}", {"CS_Key__c": "k", **CAP, **values})
        (error,) = answer.json()
        assert (error["errorCode"], error["fields"]) == ("FIELD_CUSTOM_VALIDATION_EXCEPTION", [field]), values
    path = f"/sobjects/{PROFILE}/{api.create(PROFILE, CS_Key__c='k', **CAP)}"
    for values, field in REFUSED:
        (error,) = api.call("PATCH", path, values).json()
        assert error["fields"] == [field], values
    for values in TAKEN[:2]:
        assert api.call("PATCH", path, values).status_code == 204, values
    assert api.call("PATCH", path, {UNTIL: "2025-04-01"}).status_code == 204
    api = stands(salesforce_sandbox, "2025-05-01")
    assert api.call("PATCH", path, {"CS_Health__c": 41.5}).status_code == 204
    for values in TAKEN[2:]:
        assert api.call("PATCH", path, values).status_code == 204, values


def test_our_own_user_cannot_write_what_people_say(salesforce_sandbox: Sandbox) -> None:
    """The rights an install gives it let it read the inputs; a write is refused by the org itself."""
    api = Api(salesforce_sandbox.url, "68.0")
    assert api.deploy(to_metadata_format(CORE))["status"] == "Succeeded"
    api.grant("CS_Integration")
    path = f"/sobjects/{PROFILE}/{api.create(PROFILE, CS_Key__c='k', CS_Health__c=50)}"
    assert api.call("PATCH", path, {"CS_Pulse__c": 3}).status_code == 400
    assert api.rows(f"SELECT CS_Pulse__c, CS_Health__c FROM {PROFILE}") == [
        {"CS_Pulse__c": None, "CS_Health__c": 50.0}
    ]
