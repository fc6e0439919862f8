"""Loads a portfolio folder: its records appear as if they had always been in the portal.

Records get their historical times and no webhooks are sent. Values the vendor keeps in lists of
its own (industries) are matched to the nearest option; an industry without one becomes an option.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sandbox.hubspot.association_types import AssociationType
from sandbox.hubspot.catalogue import ObjectType
from sandbox.hubspot.derived import derive
from sandbox.hubspot.load_fields import make_own_properties
from sandbox.hubspot.portal import Portal
from sandbox.hubspot.records import Record
from sandbox.hubspot.times import stamp, to_ms
from sandbox.hubspot.writes import Writer
from sandbox.portfolio.model import (
    Account,
    Contact,
    ContractLine,
    Deal,
    Owner,
    Product,
    SurveyResponse,
    Ticket,
)
from sandbox.server.portfolio_files import REFS, PortfolioFolder, read_folder, ref_of

STAGES = {"open": "qualifiedtobuy", "won": "closedwon", "lost": "closedlost"}
ROLES = {"champion": "CHAMPION", "economic_buyer": "BUDGET_HOLDER", "admin": "OTHER", "user": "END_USER"}
NPS_GROUPS = ((9, "PROMOTER"), (7, "PASSIVE"), (0, "DETRACTOR"))
DAY_MS = 86_400_000


class Loader:
    """Loads one folder into one portal. Made anew for every load."""

    def __init__(self, portal: Portal, writer: Writer, folder: Path) -> None:
        """Read the folder. Raises ValueError when it is not a portfolio folder."""
        self._portal, self._writer = portal, writer
        self._folder: PortfolioFolder = read_folder(folder)
        self._refs: dict[str, tuple[str, str]] = {}
        self._records: list[Record] = []
        self._links: list[tuple[str, str, AssociationType]] = []
        self._counts: dict[str, int] = {}
        self._owner_ids: dict[str, str] = {}

    def load(self) -> dict[str, int]:
        """Make everything; return counts by vendor object."""
        folder, portal = self._folder, self._portal
        with portal.services.lock:
            make_own_properties(portal, folder.portfolio.contract_home, folder.attribute_names())
            self._currencies()
            self._owners(folder.owners)
            self._industries()
            self._companies()
            for contact in folder.contacts:
                self._contact(contact)
            for product in folder.products:
                self._product(product)
            self._deals()
            for ticket in folder.tickets:
                self._ticket(ticket)
            for survey in folder.surveys:
                self._survey(survey)
            self._save()
        return self._counts

    def _product(self, product: Product) -> None:
        values = {"name": product.name, "price": product.unit_price, "hs_sku": product.key}
        self._add("products", ref_of("product", product.key), values, self._first_day())

    def _currencies(self) -> None:
        settings = self._portal.services.settings
        home = self._folder.portfolio.currency
        used = {deal.currency for deal in self._folder.deals} | {
            one.currency for one in self._folder.accounts
        }
        settings.put("currency", home)
        settings.put("currencies", sorted(used - {home}))

    def _first_day(self) -> int:
        days = [account.created_on for account in self._folder.accounts]
        return to_ms(min(days)) if days else self._portal.clock.now_ms()

    def _owners(self, owners: tuple[Owner, ...]) -> None:
        rows = []
        for number, owner in enumerate(owners, len(self._portal.documents.all("owner"))):
            owner_id = str(81_000_001 + number)
            self._owner_ids[owner.key] = owner_id
            self._refs[ref_of("owner", owner.key)] = ("owners", owner_id)
            moment = stamp(self._first_day())
            body = {
                "id": owner_id,
                "email": owner.email,
                "type": "PERSON",
                "firstName": owner.first_name,
                "lastName": owner.last_name,
                "userId": 51_000_001 + number,
                "userIdIncludingInactive": 51_000_001 + number,
                "createdAt": moment,
                "updatedAt": moment,
                "archived": False,
                "teams": [],
            }
            rows.append(("", owner_id, body))
        self._portal.documents.put_many("owner", rows)
        self._counts["owners"] = len(rows)

    def _industries(self) -> None:
        kind = self._portal.type_of("companies")
        held = self._portal.properties.live(kind.type_id)["industry"]
        known = {option["value"] for option in held["options"]}
        extra = sorted({_option(account.industry) for account in self._folder.accounts} - known - {""})
        added = [
            {
                "label": value.replace("_", " ").title(),
                "value": value,
                "displayOrder": len(known) + n,
                "hidden": False,
            }
            for n, value in enumerate(extra)
        ]
        if added:
            changed = {**held, "options": [*held["options"], *added]}
            self._portal.properties.keep_changed(kind, changed)

    def _add(
        self,
        object_name: str,
        ref: str,
        values: Mapping[str, str | None],
        created: int,
        changed: int | None = None,
    ) -> str:
        kind = self._portal.type_of(object_name)
        record_id = self._portal.records.next_id()
        updated = max(created, changed or created)
        held = {name: value for name, value in values.items() if value}
        system = {
            "hs_object_id": record_id,
            kind.created: stamp(created),
            kind.modified: stamp(updated),
            "hs_object_source": "IMPORT",
            "hs_object_source_id": "1",
            "hs_object_source_label": "IMPORT",
        }
        full = derive(self._portal, kind, {**system, **held}, updated)
        self._records.append(Record(kind.type_id, record_id, full, created, updated, "IMPORT", "1", {}))
        self._refs[ref] = (kind.plural, record_id)
        self._counts[kind.plural] = self._counts.get(kind.plural, 0) + 1
        return record_id

    def _link(self, a: str, a_id: str, b: str, b_id: str, label: str | None = None) -> None:
        types = (self._portal.type_of(a).type_id, self._portal.type_of(b).type_id)
        found = [one for one in self._portal.association_types.between(*types) if one.label == label]
        self._links.append((a_id, b_id, found[0]))

    def _company_id(self, account_key: str) -> str:
        return self._refs[ref_of("account", account_key)][1]

    def _owner(self, key: str | None) -> str | None:
        return self._owner_ids.get(key) if key else None

    def _companies(self) -> None:
        customers = {line.account_key for line in self._folder.lines}
        for account in self._folder.accounts:
            self._company(account, "customer" if account.key in customers else "lead")
        for account in self._folder.accounts:
            if account.parent_key:
                parent, child = self._company_id(account.parent_key), self._company_id(account.key)
                self._link("companies", parent, "companies", child, "Child Company")

    def _company(self, account: Account, stage: str) -> None:
        values: dict[str, str | None] = {
            "name": account.name,
            "domain": account.domain,
            "industry": _option(account.industry),
            "country": account.country,
            "numberofemployees": str(account.employees),
            "hubspot_owner_id": self._owner(account.owner_key),
            "lifecyclestage": stage,
            "customer_ref": account.key,
            **account.attributes,
        }
        self._add("companies", ref_of("account", account.key), values, to_ms(account.created_on))

    def _contact(self, contact: Contact) -> None:
        values: dict[str, str | None] = {
            "email": contact.email.lower(),
            "firstname": contact.first_name,
            "lastname": contact.last_name,
            "jobtitle": contact.title,
            "hs_buying_role": ROLES.get(contact.role),
            "associatedcompanyid": self._company_id(contact.account_key),
        }
        made = self._add("contacts", ref_of("contact", contact.key), values, to_ms(contact.created_on))
        self._link("contacts", made, "companies", self._company_id(contact.account_key), "Primary")

    def _deals(self) -> None:
        lines = self._folder.lines_by_deal()
        for deal in self._folder.deals:
            own = lines.get(deal.key, [])
            on_deal = self._folder.portfolio.contract_home == "deal"
            deal_id = self._deal(deal, own[0] if on_deal and own else None)
            if not on_deal:
                for line in own:
                    self._line_item(line, deal, deal_id)

    def _deal(self, deal: Deal, line: ContractLine | None) -> str:
        created, closed = to_ms(deal.created_on), to_ms(deal.close_on)
        values: dict[str, str | None] = {
            "dealname": deal.name,
            "amount": deal.amount,
            "deal_currency_code": deal.currency,
            "closedate": stamp(closed),
            "pipeline": "default",
            "dealstage": STAGES[deal.stage],
            "dealtype": "newbusiness" if deal.kind == "new" else "existingbusiness",
            "deal_kind": deal.kind,
            "hubspot_owner_id": self._owner(deal.owner_key),
            **(self._contract(line) if line else {}),
        }
        changed = closed if deal.stage != "open" else created
        made = self._add("deals", ref_of("deal", deal.key), values, created, changed)
        if line:
            self._refs[ref_of("line", line.key)] = ("deals", made)
        self._link("deals", made, "companies", self._company_id(deal.account_key), "Primary")
        return made

    def _contract(self, line: ContractLine) -> dict[str, str | None]:
        return {
            "contract_ref": line.key,
            "contract_product": line.product_key,
            "contract_seats": str(line.seats),
            "contract_start": line.start_on,
            "contract_end": line.end_on,
            "contract_term_months": None if line.term_months is None else str(line.term_months),
            "contract_arr": line.arr,
            "contract_kind": line.kind,
            "contract_billing": line.billing,
            "contract_auto_renew": "true" if line.auto_renew else "false",
            "contract_notice_days": str(line.notice_days),
            "contract_co_term_group": line.co_term_group,
        }

    def _line_item(self, line: ContractLine, deal: Deal, deal_id: str) -> None:
        product = self._refs.get(ref_of("product", line.product_key))
        names = [one.name for one in self._folder.products if one.key == line.product_key]
        recurring = line.kind == "recurring"
        contract = self._contract(line)
        values: dict[str, str | None] = {
            "name": (names or [line.product_key])[0],
            "hs_product_id": product[1] if product else None,
            "quantity": "1",
            "price": line.arr,
            "hs_line_item_currency_code": line.currency,
            "recurringbillingfrequency": ("annually" if line.billing == "annual" else "monthly")
            if recurring
            else None,
            "hs_recurring_billing_period": f"P{line.term_months}M"
            if recurring and line.term_months
            else None,
            "hs_recurring_billing_start_date": line.start_on if recurring else None,
            "hs_recurring_billing_end_date": line.end_on if recurring else None,
            **contract,
        }
        made = self._add("line_items", ref_of("line", line.key), values, to_ms(deal.created_on))
        self._link("line_items", made, "deals", deal_id)

    def _ticket(self, ticket: Ticket) -> None:
        opened = to_ms(ticket.opened_at)
        closed = to_ms(ticket.closed_at) if ticket.closed_at else None
        values: dict[str, str | None] = {
            "subject": ticket.subject,
            "hs_pipeline": "0",
            "hs_pipeline_stage": "1" if closed is None else "4",
            "hs_ticket_priority": ticket.priority.upper(),
            "closed_date": None if closed is None else stamp(closed),
            "support_escalated": "true" if ticket.escalated else "false",
            "support_csat": None if ticket.csat is None else str(ticket.csat),
        }
        made = self._add("tickets", ref_of("ticket", ticket.key), values, opened, closed)
        self._link("tickets", made, "companies", self._company_id(ticket.account_key), "Primary")

    def _survey(self, survey: SurveyResponse) -> None:
        at = to_ms(survey.at)
        group = (
            next(name for least, name in NPS_GROUPS if survey.score >= least)
            if survey.kind == "nps"
            else None
        )
        values: dict[str, str | None] = {
            "hs_survey_type": survey.kind.upper(),
            "hs_survey_name": f"{survey.kind.upper()} survey",
            "hs_value": str(survey.score),
            "hs_response_group": group,
            "hs_submission_timestamp": stamp(at),
        }
        if survey.contact_key:
            values["hs_contact_id"] = self._refs[ref_of("contact", survey.contact_key)][1]
        made = self._add("feedback_submissions", ref_of("survey", survey.key), values, at)
        self._link("feedback_submissions", made, "companies", self._company_id(survey.account_key))
        if survey.contact_key:
            contact_id = self._refs[ref_of("contact", survey.contact_key)][1]
            self._link("feedback_submissions", made, "contacts", contact_id)

    def _save(self) -> None:
        portal = self._portal
        kinds: dict[str, ObjectType] = {kind.type_id: kind for kind in portal.catalogue.all()}
        with self._writer.transaction():
            for record in self._records:
                portal.move_unique(kinds[record.type_id], None, record)
            portal.records.keep(self._records, at_once=True)
            for a_id, b_id, kind in self._links:
                portal.links.add(a_id, b_id, [kind])
        portal.services.settings.put_each(REFS, self._refs)


def _option(industry: str) -> str:
    return industry.strip().upper().replace(" & ", "_").replace(" ", "_").replace("-", "_")
