"""From a CRM's text to facts: typed, in the installation's time zone, quarantined when wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.deal_pipelines import Pipeline, Stage
from integration.port import CrmRecord, Link
from mappings.binding import Binding
from mappings.human_fields import human_names
from mappings.inbound import (
    Contradiction,
    Inbound,
    inbound_of,
    own_queries,
    read_queries,
    to_account,
    to_deal,
    to_line,
    to_ticket,
    watched_fields,
)
from mappings.load import load_charter
from mappings.money import from_major, to_major_text
from success.facts import ContractLine, Deal, DealState, LineKind, Money

ROOT = Path(__file__).parents[2]
DEFAULT = ROOT / "mappings" / "charters" / "default.yaml"
RAVENSTACK = ROOT / "tests" / "ravenstack" / "charter.yaml"
HUBSPOT = load_charter(DEFAULT, "hubspot")
CREATED = datetime(2024, 1, 31, 23, 30, tzinfo=UTC)
PIPELINES = (
    Pipeline("default", "Sales", (
        Stage("qualifiedtobuy", "Qualified", closed=False, won=False, probability=0.4),
        Stage("closedwon", "Won", closed=True, won=True, probability=1.0),
        Stage("closedlost", "Lost", closed=True, won=False, probability=0.0),
    )),
    Pipeline("partner", "Partner", (Stage("signed", "Signed", closed=True, won=True, probability=1.0),)),
)  # fmt: skip
INBOUND = inbound_of(HUBSPOT, "hubspot", PIPELINES)
DEAL = {
    "dealname": "Acme",
    "amount": "1200.50",
    "deal_currency_code": "EUR",
    "dealstage": "closedwon",
    "pipeline": "default",
    "closedate": "2024-06-30T22:30:00Z",
    "deal_kind": "new",
}
LINE = {
    "contract_ref": "L-1",
    "contract_product": "core",
    "contract_seats": "5.0",
    "contract_kind": "recurring",
    "contract_start": "2024-07-01",
    "contract_end": "2025-07-01",
    "contract_arr": "1200",
    "contract_term_months": "12",
    "contract_auto_renew": "true",
    "contract_notice_days": "60",
}
TICKET = {
    "hs_ticket_priority": "HIGH",
    "createdate": "2024-05-01T08:00:00Z",
    "hs_pipeline_stage": "4",
    "closed_date": "2024-05-02T08:00:00Z",
    "support_escalated": "false",
    "support_csat": "4",
}


def record(object_name: str, values: Mapping[str, str | None], *links: Link) -> CrmRecord:
    """Return a record as the mirror holds it."""
    return CrmRecord(object_name, "77", values, CREATED, CREATED, links=links)


def deal_of(changes: Mapping[str, str | None], inbound: Inbound = INBOUND) -> Deal | Contradiction:
    """Return what becomes of a good deal with some values changed."""
    return to_deal(record("deals", {**DEAL, **changes}, Link("companies", "9")), inbound)


def won() -> Deal:
    """Return the good deal as a fact."""
    deal = deal_of({})
    assert isinstance(deal, Deal)
    return deal


def line_of(changes: Mapping[str, str | None]) -> ContractLine | Contradiction | None:
    """Return what becomes of a good line item of the won deal with some values changed."""
    return to_line(record("line_items", {**LINE, **changes}), won(), INBOUND)


def test_an_account_keeps_only_attributes_that_hold_something() -> None:
    """Empty fields of an account are unknown, not empty attributes."""
    account = to_account(
        record("companies", {"name": "Acme", "industry": "", "customer_ref": "A-1"}), INBOUND
    )
    assert not isinstance(account, Contradiction)
    assert ("77", "Acme", date(2024, 1, 31)) == (account.account_id, account.name, account.created_on)
    assert account.attributes == {"customer_ref": "A-1"}


def test_an_account_without_a_name_is_quarantined() -> None:
    """What is missing is named by the CRM's own field."""
    assert Contradiction("companies", "77", "name", "nothing is written in it") == to_account(
        record("companies", {"name": " "}), INBOUND
    )


def test_days_are_days_in_the_installations_time_zone() -> None:
    """In Berlin 23:30 UTC on 31 January is 1 February (UTC+1), 22:30 UTC on 30 June is 1 July (UTC+2)."""
    berlin = replace(INBOUND, zone=ZoneInfo("Europe/Berlin"))
    deal = deal_of({}, berlin)
    assert isinstance(deal, Deal)
    assert (date(2024, 7, 1), date(2024, 2, 1)) == (deal.close_on, deal.created_on)


def test_a_deals_money_is_minor_units_of_its_own_currency() -> None:
    """1,200.50 euro is 120,050 cents; 1,200 yen has no minor unit; a missing currency is the charter's."""
    amounts = [
        deal_of(changes).amount  # type: ignore[union-attr]
        for changes in ({}, {"amount": "1200", "deal_currency_code": "JPY"}, {"deal_currency_code": None})
    ]
    assert [Money(120_050, "EUR"), Money(1200, "JPY"), Money(120_050, "USD")] == amounts


@pytest.mark.parametrize(
    ("pipeline", "stage", "state"),
    [
        ("default", "qualifiedtobuy", DealState.OPEN),
        ("default", "closedwon", DealState.WON),
        ("default", "closedlost", DealState.LOST),
        ("partner", "signed", DealState.WON),
        (None, "closedlost", DealState.LOST),
    ],
)
def test_a_deals_state_is_what_its_pipeline_says(pipeline: str | None, stage: str, state: DealState) -> None:
    """Closed and won come from the pipeline's flags, in whichever pipeline the deal is."""
    deal = deal_of({"pipeline": pipeline, "dealstage": stage})
    assert isinstance(deal, Deal)
    assert state == deal.state


def test_a_stage_of_another_pipeline_is_a_contradiction() -> None:
    """A stage its pipeline does not have is shown, not guessed."""
    found = deal_of({"pipeline": "partner", "dealstage": "closedwon"})
    assert Contradiction("deals", "77", "dealstage", "no pipeline has the stage 'closedwon'") == found


def test_a_charter_may_count_a_stage_as_won() -> None:
    """A stage the charter lists as won is won whatever the pipeline's flag."""
    reads = INBOUND.crm.reads.deal
    override = reads.model_copy(
        update={"stages": reads.stages.model_copy(update={"won": ("qualifiedtobuy",)})}
    )
    crm = INBOUND.crm.model_copy(update={"reads": INBOUND.crm.reads.model_copy(update={"deal": override})})
    deal = deal_of({"dealstage": "qualifiedtobuy"}, replace(INBOUND, crm=crm))
    assert isinstance(deal, Deal)
    assert deal.state == DealState.WON


def test_a_deal_of_no_account_is_a_contradiction() -> None:
    """A deal linked to no company belongs to nobody and is shown."""
    found = to_deal(record("deals", DEAL), INBOUND)
    assert isinstance(found, Contradiction)
    assert found.field == "companies"


def test_a_deal_of_ours_is_known_by_its_key() -> None:
    """Our key on a deal comes back as ``cs_key``, and empty text is no key."""
    keys = [deal_of({"cs_key": key}).cs_key for key in ("renewal:g1:2", "", None)]  # type: ignore[union-attr]
    assert keys == ["renewal:g1:2", None, None]


def test_a_contract_line_is_typed_whole() -> None:
    """Text of a line item becomes a line of the won deal, in the deal's currency, booked when it closed."""
    assert ContractLine(
        line_id="L-1", account_id="9", product_id="core", quantity=5, kind=LineKind.RECURRING,
        start=date(2024, 7, 1), end=date(2025, 7, 1), arr=Money(120_000, "EUR"), term_months=12,
        auto_renew=True, notice_days=60, booked_on=date(2024, 6, 30), source_id="77", deal_id="77",
    ) == line_of({})  # fmt: skip


def test_an_open_ended_line_without_a_reference_is_known_by_the_crms_id() -> None:
    """An empty end is open-ended; without a reference of its own the CRM's id counts."""
    line = line_of({"contract_end": None, "contract_ref": ""})
    assert isinstance(line, ContractLine)
    assert (line.end, line.line_id) == (None, "77")


def test_a_line_that_ends_the_day_it_starts_is_valid_on_no_day_but_no_contradiction() -> None:
    """Half-open [start, end) may be empty: a contract cancelled on its first day."""
    line = line_of({"contract_end": "2024-07-01"})
    assert isinstance(line, ContractLine)
    assert line.start == line.end == date(2024, 7, 1)


@pytest.mark.parametrize("stage", ["qualifiedtobuy", "closedlost"])
def test_only_won_deals_have_contract_lines(stage: str) -> None:
    """A line under an open or lost deal is a wish, not a contract: no line and no contradiction."""
    deal = deal_of({"dealstage": stage})
    assert isinstance(deal, Deal)
    assert to_line(record("line_items", LINE), deal, INBOUND) is None


@pytest.mark.parametrize(
    ("field", "text", "reason"),
    [
        ("contract_seats", "5.5", "'5.5' is not a whole number"),
        ("contract_seats", "-1", "-1 is less than none"),
        ("contract_arr", "12k", "'12k' is not a number"),
        ("contract_arr", "NaN", "'NaN' is not a number"),
        ("contract_arr", "1e300", "1E+300 is too large for an amount"),
        ("contract_start", "01.07.2024", "'01.07.2024' is not a date"),
        ("contract_start", None, "nothing is written in it"),
        ("contract_start", "2024-07-01T00:00:00", "'2024-07-01T00:00:00' is an instant without a time zone"),
        ("contract_end", "2024-06-30", "it ends on 2024-06-30, before it starts on 2024-07-01"),
        (
            "contract_kind",
            "lease",
            (
                "'lease' is none of recurring, one_time, trial, committed_usage, overage, cs_offer, "
                "service, credit, pass_through"
            ),
        ),
        ("contract_auto_renew", "maybe", "'maybe' is neither true nor false"),
    ],
)
def test_a_line_that_cannot_be_read_says_which_field_and_why(
    field: str, text: str | None, reason: str
) -> None:
    """A wrong value quarantines its line with the CRM's field name and a sentence."""
    assert Contradiction("line_items", "77", field, reason) == line_of({field: text})


def test_a_contract_on_the_deal_itself_is_read_from_the_deal() -> None:
    """Where the charter reads lines from deals, the deal's own record is the line."""
    charter = load_charter(RAVENSTACK, "hubspot")
    inbound = inbound_of(charter, "hubspot", PIPELINES)
    own = record("deals", {**DEAL, **LINE}, Link("companies", "9"))
    deal = to_deal(own, inbound)
    assert isinstance(deal, Deal)
    line = to_line(own, deal, inbound)
    assert isinstance(line, ContractLine)
    assert ("L-1", "9", Money(120_000, "EUR")) == (line.line_id, line.account_id, line.arr)


def test_a_reopened_ticket_is_open_though_it_has_a_closing_time() -> None:
    """A ticket outside the closed stages is open, even where an old closing time remains."""
    tickets = [
        to_ticket(record("tickets", {**TICKET, "hs_pipeline_stage": stage}, Link("companies", "9")), INBOUND)
        for stage in ("4", "1")
    ]
    assert [datetime(2024, 5, 2, 8, tzinfo=UTC), None] == [t.closed_at for t in tickets]  # type: ignore[union-attr]
    assert [t.priority for t in tickets] == ["high", "high"]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("field", "text", "reason"),
    [
        ("support_csat", "6", "6 is not between 1 and 5"),
        ("closed_date", "2024-04-30T08:00:00Z", "the ticket was closed before it was opened"),
    ],
)
def test_an_impossible_ticket_is_quarantined(field: str, text: str, reason: str) -> None:
    """A satisfaction of 6 or a closing before the opening is shown, not used."""
    found = to_ticket(record("tickets", {**TICKET, field: text}, Link("companies", "9")), INBOUND)
    assert Contradiction("tickets", "77", field, reason) == found


def test_a_value_the_map_lacks_is_a_contradiction_unless_there_is_a_default() -> None:
    """RavenStack's charter maps priorities without a default; the default charter has one."""
    odd = record("tickets", {**TICKET, "hs_ticket_priority": "ASAP"}, Link("companies", "9"))
    strict = inbound_of(load_charter(RAVENSTACK, "hubspot"), "hubspot", PIPELINES)
    assert to_ticket(odd, INBOUND).priority == "medium"  # type: ignore[union-attr]
    reason = "the charter's map has no 'ASAP'"
    assert Contradiction("tickets", "77", "hs_ticket_priority", reason) == to_ticket(odd, strict)


def test_queries_ask_for_exactly_what_the_charter_reads() -> None:
    """Line items: the charter's fields and the link to deals, nothing else."""
    queries = {query.object: query for query in read_queries(HUBSPOT, "hubspot")}
    assert {"companies", "deals", "line_items", "tickets"} == set(queries)
    assert (queries["line_items"].link_to, queries["deals"].link_to) == (("deals",), ("companies",))
    assert {
        "contract_ref", "contract_product", "contract_seats", "contract_kind", "contract_start",
        "contract_end", "contract_arr", "hs_line_item_currency_code", "contract_term_months",
        "contract_auto_renew", "contract_notice_days", "contract_co_term_group",
    } == set(queries["line_items"].fields)  # fmt: skip


def test_queries_before_the_first_install_ask_for_nothing_of_ours() -> None:
    """Fields of ours do not exist before install: asking Salesforce for them would be refused."""
    salesforce = load_charter(DEFAULT, "salesforce")
    before = [f for q in read_queries(salesforce, "salesforce", installed=False) for f in q.fields]
    after = [f for q in read_queries(salesforce, "salesforce") for f in q.fields]
    assert not [name for name in before if name.startswith("CS_")]
    assert {"CS_Key__c", "CS_Profile__c"} <= set(after)


def test_a_contract_on_the_deal_needs_no_query_of_its_own() -> None:
    """RavenStack reads deals once, contract fields included."""
    queries = read_queries(load_charter(RAVENSTACK, "hubspot"), "hubspot")
    assert [query.object for query in queries] == ["companies", "deals", "tickets"]
    assert {"dealname", "contract_arr"} <= set(queries[1].fields)


def test_our_own_objects_can_be_read_back() -> None:
    """What we wrote is observed object by object, keys included; the ledger knows their links."""
    queries = {query.object: query for query in own_queries(HUBSPOT, "hubspot")}
    assert set(queries) == {"cs_profile", "cs_plan", "cs_milestone", "cs_snapshot"}
    assert {"cs_key", "cs_status", "cs_done_on"} <= set(queries["cs_milestone"].fields)
    assert {query.link_to for query in queries.values()} == {()}


def test_webhooks_without_named_fields_watch_every_field_read() -> None:
    """``deals: []`` in the charter means all fields read from deals, none that we write."""
    watched = watched_fields(HUBSPOT, "hubspot")
    assert "dealstage" in watched["deals"]
    ours = {name for names in watched.values() for name in names if name.startswith("cs_")}
    assert ours == set(human_names("hubspot"))


def test_webhooks_may_name_the_fields_that_matter() -> None:
    """A charter that names two fields watches those two; objects it leaves out are not watched."""
    crm = HUBSPOT.crm_for("hubspot").model_copy(update={"webhooks": {"deals": ("dealstage", "amount")}})
    charter = HUBSPOT.model_copy(update={"crm": HUBSPOT.crm.model_copy(update={"hubspot": crm})})
    assert watched_fields(charter, "hubspot") == {"deals": ("dealstage", "amount")}


@given(st.integers(-(10**14), 10**14), st.sampled_from(["USD", "JPY", "KWD", "EUR"]))
def test_money_survives_the_way_out_and_back(minor: int, currency: str) -> None:
    """What we write as an amount we read back as the same amount."""
    money = Money(minor, currency)
    assert money == from_major(Decimal(to_major_text(money)), currency)


@given(st.text(), st.sampled_from(sorted(LINE)))
def test_no_text_breaks_the_reading_of_a_line(text: str, field: str) -> None:
    """Whatever a person writes into a field, the line is read or quarantined, never a crash."""
    assert isinstance(line_of({field: text}), ContractLine | Contradiction)


@pytest.mark.parametrize(("text", "times"), [("3", 3), ("true", 1), ("false", 0), (None, None)])
def test_reopened_is_a_count_or_a_yes(text: str | None, times: int | None) -> None:
    """Where the charter binds `reopened`, a count counts, a yes is once and nothing written says nothing."""
    reads = HUBSPOT.crm.hubspot.reads  # type: ignore[union-attr]
    fields = reads.ticket.fields.model_copy(update={"reopened": Binding(field="times_reopened")})  # type: ignore[union-attr]
    ticket = reads.ticket.model_copy(update={"fields": fields})  # type: ignore[union-attr]
    crm = INBOUND.crm.model_copy(update={"reads": reads.model_copy(update={"ticket": ticket})})
    told = record("tickets", {**TICKET, "times_reopened": text}, Link("companies", "9"))
    assert to_ticket(told, replace(INBOUND, crm=crm)).reopened == times  # type: ignore[union-attr]
    wrong = record("tickets", {**TICKET, "times_reopened": "-1"}, Link("companies", "9"))
    expected = Contradiction("tickets", "77", "times_reopened", "-1 is less than none")
    assert to_ticket(wrong, replace(INBOUND, crm=crm)) == expected
