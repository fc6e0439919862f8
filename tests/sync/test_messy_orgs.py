"""Orgs lived in for years: record types, required fields, flows, person accounts, hidden fields.

What the charter and the org's own description do not settle is a question before anything is written.
What the org refuses or rewrites later is shown in its words, and nobody is fought.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from integration.port import Refused
from mappings.load import load_charter
from sync.catch_up import catch_up
from sync.commands.diagnosis import Severity, of_org, of_reading
from sync.mended import retry_blocked
from sync.onboard import apply_charter, plan_install
from sync.state import mirror, usage_store
from sync.state.engine import reading
from sync.state.ledger import WriteState
from tests.sync.harness import SALESFORCE, Deployment, Office, daily_use
from tests.sync.portfolios import three_customers
from tests.sync.test_install import charter_with, reasons_not_to_apply

OPEN = Callable[..., Office]
RENEWAL = "renewal:l-a1:1"
OPENINGS = """      renewal:
        stage: Qualification
        values: {Type: Existing Customer - Renewal, Deal_Kind__c: renewal}
      expansion:
        stage: Qualification
        values: {Type: Existing Customer - Upgrade, Deal_Kind__c: expansion}
"""
STAGES = [
    {"label": "Erstkontakt", "probability": 10},
    {"label": "Angebot", "probability": 50},
    {"label": "Alt", "probability": 60, "active": False},
    {"label": "Gewonnen", "won": True},
    {"label": "Verloren", "closed": True},
]
RECORD_TYPES = [
    {"developer_name": "Neu", "name": "Neugeschäft", "default": True,
     "picks": {"StageName": ["Erstkontakt", "Gewonnen", "Verloren"]}},
    {"developer_name": "Bestand", "name": "Bestandskunden",
     "picks": {"StageName": ["Angebot", "Gewonnen", "Verloren"]}},
    {"developer_name": "Fremd", "available": False},
]  # fmt: skip


def openings(renewal: str, expansion: str | None = None) -> str:
    """Return the lines that say how deals of ours begin, each as a YAML mapping."""
    return f"      renewal: {renewal}\n      expansion: {expansion or renewal}\n"


def use_charter(there: Office, folder: Path, old: str, new: str) -> None:
    """Bring the default charter with one thing changed into force."""
    charter = load_charter(charter_with(folder, old, new), SALESFORCE)
    apply_charter(there.deployment.runtime, there.id, charter, author="test")


def go(there: Office) -> Office:
    """Install, load and run once."""
    there.install().load()
    there.go_live().settle()
    return there


def renewal(there: Office) -> dict[str, Any]:
    """Return Acorn's renewal as it stands in the org."""
    return there.written("Opportunity")[RENEWAL]


def calls(there: Office, mark: int) -> list[tuple[str, bool]]:
    """Return the calls about opportunities since a mark: what they are about, and whether they wrote."""
    found = there.sandbox.requests(mark)
    return [(one["object"], bool(one["written"])) for one in found if one["object"] == "Opportunity"]


def rename_stages(there: Office) -> list[str]:
    """Give the org stages and record types of its own, with every won deal moved; return the types' ids."""
    there.sandbox.post("org", {"stages": STAGES})
    body = {"object": "Opportunity", "types": RECORD_TYPES}
    ids: list[str] = there.sandbox.post("record_types", body)["ids"]
    for deal in there.sandbox.records("Opportunity"):
        there.sandbox.edit("Opportunity", deal["Id"], {"StageName": "Gewonnen", "RecordTypeId": ids[0]})
    return ids


def test_record_types_without_the_default_stages_are_one_question(lite: Deployment, office: OPEN) -> None:
    """Each record type our user may give is listed by developer name with its open, active stages."""
    there = office(lite, SALESFORCE, three_customers())
    rename_stages(there)
    (question,) = reasons_not_to_apply(there)
    assert "stage 'Qualification', which is no open stage of exactly one record type" in question
    assert "record type 'Neu' (Neugeschäft): 'Erstkontakt' (Erstkontakt)" in question
    assert "record type 'Bestand' (Bestandskunden): 'Angebot' (Angebot)" in question
    assert "`record_type` where there are several" in question
    assert not any(word in question for word in ("Gewonnen", "Alt", "Fremd"))


def test_renewals_open_in_the_record_type_the_charter_names(
    lite: Deployment, office: OPEN, tmp_path: Path
) -> None:
    """They carry its id and its first open stage; contracts are won by the org's flag, not by name."""
    there = office(lite, SALESFORCE, three_customers())
    ids = rename_stages(there)
    use_charter(
        there, tmp_path, OPENINGS, openings("{record_type: Bestand, values: {Deal_Kind__c: renewal}}")
    )
    go(there)
    found = renewal(there)
    assert (found["RecordTypeId"], found["StageName"]) == (ids[1], "Angebot")
    assert there.blocked() == []


HIDDEN = {"Account.Industry": "hidden", "Opportunity.Amount": "read_only"}
UNTAKEN = "{CurrencyIsoCode: DKK, Region__c: North, Pricebook2Id: 01s000000000001AAB}"
RENEWAL_VALUES = "`crm.salesforce.writes.renewal.values`"
GRANTED = "in a permission set of the org's own that the integration user has (an install replaces ours)"
ASKED = {
    "Account.Industry": "Account.Industry, which the charter reads, is not there: correct the charter, or "
    f"where it is only hidden let the user read Account.Industry {GRANTED}",
    "Opportunity.Amount": "Opportunity.Amount is read-only to the connected user: let it edit the field "
    f"{GRANTED}",
    "Opportunity.CurrencyIsoCode": "Opportunity.CurrencyIsoCode takes no 'DKK'; it takes 'USD', 'EUR', "
    f"'GBP', 'CAD', 'AUD', 'JPY', 'CHF', 'SEK': correct it in {RENEWAL_VALUES}",
    "Opportunity.NextStep": "Opportunity.NextStep (Next Step) is required of every record, and the charter "
    f"gives renewals and expansions no value: add it to {RENEWAL_VALUES} and "
    "`crm.salesforce.writes.expansion.values`",
    "Opportunity.Pricebook2Id": "Opportunity.Pricebook2Id: '01s000000000001AAB' is no record id: its last "
    f"three characters do not fit the others: correct it in {RENEWAL_VALUES}",
    "Opportunity.Region__c": "Opportunity.Region__c, which the charter writes, is not there or hidden from "
    f"the connected user: correct it in {RENEWAL_VALUES}",
}


def test_what_an_org_will_not_have_is_asked_before_anything_is_written(
    lite: Deployment, office: OPEN, tmp_path: Path
) -> None:
    """A required field, a hidden and a read-only one, three values not taken: each with its remedy."""
    there = office(lite, SALESFORCE, three_customers())
    there.sandbox.post("org", {"required": ["Opportunity.NextStep"]})
    there.sandbox.post("field_access", {"fields": HIDDEN})
    begun = f"{{stage: Qualification, values: {UNTAKEN}}}"
    use_charter(there, tmp_path, OPENINGS, openings(begun, "{stage: Qualification}"))
    assert sorted(reasons_not_to_apply(there)) == sorted(ASKED.values())


def test_a_required_field_is_filled_by_the_charter(lite: Deployment, office: OPEN, tmp_path: Path) -> None:
    """Required since the install, it blocks renewals by its name; once under ``values`` they are made."""
    there = office(lite, SALESFORCE, three_customers()).install()
    there.load()
    there.sandbox.post("org", {"required": ["Opportunity.NextStep"]})
    there.go_live().settle()
    (row,) = there.blocked()
    assert (row.key, row.error_code) == (RENEWAL, "REQUIRED_FIELD_MISSING")
    assert "NextStep" in str(row.error_message)
    (question,) = plan_install(there.ws).questions
    assert question.startswith("Opportunity.NextStep (Next Step) is required of every record")

    value = "{stage: Qualification, values: {Deal_Kind__c: renewal, NextStep: Ask}}"
    use_charter(there, tmp_path, OPENINGS, openings(value))
    assert plan_install(there.ws).questions == ()
    there.settle()
    assert (renewal(there)["NextStep"], there.blocked()) == ("Ask", [])


def test_an_org_of_one_currency_needs_no_currency(lite: Deployment, office: OPEN, tmp_path: Path) -> None:
    """The field is asked about with the remedy; without it contracts count in the reporting currency."""
    there = office(lite, SALESFORCE, three_customers())
    there.sandbox.post("org", {"multi_currency": False})
    questions = reasons_not_to_apply(there)
    assert [one.partition(",")[0] for one in questions] == [
        "Opportunity.CurrencyIsoCode",
        "OpportunityLineItem.CurrencyIsoCode",
    ]
    assert all("the org has one currency, so leave `currency` out" in one for one in questions)
    with_comment = "          currency: CurrencyIsoCode  # leave out where the org has one currency\n"
    text = charter_with(tmp_path, with_comment, "").read_text("utf-8")
    plain = tmp_path / "plain.yaml"
    plain.write_text(text.replace("          currency: CurrencyIsoCode\n", ""), "utf-8")
    apply_charter(lite.runtime, there.id, load_charter(plain, SALESFORCE), author="test")
    assert renewal(go(there))["Amount"] == 15000.0  # 12,000 and 3,000 come due on one day


def round_later(there: Office, **span: float) -> list[tuple[str, bool]]:
    """Let time pass, read, look at everybody and write; return the calls that pushing took."""
    there.deployment.later(**span)
    there.poll()
    there.look_at_all()
    there.look()
    mark = there.sandbox.mark()
    there.push()
    return calls(there, mark)


ASK, WRITE = ("Opportunity", False), ("Opportunity", True)


JANUARY = (date(2025, 1, 1), date(2025, 2, 1))


def test_person_accounts_are_accounts_and_never_renamed(lite: Deployment, office: OPEN) -> None:
    """A person has a profile under the composed name, and usage by the short id of 15 characters counts."""
    there = office(lite, SALESFORCE, three_customers())
    types = there.sandbox.post("org", {"person_accounts": True})["record_types"]
    values = {"RecordTypeId": types[1], "FirstName": "Ada", "LastName": "Lund"}
    ada = there.sandbox.edit("Account", None, values)
    there.install().load()
    there.use(daily_use(ada[:15], lite.now.replace(hour=8), 1, 2))
    there.go_live().settle()
    profiles = there.written("CS_Profile__c")
    assert profiles[f"profile:{ada.lower()}"]["Name"] == "Ada Lund"
    assert there.blocked() == []
    with reading(there.engine) as conn:
        mine = usage_store.usage(conn, there.id, [ada, ada[:15]], JANUARY, None)
    assert {one.account_ref for one in mine} == {ada}


@dataclass(frozen=True)
class Refusal:
    """What an org does to our renewal once we are installed, its words, and how it is mended."""

    code: str
    words: str
    path: str
    shape: dict[str, Any]
    mended: dict[str, Any]

    def __str__(self) -> str:
        """Return the test's name."""
        return self.code


ONLY_RENEWALS = {"Deal_Kind__c": "renewal"}
RULE = {"object": "Opportunity", "when": ONLY_RENEWALS, "field_required": "NextStep"}
FLOW = {"object": "Opportunity", "when": "before_save", "if": ONLY_RENEWALS, "fail": "No region", "name": "R"}
REFUSALS = [
    Refusal(
        "FIELD_CUSTOM_VALIDATION_EXCEPTION",
        "Say who decides",
        "validation_rules",
        {"rules": [{**RULE, "message": "Say who decides"}]},
        {"rules": []},
    ),
    Refusal(
        "CANNOT_EXECUTE_FLOW_TRIGGER",
        "the “R” process failed. Give your Salesforce admin these details. No region",
        "flows",
        {"flows": [FLOW]},
        {"flows": []},
    ),
    Refusal(
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        "Unable to create/update fields: Amount. Please check the security settings of this field",
        "field_access",
        {"fields": {"Opportunity.Amount": "read_only"}},
        {"fields": {}},
    ),
]


@pytest.mark.parametrize("refusal", REFUSALS, ids=str)
def test_what_the_org_refuses_is_shown_in_its_words_and_waits_for_an_admin(
    lite: Deployment, office: OPEN, refusal: Refusal
) -> None:
    """One refused call and no other for days; once an admin says it is mended, one that works."""
    there = office(lite, SALESFORCE, three_customers()).install()
    there.load()
    there.sandbox.post(refusal.path, refusal.shape)
    mark = there.sandbox.mark()
    there.go_live().settle()
    (row,) = there.blocked()
    assert (row.key, row.error_code) == (RENEWAL, refusal.code)
    assert refusal.words in str(row.error_message)
    assert calls(there, mark) == [ASK]
    assert [round_later(there, days=1) for _ in range(2)] == [[], []]
    there.sandbox.post(refusal.path, refusal.mended)
    assert retry_blocked(there.ws, "Account") == 0
    assert retry_blocked(there.ws, "Opportunity") == 1
    there.push()
    assert (renewal(there)["CS_Key__c"], there.blocked()) == (RENEWAL, [])


def test_a_renewal_that_people_moved_to_another_account_stays_there(lite: Deployment, office: OPEN) -> None:
    """What we keep true in it is written on; the account it hangs under is theirs."""
    there = go(office(lite, SALESFORCE, three_customers()))
    holding = there.sandbox.edit("Account", None, {"Name": "Acorn Holding"})
    there.sandbox.edit("Opportunity", renewal(there)["_record"]["Id"], {"AccountId": holding})
    there.sandbox.edit("OpportunityLineItem", there.sandbox.lookup("line:l-a1"), {"Contract_ARR__c": 20000})
    assert round_later(there, minutes=10) == [WRITE]
    assert "23,000.00" in renewal(there)["CS_Reason__c"]
    assert renewal(there)["AccountId"] == holding


def test_an_owner_who_left_is_shown_in_the_orgs_words(lite: Deployment, office: OPEN) -> None:
    """A renewal for an inactive owner is refused once and waits; once the owners are read it has none."""
    book = three_customers().owner("mia", "mia@customer.example")
    book.accounts = [*book.accounts[1:]]
    book.account("acorn", "Acorn", owner="mia")
    there = office(lite, SALESFORCE, book).install()
    there.load()
    there.sandbox.edit("User", there.sandbox.lookup("owner:mia"), {"IsActive": False})
    there.go_live().settle()
    (row,) = there.blocked()
    assert (row.key, row.error_code) == (RENEWAL, "INACTIVE_OWNER_OR_USER")
    assert "operation performed with inactive user" in str(row.error_message)
    assert round_later(there, hours=1) == []
    assert round_later(there, days=1) == [WRITE]
    assert there.blocked() == []
    assert renewal(there)["OwnerId"] != there.sandbox.lookup("owner:mia")


def test_a_record_under_approval_is_written_once_it_is_released(lite: Deployment, office: OPEN) -> None:
    """A locked renewal takes no update and no second try; other rows go on."""
    there = go(office(lite, SALESFORCE, three_customers()))
    locked = renewal(there)["_record"]["Id"]
    there.sandbox.post("org", {"approval_locks": [locked]})
    there.sandbox.edit("OpportunityLineItem", there.sandbox.lookup("line:l-a1"), {"Contract_ARR__c": 20000})
    assert round_later(there, minutes=10) == [ASK]
    (row,) = there.blocked()
    assert (row.key, row.error_code) == (RENEWAL, "ENTITY_IS_LOCKED")
    assert "currently locked" in str(row.error_message)
    assert round_later(there, minutes=10) == []
    there.sandbox.post("org", {"approval_locks": []})
    assert retry_blocked(there.ws) == 1
    there.push()
    assert "23,000.00" in renewal(there)["CS_Reason__c"]


def test_a_record_that_stays_locked_is_shown_after_a_day(
    lite: Deployment, office: OPEN, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tried 24 times, ever more rarely, then no more until an admin says so."""
    monkeypatch.setattr("integration.salesforce.write.LOCK_TRIES", 0)
    there = go(office(lite, SALESFORCE, three_customers()))
    there.sandbox.post("locks", {"records": [renewal(there)["_record"]["Id"]]})
    there.sandbox.edit("OpportunityLineItem", there.sandbox.lookup("line:l-a1"), {"Contract_ARR__c": 20000})
    assert round_later(there, minutes=10) == [ASK]
    for tries in range(2, 25):
        assert there.blocked() == [], tries
        there.deployment.later(hours=1)
        there.push()
    (row,) = there.blocked()
    assert (row.key, row.error_code) == (RENEWAL, "UNABLE_TO_LOCK_ROW")
    there.sandbox.delete("locks")
    there.deployment.later(hours=1)
    assert there.push().written == 0
    assert retry_blocked(there.ws) == 1
    there.push()
    assert "23,000.00" in renewal(there)["CS_Reason__c"]


def test_a_field_hidden_in_the_night_stops_its_object_alone(lite: Deployment, office: OPEN) -> None:
    """One call is refused with the field's name, other objects are read, the doctor says what to do."""
    there = go(office(lite, SALESFORCE, three_customers()))
    there.sandbox.post("field_access", {"fields": {"Account.Industry": "hidden"}})
    line = there.sandbox.lookup("line:l-a1")
    there.sandbox.edit("OpportunityLineItem", line, {"Contract_ARR__c": 20000})
    lite.later(minutes=10)
    mark = there.sandbox.mark()
    with pytest.raises(Refused, match="Industry"):
        there.poll()
    assert [one["status"] for one in there.sandbox.requests(mark)].count(400) == 1
    with reading(there.engine) as conn:
        held = mirror.find(conn, there.id, "OpportunityLineItem", [line])[line]
    assert held.values["Contract_ARR__c"] == "20000"

    lite.later(days=1)
    catch_up(there.ws, "test")
    (failing,) = of_reading(there.ws)
    assert failing.matter.startswith("poll Account: INVALID_FIELD: ")
    assert "Industry" in failing.matter
    (told,) = of_org(there.ws)
    assert told.matter.startswith("Account.Industry, which the charter reads, is not there")
    assert told.severity is Severity.WRONG
    assert there.states()["Opportunity", WriteState.ACKNOWLEDGED] == 1
