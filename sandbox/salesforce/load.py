"""The org's own loader: a portfolio folder becomes users, accounts, opportunities and the rest.

Rows are planted with their historical times, without the checks of a write and without outbound
messages. Loading again adds what is new and leaves what is there.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from sandbox.portfolio.model import Account, Contact, ContractLine, Deal, SurveyResponse, Ticket
from sandbox.salesforce.history_rows import remember_stage
from sandbox.salesforce.load_fields import add_customer_fields, attribute_field
from sandbox.salesforce.org import Org
from sandbox.salesforce.standard import CURRENCIES
from sandbox.salesforce.store import Change
from sandbox.server.clock import parse_instant
from sandbox.server.portfolio_files import REFS, PortfolioFolder, read_folder, ref_of

_STAGES = {"open": "Qualification", "won": "Closed Won", "lost": "Closed Lost"}
_TYPES = {
    "new": "New Customer", "expansion": "Existing Customer - Upgrade",
    "renewal": "Existing Customer - Renewal",
}  # fmt: skip


def load(org: Org, folder: Path) -> dict[str, int]:
    """Load a portfolio folder; return how many rows of each object were made. Raises ValueError."""
    found = read_folder(folder)
    loader = _Loader(org, found)
    loader.run()
    org.save_schema()
    org.store.note_each(REFS, loader.refs)
    org.commit()
    return dict(loader.made)


def lookup(org: Org, ref: str) -> tuple[str, str] | None:
    """Return (object, id) of the record a portfolio key became."""
    found = org.store.noted(REFS + ref)
    return (found[0], found[1]) if found else None


def _priced(product_key: str, currency: str) -> str:
    """Return how a product's price in a currency is remembered: the first currency's by the product's key."""
    return product_key if currency == CURRENCIES[0] else f"{product_key}/{currency}"


def _instant(text: str | None) -> str | None:
    return parse_instant(text).strftime("%Y-%m-%dT%H:%M:%S.000+0000") if text else None


class _Loader:
    def __init__(self, org: Org, found: PortfolioFolder) -> None:
        self.org, self.found = org, found
        self.refs: dict[str, list[str]] = {}
        self.made: Counter[str] = Counter()
        self.on_deal = found.portfolio.contract_home == "deal"
        self.lines = found.lines_by_deal()

    def run(self) -> None:
        home = "Opportunity" if self.on_deal else "OpportunityLineItem"
        add_customer_fields(self.org, home, self.found.attribute_names())
        for owner in self.found.owners:
            if self.id_of("owner", owner.key) is None:
                user_id = self.org.add_user(owner.email, owner.first_name, owner.last_name, owner.email)
                self.remember("owner", owner.key, "User", user_id)
        for account in self.found.accounts:
            self.account(account)
        self.parents()
        for contact in self.found.contacts:
            self.contact(contact)
        self.products()
        for deal in self.found.deals:
            self.deal(deal)
        for ticket in self.found.tickets:
            self.ticket(ticket)
        for survey in self.found.surveys:
            self.survey(survey)

    def id_of(self, kind: str, key: str | None) -> str | None:
        if not key:
            return None
        ref = ref_of(kind, key)
        found = self.refs.get(ref) or self.org.store.noted(REFS + ref)  # of this load, or an earlier one
        return found[1] if found else None

    def remember(self, kind: str, key: str, object_name: str, row_id: str) -> None:
        self.refs[ref_of(kind, key)] = [object_name, row_id]
        self.made[object_name] += 1

    def plant(
        self, ref: tuple[str, str], object_name: str, values: dict[str, Any], made: str, last: str | None
    ) -> None:
        if self.id_of(*ref) is not None:
            return
        changed = max(made, last) if last else made
        owner = values.get("OwnerId")
        values = {k: v for k, v in values.items() if v is not None or k != "OwnerId"}
        stamps = {"LastModifiedDate": changed, "SystemModstamp": changed}
        row_id = self.org.plant(object_name, values | stamps, made, by=owner)
        self.remember(*ref, object_name, row_id)

    def account(self, a: Account) -> None:
        values = {
            "Name": a.name, "Website": a.domain, "Industry": a.industry, "BillingCountry": a.country,
            "NumberOfEmployees": a.employees, "OwnerId": self.id_of("owner", a.owner_key),
            "Customer_Ref__c": a.key, "CurrencyIsoCode": a.currency,
            **{attribute_field(name): value for name, value in a.attributes.items()},
        }  # fmt: skip
        self.plant(("account", a.key), "Account", values, _instant(a.created_on) or "", None)

    def parents(self) -> None:
        for a in self.found.accounts:
            parent, own = self.id_of("account", a.parent_key), self.id_of("account", a.key)
            if parent and own:
                row = self.org.store.table("Account")[own]
                self.org.store.put(Change(), "Account", dict(row, ParentId=parent))

    def contact(self, c: Contact) -> None:
        values = {
            "FirstName": c.first_name, "LastName": c.last_name,
            "Name": f"{c.first_name} {c.last_name}".strip(),
            "Email": c.email, "Title": c.title, "AccountId": self.id_of("account", c.account_key),
            "Contact_Role__c": c.role,
        }  # fmt: skip
        self.plant(("contact", c.key), "Contact", values, _instant(c.created_on) or "", None)

    def products(self) -> None:
        for p in self.found.products:
            if self.id_of("product", p.key):
                continue
            values = {"Name": p.name, "ProductCode": p.key, "IsActive": True}
            product = self.org.plant("Product2", values)
            self.remember("product", p.key, "Product2", product)
            entry = {"Name": p.name, "ProductCode": p.key, "Product2Id": product,
                "UnitPrice": float(p.unit_price),
                     "Pricebook2Id": self.org.standard_pricebook(), "IsActive": True}  # fmt: skip
            sold = {line.currency for line in self.found.lines if line.product_key == p.key}
            for money in (CURRENCIES[0], *sorted(sold - {CURRENCIES[0]})):
                made = self.org.plant("PricebookEntry", entry | {"CurrencyIsoCode": money})
                self.remember("price", _priced(p.key, money), "PricebookEntry", made)

    def deal(self, d: Deal) -> None:
        stage = self.org.stage(_STAGES[d.stage]) or {}
        lines = self.lines.get(d.key, [])
        amount, chance = float(d.amount), stage["DefaultProbability"]
        values = {
            "Name": d.name[:120], "AccountId": self.id_of("account", d.account_key),
            "StageName": _STAGES[d.stage],
            "CurrencyIsoCode": d.currency, "Amount": amount, "CloseDate": d.close_on,
            "Type": _TYPES[d.kind], "Deal_Kind__c": d.kind,
            "OwnerId": self.id_of("owner", d.owner_key), "IsClosed": stage["IsClosed"],
            "IsWon": stage["IsWon"],
            "Probability": chance, "ExpectedRevenue": round(amount * chance / 100, 2),
            "ForecastCategoryName": stage["ForecastCategoryName"],
            "ForecastCategory": stage["ForecastCategory"],
            "FiscalYear": int(d.close_on[:4]), "FiscalQuarter": (int(d.close_on[5:7]) + 2) // 3,
            "HasOpportunityLineItem": bool(lines) and not self.on_deal,
        }  # fmt: skip
        if self.on_deal and lines:
            values |= self.terms(lines[0])
        elif lines:
            values["Pricebook2Id"] = self.org.standard_pricebook()
        made = _instant(d.created_on) or ""
        last = _instant(d.close_on) if d.stage != "open" else None
        known = self.id_of("deal", d.key)
        self.plant(("deal", d.key), "Opportunity", values, made, last)
        if known is None:
            self.stages(d, made, last)
        if self.on_deal and lines:
            deal_id = self.id_of("deal", d.key)
            self.refs[ref_of("line", lines[0].key)] = ["Opportunity", str(deal_id)]
        for line in lines if not self.on_deal else ():
            self.line(line, made, last)

    def stages(self, d: Deal, made: str, last: str | None) -> None:
        """Plant the stage history a deal would have: opened in the first stage, closed on its day."""
        row = self.org.store.table("Opportunity")[str(self.id_of("deal", d.key))]
        opened = self.org.stage(_STAGES["open"]) or {}
        chance = opened["DefaultProbability"]
        then = {"StageName": _STAGES["open"], "Probability": chance}
        then["ForecastCategory"] = opened["ForecastCategory"]
        then["ExpectedRevenue"] = round(float(d.amount) * chance / 100, 2)
        remember_stage(self.org, Change(), row, made, **then)
        if last is not None:
            remember_stage(self.org, Change(), row, max(made, last))

    def terms(self, line: ContractLine) -> dict[str, Any]:
        return {
            "Contract_Ref__c": line.key, "Contract_Product__c": line.product_key,
            "Contract_Seats__c": float(line.seats),
            "Contract_Start__c": line.start_on, "Contract_End__c": line.end_on,
            "Contract_Term_Months__c": None if line.term_months is None else float(line.term_months),
            "Contract_ARR__c": float(line.arr), "Contract_Kind__c": line.kind,
            "Contract_Billing__c": line.billing,
            "Contract_Auto_Renew__c": line.auto_renew, "Contract_Notice_Days__c": float(line.notice_days),
            "Contract_Co_Term_Group__c": line.co_term_group,
        }  # fmt: skip

    def line(self, line: ContractLine, made: str, last: str | None) -> None:
        product = self.id_of("product", line.product_key)
        arr, seats = float(line.arr), float(line.seats)
        names = [p.name for p in self.found.products if p.key == line.product_key]
        values = self.terms(line)
        values |= {
            "OpportunityId": self.id_of("deal", line.deal_key), "Product2Id": product,
            "ProductCode": line.product_key,
            "PricebookEntryId": self.id_of("price", _priced(line.product_key, line.currency)),
            "Name": (names or [line.product_key])[0], "CurrencyIsoCode": line.currency,
            "Quantity": seats, "TotalPrice": arr, "UnitPrice": round(arr / seats, 2) if seats else arr,
            "ServiceDate": line.start_on,
        }  # fmt: skip
        self.plant(("line", line.key), "OpportunityLineItem", values, made, last)

    def ticket(self, t: Ticket) -> None:
        closed = _instant(t.closed_at)
        values = {
            "CaseNumber": f"{self.org.count('case') + 1000:08d}", "Subject": t.subject[:255],
            "AccountId": self.id_of("account", t.account_key), "Status": "Closed" if closed else "Working",
            "Priority": t.priority.capitalize(), "IsEscalated": t.escalated, "IsClosed": closed is not None,
            "ClosedDate": closed, "Origin": "Email", "CSAT__c": None if t.csat is None else float(t.csat),
        }  # fmt: skip
        self.plant(("ticket", t.key), "Case", values, _instant(t.opened_at) or "", closed)

    def survey(self, s: SurveyResponse) -> None:
        values = {
            "Name": s.key[:80], "Account__c": self.id_of("account", s.account_key), "Kind__c": s.kind,
            "Contact__c": self.id_of("contact", s.contact_key), "Score__c": float(s.score),
            "Responded_At__c": _instant(s.at), "Survey_Ref__c": s.key,
        }  # fmt: skip
        self.plant(("survey", s.key), "Survey_Response__c", values, _instant(s.at) or "", None)
