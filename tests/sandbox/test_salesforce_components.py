"""What a deploy to the Salesforce sandbox is refused for beyond objects and fields, by raw HTTP.

Each case is the small org of ``salesforce_components`` with one thing changed; unchanged, it deploys.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from tests.sandbox.salesforce_components import (
    APP,
    CLIENT,
    COMPACT,
    DASHBOARD,
    FILES,
    MEMBER,
    NS,
    TAB,
    VIEW,
    item,
)
from tests.sandbox.salesforce_session import Api, package


@dataclass(frozen=True)
class Case:
    """In the file whose path ends so, ``old`` becomes ``new``; the deploy then fails with ``words``."""

    name: str
    file: str
    old: str
    new: str
    words: str


OBJECT, LAYOUT, ACTION = "Thing__c.object", "Layout.layout", ".quickAction"
PAGE, PATH, TYPE = ".flexipage", ".pathAssistant", ".reportType"
REPORT, BOARD, RIGHTS = "Things.report", ".dashboard", ".permissionset"
ELEVEN = "<fields>Amount__c</fields>" * 10
CASES = (
    Case(
        "view-column", OBJECT, "<columns>Amount__c", "<columns>Nope__c", "resolve list view column: Nope__c"
    ),
    Case("view-filter-field", OBJECT, "<filters><field>Amount__c", "<filters><field>No__c", "column: No__c"),
    Case("view-filter-number", OBJECT, "<value>5<", "<value>five<", "Invalid filter value five"),
    Case("view-filter-date", OBJECT, "NEXT_N_DAYS:90", "NEXT 90", "Invalid filter value NEXT 90"),
    Case("view-filter-operation", OBJECT, ">greaterThan<", ">above<", "enum 'FilterOperation'"),
    Case("view-filter-contains", OBJECT, ">greaterThan<", ">contains<", "Invalid filter operator contains"),
    Case(
        "view-filter-long-text", OBJECT, "<filters><field>Amount__c", "<filters><field>Notes__c", "long text"
    ),
    Case("view-scope", OBJECT, ">Everything<", ">Nobody<", "enum 'FilterScope'"),
    Case("view-label", OBJECT, "<label>Big<", f"<label>{'B' * 41}<", "maximum length is:40"),
    Case("view-name", OBJECT, "<fullName>Big<", "<fullName>Big__One<", "API name 'Big__One' is not valid"),
    Case(
        "compact-field",
        OBJECT,
        "<fields>Stage__c</fields>",
        "<fields>No__c</fields>",
        "CustomField named Thing__c.No__c",
    ),
    Case(
        "compact-long-text",
        OBJECT,
        "<fields>Stage__c</fields>",
        "<fields>Notes__c</fields>",
        "can not be added",
    ),
    Case("compact-eleven", OBJECT, "<fields>Stage__c</fields>", ELEVEN, "between 1 and 10 fields"),
    Case(
        "compact-assignment",
        OBJECT,
        "Assignment>Brief<",
        "Assignment>Long<",
        "no CompactLayout named Thing__c.Long",
    ),
    Case(
        "object-member-unchecked",
        OBJECT,
        COMPACT,
        COMPACT + "<webLinks><fullName>W</fullName></webLinks>",
        "does not check WebLink",
    ),
    Case("layout-field", LAYOUT, ">Amount__c<", ">No__c<", "no CustomField named Thing__c.No__c found"),
    Case("layout-duplicate", LAYOUT, item("Amount__c"), item("Name"), "duplicate field: Name"),
    Case("layout-name-missing", LAYOUT, item("Name"), "", "required layout field: Name"),
    Case("layout-action", LAYOUT, "Thing__c.Follow", "Thing__c.Lead", "no QuickAction named Thing__c.Lead"),
    Case(
        "layout-button",
        LAYOUT,
        "QuickAction</actionType>",
        "StandardButton</actionType>",
        "no StandardButton named",
    ),
    Case(
        "layout-related-list", LAYOUT, "RelatedActivityList", "Account.Things__c", "Cannot find related list"
    ),
    Case("layout-related-column", LAYOUT, "TASK.SUBJECT", "TASK.MOOD", "column: TASK.MOOD"),
    Case("layout-element", LAYOUT, "</Layout>", "<summary>x</summary></Layout>", "invalid at this location"),
    Case("action-field", ACTION, ">Subject<", ">Mood<", "no CustomField named Task.Mood found"),
    Case("action-target", ACTION, ">Task<", ">Chore<", "no CustomObject named Chore found"),
    Case("action-parent", ACTION, ">What<", ">Whose<", "no CustomField named Task.Whose found"),
    Case("action-type", ACTION, ">Create<", ">Conjure<", "enum 'QuickActionType'"),
    Case("tab-motif", ".tab", "Custom11: Star", "Star", "Invalid tab style: Star"),
    Case("tab-kind", ".tab", "<customObject>true", "<customObject>false", "tabs of custom objects only"),
    Case("app-tab", ".app", "<tabs>Thing__c", "<tabs>Think__c", "no CustomTab named Think__c found"),
    Case("app-page", ".app", "<content>Thing_Page", "<content>Other_Page", "no FlexiPage named Other_Page"),
    Case(
        "app-page-object",
        ".app",
        "<pageOrSobjectType>Thing__c",
        "<pageOrSobjectType>Account",
        "is for Thing__c",
    ),
    Case("page-field", PAGE, "Record.Amount__c", "Record.No__c", "no CustomField named Thing__c.No__c found"),
    Case(
        "page-component", PAGE, "force:detailPanel", "force:detailPane", "component information for component"
    ),
    Case("page-property", PAGE, "<name>collapsed", "<name>folded", "has no property folded"),
    Case("page-facet", PAGE, "<value>details", "<value>detail", "no Facet named detail found"),
    Case(
        "page-idle-facet",
        PAGE,
        "<name>tabs</name><value>tabs<",
        "<name>tabs</name><value>details<",
        "facet tabs is shown nowhere",
    ),
    Case("page-region", PAGE, "<name>sidebar", "<name>side", "not those of its template: side, sidebar"),
    Case("page-template", PAGE, "recordHomeTemplateDesktop", "recordHome", "no FlexiPageTemplate named"),
    Case("page-identifier", PAGE, ">side<", ">top<", "identifier top is used twice"),
    Case(
        "page-object",
        PAGE,
        "<sobjectType>Thing__c",
        "<sobjectType>Think__c",
        "no CustomObject named Think__c",
    ),
    Case("path-value", PATH, "<picklistValueName>a", "<picklistValueName>z", "'z' is not a valid value"),
    Case(
        "path-field",
        PATH,
        "<fieldNames>Amount__c",
        "<fieldNames>No__c",
        "no CustomField named Thing__c.No__c",
    ),
    Case("path-picklist", PATH, "<fieldName>Stage__c", "<fieldName>Due__c", "Due__c is not a picklist"),
    Case("path-record-type", PATH, "__MASTER__", "Special", "no RecordType named Special"),
    Case(
        "type-relationship",
        TYPE,
        "<relationship>Things__r",
        "<relationship>Thinks__r",
        "no Relationship named Account.Thinks__r",
    ),
    Case("type-column", TYPE, "<field>Amount__c", "<field>No__c", "no CustomField named Thing__c.No__c"),
    Case("type-table", TYPE, "<table>Account<", "<table>Contact<", "no Relationship named Contact"),
    Case("type-base", TYPE, "<baseObject>Account", "<baseObject>Acount", "no CustomObject named Acount"),
    Case("type-category", TYPE, "<category>accounts", "<category>things", "enum 'ReportTypeCategory'"),
    Case(
        "report-type",
        REPORT,
        "Things__c</reportType>",
        "Think__c</reportType>",
        "no ReportType named Think__c",
    ),
    Case(
        "report-column", REPORT, "<field>Account$Name", "<field>Account$Nome", "no column named Account$Nome"
    ),
    Case(
        "report-aggregate", REPORT, "<aggregateTypes>Sum", "<aggregateTypes>Average", "no summary named Sum:"
    ),
    Case(
        "report-aggregate-text",
        REPORT,
        "<columns><field>Account$Name",
        "<columns><aggregateTypes>Sum</aggregateTypes><field>Account$Name",
        "can not be summarized",
    ),
    Case(
        "report-grouping",
        REPORT,
        "$Stage__c</groupingColumn>",
        "$Due__c</groupingColumn>",
        "no grouping named",
    ),
    Case("report-format", REPORT, "<format>Summary", "<format>Tabular", "A Tabular report has no grouping"),
    Case("report-filter", REPORT, "<value>TODAY", "<value>SOON", "Invalid filter value SOON"),
    Case(
        "report-folder",
        "Reports-meta.xml",
        "</name>",
        "</name><title>T</title>",
        "invalid at this location in type ReportFolder",
    ),
    Case("board-report", BOARD, "Reports/Things", "Reports/Thinks", "no Report named Reports/Thinks"),
    Case("board-grouping", BOARD, "$Stage__c", "$Due__c", "no grouping named"),
    Case("board-summary", BOARD, "<column>RowCount", "<column>Total", "no summary named Total"),
    Case("board-groupings", BOARD, ">Donut<", ">ColumnStacked<", "has 2 groupings, not 1"),
    Case("board-width", BOARD, "<colSpan>6", "<colSpan>13", "wider than the grid"),
    Case(
        "board-nobody", BOARD, ">LoggedInUser<", ">SpecifiedUser<", "Required field is missing: runningUser"
    ),
    Case(
        "rights-app",
        RIGHTS,
        "<application>Things_App",
        "<application>Thinks",
        "no CustomApplication named Thinks",
    ),
    Case("rights-tab", RIGHTS, "<tab>Thing__c", "<tab>Think__c", "no CustomTab named Think__c"),
    Case("rights-visibility", RIGHTS, ">Visible<", ">Shown<", "enum 'PermissionSetTabVisibility'"),
    Case("channel-type", ".platformEventChannel", ">data<", ">dates<", "enum 'PlatformEventChannelType'"),
    Case(
        "member-channel",
        ".platformEventChannelMember",
        "Things__chn",
        "Thinks__chn",
        "no PlatformEventChannel named",
    ),
    Case(
        "member-entity",
        ".platformEventChannelMember",
        "Thing__Change",
        "Think__Change",
        "no ChangeEvent named",
    ),
    Case(
        "member-no-events",
        ".platformEventChannelMember",
        "Thing__Change",
        "OpportunityLineItemChange",
        "no ChangeEvent named",
    ),
    Case("client-email", ".eca", "<contactEmail>a@example.com</contactEmail>", "", "missing: contactEmail"),
    Case("client-state", ".eca", ">Local<", ">Global<", "enum 'ExtlClntAppDistState'"),
    Case("oauth-app", ".ecaOauth", ">Client<", ">Clint<", "no ExternalClientApplication named Clint"),
    Case("oauth-scope", ".ecaOauth", "RefreshToken", "Everything", "enum 'OauthScope'"),
)


@pytest.fixture(scope="module")
def api(salesforce: Any) -> Api:
    """Give a session on an org where nothing is deployed."""
    return Api(salesforce.url, "68.0")


def problems(result: dict[str, Any]) -> list[str]:
    """Return what a deploy was refused for."""
    return [failure["problem"] for failure in result["details"]["componentFailures"]]


def test_the_small_org_deploys(api: Api) -> None:
    """Every type is taken where everything it names is there; check-only leaves nothing behind."""
    result = api.deploy(FILES, checkOnly=True)
    assert (result["status"], problems(result)) == ("Succeeded", [])
    taken = {one["componentType"] for one in result["details"]["componentSuccesses"]}
    assert {"Layout", "FlexiPage", "CustomApplication", "Dashboard", "PlatformEventChannelMember"} <= taken
    assert api.call("GET", "/sobjects/Thing__c/describe").status_code == 404


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_reference_that_does_not_resolve_is_refused(api: Api, case: Case) -> None:
    """One thing changed, and the deploy fails naming it."""
    path = next(name for name in FILES if name.endswith(case.file))
    assert case.old in FILES[path]
    changed = {**FILES, path: FILES[path].replace(case.old, case.new, 1)}
    result = api.deploy(changed, checkOnly=True)
    assert result["status"] == "Failed"
    assert any(case.words in problem for problem in problems(result)), problems(result)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("remoteSiteSettings/R.remoteSite", "RemoteSiteSetting"),
        ("staticresources/S.resource", "StaticResource"),
    ],
)
def test_a_type_nothing_is_known_about_is_refused(api: Api, path: str, kind: str) -> None:
    """What is not checked is not said to be right."""
    name = path.split("/")[1].split(".", maxsplit=1)[0]
    result = api.deploy({path: "<x/>", "package.xml": package(**{kind: [name]})})
    assert result["status"] == "Failed"
    assert f"The sandbox does not check {kind} and so does not take it" in problems(result)


def test_a_component_that_package_xml_does_not_name_is_passed_over(api: Api) -> None:
    """It is told as a warning, and is not there afterwards for others to name."""
    files = {
        "tabs/Account__c.tab": TAB,
        "externalClientApps/Client.eca": CLIENT,
        "applications/App.app": APP.replace("<tabs>Thing__c</tabs>", ""),
        "package.xml": package(ExternalClientApplication=["Client"]),
    }
    result = api.deploy(files, checkOnly=True)
    assert result["status"] == "Succeeded"
    passed = {
        one["fullName"]: one["problem"] for one in result["details"]["componentSuccesses"] if one["warning"]
    }
    assert passed == {"Account__c": "Not in package.xml", "App": "Not in package.xml"}


def test_a_sixth_object_with_change_events_is_refused(api: Api) -> None:
    """An org has five to give, outside managed packages; the same one again takes no more room."""
    entities = ("Account", "Contact", "Opportunity", "Case", "Task", "Account", "User")
    members = {
        f"platformEventChannelMembers/M_{n}.platformEventChannelMember": MEMBER.replace(
            "Thing__ChangeEvent", f"{entity}ChangeEvent"
        )
        for n, entity in enumerate(entities)
    }
    channel = "platformEventChannels/Things__chn.platformEventChannel"
    names = {
        "PlatformEventChannel": ["Things__chn"],
        "PlatformEventChannelMember": [f"M_{n}" for n in range(len(entities))],
    }
    result = api.deploy({channel: FILES[channel], **members, "package.xml": package(**names)}, checkOnly=True)
    refused = {one["fullName"]: one["problem"] for one in result["details"]["componentFailures"]}
    assert list(refused) == ["M_6"]
    assert "Entity selection limit exceeded" in refused["M_6"]


def test_a_sixth_dashboard_that_runs_as_its_reader_is_refused(api: Api) -> None:
    """An org has five such dashboards to give."""
    names = [f"Boards/B_{n}" for n in range(6)]
    kept = {path: text for path, text in FILES.items() if not path.startswith("dashboards/Boards/")}
    kept["package.xml"] = FILES["package.xml"].replace(
        "<members>Boards/Board</members>", "".join(f"<members>{name}</members>" for name in names)
    )
    boards = {f"dashboards/{name}.dashboard": DASHBOARD for name in names}
    result = api.deploy({**kept, **boards}, checkOnly=True)
    (refused,) = result["details"]["componentFailures"]
    assert refused["fullName"] == "Boards/B_5"
    assert "Dynamic dashboard limit exceeded" in refused["problem"]


def test_a_list_view_of_a_standard_object_is_named_on_its_own(api: Api) -> None:
    """Account is not deployed whole: its list views stand in package.xml one by one."""
    view = VIEW.replace("NAME", "ACCOUNT.NAME").replace("<columns>Amount__c</columns>", "")
    view = view[: view.index("<filters>")] + "<label>Big</label></listViews>"
    files = {"objects/Account.object": f"<CustomObject {NS}>{view}</CustomObject>"}
    named = api.deploy({**files, "package.xml": package(ListView=["Account.Big"])}, checkOnly=True)
    assert [one["componentType"] for one in named["details"]["componentSuccesses"]] == ["ListView"]
    unnamed = api.deploy({**files, "package.xml": package(Layout=[])}, checkOnly=True)
    assert [one["problem"] for one in unnamed["details"]["componentSuccesses"]] == ["Not in package.xml"]


def test_components_stay_for_the_next_deploy(api: Api) -> None:
    """A second deploy may name what the first one brought, and creates nothing again."""
    assert api.deploy(FILES)["status"] == "Succeeded"
    only = "dashboards/Boards/Board.dashboard"
    again = api.deploy({only: FILES[only], "package.xml": package(Dashboard=["Boards/Board"])})
    assert again["status"] == "Succeeded"
    assert [(one["fullName"], one["created"]) for one in again["details"]["componentSuccesses"]] == [
        ("Boards/Board", False)
    ]
