"""From a CRM's records to the facts of customer success, through the charter; pure.

``sync/facts.py`` calls it with records of the mirror. A record that contradicts the charter is
returned as a ``Contradiction``: quarantined and shown, never raised and never guessed at.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from integration.deal_pipelines import Pipeline, Stage
from integration.owners import OWNERS
from integration.port import CrmRecord, ObjectSpec, ReadQuery
from mappings.binding import Binding
from mappings.bindings import CrmEntry, DealReads, LineReads, TicketFields, TicketReads
from mappings.catalogue import OWN_OBJECTS, Home
from mappings.charter import Charter
from mappings.freshness import (
    KEPT_DAILY,
    OWN,
    OWN_WITH_THE_BIN,
    OWNERS_READ,
    READ,
    READ_WITH_THE_BIN,
    Promise,
    promise,
)
from mappings.homes import OBJECTS, Homes
from mappings.human_fields import AUTHORS, holder, human_names
from mappings.naming import HUBSPOT, key_field, vendor_name
from mappings.outbound import object_specs
from mappings.quoting import RENEWAL, renewal_mark
from mappings.row import Contradicted, Row
from success.desired import RecordKind
from success.facts import Account, ContractLine, Deal, DealState, LineKind, Money, Ticket

CSAT_SCALE = range(1, 6)


@dataclass(frozen=True, slots=True, order=True)
class Contradiction:
    """A record that cannot be a fact: which one, which of its fields, and why."""

    object: str
    record_id: str
    field: str
    reason: str


@dataclass(frozen=True, slots=True)
class Inbound:
    """All that reading a CRM's records takes. ``currency`` stands in where a record names none.

    ``renewal_mark`` is the field by which a quoting package tells its renewals, where the CRM has it.
    """

    vendor: str
    crm: CrmEntry
    pipelines: tuple[Pipeline, ...]
    zone: ZoneInfo
    currency: str
    renewal_mark: str | None = None

    def marked(self, query: ReadQuery) -> ReadQuery:
        """Return the query with the mark of renewals among its fields, where it reads deals."""
        if self.renewal_mark is None or query.object != self.crm.reads.deal.object:
            return query
        return replace(query, fields=tuple(dict.fromkeys((*query.fields, self.renewal_mark))))


def inbound_of(
    charter: Charter, vendor: str, pipelines: tuple[Pipeline, ...], deal_fields: Collection[str] = ()
) -> Inbound:
    """Return the reading side of ``charter`` for one CRM, with its pipelines as described now.

    ``deal_fields`` are those the CRM showed of its deals.
    """
    zone, currency = ZoneInfo(charter.time_zone), charter.policies.reporting_currency
    mark = renewal_mark(vendor, deal_fields)
    return Inbound(vendor, charter.crm_for(vendor), pipelines, zone, currency, mark)


def to_account(record: CrmRecord, inbound: Inbound) -> Account | Contradiction:
    """Return the account in ``record``; attributes nothing is written in are left out."""
    fields, row = inbound.crm.reads.account.fields, Row(record, inbound.zone)
    try:
        attributes = {name: row.text(binding) for name, binding in fields.attributes.items()}
        return Account(
            account_id=record.id,
            name=row.required_text(fields.name),
            created_on=row.created_day(fields.created_on),
            parent_id=row.text(fields.parent_id),
            owner_id=row.text(fields.owner_id),
            attributes={name: text for name, text in attributes.items() if text is not None},
        )
    except Contradicted as error:
        return _contradiction(record, error)


def to_deal(record: CrmRecord, inbound: Inbound) -> Deal | Contradiction:
    """Return the deal in ``record``, its state by the pipeline's flags; no amount is an amount of 0."""
    reads, row = inbound.crm.reads.deal, Row(record, inbound.zone)
    fields = reads.fields
    try:
        currency = row.text(fields.currency) or inbound.currency
        return Deal(
            deal_id=record.id,
            account_id=row.link(reads.parent),
            name=row.text(fields.name) or "",
            state=_state(row, reads, inbound.pipelines),
            kind=RENEWAL if _is_marked(record, inbound) else row.required_text(fields.kind),
            amount=row.money(fields.amount, currency) or Money(0, currency),
            close_on=row.day(fields.close_on),
            created_on=row.created_day(fields.created_on),
            owner_id=row.text(fields.owner_id),
            cs_key=record.values.get(key_field(inbound.vendor)) or None,
        )
    except Contradicted as error:
        return _contradiction(record, error)


def _is_marked(record: CrmRecord, inbound: Inbound) -> bool:
    return inbound.renewal_mark is not None and bool(record.values.get(inbound.renewal_mark))


def to_line(record: CrmRecord, deal: Deal, inbound: Inbound) -> ContractLine | Contradiction | None:
    """Return the contract line in ``record`` of ``deal``; ``None`` unless the deal is won.

    ``record`` is the line item, or the deal's own record where the charter reads lines from deals.
    """
    if deal.state is not DealState.WON:
        return None
    try:
        signed = _Signed(deal.account_id, deal.amount.currency, deal.close_on, deal.deal_id)
        return _line(Row(record, inbound.zone), signed, inbound.crm.reads.contract_line)
    except Contradicted as error:
        return _contradiction(record, error)


def to_own_line(record: CrmRecord, inbound: Inbound) -> ContractLine | Contradiction | None:
    """Return the contract line in a contract or asset; ``None`` unless it is in force.

    Without a day of booking of its own it was booked on the day it starts.
    """
    reads, row = inbound.crm.reads.contract_line, Row(record, inbound.zone)
    try:
        return _line(row, _Signed(row.link(str(reads.parent)), inbound.currency, None), reads)
    except Contradicted as error:
        return _contradiction(record, error)


def to_ticket(record: CrmRecord, inbound: Inbound) -> Ticket | Contradiction:
    """Return the ticket in ``record``; raise ``ValueError`` when the charter reads no tickets."""
    reads, row = inbound.crm.reads.ticket, Row(record, inbound.zone)
    if reads is None:
        raise ValueError("the charter reads no tickets")
    fields = reads.fields
    try:
        opened_at = row.instant(fields.opened_at) or record.created_at
        return Ticket(
            ticket_id=record.id,
            account_id=row.link(reads.parent),
            priority=row.required_text(fields.priority),
            opened_at=opened_at,
            closed_at=_closed_at(row, reads, opened_at),
            escalated=row.boolean(fields.escalated),
            csat=_csat(row, fields),
            reopened=row.times(fields.reopened),
        )
    except Contradicted as error:
        return _contradiction(record, error)


def read_queries(
    charter: Charter, vendor: str, *, installed: bool = True, homes: Homes = OBJECTS
) -> tuple[ReadQuery, ...]:
    """Return one query per vendor object: exactly the fields the charter needs, and the links.

    Where contract lines stand on the deal, the deal's query reads them. With ``installed`` our own
    fields on the customer's objects are read too, so that changes by others are seen; before the
    first install they do not exist and must not be asked for.
    """
    crm = charter.crm_for(vendor)
    fields: dict[str, list[str]] = {}
    links: dict[str, list[str]] = {}
    for entry in crm.entries().values():
        fields.setdefault(entry.object, []).extend(_bound_fields(entry.fields))
        parent = getattr(entry, "parent", None)
        links.setdefault(entry.object, []).extend([parent] if parent else [])
    if installed:
        for spec in object_specs(charter, vendor, homes):
            if spec.name in fields:
                fields[spec.name].extend((*(one.name for one in spec.fields), *_authors(spec, crm, vendor)))
    return tuple(
        ReadQuery(name, tuple(dict.fromkeys(wanted)), tuple(dict.fromkeys(links[name])))
        for name, wanted in fields.items()
    )


def own_queries(charter: Charter, vendor: str, homes: Homes = OBJECTS) -> tuple[ReadQuery, ...]:
    """Return one query per object of ours, all its fields: what the mirror observes of our own writes.

    Links are left out: the ledger knows under what our records hang.
    """
    crm = charter.crm_for(vendor)
    return tuple(
        ReadQuery(
            spec.name,
            tuple(
                dict.fromkeys(
                    (*(one.name for one in spec.fields), spec.primary_field, *_authors(spec, crm, vendor))
                )
            ),
        )
        for spec in object_specs(charter, vendor, homes)
        if spec.custom
    )


def _authors(spec: ObjectSpec, crm: CrmEntry, vendor: str) -> tuple[str, ...]:
    """Return the CRM's own fields that say who saved a record last, where people write for us on it."""
    return AUTHORS[vendor] if spec.name == holder(crm, vendor) else ()


def promises(charter: Charter, vendor: str, homes: Homes) -> dict[str, Promise]:
    """Return how fresh each object read is to be, by its vendor name; parents first, ours last."""
    crm = charter.crm_for(vendor)
    read = dict.fromkeys(entry.object for entry in crm.entries().values())
    kinds = [kind.value for kind in OWN_OBJECTS if homes.of[kind] is Home.OBJECT]
    theirs, ours = (READ, OWN) if vendor == HUBSPOT else (READ_WITH_THE_BIN, OWN_WITH_THE_BIN)
    own = {kind: vendor_name(kind, vendor) for kind in kinds}
    filled_in = holder(crm, vendor)  # people write for us on it, so it is read as soon as what is theirs
    rarely = {RecordKind.SNAPSHOT.value: KEPT_DAILY}
    return {name: promise(crm.freshness, name, theirs) for name in read} | {
        name: promise(crm.freshness, kind, theirs if name == filled_in else rarely.get(kind, ours))
        for kind, name in own.items()
    }


def owners_promise(charter: Charter, vendor: str) -> timedelta | None:
    """Return how old what we know of the owners may be; ``None`` where the charter's accounts name none."""
    crm = charter.crm_for(vendor)
    if not crm.names_owners():
        return None
    return promise(crm.freshness, OWNERS, Promise(OWNERS_READ, OWNERS_READ)).changes


def watched_fields(charter: Charter, vendor: str) -> dict[str, tuple[str, ...]]:
    """Return the vendor objects and fields whose changes should reach us (the charter's webhooks).

    The time of creation is left out: it moves once, and the creation tells of itself. What people fill in
    for us is watched wherever anything of its object is.
    """
    crm = charter.crm_for(vendor)
    entries = crm.entries().values()
    made = {binding.field for entry in entries if (binding := getattr(entry.fields, "created_on", None))}
    read = {
        query.object: tuple(name for name in query.fields if name not in made)
        for query in read_queries(charter, vendor, installed=False)
    }
    said = {holder(crm, vendor): human_names(vendor)}
    return {name: (*(fields or read[name]), *said.get(name, ())) for name, fields in crm.webhooks.items()}


def _state(row: Row, reads: DealReads, pipelines: tuple[Pipeline, ...]) -> DealState:
    stage_id = row.required_text(reads.fields.stage)
    if stage_id in reads.stages.won:
        return DealState.WON
    if stage_id in reads.stages.lost:
        return DealState.LOST
    stage = _stage(stage_id, row.text(reads.fields.pipeline), pipelines)
    if stage is None:
        name = _field_name(reads.fields.stage, "stage")
        raise Contradicted(name, f"no pipeline has the stage {stage_id!r}")
    if not stage.closed:
        return DealState.OPEN
    return DealState.WON if stage.won else DealState.LOST


def _stage(stage_id: str, pipeline_id: str | None, pipelines: tuple[Pipeline, ...]) -> Stage | None:
    """Return the stage in its own pipeline, or in any where the deal names none or one unknown."""
    own = [pipeline for pipeline in pipelines if pipeline.id == pipeline_id] or pipelines
    return next((stage for pipeline in own for stage in pipeline.stages if stage.id == stage_id), None)


@dataclass(frozen=True, slots=True)
class _Signed:
    """What a line has from what it hangs under: the account, a currency, a day of booking, the deal."""

    account_id: str
    currency: str
    booked_on: date | None
    deal_id: str | None = None


def _line(row: Row, signed: _Signed, reads: LineReads) -> ContractLine | None:
    fields = reads.fields
    if fields.in_force is not None and not row.boolean(fields.in_force):
        return None
    kind = row.required_text(fields.kind)
    if kind not in set(LineKind):
        raise Contradicted(_field_name(fields.kind, "kind"), f"{kind!r} is none of {', '.join(LineKind)}")
    start, end = row.required_day(fields.start), row.day(fields.end)
    if end is not None and end < start:
        raise Contradicted(_field_name(fields.end, "end"), f"it ends on {end}, before it starts on {start}")
    quantity = row.required_integer(fields.quantity)
    if quantity < 0:
        raise Contradicted(_field_name(fields.quantity, "quantity"), f"{quantity} is less than none")
    currency = row.text(fields.currency) or signed.currency
    return ContractLine(
        line_id=row.text(fields.line_id) or row.record.id,
        account_id=signed.account_id,
        product_id=row.required_text(fields.product_id),
        quantity=quantity,
        kind=LineKind(kind),
        start=start,
        end=end,
        arr=row.required_money(fields.arr, currency),
        term_months=row.integer(fields.term_months),
        auto_renew=row.boolean(fields.auto_renew),
        notice_days=row.integer(fields.notice_days) or 0,
        co_term_group=row.text(fields.co_term_group),
        supersedes_line_id=row.text(fields.supersedes_line_id),
        renewal_of_line_id=row.text(fields.renewal_of_line_id),
        booked_on=row.day(fields.booked_on) or signed.booked_on or start,
        source_id=row.record.id,
        cancelled_on=row.day(fields.cancelled_on),
        last_paid_on=row.day(fields.last_paid_on),
        ramp=row.amounts(fields.ramp, currency),
        price_id=row.text(fields.price_id),
        deal_id=signed.deal_id,
    )


def _csat(row: Row, fields: TicketFields) -> int | None:
    csat = row.integer(fields.csat)
    if csat is not None and csat not in CSAT_SCALE:
        raise Contradicted(_field_name(fields.csat, "csat"), f"{csat} is not between 1 and 5")
    return csat


def _closed_at(row: Row, reads: TicketReads, opened_at: datetime) -> datetime | None:
    closed_at = row.instant(reads.fields.closed_at) if _is_closed(row, reads) else None
    if closed_at is not None and closed_at < opened_at:
        name = _field_name(reads.fields.closed_at, "closed_at")
        raise Contradicted(name, "the ticket was closed before it was opened")
    return closed_at


def _is_closed(row: Row, reads: TicketReads) -> bool:
    """Say whether the ticket is closed by its stage; without declared stages its closing time says so."""
    if not reads.closed_stages or reads.fields.stage is None:
        return True
    return row.text(reads.fields.stage) in reads.closed_stages


def _bound_fields(fields: BaseModel) -> list[str]:
    """Return the vendor's names of all the fields a canonical object is read from, in charter order."""
    names: list[str] = []
    for name in type(fields).model_fields:
        value = getattr(fields, name)
        bindings = value.values() if isinstance(value, dict) else [value]
        names += [binding.field for binding in bindings if isinstance(binding, Binding) and binding.field]
    return names


def _field_name(binding: Binding | None, canonical: str) -> str:
    return binding.field if binding is not None and binding.field else canonical


def _contradiction(record: CrmRecord, error: Contradicted) -> Contradiction:
    return Contradiction(record.object, record.id, error.field, error.reason)
