"""What an install makes beside objects and fields: lists, labels on ties, the plan's pipeline; pure.

All of it is HubSpot's; a Salesforce org gets files beside its package instead. Names come from
``mappings.naming``, bands and time zone from the charter. Neighbours: ``outbound`` says which objects and
fields there are, ``sync/install.py`` plans from both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from integration.deal_pipelines import Pipeline
from integration.install_specs import (
    Comparison,
    Condition,
    LabelSpec,
    ListSpec,
    PipelineSpec,
    StageSpec,
    Wanted,
)
from integration.port import ObjectSpec
from integration.salesforce.generated import generated_files
from mappings.catalogue import LIST_FIELDS, Home, KeptList, PlanStage
from mappings.charter import Charter
from mappings.homes import OBJECTS, Homes, PlanStages
from mappings.naming import HUBSPOT, label, plural_label, vendor_name
from mappings.org_views import band_views
from mappings.outbound import object_specs
from success.desired import RecordKind

RENEWAL_DAYS = 90
_TITLES = {
    KeptList.AT_RISK: "CS At risk",
    KeptList.RENEWAL_IN_90_DAYS: "CS Renewal in 90 days",
    KeptList.ONBOARDING_LATE: "CS Onboarding late",
    KeptList.EXPANSION_READY: "CS Expansion ready",
}


def wanted_parts(charter: Charter, vendor: str, homes: Homes = OBJECTS) -> Wanted:
    """Return all that should stand in a portal or org for a charter, given where records stand."""
    objects = object_specs(charter, vendor, homes)
    if vendor != HUBSPOT:
        return Wanted(objects, files=generated_files(objects, band_views(charter)))
    return Wanted(objects, tuple(_lists(charter)), tuple(_labels(objects)), tuple(_pipelines(homes)))


def _labels(objects: Iterable[ObjectSpec]) -> Iterator[LabelSpec]:
    """Yield a label for every object of ours and what it hangs under, in both directions' words."""
    ours = {spec.name: spec.label for spec in objects if spec.custom}
    for spec in objects:
        for parent in spec.parents if spec.custom else ():
            name = f"{spec.name}_of_{parent}"
            yield LabelSpec(name, spec.name, parent, ours.get(parent, label("account")), spec.label)


def _pipelines(homes: Homes) -> Iterator[PipelineSpec]:
    """Yield the pipeline of plans, where plans are an object of ours."""
    kind = RecordKind.PLAN
    if homes.of[kind] is Home.OBJECT:
        stages = tuple(StageSpec(one.value, closed=one is PlanStage.COMPLETE) for one in PlanStage)
        yield PipelineSpec(vendor_name(kind.value, HUBSPOT), plural_label(kind.value), stages)


def plan_stages_of(pipeline: Pipeline) -> PlanStages | None:
    """Return the stages of plans in a pipeline, found by their labels; ``None`` where one is missing."""
    by_label = {stage.label.lower(): stage.id for stage in pipeline.stages}
    found = {one.name.lower(): by_label.get(one.value.lower()) for one in PlanStage}
    stages = {name: stage_id for name, stage_id in found.items() if stage_id is not None}
    return PlanStages(pipeline.id, stages) if len(stages) == len(found) else None


def _lists(charter: Charter) -> Iterator[ListSpec]:
    crm = charter.crm_for(HUBSPOT)
    for kept in dict.fromkeys(crm.writes.lists):
        condition = _condition(kept, vendor_name(LIST_FIELDS[kept], HUBSPOT), charter)
        yield ListSpec(_TITLES[kept], crm.reads.account.object, ((condition,),))


def _condition(kept: KeptList, field: str, charter: Charter) -> Condition:
    """Return what an account in a list is true of; its lowest band is the one that begins at 0."""
    if kept is KeptList.AT_RISK:
        return Condition(field, Comparison.ANY_OF, values=(charter.scorecard.bands[0].key,))
    if kept is KeptList.RENEWAL_IN_90_DAYS:
        return Condition(field, Comparison.WITHIN_DAYS, number=RENEWAL_DAYS, time_zone=charter.time_zone)
    return Condition(field, Comparison.AT_LEAST, number=1)
