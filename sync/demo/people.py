"""What people do in the demo's CRMs: win a deal, escalate a ticket; once per vendor's words.

Everything goes through the sandbox's ``/_sandbox/edit``, which acts as a person in the
vendor's own interface would, so webhooks follow as they do there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Protocol

from sync.demo.control import Control

USER = "sales@customer.example"


@dataclass(frozen=True, slots=True)
class WonContract:
    """What a deal won in the demo sells: seats of a product for a year."""

    ref: str
    product: str
    seats: int
    arr: int
    start: date

    @property
    def end(self) -> date:
        """Return the day after its last."""
        return self.start + timedelta(days=365)


class People(Protocol):
    """The people of one CRM."""

    def win_deal(self, account_id: str, contract: WonContract) -> str:
        """Make an open deal with its contract, then win it; return the deal's id."""
        ...

    def escalate_ticket(self, account_id: str) -> str:
        """Open an urgent ticket and escalate it; return its id."""
        ...


@dataclass(frozen=True, slots=True)
class HubSpotPeople:
    """People in HubSpot. ``on_deal``: this portal keeps contracts on the deal itself."""

    control: Control
    on_deal: bool

    def win_deal(self, account_id: str, contract: WonContract) -> str:
        """See ``People.win_deal``."""
        fields = _contract_fields(contract)
        deal = {
            "dealname": "Expansion",
            "pipeline": "default",
            "dealstage": "qualifiedtobuy",
            "amount": str(contract.arr),
            "closedate": contract.start.isoformat(),
            "deal_kind": "expansion",
        }
        company = {"object": "companies", "id": account_id}
        deal_id = self._edit("deals", None, {**deal, **(fields if self.on_deal else {})}, [company])
        if not self.on_deal:
            line = {
                "name": contract.product,
                "quantity": str(contract.seats),
                "price": str(contract.arr // contract.seats),
                **fields,
            }
            self._edit("line_items", None, line, [{"object": "deals", "id": deal_id}])
        return self._edit("deals", deal_id, {"dealstage": "closedwon"})

    def escalate_ticket(self, account_id: str) -> str:
        """See ``People.escalate_ticket``."""
        ticket = {
            "subject": "Cannot sign in",
            "hs_pipeline": "0",
            "hs_pipeline_stage": "1",
            "hs_ticket_priority": "URGENT",
        }
        ticket_id = self._edit("tickets", None, ticket, [{"object": "companies", "id": account_id}])
        return self._edit("tickets", ticket_id, {"support_escalated": "true"})

    def _edit(
        self,
        name: str,
        record_id: str | None,
        values: Mapping[str, str],
        links: list[dict[str, str]] | None = None,
    ) -> str:
        body: dict[str, Any] = {"object": name, "id": record_id, "values": dict(values), "user": USER}
        return str(self.control.post("edit", {**body, "associations": links or []})["id"])


@dataclass(frozen=True, slots=True)
class SalesforcePeople:
    """People in Salesforce. ``on_deal``: this org keeps contracts on the opportunity itself."""

    control: Control
    on_deal: bool

    def win_deal(self, account_id: str, contract: WonContract) -> str:
        """See ``People.win_deal``."""
        fields = {
            _salesforce_name(name): _typed(name, value) for name, value in _contract_fields(contract).items()
        }
        deal = {
            "Name": "Expansion",
            "AccountId": account_id,
            "StageName": "Qualification",
            "CloseDate": contract.start.isoformat(),
            "Amount": contract.arr,
            "Deal_Kind__c": "expansion",
        }
        deal_id = self._edit("Opportunity", None, {**deal, **(fields if self.on_deal else {})})
        if not self.on_deal:
            entry = self._price_of(contract.product)
            line = {
                "OpportunityId": deal_id,
                "PricebookEntryId": entry,
                "Quantity": contract.seats,
                "UnitPrice": contract.arr // contract.seats,
                **fields,
            }
            self._edit("OpportunityLineItem", None, line)
        return self._edit("Opportunity", deal_id, {"StageName": "Closed Won"})

    def escalate_ticket(self, account_id: str) -> str:
        """See ``People.escalate_ticket``."""
        case = {"AccountId": account_id, "Subject": "Cannot sign in", "Status": "New", "Priority": "Urgent"}
        return self._edit("Case", self._edit("Case", None, case), {"IsEscalated": True})

    def _price_of(self, product: str) -> str:
        products = {
            row["Id"]: row.get("ProductCode") or row["Name"] for row in self.control.records("Product2")
        }
        entries = self.control.records("PricebookEntry")
        fitting = [row["Id"] for row in entries if products.get(row["Product2Id"]) == product]
        return str((fitting or [row["Id"] for row in entries])[0])

    def _edit(self, name: str, record_id: str | None, values: Mapping[str, Any]) -> str:
        return str(self.control.post("edit", {"object": name, "id": record_id, "values": dict(values)})["id"])


def _contract_fields(contract: WonContract) -> dict[str, str]:
    """Return the customer's own contract fields, under HubSpot's names."""
    return {
        "contract_ref": contract.ref,
        "contract_product": contract.product,
        "contract_seats": str(contract.seats),
        "contract_start": contract.start.isoformat(),
        "contract_end": contract.end.isoformat(),
        "contract_term_months": "12",
        "contract_arr": str(contract.arr),
        "contract_kind": "recurring",
        "contract_billing": "annual",
        "contract_auto_renew": "true",
        "contract_notice_days": "60",
    }


def _salesforce_name(name: str) -> str:
    return "_".join("ARR" if word == "arr" else word.capitalize() for word in name.split("_")) + "__c"


def _typed(name: str, value: str) -> str | int | bool:
    if name.endswith(("_seats", "_months", "_arr", "_days")):
        return int(value)
    return value == "true" if name.endswith("_renew") else value
