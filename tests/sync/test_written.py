"""What a first run writes: every record, its links and its figures, worked out by hand.

As of 15 January 2025. Acorn has two lines of 12,000 and 3,000 that end on 1 March. Birch has
4 seats since 1 December, used by four people daily from 25 December with two features. Cedar
pays EUR 1,000 (1.08 USD each) for 5 seats, three of them in use, and has an escalation open.
Doc bought nothing. Elm's renewal is already handled in a deal of a person.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from sync.state.engine import migrate, open_engine
from tests.sync.harness import HUBSPOT, SALESFORCE, Deployment, Office, Sandbox, daily_use, deployment
from tests.sync.portfolios import five_customers

CHRISTMAS = datetime(2024, 12, 25, 9, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Give a migrated SQLite file for the whole module."""
    opened = open_engine(f"sqlite:///{tmp_path_factory.mktemp('written') / 'state.db'}")
    migrate(opened)
    yield opened
    opened.dispose()


@pytest.fixture(scope="module", params=[HUBSPOT, SALESFORCE])
def office(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    engine: Engine,
    valkey_server: str,
) -> Iterator[Office]:
    """Give an installation right after its first run; the tests of this module only read."""
    folder: Path = tmp_path_factory.mktemp(request.param)
    book = five_customers()
    sandbox = Sandbox(request.param, folder / "sandbox.db").start()
    try:
        sandbox.post("load", {"dir": str(book.write(folder / "book"))})
        with deployment(folder / "home", engine, valkey_server) as deployed:
            yield _first_run(deployed, sandbox)
    finally:
        sandbox.stop()


def _first_run(deployed: Deployment, sandbox: Sandbox) -> Office:
    deployed.sandboxes.append(sandbox)
    deployed.at(deployed.now)
    there = Office(deployed, sandbox).connect().install()
    there.load()
    there.use(daily_use("birch", CHRISTMAS, 21, 4, 2) + daily_use("cedar", CHRISTMAS, 21, 3))
    there.drain()
    there.go_live().settle()
    return there


def cs(office: Office, name: str) -> str:
    """Return our field's name in this CRM."""
    if office.sandbox.vendor == HUBSPOT:
        return f"cs_{name}"
    if name == "name":
        return "Name"
    words = ("ARR" if word == "arr" else word.capitalize() for word in name.split("_"))
    return "_".join(["CS", *words]) + "__c"


def shown(office: Office, record: dict[str, Any], *names: str) -> dict[str, Any]:
    """Return fields of ours, empty as None and numbers as numbers."""
    return {name: _plain(record.get(cs(office, name))) for name in names}


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value or None
    return value


def account_id(office: Office, key: str) -> str:
    """Return the CRM's id of an account."""
    return office.sandbox.lookup(f"account:{key}")


def profile_of(office: Office, key: str) -> dict[str, Any]:
    """Return an account's profile."""
    return office.written(office.own("profile"))[f"profile:{account_id(office, key).lower()}"]


@pytest.mark.parametrize(
    ("key", "arr", "health", "band", "coverage", "stage", "renewal_on"),
    [
        # only breadth (0) and time to renewal are known: 25 % of the weight
        ("acorn", 15000.0, None, "unknown", 25.0, "customer", "2025-03-01"),
        # (100*30 seats + 50*15 breadth + 100*15 tickets + 100*10 renewal) / 70 = 89.29, shown cut
        ("birch", 2400.0, 89.2, "green", 70.0, "adopting", "2025-12-01"),
        # (80*30 + 25*15 + 90*15 + 85.67*10) / 70 = 71.17, held at 60 by the escalation
        ("cedar", 1080.0, 60.0, "yellow", 70.0, "customer", "2025-06-01"),
        ("doc", 0.0, None, "unknown", 0.0, "prospect", None),
    ],
)
def test_profiles_carry_the_figures_of_their_account(
    office: Office,
    key: str,
    arr: float,
    health: float | None,
    band: str,
    coverage: float,
    stage: str,
    renewal_on: str | None,
) -> None:
    """ARR, health, band, coverage, stage and the next renewal are those worked out by hand."""
    found = shown(
        office, profile_of(office, key), "arr", "health", "band", "coverage", "stage", "renewal_on", "name"
    )
    expected = {"arr": arr, "health": health, "band": band, "coverage": coverage, "stage": stage}
    assert found == {**expected, "renewal_on": renewal_on, "name": key.title()}


def test_risks_name_the_escalation(office: Office) -> None:
    """Cedar's profile says why its score is held down, Birch's names no risk."""
    assert shown(office, profile_of(office, "cedar"), "risks") == {"risks": "An escalation is open."}
    assert shown(office, profile_of(office, "birch"), "risks") == {"risks": None}


def test_every_profile_hangs_under_its_account(office: Office) -> None:
    """Five accounts, five profiles, each linked to its own account and to no other."""
    profiles = office.written(office.own("profile"))
    keys = ["acorn", "birch", "cedar", "doc", "elm"]
    assert {key: parents(office, one) for key, one in profiles.items()} == {
        f"profile:{account_id(office, key).lower()}": {account_id(office, key)} for key in keys
    }


def parents(office: Office, record: dict[str, Any], name: str = "account") -> set[str]:
    """Return the ids a record of ours hangs under."""
    if office.sandbox.vendor == SALESFORCE:
        return {record["AccountId" if "AccountId" in record else cs(office, name)]}
    other = "companies" if name == "account" else office.own(name)
    ends = record["_record"]["associations"].get(other, {"results": []})["results"]
    return {str(end["id"]) for end in ends}


def test_a_new_customer_has_a_plan_with_its_milestones(office: Office) -> None:
    """Birch began on 1 December: three of four milestones were reached, the plan says so."""
    plans = office.written(office.own("plan"))
    key = f"plan:{account_id(office, 'birch').lower()}:onboarding:1"
    assert list(plans) == [key]
    names = ("starts_on", "target_on", "status", "milestones_total", "milestones_done", "milestones_late")
    assert shown(office, plans[key], *names) == {
        "starts_on": "2024-12-01",
        "target_on": "2025-03-31",  # 120 days later
        "status": "active",
        "milestones_total": 4.0,
        "milestones_done": 3.0,
        "milestones_late": 0.0,
    }
    assert parents(office, plans[key]) == {account_id(office, "birch")}


def test_milestones_tell_when_they_were_reached(office: Office) -> None:
    """First use and half the seats on 25 December, the eighth day on 1 January, breadth not yet."""
    found = office.written(office.own("milestone"))
    assert {
        key.rpartition(":")[2]: shown(office, one, "due_on", "status", "done_on")
        for key, one in found.items()
    } == {
        "first_use": {"due_on": "2024-12-15", "status": "done", "done_on": "2024-12-25"},
        "regular_use": {"due_on": "2025-01-15", "status": "done", "done_on": "2025-01-01"},
        "breadth": {"due_on": "2025-02-14", "status": "open", "done_on": None},
        "half_the_seats": {"due_on": "2025-03-31", "status": "done", "done_on": "2024-12-25"},
    }


def test_milestones_hang_under_their_plan_and_account(office: Office) -> None:
    """Each milestone is linked to Birch and to its plan."""
    (plan,) = office.written(office.own("plan")).values()
    plan_id = str(plan["_record"]["id" if office.sandbox.vendor == HUBSPOT else "Id"])
    for one in office.written(office.own("milestone")).values():
        assert parents(office, one) == {account_id(office, "birch")}
        assert parents(office, one, "plan") == {plan_id}


def native(office: Office, record: dict[str, Any]) -> dict[str, Any]:
    """Return the deal's own fields under one name in both CRMs."""
    names = (
        ("dealname", "amount", "closedate", "dealstage", "deal_currency_code", "deal_kind")
        if office.sandbox.vendor == HUBSPOT
        else ("Name", "Amount", "CloseDate", "StageName", "CurrencyIsoCode", "Deal_Kind__c")
    )
    name, amount, close, stage, currency, kind = (record[one] for one in names)
    return {
        "name": name,
        "amount": float(amount),
        "close": close[:10],
        "stage": stage,
        "currency": currency,
        "kind": kind,
    }


def test_a_renewal_is_opened_as_a_deal_with_its_amount_and_due_day(office: Office) -> None:
    """Acorn's two lines end together in 45 days: one deal over 15,000; Elm's is left to the person."""
    deals = office.written("deals" if office.sandbox.vendor == HUBSPOT else "Opportunity")
    assert sorted(key for key in deals if key.startswith("renewal:")) == ["renewal:l-a1:1"]
    renewal = deals["renewal:l-a1:1"]
    assert native(office, renewal) == {
        "name": "Acorn: renewal 2025-03-01",
        "amount": 15000.0,
        "close": "2025-03-01",
        "stage": "qualifiedtobuy" if office.sandbox.vendor == HUBSPOT else "Qualification",
        "currency": "USD",
        "kind": "renewal",
    }
    names = ("due_on", "opened_on", "kind", "term_number")
    assert shown(office, renewal, *names) == {
        "due_on": "2025-03-01",
        "opened_on": "2025-01-15",
        "kind": "renewal",
        "term_number": 1.0,
    }
    assert parents(office, renewal) == {account_id(office, "acorn")}


def test_seats_nearly_full_are_proposed_as_an_expansion(office: Office) -> None:
    """Birch used all 4 seats: a fifth of them, rounded up to 1, at 600 a year, closing in 30 days."""
    deals = office.written("deals" if office.sandbox.vendor == HUBSPOT else "Opportunity")
    key = f"expansion:{account_id(office, 'birch').lower()}:core:1"
    assert [one for one in deals if one.startswith("expansion:")] == [key]
    found = native(office, deals[key])
    assert (found["amount"], found["close"], found["kind"]) == (600.0, "2025-02-14", "expansion")
    assert parents(office, deals[key]) == {account_id(office, "birch")}


def test_accounts_show_their_health_where_people_work(office: Office) -> None:
    """In HubSpot the company carries the figures, in Salesforce it points to its profile."""
    cedar = account_id(office, "cedar")
    if office.sandbox.vendor == SALESFORCE:
        (row,) = [one for one in office.sandbox.records("Account") if one["Id"] == cedar]
        assert row["CS_Profile__c"] == profile_of(office, "cedar")["_record"]["Id"]
        return
    (row,) = [one for one in office.sandbox.records("companies") if one["id"] == cedar]
    fields = shown(office, row["properties"], "health", "band", "stage", "arr", "renewal_on")
    assert fields == {
        "health": 60.0,
        "band": "yellow",
        "stage": "customer",
        "arr": 1080.0,
        "renewal_on": "2025-06-01",
    }


def test_looking_and_pushing_again_makes_no_call(office: Office) -> None:
    """Everybody is looked at a second time; nothing differs, so the CRM is not spoken to at all."""
    mark = office.sandbox.mark()
    office.look_at_all()
    looked = office.look()
    done = office.push()
    assert [(one.accounts, one.wanted, one.failed) for one in looked] == [(5, 0, 0)]
    assert (done.written, done.standing, done.blocked, done.put_off) == (0, 0, 0, 0)
    assert office.sandbox.requests(mark) == []
