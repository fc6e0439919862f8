"""Which home each kind of record takes, and what its rows and fields are there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.port import CrmDescription, FieldSpec, FieldType, Link, ObjectSpec
from mappings.bindings import HomesEntry, Ownership
from mappings.catalogue import CATALOGUE, OWN_OBJECTS, Home
from mappings.charter import Charter
from mappings.homes import OBJECTS, Homes, choose_homes, homes_for, moves
from mappings.human_fields import human_names
from mappings.load import load_charter
from mappings.outbound import object_specs, own_object, to_rows
from mappings.rows import rows_of_account
from mappings.tasks import key_in_notes, notes
from success.desired import DesiredRecord, RecordKind, Value
from success.facts import Money
from success.rules import Language

DEFAULT = Path(__file__).parents[2] / "mappings" / "charters" / "default.yaml"
CHARTER = load_charter(DEFAULT, "hubspot")
PROFILE, PLAN, MILESTONE, SNAPSHOT = OWN_OBJECTS
LITE = Homes({PROFILE: Home.ACCOUNT, PLAN: Home.ACCOUNT, MILESTONE: Home.TASK, SNAPSHOT: Home.MIRROR})
NOWHERE = Homes(dict.fromkeys(OWN_OBJECTS, Home.MIRROR))
NAMES = {PROFILE: "cs_profile", PLAN: "cs_plan", MILESTONE: "cs_milestone", SNAPSHOT: "cs_snapshot"}
PROFILE_FIELDS: Mapping[str, Value] = {
    "name": "Acme",
    "health": Decimal("71.25"),
    "band": "yellow",
    "coverage": Decimal(100),
    "trend": "down",
    "stage": "customer",
    "arr": Money(120_000, "USD"),
    "renewal_on": date(2025, 7, 1),
    "risks": "",
    "explanation": "Because.",
    "scorecard": "health@1",
}
PLAN_FIELDS: Mapping[str, Value] = {
    "name": "Acme: Onboarding",
    "template": "onboarding@1",
    "status": "active",
    "starts_on": date(2025, 1, 2),
    "target_on": date(2025, 5, 2),
    "milestones_total": 4,
    "milestones_done": 1,
    "milestones_late": 0,
}
MILESTONE_FIELDS: Mapping[str, Value] = {
    "name": "First use",
    "phase": "launch",
    "position": "first_use",
    "owner_side": "customer",
    "due_on": date(2025, 1, 16),
    "status": "open",
    "done_on": None,
    "evidence": "usage_total >= 1 && csat_90d < 3.0",
}


def profile() -> DesiredRecord:
    """Return account 9's profile."""
    return DesiredRecord(PROFILE, "profile:a9", "9", PROFILE_FIELDS)


def plan(key: str = "plan:a9:onboarding:1", **fields: Value) -> DesiredRecord:
    """Return a plan of account 9."""
    return DesiredRecord(PLAN, key, "9", {**PLAN_FIELDS, **fields})


def milestone(key: str = "milestone:a9:onboarding:1:first_use", **fields: Value) -> DesiredRecord:
    """Return a milestone of account 9."""
    return DesiredRecord(MILESTONE, key, "9", {**MILESTONE_FIELDS, **fields}, "plan:a9:onboarding:1")


def with_entry(
    entry: HomesEntry, owners: Mapping[RecordKind, Mapping[str, Ownership]] | None = None
) -> Charter:
    """Return the default charter with another choice of homes, and other owners of fields."""
    crm = CHARTER.crm_for("hubspot")
    writes = crm.writes.model_copy(update={"homes": entry, "ownership": owners or {}})
    hubspot = crm.model_copy(update={"writes": writes})
    return CHARTER.model_copy(update={"crm": CHARTER.crm.model_copy(update={"hubspot": hubspot})})


@pytest.mark.parametrize(
    ("left", "existing", "expected"),
    [
        (10, (), (Home.OBJECT, Home.OBJECT, Home.OBJECT, Home.OBJECT)),
        (4, (), (Home.OBJECT, Home.OBJECT, Home.OBJECT, Home.OBJECT)),
        (3, (), (Home.OBJECT, Home.OBJECT, Home.OBJECT, Home.MIRROR)),
        (2, (), (Home.OBJECT, Home.OBJECT, Home.TASK, Home.MIRROR)),
        (1, (), (Home.OBJECT, Home.ACCOUNT, Home.TASK, Home.MIRROR)),
        (0, (), (Home.ACCOUNT, Home.ACCOUNT, Home.TASK, Home.MIRROR)),
        (None, (), (Home.OBJECT, Home.OBJECT, Home.OBJECT, Home.OBJECT)),
        (
            0,
            ("cs_profile", "cs_plan", "cs_milestone"),
            (Home.OBJECT, Home.OBJECT, Home.OBJECT, Home.MIRROR),
        ),
        (0, ("cs_milestone",), (Home.ACCOUNT, Home.ACCOUNT, Home.OBJECT, Home.MIRROR)),
        (1, ("cs_plan",), (Home.OBJECT, Home.OBJECT, Home.TASK, Home.MIRROR)),
        (0, ("cs_snapshot",), (Home.ACCOUNT, Home.ACCOUNT, Home.TASK, Home.OBJECT)),
        (0, ("somebody_elses",), (Home.ACCOUNT, Home.ACCOUNT, Home.TASK, Home.MIRROR)),
    ],
)
def test_homes_are_filled_in_order(
    left: int | None, existing: tuple[str, ...], expected: tuple[Home, ...]
) -> None:
    """Objects while there are any left, ours that stand cost none, then the next home of each kind."""
    chosen = choose_homes(CHARTER, "hubspot", left, existing)
    assert chosen == dict(zip(OWN_OBJECTS, expected, strict=True))


@given(
    st.permutations(OWN_OBJECTS).flatmap(lambda order: st.sampled_from([order[:n] for n in range(5)])),
    st.none() | st.integers(0, 5),
    st.sets(st.sampled_from(OWN_OBJECTS)),
    st.sets(st.sampled_from([Home.ACCOUNT, Home.TASK])),
)
def test_no_more_objects_are_made_than_are_left_and_the_first_come_first(
    priority: list[RecordKind], left: int | None, standing: set[RecordKind], without: set[Home]
) -> None:
    """Whatever the charter says: no object too many, nobody served before a kind named earlier."""
    entry = HomesEntry(priority=tuple(priority), without=tuple(sorted(without)))
    chosen = choose_homes(with_entry(entry), "hubspot", left, {NAMES[kind] for kind in standing})
    objects = {kind for kind, home in chosen.items() if home is Home.OBJECT}
    assert set(chosen) == set(OWN_OBJECTS)
    assert objects <= set(priority)
    assert objects >= standing & set(priority)
    made = [kind for kind in priority if kind not in standing]
    assert [kind for kind in made if kind in objects] == (made if left is None else made[:left])
    assert not set(chosen.values()) & without


def test_salesforce_has_room_for_all_whatever_is_left() -> None:
    """There is no other home there."""
    assert choose_homes(CHARTER, "salesforce", 0, ()) == OBJECTS.of


def described(left: int | None, deal_fields: tuple[FieldSpec, ...]) -> CrmDescription:
    """Return a portal with so many custom objects left and these fields on deals."""
    deals = ObjectSpec("deals", "Deal", "Deals", deal_fields)
    theirs = ObjectSpec("cs_plan", "Plan", "Plans", (), custom=True)
    return CrmDescription("1", "HubSpot 1", "UTC", {"deals": deals, "cs_plan": theirs}, (), left)


def unique(count: int, prefix: str = "their_") -> tuple[FieldSpec, ...]:
    """Return so many unique fields."""
    return tuple(FieldSpec(f"{prefix}{n}", "", FieldType.TEXT, unique=True) for n in range(count))


KEY = FieldSpec("cs_key", "", FieldType.TEXT)


@pytest.mark.parametrize(
    ("fields", "keyless"),
    [
        (unique(9), frozenset()),
        (unique(10), frozenset({"deals"})),
        (unique(9) + unique(3, "hs_"), frozenset()),  # HubSpot's own do not count
        ((*unique(2), KEY), frozenset({"deals"})),  # it stands, and cannot be made unique later
        ((*unique(9), replace(KEY, unique=True)), frozenset()),
    ],
)
def test_a_deals_key_is_unique_where_the_portal_lets_it_be(
    fields: tuple[FieldSpec, ...], keyless: frozenset[str]
) -> None:
    """Ten unique properties are the most; the key's own counts once it is there."""
    homes = homes_for(CHARTER, "hubspot", described(0, fields))
    assert homes.keyless == keyless
    assert homes.of[PLAN] is Home.OBJECT  # it stands already
    (key,) = [
        field
        for spec in object_specs(CHARTER, "hubspot", homes)
        if spec.name == "deals"
        for field in spec.fields
        if field.name == "cs_key"
    ]
    assert key.unique is not bool(keyless)


def test_only_better_homes_are_moves() -> None:
    """What could stand in an object is told; that an object is gone is for the plan's questions."""
    assert [(move.kind, move.possible) for move in moves("hubspot", LITE, OBJECTS)] == [
        (kind, Home.OBJECT) for kind in OWN_OBJECTS
    ]
    assert moves("hubspot", OBJECTS, LITE) == ()


def test_lite_needs_fields_on_the_company_and_on_the_deal_only() -> None:
    """Every profile and plan field but the account's own name becomes a company property, and people's."""
    specs = {
        spec.name: [field.name for field in spec.fields] for spec in object_specs(CHARTER, "hubspot", LITE)
    }
    assert set(specs) == {"companies", "deals"}
    profile_fields = {f"cs_{entry.name}" for entry in CATALOGUE[PROFILE]} - {"cs_name"}
    plan_fields = {f"cs_plan_{entry.name}" for entry in CATALOGUE[PLAN]} - {"cs_plan_name"}
    assert set(specs["companies"]) == profile_fields | plan_fields | set(human_names("hubspot"))
    assert len(specs["companies"]) == len(set(specs["companies"]))


def test_a_lite_account_is_one_row_of_its_own_record() -> None:
    """Profile and plan stand on company 9 in one write, under the profile's key."""
    (pair,) = rows_of_account([profile(), plan()], CHARTER, "hubspot", homes=LITE)
    source, row = pair
    assert (source.kind, row.object, row.key, row.record_id) == (PROFILE, "companies", "profile:a9", "9")
    assert row.ours == {
        "cs_health": "71.2",  # half to even, as everywhere
        "cs_band": "yellow",
        "cs_coverage": "100.0",
        "cs_trend": "down",
        "cs_stage": "customer",
        "cs_arr": "1200.00",
        "cs_renewal_on": "2025-07-01",
        "cs_risks": "",
        "cs_explanation": "Because.",
        "cs_scorecard": "health@1",
        "cs_plan_template": "onboarding@1",
        "cs_plan_status": "active",
        "cs_plan_starts_on": "2025-01-02",
        "cs_plan_target_on": "2025-05-02",
        "cs_plan_milestones_total": "4",
        "cs_plan_milestones_done": "1",
        "cs_plan_milestones_late": "0",
    }


def test_an_account_whose_plan_is_gone_shows_none() -> None:
    """The plan's properties are emptied, never left to say what was."""
    ((_, row),) = rows_of_account([profile()], CHARTER, "hubspot", homes=LITE)
    assert {name: value for name, value in row.ours.items() if name.startswith("cs_plan_")} == dict.fromkeys(
        f"cs_plan_{entry.name}" for entry in CATALOGUE[PLAN] if entry.name != "name"
    )


def test_of_several_plans_the_newest_active_one_is_shown() -> None:
    """A complete plan that began later gives way to an active one; of two active the later stands."""
    first = plan("plan:a9:onboarding:1", starts_on=date(2025, 1, 1))
    second = plan("plan:a9:onboarding:2", starts_on=date(2025, 3, 1))
    done = plan("plan:a9:onboarding:3", starts_on=date(2025, 6, 1), status="complete")
    ((_, row),) = rows_of_account([profile(), done, second, first], CHARTER, "hubspot", homes=LITE)
    assert row.ours["cs_plan_starts_on"] == "2025-03-01"
    ((_, row),) = rows_of_account([profile(), done], CHARTER, "hubspot", homes=LITE)
    assert row.ours["cs_plan_status"] == "complete"


def test_what_people_own_is_not_written_on_the_company_either() -> None:
    """A plan's day that the charter gives to people is neither written nor emptied."""
    charter = with_entry(HomesEntry(), {PLAN: {"target_on": Ownership.HUMAN}})
    for records in ([profile(), plan()], [profile()]):
        ((_, row),) = rows_of_account(records, charter, "hubspot", homes=LITE)
        assert "cs_plan_target_on" not in row.ours
        assert "cs_plan_starts_on" in row.ours


def test_an_open_milestone_is_a_task_that_is_peoples_from_the_start() -> None:
    """Title and due day (noon) are ours; status, kind, notes and owner are set on creation only."""
    (row,) = to_rows(milestone(), CHARTER, "hubspot", owner_id="501", homes=LITE)
    assert row.object == "tasks"
    assert row.parents == (Link("companies", "9"),)
    assert row.parent_keys == ()
    assert row.ours == {"hs_task_subject": "First use", "hs_timestamp": "2025-01-16T12:00:00Z"}
    assert {name: value for name, value in row.seed.items() if name != "hs_task_body"} == {
        "hs_task_status": "NOT_STARTED",
        "hs_task_type": "TODO",
        "hubspot_owner_id": "501",
    }
    assert "&amp;&amp; csat_90d &lt; 3.0" in str(row.seed["hs_task_body"])


def test_a_tasks_notes_are_in_the_language_of_the_charter() -> None:
    """English as ever without one; the key stays what it is."""
    (english,) = to_rows(milestone(owner_side="customer"), CHARTER, "hubspot", homes=LITE)
    charter = CHARTER.model_copy(update={"language": Language.DE})
    (german,) = to_rows(milestone(owner_side="vendor"), charter, "hubspot", homes=LITE)
    told = [str(row.seed["hs_task_body"]) for row in (english, german)]
    assert "<p>Brought about by: Customer</p>" in told[0]
    assert "<p>Zu erreichen durch: uns</p>" in told[1]
    assert "Meilenstein" in told[1]
    assert key_in_notes(told[0]) == key_in_notes(told[1]) == german.key


def test_a_reached_milestone_completes_its_task() -> None:
    """From then on the status is ours; a late one is left to its due day."""
    (done,) = to_rows(milestone(status="done"), CHARTER, "hubspot", homes=LITE)
    (late,) = to_rows(milestone(status="late"), CHARTER, "hubspot", homes=LITE)
    assert done.ours["hs_task_status"] == "COMPLETED"
    assert "hs_task_status" not in done.seed
    assert late.seed["hs_task_status"] == "NOT_STARTED"
    assert "hubspot_owner_id" not in late.seed


def test_a_charter_may_leave_a_tasks_fields_to_people() -> None:
    """A human title and status are not written at all; a task must have a day, so that is set once."""
    owners = dict.fromkeys(("name", "status", "due_on"), Ownership.HUMAN)
    charter = with_entry(HomesEntry(), {MILESTONE: owners})
    for status in ("open", "done"):
        (row,) = to_rows(milestone(status=status), charter, "hubspot", homes=LITE)
        assert row.ours == {}
        assert sorted(row.seed) == ["hs_task_body", "hs_task_type", "hs_timestamp"]


@given(
    st.text(st.characters(codec="ascii", exclude_characters=" \t\n\r\x0b\x0c\x1c\x1d\x1e\x1f[]"), min_size=1)
)
def test_a_tasks_notes_give_back_its_key(key: str) -> None:
    """Whatever stands in a key or around it, the last mark in the notes is read back."""
    written = notes(milestone(key, evidence="[cs_key other]"))
    assert key_in_notes(written) == key
    assert key_in_notes(f"Called them.<br>{written}") == key


def test_notes_without_a_mark_have_no_key() -> None:
    """A person's own task is never taken for ours."""
    assert key_in_notes(None) is None
    assert key_in_notes("<p>Call about cs_key</p>") is None


def test_what_stands_with_us_only_is_no_row() -> None:
    """Without a home in the CRM nothing is written but what the charter asks for on the company."""
    rows = rows_of_account([profile(), plan(), milestone()], CHARTER, "hubspot", homes=NOWHERE)
    ((_, row),) = rows
    assert row.object == "companies"
    assert set(row.ours) == {f"cs_{name}" for name in CHARTER.crm_for("hubspot").writes.on_account}
    assert [own_object(kind, CHARTER, "hubspot", NOWHERE) for kind in OWN_OBJECTS] == [None] * 4


def test_milestones_as_objects_hang_under_a_plan_only_where_it_is_an_object() -> None:
    """Without a plan object a milestone hangs under its company alone, in rows and in the schema."""
    homes = Homes({**LITE.of, MILESTONE: Home.OBJECT})
    (row,) = to_rows(milestone(), CHARTER, "hubspot", homes=homes)
    assert (row.parents, row.parent_keys) == ((Link("companies", "9"),), ())
    (spec,) = [spec for spec in object_specs(CHARTER, "hubspot", homes) if spec.custom]
    assert spec.parents == ("companies",)


def test_a_keyless_deal_carries_its_key_as_a_plain_value() -> None:
    """It is set with the deal, so that the deal can be told among its company's."""
    renewal = DesiredRecord(RecordKind.RENEWAL, "renewal:g:1", "9", {"name": "Acme renewal"})
    (plain,) = to_rows(renewal, CHARTER, "hubspot", homes=Homes(LITE.of, frozenset({"deals"})))
    (unique_key,) = to_rows(renewal, CHARTER, "hubspot", homes=LITE)
    assert plain.seed["cs_key"] == "renewal:g:1"
    assert "cs_key" not in unique_key.seed


def test_tasks_are_due_at_noon_where_the_customer_is() -> None:
    """Noon in Tokyo is three in the morning in UTC, on the same day."""
    charter = CHARTER.model_copy(update={"time_zone": "Asia/Tokyo"})
    (row,) = to_rows(milestone(), charter, "hubspot", homes=LITE)
    assert row.ours["hs_timestamp"] == datetime(2025, 1, 16, 3, tzinfo=UTC).isoformat().replace("+00:00", "Z")
