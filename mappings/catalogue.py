"""Every field of every record we write: its type in the CRM, and who owns it when the charter is silent.

The names are those of ``success.desired``; ``mappings.outbound`` turns entries into vendor fields.
A deal's ``native`` fields stand in the customer's own properties (name, amount, close date) and
belong to people from the moment the deal exists (DESIGN: field ownership). ``HOMES`` says where a
record may stand; ``mappings.homes`` chooses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from integration.port import FieldType
from mappings.naming import HUBSPOT, SALESFORCE
from success.desired import RecordKind


@dataclass(frozen=True, slots=True)
class CatalogueField:
    """One canonical field. ``native`` names the deal field of the charter's reads that holds it.

    A field with ``native`` is written on creation only; one with ``mirrored`` also stands in a
    field of ours that is kept true.
    """

    name: str
    type: FieldType
    help: str
    decimals: int = 0
    choices: tuple[tuple[str, str], ...] = ()
    native: str | None = None
    mirrored: bool = False


TOUCHES = (("high", "High touch"), ("mid", "Mid touch"), ("low", "Low touch"), ("digital", "Digital"))
TRENDS = (("up", "Up"), ("flat", "Flat"), ("down", "Down"), ("unknown", "Unknown"))
PLAN_STATUS = (("active", "Active"), ("complete", "Complete"))
MILESTONE_STATUS = (("open", "Open"), ("done", "Done"), ("late", "Late"))
SIDES = (("vendor", "Us"), ("customer", "Customer"))
SCOPES = (("portfolio", "Portfolio"), ("segment", "Segment"))
SNAPSHOT_STATUS = (("running", "Running"), ("final", "Final"), ("superseded", "Superseded"))
DEAL_KINDS = (("renewal", "Renewal"), ("expansion", "Expansion"))

PROFILE = (
    CatalogueField("name", FieldType.TEXT, "The account's name."),
    CatalogueField("health", FieldType.NUMBER, "Health in points of 100; empty when unknown.", decimals=1),
    CatalogueField(
        "health_computed",
        FieldType.NUMBER,
        "Health without a person's override; empty when unknown.",
        decimals=1,
    ),
    CatalogueField(
        "override_until", FieldType.DATE, "The day the override of health ends; empty without one."
    ),
    CatalogueField("band", FieldType.CHOICE, "The band of health."),
    CatalogueField("coverage", FieldType.NUMBER, "Percent of the score's weight that is known.", decimals=1),
    CatalogueField("trend", FieldType.CHOICE, "The direction of use over eight weeks.", choices=TRENDS),
    CatalogueField(
        "health_trend", FieldType.CHOICE, "The direction of health over four weeks.", choices=TRENDS
    ),
    CatalogueField("segment", FieldType.CHOICE, "The segment the account is in."),
    CatalogueField("segment_since", FieldType.DATE, "The day it has been in the segment since."),
    CatalogueField("touch_model", FieldType.CHOICE, "How its segment is looked after.", choices=TOUCHES),
    CatalogueField("stage", FieldType.CHOICE, "Where the account stands in its journey."),
    CatalogueField("stage_since", FieldType.DATE, "The day it has been at the stage since."),
    CatalogueField("adoption_stages", FieldType.LONG_TEXT, "How far each product has come."),
    CatalogueField("arr", FieldType.MONEY, "Annual recurring revenue now.", decimals=2),
    CatalogueField("renewal_on", FieldType.DATE, "The next renewal's due day."),
    CatalogueField("risks", FieldType.LONG_TEXT, "What endangers the account."),
    CatalogueField("explanation", FieldType.LONG_TEXT, "How the score comes about, measure by measure."),
    CatalogueField(
        "change", FieldType.LONG_TEXT, "Why health is another than before its band began, cause by cause."
    ),
    CatalogueField("scorecard", FieldType.TEXT, "The scorecard and its version."),
    CatalogueField("milestones_late", FieldType.NUMBER, "Milestones of the plan past their day."),
    CatalogueField("expansions_open", FieldType.NUMBER, "Expansions we proposed that are still open."),
    CatalogueField("churn_risk", FieldType.NUMBER, "Percent chance of churn, if calibrated.", decimals=1),
    CatalogueField("churn_rank", FieldType.NUMBER, "Tenth of risk among accounts learned from; 10 is high."),
    CatalogueField("risk_reasons", FieldType.LONG_TEXT, "What speaks most for and against churn."),
)
PLAN = (
    CatalogueField("name", FieldType.TEXT, "The plan's name."),
    CatalogueField("template", FieldType.TEXT, "The template and its version."),
    CatalogueField("status", FieldType.CHOICE, "Whether every milestone is reached.", choices=PLAN_STATUS),
    CatalogueField("starts_on", FieldType.DATE, "The day milestones are counted from."),
    CatalogueField("target_on", FieldType.DATE, "The day the last milestone is due."),
    CatalogueField("milestones_total", FieldType.NUMBER, "Milestones in the plan."),
    CatalogueField("milestones_done", FieldType.NUMBER, "Milestones reached."),
    CatalogueField("milestones_late", FieldType.NUMBER, "Milestones past their day."),
)
MILESTONE = (
    CatalogueField("name", FieldType.TEXT, "The milestone's name."),
    CatalogueField("phase", FieldType.TEXT, "The plan's phase."),
    CatalogueField("position", FieldType.TEXT, "The milestone's own name in the plan."),
    CatalogueField("owner_side", FieldType.CHOICE, "Who brings it about.", choices=SIDES),
    CatalogueField("due_on", FieldType.DATE, "The day it is due."),
    CatalogueField("status", FieldType.CHOICE, "Reached, open or late.", choices=MILESTONE_STATUS),
    CatalogueField("done_on", FieldType.DATE, "The first day its evidence was true."),
    CatalogueField("evidence", FieldType.LONG_TEXT, "The rule that shows it was reached."),
)
SNAPSHOT = (
    CatalogueField("name", FieldType.TEXT, "What is counted, and the month."),
    CatalogueField("scope", FieldType.CHOICE, "All accounts, or those of a segment.", choices=SCOPES),
    CatalogueField("segment", FieldType.TEXT, "The segment's key; empty for all accounts."),
    CatalogueField("month", FieldType.DATE, "The first day of the month."),
    CatalogueField("band", FieldType.CHOICE, "The band whose part this is; empty for the whole."),
    CatalogueField("status", FieldType.CHOICE, "Whether the figures still move.", choices=SNAPSHOT_STATUS),
    CatalogueField("version", FieldType.NUMBER, "1, or more for a restatement."),
    CatalogueField("restated_on", FieldType.DATE, "The day of the restatement."),
    CatalogueField("arr_opening", FieldType.MONEY, "ARR before the month.", decimals=2),
    CatalogueField("arr", FieldType.MONEY, "ARR at the end of the month, or now.", decimals=2),
    CatalogueField("nrr", FieldType.NUMBER, "Percent of ARR kept and grown in twelve months.", decimals=1),
    CatalogueField("grr", FieldType.NUMBER, "Percent of ARR kept in twelve months.", decimals=1),
    CatalogueField("logo_retention", FieldType.NUMBER, "Percent of customers kept in a year.", decimals=1),
    CatalogueField("accounts", FieldType.NUMBER, "Accounts that pay."),
    CatalogueField("health", FieldType.NUMBER, "Mean health of those with a score.", decimals=1),
    CatalogueField("coverage", FieldType.NUMBER, "Percent of ARR with a valid score.", decimals=1),
    CatalogueField("policies", FieldType.LONG_TEXT, "The policies the figures are counted by."),
)
_DEAL = (
    CatalogueField("name", FieldType.TEXT, "The deal's name.", native="name"),
    CatalogueField("amount", FieldType.MONEY, "The amount proposed.", decimals=2, native="amount"),
    CatalogueField("due_on", FieldType.DATE, "The day it is due.", native="close_on", mirrored=True),
    CatalogueField("kind", FieldType.CHOICE, "What we opened the deal for.", choices=DEAL_KINDS),
    CatalogueField("reason", FieldType.LONG_TEXT, "Why we opened the deal."),
    CatalogueField("opened_on", FieldType.DATE, "The day we opened it."),
)
RENEWAL = (*_DEAL, CatalogueField("term_number", FieldType.NUMBER, "Which term ends: 1 is the first."))
EXPANSION = (*_DEAL, CatalogueField("product", FieldType.TEXT, "The product to be expanded."))

CATALOGUE: Mapping[RecordKind, tuple[CatalogueField, ...]] = {
    RecordKind.PROFILE: PROFILE,
    RecordKind.PLAN: PLAN,
    RecordKind.MILESTONE: MILESTONE,
    RecordKind.RENEWAL: RENEWAL,
    RecordKind.EXPANSION: EXPANSION,
    RecordKind.SNAPSHOT: SNAPSHOT,
}


class Home(StrEnum):
    """Where records of a kind stand in a CRM.

    ``object``: a custom object of ours. ``account``: fields on the account itself. ``task``: native
    tasks of the account. ``mirror``: with us only.
    """

    OBJECT = "object"
    ACCOUNT = "account"
    TASK = "task"
    MIRROR = "mirror"


OWN_OBJECTS = (RecordKind.PROFILE, RecordKind.PLAN, RecordKind.MILESTONE, RecordKind.SNAPSHOT)
DEALS = (RecordKind.RENEWAL, RecordKind.EXPANSION)

# In order: the first that there is room for. HubSpot has custom objects on Enterprise only and few
# definitions of them (page "Schemas"); every Salesforce edition we support has them.
HOMES: Mapping[str, Mapping[RecordKind, tuple[Home, ...]]] = {
    HUBSPOT: {
        RecordKind.PROFILE: (Home.OBJECT, Home.ACCOUNT, Home.MIRROR),
        RecordKind.PLAN: (Home.OBJECT, Home.ACCOUNT, Home.MIRROR),
        RecordKind.MILESTONE: (Home.OBJECT, Home.TASK, Home.MIRROR),
        RecordKind.SNAPSHOT: (Home.OBJECT, Home.MIRROR),
    },
    SALESFORCE: dict.fromkeys(OWN_OBJECTS, (Home.OBJECT,)),
}


class PlanStage(StrEnum):
    """A stage of the pipeline of plans (HubSpot), by what it is called."""

    ON_TRACK = "On track"
    LATE = "Late"
    COMPLETE = "Complete"


class KeptList(StrEnum):
    """A list of accounts that keeps itself, by the profile field it asks (``LIST_FIELDS``)."""

    AT_RISK = "at_risk"
    RENEWAL_IN_90_DAYS = "renewal_in_90_days"
    ONBOARDING_LATE = "onboarding_late"
    EXPANSION_READY = "expansion_ready"


LIST_FIELDS: Mapping[KeptList, str] = {
    KeptList.AT_RISK: "band",
    KeptList.RENEWAL_IN_90_DAYS: "renewal_on",
    KeptList.ONBOARDING_LATE: "milestones_late",
    KeptList.EXPANSION_READY: "expansions_open",
}
