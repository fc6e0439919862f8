"""The half of the charter that speaks of one CRM: what its fields mean, and what is ours to write.

One ``CrmEntry`` per vendor. Names of the vendor's objects and fields appear here as the vendor
spells them; ``mappings.inbound`` reads through them, ``mappings.outbound`` writes.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from integration.owners import OWNERS
from mappings.binding import Binding
from mappings.catalogue import CATALOGUE, OWN_OBJECTS, Home, KeptList
from mappings.deal_opening import DealOpening
from mappings.freshness import FreshnessEntry
from mappings.further_reads import ProductReads, SurveyReads
from mappings.problems import suggest
from mappings.scalars import Finding, Model, Name, refuse
from success.desired import RecordKind


class AccountFields(Model):
    """The fields of an account; ``attributes`` are the customer's own, by name."""

    name: Binding
    created_on: Binding | None = None
    parent_id: Binding | None = None
    owner_id: Binding | None = None
    attributes: dict[str, Binding] = Field(default_factory=dict)


class DealFields(Model):
    """The fields of a deal; without ``created_on`` the CRM's own time of creation counts."""

    name: Binding
    amount: Binding
    currency: Binding | None = None
    close_on: Binding
    created_on: Binding | None = None
    stage: Binding
    pipeline: Binding | None = None
    owner_id: Binding | None = None
    kind: Binding


class LineFields(Model):
    """The fields of a contract line (domain A.0); without ``line_id`` the CRM's id counts.

    ``in_force`` says true of what counts, such as an activated contract; without it everything does.
    """

    line_id: Binding | None = None
    product_id: Binding
    quantity: Binding
    kind: Binding
    start: Binding
    end: Binding | None = None
    arr: Binding
    currency: Binding | None = None
    term_months: Binding | None = None
    auto_renew: Binding | None = None
    notice_days: Binding | None = None
    co_term_group: Binding | None = None
    supersedes_line_id: Binding | None = None
    renewal_of_line_id: Binding | None = None
    booked_on: Binding | None = None
    cancelled_on: Binding | None = None
    last_paid_on: Binding | None = None
    ramp: Binding | None = None
    in_force: Binding | None = None
    price_id: Binding | None = Field(
        default=None,
        description="The price of the product in the CRM's own price list; deals of ours continue it.",
    )


class TicketFields(Model):
    """The fields of a support ticket; without ``opened_at`` the CRM's own time of creation counts."""

    priority: Binding
    opened_at: Binding | None = None
    closed_at: Binding
    escalated: Binding | None = None
    csat: Binding | None = None
    stage: Binding | None = None
    reopened: Binding | None = Field(
        default=None, description="How often it was opened again, or whether at all."
    )


class AccountReads(Model):
    """Which object holds accounts."""

    object: Name
    fields: AccountFields


class StageOverride(Model):
    """Stages to count as won or lost whatever the pipeline's own flags say."""

    won: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()


class DealReads(Model):
    """Which object holds deals; ``parent`` is the object it is linked to."""

    object: Name
    parent: Name
    fields: DealFields
    stages: StageOverride = StageOverride()


class LineReads(Model):
    """Where contract lines stand: on line items of deals, on the deal itself, or on contracts or assets."""

    source: Literal["deal", "line_item", "contract", "asset"] = Field(alias="from")
    object: Name
    parent: Name | None = None
    fields: LineFields

    @property
    def on_account(self) -> bool:
        """Return whether lines are records of their own under the account, and no deal's."""
        return self.source in ("contract", "asset")

    @model_validator(mode="after")
    def _hangs_under_something(self) -> LineReads:
        if self.source != "deal" and self.parent is None:
            what = "the account" if self.on_account else "the deal"
            named = self.source.replace("_", " ")
            refuse([Finding((), f"{named}s need {what} they hang under", "Add `parent:`.")])
        return self


class TicketReads(Model):
    """Which object holds tickets; ``closed_stages`` decide where the closing time outlives a reopening."""

    object: Name
    parent: Name
    fields: TicketFields
    closed_stages: tuple[str, ...] = ()


Entry = AccountReads | DealReads | LineReads | TicketReads | SurveyReads | ProductReads


class Reads(Model):
    """What is read, per canonical object; ``ticket`` and what stands behind it may be left out."""

    account: AccountReads
    deal: DealReads
    contract_line: LineReads
    ticket: TicketReads | None = None
    survey: SurveyReads | None = None
    product: ProductReads | None = None

    @model_validator(mode="after")
    def _objects_hang_together(self) -> Reads:
        account, deal, line = self.account.object, self.deal.object, self.contract_line
        where_line = ("contract_line", "object") if line.source == "deal" else ("contract_line", "parent")
        above_line = account if line.on_account else deal
        expected = [
            (("deal", "parent"), self.deal.parent, account),
            (where_line, line.object if line.source == "deal" else line.parent, above_line),
        ]
        hung = {"ticket": self.ticket, "survey": self.survey}
        expected += [((name, "parent"), one.parent, account) for name, one in hung.items() if one is not None]
        refuse(
            [
                Finding(at, f"{written!r} is not the object read above", f"Write {wanted}.")
                for at, written, wanted in expected
                if written != wanted
            ]
        )
        return self


class Ownership(StrEnum):
    """Who decides a field's value: we always, we on creation only, or people only."""

    OURS = "ours"
    SEED = "seed"
    HUMAN = "human"


class DuplicatePolicy(StrEnum):
    """What becomes of a write that a duplicate rule of the CRM only warns of (Salesforce)."""

    BLOCK = "block"
    ALLOW = "allow"


class HomesEntry(Model):
    """Who gets a custom object where not every kind of record can have one (HubSpot)."""

    priority: tuple[RecordKind, ...] = Field(
        default=OWN_OBJECTS,
        description="The kinds that may have a custom object, first come first; the others do without.",
    )
    without: tuple[Home, ...] = Field(default=(), description="Homes that are passed over, such as task.")

    @field_validator("priority")
    @classmethod
    def _kinds_of_ours_once(cls, kinds: tuple[RecordKind, ...]) -> tuple[RecordKind, ...]:
        known = [kind.value for kind in OWN_OBJECTS]
        wrong = [
            Finding((index,), f"a {kind.value} never has a custom object", suggest(kind.value, known))
            for index, kind in enumerate(kinds)
            if kind not in OWN_OBJECTS
        ]
        twice = [
            Finding((index,), f"{kind.value!r} stands in the list before", "Name each kind once.")
            for index, kind in enumerate(kinds)
            if kind in kinds[:index]
        ]
        refuse([*wrong, *twice])
        return kinds

    @field_validator("without")
    @classmethod
    def _may_be_passed_over(cls, homes: tuple[Home, ...]) -> tuple[Home, ...]:
        remedies = {
            Home.OBJECT: "Leave the kind out of `priority` instead.",
            Home.MIRROR: "It is where a record stands when every other home is passed over.",
        }
        refuse(
            [
                Finding((index,), f"the home {home.value!r} cannot be passed over", remedies[home])
                for index, home in enumerate(homes)
                if home in remedies
            ]
        )
        return homes


class Writes(Model):
    """What we write. Names of our objects and fields come from ``mappings.naming``, never from here."""

    on_account: tuple[str, ...] = Field(
        default=(), description="Profile fields that also stand on the account itself."
    )
    lists: tuple[KeptList, ...] = Field(
        default=tuple(KeptList),
        description="Lists of accounts that keep themselves (HubSpot); the fields they ask stand on the "
        "account.",
    )
    profile_lookup: bool = Field(default=False, description="The account points to its profile.")
    homes: HomesEntry = HomesEntry()
    renewal: DealOpening
    expansion: DealOpening
    duplicates: DuplicatePolicy = Field(
        default=DuplicatePolicy.BLOCK,
        description="A write that a duplicate rule only warns of is shown as blocked, or saved all the same "
        "(Salesforce).",
    )
    ownership: dict[RecordKind, dict[str, Ownership]] = Field(
        default_factory=dict, description="Fields owned otherwise than the catalogue says."
    )

    @field_validator("on_account")
    @classmethod
    def _profile_has_them(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        known = [entry.name for entry in CATALOGUE[RecordKind.PROFILE]]
        refuse(
            [
                Finding((index,), f"the profile has no field {name!r}", suggest(name, known))
                for index, name in enumerate(names)
                if name not in known
            ]
        )
        return names

    @field_validator("ownership")
    @classmethod
    def _records_have_them(
        cls, owners: dict[RecordKind, dict[str, Ownership]]
    ) -> dict[RecordKind, dict[str, Ownership]]:
        known = {kind: [entry.name for entry in CATALOGUE[kind]] for kind in owners}
        refuse(
            [
                Finding(
                    (kind.value, name), f"a {kind.value} has no field {name!r}", suggest(name, known[kind])
                )
                for kind, fields in owners.items()
                for name in fields
                if name not in known[kind]
            ]
        )
        return owners

    def opening(self, kind: RecordKind) -> DealOpening:
        """Return how a renewal or an expansion begins."""
        return self.renewal if kind is RecordKind.RENEWAL else self.expansion


Webhooks = Annotated[
    dict[str, tuple[str, ...]],
    Field(description="Objects to be told about, each with its fields; none means every field read."),
]


FreshnessByObject = Annotated[
    dict[str, FreshnessEntry],
    Field(
        description="Minutes until what no push told of is read, by an object read above or a kind of ours."
    ),
]


class CrmEntry(Model):
    """One CRM: what is read from it, what is written to it, and which changes it should report."""

    reads: Reads
    writes: Writes
    webhooks: Webhooks = Field(default_factory=dict)
    freshness: FreshnessByObject = Field(default_factory=dict)

    @model_validator(mode="after")
    def _lines_are_read_with_their_prices(self) -> CrmEntry:
        lines = self.reads.contract_line
        priced = lines.source == "line_item" and lines.fields.price_id is not None
        refuse(
            [
                Finding(
                    ("writes", kind.value, "lines"),
                    "a deal's lines continue the prices of contract lines, which are not read",
                    "Read contract lines `from: line_item`, with `price_id` among their fields.",
                )
                for kind in (RecordKind.RENEWAL, RecordKind.EXPANSION)
                if self.writes.opening(kind).lines and not priced
            ]
        )
        return self

    @model_validator(mode="after")
    def _roles_are_of_deals_that_are_read(self) -> CrmEntry:
        wrong = "contracts and assets do not say which deal sold them, whose contact roles would be copied"
        refuse(
            [
                Finding(("writes", kind.value, "contact_roles"), wrong, "Read contract lines from deals.")
                for kind in (RecordKind.RENEWAL, RecordKind.EXPANSION)
                if self.writes.opening(kind).contact_roles and self.reads.contract_line.on_account
            ]
        )
        return self

    @model_validator(mode="after")
    def _webhooks_name_read_objects(self) -> CrmEntry:
        known = [entry.object for entry in self.entries().values()]
        refuse(
            [
                Finding(("webhooks", name), f"nothing is read from {name!r}", suggest(name, known))
                for name in self.webhooks
                if name not in known
            ]
        )
        return self

    @model_validator(mode="after")
    def _freshness_names_what_is_read(self) -> CrmEntry:
        known = [entry.object for entry in self.entries().values()] + [kind.value for kind in OWN_OBJECTS]
        known += [OWNERS] if self.names_owners() else []
        refuse(
            [
                Finding(("freshness", name), f"nothing is read from {name!r}", suggest(name, known))
                for name in self.freshness
                if name not in known
            ]
        )
        return self

    def names_owners(self) -> bool:
        """Return whether accounts say in a field of the CRM to whom they belong."""
        binding = self.reads.account.fields.owner_id
        return binding is not None and binding.field is not None

    def entries(self) -> Mapping[str, Entry]:
        """Return what is read by canonical object name; what the charter leaves out is left out."""
        reads = self.reads
        entries: dict[str, Entry | None] = {
            "account": reads.account,
            "deal": reads.deal,
            "contract_line": reads.contract_line,
            "ticket": reads.ticket,
            "survey": reads.survey,
            "product": reads.product,
        }
        return {name: entry for name, entry in entries.items() if entry is not None}
