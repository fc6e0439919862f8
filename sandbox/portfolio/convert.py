"""Reads somebody else's CSV files by a mapping and writes them as a portfolio folder.

The first thing wrong in the data stops it with one error that names file, row, column and
remedy, and nothing is written. What contradicts itself but can be told (a line that ends
before it starts) is kept: showing that is the product's work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final

from sandbox.portfolio.cells import CellError, Row, text_of
from sandbox.portfolio.csvfile import DataError, rows
from sandbox.portfolio.mapping import CsvMapping, FieldRule, Source
from sandbox.portfolio.model import (
    Account,
    ContractLine,
    Deal,
    Owner,
    Portfolio,
    Product,
    SurveyResponse,
    Ticket,
    UsageEvent,
)
from sandbox.portfolio.read import Record
from sandbox.portfolio.shapes import SHAPES
from sandbox.portfolio.write import FolderWriter, new_folder

Values = dict[str, Any]


class FieldProblem(ValueError):
    """What is wrong with one field of a record, before file and row are known."""

    def __init__(self, name: str, message: str) -> None:
        """Keep the field's name."""
        self.name = name
        super().__init__(message)


@dataclass(slots=True)
class Known:
    """What has been read so far, by key, for what refers to it; ``row`` is the one being read."""

    mapping: CsvMapping
    owners: dict[str, Owner]
    products: dict[str, Product]
    accounts: dict[str, Account] = field(default_factory=dict)
    deals: dict[str, Deal] = field(default_factory=dict)
    lines: dict[str, ContractLine] = field(default_factory=dict)
    deals_with_line: set[str] = field(default_factory=set)
    row: int = 0
    row_of: dict[tuple[type[Record], str], int] = field(default_factory=dict)


def convert(source: Path, mapping: CsvMapping, target: Path, as_of: date) -> dict[str, int]:
    """Write the CSV files of ``source`` as a portfolio and return the records per file.

    Raises:
        DataError: a file, column or value cannot be used.
        TargetError: the target holds something that is not a portfolio.

    """
    known = Known(
        mapping,
        {one.key: Owner(one.key, one.email, one.first_name, one.last_name) for one in mapping.owners},
        {one.key: Product(one.key, one.name, one.unit_price) for one in mapping.products},
    )
    with new_folder(target) as writer:
        writer.add(known.owners.values())
        writer.add(known.products.values())
        for part, kind in _parts(mapping):
            _write_part(source, part, kind, known, writer)
        _check_whole(mapping, known)
        writer.describe(Portfolio(mapping.name, as_of.isoformat(), mapping.contract_home, mapping.currency))
    return writer.counts


def _parts(mapping: CsvMapping) -> list[tuple[Source[Any], type[Record]]]:
    """Return the entities the mapping has, what is referred to before what refers to it."""
    every: list[tuple[Source[Any] | None, type[Record]]] = [
        (mapping.accounts, Account),
        (mapping.deals, Deal),
        (mapping.lines, ContractLine),
        (mapping.tickets, Ticket),
        (mapping.surveys, SurveyResponse),
        (mapping.usage, UsageEvent),
    ]
    return [(part, kind) for part, kind in every if part is not None]


def _write_part(
    source: Path, part: Source[Any], kind: type[Record], known: Known, writer: FolderWriter
) -> None:
    """Write the records of one CSV file."""
    rules = part.rules()
    for number, row in rows(source / part.file, part.columns()):
        known.row = number
        if all(row[column].strip() == wanted for column, wanted in part.when.items()):
            try:
                writer.add([_record(part, rules, kind, row, known)])
            except FieldProblem as problem:
                column = _column(rules, problem.name)
                raise DataError(part.file, number, column, f"{problem.name} {problem}") from None


def _column(rules: Mapping[str, FieldRule], name: str) -> str:
    """Return the columns a field comes from, or the field's name when it comes from none."""
    rule = rules.get(name)
    return ", ".join(rule.columns() if rule else ()) or name


def _record(
    part: Source[Any], rules: Mapping[str, FieldRule], kind: type[Record], row: Row, known: Known
) -> Record:
    """Return the record a row stands for, linked to what it refers to."""
    values: Values = {name: _value(kind, name, rule, row) for name, rule in rules.items()}
    if kind is not UsageEvent:
        _not_twice(kind, values["key"], known)
    _LINKS[kind](values, known)
    if kind is Account:
        values["attributes"] = {name: text_of(rule, row) for name, rule in part.attributes().items()}
    record = kind(**values)
    _remember(record, known)
    return record


def _value(kind: type[Record], name: str, rule: FieldRule, row: Row) -> Any:
    """Return a field's typed value."""
    try:
        return SHAPES[kind][name](text_of(rule, row))
    except CellError as error:
        raise FieldProblem(name, str(error)) from None


def _not_twice(kind: type[Record], key: str, known: Known) -> None:
    """Raise FieldProblem on a key that a record of the class already has."""
    if first := known.row_of.get((kind, key)):
        remedy = "Keep one row, or choose a column that is unique"
        raise FieldProblem("key", f"{key!r} is in row {first} already. {remedy}")
    known.row_of[kind, key] = known.row


def _remember(record: Record, known: Known) -> None:
    """Keep what later records may refer to."""
    if isinstance(record, Account):
        known.accounts[record.key] = record
    elif isinstance(record, Deal):
        known.deals[record.key] = record
    elif isinstance(record, ContractLine):
        known.lines[record.key] = record
        known.deals_with_line.add(record.deal_key)


def _found(values: Values, name: str, there: Mapping[str, Any]) -> Any:
    """Return what a field refers to; raise FieldProblem when there is no such thing."""
    key = values[name]
    if key not in there:
        remedy = "Add it, correct the key, or leave the row out with `when:`"
        raise FieldProblem(name, f"{key!r} refers to nothing that is there. {remedy}")
    return there[key]


def _link_account(values: Values, known: Known) -> None:
    values["currency"] = values["currency"] or known.mapping.currency
    if values["owner_key"] is not None:
        _found(values, "owner_key", known.owners)


def _link_deal(values: Values, known: Known) -> None:
    account: Account = _found(values, "account_key", known.accounts)
    values["currency"] = values["currency"] or account.currency
    if values["owner_key"] is not None:
        _found(values, "owner_key", known.owners)


def _link_line(values: Values, known: Known) -> None:
    deal: Deal = _found(values, "deal_key", known.deals)
    values["account_key"] = values["account_key"] or deal.account_key
    values["currency"] = values["currency"] or deal.currency
    _found(values, "product_key", known.products)
    if values["account_key"] != deal.account_key:
        remedy = "Correct either"
        raise FieldProblem("account_key", f"is not {deal.account_key!r}, the account of its deal. {remedy}")
    if known.mapping.contract_home == "deal" and deal.key in known.deals_with_line:
        remedy = "Make one deal per line, or set contract_home to line_item"
        raise FieldProblem("deal_key", f"{deal.key!r} has a line already. {remedy}")


def _link_to_account(values: Values, known: Known) -> None:
    _found(values, "account_key", known.accounts)


def _link_usage(values: Values, known: Known) -> None:
    if values["line_key"] is not None:
        line: ContractLine = _found(values, "line_key", known.lines)
        values["account_key"] = values["account_key"] or line.account_key
        values["product_key"] = values["product_key"] or line.product_key
    _found(values, "account_key", known.accounts)
    _found(values, "product_key", known.products)


_LINKS: Final[Mapping[type[Record], Callable[[Values, Known], None]]] = {
    Account: _link_account,
    Deal: _link_deal,
    ContractLine: _link_line,
    Ticket: _link_to_account,
    SurveyResponse: _link_to_account,
    UsageEvent: _link_usage,
}


def _check_whole(mapping: CsvMapping, known: Known) -> None:
    """Raise DataError on what only shows at the end: unknown parents, renewed deals, deals without a line."""
    for account in known.accounts.values():
        if account.parent_key is not None and account.parent_key not in known.accounts:
            message = f"refers to account {account.parent_key!r}, which is not there. Add it"
            raise _late(mapping.accounts, known, account, "parent_key", message)
    for deal in known.deals.values() if mapping.deals else ():
        if deal.renewal_of is not None and deal.renewal_of not in known.deals:
            message = f"refers to deal {deal.renewal_of!r}, which is not there. Add it"
            raise _late(mapping.deals, known, deal, "renewal_of", message)
        if mapping.contract_home == "deal" and deal.key not in known.deals_with_line:
            message = f"{deal.key!r} has no line. Map one, or set contract_home to line_item"
            raise _late(mapping.deals, known, deal, "key", message)


def _late(
    part: Source[Any] | None, known: Known, record: Account | Deal, name: str, message: str
) -> DataError:
    """Return the error about a field of a record read earlier."""
    file, rules = (part.file, part.rules()) if part else ("", {})
    row = known.row_of[type(record), record.key]
    return DataError(file, row, _column(rules, name), f"{name} {message}")
