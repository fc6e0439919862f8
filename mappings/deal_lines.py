"""The lines of a deal of ours as rows of Salesforce's OpportunityLineItem; pure.

A line is `seed` as a whole: set when it is made, people's from then on. It carries what the org prices and
totals by (quantity, total, date, the price it continues) and the contract fields the charter reads, so that
a renewal that is won is the next term's contract without anybody typing it. Its key is the deal's with its
place, which never changes. Neighbours: ``outbound`` makes the deal, ``integration`` finds today's price.
Source: object reference, "OpportunityLineItem": UnitPrice or TotalPrice, not both.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mappings.binding import Binding
from mappings.bindings import CrmEntry
from mappings.typed import write_value
from success.desired import DesiredLine, DesiredRecord, RecordKind, Value
from success.facts import LineKind

QUANTITY, TOTAL, DATE, PRICE = "Quantity", "TotalPrice", "ServiceDate", "PricebookEntryId"
_CUSTOM = "__c"  # the org's own fields; standard ones are filled by the org, or stand above


@dataclass(frozen=True, slots=True)
class LineRow:
    """A line to make: its key, and its values in the org's field names."""

    key: str
    values: dict[str, str | None]


def line_object(crm: CrmEntry) -> str | None:
    """Return the object that holds the lines of our deals, ``None`` where they have none."""
    wanted = crm.writes.renewal.lines or crm.writes.expansion.lines
    return crm.reads.contract_line.object if wanted else None


def line_rows(record: DesiredRecord, crm: CrmEntry) -> Iterator[LineRow]:
    """Yield the rows of a deal's lines; none where the charter wants none for its kind."""
    if record.kind in (RecordKind.RENEWAL, RecordKind.EXPANSION) and crm.writes.opening(record.kind).lines:
        for line in record.lines:
            yield LineRow(f"{record.key}:line:{line.position}", _values(line, crm))


def _values(line: DesiredLine, crm: CrmEntry) -> dict[str, str | None]:
    values = {name: write_value(value) for name, value in _contract(line, crm)}
    return values | {
        QUANTITY: write_value(line.quantity),
        TOTAL: write_value(line.amount),
        DATE: write_value(line.starts_on),
        PRICE: line.price_id,
    }


def _contract(line: DesiredLine, crm: CrmEntry) -> Iterator[tuple[str, Value]]:
    """Yield what the charter will read the line by once its deal is won."""
    fields = crm.reads.contract_line.fields
    pairs: tuple[tuple[Binding | None, Value], ...] = (
        (fields.product_id, line.product_id),
        (fields.quantity, line.quantity),
        (fields.kind, _word(fields.kind, LineKind.RECURRING.value)),
        (fields.start, line.starts_on),
        (fields.end, line.ends_on),
        (fields.arr, line.amount),
        (fields.term_months, line.term_months),
        (fields.renewal_of_line_id, line.continues),
    )
    for binding, value in pairs:
        if binding is not None and binding.field is not None and binding.field.endswith(_CUSTOM):
            yield binding.field, value


def _word(binding: Binding, meaning: str) -> str:
    """Return the org's word for a meaning of ours: the first the charter's map has, else the meaning."""
    return next((word for word, one in binding.map.items() if one == meaning), meaning)
