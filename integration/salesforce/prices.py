"""Today's price for a line that continues an earlier one: same product, one price book, the deal's currency.

A line names a price book entry; a deal's lines are of one price book, and of the deal's currency. The entry
of the line before is taken again where it fits and is active, else the product's active entry in the book
that most of the deal's lines come from. Source: object reference, "OpportunityLineItem", "PricebookEntry".
Neighbours: ``wholes`` asks for prices before it writes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from integration.port import Refusal, RowError
from integration.salesforce.transport import Transport
from integration.salesforce.values import soql_text

NO_PRICE: Final = "NO_PRICE"
"""Our code of a line whose product has no price in the deal's price book and currency."""

ENTRY: Final = "PricebookEntryId"
IDS_PER_QUERY: Final = 200


@dataclass(frozen=True, slots=True)
class Price:
    """A price book entry; ``currency`` is empty in an org of one currency."""

    id: str
    product: str
    product_name: str
    book: str
    book_name: str
    currency: str
    active: bool


@dataclass(frozen=True, slots=True)
class Wanted:
    """The lines of one deal: the prices they had before, the deal's currency and, where it has one, book."""

    earlier: tuple[str | None, ...]
    currency: str
    book: str | None = None


@dataclass(frozen=True, slots=True)
class Priced:
    """The deal's price book and each line's entry, or why a line has none."""

    book: str | None
    entries: tuple[str | RowError, ...]

    @property
    def error(self) -> RowError | None:
        """Return why the deal cannot have its lines, ``None`` where each has its price."""
        return next((one for one in self.entries if isinstance(one, RowError)), None)


def find_prices(transport: Transport, reason: str, deals: Sequence[Wanted]) -> list[Priced]:
    """Return the prices of each deal's lines; one call, and one more where an earlier price does not do."""
    many = any(deal.currency for deal in deals)
    named = sorted({one for deal in deals for one in deal.earlier if one})
    known = {price.id: price for price in _query(transport, reason, many, "Id", named)}
    books = [deal.book or _usual_book(deal, known) for deal in deals]
    pairs = zip(deals, books, strict=True)
    short = {p.product for deal, book in pairs for p in _prices(deal, known) if not _fits(p, deal, book)}
    offers = {
        (one.book, one.product, one.currency): one.id
        for one in sorted(_query(transport, reason, many, "Product2Id", sorted(short)), key=lambda p: p.id)
        if one.active
    }
    return [_priced(deal, book, known, offers) for deal, book in zip(deals, books, strict=True)]


def _priced(
    deal: Wanted, book: str | None, known: Mapping[str, Price], offers: Mapping[tuple[str, str, str], str]
) -> Priced:
    names = {price.book: price.book_name for price in known.values()}
    entries: list[str | RowError] = []
    for earlier in deal.earlier:
        price = known.get(earlier or "")
        if price is None:
            entries.append(_no_price("the line it continues names no price of the org's price books"))
        elif _fits(price, deal, book):
            entries.append(price.id)
        else:
            where = names.get(book or "", "the deal's price book")
            money = f" in {deal.currency}" if deal.currency else ""
            words = f"{price.product_name} has no active price{money} in {where}; add one there"
            entries.append(offers.get((book or "", price.product, deal.currency)) or _no_price(words))
    return Priced(book, tuple(entries))


def _no_price(words: str) -> RowError:
    return RowError(Refusal.FIXABLE, NO_PRICE, words, (ENTRY,))


def _prices(deal: Wanted, known: Mapping[str, Price]) -> Iterator[Price]:
    return (known[one] for one in deal.earlier if one is not None and one in known)


def _usual_book(deal: Wanted, known: Mapping[str, Price]) -> str | None:
    """Return the book most of the earlier prices are of, ties by the least id."""
    often = Counter(price.book for price in _prices(deal, known))
    return min(often, key=lambda book: (-often[book], book), default=None)


def _fits(price: Price, deal: Wanted, book: str | None) -> bool:
    return price.active and price.book == book and price.currency == deal.currency


def _query(
    transport: Transport, reason: str, many_currencies: bool, field: str, values: Sequence[str]
) -> Iterator[Price]:
    """Yield the entries whose ``field`` is one of the values; the currency only where the org has several."""
    shown = "Id, Product2Id, Product2.Name, Pricebook2Id, Pricebook2.Name, IsActive"
    shown += ", CurrencyIsoCode" if many_currencies else ""
    for start in range(0, len(values), IDS_PER_QUERY):
        listed = ",".join(map(soql_text, values[start : start + IDS_PER_QUERY]))
        after, done = "", False
        while not done:
            beyond = f" AND Id > {soql_text(after)}" if after else ""
            soql = f"SELECT {shown} FROM PricebookEntry WHERE {field} IN ({listed}){beyond} ORDER BY Id"
            answer = transport.query(reason, soql)
            yield from map(_price, answer["records"])
            done = bool(answer["done"])
            after = "" if done else str(answer["records"][-1]["Id"])


def _price(row: Mapping[str, Any]) -> Price:
    return Price(
        str(row["Id"]),
        str(row["Product2Id"]),
        str((row.get("Product2") or {}).get("Name") or row["Product2Id"]),
        str(row["Pricebook2Id"]),
        str((row.get("Pricebook2") or {}).get("Name") or row["Pricebook2Id"]),
        str(row.get("CurrencyIsoCode") or ""),
        bool(row["IsActive"]),
    )
