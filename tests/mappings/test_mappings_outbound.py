"""From desired records to rows: named by one rule, owned per field, formatted as the CRM takes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.port import FieldType, Link
from mappings.bindings import Ownership
from mappings.catalogue import CATALOGUE
from mappings.charter import Charter
from mappings.load import load_charter
from mappings.naming import VENDORS, key_field, label, vendor_name
from mappings.outbound import VendorWrite, object_specs, to_rows
from mappings.typed import read_day
from success.desired import DesiredRecord, RecordKind, Value
from success.facts import Money

DEFAULT = Path(__file__).parents[2] / "mappings" / "charters" / "default.yaml"
CHARTER = load_charter(DEFAULT, "hubspot")
PROFILE: Mapping[str, Value] = {
    "name": "Acme",
    "health": Decimal("71.25"),
    "band": "yellow",
    "coverage": Decimal(100),
    "trend": "down",
    "stage": "customer",
    "arr": Money(12_191_529_600, "USD"),
    "renewal_on": None,
    "risks": "",
    "explanation": "Seat utilisation 24.0",
    "scorecard": "health@1",
}
RENEWAL: Mapping[str, Value] = {
    "name": "Acme renewal",
    "amount": Money(120_000, "EUR"),
    "due_on": date(2025, 7, 1),
    "kind": "renewal",
    "reason": "The term ends.",
    "term_number": 2,
    "opened_on": date(2025, 4, 2),
}


def record(
    kind: RecordKind, key: str, fields: Mapping[str, Value], parent: str | None = None
) -> DesiredRecord:
    """Return a desired record of account 9."""
    return DesiredRecord(kind, key, "9", fields, parent)


def with_owner(kind: RecordKind, name: str, owner: Ownership) -> Charter:
    """Return the default charter with one field of HubSpot owned otherwise."""
    crm = CHARTER.crm_for("hubspot")
    writes = crm.writes.model_copy(update={"ownership": {kind: {name: owner}}})
    hubspot = crm.model_copy(update={"writes": writes})
    return CHARTER.model_copy(update={"crm": CHARTER.crm.model_copy(update={"hubspot": hubspot})})


@pytest.mark.parametrize(
    ("canonical", "hubspot", "salesforce", "shown"),
    [
        ("health", "cs_health", "CS_Health__c", "CS Health"),
        ("renewal_on", "cs_renewal_on", "CS_Renewal_On__c", "CS Renewal On"),
        ("arr", "cs_arr", "CS_ARR__c", "CS ARR"),
        ("profile", "cs_profile", "CS_Profile__c", "CS Profile"),
        ("key", "cs_key", "CS_Key__c", "CS Key"),
    ],
)
def test_one_rule_names_everything_of_ours(canonical: str, hubspot: str, salesforce: str, shown: str) -> None:
    """A canonical name gives the API name in each CRM and the label people read."""
    names = vendor_name(canonical, "hubspot"), vendor_name(canonical, "salesforce"), label(canonical)
    assert names == (hubspot, salesforce, shown)


def test_a_profile_in_hubspot_also_stands_on_the_company() -> None:
    """Lists and workflows see health on the company: a second row updates the company itself."""
    own, company = to_rows(record(RecordKind.PROFILE, "profile:a9", PROFILE), CHARTER, "hubspot")
    assert own == VendorWrite(
        object="cs_profile",
        key="profile:a9",
        ours={
            "cs_name": "Acme", "cs_health": "71.2", "cs_band": "yellow", "cs_coverage": "100.0",
            "cs_trend": "down", "cs_stage": "customer", "cs_arr": "121915296.00", "cs_renewal_on": None,
            "cs_risks": "", "cs_explanation": "Seat utilisation 24.0",
            "cs_scorecard": "health@1",
        },
        parents=(Link("companies", "9"),),
    )  # fmt: skip
    assert (company.object, company.record_id, company.parents) == ("companies", "9", ())
    assert company.ours == {
        "cs_health": "71.2", "cs_band": "yellow", "cs_stage": "customer", "cs_arr": "121915296.00",
        "cs_renewal_on": None, "cs_explanation": "Seat utilisation 24.0",
    }  # fmt: skip


def test_a_profile_in_salesforce_is_looked_up_from_the_account() -> None:
    """The account gets one lookup to its profile and no copies: a health change touches no Account."""
    own, account = to_rows(record(RecordKind.PROFILE, "profile:a9", PROFILE), CHARTER, "salesforce")
    assert (own.object, own.ours["Name"], own.ours["CS_Health__c"]) == ("CS_Profile__c", "Acme", "71.2")
    assert account == VendorWrite(
        "Account", "profile:a9", parent_keys=(("CS_Profile__c", "profile:a9"),), record_id="9"
    )


@pytest.mark.parametrize(
    ("vendor", "expected"),
    [
        ("hubspot", {"cs_health": "80.0", "cs_health_computed": "71.2", "cs_override_until": "2025-07-01",
                     "cs_health_trend": "up"}),
        ("salesforce", {"CS_Health__c": "80.0", "CS_Health_Computed__c": "71.2",
                        "CS_Override_Until__c": "2025-07-01", "CS_Health_Trend__c": "up"}),
    ],
)  # fmt: skip
def test_an_override_stands_beside_the_computed_score(vendor: str, expected: dict[str, str]) -> None:
    """Both scores, the day the override ends and the direction of health are fields of the profile."""
    said: Mapping[str, Value] = {
        **PROFILE, "health": Decimal("80.0"), "health_computed": Decimal("71.2"),
        "override_until": date(2025, 7, 1), "health_trend": "up",
    }  # fmt: skip
    own, *_ = to_rows(record(RecordKind.PROFILE, "profile:a9", said), CHARTER, vendor)
    assert {name: own.ours[name] for name in expected} == expected


@pytest.mark.parametrize(("vendor", "plan"), [("hubspot", "cs_plan"), ("salesforce", "CS_Plan__c")])
def test_a_milestone_hangs_under_its_account_and_its_plan(vendor: str, plan: str) -> None:
    """A milestone is found from the account and from the plan, the latter by its key."""
    fields: Mapping[str, Value] = {"name": "First use", "due_on": date(2025, 1, 15), "done_on": None}
    milestone = record(RecordKind.MILESTONE, "milestone:a9:o:1:first_use", fields, "plan:a9:o:1")
    (row,) = to_rows(milestone, CHARTER, vendor)
    assert row.parent_keys == ((plan, "plan:a9:o:1"),)
    assert [link.id for link in row.parents] == ["9"]


def test_a_renewal_in_hubspot_begins_in_the_charters_stage() -> None:
    """What people own is only seeded; what explains the deal is kept true."""
    renewal = record(RecordKind.RENEWAL, "renewal:g1:2", RENEWAL)
    (row,) = to_rows(renewal, CHARTER, "hubspot", owner_id="501")
    assert row == VendorWrite(
        object="deals",
        key="renewal:g1:2",
        ours={
            "cs_due_on": "2025-07-01", "cs_kind": "renewal", "cs_reason": "The term ends.",
            "cs_opened_on": "2025-04-02", "cs_term_number": "2",
        },
        seed={
            "dealtype": "existingbusiness", "deal_kind": "renewal", "dealstage": "qualifiedtobuy",
            "pipeline": "default", "hubspot_owner_id": "501", "deal_currency_code": "EUR",
            "dealname": "Acme renewal", "amount": "1200.00", "closedate": "2025-07-01T12:00:00Z",
        },
        parents=(Link("companies", "9"),),
    )  # fmt: skip


def test_a_renewal_in_salesforce_speaks_salesforce() -> None:
    """The same renewal in Salesforce's own fields; without an owner none is sent."""
    (row,) = to_rows(record(RecordKind.RENEWAL, "renewal:g1:2", RENEWAL), CHARTER, "salesforce")
    assert row.object == "Opportunity"
    assert row.seed == {
        "Type": "Existing Customer - Renewal", "Deal_Kind__c": "renewal", "StageName": "Qualification",
        "Name": "Acme renewal", "Amount": "1200.00", "CurrencyIsoCode": "EUR", "CloseDate": "2025-07-01",
    }  # fmt: skip
    assert row.ours["CS_Term_Number__c"] == "2"


@pytest.mark.parametrize(
    ("zone", "instant"),
    [("Europe/Berlin", "2025-07-01T10:00:00Z"), ("Pacific/Auckland", "2025-07-01T00:00:00Z")],
)
def test_a_hubspot_close_date_is_noon_where_the_customer_is(zone: str, instant: str) -> None:
    """HubSpot's close date is an instant: noon keeps the day (Berlin is UTC+2, Auckland UTC+12 in July)."""
    charter = CHARTER.model_copy(update={"time_zone": zone})
    (row,) = to_rows(record(RecordKind.RENEWAL, "r", RENEWAL), charter, "hubspot")
    assert row.seed["closedate"] == instant
    assert read_day(instant, ZoneInfo(zone)) == date(2025, 7, 1)


def test_yen_have_no_decimals_and_dinars_three() -> None:
    """Amounts are in major units with the decimals of their currency (ISO 4217)."""
    amounts = []
    for money in (Money(120_000, "JPY"), Money(120_000, "KWD"), Money(-5, "USD")):
        (row,) = to_rows(record(RecordKind.RENEWAL, "renewal:g:1", {"amount": money}), CHARTER, "hubspot")
        amounts.append(row.seed["amount"])
    assert amounts == ["120000", "120.000", "-0.05"]


def test_the_charter_may_give_a_field_to_people() -> None:
    """A human field is never sent; a field made ours is kept true instead of seeded."""
    renewal = record(RecordKind.RENEWAL, "renewal:g1:2", RENEWAL)
    (human,) = to_rows(renewal, with_owner(RecordKind.RENEWAL, "amount", Ownership.HUMAN), "hubspot")
    (ours,) = to_rows(renewal, with_owner(RecordKind.RENEWAL, "amount", Ownership.OURS), "hubspot")
    assert "amount" not in {*human.ours, *human.seed}
    assert (ours.ours["amount"], "amount" in ours.seed) == ("1200.00", False)


def test_a_profile_field_given_to_people_is_sent_nowhere() -> None:
    """A human field of the profile is left alone on the profile and on the company."""
    charter = with_owner(RecordKind.PROFILE, "explanation", Ownership.HUMAN)
    rows = to_rows(record(RecordKind.PROFILE, "profile:a9", PROFILE), charter, "hubspot")
    assert [row.object for row in rows if "cs_health" in row.ours] == ["cs_profile", "companies"]
    assert not [row for row in rows if "cs_explanation" in {*row.ours, *row.seed}]


@pytest.mark.parametrize(
    ("vendor", "field", "limit"),
    [
        ("hubspot", "cs_explanation", 65_536),
        ("salesforce", "CS_Explanation__c", 32_768),
        ("salesforce", "Name", 80),
        ("salesforce", "CS_Scorecard__c", 255),
    ],
)
def test_text_is_cut_to_what_the_crm_takes(vendor: str, field: str, limit: int) -> None:
    """A text that is just short enough is whole; one longer ends in an ellipsis at the limit."""
    for length, expected in ((limit, "x" * limit), (limit + 1, "x" * (limit - 1) + "…")):
        long = {"name": "x" * length, "explanation": "x" * length, "scorecard": "x" * length}
        row = to_rows(record(RecordKind.PROFILE, "profile:a9", long), CHARTER, vendor)[0]
        assert row.ours[field] == expected


def test_an_opportunitys_name_may_be_longer_than_an_objects() -> None:
    """Opportunity Name takes 120 characters (object reference)."""
    (row,) = to_rows(record(RecordKind.RENEWAL, "r", {"name": "x" * 130}), CHARTER, "salesforce")
    assert row.seed["Name"] == "x" * 119 + "…"


def test_a_field_nobody_declared_is_refused() -> None:
    """A desired field without a place in the catalogue is a defect of ours and says so."""
    with pytest.raises(KeyError, match="mood"):
        to_rows(record(RecordKind.PLAN, "plan:a9:o:1", {"mood": "good"}), CHARTER, "hubspot")


@pytest.mark.parametrize("vendor", VENDORS)
def test_install_makes_every_field_that_is_ever_written(vendor: str) -> None:
    """Every field of ours in any row stands in the object specs; every object has one unique key."""
    specs = {spec.name: spec for spec in object_specs(CHARTER, vendor)}
    for kind, entries in CATALOGUE.items():
        for row in to_rows(
            record(kind, "k", dict.fromkeys((e.name for e in entries), None)), CHARTER, vendor
        ):
            known = {field.name for field in specs[row.object].fields} | {"Name"}
            assert set(row.ours) <= known
            assert row.record_id or key_field(vendor) in known
    for spec in specs.values():
        assert [f.name for f in spec.fields if f.unique] in ([key_field(vendor)], [])
        assert spec.custom == spec.name.lower().startswith("cs_")


def test_salesforce_objects_hang_by_lookups_and_hubspots_by_associations() -> None:
    """A Salesforce object brings a lookup per parent; HubSpot's has parents and no such field."""
    salesforce = {spec.name: spec for spec in object_specs(CHARTER, "salesforce")}
    references = [f.references for f in salesforce["CS_Milestone__c"].fields if f.type is FieldType.REFERENCE]
    assert references == ["Account", "CS_Plan__c"]
    assert [f.name for f in salesforce["Account"].fields] == ["CS_Profile__c"]
    hubspot = {spec.name: spec for spec in object_specs(CHARTER, "hubspot")}
    assert hubspot["cs_milestone"].parents == ("companies", "cs_plan")
    assert not [f for s in hubspot.values() for f in s.fields if f.type is FieldType.REFERENCE]


def test_the_band_offers_the_scorecards_bands_and_unknown() -> None:
    """A band of the charter can be chosen in the CRM, and so can having no score."""
    profile = object_specs(CHARTER, "hubspot")[0]
    (band,) = [field for field in profile.fields if field.name == "cs_band"]
    assert band.choices == (("red", "Red"), ("yellow", "Yellow"), ("green", "Green"), ("unknown", "Unknown"))


@given(st.text(min_size=1, max_size=400), st.sampled_from(VENDORS))
def test_every_text_fits_its_field(text: str, vendor: str) -> None:
    """No text we send is longer than the CRM takes, and cutting twice changes nothing."""
    fields = {"name": text, "scorecard": text}
    own = to_rows(record(RecordKind.PROFILE, "profile:a9", fields), CHARTER, vendor)[0]
    again = {"name": own.ours.get("Name") or own.ours.get("cs_name"), "scorecard": text}
    assert all(len(value or "") <= (255 if vendor == "salesforce" else 65_536) for value in own.ours.values())
    assert to_rows(record(RecordKind.PROFILE, "profile:a9", again), CHARTER, vendor)[0] == own


def test_a_deal_begins_with_the_opening_s_values_and_keeps_ours_true() -> None:
    """The close date seeded is the opening's, our own due day today's."""
    renewal = replace(
        record(RecordKind.RENEWAL, "renewal:g1:2", RENEWAL), opening={"due_on": date(2025, 6, 1)}
    )
    (row,) = to_rows(renewal, CHARTER, "salesforce")
    assert (row.seed["CloseDate"], row.ours["CS_Due_On__c"]) == ("2025-06-01", "2025-07-01")
