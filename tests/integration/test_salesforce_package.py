"""The native Salesforce package without an org: valid files, whole references, rights for all it ships."""

from __future__ import annotations

import io
import re
import tomllib
import zipfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from integration.port import SchemaChange
from integration.salesforce.limits import METADATA_VERSION
from integration.salesforce.metadata_xml import PERMISSION_SET
from integration.salesforce.source_format import META, Part, component_of, package_files, to_metadata_format
from mappings.load import load_charter
from mappings.naming import SALESFORCE
from mappings.outbound import object_specs
from tests.integration.conftest import Sandbox
from tests.integration.salesforce_metadata import NAMESPACE, mistakes
from tests.integration.salesforce_package_rules import (
    EVERYBODY,
    code,
    fields,
    incomplete_fields,
    too_long,
    tree,
    uncovered,
)
from tests.integration.salesforce_steps import archive_of
from tests.sandbox.salesforce_session import Api
from tests.sync.harness import CHARTER

# What every project has by default, the dashboards with it.
CORE = {**package_files(Part.CORE), **package_files(Part.DASHBOARDS)}
EVERY = {f"{part}/{path}": text for part in Part for path, text in package_files(part).items()}
METADATA = {path: text for path, text in EVERY.items() if path.endswith(META)}
CARD = "lwc/csHealthCard/csHealthCard"
HEALTH = "objects/CS_Profile__c/fields/CS_Health__c.field-meta.xml"
LOOKUP = "objects/CS_Profile__c/fields/CS_Account__c.field-meta.xml"
KEY = "objects/CS_Plan__c/fields/CS_Key__c.field-meta.xml"
PULSE_RULE = "objects/CS_Profile__c/validationRules/CS_Pulse_1_To_5.validationRule-meta.xml"
USER = "permissionsets/CS_User.permissionset-meta.xml"
TYPES = {
    "CompactLayout", "CustomApplication", "CustomField", "CustomObject", "CustomTab", "Dashboard",
    "DashboardFolder", "FlexiPage", "Layout", "LightningComponentBundle", "ListView", "PathAssistant",
    "PermissionSet", "QuickAction", "Report", "ReportFolder", "ReportType", "ValidationRule",
}  # fmt: skip


def changed(path: str, old: str, new: str) -> dict[str, str]:
    """Return the core with ``old`` in one file replaced, which must be there."""
    assert old in CORE[path]
    return {**CORE, path: CORE[path].replace(old, new, 1)}


@pytest.mark.parametrize("path", sorted(METADATA))
def test_every_file_is_valid_by_salesforces_own_schema(path: str) -> None:
    """Elements, types and enumerations are those of the Metadata API."""
    assert mistakes(EVERY[path]) == []


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        (HEALTH, "<precision>18</precision>", "<precisoin>18</precisoin>"),
        (HEALTH, "<type>Number<", "<type>Numbr<"),
        (LOOKUP, "<deleteConstraint>SetNull<", "<deleteConstraint>Forget<"),
        (USER, "<readable>true<", "<readable>yes<"),
        (USER, "<label>CS User</label>", ""),
    ],
)
def test_the_schema_catches_what_is_misspelt_or_missing(path: str, old: str, new: str) -> None:
    """A check that lets a broken copy pass would say nothing of the files."""
    assert mistakes(changed(path, old, new)[path]) != []


def test_nothing_of_the_core_runs_but_one_component_that_reads() -> None:
    """No Apex, no flow: what runs is a card in the reader's browser, by Salesforce's own data service."""
    assert code(CORE, TYPES) == [f"{CARD}.html", f"{CARD}.js"]
    imported = set(re.findall(r"from '([^']+)'", CORE[f"{CARD}.js"]))
    schema = {one for one in imported if one.startswith("@salesforce/schema/CS_Profile__c.")}
    assert imported - schema == {"lwc", "lightning/uiRecordApi"}
    written = ("updateRecord", "createRecord", "deleteRecord", "fetch(", "innerHTML", "eval(")
    assert [word for word in written if word in CORE[f"{CARD}.js"]] == []
    assert "classes/Health.cls" in code({**CORE, "classes/Health.cls": "public class Health {}"}, TYPES)
    flow = f'<Flow xmlns="{NAMESPACE}"/>'
    assert "flows/F.flow-meta.xml" in code({**CORE, "flows/F.flow-meta.xml": flow}, TYPES)
    assert {component_of(path)[0] for path in CORE} == TYPES - {"ReportFolder", "DashboardFolder"}


def test_the_component_is_of_the_packages_version_and_for_the_profiles_page() -> None:
    """Its API version is the deploys'; it may be placed on pages of profiles and nowhere else."""
    root = tree(CORE[f"{CARD}.js-meta.xml"])
    assert root.findtext("apiVersion") == METADATA_VERSION
    assert [one.text for one in root.iter("target")] == ["lightning__RecordPage"]
    assert [one.get("targets") for one in root.iter("targetConfig")] == ["lightning__RecordPage"]
    assert [one.text for one in root.iter("object")] == ["CS_Profile__c"]


def test_the_component_tells_unknown_from_not_there_yet_and_is_read_aloud() -> None:
    """While it loads, where the profile cannot be read, and where nothing is known, it says so in words."""
    html, module = CORE[f"{CARD}.html"], CORE[f"{CARD}.js"]
    assert 'alternative-text="Loading health"' in html
    assert 'role="alert"' in html
    assert "const UNKNOWN = 'Unknown'" in module
    assert html.count("<dt") == html.count("<dd") == 4
    assert "optionalFields" in module  # a field hidden from the reader does not hide the others


def test_the_permission_sets_grant_all_that_is_shipped() -> None:
    """Fields and objects to people and to the integration user; tabs and the app to people."""
    assert uncovered(CORE) == []


def test_no_permission_set_of_the_package_is_the_installs() -> None:
    """A deploy replaces a permission set: the package would take the install's rights, or the other way."""
    shipped = {component_of(path)[1] for path in CORE if path.startswith("permissionsets/")}
    assert shipped == set(EVERYBODY)
    assert PERMISSION_SET not in shipped


@pytest.mark.parametrize(
    ("path", "old", "new", "found"),
    [
        (
            USER,
            "CS_Profile__c.CS_Health__c",
            "CS_Profile__c.CS_Other__c",
            "CS_User: CS_Profile__c.CS_Health__c",
        ),
        (USER, "<tab>CS_Plan__c<", "<tab>CS_Other__c<", "CS_User: tab CS_Plan__c"),
        (USER, "<application>CS_Cust", "<application>CS_Cost", "CS_User: app CS_Customer_Success"),
        (USER, "<object>CS_Plan__c<", "<object>CS_Other__c<", "CS_User: CS_Plan__c"),
    ],
)
def test_a_right_left_out_is_noticed(path: str, old: str, new: str, found: str) -> None:
    """Each kind of right is looked for."""
    assert uncovered(changed(path, old, new)) == [found]


def test_every_field_says_what_its_type_needs() -> None:
    """Lookups have a relationship, numbers their digits, keys are unique whatever their case."""
    assert incomplete_fields(CORE) == []


@pytest.mark.parametrize(
    ("path", "element", "found"),
    [
        (
            LOOKUP,
            "<relationshipName>CS_Profiles</relationshipName>",
            "CS_Profile__c.CS_Account__c: relationshipName",
        ),
        (HEALTH, "<scale>1</scale>", "CS_Profile__c.CS_Health__c: scale"),
        (KEY, "<unique>true</unique>", "CS_Plan__c.CS_Key__c: unique"),
        (KEY, "<caseSensitive>false</caseSensitive>", "CS_Plan__c.CS_Key__c: caseSensitive"),
        (KEY, "<length>255</length>", "CS_Plan__c.CS_Key__c: length"),
    ],
)
def test_a_field_that_lacks_something_is_noticed(path: str, element: str, found: str) -> None:
    """What the schema lets pass and an org would not."""
    assert incomplete_fields(changed(path, element, "")) == [found]


def test_names_and_labels_fit() -> None:
    """Forty characters for fields, objects and list views, eighty for the rest."""
    assert too_long(EVERY) == too_long(CORE) == []
    long = "objects/CS_Profile__c/fields/CS_" + "X" * 38 + "__c.field-meta.xml"
    assert too_long({long: CORE[HEALTH]}) == [f"{long}: CS_{'X' * 38}"]
    label = changed(HEALTH, "<label>CS Health<", f"<label>{'H' * 41}<")
    assert too_long(label) == [f"{HEALTH}: {'H' * 41}"]


def installed() -> dict[str, ET.Element]:
    """Return what an install of the default charter deploys, by Object.Field; objects without fields."""
    charter = load_charter(CHARTER, SALESFORCE)
    changes = [SchemaChange(one, one.custom, one.fields) for one in object_specs(charter, SALESFORCE)]
    archive = zipfile.ZipFile(io.BytesIO(archive_of(changes)))
    found: dict[str, ET.Element] = {}
    for path in archive.namelist():
        if path.startswith("objects/"):
            name = path.removeprefix("objects/").removesuffix(".object")
            root = tree(archive.read(path).decode())
            for field in root.findall("fields"):
                found[f"{name}.{field.findtext('fullName')}"] = field
                root.remove(field)
            found[name] = root
    return found


def words(element: ET.Element) -> dict[str, str]:
    """Return an element's children as text; those that have children of their own, as they are written."""
    return {one.tag: "".join(ET.tostring(one, encoding="unicode").split()) for one in element}


def test_the_package_and_an_install_make_the_same_fields() -> None:
    """Name, type, length, digits and choices agree; only bands, segments and stages are the charter's."""
    shipped = dict(fields(CORE))
    wanted = {name: field for name, field in installed().items() if "." in name}
    assert len(wanted) > 30
    assert sorted(set(wanted) - set(shipped)) == []
    for name, field in wanted.items():
        one, other = words(field), words(shipped[name])
        if name in {f"CS_Profile__c.CS_{one}__c" for one in ("Band", "Segment", "Stage")} or name.endswith(
            ".CS_Band__c"
        ):
            assert other["valueSet"] == one["valueSet"].replace("<restricted>true", "<restricted>false")
            del one["valueSet"], other["valueSet"]
        assert other == one, name


def test_the_package_and_an_install_make_the_same_objects() -> None:
    """An install on top of the package takes no ability of an object away."""
    for name, root in installed().items():
        if not name.endswith("__c") or "." in name:
            continue
        shipped = words(tree(CORE[f"objects/{name}/{name}.object-meta.xml"]))
        assert words(root).items() <= shipped.items()
        assert set(shipped) - set(words(root)) == {"compactLayoutAssignment", "description"}


def test_what_stands_on_the_account_is_read_through_one_lookup() -> None:
    """Health is written to the profile alone, so no trigger or flow of the account fires for it."""
    own = {name: root for name, root in fields(CORE) if name.startswith("Account.")}
    written = [name for name, root in own.items() if root.find("formula") is None]
    assert written == ["Account.CS_Profile__c"]
    formulas = [root.findtext("formula") or "" for root in own.values() if root.find("formula") is not None]
    assert len(formulas) == 9
    assert all("CS_Profile__r." in one for one in formulas)


def test_whatever_can_be_counted_of_a_profile_stands_in_its_report_type() -> None:
    """All fields but key, lookup and long texts: reports are made of overrides and risks."""
    own = {
        name.partition(".")[2]: root.findtext("type")
        for name, root in fields(CORE)
        if "CS_Profile__c." in name
    }
    counted = {name for name, kind in own.items() if kind not in {"LongTextArea", "Lookup"}}
    report_type = tree(CORE["reportTypes/CS_Accounts_with_Profiles.reportType-meta.xml"])
    shown = {
        one.findtext("field")
        for one in report_type.iter("columns")
        if (one.findtext("table") or "").endswith("CS_Profiles__r")
    }
    assert counted - shown == {"CS_Key__c"}


@pytest.fixture
def org(salesforce_sandbox: Sandbox) -> Api:
    """Give an org where nothing of ours is."""
    return Api(salesforce_sandbox.url, "68.0")


def refusals(result: dict[str, Any]) -> list[str]:
    """Return what the org refused, in its words."""
    return [f"{one['fullName']}: {one['problem']}" for one in result["details"]["componentFailures"]]


# Each names a field, report or tab that is there; with CS_Gone in its place the org must say so.
BROKEN = (
    ("layouts/CS_Plan__c-CS Plan Layout.layout-meta.xml", ">CS_Target_On__c<"),
    ("objects/Account/listViews/CS_My_At_Risk_Accounts.listView-meta.xml", ">CS_Profile_Health__c<"),
    ("objects/CS_Plan__c/compactLayouts/CS_Plan_Highlights.compactLayout-meta.xml", ">CS_Status__c<"),
    ("reportTypes/CS_Plans_with_Milestones.reportType-meta.xml", ">CS_Phase__c<"),
    ("reports/CS_Reports/CS_Time_to_Value.report-meta.xml", "$CS_Days_To_Reach__c<"),
    ("layouts/CS_Snapshot__c-CS Snapshot Layout.layout-meta.xml", ">CS_NRR__c<"),
    ("objects/CS_Snapshot__c/listViews/CS_Portfolio_By_Month.listView-meta.xml", ">CS_GRR__c<"),
    ("reportTypes/CS_Snapshots.reportType-meta.xml", ">CS_Month__c<"),
    ("reports/CS_Reports/CS_Retention_Trend.report-meta.xml", "$CS_NRR__c<"),
    ("reports/CS_Reports/CS_Health_by_Segment.report-meta.xml", "$CS_Accounts__c<"),
    ("dashboards/CS_Dashboards/CS_Customer_Health.dashboard-meta.xml", "/CS_Retention_Trend<"),
    ("dashboards/CS_Dashboards/CS_Customer_Health.dashboard-meta.xml", "/CS_Health_by_Band<"),
    ("permissionsets/CS_Admin.permissionset-meta.xml", ".CS_Status__c<"),
    ("flexipages/CS_Account_Record_Page.flexipage-meta.xml", ".CS_Profile_Band__c<"),
    ("flexipages/CS_Profile_Record_Page.flexipage-meta.xml", ">csHealthCard<"),
    (f"{CARD}.js", ".CS_Trend__c'"),
    ("applications/CS_Customer_Success.app-meta.xml", "<tabs>CS_Plan__c<"),
    ("pathAssistants/CS_Plan_Path.pathAssistant-meta.xml", ">CS_Target_On__c<"),
    ("quickActions/CS_Plan__c.CS_Follow_Up.quickAction-meta.xml", ">Subject<"),
    ("quickActions/CS_Profile__c.CS_Override_Health.quickAction-meta.xml", ">CS_Override_Ends_On__c<"),
    (PULSE_RULE, ">CS_Pulse__c<"),
)


def test_the_package_deploys_and_its_references_resolve(org: Api) -> None:
    """Every part goes in, check-only first; each broken copy is refused by the name that is not there."""
    for part in Part:
        files = to_metadata_format(package_files(part))
        result = org.deploy(files)
        assert (result["status"], refusals(result)) == ("Succeeded", []), part
        assert result["numberComponentsTotal"] == len({component_of(path) for path in package_files(part)})
    for path, old in BROKEN:
        name = old.strip("</>$.'").removeprefix("tabs>")
        result = org.deploy(
            to_metadata_format(changed(path, old, old.replace(name, "CS_Gone"))), checkOnly=True
        )
        assert any("CS_Gone" in one for one in refusals(result)), (path, refusals(result))


def test_a_deploy_shows_on_the_account_what_is_on_the_profile(org: Api) -> None:
    """Health, band, segment and stage are read through the lookup; the account is never written for them."""
    assert org.deploy(to_metadata_format(CORE))["status"] == "Succeeded"
    org.grant("CS_Admin")
    charters_own = {"CS_Segment__c": "regulated", "CS_Stage__c": "prove_value"}
    profile = org.create(
        "CS_Profile__c", Name="P", CS_Key__c="k", CS_Health__c=41.5, CS_Band__c="red", **charters_own
    )
    account = org.create("Account", Name="A", CS_Profile__c=profile)
    asked = (
        "SELECT CS_Profile_Health__c, CS_Profile_Band__c, CS_Profile_Segment__c, CS_Profile_Stage__c, "
        f"SystemModstamp FROM Account WHERE Id = '{account}'"
    )
    (before,) = org.rows(asked)
    assert (before["CS_Profile_Health__c"], before["CS_Profile_Band__c"]) == (41.5, "red")
    assert (before["CS_Profile_Segment__c"], before["CS_Profile_Stage__c"]) == tuple(charters_own.values())
    answer = org.call(
        "PATCH", f"/sobjects/CS_Profile__c/{profile}", {"CS_Health__c": 88, "CS_Band__c": "custom"}
    )
    assert answer.status_code == 204
    (after,) = org.rows(asked)
    assert (after["CS_Profile_Health__c"], after["CS_Profile_Band__c"]) == (88, "custom")
    assert after["SystemModstamp"] == before["SystemModstamp"]


def test_days_to_a_milestone_count_from_the_start_of_its_plan(org: Api) -> None:
    """From the 1st to the 15th are fourteen days; a milestone not reached has none."""
    assert org.deploy(to_metadata_format(CORE))["status"] == "Succeeded"
    org.grant("CS_Admin")
    plan = org.create("CS_Plan__c", Name="P", CS_Key__c="p", CS_Starts_On__c="2024-03-01")
    org.create("CS_Milestone__c", Name="M", CS_Key__c="m", CS_Plan__c=plan, CS_Done_On__c="2024-03-15")
    org.create("CS_Milestone__c", Name="N", CS_Key__c="n", CS_Plan__c=plan)
    rows = org.rows("SELECT Name, CS_Days_To_Reach__c FROM CS_Milestone__c ORDER BY Name")
    assert [row["CS_Days_To_Reach__c"] for row in rows] == [14, None]


def test_every_file_is_shipped_with_the_program() -> None:
    """A wheel without the files would have nothing to write."""
    told = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    assert told["tool"]["setuptools"]["package-data"]["integration.salesforce"] == [
        "package/**/*.xml",
        "package/core/lwc/**",
    ]
    assert all(path.endswith(".xml") or path.startswith("core/lwc/") for path in EVERY)
