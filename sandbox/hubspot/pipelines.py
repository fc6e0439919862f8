"""Pipelines and their stages: those of a fresh portal, and what may be made, changed and deleted.

Source: HubSpot's Pipelines guide (probability and ticketState metadata, unique labels, stage limits,
2026-09's check of what is in use) and answers of a live portal to 2026-09 in October 2026: the
refusals of stages without a category, labels compared without case, ids taken as given, a ticket
pipeline that keeps a closed stage. ``api_pipelines`` serves it.
"""

from __future__ import annotations

from typing import Any, Final

from sandbox.hubspot.catalogue import ObjectType
from sandbox.hubspot.documents import Document, Documents
from sandbox.hubspot.errors import VendorError, error, invalid, missing_fields
from sandbox.hubspot.reading import a_text, an_object, objects
from sandbox.hubspot.times import stamp
from sandbox.server.clock import SandboxClock

MAX_STAGES: Final = {"0-3": 100, "0-5": 100}
_OTHER_STAGES: Final = 30
DEAL, TICKET, SERVICE = "0-3", "0-5", "0-162"
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
_SERVICE_STAGES = (("new", "New"), ("in_progress", "In progress"), ("closed", "Closed"))


def seed_pipelines(documents: Documents, clock: SandboxClock) -> None:
    """Make the pipelines a fresh portal has."""
    now = stamp(clock.now_ms())
    deal = [
        _stage(key, label, n, _metadata(DEAL, {"probability": p}), now)
        for n, (key, label, p) in enumerate(_DEAL_STAGES)
    ]
    ticket = [
        _stage(key, label, n, _metadata(TICKET, {"ticketState": state}), now)
        for n, (key, label, state) in enumerate(_TICKET_STAGES)
    ]
    service = [_stage(key, label, n, {}, now) for n, (key, label) in enumerate(_SERVICE_STAGES)]
    documents.put("pipeline", DEAL, "default", _pipeline("default", "Sales Pipeline", 0, deal, now))
    documents.put("pipeline", TICKET, "0", _pipeline("0", "Support Pipeline", 0, ticket, now))
    key = "7f7d1a62-6c1f-4a54-8b70-2c5f0f2d3a11"
    documents.put("pipeline", SERVICE, key, _pipeline(key, "Service pipeline", 0, service, now))


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


def plain_refusal(message: str) -> VendorError:
    """Return the 400 of stage rules, which live portals answer without a category."""
    made = error(400, "", message)
    del made.body["category"]
    return made


def _same(one: str, other: str) -> bool:
    return one.strip().lower() == other.strip().lower()


class Pipelines:
    """Makes, changes and deletes pipelines. Every change is durable before it returns."""

    def __init__(self, documents: Documents, clock: SandboxClock) -> None:
        """Keep them in ``documents``."""
        self._documents, self._clock = documents, clock

    def of(self, kind: ObjectType) -> list[Document]:
        """Return the pipelines of a type, oldest first."""
        return self._documents.of("pipeline", kind.type_id)

    def _now(self) -> str:
        return stamp(self._clock.now_ms())

    def _keep(self, kind: ObjectType, body: Document) -> Document:
        self._documents.put("pipeline", kind.type_id, body["id"], body)
        return body

    def _next_id(self) -> str:
        return str(700_000_000 + self._documents.next_number("pipeline_ids"))

    def create(self, kind: ObjectType, given: dict[str, Any]) -> Document:
        """Make a pipeline with its stages. Raises 400, or 409 for an id in use."""
        key = a_text(given.get("pipelineId"), "pipelineId") or self._next_id()
        if self._documents.get("pipeline", kind.type_id, key) is not None:
            raise invalid(f"There's another pipeline in this portal with pipelineId ({key}).")
        return self._whole(kind, key, given, None)

    def replace(self, kind: ObjectType, held: Document, given: dict[str, Any]) -> Document:
        """Replace a pipeline whole; stages that are left out go. Raises 400."""
        return self._whole(kind, held["id"], given, held)

    def _whole(self, kind: ObjectType, key: str, given: dict[str, Any], held: Document | None) -> Document:
        missing = [name for name in ("label", "displayOrder", "stages") if given.get(name) is None]
        if missing:
            raise missing_fields(*missing)
        others = [body for body in self.of(kind) if body["id"] != key]
        self._check_pipeline(kind, given, others)
        now = self._now()
        stages: list[Document] = []
        for raw in given["stages"]:
            stages.append(self._given_stage(kind, raw, stages, now))
        _check_closed(kind, key, stages)
        made = _pipeline(key, str(given["label"]), int(given["displayOrder"]), stages, now)
        return self._keep(kind, {**made, "createdAt": held["createdAt"] if held else now})

    def _check_pipeline(self, kind: ObjectType, given: dict[str, Any], others: list[Document]) -> None:
        if any(_same(body["label"], str(given["label"])) for body in others):
            raise invalid(f"An active pipeline with label {given['label']} already exists.")
        _order(given["displayOrder"])
        stages = given["stages"]
        if not isinstance(stages, list) or not stages:
            raise invalid("Pipeline must have at least one stage")
        cap = most_stages(kind)
        if len(stages) > cap:
            raise invalid(f"A pipeline can't have more than {cap} stages. Given {len(stages)}.")
        taken = {stage["id"] for body in others for stage in body["stages"]}
        if any(a_text(raw.get("stageId"), "stageId") in taken for raw in objects(stages, "stages")):
            raise error(
                409,
                "OBJECT_ALREADY_EXISTS",
                "There's another pipeline in this portal with one of the same stages",
                sub_category="PipelineError.STAGE_ID_EXISTS_IN_ANOTHER_PIPELINE",
            )

    def _given_stage(self, kind: ObjectType, raw: Any, siblings: list[Document], now: str) -> Document:
        if not isinstance(raw, dict) or raw.get("label") in (None, ""):
            raise missing_fields("label")
        _check_label(str(raw["label"]), siblings)
        order = _order(raw.get("displayOrder", len(siblings)))
        metadata = _metadata(kind.type_id, an_object(raw.get("metadata"), "metadata"))
        key = a_text(raw.get("stageId") or raw.get("id"), "stageId") or self._next_id()
        if any(stage["id"] == key for stage in siblings):
            raise invalid(f"Stage id {key} is used twice in this pipeline")
        return _stage(key, str(raw["label"]), order, metadata, now)

    def update(self, kind: ObjectType, held: Document, given: dict[str, Any]) -> Document:
        """Change a pipeline's label or order. Raises 400."""
        label = given.get("label", held["label"])
        others = [body for body in self.of(kind) if body["id"] != held["id"]]
        if any(_same(body["label"], str(label)) for body in others):
            raise invalid(f"An active pipeline with label {label} already exists.")
        order = _order(given.get("displayOrder", held["displayOrder"]))
        now = self._now()
        stages = [{**stage, "updatedAt": now} for stage in held["stages"]]
        changed = {"label": str(label), "displayOrder": order, "updatedAt": now, "stages": stages}
        return self._keep(kind, {**held, **changed})

    def delete(self, kind: ObjectType, held: Document) -> None:
        """Delete a pipeline for ever."""
        self._documents.drop("pipeline", kind.type_id, held["id"])

    def add_stage(self, kind: ObjectType, held: Document, given: dict[str, Any]) -> Document:
        """Add a stage and return it. Raises 400."""
        if len(held["stages"]) >= most_stages(kind):
            raise invalid(f"A pipeline can't have more than {most_stages(kind)} stages.")
        key = a_text(given.get("stageId"), "stageId")
        others = [
            stage["id"] for body in self.of(kind) if body["id"] != held["id"] for stage in body["stages"]
        ]
        if key in others:
            raise plain_refusal(
                f"An existing active stage in another pipeline is already using stage id {key}"
            )
        stage = self._given_stage(kind, given, held["stages"], self._now())
        self._keep(kind, {**held, "stages": [*held["stages"], stage]})
        return stage

    def update_stage(
        self, kind: ObjectType, held: Document, stage: Document, given: dict[str, Any], *, whole: bool
    ) -> Document:
        """Change a stage (``whole``: metadata not sent goes) and return it. Raises 400."""
        siblings = [one for one in held["stages"] if one["id"] != stage["id"]]
        label = str(given.get("label", stage["label"]))
        _check_label(label, siblings)
        order = _order(given.get("displayOrder", stage["displayOrder"]))
        before = {} if whole else {k: v for k, v in stage["metadata"].items() if k != "isClosed"}
        metadata = _metadata(kind.type_id, {**before, **an_object(given.get("metadata"), "metadata")})
        new = {**stage, "label": label, "displayOrder": order, "metadata": metadata}
        new["updatedAt"] = self._now()
        stages = [new if one["id"] == stage["id"] else one for one in held["stages"]]
        _check_closed(kind, held["id"], stages)
        self._keep(kind, {**held, "stages": stages})
        return new

    def delete_stage(self, kind: ObjectType, held: Document, stage_id: str) -> None:
        """Delete a stage. Raises 400 for the last one, or a ticket pipeline's last closed one."""
        left = [stage for stage in held["stages"] if stage["id"] != stage_id]
        if not left:
            raise plain_refusal("Pipeline must have at least one stage")
        _check_closed(kind, held["id"], left)
        self._keep(kind, {**held, "stages": left})


def most_stages(kind: ObjectType) -> int:
    """Return how many stages a pipeline of this type may have."""
    return 100 if kind.custom else MAX_STAGES.get(kind.type_id, _OTHER_STAGES)


def _order(order: Any) -> int:
    if isinstance(order, bool) or not isinstance(order, int):
        raise invalid("Invalid input JSON: displayOrder is not a number")
    if order < 0:
        raise plain_refusal("Pipeline display order cannot be negative")
    return order


def _check_label(label: str, siblings: list[Document]) -> None:
    if any(_same(stage["label"], label) for stage in siblings):
        raise invalid(
            f"Stage with label {label} already exists", sub_category="PipelineError.STAGE_LABEL_EXISTS"
        )


def _check_closed(kind: ObjectType, key: str, stages: list[Document]) -> None:
    if kind.type_id == TICKET and all(stage["metadata"].get("ticketState") != "CLOSED" for stage in stages):
        raise invalid(
            f"{kind.plural} pipeline: {key} must have at least one closed stage",
            sub_category="PipelineError.MISSING_CLOSED_STAGE",
        )


def _metadata(type_id: str, given: dict[str, Any]) -> dict[str, str]:
    """Return what is kept of a stage's metadata, every value a string; ``isClosed`` follows from it."""
    if type_id == DEAL:
        return _probability(given)
    field = "ticketState" if type_id == TICKET else "state"
    if type_id != TICKET and not type_id.startswith("2-"):
        return {"isClosed": "false"}
    state = given.get(field, "OPEN")
    if state not in ("OPEN", "CLOSED"):
        raise invalid(
            f"Failed to deserialize metadata for object type {type_id}",
            sub_category="PipelineError.INVALID_PIPELINE_STAGE_METADATA",
        )
    return {"isClosed": str(state == "CLOSED").lower(), field: state}


def _probability(given: dict[str, Any]) -> dict[str, str]:
    if given.get("probability") is None:
        raise plain_refusal("must specify probability when writing a dealstage")
    try:
        probability = float(given["probability"])
    except (TypeError, ValueError):
        probability = -1.0
    if not 0 <= probability <= 1:
        raise plain_refusal("dealstage probability is not valid, must be between 0.0 and 1.0 (inclusive)")
    return {"isClosed": str(probability in (0.0, 1.0)).lower(), "probability": str(probability)}
