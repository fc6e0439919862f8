"""One small org's worth of components of every type the Salesforce sandbox takes, as files of one deploy."""

from __future__ import annotations

from tests.sandbox.salesforce_session import NS, custom_object, field, package, permission_set

PICKS = "".join(
    f"<value><fullName>{v}</fullName><default>false</default><label>{v}</label></value>" for v in ("a", "b")
)
STAGE = (
    "<fields><fullName>Stage__c</fullName><label>Stage</label><type>Picklist</type><valueSet>"
    f"<valueSetDefinition><sorted>false</sorted>{PICKS}</valueSetDefinition></valueSet></fields>"
)
LINK = "<fields><fullName>Account__c</fullName><label>Account</label><referenceTo>Account</referenceTo>"
LINK += "<relationshipName>Things</relationshipName><type>Lookup</type></fields>"
FIELDS = (
    field("Amount__c", "Number", precision="18", scale="0"),
    field("Due__c", "Date"),
    field("Notes__c", "LongTextArea", length="1000", visibleLines="3"),
    STAGE,
    LINK,
)
VIEW = (
    "<listViews><fullName>Big</fullName><columns>NAME</columns><columns>Amount__c</columns>"
    "<filterScope>Everything</filterScope><filters><field>Amount__c</field><operation>greaterThan</operation>"
    "<value>5</value></filters><filters><field>Due__c</field><operation>equals</operation>"
    "<value>NEXT_N_DAYS:90</value></filters><label>Big</label></listViews>"
)
COMPACT = "<compactLayouts><fullName>Brief</fullName><fields>Name</fields><fields>Stage__c</fields>"
COMPACT += "<label>Brief</label></compactLayouts>"
CHOSEN = "<compactLayoutAssignment>Brief</compactLayoutAssignment>"
TABLE = "Account.Things__r"


def item(name: str) -> str:
    """Return a layout item."""
    return f"<layoutItems><behavior>Edit</behavior><field>{name}</field></layoutItems>"


LAYOUT = (
    f"<Layout {NS}><layoutSections><layoutColumns>{item('Name')}{item('Amount__c')}</layoutColumns>"
    "<style>OneColumn</style></layoutSections><platformActionList><actionListContext>Record</actionListContext>"
    "<platformActionListItems><actionName>Thing__c.Follow</actionName><actionType>QuickAction</actionType>"
    "<sortOrder>0</sortOrder></platformActionListItems></platformActionList>"
    "<relatedLists><fields>TASK.SUBJECT</fields><relatedList>RelatedActivityList</relatedList></relatedLists>"
    "</Layout>"
)
ACTION = (
    f"<QuickAction {NS}><label>Follow</label><optionsCreateFeedItem>false</optionsCreateFeedItem>"
    "<quickActionLayout><layoutSectionStyle>TwoColumnsLeftToRight</layoutSectionStyle>"
    "<quickActionLayoutColumns><quickActionLayoutItems><field>Subject</field><uiBehavior>Edit</uiBehavior>"
    "</quickActionLayoutItems></quickActionLayoutColumns></quickActionLayout><targetObject>Task</targetObject>"
    "<targetParentField>What</targetParentField><type>Create</type></QuickAction>"
)
TAB = f"<CustomTab {NS}><customObject>true</customObject><motif>Custom11: Star</motif></CustomTab>"
APP = (
    f"<CustomApplication {NS}><actionOverrides><actionName>View</actionName><content>Thing_Page</content>"
    "<formFactor>Large</formFactor><skipRecordTypeSelect>false</skipRecordTypeSelect><type>Flexipage</type>"
    "<pageOrSobjectType>Thing__c</pageOrSobjectType></actionOverrides><label>Things</label>"
    "<tabs>standard-home</tabs><tabs>Thing__c</tabs><uiType>Lightning</uiType></CustomApplication>"
)


def component(name: str, identifier: str, **properties: str) -> str:
    """Return a component of a page."""
    told = "".join(
        f"<componentInstanceProperties><name>{k}</name><value>{v}</value></componentInstanceProperties>"
        for k, v in properties.items()
    )
    return (
        f"<itemInstances><componentInstance>{told}<componentName>{name}</componentName>"
        f"<identifier>{identifier}</identifier></componentInstance></itemInstances>"
    )


def region(name: str, kind: str, items: str) -> str:
    """Return a region of a page."""
    return f"<flexiPageRegions>{items}<name>{name}</name><type>{kind}</type></flexiPageRegions>"


SHOWN = (
    "<itemInstances><fieldInstance><fieldInstanceProperties><name>uiBehavior</name><value>none</value>"
    "</fieldInstanceProperties><fieldItem>Record.Amount__c</fieldItem><identifier>amount</identifier>"
    "</fieldInstance></itemInstances>"
)
PAGE = (
    f"<FlexiPage {NS}>"
    + region("header", "Region", component("force:highlightsPanel", "top", collapsed="false"))
    + region("tabs", "Facet", component("flexipage:tab", "one", body="details", title="T"))
    + region("details", "Facet", SHOWN)
    + region("main", "Region", component("flexipage:tabset", "set", tabs="tabs"))
    + region("sidebar", "Region", component("force:detailPanel", "side"))
    + "<masterLabel>Thing Page</masterLabel><sobjectType>Thing__c</sobjectType>"
    "<template><name>flexipage:recordHomeTemplateDesktop</name></template><type>RecordPage</type></FlexiPage>"
)
PATH = (
    f"<PathAssistant {NS}><active>true</active><entityName>Thing__c</entityName>"
    "<fieldName>Stage__c</fieldName>"
    "<masterLabel>Path</masterLabel><pathAssistantSteps><fieldNames>Amount__c</fieldNames><info>i</info>"
    "<picklistValueName>a</picklistValueName></pathAssistantSteps><recordTypeName>__MASTER__</recordTypeName>"
    "</PathAssistant>"
)


def type_column(table: str, name: str) -> str:
    """Return a column of a report type."""
    shown = "<checkedByDefault>true</checkedByDefault>"
    return f"<columns>{shown}<field>{name}</field><table>{table}</table></columns>"


REPORT_TYPE = (
    f"<ReportType {NS}><baseObject>Account</baseObject><category>accounts</category><deployed>true</deployed>"
    "<join><outerJoin>false</outerJoin><relationship>Things__r</relationship></join><label>Things</label>"
    f"<sections>{type_column('Account', 'Name')}{type_column(TABLE, 'Amount__c')}"
    f"{type_column(TABLE, 'Stage__c')}"
    f"{type_column(TABLE, 'Notes__c')}{type_column(TABLE, 'Due__c')}<masterLabel>S</masterLabel></sections>"
    "</ReportType>"
)
REPORT = (
    f"<Report {NS}><chart><chartSummaries><aggregate>Sum</aggregate><axisBinding>y</axisBinding>"
    f"<column>{TABLE}$Amount__c</column></chartSummaries><chartType>Donut</chartType>"
    f"<groupingColumn>{TABLE}$Stage__c</groupingColumn></chart>"
    f"<columns><field>Account$Name</field></columns><columns><aggregateTypes>Sum</aggregateTypes>"
    f"<field>{TABLE}$Amount__c</field></columns><filter><criteriaItems><column>{TABLE}$Due__c</column>"
    "<operator>greaterOrEqual</operator><value>TODAY</value></criteriaItems></filter><format>Summary</format>"
    f"<groupingsDown><dateGranularity>Day</dateGranularity><field>{TABLE}$Stage__c</field>"
    "<sortOrder>Asc</sortOrder></groupingsDown><name>Thing Report</name><reportType>Things__c</reportType>"
    "</Report>"
)
DASHBOARD = (
    f"<Dashboard {NS}><dashboardGridLayout><dashboardGridComponents><colSpan>6</colSpan>"
    "<columnIndex>0</columnIndex><dashboardComponent><chartSummary><axisBinding>y</axisBinding>"
    "<column>RowCount</column></chartSummary><componentType>Donut</componentType>"
    f"<groupingColumn>{TABLE}$Stage__c</groupingColumn><report>Reports/Things</report></dashboardComponent>"
    "<rowIndex>0</rowIndex><rowSpan>4</rowSpan></dashboardGridComponents><numberOfColumns>12</numberOfColumns>"
    "<rowHeight>36</rowHeight></dashboardGridLayout><dashboardType>LoggedInUser</dashboardType>"
    "<title>Board</title></Dashboard>"
)
RIGHTS = permission_set("See Things", ["Thing__c"], ["Thing__c.Amount__c"]).replace(
    "</PermissionSet>",
    "<applicationVisibilities><application>Things_App</application><visible>true</visible>"
    "</applicationVisibilities><tabSettings><tab>Thing__c</tab><visibility>Visible</visibility></tabSettings>"
    "</PermissionSet>",
)
CHANNEL = f"<PlatformEventChannel {NS}><channelType>data</channelType><label>C</label></PlatformEventChannel>"
MEMBER = (
    f"<PlatformEventChannelMember {NS}><eventChannel>Things__chn</eventChannel>"
    "<selectedEntity>Thing__ChangeEvent</selectedEntity></PlatformEventChannelMember>"
)
CLIENT = (
    f"<ExternalClientApplication {NS}><contactEmail>a@example.com</contactEmail>"
    "<distributionState>Local</distributionState><label>App</label></ExternalClientApplication>"
)
OAUTH = (
    f"<ExtlClntAppOauthSettings {NS}><commaSeparatedOauthScopes>Api, RefreshToken</commaSeparatedOauthScopes>"
    "<externalClientApplication>Client</externalClientApplication><label>O</label></ExtlClntAppOauthSettings>"
)
FILES = {
    "objects/Thing__c.object": custom_object("Thing", *FIELDS).replace(
        "<deploymentStatus>", f"{CHOSEN}{COMPACT}{VIEW}<deploymentStatus>"
    ),
    "layouts/Thing__c-Thing Layout.layout": LAYOUT,
    "quickActions/Thing__c.Follow.quickAction": ACTION,
    "tabs/Thing__c.tab": TAB,
    "applications/Things_App.app": APP,
    "flexipages/Thing_Page.flexipage": PAGE,
    "pathAssistants/Thing_Path.pathAssistant": PATH,
    "reportTypes/Things.reportType": REPORT_TYPE,
    "reports/Reports-meta.xml": f"<ReportFolder {NS}><name>Reports</name></ReportFolder>",
    "reports/Reports/Things.report": REPORT,
    "dashboards/Boards-meta.xml": f"<DashboardFolder {NS}><name>Boards</name></DashboardFolder>",
    "dashboards/Boards/Board.dashboard": DASHBOARD,
    "permissionsets/See_Things.permissionset": RIGHTS,
    "platformEventChannels/Things__chn.platformEventChannel": CHANNEL,
    "platformEventChannelMembers/Things_Thing.platformEventChannelMember": MEMBER,
    "externalClientApps/Client.eca": CLIENT,
    "extlClntAppOauthSettings/Client_OAuth.ecaOauth": OAUTH,
    "package.xml": package(
        CustomObject=["Thing__c"],
        Layout=["Thing__c-Thing Layout"],
        QuickAction=["Thing__c.Follow"],
        CustomTab=["Thing__c"],
        CustomApplication=["Things_App"],
        FlexiPage=["Thing_Page"],
        PathAssistant=["Thing_Path"],
        ReportType=["Things"],
        Report=["Reports", "Reports/Things"],
        Dashboard=["Boards", "Boards/Board"],
        PermissionSet=["See_Things"],
        PlatformEventChannel=["Things__chn"],
        PlatformEventChannelMember=["Things_Thing"],
        ExternalClientApplication=["Client"],
        ExtlClntAppOauthSettings=["Client_OAuth"],
    ),
}
