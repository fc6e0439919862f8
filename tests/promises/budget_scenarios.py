"""What is asked of a CRM, scenario by scenario, and the fewest calls that could do it, worked out by hand.

A book of 34 customers and one life of one installation: installed, read, changed by people and by time,
taken back. Each step begins where the one before it ended, so their order matters. The fewest calls follow
from the vendors' pages: one object is listed, searched or queried at a time; a HubSpot batch is 100 records,
its links are calls of their own (page "Associate records"); a Salesforce collection is 200 records, five of
them a composite, links are fields. Neighbours: ``budget_run`` runs them, ``budget_table`` prints.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from mappings.charter import Charter
from mappings.load import load_charter
from success.wording.words import Language
from sync.census import take_census
from sync.keep import in_reading_order
from sync.onboard import apply_charter
from sync.state.inbox import InboxEvent
from sync.uninstall import apply_uninstall, plan_uninstall
from tests.sync.harness import CHARTER, HUBSPOT, SALESFORCE, Office, event
from tests.sync.portfolios import Book

CUSTOMERS = 34
CHANGED = 1  # three in a hundred
BURST = 50
NAMES: Mapping[str, Mapping[str, str]] = {
    HUBSPOT: {
        "account": "companies", "name": "name", "deal": "deals", "ticket": "tickets",
        "escalated": "support_escalated", "yes": "true", "due_on": "cs_due_on",
    },
    SALESFORCE: {
        "account": "Account", "name": "Name", "deal": "Opportunity", "ticket": "Case",
        "escalated": "IsEscalated", "yes": "true", "due_on": "CS_Due_On__c",
    },
}  # fmt: skip
EVENTS = {
    "account": "company.propertyChange",
    "deal": "deal.propertyChange",
    "ticket": "ticket.propertyChange",
}


@dataclass(frozen=True)
class Scenario:
    """One thing that happens: made ready outside the count, then done; and the calls it takes at least.

    ``above`` are the calls we make beyond the least, by vendor, and ``why``.
    """

    name: str
    needs: str
    ready: Callable[[Office], None]
    does: Callable[[Office], None]
    least: Mapping[str, int]
    above: Mapping[str, int] = field(default_factory=dict)
    why: str = ""

    def expected(self, vendor: str) -> int:
        """Return how many calls we make."""
        return self.least[vendor] + self.above.get(vendor, 0)


def book() -> Book:
    """Return the customers: all renew on 1 June but the first, whose window opens on 17 January."""
    found = Book()
    for number in range(CUSTOMERS):
        ends = "2025-04-17" if number == 0 else "2025-06-01"
        found.account(f"a{number}", f"Customer {number:02}")
        found.sold(f"a{number}", f"s{number}", f"2024{ends[4:]}", ends, "1200")
    for number in range(2):
        found.ticket(f"a{number}", f"t{number}", "2025-01-10T08:00:00Z")
    return found


def scenarios() -> list[Scenario]:
    """Return them all, in the order of one installation's life."""
    return [*_begins(), *_people_work(), *_time_passes(), *_records_go(), *_ends()]


def _begins() -> list[Scenario]:
    return [
        Scenario(
            "install",
            "each definition read once; what is missing made",
            _wait(),
            _install,
            # 15 reads. Made: 4 objects, 2 groups, 2 batches of properties, 4 labels, a pipeline, 4 lists. An
            # org: a composite of reads, its limits, a deploy checked, the same deployed, the user permitted.
            {HUBSPOT: 15 + 17, SALESFORCE: 5},
            {HUBSPOT: 3, SALESFORCE: 2},
            "archived definitions are asked for too; what an org is asked next depends on its answer",
        ),
        Scenario(
            "first load",
            "every object and the owners read; profiles, accounts, snapshots written",
            _wait(),
            _first_load,
            {HUBSPOT: 4 + 2 + 4, SALESFORCE: 4 + 1 + 3},  # HubSpot: owners are two lists, a link is a call
        ),
        Scenario(
            "nothing changed",
            "a question for each of the four objects read",
            _settled,
            _poll_all,
            {HUBSPOT: 4, SALESFORCE: 4},
        ),
    ]


def _people_work() -> list[Scenario]:
    return [
        Scenario(
            "3 % of the accounts renamed",
            "four questions; profiles written",
            _rename,
            _poll,
            {HUBSPOT: 4 + 1, SALESFORCE: 4 + 1},
        ),
        Scenario(
            "one event: a ticket escalated",
            "the ticket read; health written",
            _escalate,
            _settle,
            {HUBSPOT: 1 + 2, SALESFORCE: 1 + 1},  # HubSpot: on profile and company
        ),
        Scenario(
            f"{BURST} events on one account",
            "the same, as for one event",
            _deescalate,
            _settle,
            {HUBSPOT: 1 + 2, SALESFORCE: 1 + 1},
        ),
        Scenario(
            f"{CUSTOMERS} events, one on each account",
            "accounts read; profiles written",
            _rename_all_told,
            _settle,
            {HUBSPOT: 1 + 1, SALESFORCE: 1 + 1},
        ),
        Scenario(
            "a batch of usage on three accounts",
            "nothing read; health written",
            _use,
            _settle,
            {HUBSPOT: 2, SALESFORCE: 1},
        ),
    ]


def _time_passes() -> list[Scenario]:
    return [
        Scenario(
            "a new day",
            "nothing read; health and this month's snapshots written",
            _wait(days=1),
            _look_at_all,
            {HUBSPOT: 2 + 1, SALESFORCE: 1 + 1},
            {SALESFORCE: 1},
            "the session ended overnight: one call is refused and made again",
        ),
        Scenario(
            "a day on which a renewal opens",
            "nothing read; health and the deal written",
            _wait(days=1),
            _look_at_all,
            {HUBSPOT: 2 + 2, SALESFORCE: 1 + 1},  # HubSpot: the deal's link
            {SALESFORCE: 1},
            "the session ended overnight: one call is refused and made again",
        ),
        Scenario(
            "a person changes a field of ours",
            "the deal read, never read before; the field written again",
            _drift,
            _settle,
            {HUBSPOT: 2 + 1, SALESFORCE: 1 + 1},  # HubSpot: a batch read tells no links
        ),
        Scenario(
            "a census",
            "a question for each of the four objects",
            _before_census,
            _census,
            {HUBSPOT: 4, SALESFORCE: 4},
        ),
    ]


def _records_go() -> list[Scenario]:
    return [
        Scenario(
            "a deal deleted",
            "HubSpot tells; in Salesforce a poll of four objects finds it; health written",
            _delete,
            _hear,
            {HUBSPOT: 2, SALESFORCE: 4 + 1},
        ),
        Scenario(
            "two accounts merged",
            "found as a deletion is; one read, the other's profile taken back, health written",
            _merge,
            _hear,
            {HUBSPOT: 1 + 1 + 2, SALESFORCE: 4 + 1 + 1},
            {HUBSPOT: 2, SALESFORCE: 1},
            "the deals of the account that went are read again, for they may have gone elsewhere",
        ),
    ]


def _ends() -> list[Scenario]:
    return [
        Scenario(
            "a charter in another language",
            "nothing read; health and the deal's reason written",
            _wait(),
            _speak_german,
            {HUBSPOT: 2 + 1, SALESFORCE: 1 + 1},
        ),
        Scenario(
            "uninstall",
            "our records counted; records and definitions taken back",
            _wait(),
            _uninstall,
            # 4 counts, 2 batches of records, 4 lists, 4 labels, a pipeline, 2 batches of properties, 2
            # groups; each object its properties, itself and its name.
            # An org: 4 counts, a permission, a deploy.
            {HUBSPOT: 4 + 2 + 4 + 4 + 1 + 2 + 2 + 4 * 3, SALESFORCE: 4 + 1 + 1},
            {HUBSPOT: 4, SALESFORCE: 7},
            "each object is read before it goes; an org is told in steps, what uses before what is used",
        ),
    ]


def german(vendor: str) -> Charter:
    """Return the default charter with every sentence in another language."""
    return load_charter(CHARTER, vendor).model_copy(update={"language": Language.DE})


def _word(office: Office, what: str) -> str:
    return NAMES[office.sandbox.vendor][what]


def _wait(**span: float) -> Callable[[Office], None]:
    return lambda office: office.deployment.later(**span) if span else None


def _install(office: Office) -> None:
    office.install()


def _first_load(office: Office) -> None:
    office.load()
    office.go_live().settle()


def _settled(office: Office) -> None:
    """Let what we wrote ourselves be read back, as the first poll after a write does."""
    office.deployment.later(hours=1)
    office.poll()
    office.settle()
    office.deployment.later(hours=1)


def _poll(office: Office) -> None:
    office.poll()
    office.settle()


def _poll_all(office: Office) -> None:
    office.poll()
    _look_at_all(office)


def _look_at_all(office: Office) -> None:
    office.look_at_all()
    office.settle()


def _settle(office: Office) -> None:
    office.settle()


def _hear(office: Office) -> None:
    """Work in what the CRM told; an org's outbound messages tell of no deletion and no merge: polls do."""
    if office.sandbox.vendor == SALESFORCE:
        office.poll()
    office.settle()


def _account(office: Office, number: int) -> str:
    return office.sandbox.lookup(f"account:a{number}")


def _told(office: Office, what: str, record_id: str, number: int = 0) -> None:
    """Have the CRM tell that a record was saved."""
    if office.sandbox.vendor == HUBSPOT:
        office.tell(EVENTS[what], record_id)
        return
    body: Any = {"object": _word(office, what), "id": record_id}
    name = f"salesforce:{record_id}:{number}:{office.deployment.now.isoformat()}"
    office.receive([InboxEvent(name, SALESFORCE, body)])


def _rename(office: Office) -> None:
    for number in range(CHANGED):
        values = {_word(office, "name"): f"Renamed {number:02}"}
        office.sandbox.edit(_word(office, "account"), _account(office, number), values)
    office.deployment.later(minutes=1)


def _rename_all_told(office: Office) -> None:
    office.deployment.later(minutes=10)
    for number in range(CUSTOMERS):
        values = {_word(office, "name"): f"Told {number:02}"}
        office.sandbox.edit(_word(office, "account"), _account(office, number), values)
        _told(office, "account", _account(office, number))
    office.deployment.later(minutes=1)


def _ticket_set(office: Office, number: int, value: str, times: int) -> None:
    office.deployment.later(minutes=10)
    ticket = office.sandbox.lookup(f"ticket:t{number}")
    office.sandbox.edit(_word(office, "ticket"), ticket, {_word(office, "escalated"): value})
    for turn in range(times):
        _told(office, "ticket", ticket, turn)
    office.deployment.later(minutes=1)


def _escalate(office: Office) -> None:
    _ticket_set(office, 1, _word(office, "yes"), 1)


def _deescalate(office: Office) -> None:
    _ticket_set(office, 1, "false", BURST)


def _use(office: Office) -> None:
    at = datetime(2025, 1, 15, 12, 0, tzinfo=UTC)
    office.use([event(f"a{number}", at + timedelta(minutes=number), f"u{number}") for number in range(3)])


def _renewal(office: Office) -> str:
    found = office.written(_word(office, "deal"))["renewal:l-s0:1"]["_record"]
    return str(found.get("id") or found["Id"])


def _drift(office: Office) -> None:
    office.deployment.later(minutes=10)
    ours = _renewal(office)
    office.sandbox.edit(_word(office, "deal"), ours, {_word(office, "due_on"): "2025-05-05"})
    _told(office, "deal", ours)
    office.deployment.later(minutes=1)


def _delete(office: Office) -> None:
    office.deployment.later(minutes=10)
    deal = office.sandbox.lookup("deal:d-s5")
    office.sandbox.edit(_word(office, "deal"), deal, {}, delete=True)
    if office.sandbox.vendor == HUBSPOT:
        office.tell("deal.deletion", deal)
    office.deployment.later(minutes=5)


def _merge(office: Office) -> None:
    office.deployment.later(minutes=10)
    goes, stays = _account(office, 8), _account(office, 9)
    office.sandbox.edit(_word(office, "account"), stays, {}, merge=goes)
    if office.sandbox.vendor == HUBSPOT:
        merged: dict[str, Any] = {"mergedObjectIds": [int(goes)], "newObjectId": int(stays)}
        office.tell("company.merge", stays, primaryObjectId=int(stays), **merged)
    office.deployment.later(minutes=1)


def _before_census(office: Office) -> None:
    """Let owners be read again as well, as once a day."""
    office.deployment.later(minutes=10)
    office.poll()
    office.settle()


def _census(office: Office) -> None:
    for query in in_reading_order(office.ws):
        take_census(office.ws, query.object)


def _speak_german(office: Office) -> None:
    apply_charter(office.deployment.runtime, office.id, german(office.sandbox.vendor), author="test")
    _look_at_all(office)


def _uninstall(office: Office) -> None:
    done = apply_uninstall(office.ws, plan_uninstall(office.ws))
    assert done.refused == (), done.refused
