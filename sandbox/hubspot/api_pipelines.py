"""Pipelines and stages over HTTP; their rules are in ``pipelines``."""

from __future__ import annotations

from typing import Any, Final

from flask import Response, request

from sandbox.hubspot.catalogue import ObjectType
from sandbox.hubspot.documents import Document
from sandbox.hubspot.errors import error, invalid, not_found
from sandbox.hubspot.reading import objects
from sandbox.hubspot.web import Call, Web
from sandbox.hubspot.writes import STRICT_VERSION
from sandbox.server.app import json_response, note

MOST_PIPELINES: Final = {"free": 1, "starter": 2, "professional": 15, "enterprise": 100}
"""Per object type: HubSpot's product catalogue; that more than one needs Starter is in the guide."""
_CHECKS: Final = ("validateReferencesBeforeDelete", "validateDealStageUsagesBeforeDelete")


def register(web: Web) -> None:
    """Put the pipeline handlers on the app."""
    one, stages = "/<name>/<pipeline_id>", "/<name>/<pipeline_id>/stages"
    web.route("GET", "pipelines", "/<name>", list_pipelines)
    web.route("POST", "pipelines", "/<name>", make_pipeline)
    web.route("GET", "pipelines", one, read_pipeline)
    web.route("PUT", "pipelines", one, replace_pipeline)
    web.route("PATCH", "pipelines", one, update_pipeline)
    web.route("DELETE", "pipelines", one, delete_pipeline)
    web.route("GET", "pipelines", stages, list_stages)
    web.route("POST", "pipelines", stages, make_stage)
    web.route("GET", "pipelines", f"{stages}/<stage_id>", read_stage)
    web.route("PUT", "pipelines", f"{stages}/<stage_id>", update_stage)
    web.route("PATCH", "pipelines", f"{stages}/<stage_id>", update_stage)
    web.route("DELETE", "pipelines", f"{stages}/<stage_id>", delete_stage)


def _type(call: Call, name: str, verb: str) -> ObjectType:
    kind = call.portal.type_of(name)
    call.caller.need((*kind.schema_scopes(verb), *kind.scopes(verb)))
    note().object = f"{kind.plural} pipelines"
    if kind.custom and call.portal.options.tier != "enterprise":
        raise invalid("Pipelines of custom objects need an Enterprise subscription")
    if verb == "write" and not kind.pipeline:
        raise invalid(f"Object type {kind.type_id} does not support pipelines")
    return kind


def _held(call: Call, kind: ObjectType, pipeline_id: str) -> Document:
    found = call.portal.pipeline(kind.type_id, pipeline_id)
    if found is None:
        raise not_found(f"No pipeline found with id {pipeline_id}")
    return found


def _stage(held: Document, stage_id: str) -> Document:
    for stage in held["stages"]:
        if stage["id"] == stage_id:
            found: Document = stage
            return found
    raise not_found(f"No stage found with id {stage_id}")


def list_pipelines(call: Call, name: str) -> Response:
    """Answer the pipelines of a type with their stages."""
    kind = _type(call, name, "read")
    return json_response({"results": call.portal.pipelines.of(kind)})


def make_pipeline(call: Call, name: str) -> Response:
    """Make a pipeline; 201. A custom object's first one brings its pipeline properties."""
    kind = _type(call, name, "write")
    given = call.json()
    most = MOST_PIPELINES[call.portal.options.tier]
    if len(call.portal.pipelines.of(kind)) >= most:
        raise error(
            400,
            "VALIDATION_ERROR",
            f"This account can have at most {most} pipelines of {kind.plural}",
            sub_category="PipelineError.PIPELINE_LIMIT_REACHED",
        )
    made = call.portal.pipelines.create(kind, given)
    if kind.custom:
        call.portal.properties.add_pipeline_properties(kind)
    note().written = [made["id"]]
    return json_response(made, 201)


def read_pipeline(call: Call, name: str, pipeline_id: str) -> Response:
    """Answer one pipeline."""
    return json_response(_held(call, _type(call, name, "read"), pipeline_id))


def replace_pipeline(call: Call, name: str, pipeline_id: str) -> Response:
    """Replace a pipeline; a stage that is left out goes, unless records are in it."""
    kind = _type(call, name, "write")
    held, given = _held(call, kind, pipeline_id), call.json()
    sent = objects(given.get("stages"), "stages")
    kept = {str(raw.get("stageId") or raw.get("id")) for raw in sent}
    _refuse_used(call, kind, [stage["id"] for stage in held["stages"] if stage["id"] not in kept])
    return json_response(call.portal.pipelines.replace(kind, held, given))


def update_pipeline(call: Call, name: str, pipeline_id: str) -> Response:
    """Change a pipeline's label or order."""
    kind = _type(call, name, "write")
    return json_response(call.portal.pipelines.update(kind, _held(call, kind, pipeline_id), call.json()))


def delete_pipeline(call: Call, name: str, pipeline_id: str) -> Response:
    """Delete a pipeline for ever; 204."""
    kind = _type(call, name, "write")
    held = _held(call, kind, pipeline_id)
    _refuse_used(call, kind, [stage["id"] for stage in held["stages"]])
    call.portal.pipelines.delete(kind, held)
    return Response(status=204)


def _refuse_used(call: Call, kind: ObjectType, stage_ids: list[str]) -> None:
    # From 2026-09 on the check is always made; before, only where the caller asks for it.
    asked = any(request.args.get(name, "").lower() == "true" for name in _CHECKS)
    if call.version != STRICT_VERSION and not asked:
        return
    used: dict[str, list[str]] = {}
    for record in call.portal.records.table(kind.type_id).live.values():
        stage_id = record.values.get(kind.stage, "")
        if stage_id in stage_ids:
            used.setdefault(stage_id, []).append(record.id)
    if used:
        stages = f"[{', '.join(used)}]"
        records = f"[{', '.join(one for ids in used.values() for one in ids[:100])}]"
        raise invalid(
            f"Stage IDs: {stages} are being referenced by object IDs: {records}",
            context={"stageIds": [stages], "objectIds": [records]},
            sub_category="PipelineError.STAGE_ID_IN_USE",
        )


def list_stages(call: Call, name: str, pipeline_id: str) -> Response:
    """Answer the stages of one pipeline."""
    return json_response({"results": _held(call, _type(call, name, "read"), pipeline_id)["stages"]})


def read_stage(call: Call, name: str, pipeline_id: str, stage_id: str) -> Response:
    """Answer one stage."""
    return json_response(_stage(_held(call, _type(call, name, "read"), pipeline_id), stage_id))


def make_stage(call: Call, name: str, pipeline_id: str) -> Response:
    """Add a stage; 201."""
    kind = _type(call, name, "write")
    made = call.portal.pipelines.add_stage(kind, _held(call, kind, pipeline_id), call.json())
    return json_response(made, 201)


def update_stage(call: Call, name: str, pipeline_id: str, stage_id: str) -> Response:
    """Change a stage; PUT replaces its metadata, PATCH merges it."""
    kind = _type(call, name, "write")
    held = _held(call, kind, pipeline_id)
    given: dict[str, Any] = call.json()
    whole = request.method == "PUT"
    changed = call.portal.pipelines.update_stage(kind, held, _stage(held, stage_id), given, whole=whole)
    return json_response(changed)


def delete_stage(call: Call, name: str, pipeline_id: str, stage_id: str) -> Response:
    """Delete a stage for ever; 204 also when there is none."""
    kind = _type(call, name, "write")
    held = call.portal.pipeline(kind.type_id, pipeline_id)
    if held is None or all(stage["id"] != stage_id for stage in held["stages"]):
        return Response(status=204)
    _refuse_used(call, kind, [stage_id])
    call.portal.pipelines.delete_stage(kind, held, stage_id)
    return Response(status=204)
