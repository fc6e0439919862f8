"""What was sent to a CRM a second time although it had said that it took it: from the wire alone.

A value of a record, and a link, is taken when an answer that reached us says so. The same value for
the same record afterwards, with no other in between, was sent again; ``known`` is whether our ledger
held it as acknowledged by then. Nothing of the product is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from tests.promises.listening_between import Exchange
from tests.promises.wires import Ids, Wire


@dataclass(frozen=True)
class SentAgain:
    """One value (or link) of one record: the request that it was taken from, and the one that repeated it."""

    first: int
    request: int
    record: str
    field: str
    known: bool


def sent_again(wire: Wire, exchanges: Sequence[Exchange], ids: Ids) -> list[SentAgain]:
    """Return what was sent again; ``ids`` gives the record id of each ``object/key``."""
    taken: dict[tuple[str, str], tuple[str, int]] = {}
    found: list[SentAgain] = []
    for one in exchanges:
        if not one.writes:
            continue
        for record, field, value in wire.sent(one, ids):
            before, first = taken.get((record, field), (None, -1))
            if before == value:
                found.append(SentAgain(first, one.number, record, field, _known(one, record, field, value)))
        if one.delivered:
            taken |= {(record, field): (value, one.number) for record, field, value in wire.taken(one, ids)}
    return found


def values_taken(wire: Wire, exchanges: Sequence[Exchange], ids: Ids) -> int:
    """Return how many values and links the CRM said it took."""
    return sum(len(list(wire.taken(one, ids))) for one in exchanges if one.writes and one.delivered)


def _known(one: Exchange, record: str, field: str, value: str) -> bool:
    held = one.known.get(record)
    if held is None:
        return False
    return field.startswith("link to ") or _equal(held.get(field) or "", value)


def _equal(one: str, other: str) -> bool:
    """Return whether two texts say the same; Salesforce's JSON has numbers where the ledger has texts."""
    try:
        return one == other or Decimal(one) == Decimal(other)
    except InvalidOperation:
        return False
