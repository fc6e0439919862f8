"""The people of a chaos run: does each edit of the plan in one CRM, as persons at its screen would.

What they make and delete of ours they note, for the comparison: a renewal deleted by a person is not to come
back, and a deal a person made is none of ours. What they would write over and is not there (yet) is left.
Neighbours: ``plan`` says what to do, ``sync/demo/people.py`` wins deals and escalates tickets.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from mappings.naming import vendor_name
from success.desired import RecordKind
from sync.chaos import book
from sync.chaos.plan import Act, Edit
from sync.demo.crm import HUBSPOT, Crm
from sync.demo.people import WonContract
from sync.state import ledger
from sync.state.engine import reading
from sync.state.ledger import LedgerRow, WriteState
from sync.workspace import Workspace

USER = "sales@customer.example"
Key = tuple[str, str]
"""Object and key of a record of ours."""


@dataclass(frozen=True, slots=True)
class Names:
    """How a vendor calls what people touch."""

    account: str
    account_name: str
    account_ref: str
    deal: str
    amount: str
    line: str
    line_end: str
    line_arr: str
    ticket: str
    close_ticket: Mapping[str, str]


HUBSPOT_NAMES = Names(
    "companies",
    "name",
    "customer_ref",
    "deals",
    "amount",
    "line_items",
    "contract_end",
    "contract_arr",
    "tickets",
    {"hs_pipeline_stage": "4"},
)
SALESFORCE_NAMES = Names(
    "Account",
    "Name",
    "Customer_Ref__c",
    "Opportunity",
    "Amount",
    "OpportunityLineItem",
    "Contract_End__c",
    "Contract_ARR__c",
    "Case",
    {"Status": "Closed"},
)


@dataclass(slots=True)
class People:
    """Everybody at work in one CRM. ``open`` gives the workspace, in which records of ours are found."""

    crm: Crm
    open: Callable[[], Workspace]
    use: Callable[[list[dict[str, Any]]], None]
    made_deals: set[str] = field(default_factory=set)
    dropped: set[Key] = field(default_factory=set)
    left: list[str] = field(default_factory=list)
    """What could not be done since the record was not there."""

    @property
    def names(self) -> Names:
        """Return the vendor's words."""
        return HUBSPOT_NAMES if self.crm.vendor == HUBSPOT else SALESFORCE_NAMES

    def do(self, edit: Edit, today: date) -> None:
        """Do one edit. Raises what the sandbox refuses: the plan asks for nothing impossible."""
        names, account = self.names, edit.account
        match edit.act:
            case Act.RENAME:
                self._account(account, {names.account_name: f"Account {account}, {edit.number}"})
            case Act.AMOUNT:
                self._edit(names.deal, self._id(f"deal:d{account}"), {names.amount: _amount(edit.number)})
            case Act.TERM:
                end = book.term_of(account)[1] + timedelta(days=edit.number % 60)
                self._edit(names.line, self._id(f"line:l{account}"), {names.line_end: end.isoformat()})
            case Act.SEATS:
                self._edit(names.line, self._id(f"line:l{account}"), {names.line_arr: _amount(edit.number)})
            case Act.WIN:
                self._win(self._id(f"account:a{account}"), f"w{edit.number}", today)
            case Act.CUSTOMER:
                self._new_customer(edit.number, today)
            case Act.TICKET:
                people = self.crm.people(on_deal=False)
                people.escalate_ticket(self._id(f"account:a{account}"))
            case Act.CLOSE_TICKET:
                self._edit(names.ticket, self._id(f"ticket:t{account}"), names.close_ticket)
            case Act.USAGE:
                self.use([_message(edit, today, place) for place in range(3)])
            case (
                Act.MERGE | Act.DELETE | Act.BRING_BACK | Act.DROP_LINE | Act.DROP_DEAL | Act.BRING_DEAL_BACK
            ):
                self._end_or_restore(edit)
            case _:
                self._touch_ours(edit)

    def _end_or_restore(self, edit: Edit) -> None:
        names, account = self.names, edit.account
        whole, deal = self._id(f"account:a{account}"), f"deal:d{account}"
        match edit.act:
            case Act.MERGE:
                survivor = self._id(f"account:a{account + 1}")
                fresh = {"new_record": edit.number % 3 == 0} if self.crm.vendor == HUBSPOT else {}
                self._ask(names.account, survivor, {"merge": whole, **fresh})
            case Act.DELETE:
                self._ask(names.account, whole, {"delete": True})
            case Act.BRING_BACK:
                self._ask(names.account, whole, {"restore": True})
            case Act.DROP_LINE:
                self._ask(names.line, self._id(f"line:l{account}"), {"delete": True})
            case Act.DROP_DEAL:
                self._ask(names.deal, self._id(deal), {"delete": True})
            case _:
                self._ask(names.deal, self._id(deal), {"restore": True})

    def _touch_ours(self, edit: Edit) -> None:
        """Write over a field of ours, or delete a renewal of ours."""
        account_id = self._id(f"account:a{edit.account}")
        kind, on_account, field_name, value = {
            Act.OURS_PROFILE: (RecordKind.PROFILE, False, "name", f"A person's name, {edit.number}"),
            Act.OURS_ACCOUNT: (RecordKind.PROFILE, True, "explanation", f"A person's words, {edit.number}"),
            Act.OURS_DEAL: (RecordKind.RENEWAL, False, "reason", f"A person's reason, {edit.number}"),
            Act.DROP_OURS: (RecordKind.RENEWAL, False, "", ""),
        }[edit.act]
        if on_account and self.crm.vendor != HUBSPOT:
            return  # in Salesforce nothing of ours stands on the account but the way to its profile
        ws = self.open()
        row = _row_of(ws, account_id, kind, self.names.account if on_account else None)
        if row is None or row.record_id is None:
            self.left.append(f"{edit.act.value} of account {edit.account}")
            return
        object_name = self.names.deal
        if kind is RecordKind.PROFILE:
            object_name = self.names.account if on_account else self.crm.own_object(ws, kind)
        if edit.act is Act.DROP_OURS:
            self._ask(object_name, row.record_id, {"delete": True})
            self.dropped.add((row.object, row.key))
            return
        plain = field_name == "name" and self.crm.vendor != HUBSPOT
        name = "Name" if plain else vendor_name(field_name, self.crm.vendor)
        self._edit(object_name, row.record_id, {name: value})

    def _new_customer(self, number: int, today: date) -> None:
        names = self.names
        values = {names.account_name: f"New customer {number}", names.account_ref: f"c{number}"}
        self._win(self._edit(names.account, None, values), f"c{number}", today)

    def _win(self, account_id: str, ref: str, today: date) -> None:
        contract = WonContract(ref, book.PRODUCT, book.SEATS, book.ARR, today)
        self.made_deals.add(self.crm.people(on_deal=False).win_deal(account_id, contract))

    def _account(self, number: int, values: Mapping[str, Any]) -> None:
        self._edit(self.names.account, self._id(f"account:a{number}"), values)

    def _id(self, ref: str) -> str:
        return self.crm.control.lookup(ref)

    def _edit(self, object_name: str, record_id: str | None, values: Mapping[str, Any]) -> str:
        return self._ask(object_name, record_id, {"values": dict(values)})

    def _ask(self, object_name: str, record_id: str | None, what: Mapping[str, Any]) -> str:
        body = {"object": object_name, "id": record_id, "user": USER, **what}
        return str(self.crm.control.post("edit", body)["id"])


def _row_of(ws: Workspace, account_id: str, kind: RecordKind, object_name: str | None) -> LedgerRow | None:
    """Return the ledger's row of a record of ours that stands; with ``object_name`` of that object."""
    with reading(ws.runtime.engine) as conn:
        rows = ledger.of_accounts(conn, ws.id, [account_id])
    account = ws.inbound.crm.reads.account.object
    wanted = [
        row
        for row in rows
        if row.kind == kind.value
        and row.state is not WriteState.TOMBSTONE
        and (row.object == object_name if object_name else row.object != account)
    ]
    return min(wanted, key=lambda row: row.key, default=None)


def _amount(number: int) -> str:
    return f"{book.ARR + 10 * number}"


def _message(edit: Edit, today: date, place: int) -> dict[str, Any]:
    account = f"a{edit.account}"
    return {
        "type": "track",
        "messageId": f"chaos-{edit.number}-{place}",
        "userId": f"user-{edit.number % 5}",
        "event": f"feature-{place}",
        "timestamp": f"{today.isoformat()}T0{place + 1}:00:00Z",
        "properties": {
            "product": book.PRODUCT,
            "subscription": f"l{edit.account}",
            "account": account,
            "count": 2,
        },
        "context": {"groupId": account},
    }
