"""What people write in the CRM reaches the rules: as known when, until when, and never fought for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from integration.parts import Part, PartKind
from success.human_inputs import HumanInputs, OverrideKind
from sync.catch_up import catch_up
from sync.facts import Moment, assemble
from sync.onboard import plan_install
from sync.scheduler import turn
from sync.state import dirty, findings
from sync.state.dirty import Scope
from sync.state.engine import reading
from sync.state.ledger import WriteState
from sync.uninstall import apply_uninstall, plan_uninstall
from tests.sync.harness import HUBSPOT, SALESFORCE, START, Deployment, Office
from tests.sync.portfolios import three_customers

OPEN = Callable[..., Office]
VENDORS = pytest.mark.parametrize("vendor", [HUBSPOT, SALESFORCE])
ADA = "ada@customer.example"
CAP = {"override_kind": "cap", "override_points": 40, "override_reason": "the sponsor left"}
PLACE = {HUBSPOT: "companies", SALESFORCE: "CS_Profile__c"}


def live(deployed: Deployment, office: OPEN, vendor: str, *options: str) -> Office:
    """Return an installation after its first run, in a CRM where Ada works and owns Acorn."""
    book = three_customers().owner("ada", ADA)
    book.accounts[0] = replace(book.accounts[0], owner_key="ada")
    there = office(deployed, vendor, book, *options).install()
    there.load()
    there.go_live().settle()
    caught_up(there)  # what we wrote is read once
    return there


def named(there: Office, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values of people's fields by the CRM's names."""
    if there.sandbox.vendor == HUBSPOT:
        return {f"cs_{name}": None if one is None else str(one) for name, one in values.items()}
    return {f"CS_{name.title()}__c": one for name, one in values.items()}


def acorn(there: Office) -> str:
    """Return the CRM's id of the account."""
    return there.sandbox.lookup("account:acorn")


def filled_in(there: Office) -> str:
    """Return the id of the record of Acorn's that people fill in: the company, or the profile."""
    if there.sandbox.vendor == HUBSPOT:
        return acorn(there)
    (found,) = (one for one in there.sandbox.records("CS_Profile__c") if one["CS_Account__c"] == acorn(there))
    return str(found["Id"])


def caught_up(there: Office) -> None:
    """Let an hour pass and do what is due, our own objects with it."""
    there.deployment.later(hours=1)
    catch_up(there.ws, there.owner)
    there.settle()


def writes(there: Office, values: Mapping[str, Any], user: str = ADA) -> None:
    """Have a person fill in Acorn's fields; nobody has told us yet."""
    given = named(there, values)
    there.sandbox.edit(PLACE[there.sandbox.vendor], filled_in(there), given, user=user)


def said(there: Office, known_at: datetime | None = None) -> HumanInputs:
    """Return what is known of what people said of Acorn."""
    with reading(there.engine) as conn:
        moment = Moment(there.ws.day_of(there.deployment.now), known_at)
        return assemble(conn, there.ws, [acorn(there)], moment).facts[acorn(there)].human


def told(there: Office) -> list[str]:
    """Return what is shown as contradicting, by field."""
    with reading(there.engine) as conn:
        held = findings.open_findings(conn, there.id, "contradiction")
    return sorted(f"{one.subject.rpartition('/')[2]}: {one.message}" for one in held)


@VENDORS
def test_an_override_in_the_crm_is_among_the_facts_from_then_on(
    both: Deployment, office: OPEN, vendor: str
) -> None:
    """Written on Tuesday by Ada: not known on Monday, known from Tuesday on, gone once it is cleared."""
    there = live(both, office, vendor)
    assert said(there) == HumanInputs()
    both.at(START + timedelta(days=6))  # Tuesday, 21 January 2025
    monday = both.now - timedelta(days=1)
    writes(there, {**CAP, "override_ends_on": "2025-02-20", "pulse": 2})
    both.later(minutes=1)
    catch_up(there.ws, there.owner)
    assert there.waiting_accounts() == 1
    there.settle()
    found = said(there)
    assert found.override is not None
    assert found.pulse is not None
    tuesday = date(2025, 1, 21)
    assert (found.override.kind, found.override.points) == (OverrideKind.CAP, 40_000)
    assert (found.override.made_on, found.override.until) == (tuesday, date(2025, 2, 20))
    assert (found.override.reason, found.pulse.rating, found.pulse.on) == ("the sponsor left", 2, tuesday)
    assert found.override.author == found.pulse.author == "Ada Owner"
    assert said(there, monday) == HumanInputs()

    both.later(days=1)
    writes(there, dict.fromkeys([*CAP, "override_ends_on"]))
    caught_up(there)
    assert said(there).override is None
    assert said(there).pulse == found.pulse
    assert said(there, both.now - timedelta(hours=2)) == found
    assert told(there) == []


@VENDORS
def test_what_people_wrote_is_left_alone_and_ends_by_itself(
    lite: Deployment, office: OPEN, vendor: str
) -> None:
    """No push of some days touches it; the day it ends nobody tells, and its account is looked at."""
    there = live(lite, office, vendor)
    given = {
        **CAP,
        "override_ends_on": "2025-01-18",
        "segment_pin": "smb",
        "segment_pin_ends_on": "2025-03-01",
    }
    writes(there, given)
    caught_up(there)
    override = said(there).override
    assert override is not None
    assert (override.made_on, override.until) == (date(2025, 1, 15), date(2025, 1, 18))
    for day in (16, 17, 18):
        lite.at(datetime(2025, 1, day, 0, 1, tzinfo=UTC))
        turn(lite.runtime)
        assert day < date(2025, 1, 18).day or acorn(there) in waiting(there)
        there.settle()
        caught_up(there)
    caught_up(there)
    mark = there.sandbox.mark()
    there.look_at_all()
    there.settle()
    assert there.sandbox.requests(mark) == []
    assert (there.waiting_accounts(), there.blocked()) == (0, [])
    assert {state for _, state in there.states()} == {WriteState.ACKNOWLEDGED}
    record = held(there)
    assert {name: record[name] for name in named(there, given)} == named(there, given)


def waiting(there: Office) -> set[str]:
    """Return the accounts that wait for a look."""
    with reading(there.engine) as conn:
        return set(
            conn.execute(select(dirty.dirty.c.id).where(dirty.dirty.c.scope == Scope.ACCOUNT)).scalars()
        )


def held(there: Office) -> dict[str, Any]:
    """Return what stands on the record people fill in."""
    place, wanted = PLACE[there.sandbox.vendor], filled_in(there)
    found = [one.get("properties", one) | one for one in there.sandbox.records(place)]
    return next(one for one in found if wanted in (one.get("id"), one.get("Id")))


def test_what_cannot_be_taken_is_told_until_it_is_mended(lite: Deployment, office: OPEN) -> None:
    """HubSpot pushes each change: a stage nobody knows is shown in people's words until it is corrected."""
    there = live(lite, office, HUBSPOT)

    def changes(values: Mapping[str, str]) -> list[str]:
        writes(there, values)
        for name in named(there, values):
            there.tell("company.propertyChange", acorn(there), propertyName=name)
        mark = there.sandbox.mark()
        there.drain()
        paths = [one["path"].partition("/2026-09/")[2] for one in there.sandbox.requests(mark)]
        assert there.waiting_accounts() == 1
        there.settle()
        lite.later(minutes=1)
        return paths

    assert changes({"stage_pin": "thriving", "stage_pin_ends_on": "2025-02-01"}) == ["companies/batch/read"]
    (words,) = told(there)
    assert words.startswith("cs_stage_pin: there is no stage 'thriving', only adopting, ")
    pinned = "The stage is pinned to 'thriving', which the charter does not have; it has no effect."
    profiles = there.written(there.own("profile")).values()
    assert [one["cs_name"] for one in profiles if pinned in (one.get("cs_risks") or "")] == ["Acorn"]
    changes({"stage_pin": "adopting"})
    pin = said(there).stage_pin
    assert pin is not None
    assert (pin.key, told(there)) == ("adopting", [])


def test_a_portal_without_custom_objects_gets_and_loses_the_fields(lite: Deployment, office: OPEN) -> None:
    """Planned, made, right the next time, read, and taken back with all that is ours."""
    there = office(lite, HUBSPOT, three_customers(), "--tier", "starter")
    pulse = Part(PartKind.FIELD, "companies", "cs_pulse")
    assert pulse in [one.part for one in plan_install(there.ws).parts]
    there.install()
    assert plan_install(there.ws).is_empty
    there.load()
    there.go_live().settle()
    writes(there, {"pulse": 3})
    lite.later(minutes=16)
    catch_up(there.ws, there.owner)
    found = said(there).pulse
    assert found is not None
    assert found.rating == 3
    apply_uninstall(there.ws, plan_uninstall(there.ws))
    names = [one.name for one in there.ws.port.describe(["companies"]).objects["companies"].fields]
    assert not [name for name in names if name.startswith("cs_")]


def test_what_stood_before_we_read_is_known_of_the_past(lite: Deployment, office: OPEN) -> None:
    """Written at noon and read in the evening: a backtest of the afternoon has it, with its day."""
    there = office(lite, HUBSPOT, three_customers()).install()
    there.sandbox.edit("companies", acorn(there), {"cs_pulse": "3"})
    afternoon = lite.now + timedelta(hours=1)
    lite.later(hours=3)
    there.load()
    with reading(there.engine) as conn:
        moment = Moment(afternoon.date(), afternoon, read_against="source")
        found = assemble(conn, there.ws, None, moment).facts[acorn(there)].human.pulse
    assert found is not None
    assert (found.rating, found.on) == (3, START.date())
