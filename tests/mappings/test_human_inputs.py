"""What people write on an account's record, as facts: since when, by whom, until when, and what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.port import CrmRecord, FieldType
from mappings.bindings import Ownership
from mappings.catalogue import CATALOGUE
from mappings.human_fields import HUMAN, human_names, speaks, spoken_for, without_idle_author
from mappings.human_inputs import PinKeys, Said, pin_keys, to_human_inputs
from mappings.inbound import Contradiction, Inbound, inbound_of, own_queries, read_queries, watched_fields
from mappings.load import load_charter
from mappings.naming import HUBSPOT, SALESFORCE, VENDORS
from mappings.outbound import object_specs, ownership
from success.human_inputs import HumanInputs, Override, OverrideKind, Pin, Pulse
from tests.sync.harness import CHARTER

CHARTERS = {vendor: load_charter(CHARTER, vendor) for vendor in VENDORS}
INBOUND = {vendor: inbound_of(CHARTERS[vendor], vendor, ()) for vendor in VENDORS}
NOON = datetime(2025, 3, 3, 12, tzinfo=UTC)
DAY = timedelta(days=1)
MADE, OWNER = date(2025, 3, 3), "81"
SEGMENTS = PinKeys(frozenset({"smb", "enterprise"}), frozenset({"adopting"}))
CAP = {
    "cs_override_kind": "cap",
    "cs_override_points": "40",
    "cs_override_reason": "the sponsor left",
    "cs_override_ends_on": "2025-04-01",
    "hs_updated_by_user_id": "51000001",
}


def company(values: Mapping[str, str | None], at: datetime = NOON) -> CrmRecord:
    """Return a version of a company as the mirror holds it."""
    return CrmRecord("companies", "77", values, NOON, at)


def said(*versions: CrmRecord, vendor: str = HUBSPOT, keys: PinKeys = SEGMENTS, **more: Any) -> Said:
    """Return what the versions say, of an account that belongs to ``OWNER``."""
    inbound: Inbound = replace(INBOUND[vendor], **more)
    return to_human_inputs(versions, OWNER, inbound, keys)


def wrong(values: Mapping[str, str | None], field: str) -> str:
    """Return why a record's one contradiction, which must be of ``field``, stands; nothing counts then."""
    found = said(company(values))
    assert found.inputs == HumanInputs()
    (one,) = found.contradictions
    assert (one.object, one.record_id, one.field) == ("companies", "77", field)
    return one.reason


def test_everything_people_can_say_is_read() -> None:
    """An override, both pins and a pulse, each with the day and the user of the version that brought it."""
    values = {
        **CAP,
        "cs_segment_pin": "smb",
        "cs_segment_pin_ends_on": "2025-09-01",
        "cs_stage_pin": "adopting",
        "cs_stage_pin_ends_on": "2025-03-20",
        "cs_pulse": "4",
    }
    found = said(company(values))
    assert found.contradictions == ()
    who, ends = "51000001", date(2025, 4, 1)
    assert found.inputs == HumanInputs(
        Override(OverrideKind.CAP, 40_000, "the sponsor left", who, MADE, ends),
        Pin("smb", MADE, date(2025, 9, 1), author=who),
        Pin("adopting", MADE, date(2025, 3, 20), author=who),
        Pulse(4, MADE, who),
    )


def test_a_word_begins_with_the_version_that_first_held_it() -> None:
    """Written on the 3rd by one user; another changes something else on the 5th, and mends the reason."""
    later = {**CAP, "name": "Acme", "cs_override_reason": "sponsor left", "hs_updated_by_user_id": "52"}
    found = said(company({"name": "Acme"}, NOON - DAY), company(CAP), company(later, NOON + 2 * DAY))
    override = found.inputs.override
    assert override is not None
    assert (override.made_on, override.author, override.reason) == (MADE, "51000001", "sponsor left")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cs_override_kind", "floor"),
        ("cs_override_points", "41"),
        ("cs_override_ends_on", "2025-04-02"),
    ],
)
def test_a_word_that_is_changed_begins_anew(name: str, value: str) -> None:
    """Its kind, its points and its end are what it says: whoever changes one of them says it now."""
    changed = {**CAP, name: value, "hs_updated_by_user_id": "52"}
    override = said(company(CAP), company(changed, NOON + 2 * DAY)).inputs.override
    assert override is not None
    assert (override.made_on, override.author) == (MADE + 2 * DAY, "52")


def test_a_word_said_again_after_it_was_cleared_is_a_new_one() -> None:
    """Cleared on the 4th and written again on the 6th: it begins on the 6th."""
    again = said(company(CAP), company({}, NOON + DAY), company(CAP, NOON + 3 * DAY)).inputs.override
    assert again is not None
    assert again.made_on == MADE + 3 * DAY


def test_what_is_cleared_is_not_there() -> None:
    """The newest version decides; a reason or an end left over says nothing and is no mistake."""
    left = {
        "cs_override_reason": "old",
        "cs_override_ends_on": "2025-04-01",
        "cs_stage_pin_ends_on": "2025-04-01",
    }
    assert said(company(CAP), company(left, NOON + DAY)) == Said(HumanInputs())


def test_an_expired_override_is_told_with_its_end() -> None:
    """Whether it is in force is a question about a day, and facts are asked about several."""
    seen = company({**CAP, "name": "Acme"}, NOON + 400 * DAY)
    override = said(company(CAP), seen).inputs.override
    assert override is not None
    assert (override.made_on, override.until) == (MADE, date(2025, 4, 1))


def test_days_are_days_where_the_customer_is() -> None:
    """23:30 UTC on the 3rd is the 4th in Berlin."""
    late = company(CAP, NOON.replace(hour=23, minute=30))
    override = said(late, zone=ZoneInfo("Europe/Berlin")).inputs.override
    assert override is not None
    assert override.made_on == date(2025, 3, 4)


def test_an_override_lasts_ninety_days_at_most_and_that_is_told() -> None:
    """By hand: 90 days after 3 March 2025 is 1 June. Longer is cut and told; no end at all is not told."""
    found = said(company({**CAP, "cs_override_ends_on": "2025-06-02"}))
    assert found.inputs.override is not None
    assert found.inputs.override.until == date(2025, 6, 1)
    told = "2025-06-02 is more than 90 days after 2025-03-03: the override ends on 2025-06-01"
    assert found.contradictions == (Contradiction("companies", "77", "cs_override_ends_on", told),)
    for until in (None, "2025-06-01"):
        quiet = said(company({**CAP, "cs_override_ends_on": until}))
        assert quiet.inputs.override is not None
        assert (quiet.inputs.override.until, quiet.contradictions) == (date(2025, 6, 1), ())


@pytest.mark.parametrize(
    ("name", "value", "field", "reason"),
    [
        ("cs_override_kind", None, "cs_override_kind", "points without a kind: choose value, cap, floor"),
        ("cs_override_kind", "max", "cs_override_kind", "'max' is none of value, cap, floor"),
        ("cs_override_points", "", "cs_override_points", "a cap without points: write some from 0 to 100"),
        ("cs_override_points", "100.1", "cs_override_points", "100.1 is not between 0 and 100"),
        ("cs_override_points", "-1", "cs_override_points", "-1 is not between 0 and 100"),
        ("cs_override_points", "high", "cs_override_points", "'high' is not a number"),
        ("cs_override_reason", " ", "cs_override_reason", "an override needs a reason"),
        ("cs_override_ends_on", "2025-03-03", "cs_override_ends_on",
         "it ends on 2025-03-03, and was written on 2025-03-03"),
        ("cs_override_ends_on", "soon", "cs_override_ends_on", "'soon' is not a date"),
    ],
)  # fmt: skip
def test_an_override_that_says_nothing_clear_does_not_count(
    name: str, value: str | None, field: str, reason: str
) -> None:
    """What is lacking or wrong is told by the CRM's own field, and no half of it is taken."""
    assert wrong({**CAP, name: value}, field) == reason


@pytest.mark.parametrize(
    ("values", "field", "reason"),
    [
        ({"cs_segment_pin": "smb"}, "cs_segment_pin_ends_on",
         "a pinned segment needs a day on which it ends"),
        ({"cs_stage_pin": "adopting", "cs_stage_pin_ends_on": "2025-03-02"}, "cs_stage_pin_ends_on",
         "it ends on 2025-03-02, and was written on 2025-03-03"),
        ({"cs_pulse": "9"}, "cs_pulse", "9 is not between 1 and 5"),
        ({"cs_pulse": "0"}, "cs_pulse", "0 is not between 1 and 5"),
        ({"cs_pulse": "3.5"}, "cs_pulse", "'3.5' is not a whole number"),
    ],
)  # fmt: skip
def test_a_pin_or_pulse_that_cannot_be_does_not_count(
    values: Mapping[str, str], field: str, reason: str
) -> None:
    """No end, an end in the past, a rating off the scale."""
    assert wrong(values, field) == reason


@pytest.mark.parametrize(
    ("what", "key", "reason"),
    [
        ("segment", "big", "there is no segment 'big', only enterprise, smb"),
        ("stage", "onboard", "there is no stage 'onboard', only adopting"),
    ],
)
def test_a_pin_to_what_the_charter_has_not_is_told_and_kept(what: str, key: str, reason: str) -> None:
    """It sets nothing; the rules have it all the same, to tell whoever pinned it on the record."""
    found = said(company({f"cs_{what}_pin": key, f"cs_{what}_pin_ends_on": "2025-04-01"}))
    assert [(one.field, one.reason) for one in found.contradictions] == [(f"cs_{what}_pin", reason)]
    pin = {"segment": found.inputs.segment_pin, "stage": found.inputs.stage_pin}[what]
    assert pin is not None
    assert pin.key == key


def test_one_mistake_leaves_the_rest_standing() -> None:
    """A pulse of 9 is told; the override beside it counts."""
    found = said(company({**CAP, "cs_pulse": "9"}))
    assert found.inputs.override is not None
    assert [one.field for one in found.contradictions] == ["cs_pulse"]


def test_a_pin_names_a_segment_and_a_stage_the_charter_has() -> None:
    """Without segments of its own a charter has one, of all; a pin to another is told."""
    keys = pin_keys(CHARTERS[HUBSPOT])
    assert keys.segments == {"all"}
    assert keys.stages == {"prospect", "onboarding", "adopting", "customer", "churned"}
    found = said(company({"cs_segment_pin": "big", "cs_segment_pin_ends_on": "2025-04-01"}), keys=keys)
    assert found.inputs.segment_pin is not None
    assert [one.field for one in found.contradictions] == ["cs_segment_pin"]


PROFILE = {
    "CS_Key__c": "profile:001",
    "CS_Account__c": "001000000000001AAA",
    "CS_Pulse__c": "2",
    "CreatedById": "005-us",
    "LastModifiedById": "005-ada",
    "LastModifiedBy.Name": "Ada Byron",
}


@pytest.mark.parametrize(
    ("changes", "author"),
    [
        ({}, "Ada Byron"),
        ({"LastModifiedBy.Name": None}, "005-ada"),
        ({"LastModifiedById": "005-us", "LastModifiedBy.Name": "Integration"}, OWNER),
        ({"LastModifiedById": None, "LastModifiedBy.Name": None, "CreatedById": None}, OWNER),
    ],
)
def test_in_salesforce_the_author_saved_the_profile(changes: dict[str, str | None], author: str) -> None:
    """By name where there is one; a save of our own user, who made the profile, names the account's owner."""
    record = CrmRecord("CS_Profile__c", "a01", {**PROFILE, **changes}, NOON, NOON)
    assert said(record, vendor=SALESFORCE).inputs.pulse == Pulse(2, MADE, author)


def test_without_a_user_the_accounts_owner_answers_in_hubspot() -> None:
    """An import or a workflow names no user."""
    assert said(company({"cs_pulse": "2"})).inputs.pulse == Pulse(2, MADE, OWNER)


def test_a_profile_hangs_under_its_account_only_while_somebody_speaks_on_it() -> None:
    """What we write ourselves is no fact; nor is a profile somebody made without our key."""
    crm = CHARTERS[SALESFORCE].crm_for(SALESFORCE)

    def hangs(**changes: str | None) -> str | None:
        record = CrmRecord("CS_Profile__c", "a01", {**PROFILE, **changes}, NOON, NOON)
        return spoken_for(record, crm, SALESFORCE)

    assert hangs() == "001000000000001AAA"
    assert hangs(CS_Pulse__c=None) is None
    assert hangs(CS_Key__c=None) is None


def test_who_saved_a_record_is_news_only_where_somebody_speaks_on_it() -> None:
    """Else each save by another user would be another version of every company."""
    silent = company({"name": "Acme", "hs_updated_by_user_id": "51"})
    assert without_idle_author(silent, HUBSPOT).values == {"name": "Acme", "hs_updated_by_user_id": None}
    assert without_idle_author(company(CAP), HUBSPOT) == company(CAP)
    assert not speaks(silent.values, HUBSPOT)


@pytest.mark.parametrize("vendor", VENDORS)
def test_an_install_makes_the_fields_where_a_change_reaches_us(vendor: str) -> None:
    """On the company or the profile, all of them, for our own user to read only."""
    place = {HUBSPOT: "companies", SALESFORCE: "CS_Profile__c"}[vendor]
    specs = {spec.name: spec for spec in object_specs(CHARTERS[vendor], vendor)}
    made = [one for one in specs[place].fields if one.name in human_names(vendor)]
    assert [one.name for one in made] == list(human_names(vendor))
    assert not [one.name for one in made if one.writable]
    assert {one.type for one in made if one.choices} == {FieldType.CHOICE}
    elsewhere = [f.name for spec in specs.values() if spec.name != place for f in spec.fields]
    assert not set(elsewhere) & set(human_names(vendor))


def test_the_company_gets_the_fields_where_nothing_else_of_ours_stands_on_it() -> None:
    """A charter that shows nothing on the company still takes people's word there."""
    charter = CHARTERS[HUBSPOT]
    crm = charter.crm_for(HUBSPOT)
    bare = crm.model_copy(update={"writes": crm.writes.model_copy(update={"on_account": (), "lists": ()})})
    charter = charter.model_copy(update={"crm": charter.crm.model_copy(update={"hubspot": bare})})
    specs = {spec.name: spec for spec in object_specs(charter, HUBSPOT)}
    assert [one.name for one in specs["companies"].fields] == list(human_names(HUBSPOT))


def test_no_record_of_ours_has_a_field_of_peoples() -> None:
    """What no desired record can hold is never written, never drift and never fought for."""
    ours = {entry.name for entries in CATALOGUE.values() for entry in entries}
    assert not ours & {entry.name for entry in HUMAN}
    crm = CHARTERS[HUBSPOT].crm_for(HUBSPOT)
    kinds = {ownership(kind, entry.name, crm) for kind, entries in CATALOGUE.items() for entry in entries}
    assert Ownership.HUMAN not in kinds


def test_the_fields_are_read_with_what_they_stand_on_once_they_are_there() -> None:
    """In the same query, with who saved the record; before the first install nobody asks for them."""
    companies = {one.object: one.fields for one in read_queries(CHARTERS[HUBSPOT], HUBSPOT)}["companies"]
    assert {*human_names(HUBSPOT), "hs_updated_by_user_id"} <= set(companies)
    profiles = {one.object: one.fields for one in own_queries(CHARTERS[SALESFORCE], SALESFORCE)}
    wanted = {*human_names(SALESFORCE), "LastModifiedById", "LastModifiedBy.Name", "CreatedById"}
    assert wanted <= set(profiles["CS_Profile__c"])
    for vendor in VENDORS:
        before = [f for q in read_queries(CHARTERS[vendor], vendor, installed=False) for f in q.fields]
        assert not set(before) & {*human_names(vendor), "hs_updated_by_user_id"}


def test_hubspot_tells_of_the_fields_whatever_else_a_charter_watches() -> None:
    """Named fields or all: people's word is always among them."""
    charter = CHARTERS[HUBSPOT]
    assert set(human_names(HUBSPOT)) <= set(watched_fields(charter, HUBSPOT)["companies"])
    crm = charter.crm_for(HUBSPOT).model_copy(update={"webhooks": {"companies": ("name",)}})
    charter = charter.model_copy(update={"crm": charter.crm.model_copy(update={"hubspot": crm})})
    assert watched_fields(charter, HUBSPOT) == {"companies": ("name", *human_names(HUBSPOT))}


@given(st.dictionaries(st.sampled_from(human_names(HUBSPOT)), st.text() | st.none()))
def test_whatever_people_write_is_taken_or_told(values: dict[str, str | None]) -> None:
    """No text crashes a look; an override that counts has a reason, points in range and an end in time."""
    found = said(company(values)).inputs.override
    if found is not None:
        assert found.reason
        assert 0 <= found.points <= 100_000
        assert found.made_on < found.until <= found.made_on + 90 * DAY
