"""Events only say where to look again: many are one read, echoes are none, and none is lost."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from integration.hubspot.events import dedupe_key
from mappings.inbound import watched_fields
from sync.facts import Moment, assemble
from sync.state import mirror
from sync.state.engine import reading
from sync.state.inbox import InboxEvent
from sync.state.ledger import WriteState
from tests.sync.harness import HUBSPOT, SALESFORCE, Deployment, Office
from tests.sync.portfolios import three_customers

OPEN = Callable[..., Office]
WORDS = {"companies": "company", "deals": "deal", "line_items": "line_item", "tickets": "ticket"}


def loaded(deployed: Deployment, office: OPEN, vendor: str = HUBSPOT) -> Office:
    """Return an installation after its first run, ten minutes ago."""
    there = office(deployed, vendor, three_customers()).install()
    there.load()
    there.go_live().settle()
    deployed.later(minutes=10)
    return there


def paths(there: Office, mark: int) -> list[str]:
    """Return what was asked of the CRM since a mark, as the ends of the addresses."""
    return [one["path"].partition("/2026-09/")[2] for one in there.sandbox.requests(mark)]


def account_deals(there: Office, account_id: str) -> set[str]:
    """Return the deals the mirror hangs under an account."""
    with reading(there.engine) as conn:
        return {one.source_id for one in mirror.current(conn, there.id, "deals", [account_id])}


def arr_of(there: Office, account_id: str) -> int:
    """Return the sum of the yearly amounts of an account's lines as we know them, in cents."""
    with reading(there.engine) as conn:
        found = assemble(conn, there.ws, [account_id], Moment(there.ws.day_of(there.deployment.now)))
    return sum(line.arr.minor for line in found.facts[account_id].lines)


def test_many_events_of_a_deal_are_one_read(both: Deployment, office: OPEN) -> None:
    """Five events in any order, some delivered again, cost one read of the deal and one of its links."""
    there = loaded(both, office)
    deal = there.sandbox.lookup("deal:d-b1")
    there.sandbox.edit("deals", deal, {"dealname": "Changed"})
    names = ["dealname", "amount", "closedate", "dealstage", "dealname"]
    events = [
        InboxEvent(f"e{number}", HUBSPOT, _changed(deal, name, number)) for number, name in enumerate(names)
    ]
    random.Random(7).shuffle(events)
    assert there.receive(events) == 5
    assert there.receive(events[:3]) == 0
    mark = there.sandbox.mark()
    (done,) = there.drain()
    assert paths(there, mark) == ["deals/batch/read", "deals/companies/batch/read"]
    assert (done.events, done.read, done.put_off) == (5, 1, 0)
    with reading(there.engine) as conn:
        assert mirror.find(conn, there.id, "deals", [deal])[deal].values["dealname"] == "Changed"
    assert there.waiting_accounts() == 1
    assert there.drain() == []


def _changed(record_id: str, name: str, number: int) -> Any:
    return {
        "subscriptionType": "deal.propertyChange",
        "objectId": int(record_id),
        "eventId": number,
        "occurredAt": 1_736_935_800_000 + number,
        "propertyName": name,
        "propertyValue": f"v{number}",
    }


@pytest.fixture
def ears() -> Iterator[tuple[str, list[Any]]]:
    """Give an address that takes webhooks, and the list of events that came."""
    heard: list[Any] = []

    class Ears(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.extend(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Ears)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/", heard
    server.shutdown()
    server.server_close()
    thread.join()


def subscribe(there: Office, url: str) -> None:
    """Have the portal tell of everything the charter watches, and of a field of ours on the company."""
    subscriptions = [{"eventType": "company.propertyChange", "propertyName": "cs_band"}]
    for name, fields in watched_fields(there.ws.charter, HUBSPOT).items():
        kinds = ["creation", "deletion", "merge", *(["associationChange"] if name != "companies" else [])]
        subscriptions += [{"eventType": f"{WORDS[name]}.{kind}"} for kind in kinds]
        subscriptions += [
            {"eventType": f"{WORDS[name]}.propertyChange", "propertyName": one} for one in fields
        ]
    there.sandbox.post("webhooks", {"target_url": url, "subscriptions": subscriptions})


def take_in(there: Office, heard: list[Any], wanted: Callable[[], bool]) -> int:
    """Put what the portal told into the inbox once all of it came; return how much that was."""
    ends = time.monotonic() + 20
    while not wanted() and time.monotonic() < ends:
        time.sleep(0.02)
    assert wanted(), heard
    return there.receive([InboxEvent(dedupe_key(one), HUBSPOT, one) for one in heard])


def test_the_echo_of_our_own_writes_costs_no_call(
    lite: Deployment, office: OPEN, ears: tuple[str, list[Any]]
) -> None:
    """The portal tells of every company and deal we wrote; not one of those events is looked into."""
    url, heard = ears
    there = office(lite, HUBSPOT, three_customers()).install()
    there.load()
    subscribe(there, url)
    there.go_live().settle()
    there.sandbox.post("webhooks", {"target_url": "", "subscriptions": []})  # hands over what it gathered
    told = take_in(there, heard, lambda: any(one["subscriptionType"] == "deal.creation" for one in heard))
    bands = [one for one in heard if one.get("propertyName") == "cs_band"]
    assert len(bands) == 3
    lite.later(minutes=1)
    mark = there.sandbox.mark()
    drained = there.drain()
    assert sum(one.echoes for one in drained) == told
    assert sum(one.put_off for one in drained) == 0
    assert there.sandbox.requests(mark) == []
    assert there.events_left() == 0


def test_a_persons_change_of_our_field_is_no_echo(lite: Deployment, office: OPEN) -> None:
    """The same field with another value than ours is read and put right."""
    there = loaded(lite, office)
    acorn = there.sandbox.lookup("account:acorn")
    there.sandbox.edit("companies", acorn, {"cs_stage": "churned"})
    there.tell("company.propertyChange", acorn, propertyName="cs_stage", propertyValue="churned")
    lite.later(seconds=5)
    there.settle()
    (company,) = [one for one in there.sandbox.records("companies") if one["id"] == acorn]
    assert company["properties"]["cs_stage"] == "customer"


def test_a_deleted_account_is_no_longer_decided_about(both: Deployment, office: OPEN) -> None:
    """The company is gone: its row is buried and no look or push speaks of it any more."""
    there = loaded(both, office)
    birch = there.sandbox.lookup("account:birch")
    there.sandbox.edit("companies", birch, {}, delete=True)
    there.tell("company.deletion", birch)
    there.settle()
    assert there.row("companies", f"profile:{birch}").state is WriteState.TOMBSTONE
    both.later(days=1)
    mark = there.sandbox.mark()
    there.look_at_all()
    assert [one.accounts for one in there.look()] == [2]
    there.push()
    assert [one for one in there.sandbox.requests(mark) if birch in one["written"]] == []


@pytest.mark.parametrize("vendor", [HUBSPOT])
def test_merged_companies_are_one_account(both: Deployment, office: OPEN, vendor: str) -> None:
    """Acorn goes up in Birch: contracts of both count there, under the key Birch always had."""
    there = loaded(both, office, vendor)
    acorn, birch = (there.sandbox.lookup(f"account:{key}") for key in ("acorn", "birch"))
    there.sandbox.edit("companies", birch, {}, merge=acorn)
    merged: dict[str, Any] = {
        "primaryObjectId": int(birch),
        "mergedObjectIds": [int(acorn)],
        "newObjectId": int(birch),
    }
    there.tell("company.merge", birch, **merged)
    both.later(minutes=1)
    there.settle()
    assert account_deals(there, acorn) == set()
    assert len(account_deals(there, birch)) == 3
    assert arr_of(there, birch) == 17_400_00
    profile = there.written(there.own("profile"))[f"profile:{birch}"]
    assert float(profile["cs_arr"]) == 17_400
    renewals = [key for key in there.written("deals") if key.startswith("renewal:")]
    assert renewals == ["renewal:l-a1:1"]


def test_a_line_told_of_before_its_deal_finds_its_account(both: Deployment, office: OPEN) -> None:
    """The deal of the line is read with it, so that the contract counts at once."""
    there = loaded(both, office)
    birch = there.sandbox.lookup("account:birch")
    deal = there.sandbox.edit(
        "deals",
        None,
        {"dealname": "More", "pipeline": "default", "dealstage": "closedwon", "closedate": "2025-01-15"},
        associations=[{"object": "companies", "id": birch}],
    )
    terms = {
        "name": "Core",
        "quantity": "1",
        "price": "500",
        "contract_ref": "l-new",
        "contract_product": "core",
        "contract_seats": "2",
        "contract_start": "2025-01-15",
        "contract_end": "2026-01-15",
        "contract_term_months": "12",
        "contract_arr": "500",
        "contract_kind": "recurring",
        "hs_line_item_currency_code": "USD",
    }
    line = there.sandbox.edit("line_items", None, terms, associations=[{"object": "deals", "id": deal}])
    there.tell("line_item.creation", line)
    there.drain()
    assert deal in account_deals(there, birch)
    assert arr_of(there, birch) == 2_900_00
    assert there.waiting_accounts() == 1


def test_a_record_that_cannot_be_read_yet_is_looked_for_again(both: Deployment, office: OPEN) -> None:
    """HubSpot does not know the new deal for a moment: it is read two seconds later."""
    there = loaded(both, office)
    acorn = there.sandbox.lookup("account:acorn")
    deal = there.sandbox.edit(
        "deals",
        None,
        {"dealname": "New", "pipeline": "default", "dealstage": "qualifiedtobuy"},
        associations=[{"object": "companies", "id": acorn}],
    )
    nothing = {"status": "COMPLETE", "results": [], "numErrors": 1, "errors": []}
    there.sandbox.fault("status", "/deals/batch/read", 1, status=207, body=nothing)
    there.tell("deal.creation", deal)
    (first,) = there.drain()
    assert (first.read, first.put_off) == (0, 1)
    assert there.drain() == []
    both.later(seconds=2)
    (second,) = there.drain()
    assert (second.read, second.put_off) == (1, 0)
    assert deal in account_deals(there, acorn)


def test_a_record_that_never_comes_is_given_up(lite: Deployment, office: OPEN) -> None:
    """After four more tries over eleven minutes the event is kept as failed and asked for no more."""
    there = loaded(lite, office)
    there.tell("deal.creation", "99999999999")
    tries = 0
    for seconds in (0, 2, 10, 60, 600, 3600, 3600):
        lite.later(seconds=seconds)
        tries += len(there.drain())
    assert tries == 5
    assert there.events_left() == 0


def test_an_outbound_message_makes_the_record_be_read(lite: Deployment, office: OPEN) -> None:
    """Salesforce names object and id only: a case opened by a person reaches the profile."""
    there = loaded(lite, office, SALESFORCE)
    birch = there.sandbox.lookup("account:birch")
    case = there.sandbox.edit(
        "Case", None, {"AccountId": birch, "Subject": "Help", "Status": "New", "Priority": "Urgent"}
    )
    there.sandbox.edit("Case", case, {"IsEscalated": True})
    body: Any = {"object": "Case", "id": case}
    there.receive([InboxEvent("salesforce:1", SALESFORCE, body)])
    mark = there.sandbox.mark()
    there.drain()
    assert [one["rows_out"] for one in there.sandbox.requests(mark)] == [1]
    there.settle()
    profile = there.written(there.own("profile"))[f"profile:{birch.lower()}"]
    assert "An escalation is open." in profile["CS_Risks__c"]
