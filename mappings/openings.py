"""Where deals of ours open: the charter's pipeline and stage, or the one place there is; pure.

Stages are told by their ids and flags, never by their names, which every customer words anew.
Neighbours: ``bindings`` is what the charter says, ``outbound`` opens deals so, ``sync/install.py``
asks where this finds no answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from integration.port import Pipeline, Stage
from mappings.bindings import CrmEntry, DealOpening, StageOverride
from mappings.catalogue import DEALS
from mappings.charter import Charter
from success.desired import RecordKind


@dataclass(frozen=True, slots=True)
class Opening:
    """The pipeline and the stage in which a deal of ours begins, by the CRM's ids."""

    pipeline: str
    stage: str


def openings(charter: Charter, vendor: str, pipelines: Sequence[Pipeline]) -> Mapping[RecordKind, Opening]:
    """Return where each kind of deal opens; a kind whose place is in doubt is left out."""
    crm = charter.crm_for(vendor)
    found = {kind: _opening(crm, crm.writes.opening(kind), pipelines) for kind in DEALS}
    return {kind: opening for kind, opening in found.items() if opening is not None}


def open_stages(pipeline: Pipeline, override: StageOverride) -> list[Stage]:
    """Return the stages in which a deal is neither won nor lost, in the pipeline's order."""
    closed = {*override.won, *override.lost}
    return [stage for stage in pipeline.stages if not stage.closed and stage.id not in closed]


def _opening(crm: CrmEntry, asked: DealOpening, pipelines: Sequence[Pipeline]) -> Opening | None:
    """Return the one place that fits; where only a pipeline is known, its first open stage."""
    places = [
        (pipeline.id, [stage.id for stage in open_stages(pipeline, crm.reads.deal.stages)])
        for pipeline in pipelines
        if asked.pipeline in (None, pipeline.id)
    ]
    fitting = [one for one in places if (asked.stage in one[1] if asked.stage else one[1])]
    if len(fitting) != 1:
        return None
    ((name, stages),) = fitting
    return Opening(name, asked.stage or stages[0])


def unresolved(charter: Charter, vendor: str, pipelines: Sequence[Pipeline]) -> Iterator[str]:
    """Yield a question to the admin for each way of opening deals that fits no place, or several."""
    crm, known = charter.crm_for(vendor), openings(charter, vendor, pipelines)
    doubtful: dict[tuple[str | None, str | None], list[RecordKind]] = {}
    for kind in DEALS:
        if kind not in known:
            asked = crm.writes.opening(kind)
            doubtful.setdefault((asked.pipeline, asked.stage), []).append(kind)
    for (pipeline, stage), kinds in doubtful.items():
        lines = " and ".join(f"`crm.{vendor}.writes.{kind.value}`" for kind in kinds)
        deals = " and ".join(f"{kind.value}s" for kind in kinds)
        yield (
            f"where should {deals} open? {_why(pipeline, stage)}: set `stage`, and `pipeline` where there "
            f"are several, in {lines} to one of {_shown(crm, pipelines)}"
        )


def _why(pipeline: str | None, stage: str | None) -> str:
    if stage is not None:
        place = f"pipeline {pipeline!r}" if pipeline is not None else "exactly one pipeline"
        return f"The charter says stage {stage!r}, which is no open stage of {place}"
    if pipeline is not None:
        return f"The charter says pipeline {pipeline!r}, which has no open stage or is not there"
    return "The charter names no stage, and not exactly one pipeline has open stages"


def _shown(crm: CrmEntry, pipelines: Sequence[Pipeline]) -> str:
    told = []
    for pipeline in pipelines:
        stages = open_stages(pipeline, crm.reads.deal.stages)
        words = ", ".join(f"{stage.id!r} ({stage.label})" for stage in stages) or "no open stage"
        told.append(f"pipeline {pipeline.id!r} ({pipeline.label}): {words}")
    return "; ".join(told) or "the stages of a pipeline, of which there is none yet"


def never_won(charter: Charter, vendor: str, pipelines: Sequence[Pipeline]) -> Iterator[str]:
    """Yield a note for each pipeline in which no deal can count as won, and with it no contract."""
    won = charter.crm_for(vendor).reads.deal.stages.won
    for pipeline in pipelines:
        if not any(stage.won or stage.id in won for stage in pipeline.stages):
            yield (
                f"no stage of pipeline {pipeline.id!r} ({pipeline.label}) is marked as won: deals in it "
                f"never count as contracts, unless `crm.{vendor}.reads.deal.stages.won` names one"
            )
