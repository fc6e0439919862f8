"""How each vendor's writes look on the wire, and which faults it is known to have.

A ``Wire`` knows nothing of the product: it reads requests and answers as the vendor's guides describe them.
Neighbours: ``hubspot_wire`` and ``salesforce_wire``; ``listening_between`` and ``sent_again`` ask them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from tests.promises.listening_between import Exchange

Ids = Mapping[str, str]
"""The record id of each ``object/key`` of ours."""
Dump = Mapping[str, list[dict[str, Any]]]


class Wire(Protocol):
    """One vendor."""

    vendor: str
    options: tuple[str, ...]
    credentials: str
    accounts: str
    account_name: str
    faults: Sequence[dict[str, Any]]
    rounds: int
    links_travel_along: bool
    """Whether a link is a field of its record: no call of its own, sent with each write of the record."""

    def writes(self, path: str, body: Any) -> bool:
        """Return whether a request writes records or links."""
        ...

    def takes(self, one: Exchange) -> bool:
        """Return whether the answer, delivered or not, says that something was taken."""
        ...

    def sent(self, one: Exchange, ids: Ids) -> Iterator[tuple[str, str, str]]:
        """Yield (record id, field, value) of what a request asks to write; a link is "link to" something."""
        ...

    def taken(self, one: Exchange, ids: Ids) -> Iterator[tuple[str, str, str]]:
        """Yield, of that, what the answer says was taken."""
        ...

    def ids(self, dump: Dump) -> dict[str, str]:
        """Return the id of each record of ours by its object and key."""
        ...

    def settled(self, dump: Dump) -> dict[str, list[str]]:
        """Return every record as text that is equal for equal content, ids and times left out."""
        ...
