"""Report types, reports and dashboards: every column exists, and every chart draws what its report has.

A report of a custom report type may use only the columns the type lists; of standard report types this
stand-in knows opportunities. Source: Metadata API guide, "ReportType", "Report", "Dashboard".
"""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as ET

from sandbox.salesforce.metadata_fields import Problem
from sandbox.salesforce.metadata_scope import (
    Scope,
    check_filter,
    check_label,
    check_name,
    check_root,
    missing,
    needed,
    one_of,
    texts,
)
from sandbox.salesforce.metadata_zip import children, text_of
from sandbox.salesforce.schema import NUMERIC, SObject

_CATEGORIES = ("accounts", "opportunities", "cases", "activities", "products", "admin", "other")
_OPPORTUNITY = {
    "OPPORTUNITY_NAME": "string", "ACCOUNT_NAME": "string", "AMOUNT": "currency", "STAGE_NAME": "picklist",
    "CLOSE_DATE": "date", "PROBABILITY": "percent", "TYPE": "picklist", "FULL_NAME": "string",
    "CREATED_DATE": "date",
}  # fmt: skip
_AGGREGATES = ("Sum", "Average", "Maximum", "Minimum", "Unique")
_REPORT = {
    "chart", "columns", "description", "filter", "format", "groupingsAcross", "groupingsDown", "name",
    "params", "reportType", "scope", "showDetails", "showGrandTotal", "showSubTotals", "timeFrameFilter",
}  # fmt: skip
_DASHBOARD = {
    "backgroundEndColor", "backgroundFadeDirection", "backgroundStartColor", "chartTheme", "colorPalette",
    "dashboardChartTheme", "dashboardColorPalette", "dashboardGridLayout", "dashboardType", "description",
    "isGridLayout", "textColor", "title", "titleColor", "titleSize",
}  # fmt: skip
_GROUPED = {"Bar": 1, "Column": 1, "Donut": 1, "Line": 1, "BarStacked": 2, "ColumnStacked": 2}
_GRANULARITIES = ("Day", "Week", "Month", "Quarter", "Year")
_COUNT = "RowCount"
# Help, "Dynamic Dashboards": how many an org of Enterprise Edition may have.
_DYNAMIC = 5


def report_type(scope: Scope, name: str, root: ET.Element) -> None:
    """Check a report type and remember the type of each of its columns."""
    allowed = {"baseObject", "category", "deployed", "description", "join", "label", "sections"}
    check_root(root, "ReportType", allowed)
    check_name(name)
    check_label(root, limit=50)
    one_of(needed(root, "category"), _CATEGORIES, "ReportTypeCategory")
    base = scope.object(needed(root, "baseObject"), "baseObject")
    tables = {base.name: base}
    for join in children(root, "join"):
        relation = needed(join, "relationship")
        tables[f"{base.name}.{relation}"] = _child(scope, base, relation)
    columns: dict[str, str] = {}
    for section in children(root, "sections"):
        for column in children(section, "columns"):
            table, field_name = needed(column, "table"), needed(column, "field")
            if table not in tables:
                raise missing("table", "Relationship", table)
            columns[f"{table}${field_name}"] = _column_type(scope, tables[table], field_name)
    scope.details[f"ReportType:{name}"] = columns


def report_folder(_scope: Scope, name: str, root: ET.Element) -> None:
    """Check a folder of reports."""
    check_root(root, "ReportFolder", {"name"})
    check_name(name)
    check_label(root, "name")


def dashboard_folder(_scope: Scope, name: str, root: ET.Element) -> None:
    """Check a folder of dashboards."""
    check_root(root, "DashboardFolder", {"name"})
    check_name(name)
    check_label(root, "name")


def report(scope: Scope, name: str, root: ET.Element) -> None:
    """Check a report and remember its groupings and summaries; ``name`` is Folder/Report."""
    check_root(root, "Report", _REPORT)
    folder, _, own = name.partition("/")
    check_name(own)
    scope.need("Report", folder, "folder")
    check_label(root, "name", 40)
    columns = _columns_of(scope, needed(root, "reportType"))
    named = {(element.text or "").strip() for element in root.iter()}
    scope.uses |= {("CustomField", one) for one in named & columns.keys() if "$" not in one}
    summaries = {_COUNT}
    for column in children(root, "columns"):
        field_name = _known(columns, needed(column, "field"))
        for aggregate in texts(column, "aggregateTypes"):
            one_of(aggregate, _AGGREGATES, "ReportSummaryType")
            if columns[field_name] not in NUMERIC and aggregate != "Unique":
                raise Problem(f"{field_name} can not be summarized by {aggregate}")
            summaries.add(f"{aggregate}:{field_name}")
    groupings = [
        _grouping(columns, item) for n in ("groupingsDown", "groupingsAcross") for item in children(root, n)
    ]
    kind = one_of(needed(root, "format"), ("Tabular", "Summary", "Matrix"), "ReportFormat")
    if (kind == "Tabular") == bool(groupings):
        raise Problem(f"A {kind} report has {'no' if kind == 'Tabular' else 'at least one'} grouping")
    for item in (i for f in children(root, "filter") for i in children(f, "criteriaItems")):
        filtered = _known(columns, needed(item, "column"))
        check_filter(columns[filtered], filtered, needed(item, "operator"), text_of(item, "value") or "")
    for frame in children(root, "timeFrameFilter"):
        if columns[_known(columns, needed(frame, "dateColumn"))] not in ("date", "datetime"):
            raise Problem(f"{needed(frame, 'dateColumn')} is not a date")
    for chart in children(root, "chart"):
        _chart(chart, groupings, summaries)
    scope.details[f"Report:{name}"] = {"groupings": groupings, "summaries": sorted(summaries)}


def dashboard(scope: Scope, name: str, root: ET.Element) -> None:
    """Check a dashboard: its reports exist and hold what each part draws, and no two parts overlap."""
    check_root(root, "Dashboard", _DASHBOARD)
    folder, _, own = name.partition("/")
    check_name(own)
    scope.need("Dashboard", folder, "folder")
    check_label(root, "title", 80)
    _whose_view(scope, name, needed(root, "dashboardType"))
    taken: set[tuple[int, int]] = set()
    for grid in children(root, "dashboardGridLayout"):
        width = int(needed(grid, "numberOfColumns"))
        for part in children(grid, "dashboardGridComponents"):
            cells = _cells(part)
            if max(column for column, _ in cells) >= width or cells & taken:
                raise Problem("Two parts of the dashboard overlap, or one is wider than the grid")
            taken |= cells
            for component in children(part, "dashboardComponent"):
                _component(scope, component)


def _whose_view(scope: Scope, name: str, kind: str) -> None:
    """Refuse a dashboard that runs as nobody, and one more that runs as its reader than the org may have."""
    one_of(kind, ("SpecifiedUser", "LoggedInUser", "MyTeamUser"), "DashboardType")
    if kind == "SpecifiedUser":
        raise Problem("Required field is missing: runningUser")
    dynamic = scope.details.setdefault("dynamic", [])
    if name not in dynamic:
        if len(dynamic) >= _DYNAMIC:
            raise Problem(f"Dynamic dashboard limit exceeded: at most {_DYNAMIC} run as the logged-in user")
        dynamic.append(name)


def _component(scope: Scope, element: ET.Element) -> None:
    name = needed(element, "report")
    scope.need("Report", name, "report")
    source: dict[str, Any] = scope.details[f"Report:{name}"]
    kind = one_of(needed(element, "componentType"), _GROUPED, "DashboardComponentType")
    groups = texts(element, "groupingColumn")
    if len(groups) != _GROUPED[kind]:
        raise Problem(f"A {kind} component has {_GROUPED[kind]} groupings, not {len(groups)}")
    for group in groups:
        if group not in source["groupings"]:
            raise missing("groupingColumn", "grouping", f"{name}: {group}")
    for summary in children(element, "chartSummary"):
        _summary(summary, source["summaries"])


def _chart(chart: ET.Element, groupings: list[str], summaries: set[str]) -> None:
    names = [needed(chart, "groupingColumn"), text_of(chart, "secondaryGroupingColumn")]
    for name in names:
        if name is not None and name not in groupings:
            raise missing("groupingColumn", "grouping", name)
    for summary in children(chart, "chartSummaries"):
        _summary(summary, summaries)


def _summary(element: ET.Element, summaries: set[str] | list[str]) -> None:
    column, aggregate = needed(element, "column"), text_of(element, "aggregate")
    wanted = column if aggregate is None else f"{aggregate}:{column}"
    if wanted not in summaries:
        raise missing("column", "summary", wanted)


def _cells(part: ET.Element) -> set[tuple[int, int]]:
    column, row, wide, high = (
        int(needed(part, n)) for n in ("columnIndex", "rowIndex", "colSpan", "rowSpan")
    )
    return {(x, y) for x in range(column, column + wide) for y in range(row, row + high)}


def _grouping(columns: dict[str, str], element: ET.Element) -> str:
    name = _known(columns, needed(element, "field"))
    one_of(text_of(element, "dateGranularity") or "Day", _GRANULARITIES, "UserDateGranularity")
    one_of(needed(element, "sortOrder"), ("Asc", "Desc"), "SortOrder")
    return name


def _columns_of(scope: Scope, name: str) -> dict[str, str]:
    """Return the columns a report of this type may use, with their describe types. Raises Problem."""
    if name == "Opportunity":
        obj = scope.object(name, "reportType")
        own = {f"Opportunity.{f.name}": f.type for f in obj.fields.values() if f.custom}
        return {**_OPPORTUNITY, **own}
    stem = name.removesuffix("__c")
    if stem == name or not scope.holds("ReportType", stem):
        raise missing("reportType", "ReportType", name)
    scope.uses.add(("ReportType", stem))
    found: dict[str, str] = scope.details[f"ReportType:{stem}"]
    return found


def _known(columns: dict[str, str], name: str) -> str:
    if name not in columns:
        raise missing("field", "column", name)
    return name


def _child(scope: Scope, base: SObject, relation: str) -> SObject:
    for child, f in scope.schema.children_of(base.name):
        if f.child_relationship == relation:
            scope.uses |= {("CustomObject", child.name), ("CustomField", f"{child.name}.{f.name}")}
            return child
    raise missing("relationship", "Relationship", f"{base.name}.{relation}")


def _column_type(scope: Scope, obj: SObject, name: str) -> str:
    # A reference is named without its Id: Owner, not OwnerId.
    found = obj.get(name) or obj.relationship(name)
    if found is None or name not in (found.name, found.relationship_name):
        raise missing("field", "CustomField", f"{obj.name}.{name}")
    scope.uses.add(("CustomField", f"{obj.name}.{found.name}"))
    return found.type
