"""Pipelines of deals and tickets: those of a fresh portal, and making more.

Source: HubSpot's Pipelines guide (probability and ticketState metadata, unique labels, 100 stages).
"""

from __future__ import annotations

from typing import Any

from sandbox.hubspot.catalogue import ObjectType
from sandbox.hubspot.documents import Document, Documents
from sandbox.hubspot.errors import error, invalid
from sandbox.hubspot.times import stamp
from sandbox.server.clock import SandboxClock

MAX_STAGES = 100
_DEAL_STAGES = (
    ("appointmentscheduled", "Appointment Scheduled", "0.2"),
    ("qualifiedtobuy", "Qualified To Buy", "0.4"),
    ("presentationscheduled", "Presentation Scheduled", "0.6"),
    ("decisionmakerboughtin", "Decision Maker Bought-In", "0.8"),
    ("contractsent", "Contract Sent", "0.9"),
    ("closedwon", "Closed Won", "1.0"),
    ("closedlost", "Closed Lost", "0.0"),
)
_TICKET_STAGES = (
    ("1", "New", "OPEN"),
    ("2", "Waiting on contact", "OPEN"),
    ("3", "Waiting on us", "OPEN"),
    ("4", "Closed", "CLOSED"),
)


def seed_pipelines(documents: Documents, clock: SandboxClock) -> None:
    """Make the pipelines a fresh portal has."""
    now = stamp(clock.now_ms())
    deal_stages = [
        _stage(key, label, n, {"isClosed": str(p in ("1.0", "0.0")).lower(), "probability": p}, now)
        for n, (key, label, p) in enumerate(_DEAL_STAGES)
    ]
    ticket_stages = [
        _stage(key, label, n, {"isClosed": str(state == "CLOSED").lower(), "ticketState": state}, now)
        for n, (key, label, state) in enumerate(_TICKET_STAGES)
    ]
    documents.put("pipeline", "0-3", "default", _pipeline("default", "Sales Pipeline", 0, deal_stages, now))
    documents.put("pipeline", "0-5", "0", _pipeline("0", "Support Pipeline", 0, ticket_stages, now))


def _stage(key: str, label: str, order: int, metadata: dict[str, str], now: str) -> Document:
    return {
        "label": label,
        "displayOrder": order,
        "metadata": metadata,
        "id": key,
        "createdAt": now,
        "updatedAt": now,
        "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
        "archived": False,
    }


def _pipeline(key: str, label: str, order: int, stages: list[Document], now: str) -> Document:
    return {
        "label": label,
        "displayOrder": order,
        "id": key,
        "createdAt": now,
        "updatedAt": now,
        "archived": False,
        "stages": stages,
    }


def create_pipeline(
    documents: Documents, clock: SandboxClock, kind: ObjectType, given: dict[str, Any]
) -> Document:
    """Make a pipeline with its stages. Raises 400 for a missing part, 409 for a label in use."""
    for key in ("label", "displayOrder", "stages"):
        if key not in given:
            raise invalid(f"Invalid input JSON: some required fields were not set: [{key}]")
    if not given["stages"] or len(given["stages"]) > MAX_STAGES:
        raise invalid(f"A pipeline must have between 1 and {MAX_STAGES} stages")
    held = documents.of("pipeline", kind.type_id)
    if any(body["label"] == given["label"] for body in held):
        raise error(409, "CONFLICT", f"A pipeline with label '{given['label']}' already exists")
    now = stamp(clock.now_ms())
    number = 700_000_000 + 100 * (len(documents.all("pipeline")) + 1)
    stages = [_given_stage(kind, raw, str(number + n + 1), now) for n, raw in enumerate(given["stages"])]
    if len({stage["label"] for stage in stages}) != len(stages):
        raise invalid("Stage labels must be unique within a pipeline")
    body = _pipeline(str(number), str(given["label"]), int(given["displayOrder"]), stages, now)
    documents.put("pipeline", kind.type_id, body["id"], body)
    return body


def _given_stage(kind: ObjectType, raw: dict[str, Any], key: str, now: str) -> Document:
    metadata = {name: str(value) for name, value in (raw.get("metadata") or {}).items()}
    if kind.type_id == "0-3":
        try:
            probability = float(metadata["probability"])
        except (KeyError, ValueError):
            probability = -1.0
        if not 0 <= probability <= 1:
            raise invalid("Deal stages need metadata.probability between 0.0 and 1.0")
        metadata["isClosed"] = str(probability in (0.0, 1.0)).lower()
    if kind.type_id == "0-5" and metadata.get("ticketState", "OPEN") not in ("OPEN", "CLOSED"):
        raise invalid("metadata.ticketState must be OPEN or CLOSED")
    return _stage(key, str(raw["label"]), int(raw.get("displayOrder", 0)), metadata, now)
