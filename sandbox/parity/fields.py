"""What stands where in each CRM, and how its values are told apart: a table by hand, like nobody else's.

Neighbours: ``read_hubspot`` and ``read_salesforce`` read by it, ``compare`` compares what they found.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

Plain = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its name in HubSpot, in Salesforce, and what makes equal values equal texts."""

    name: str
    hubspot: str
    salesforce: str
    plain: Plain


@dataclass(frozen=True, slots=True)
class Record:
    """One record read back: what it is, its key with ids replaced by references, its values as plain text."""

    kind: str
    key: str
    values: Mapping[str, str | None]


def text(value: str) -> str:
    """Return a text as it is."""
    return value


def number(value: str) -> str:
    """Return a number without zeros that say nothing."""
    return f"{Decimal(value).normalize():f}"


def day(value: str) -> str:
    """Return the day (UTC) of a date or an instant."""
    if len(value) == len("2026-06-30"):
        return date.fromisoformat(value).isoformat()
    return datetime.fromisoformat(value).date().isoformat()


def _open(value: str) -> str:
    """Return the stage deals of ours begin in by one word: HubSpot's id and Salesforce's name differ."""
    return {"qualifiedtobuy": "first", "Qualification": "first"}.get(value, value)


OBJECTS: Mapping[str, tuple[str, str]] = {
    "profile": ("cs_profile", "CS_Profile__c"),
    "plan": ("cs_plan", "CS_Plan__c"),
    "milestone": ("cs_milestone", "CS_Milestone__c"),
    "snapshot": ("cs_snapshot", "CS_Snapshot__c"),
}
"""Our objects: in HubSpot, where the portal's id stands before the name, and in Salesforce."""

UNDER_ACCOUNT = frozenset({"profile", "plan", "milestone"})
"""Those of them that hang under an account; snapshots are of all accounts."""

_HEALTH = (
    Field("health", "cs_health", "CS_Health__c", number),
    Field("band", "cs_band", "CS_Band__c", text),
    Field("stage", "cs_stage", "CS_Stage__c", text),
    Field("arr", "cs_arr", "CS_ARR__c", number),
    Field("renewal_on", "cs_renewal_on", "CS_Renewal_On__c", day),
    Field("explanation", "cs_explanation", "CS_Explanation__c", text),
)
ON_ACCOUNT = _HEALTH
"""What HubSpot shows on the company itself, and Salesforce through the account's lookup to its profile."""

_DEAL = (
    Field("due_on", "cs_due_on", "CS_Due_On__c", day),
    Field("kind", "cs_kind", "CS_Kind__c", text),
    Field("reason", "cs_reason", "CS_Reason__c", text),
    Field("opened_on", "cs_opened_on", "CS_Opened_On__c", day),
    Field("term_number", "cs_term_number", "CS_Term_Number__c", number),
    Field("product", "cs_product", "CS_Product__c", text),
    Field("name", "dealname", "Name", text),
    Field("amount", "amount", "Amount", number),
    Field("currency", "deal_currency_code", "CurrencyIsoCode", text),
    Field("close_on", "closedate", "CloseDate", day),
    Field("opens_in", "dealstage", "StageName", _open),
    Field("customers_kind", "deal_kind", "Deal_Kind__c", text),
)
FIELDS: Mapping[str, tuple[Field, ...]] = {
    "profile": (
        *_HEALTH,
        Field("name", "cs_name", "Name", text),
        Field("coverage", "cs_coverage", "CS_Coverage__c", number),
        Field("trend", "cs_trend", "CS_Trend__c", text),
        Field("health_computed", "cs_health_computed", "CS_Health_Computed__c", number),
        Field("health_trend", "cs_health_trend", "CS_Health_Trend__c", text),
        Field("override_until", "cs_override_until", "CS_Override_Until__c", day),
        Field("segment", "cs_segment", "CS_Segment__c", text),
        Field("segment_since", "cs_segment_since", "CS_Segment_Since__c", day),
        Field("touch_model", "cs_touch_model", "CS_Touch_Model__c", text),
        Field("stage_since", "cs_stage_since", "CS_Stage_Since__c", day),
        Field("adoption_stages", "cs_adoption_stages", "CS_Adoption_Stages__c", text),
        Field("change", "cs_change", "CS_Change__c", text),
        Field("risks", "cs_risks", "CS_Risks__c", text),
        Field("scorecard", "cs_scorecard", "CS_Scorecard__c", text),
        Field("milestones_late", "cs_milestones_late", "CS_Milestones_Late__c", number),
        Field("expansions_open", "cs_expansions_open", "CS_Expansions_Open__c", number),
        Field("churn_risk", "cs_churn_risk", "CS_Churn_Risk__c", number),
        Field("churn_rank", "cs_churn_rank", "CS_Churn_Rank__c", number),
        Field("risk_reasons", "cs_risk_reasons", "CS_Risk_Reasons__c", text),
    ),
    "plan": (
        Field("name", "cs_name", "Name", text),
        Field("template", "cs_template", "CS_Template__c", text),
        Field("status", "cs_status", "CS_Status__c", text),
        Field("starts_on", "cs_starts_on", "CS_Starts_On__c", day),
        Field("target_on", "cs_target_on", "CS_Target_On__c", day),
        Field("milestones_total", "cs_milestones_total", "CS_Milestones_Total__c", number),
        Field("milestones_done", "cs_milestones_done", "CS_Milestones_Done__c", number),
        Field("milestones_late", "cs_milestones_late", "CS_Milestones_Late__c", number),
    ),
    "milestone": (
        Field("name", "cs_name", "Name", text),
        Field("phase", "cs_phase", "CS_Phase__c", text),
        Field("position", "cs_position", "CS_Position__c", text),
        Field("owner_side", "cs_owner_side", "CS_Owner_Side__c", text),
        Field("due_on", "cs_due_on", "CS_Due_On__c", day),
        Field("status", "cs_status", "CS_Status__c", text),
        Field("done_on", "cs_done_on", "CS_Done_On__c", day),
        Field("evidence", "cs_evidence", "CS_Evidence__c", text),
    ),
    "deal": _DEAL,
    "snapshot": (
        Field("name", "cs_name", "Name", text),
        Field("scope", "cs_scope", "CS_Scope__c", text),
        Field("segment", "cs_segment", "CS_Segment__c", text),
        Field("month", "cs_month", "CS_Month__c", day),
        Field("band", "cs_band", "CS_Band__c", text),
        Field("status", "cs_status", "CS_Status__c", text),
        Field("version", "cs_version", "CS_Version__c", number),
        Field("restated_on", "cs_restated_on", "CS_Restated_On__c", day),
        Field("arr_opening", "cs_arr_opening", "CS_ARR_Opening__c", number),
        Field("arr", "cs_arr", "CS_ARR__c", number),
        Field("nrr", "cs_nrr", "CS_NRR__c", number),
        Field("grr", "cs_grr", "CS_GRR__c", number),
        Field("logo_retention", "cs_logo_retention", "CS_Logo_Retention__c", number),
        Field("accounts", "cs_accounts", "CS_Accounts__c", number),
        Field("health", "cs_health", "CS_Health__c", number),
        Field("coverage", "cs_coverage", "CS_Coverage__c", number),
        Field("policies", "cs_policies", "CS_Policies__c", text),
    ),
}


def plain(field: Field, value: object) -> str | None:
    """Return a value as plain text; nothing and an empty text are both ``None``."""
    return None if value in (None, "") else field.plain(str(value))


def by_reference(key: str, references: Mapping[str, str]) -> str:
    """Return a key with each CRM id in it replaced by the portfolio's own reference (keys are lower case)."""
    return ":".join(references.get(part, part) for part in key.split(":"))


def kind_of_deal(key: str) -> str:
    """Return what a deal of ours is, by its key: a renewal or an expansion."""
    return key.partition(":")[0]
