"""Pipelines of an object and their stages (page "Pipelines"): read in order, and made with their stages.

Neighbours: ``describe`` reads those of deals, ``survey`` and ``schema`` those of our own objects.
"""

from __future__ import annotations

from typing import Any

from integration.deal_pipelines import Pipeline, Stage
from integration.hubspot.portal import Portal
from integration.install_specs import PipelineSpec


def load_pipelines(portal: Portal, object_name: str, reason: str) -> tuple[Pipeline, ...]:
    """Return the pipelines in use, stages in display order; one call."""
    answer = portal.transport.call(reason, "GET", _path(portal, object_name)).body
    return tuple(_pipeline(item) for item in answer.get("results", []) if not item.get("archived"))


def create_pipeline(portal: Portal, spec: PipelineSpec, reason: str) -> Pipeline:
    """Make a pipeline with its stages and return it. Raises RefusedCall.

    A stage of a custom object says whether it is ``OPEN`` or ``CLOSED``.
    """
    stages = [
        {
            "label": stage.label,
            "displayOrder": at,
            "metadata": {"state": "CLOSED" if stage.closed else "OPEN"},
        }
        for at, stage in enumerate(spec.stages)
    ]
    body = {"label": spec.label, "displayOrder": 0, "stages": stages}
    path = _path(portal, spec.object)
    return _pipeline(portal.transport.call(reason, "POST", path, body, repeatable=False).body)


def _path(portal: Portal, object_name: str) -> str:
    return f"{portal.paths.pipelines}/{portal.names.in_path(object_name)}"


def _pipeline(item: dict[str, Any]) -> Pipeline:
    return Pipeline(str(item["id"]), str(item["label"]), tuple(_stage(stage) for stage in _ordered(item)))


def _ordered(pipeline: dict[str, Any]) -> list[dict[str, Any]]:
    stages = [stage for stage in pipeline.get("stages", []) if not stage.get("archived")]
    return sorted(stages, key=lambda stage: int(stage.get("displayOrder", 0)))


def _stage(stage: dict[str, Any]) -> Stage:
    """Return a stage; a deal's with probability 1 is won, with 0 lost; the flag, where sent, says closed."""
    metadata = stage.get("metadata") or {}
    given = metadata.get("probability")
    probability = float(given or 0)
    settled = given not in (None, "") and probability in (0.0, 1.0)
    closed = str(metadata.get("isClosed", settled)).lower() == "true"
    return Stage(str(stage["id"]), str(stage["label"]), closed, closed and probability == 1, probability)
