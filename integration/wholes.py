"""A record and its parts, written together or not at all: a deal with its lines and contact roles.

Beside ``port.CrmPort``, whose verbs write rows that each stand for themselves. Salesforce implements it by
composite graphs; HubSpot's deals of ours have no parts. Callers ask with ``isinstance(port, WholePort)``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from integration.port import RowError, WriteResult, WriteRow


@dataclass(frozen=True, slots=True)
class Whole:
    """A record to make and the parts to make under it; the parts name no parent, it is the record.

    ``roles_of`` are the ids of records whose contact roles it begins with, the one that leads first.
    """

    row: WriteRow
    parts: tuple[WriteRow, ...] = ()
    roles_of: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RolesWanted:
    """A record that stands, by id, and those whose contact roles it should have."""

    record_id: str
    roles_of: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WholeResult:
    """What became of the record and of each part, in order; ``roles_error`` is why no role was copied."""

    row: WriteResult
    parts: tuple[WriteResult, ...]
    roles_error: RowError | None = None


@runtime_checkable
class WholePort(Protocol):
    """A CRM that takes a deal together with its lines."""

    def upsert_wholes(
        self, object_name: str, part_object: str | None, key_field: str, wholes: Sequence[Whole]
    ) -> list[WholeResult]:
        """Make records with their parts, each whole all or nothing; one result per whole, in order.

        Where a part cannot be made, the record is made without any and every part says why; where a role
        cannot be copied, it is made without roles. ``part_object`` is None where none has parts. A part's
        price may be an earlier one's: what is sold at today in the record's currency is found. Refusals
        are BUSY where an earlier try may have made the whole: look before it is sent again.
        """
        ...

    def upsert_parts(
        self, object_name: str, part_object: str, key_field: str, rows: Sequence[WriteRow]
    ) -> list[WriteResult]:
        """Make parts under records of ``object_name`` that stand already, named as their parents."""
        ...

    def copy_roles(self, object_name: str, wanted: Sequence[RolesWanted]) -> list[RowError | None]:
        """Give records of ``object_name`` that stand already the contact roles of others, all or none.

        One that has any role has been given them, or has people's: it is left as it is. One answer per
        record, in order: None, or why it has none. Raises Unavailable where no answer came: look again
        before more is sent, for nothing tells one role from its double.
        """
        ...
