"""The adapter against the HubSpot sandbox over HTTP: what it costs and what it survives.

Call counts are read from the sandbox's own log, not from our counter, and must agree.
"""

import json
import time
from datetime import datetime

import pytest

from integration.budget import Lane, LocalBudget
from integration.hubspot import MemoryTokenStore, OAuthGrant, connect
from integration.hubspot.connector import WINDOWS
from integration.port import (
    FieldSpec,
    FieldType,
    Link,
    NeedsConsent,
    ObjectSpec,
    ReadQuery,
    Refusal,
    SchemaChange,
    WriteRow,
)
from tests.integration.hubspot_steps import install

KEY = FieldSpec("cs_key", "CS key", FieldType.TEXT, unique=True)
NAME = FieldSpec("cs_name", "Name", FieldType.TEXT)
HEALTH = FieldSpec("cs_health", "Health", FieldType.NUMBER)
PROFILE = ObjectSpec(
    "cs_profile", "Profile", "Profiles", (KEY, NAME, HEALTH), True, ("companies",), "cs_name"
)
INDEX_LAG_S = 2.5  # the sandbox's search lags two seconds behind, in real time
DEAL = ObjectSpec("deals", "Deal", "Deals", ())
INSTALL = [SchemaChange(PROFILE, True, PROFILE.fields), SchemaChange(DEAL, False, (KEY,))]
RENEWAL = {"dealname": "Renewal", "dealstage": "qualifiedtobuy", "pipeline": "default", "amount": "1200"}


@pytest.fixture
def portal(hubspot_sandbox):
    """Return a connector to the sandbox, by a grant and on the sandbox's clock."""

    def open_port(lane=Lane.INTERACTIVE, **more):
        secrets = hubspot_sandbox.get("/_sandbox/credentials")
        grant = OAuthGrant(secrets["client_id"], secrets["client_secret"], secrets["refresh_token"])

        def now():
            return datetime.fromisoformat(hubspot_sandbox.get("/_sandbox/clock")["now"])

        budget = LocalBudget(WINDOWS)
        return connect(grant, hubspot_sandbox.url, budget, now, MemoryTokenStore(), lane=lane, **more)

    return open_port


def load(sandbox, folder, accounts=3, deals=10):
    """Load a portfolio of small accounts and closed deals, all changed at one instant."""
    write(folder / "portfolio.json", [{"name": "p", "as_of": "2024-12-31", "contract_home": "deal"}])
    write(folder / "accounts.jsonl", [account(number) for number in range(accounts)])
    write(folder / "deals.jsonl", [deal(number, number % accounts) for number in range(deals)])
    return sandbox.post("/_sandbox/load", {"dir": str(folder)})["loaded"]


def write(path, records):
    """Write JSON lines."""
    path.write_text("\n".join(json.dumps(record) for record in records))


def account(number):
    """Return an account; the second one is the first one's child."""
    return {
        "key": f"account:a{number}",
        "name": f"Acme {number}",
        "domain": f"a{number}.example.com",
        "industry": "software",
        "country": "US",
        "employees": 10,
        "currency": "USD",
        "created_on": "2024-01-01",
        "parent_key": "account:a0" if number == 1 else None,
    }


def deal(number, of_account):
    """Return a won deal."""
    return {
        "key": f"deal:d{number}",
        "account_key": f"account:a{of_account}",
        "name": f"Deal {number}",
        "stage": "won",
        "kind": "new",
        "amount": "1000",
        "currency": "USD",
        "created_on": "2024-02-01",
        "close_on": "2024-03-01",
    }


def company_id(sandbox, number=0):
    """Return the id the account became."""
    return sandbox.get(f"/_sandbox/lookup?ref=account:a{number}")["id"]


def paths(sandbox, after=0):
    """Return what the sandbox was asked, without queries."""
    return [f"{entry['method']} {entry['path'].split('?')[0]}" for entry in sandbox.requests(after)]


def last_seq(sandbox):
    """Return the newest sequence number of the log."""
    return sandbox.get("/_sandbox/requests?after=0")["last"]


def test_reads_every_deal_with_its_company_in_the_fewest_calls(hubspot_sandbox, portal, tmp_path):
    """450 deals are five list pages, their companies in the answers."""
    load(hubspot_sandbox, tmp_path, deals=450)
    port = portal()
    pages = list(port.iter_pages(ReadQuery("deals", ("dealname", "amount"), link_to=("companies",))))
    records = [record for page in pages for record in page.records]
    assert {record.values["dealname"] for record in records} == {f"Deal {number}" for number in range(450)}
    companies = {Link("companies", company_id(hubspot_sandbox, number)) for number in range(3)}
    assert {link for record in records for link in record.links} == companies
    assert port.calls.by_reason == {"oauth": 1, "read deals": 5}
    assert len(hubspot_sandbox.requests()) == 6


def test_a_company_is_linked_to_its_parent(hubspot_sandbox, portal, tmp_path):
    """Only the child company has a link, and it is the parent."""
    load(hubspot_sandbox, tmp_path)
    (page,) = portal().iter_pages(ReadQuery("companies", ("name",), link_to=("companies",)))
    links = {record.values["name"]: record.links for record in page.records}
    parent = Link("companies", company_id(hubspot_sandbox))
    assert links == {"Acme 0": (), "Acme 1": (parent,), "Acme 2": ()}


def test_reads_past_ten_thousand_rows_that_changed_in_one_instant(hubspot_sandbox, portal, tmp_path):
    """An import of 10,300 deals with one modification time is read whole; the window is 10,000."""
    load(hubspot_sandbox, tmp_path, deals=10_300)
    port = portal()
    stored = hubspot_sandbox.get("/_sandbox/dump?object=deals")["records"]
    assert len({record["updatedAt"] for record in stored}) == 1
    since = datetime.fromisoformat(stored[0]["updatedAt"])
    pages = port.iter_pages(ReadQuery("deals", ("amount",), changed_since=since))
    ids = [record.id for page in pages for record in page.records]
    assert sorted(ids) == sorted(record["id"] for record in stored)
    assert port.calls.by_reason["read deals"] == 52


def test_a_sweep_reads_only_what_changed(hubspot_sandbox, portal, tmp_path):
    """After one edit, one call brings one record."""
    load(hubspot_sandbox, tmp_path)
    port = portal()
    now = datetime.fromisoformat(hubspot_sandbox.get("/_sandbox/clock")["now"])
    edited = hubspot_sandbox.get("/_sandbox/lookup?ref=deal:d4")["id"]
    hubspot_sandbox.post("/_sandbox/edit", {"object": "deals", "id": edited, "values": {"amount": "5"}})
    time.sleep(INDEX_LAG_S)
    (page,) = port.iter_pages(ReadQuery("deals", ("amount",), changed_since=now))
    assert [(record.id, record.values["amount"]) for record in page.records] == [(edited, "5")]
    assert port.calls.by_reason["read deals"] == 1


@pytest.mark.parametrize("version", ["2026-09", "2026-03", "v3"])
def test_every_version_in_the_path_table_works(hubspot_sandbox, portal, tmp_path, version):
    """Describe, install, write, link, read: the same on each API version."""
    load(hubspot_sandbox, tmp_path)
    port = portal(version=version)
    assert "cs_profile" not in port.describe(["companies", "cs_profile"]).objects
    assert [result.done for result in install(port, INSTALL)] == [True, True]
    parent = Link("companies", company_id(hubspot_sandbox))
    row = WriteRow("profile:b", {"cs_name": "B", "cs_health": "71"}, (parent,))
    (result,) = port.upsert("cs_profile", "cs_key", [row])
    (record,) = port.read("cs_profile", [result.record_id], ["cs_health"], ["companies"])
    assert (record.values["cs_health"], record.links) == ("71", (parent,))


def test_five_hundred_new_rows_with_parents_are_six_calls(hubspot_sandbox, portal, tmp_path):
    """Five upserts and one call for all links; written again by id, five calls and nothing doubled."""
    load(hubspot_sandbox, tmp_path)
    port = portal()
    install(port, INSTALL)
    after = last_seq(hubspot_sandbox)
    parent = Link("companies", company_id(hubspot_sandbox))
    rows = [WriteRow(f"renewal:{number}", RENEWAL, (parent,)) for number in range(500)]
    results = port.upsert("deals", "cs_key", rows)
    assert all(result.created and result.error is None for result in results)
    assert paths(hubspot_sandbox, after) == [
        *["POST /crm/objects/2026-09/deals/batch/upsert"] * 5,
        "POST /crm/associations/2026-09/deals/companies/batch/associate/default",
    ]
    after = last_seq(hubspot_sandbox)
    known = [
        WriteRow(row.key, {"amount": "1300"}, row.parents, record_id=result.record_id)
        for row, result in zip(rows, results, strict=True)
    ]
    assert all(result.error is None for result in port.upsert("deals", "cs_key", known))
    assert paths(hubspot_sandbox, after) == ["POST /crm/objects/2026-09/deals/batch/update"] * 5
    assert hubspot_sandbox.get("/_sandbox/dump")["objects"]["deals"] == 510


def test_a_lost_answer_neither_doubles_nor_orphans(hubspot_sandbox, portal, tmp_path):
    """The upsert took effect but its answer was lost: one record, linked to its company."""
    load(hubspot_sandbox, tmp_path)
    port = portal()
    install(port, INSTALL)
    match = {"method": "POST", "path_contains": "/batch/upsert"}
    lost = {"match": match, "times": 1, "kind": "drop_response"}
    hubspot_sandbox.post("/_sandbox/faults", {"faults": [lost]})
    parent = Link("companies", company_id(hubspot_sandbox))
    (result,) = port.upsert("deals", "cs_key", [WriteRow("renewal:x", RENEWAL, (parent,))])
    (record,) = port.read("deals", [result.record_id], ["cs_key"], ["companies"])
    assert (record.values["cs_key"], record.links) == ("renewal:x", (parent,))
    assert hubspot_sandbox.get("/_sandbox/dump")["objects"]["deals"] == 11


def test_bad_rows_among_good_ones_are_told_one_by_one(hubspot_sandbox, portal, tmp_path):
    """A wrong stage and a wrong number are refused with their fields; the good row is written."""
    load(hubspot_sandbox, tmp_path)
    port = portal()
    install(port, INSTALL)
    stage, good, amount = port.upsert(
        "deals",
        "cs_key",
        [
            WriteRow("renewal:1", {**RENEWAL, "dealstage": "nonsense"}),
            WriteRow("renewal:2", RENEWAL),
            WriteRow("renewal:3", {**RENEWAL, "amount": "abc"}),
        ],
    )
    assert (stage.error.refusal, stage.error.fields) == (Refusal.FIXABLE, ("dealstage",))
    assert (amount.error.refusal, amount.error.fields) == (Refusal.FIXABLE, ("amount",))
    assert good.created
    assert set(port.find("deals", "cs_key", ["renewal:1", "renewal:2", "renewal:3"], [])) == {"renewal:2"}


def test_installing_again_changes_nothing(hubspot_sandbox, portal, tmp_path):
    """A second install is done too; one look each shows what stands."""
    load(hubspot_sandbox, tmp_path)
    port = portal()
    install(port, INSTALL)
    before = port.describe(["cs_profile", "deals"]).objects
    after = last_seq(hubspot_sandbox)
    assert [result.done for result in install(port, INSTALL)] == [True, True]
    assert len(hubspot_sandbox.requests(after)) == 5
    assert port.describe(["cs_profile", "deals"]).objects == before


def test_an_archived_property_is_restored(hubspot_sandbox, portal, tmp_path):
    """An uninstall archives; the next install gets the same property back."""
    load(hubspot_sandbox, tmp_path)
    port = portal()
    change = [SchemaChange(DEAL, False, (HEALTH,))]
    install(port, change)
    transport = port._portal.transport
    transport.call("test", "DELETE", "/crm/properties/2026-09/deals/cs_health")
    assert "cs_health" not in {field.name for field in port.describe(["deals"]).objects["deals"].fields}
    assert install(port, change)[0].done
    assert "cs_health" in {field.name for field in port.describe(["deals"]).objects["deals"].fields}


def test_tokens_follow_the_clock_without_a_401(hubspot_sandbox, portal, tmp_path):
    """Hours later the token is renewed ahead; HubSpot never has to say 401."""
    load(hubspot_sandbox, tmp_path)
    port = portal()
    for hour in (10, 11, 12):
        hubspot_sandbox.post("/_sandbox/clock", {"now": f"2025-01-01T{hour}:00:00Z", "running": True})
        port.read("deals", ["1"], [])
    assert port.calls.by_reason["oauth"] == 3
    assert 401 not in {entry["status"] for entry in hubspot_sandbox.requests()}


def test_an_uninstalled_app_needs_consent(hubspot_sandbox, portal, tmp_path):
    """When the admin removes the app, the next call says who must act."""
    load(hubspot_sandbox, tmp_path)
    port = portal()
    port.read("deals", ["1"], [])
    hubspot_sandbox.post("/_sandbox/portal", {"uninstall": True})
    with pytest.raises(NeedsConsent):
        port.read("deals", ["1"], [])


def test_a_missing_scope_is_named_and_not_asked_for_again(hubspot_sandbox, portal, tmp_path):
    """Without ``crm.objects.deals.write`` one call is refused and the other batches are not sent."""
    load(hubspot_sandbox, tmp_path)
    scopes = hubspot_sandbox.get("/_sandbox/portal")["scopes"]
    kept = [scope for scope in scopes if scope != "crm.objects.deals.write"]
    hubspot_sandbox.post("/_sandbox/portal", {"scopes": kept})
    port = portal()
    results = port.update("deals", [WriteRow(str(n), {"amount": "1"}, record_id=str(n)) for n in range(250)])
    assert {result.error.refusal for result in results} == {Refusal.PERMISSION}
    assert "crm.objects.deals.write" in results[0].error.fields
    assert port.calls.by_reason["write deals"] == 1


def test_a_required_field_of_the_portals_own_is_fixable(hubspot_sandbox, portal, tmp_path):
    """2026-09 binds API writes to admins' rules: the row is told, with its field, in one call."""
    load(hubspot_sandbox, tmp_path)
    port = portal()
    install(port, INSTALL)
    rule = {"object": "deals", "required_on_create": ["closed_lost_reason"]}
    hubspot_sandbox.post("/_sandbox/portal", {"write_rules": [rule]})
    (result,) = port.upsert("deals", "cs_key", [WriteRow("renewal:1", RENEWAL)])
    assert (result.error.refusal, result.error.code) == (Refusal.FIXABLE, "MISSING_REQUIRED_PROPERTY")
    assert result.error.fields == ("closed_lost_reason",)
    assert port.calls.by_reason["write deals"] == 1


def test_the_search_limit_is_never_met(hubspot_sandbox, portal, tmp_path):
    """Twelve searches in a row are spaced by the governor, so the sandbox refuses none."""
    load(hubspot_sandbox, tmp_path)
    port = portal()
    for _ in range(12):
        list(port.iter_pages(ReadQuery("deals", ())))
    assert {entry["status"] for entry in hubspot_sandbox.requests()} == {200}


def test_a_lying_budget_is_put_right_by_429s(hubspot_sandbox, portal, tmp_path):
    """Two processes that do not share a budget still get all their answers."""
    load(hubspot_sandbox, tmp_path)
    ports = [portal(), portal()]
    for _ in range(5):
        for port in ports:
            (page,) = port.iter_pages(ReadQuery("deals", ()))
            assert len(page.records) == 10
