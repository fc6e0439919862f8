"""A record and its parts, written together or not at all: a deal with its lines.

Beside ``port.CrmPort``, whose verbs write rows that each stand for themselves. Salesforce implements it by
composite graphs; HubSpot's deals of ours have no parts. Callers ask with ``isinstance(port, WholePort)``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from integration.port import WriteResult, WriteRow


@dataclass(frozen=True, slots=True)
class Whole:
    """A record to make and the parts to make under it; the parts name no parent, it is the record."""

    row: WriteRow
    parts: tuple[WriteRow, ...]


@dataclass(frozen=True, slots=True)
class WholeResult:
    """What became of the record and of each part, in order."""

    row: WriteResult
    parts: tuple[WriteResult, ...]


@runtime_checkable
class WholePort(Protocol):
    """A CRM that takes a deal together with its lines."""

    def upsert_wholes(
        self, object_name: str, part_object: str, key_field: str, wholes: Sequence[Whole]
    ) -> list[WholeResult]:
        """Make records with their parts, each whole all or nothing; one result per whole, in order.

        Where a part cannot be made, the record is made without any and every part says why. A part's
        price may be an earlier one's: what is sold at today in the record's currency is found. Refusals
        are BUSY where an earlier try may have made the whole: look before it is sent again.
        """
        ...

    def upsert_parts(
        self, object_name: str, part_object: str, key_field: str, rows: Sequence[WriteRow]
    ) -> list[WriteResult]:
        """Make parts under records of ``object_name`` that stand already, named as their parents."""
        ...
