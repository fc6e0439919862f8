"""Where deals of ours open: the charter's pipeline and stage, or the one place there is; pure.

Stages are told by their ids and flags, never by their names, which every customer words anew.
Neighbours: ``deal_opening`` is what the charter says, ``outbound`` opens deals so, ``sync/install.py``
asks where this finds no answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from integration.deal_pipelines import Pipeline, Stage
from mappings.bindings import CrmEntry, StageOverride
from mappings.catalogue import DEALS
from mappings.charter import Charter
from mappings.deal_opening import DealOpening
from mappings.naming import SALESFORCE
from success.desired import RecordKind


@dataclass(frozen=True, slots=True)
class Opening:
    """The pipeline and the stage in which a deal of ours begins, by the CRM's ids.

    ``record_type`` is the record type's id in the org (Salesforce), where it has any.
    """

    pipeline: str
    stage: str
    record_type: str | None = None


def openings(charter: Charter, vendor: str, pipelines: Sequence[Pipeline]) -> Mapping[RecordKind, Opening]:
    """Return where each kind of deal opens; a kind whose place is in doubt is left out."""
    crm = charter.crm_for(vendor)
    found = {kind: _opening(crm, crm.writes.opening(kind), pipelines) for kind in DEALS}
    return {kind: opening for kind, opening in found.items() if opening is not None}


def open_stages(pipeline: Pipeline, override: StageOverride) -> list[Stage]:
    """Return the stages a deal may begin in, neither won nor lost, in the pipeline's order."""
    closed = {*override.won, *override.lost}
    open_ones = [stage for stage in pipeline.stages if stage.active and not stage.closed]
    return [stage for stage in open_ones if stage.id not in closed]


def _opening(crm: CrmEntry, asked: DealOpening, pipelines: Sequence[Pipeline]) -> Opening | None:
    """Return the one place that fits; where only a pipeline is known, its first open stage."""
    places = [
        (pipeline, [stage.id for stage in open_stages(pipeline, crm.reads.deal.stages)])
        for pipeline in pipelines
        if asked.place in (None, pipeline.id)
    ]
    fitting = [one for one in places if (asked.stage in one[1] if asked.stage else one[1])]
    if len(fitting) != 1:
        return None
    ((found, stages),) = fitting
    return Opening(found.id, asked.stage or stages[0], found.record_type)


def unresolved(charter: Charter, vendor: str, pipelines: Sequence[Pipeline]) -> Iterator[str]:
    """Yield a question to the admin for each way of opening deals that fits no place, or several."""
    crm, known = charter.crm_for(vendor), openings(charter, vendor, pipelines)
    doubtful: dict[tuple[str | None, str | None], list[RecordKind]] = {}
    for kind in DEALS:
        if kind not in known:
            asked = crm.writes.opening(kind)
            doubtful.setdefault((asked.place, asked.stage), []).append(kind)
    field, words = ("record_type", "record type") if vendor == SALESFORCE else ("pipeline", "pipeline")
    for (place, stage), kinds in doubtful.items():
        lines = " and ".join(f"`crm.{vendor}.writes.{kind.value}`" for kind in kinds)
        deals = " and ".join(f"{kind.value}s" for kind in kinds)
        yield (
            f"where should {deals} open? {_why(place, stage, words)}: set `stage`, and `{field}` where there "
            f"are several, in {lines} to one of {_shown(crm, pipelines, words)}"
        )


def _why(place: str | None, stage: str | None, words: str) -> str:
    if stage is not None:
        where = f"{words} {place!r}" if place is not None else f"exactly one {words}"
        return f"The charter says stage {stage!r}, which is no open stage of {where}"
    if place is not None:
        return f"The charter says {words} {place!r}, which has no open stage or is not there"
    return f"The charter names no stage, and not exactly one {words} has open stages"


def _shown(crm: CrmEntry, pipelines: Sequence[Pipeline], words: str) -> str:
    told = []
    for pipeline in pipelines:
        stages = open_stages(pipeline, crm.reads.deal.stages)
        listed = ", ".join(f"{stage.id!r} ({stage.label})" for stage in stages) or "no open stage"
        told.append(f"{_noun(pipeline, words)} {pipeline.id!r} ({pipeline.label}): {listed}")
    return "; ".join(told) or f"the stages of a {words}, of which there is none yet"


def _noun(pipeline: Pipeline, words: str) -> str:
    """Return what an admin calls it: an org without record types has its stages in one list."""
    return words if words == "pipeline" or pipeline.record_type else "object"


def never_won(charter: Charter, vendor: str, pipelines: Sequence[Pipeline]) -> Iterator[str]:
    """Yield a note for each pipeline in which no deal can count as won, and with it no contract."""
    won = charter.crm_for(vendor).reads.deal.stages.won
    for pipeline in pipelines:
        words = "record type" if pipeline.record_type else "pipeline"
        if not any(stage.active and (stage.won or stage.id in won) for stage in pipeline.stages):
            yield (
                f"no stage of {words} {pipeline.id!r} ({pipeline.label}) is marked as won: deals in it "
                f"never count as contracts, unless `crm.{vendor}.reads.deal.stages.won` names one"
            )
