"""Pipelines of deals and their stages, as the CRM describes them.

Neighbours: ``port.CrmDescription`` holds them; ``mappings.openings`` chooses among them,
``mappings.inbound`` reads by them whether a deal is won.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage; ``probability`` is 0..1, closed and won as the CRM says.

    Deals may stand in a stage that is not ``active``; none is opened in it.
    """

    id: str
    label: str
    closed: bool
    won: bool
    probability: float
    active: bool = True


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A pipeline of deals (HubSpot pipeline, Salesforce record type with its sales process).

    ``record_type`` is what a deal in it carries, where that is not ``id`` (Salesforce ``RecordTypeId``).
    """

    id: str
    label: str
    stages: tuple[Stage, ...]
    record_type: str | None = None
