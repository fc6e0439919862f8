"""A person to be forgotten: all they are known by in one installation; pure.

Neighbours: ``forget_whom`` finds it out, ``person_text`` looks for it, ``state/persons`` keeps its hashes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Final

EMAIL, NAME, CONTACT, OWNER, USER = "email", "name", "contact", "owner", "user"
KINDS: Final = (EMAIL, NAME, CONTACT, OWNER, USER)


@dataclass(frozen=True, slots=True)
class Person:
    """What names a person: addresses, full names, and ids as a contact, an owner, a user.

    A user is one of the CRM's or of the customer's product.
    """

    email: frozenset[str] = frozenset()
    name: frozenset[str] = frozenset()
    contact: frozenset[str] = frozenset()
    owner: frozenset[str] = frozenset()
    user: frozenset[str] = frozenset()

    def plus(self, other: Person) -> Person:
        """Return what either is known by."""
        return Person(*(getattr(self, one.name) | getattr(other, one.name) for one in fields(self)))

    def minus(self, other: Person) -> Person:
        """Return what is this one's alone; letter case does not matter."""

        def left(kind: str) -> frozenset[str]:
            theirs = {one.lower() for one in getattr(other, kind)}
            return frozenset(one for one in getattr(self, kind) if one.lower() not in theirs)

        return Person(*(left(one.name) for one in fields(self)))

    def marks(self) -> Iterator[tuple[str, str]]:
        """Yield (kind, value) of everything, in one order."""
        for kind, values in asdict(self).items():
            for value in sorted(values):
                yield kind, value

    def text(self) -> str:
        """Return it as JSON text, to be sealed."""
        return json.dumps({kind: sorted(values) for kind, values in asdict(self).items()})


def from_text(text: str) -> Person:
    """Return the person in a text that ``Person.text`` made."""
    found: Mapping[str, list[str]] = json.loads(text)
    return Person(**{kind: frozenset(values) for kind, values in found.items()})
