"""What an org holds: its name and time zone, objects, opportunity stages and what is left of limits.

All of it takes two calls for up to 23 objects: a composite (describes and two queries) and
``/limits``. Source: REST API guide, "sObject Describe", "Limits"; Object Reference, "Organization",
"OpportunityStage". Record types of opportunities have stages of their own, asked of the User Interface
API ("Get Values for All Picklist Fields of a Record Type"), one call each. Neighbour: ``shape`` keeps the
described objects for the other verbs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from integration.deal_pipelines import Pipeline, Stage
from integration.port import CrmDescription, ObjectSpec, Refused
from integration.salesforce.composite import Part, PartAnswer, query_part, send_parts
from integration.salesforce.errors import call_error
from integration.salesforce.limits import COMPOSITE_SUBREQUESTS, LONG_REQUESTS, LONG_REQUESTS_DEVELOPER
from integration.salesforce.shape import RecordType, Shapes, parse_shape
from integration.salesforce.transport import Transport

ORGANIZATION_SOQL = (
    "SELECT Id, Name, TimeZoneSidKey, OrganizationType, IsSandbox, TrialExpirationDate FROM Organization "
    "LIMIT 1"
)
STAGES_SOQL = (
    "SELECT Id, ApiName, MasterLabel, IsActive, IsClosed, IsWon, DefaultProbability FROM OpportunityStage "
    "ORDER BY SortOrder"
)
DEVELOPER = "Developer Edition"
DEALS, STAGE_FIELD = "Opportunity", "StageName"
# "Data and file storage": a record counts about 2 KB whatever its width.
ROWS_PER_MEGABYTE = 512


class Describer:
    """The describing verb of one port."""

    def __init__(self, transport: Transport, shapes: Shapes) -> None:
        """Keep what is described in ``shapes``."""
        self._transport = transport
        self._shapes = shapes

    def describe(self, objects: Sequence[str]) -> CrmDescription:
        """Return what the org holds of ``objects``; one it does not show us is left out."""
        wanted = list(dict.fromkeys(objects))
        parts = [query_part(ORGANIZATION_SOQL), query_part(STAGES_SOQL), *map(_describe_part, wanted)]
        answers: list[PartAnswer] = []
        for start in range(0, len(parts), COMPOSITE_SUBREQUESTS):
            answers += send_parts(self._transport, "describe", parts[start : start + COMPOSITE_SUBREQUESTS])
        organization = _only(answers[0])
        self._transport.learn_long_requests(_long_requests(organization))
        return CrmDescription(
            account_id=str(organization["Id"]),
            account_name=str(organization["Name"]),
            time_zone=str(organization["TimeZoneSidKey"]),
            objects=self._objects(wanted, answers[2:]),
            deal_pipelines=_pipelines(answers[1], self._stages_by_type(wanted)),
            custom_objects_left=None,
            notes=(_edition_note(organization), *self._limit_notes()),
        )

    def _objects(self, names: Sequence[str], answers: Sequence[PartAnswer]) -> dict[str, ObjectSpec]:
        found: dict[str, ObjectSpec] = {}
        for name, answer in zip(names, answers, strict=True):
            if answer.failure is None:
                shape = parse_shape(answer.body)
                self._shapes.add(shape)
                found[name] = shape.spec
            elif answer.failure.status != HTTPStatus.NOT_FOUND:
                raise call_error(answer.failure)
        return found

    def _stages_by_type(self, names: Sequence[str]) -> list[tuple[RecordType, frozenset[str]]]:
        """Return which stages each record type of opportunities has: one call a record type, none without."""
        if DEALS not in names:
            return []
        found = []
        for one in self._shapes.get(DEALS).record_types if self._shapes.knows(DEALS) else ():
            path = f"ui-api/object-info/{DEALS}/picklist-values/{one.id}"
            answer = self._transport.request("describe", "GET", path)
            values = (answer["picklistFieldValues"].get(STAGE_FIELD) or {}).get("values") or ()
            found.append((one, frozenset(str(value["value"]) for value in values)))
        return found

    def _limit_notes(self) -> tuple[str, ...]:
        """Return what is left of calls and storage; nothing where the user may not see Setup."""
        try:
            limits = self._transport.request("describe", "GET", "limits")
        except Refused:
            return ("Limits are hidden from the integration user (View Setup and Configuration).",)
        calls, storage = limits["DailyApiRequests"], limits["DataStorageMB"]
        rows = int(storage["Remaining"]) * ROWS_PER_MEGABYTE
        self._transport.learn_limits(limits)
        return (
            f"API calls left in 24 hours: {calls['Remaining']} of {calls['Max']}.",
            f"Data storage left: {storage['Remaining']} of {storage['Max']} MB, about {rows} records.",
        )


def _describe_part(name: str) -> Part:
    return Part("GET", f"sobjects/{quote(name, safe='')}/describe")


def _only(answer: PartAnswer) -> Mapping[str, Any]:
    if answer.failure is not None:
        raise call_error(answer.failure)
    row: Mapping[str, Any] = answer.body["records"][0]
    return row


def _pipelines(
    answer: PartAnswer, by_type: Sequence[tuple[RecordType, frozenset[str]]]
) -> tuple[Pipeline, ...]:
    """Return a pipeline for each record type, by its developer name, or the org's stages as one.

    None where the org has no opportunities. Each also holds the stages that are inactive or of other
    record types, inactive there: deals are found in them, and none is opened.
    """
    if answer.failure is not None:
        return ()
    stages = [_stage(row) for row in answer.body["records"]]
    if not by_type:
        return (Pipeline(DEALS, "Opportunity stages", tuple(stages)),)
    return tuple(
        Pipeline(one.developer_name, one.label, tuple(_within(stages, names)), one.id)
        for one, names in by_type
    )


def _within(stages: Sequence[Stage], names: frozenset[str]) -> Iterator[Stage]:
    for stage in stages:
        yield stage if stage.id in names else replace(stage, active=False)


def _stage(row: Mapping[str, Any]) -> Stage:
    """Return a stage; its id is what ``StageName`` holds, its probability comes in percent."""
    return Stage(
        id=str(row.get("ApiName") or row["MasterLabel"]),
        label=str(row["MasterLabel"]),
        closed=bool(row["IsClosed"]),
        won=bool(row["IsWon"]),
        probability=float(row["DefaultProbability"] or 0) / 100,
        active=bool(row["IsActive"]),
    )


def _long_requests(organization: Mapping[str, Any]) -> int:
    small = organization.get("OrganizationType") == DEVELOPER or organization.get("TrialExpirationDate")
    return LONG_REQUESTS_DEVELOPER if small else LONG_REQUESTS


def _edition_note(organization: Mapping[str, Any]) -> str:
    kind = "sandbox" if organization.get("IsSandbox") else "production"
    return f"{organization.get('OrganizationType') or 'Unknown edition'}, {kind} org."
