"""The charter: one YAML file that says what a CRM means and how customers are judged.

``mappings.load`` reads it, ``inbound`` and ``outbound`` translate through it, and ``rules_of``
hands its rules to ``success``. A charter is known by its content hash, which comments and the
order of keys do not change: replay asks for the one that was in force.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Literal, TypeVar

from pydantic import Field, ValidationInfo, field_validator, model_validator

from mappings.backtest import BacktestEntry, unknown_required
from mappings.bindings import CrmEntry, HomesEntry
from mappings.journey import AdoptionEntry, JourneyEntry
from mappings.ledger_policies import Policies
from mappings.models import ModelEntry, models_differ, unread_attributes
from mappings.rulebook import ExpansionEntry, PlanEntry, RenewalEntry
from mappings.scalars import Finding, Model, Name, Zone, refuse
from mappings.scorecards import (
    FurtherScorecardEntry,
    ScorecardEntry,
    wrong_attributes,
    wrong_audience,
    wrong_further,
)
from mappings.segments import SegmentsEntry
from mappings.snapshots import SnapshotsEntry
from mappings.usage_identity import UsageEntry
from mappings.usage_sources import UsageSources
from mappings.words_read import attribute_findings, name_findings
from success.criteria import CONTRACT_JOURNEY, ONE_SEGMENT, UNKNOWN, Journey, Segmentation
from success.rules import Language, Rules

Part = TypeVar("Part", bound=Model | None)
JSON_SCHEMA_DIALECT = "https://json-schema.org/draft/2020-12/schema"


class Crms(Model):
    """The CRMs the charter speaks of; a customer with one of them leaves the other out."""

    hubspot: CrmEntry | None = None
    salesforce: CrmEntry | None = None

    @field_validator("hubspot")
    @classmethod
    def _hubspot_has_pipelines(cls, entry: CrmEntry | None) -> CrmEntry | None:
        refuse(_wrong_places(entry, "record_type", "HubSpot has no record types", "Name its `pipeline`."))
        return entry

    @field_validator("salesforce")
    @classmethod
    def _salesforce_has_record_types(cls, entry: CrmEntry | None) -> CrmEntry | None:
        remedy = "Name the record type's developer name as `record_type`."
        refuse(_wrong_places(entry, "pipeline", "Salesforce has no pipelines", remedy))
        return entry

    @field_validator("hubspot")
    @classmethod
    def _hubspot_deals_have_neither_lines_nor_roles(cls, entry: CrmEntry | None) -> CrmEntry | None:
        openings = (
            {} if entry is None else {"renewal": entry.writes.renewal, "expansion": entry.writes.expansion}
        )
        wrong = {
            "lines": "deals of ours begin without line items in HubSpot",
            "contact_roles": "deals have no contact roles in HubSpot",
        }
        refuse(
            [
                Finding(("writes", kind, name), words, f"Leave `{name}` out; it is for Salesforce.")
                for kind, one in openings.items()
                for name, words in wrong.items()
                if getattr(one, name)
            ]
        )
        return entry

    @field_validator("salesforce")
    @classmethod
    def _salesforce_has_room(cls, entry: CrmEntry | None) -> CrmEntry | None:
        if entry is not None and entry.writes.homes != HomesEntry():
            wrong = "in Salesforce every kind of record has an object of its own"
            refuse([Finding(("writes", "homes"), wrong, "Leave `homes` out; it is for HubSpot.")])
        return entry


def _wrong_places(entry: CrmEntry | None, name: str, wrong: str, remedy: str) -> list[Finding]:
    """Return a finding for each way of opening deals that names a place of the other CRM's kind."""
    openings = () if entry is None else ("renewal", "expansion")
    named = [kind for kind in openings if entry and getattr(getattr(entry.writes, kind), name) is not None]
    return [Finding(("writes", kind, name), wrong, remedy) for kind in named]


class Charter(Model):
    """A whole charter. ``time_zone`` is where the installation's days begin and end."""

    schema_version: Literal[1] = Field(alias="schema", description="The version of this file's form.")
    name: Name
    time_zone: Zone
    language: Language = Field(
        default=Language.EN,
        exclude_if=lambda language: language is Language.EN,  # a charter written before keeps its hash
        description="The language of what CSMs read on records.",
    )
    policies: Policies
    crm: Crms
    segments: SegmentsEntry | None = None
    journey: JourneyEntry | None = None
    adoption: AdoptionEntry | None = None
    scorecard: ScorecardEntry
    scorecards: tuple[FurtherScorecardEntry, ...] = Field(
        default=(), description="Scorecards for some segments or stages; the first that fits counts."
    )
    plan: PlanEntry
    renewal: RenewalEntry
    expansion: ExpansionEntry
    models: tuple[ModelEntry, ...] = ()
    backtest: BacktestEntry = BacktestEntry()
    usage: UsageEntry | None = None
    usage_sources: UsageSources = Field(
        default=(),
        exclude_if=lambda sources: not sources,  # a charter written before keeps its hash
        description="Where usage is pulled from, besides what the product sends.",
    )
    snapshots: SnapshotsEntry | None = Field(
        default=None,
        exclude_if=lambda entry: entry is None,  # a charter written before keeps its hash
    )

    @field_validator("models")
    @classmethod
    def _models_differ(cls, models: tuple[ModelEntry, ...]) -> tuple[ModelEntry, ...]:
        return models_differ(models)

    @model_validator(mode="after")
    def _models_ask_what_is_read(self) -> Charter:
        crms = {"hubspot": self.crm.hubspot, "salesforce": self.crm.salesforce}
        read = {
            name: frozenset(one.reads.account.fields.attributes)
            for name, one in crms.items()
            if one is not None
        }
        refuse(unread_attributes(self.models, read))
        return self

    @field_validator("scorecard")
    @classmethod
    def _events_are_read(cls, entry: ScorecardEntry, info: ValidationInfo) -> ScorecardEntry:
        refuse(list(wrong_attributes(entry, _attributes(info.data.get("crm")))))
        return entry

    @field_validator("scorecards")
    @classmethod
    def _scorecards_agree(
        cls, further: tuple[FurtherScorecardEntry, ...], info: ValidationInfo
    ) -> tuple[FurtherScorecardEntry, ...]:
        default: ScorecardEntry | None = info.data.get("scorecard")
        findings = [] if default is None else list(wrong_further(default, further))
        keys = _keys_of(info.data)
        if "segment" in keys and "stage" in keys:
            findings += wrong_audience(further, keys["segment"], keys["stage"])
        read = _attributes(info.data.get("crm"))
        for index, entry in enumerate(further):
            findings += [one._replace(at=(index, *one.at)) for one in wrong_attributes(entry, read)]
        refuse(findings)
        return further

    @field_validator("segments", "journey", "adoption", "scorecard", "scorecards", "plan", "expansion")
    @classmethod
    def _names_what_there_is(cls, part: Part, info: ValidationInfo) -> Part:
        """Refuse attributes, segments and stages that other parts of the charter do not have."""
        if part is not None:
            crms = dict(info.data["crm"]) if "crm" in info.data else {}
            findings = attribute_findings(part, {name: one for name, one in crms.items() if one is not None})
            refuse(findings + name_findings(part, _keys_of(info.data)))
        return part

    @field_validator("backtest")
    @classmethod
    def _required_are_there(cls, entry: BacktestEntry, info: ValidationInfo) -> BacktestEntry:
        if {"scorecard", "scorecards"} <= info.data.keys():
            scored = [info.data["scorecard"], *info.data["scorecards"]]
            refuse(unknown_required(entry, [one.key for one in scored]))
        return entry

    def crm_for(self, vendor: str) -> CrmEntry:
        """Return the part that speaks of ``vendor``; raise ``KeyError`` where there is none."""
        entry = {"hubspot": self.crm.hubspot, "salesforce": self.crm.salesforce}[vendor]
        if entry is None:
            raise KeyError(vendor)
        return entry


def _attributes(crms: Crms | None) -> frozenset[str] | None:
    """Return the names of the account's attributes that any CRM's part reads; None without a sound part."""
    if crms is None:
        return None
    entries = (crms.hubspot, crms.salesforce)
    return frozenset(name for one in entries if one for name in one.reads.account.fields.attributes)


def _keys_of(read: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the keys of segments and stages of the parts read so far; a part with mistakes has none."""
    keys = {}
    if "segments" in read:
        keys["segment"] = [UNKNOWN, *(one.key for one in _segmentation(read["segments"]).segments)]
    if "journey" in read:
        keys["stage"] = [one.key for one in _journey(read["journey"]).stages]
    return keys


def _segmentation(entry: SegmentsEntry | None) -> Segmentation:
    return ONE_SEGMENT if entry is None else entry.to_rules()


def _journey(entry: JourneyEntry | None) -> Journey:
    return CONTRACT_JOURNEY if entry is None else entry.to_rules()


def canonical_bytes(charter: Charter) -> bytes:
    """Return the charter as canonical JSON: keys sorted, no spaces, numbers in their one form."""
    content = charter.model_dump(mode="json", by_alias=True)
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def from_canonical_bytes(stored: bytes) -> Charter:
    """Return the charter that ``canonical_bytes`` wrote; replay reads stored charters this way."""
    return Charter.model_validate_json(stored)


def content_hash(charter: Charter) -> str:
    """Return the SHA-256 of the canonical bytes, in hexadecimal."""
    return hashlib.sha256(canonical_bytes(charter)).hexdigest()


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a charter file, for editors (yaml-language-server) and checks."""
    schema = Charter.model_json_schema(by_alias=True, mode="validation")
    return {"$schema": JSON_SCHEMA_DIALECT, **schema}


def rules_of(charter: Charter) -> Rules:
    """Return what the charter decides, as the frozen rules of ``success``."""
    segmentation, journey = rules_of_standing(charter)
    return Rules(
        charter_hash=content_hash(charter),
        policies=charter.policies.to_rules(),
        scorecard=charter.scorecard.to_rules(charter.time_zone),
        scorecards=tuple(entry.to_rules(charter.time_zone) for entry in charter.scorecards),
        plan=charter.plan.to_rules(),
        renewal=charter.renewal.to_rules(),
        expansion=charter.expansion.to_rules(),
        time_zone=charter.time_zone,
        language=charter.language,
        segmentation=segmentation,
        journey=journey,
        adoption=None if charter.adoption is None else charter.adoption.to_rules(),
    )


def rules_of_standing(charter: Charter) -> tuple[Segmentation, Journey]:
    """Return segments and journey, those of ``success`` where the charter has none of its own."""
    return _segmentation(charter.segments), _journey(charter.journey)
