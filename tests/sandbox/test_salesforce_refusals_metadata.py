"""What Salesforce refuses to delete: everything that something else still uses (reference 3).

The org is the small one of ``salesforce_components``, with what a case adds to it.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.salesforce_components import FILES
from tests.sandbox.salesforce_refusals import refuses
from tests.sandbox.salesforce_session import NS, Api, custom_object, field, package, permission_set

ADDED = {
    "objects/Thing__c.object": f"<CustomObject {NS}>"
    + field("Twice__c", "Number", precision="18", scale="0", formula="Amount__c")
    + field("Early__c", "Date")
    + field("Free__c", "Date")
    + "</CustomObject>",
    "objects/Part__c.object": custom_object(
        "Part", field("Thing__c", "Lookup", referenceTo="Thing__c", relationshipName="Parts")
    ),
    "package.xml": package(
        CustomObject=["Part__c"], CustomField=["Thing__c.Twice__c", "Thing__c.Early__c", "Thing__c.Free__c"]
    ),
}


@pytest.fixture(scope="module")
def api(salesforce: Any) -> Api:
    """Give a session on an org with one of everything, and a permission set that is assigned."""
    api = Api(salesforce.url, "68.0")
    for files in (FILES, ADDED):
        result = api.deploy(files)
        assert result["status"] == "Succeeded", result["details"]
    api.grant("See_Things")
    return api


def deleted(api: Api, *, check: bool = True, **members: list[str]) -> dict[str, Any]:
    """Return the result of a deploy that deletes; only checked unless ``check`` is false."""
    files = {"package.xml": package(), "destructiveChanges.xml": package(**members)}
    return api.deploy(files, checkOnly=check)


def problems(result: dict[str, Any]) -> dict[str, str]:
    """Return what was refused, by name."""
    assert result["status"] == "Failed"
    return {one["fullName"]: one["problem"] for one in result["details"]["componentFailures"]}


@refuses("delete-formula-source")
def test_a_field_a_formula_reads(api: Api) -> None:
    """The words name the formula."""
    words = "This custom field is referenced elsewhere in salesforce.com. : Custom Formula Field - "
    told = problems(deleted(api, CustomField=["Thing__c.Amount__c"]))
    assert told == {"Thing__c.Amount__c": f"{words}Thing__c.Twice__c."}


@refuses("delete-view-column")
def test_a_field_a_list_view_shows(api: Api) -> None:
    """The view names it as a filter; the field goes with its object only."""
    (words,) = problems(deleted(api, CustomField=["Thing__c.Due__c"])).values()
    assert words.endswith(": List View - Thing__c.Big.")


@refuses("delete-lookup-target")
def test_an_object_a_lookup_points_to(api: Api) -> None:
    """Its own fields, views and layouts hold nothing back; another object's lookup does."""
    dropped = {
        "CustomApplication": ["Things_App"],
        "Dashboard": ["Boards/Board"],
        "PlatformEventChannelMember": ["Things_Thing"],
    }
    before = {"FlexiPage": ["Thing_Page"], "Report": ["Reports/Things"], "PathAssistant": ["Thing_Path"]}
    files = {
        "package.xml": package(),
        "destructiveChangesPre.xml": package(**dropped),
        "destructiveChanges.xml": package(**before),
        "destructiveChangesPost.xml": package(ReportType=["Things"]),
    }
    assert api.deploy(files, checkOnly=True)["status"] == "Succeeded"
    told = problems(api.deploy({**files, "destructiveChangesPost.xml": package(CustomObject=["Thing__c"],
        ReportType=["Things"])}, checkOnly=True))  # fmt: skip
    assert set(told) == {"Thing__c"}
    assert told["Thing__c"].startswith("This custom object is referenced elsewhere in salesforce.com. : ")


@refuses("delete-together")
def test_a_formula_and_its_source_in_one_manifest(api: Api) -> None:
    """The formula may go, what it reads may not; in two manifests both may, the list view aside."""
    told = problems(deleted(api, CustomField=["Thing__c.Twice__c", "Thing__c.Amount__c"]))
    assert set(told) == {"Thing__c.Amount__c"}
    two = {
        "package.xml": package(),
        "destructiveChangesPre.xml": package(CustomField=["Thing__c.Twice__c"]),
        "destructiveChangesPost.xml": package(CustomField=["Thing__c.Early__c"]),
    }
    assert api.deploy(two, checkOnly=True)["status"] == "Succeeded"


@refuses("delete-active-page")
def test_a_page_an_app_shows(api: Api) -> None:
    """The app goes first."""
    (words,) = problems(deleted(api, FlexiPage=["Thing_Page"])).values()
    assert (
        words == "This lightning page is referenced elsewhere in salesforce.com. : Custom App - Things_App."
    )


@refuses("delete-report")
def test_a_report_a_dashboard_draws(api: Api) -> None:
    """The dashboard goes first."""
    (words,) = problems(deleted(api, Report=["Reports/Things"])).values()
    assert words.endswith(": Dashboard - Boards/Board.")


@refuses("delete-full-folder")
def test_a_folder_with_a_report_in_it(api: Api) -> None:
    """Its report goes first."""
    assert "Report - Reports/Things" in problems(deleted(api, Report=["Reports"]))["Reports"]


@refuses("delete-held-set")
def test_a_permission_set_somebody_has(api: Api) -> None:
    """It is taken from them first."""
    assert "Permission Set Assignment" in problems(deleted(api, PermissionSet=["See_Things"]))["See_Things"]


@refuses("delete-absent")
def test_what_is_not_there(api: Api) -> None:
    """A warning, which counts as an error unless the deploy ignores warnings."""
    told = problems(deleted(api, CustomField=["Thing__c.Gone__c"]))
    assert told == {"Thing__c.Gone__c": "No CustomField named: Thing__c.Gone__c found"}
    files = {"package.xml": package(), "destructiveChanges.xml": package(CustomField=["Thing__c.Gone__c"])}
    assert api.deploy(files, checkOnly=True, ignoreWarnings=True)["status"] == "Succeeded"


def test_deployed_metadata_is_seen_by_queries(api: Api) -> None:
    """Views, tabs, apps, reports, dashboards and rights have rows, which nobody can write."""
    asked = {
        "ListView": "SELECT SobjectType, DeveloperName FROM ListView",
        "TabDefinition": "SELECT SobjectName FROM TabDefinition WHERE IsCustom = true",
        "AppDefinition": "SELECT DeveloperName FROM AppDefinition",
        "Report": "SELECT DeveloperName, FolderName FROM Report",
        "Dashboard": "SELECT DeveloperName, Type FROM Dashboard",
        "FieldPermissions": "SELECT Field, PermissionsEdit FROM FieldPermissions "
        "WHERE Parent.Name = 'See_Things'",
        "ObjectPermissions": "SELECT SobjectType, PermissionsDelete FROM ObjectPermissions "
        "WHERE Parent.Name = 'See_Things'",
    }
    assert {name: api.rows(soql) for name, soql in asked.items()} == {
        "ListView": [{"SobjectType": "Thing__c", "DeveloperName": "Big"}],
        "TabDefinition": [{"SobjectName": "Thing__c"}],
        "AppDefinition": [{"DeveloperName": "Things_App"}],
        "Report": [{"DeveloperName": "Things", "FolderName": "Reports"}],
        "Dashboard": [{"DeveloperName": "Board", "Type": "LoggedInUser"}],
        "FieldPermissions": [{"Field": "Thing__c.Amount__c", "PermissionsEdit": True}],
        "ObjectPermissions": [{"SobjectType": "Thing__c", "PermissionsDelete": True}],
    }
    assert api.call("POST", "/sobjects/ListView", {"DeveloperName": "X"}).status_code >= 400


def test_a_deleted_field_takes_its_values_and_rights(api: Api) -> None:
    """It is described no more, and the right that a set gave to it is gone."""
    rights = permission_set("See Free", ["Thing__c"], ["Thing__c.Free__c"])
    files = {
        "permissionsets/See_Free.permissionset": rights,
        "package.xml": package(PermissionSet=["See_Free"]),
    }
    assert api.deploy(files)["status"] == "Succeeded"
    soql = "SELECT Field FROM FieldPermissions WHERE Field = 'Thing__c.Free__c'"
    assert len(api.rows(soql)) == 1
    assert deleted(api, check=False, CustomField=["Thing__c.Free__c"])["status"] == "Succeeded"
    described = api.call("GET", "/sobjects/Thing__c/describe").json()["fields"]
    assert "Free__c" not in {one["name"] for one in described}
    assert api.rows(soql) == []
