"""Who may own records: the people a CRM lets a record be given to, asked of it apart from its customers.

An owner is no record of a customer's (HubSpot answers no search, history or push about them; Salesforce's
users are of the org), so they are read whole.
Neighbours: ``port`` has the other protocols, ``sync/owners.py`` asks and keeps.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol, runtime_checkable

OWNERS: Final = "owners"
"""The object name under which they are kept."""


@dataclass(frozen=True, slots=True)
class Owner:
    """A person records may be given to; ``archived`` once they left. Times are UTC, names may be empty.

    ``user_id`` is what the CRM calls them where it says who saved a record, empty where that is their ``id``.
    """

    id: str
    email: str
    first_name: str
    last_name: str
    archived: bool
    created_at: datetime
    changed_at: datetime
    user_id: str = ""


@runtime_checkable
class OwnersPort(Protocol):
    """A CRM that lists whom records may be given to."""

    def owners(self) -> list[Owner]:
        """Return all owners, those archived too, by id; each once."""
        ...
