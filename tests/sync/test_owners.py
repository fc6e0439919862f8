"""Owners are read rarely, and no record of ours begins with one who left."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from click.testing import CliRunner

from mappings.freshness import FreshnessEntry
from sync.catch_up import catch_up
from sync.commands import showing
from sync.keep import Pulled
from sync.onboard import apply_charter
from sync.owners import UNREAD, UNSEEDED, read_owners
from sync.state import due, findings, mirror
from sync.state.engine import reading
from sync.state.findings import Finding
from tests.sync.harness import HUBSPOT, SALESFORCE, Deployment, Office
from tests.sync.portfolios import Book

OPEN = Callable[..., Office]
LISTS = Counter(
    {"/crm/owners/2026-09?limit=100&archived=false": 1, "/crm/owners/2026-09?limit=100&archived=true": 1}
)
RENEWED = ("2024-03-01", "2025-03-01", "12000")  # due in 45 days: a renewal is opened at once


def owned() -> Book:
    """Return two customers due for renewal: Ann's, and Bob's."""
    book = Book().owner("ann", "ann@vendor.example").owner("bob", "bob@vendor.example")
    book.account("acorn", "Acorn", owner="ann").account("birch", "Birch", owner="bob")
    return book.sold("acorn", "a1", *RENEWED).sold("birch", "b1", *RENEWED)


def deals(there: Office) -> dict[str, str | None]:
    """Return the owners of the renewals we opened, by name of the account."""
    return {
        one["dealname"].partition(":")[0]: one.get("hubspot_owner_id") or None
        for one in there.written("deals").values()
    }


def archive(there: Office, ref: str) -> str:
    """Have a person leave the portal; return their owner id."""
    owner = there.sandbox.lookup(ref)
    there.sandbox.post("portal", {"archive_owner": owner})
    return owner


def asked(there: Office, mark: int) -> Counter[str]:
    """Return the calls about owners since a mark, by path."""
    return Counter(one["path"] for one in there.sandbox.requests(mark) if one["object"] == "owners")


def told(there: Office, kind: str = UNSEEDED) -> list[Finding]:
    """Return the open findings of a kind."""
    with reading(there.engine) as conn:
        return findings.open_findings(conn, there.id, kind)


def test_owners_are_read_with_the_first_load_and_then_daily(both: Deployment, office: OPEN) -> None:
    """Two calls each time, none by looks, polls or what is caught up with before a day has passed."""
    there = office(both, HUBSPOT, owned()).install()
    archive(there, "owner:bob")
    mark = there.sandbox.mark()
    there.load()
    assert asked(there, mark) == LISTS
    with reading(there.engine) as conn:
        held = mirror.find(
            conn, there.id, "owners", [there.sandbox.lookup(f"owner:{one}") for one in ("ann", "bob")]
        )
        assert mirror.counts(conn, there.id)["owners"] == 1
    assert [(one.values["email"], one.values["archived"], one.deleted) for one in held.values()] == [
        ("ann@vendor.example", "false", False),
        ("bob@vendor.example", "true", True),
    ]
    there.go_live().settle()
    mark = there.sandbox.mark()
    both.later(hours=23)
    there.poll()
    there.look_at_all()
    there.settle()
    catch_up(there.ws, there.owner)
    assert asked(there, mark) == Counter()
    both.later(hours=1)
    catch_up(there.ws, there.owner)
    there.poll()
    assert asked(there, mark) == LISTS


def test_a_charter_says_how_often(lite: Deployment, office: OPEN) -> None:
    """Every six hours instead of every day, from the moment it is applied."""
    there = office(lite, HUBSPOT, owned()).install()
    there.load()
    there.go_live()
    charter = there.ws.charter
    said = {"owners": FreshnessEntry(changes=360)}
    hubspot = charter.crm_for(HUBSPOT).model_copy(update={"freshness": said})
    crm = charter.crm.model_copy(update={"hubspot": hubspot})
    apply_charter(lite.runtime, there.id, charter.model_copy(update={"crm": crm}), author="test")
    with reading(there.engine) as conn:
        schedule = due.schedule(conn, there.id)
    assert schedule["poll owners"] == lite.now + timedelta(hours=6)
    assert "census owners" not in schedule


def test_records_of_ours_are_not_given_to_one_who_left(
    lite: Deployment, office: OPEN, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bob left: his account's renewal and tasks begin without an owner, and one finding names both."""
    there = office(lite, HUBSPOT, owned()).install()
    bob = archive(there, "owner:bob")
    there.load()
    there.go_live().settle()
    assert deals(there) == {"Acorn": there.sandbox.lookup("owner:ann"), "Birch": None}
    (found,) = told(there)
    assert found.subject == there.sandbox.lookup("account:birch")
    assert found.message.startswith(f"Birch belongs to Bob Owner ({bob}), who left: ")
    there.look_at_all()
    there.settle()
    assert [one.times for one in told(there)] == [1]  # what stands there began already
    monkeypatch.setattr(showing, "read_settings", lambda: lite.runtime.settings)
    monkeypatch.setattr(showing, "open_runtime", lambda _settings: lite.runtime)
    said = json.loads(CliRunner().invoke(showing.doctor, ["--json"]).output)
    assert [one["severity"] for one in said if one["matter"] == found.message] == ["note"]


def test_a_finding_closes_once_the_account_has_another_owner(lite: Deployment, office: OPEN) -> None:
    """The deal stays without one: it is people's from its creation on."""
    there = office(lite, HUBSPOT, owned()).install()
    archive(there, "owner:bob")
    there.load()
    there.go_live().settle()
    lite.later(minutes=10)
    ann = there.sandbox.lookup("owner:ann")
    there.sandbox.edit("companies", there.sandbox.lookup("account:birch"), {"hubspot_owner_id": ann})
    lite.later(minutes=1)
    there.poll()
    there.settle()
    assert told(there) == []
    assert deals(there) == {"Acorn": ann, "Birch": None}


def test_one_who_leaves_later_keeps_what_they_have(lite: Deployment, office: OPEN) -> None:
    """An owner is a seed: nothing is rewritten and nothing is told."""
    there = office(lite, HUBSPOT, owned()).install()
    there.load()
    there.go_live().settle()
    before = deals(there)
    archive(there, "owner:bob")
    lite.later(days=1)
    mark = there.sandbox.mark()
    there.poll()
    there.look_at_all()
    there.settle()
    assert (
        deals(there)
        == before
        == {
            "Acorn": there.sandbox.lookup("owner:ann"),
            "Birch": there.sandbox.lookup("owner:bob"),
        }
    )
    assert not [one for one in there.sandbox.requests(mark) if one["object"] == "deals" and one["written"]]
    assert told(there) == []


def forget_owner(there: Office, ref: str) -> str:
    """Have HubSpot's two lists go without an owner once; return who that is."""
    owner = there.sandbox.lookup(ref)
    for archived in ("false", "true"):
        there.sandbox.fault("status", f"archived={archived}", 1, status=200, body={"results": []})
    return owner


def test_an_owner_the_crm_does_not_know_is_given_nothing(lite: Deployment, office: OPEN) -> None:
    """Neither live nor archived when the owners were read: as one who left."""
    there = office(lite, HUBSPOT, owned()).install()
    bob = forget_owner(there, "owner:bob")
    there.load()
    there.go_live().settle()
    assert deals(there) == {"Acorn": None, "Birch": None}
    messages = [one.message.partition(":")[0] for one in told(there)]
    assert f"Birch belongs to owner {bob}, whom the CRM does not know" in messages


def test_one_who_joined_after_the_reading_is_not_called_unknown(lite: Deployment, office: OPEN) -> None:
    """Nina joins and is given an account within the day: its renewal begins with her."""
    book = owned().account("cedar", "Cedar")
    there = office(lite, HUBSPOT, book.sold("cedar", "c1", *RENEWED)).install()
    there.load()
    lite.later(minutes=10)
    joined = {"email": "nina@vendor.example", "first_name": "Nina", "last_name": "New"}
    nina = there.sandbox.post("portal", {"add_owner": joined})["owner"]
    there.sandbox.edit("companies", there.sandbox.lookup("account:cedar"), {"hubspot_owner_id": nina})
    lite.later(minutes=1)
    there.poll()
    there.go_live().settle()
    assert deals(there)["Cedar"] == nina
    assert told(there) == []


def test_without_the_scope_owners_are_taken_as_they_stand(lite: Deployment, office: OPEN) -> None:
    """HubSpot's words become a finding that the next reading closes; nothing else is held up."""
    there = office(lite, HUBSPOT, owned()).install()
    bob = archive(there, "owner:bob")
    scopes = there.sandbox.get("portal")["scopes"]
    there.sandbox.post("portal", {"scopes": [one for one in scopes if one != "crm.objects.owners.read"]})
    assert there.load().read == 6
    there.go_live().settle()
    assert deals(there)["Birch"] == bob
    (found,) = told(there, UNREAD)
    assert "crm.objects.owners.read" in found.message
    mark = there.sandbox.mark()
    there.poll()
    assert asked(there, mark) == Counter()  # not asked again before its time
    there.sandbox.post("portal", {"scopes": scopes})
    assert read_owners(there.ws) == Pulled(2, 2)
    assert told(there, UNREAD) == []


def test_one_who_comes_back_is_an_owner_again(lite: Deployment, office: OPEN) -> None:
    """Gone from the list and listed again with the same time of change: alive again."""
    there = office(lite, HUBSPOT, owned()).install()
    there.load()
    lite.later(days=1)
    forget_owner(there, "owner:bob")
    there.poll()
    with reading(there.engine) as conn:
        assert "owners" not in mirror.counts(conn, there.id)
    lite.later(days=1)
    there.poll()
    with reading(there.engine) as conn:
        assert mirror.counts(conn, there.id)["owners"] == 2


@pytest.mark.parametrize(
    ("ref", "line", "archived"),
    [
        ("acorn", "Owner: Ann Owner (ann@vendor.example).", False),
        ("birch", "Owner: Bob Owner (bob@vendor.example), who left.", True),
    ],
)
def test_explain_names_the_owner(
    lite: Deployment, office: OPEN, monkeypatch: pytest.MonkeyPatch, ref: str, line: str, archived: bool
) -> None:
    """In words and as JSON, whether they are still there too."""
    there = office(lite, HUBSPOT, owned()).install()
    archive(there, "owner:bob")
    there.load()
    there.go_live().settle()
    monkeypatch.setattr(showing, "read_settings", lambda: lite.runtime.settings)
    monkeypatch.setattr(showing, "open_runtime", lambda _settings: lite.runtime)
    account = there.sandbox.lookup(f"account:{ref}")
    said = CliRunner().invoke(showing.explain, [account])
    assert said.exit_code == 0, said.output
    assert said.output.splitlines()[0] == line
    found: Any = json.loads(CliRunner().invoke(showing.explain, [account, "--json"]).output)
    assert found["owner"]["archived"] is archived


def test_an_inactive_user_of_an_org_is_given_nothing(lite: Deployment, office: OPEN) -> None:
    """One call reads the users; Bob's renewal begins with the integration's own user, as the org decides."""
    there = office(lite, SALESFORCE, owned()).install()
    ann, bob = (there.sandbox.lookup(f"owner:{one}") for one in ("ann", "bob"))
    there.sandbox.edit("User", bob, {"IsActive": False})
    mark = there.sandbox.mark()
    there.load()
    assert [one["object"] for one in there.sandbox.requests(mark)].count("User") == 1
    there.go_live().settle()
    assert there.blocked() == []
    ours = {one["AccountId"]: one["OwnerId"] for one in there.written("Opportunity").values()}
    acorn, birch = (there.sandbox.lookup(f"account:{one}") for one in ("acorn", "birch"))
    assert ours[acorn] == ann
    assert ours[birch] not in {ann, bob}
    assert [one.subject for one in told(there)] == [birch]
    with reading(there.engine) as conn:
        assert "poll owners" in due.schedule(conn, there.id)
