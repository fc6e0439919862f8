"""The charter: one YAML file that says what a CRM means and how customers are judged.

``mappings.load`` reads it, ``inbound`` and ``outbound`` translate through it, and ``rules_of``
hands its rules to ``success``. A charter is known by its content hash, which comments and the
order of keys do not change: replay asks for the one that was in force.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Literal

from pydantic import Field, field_validator

from mappings.bindings import CrmEntry, HomesEntry
from mappings.ledger_policies import Policies
from mappings.rulebook import ExpansionEntry, PlanEntry, RenewalEntry, ScorecardEntry
from mappings.scalars import Finding, Model, Name, Zone, refuse
from mappings.usage_identity import UsageEntry
from success.rules import Rules

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
    policies: Policies
    crm: Crms
    scorecard: ScorecardEntry
    plan: PlanEntry
    renewal: RenewalEntry
    expansion: ExpansionEntry
    usage: UsageEntry | None = None

    def crm_for(self, vendor: str) -> CrmEntry:
        """Return the part that speaks of ``vendor``; raise ``KeyError`` where there is none."""
        entry = {"hubspot": self.crm.hubspot, "salesforce": self.crm.salesforce}[vendor]
        if entry is None:
            raise KeyError(vendor)
        return entry


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
    return Rules(
        charter_hash=content_hash(charter),
        policies=charter.policies.to_rules(),
        scorecard=charter.scorecard.to_rules(),
        plan=charter.plan.to_rules(),
        renewal=charter.renewal.to_rules(),
        expansion=charter.expansion.to_rules(),
        time_zone=charter.time_zone,
    )
