"""The parts an install consists of, named the same in every CRM.

``sync/install.py`` plans in them, ``sync/state/installed_parts.py`` remembers which are ours,
``sync/uninstall.py`` takes them back. Neighbours: ``port`` (objects and fields as specs), the
vendors' installers, which make and remove parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable


class PartKind(StrEnum):
    """What an install can make, in the order in which it must be made."""

    OBJECT = "object"
    GROUP = "group"
    FIELD = "field"
    LABEL = "label"
    PIPELINE = "pipeline"
    COMPONENT = "component"
    REPORT = "report"
    LIST = "list"


@dataclass(frozen=True, slots=True, order=True)
class Part:
    """One thing an install makes: of which kind, on which object (the vendor's name), by which name.

    An OBJECT's own name stands in both. ``target`` is the other object of a LABEL, empty elsewhere. A
    COMPONENT (page, tab, permission set …) or REPORT (with dashboards) has its vendor's type as its object.
    """

    kind: PartKind
    object: str
    name: str
    target: str = ""

    def __str__(self) -> str:
        """Return it as an admin reads it: ``field companies.cs_health``, ``list CS At risk``."""
        if self.kind is PartKind.LIST or self.kind is PartKind.OBJECT:
            return f"{self.kind.value} {self.name}"
        if self.kind is PartKind.LABEL:
            return f"label {self.name} of {self.object} to {self.target}"
        if self.kind is PartKind.COMPONENT or self.kind is PartKind.REPORT:
            return f"{self.object} {self.name}"
        return f"{self.kind.value} {self.object}.{self.name}"


@dataclass(frozen=True, slots=True)
class OwnedPart:
    """A part we made, by the CRM's own id where it has one beside its name (lists, labels, pipelines)."""

    part: Part
    crm_id: str | None = None


@dataclass(frozen=True, slots=True)
class Removal:
    """What became of a part that was to go: ``gone`` also where it was not there any more."""

    part: Part
    gone: bool
    message: str = ""


@runtime_checkable
class RemovingPort(Protocol):
    """A CRM from which we can take back what an install made.

    Records go by ``KeylessPort.withdraw``, unless an object takes them along.
    """

    @property
    def objects_take_records(self) -> bool:
        """Return whether deleting an object deletes its records, whoever made them."""
        ...

    def count_records(self, object_name: str) -> int:
        """Return how many live records an object has; 0 where it does not stand."""
        ...

    def remove_parts(self, parts: Sequence[OwnedPart]) -> list[Removal]:
        """Remove parts in an order the CRM allows; one that is not there any more counts as gone.

        Returns one removal per part, in the order removed. A refusal of one stops no other.
        """
        ...
