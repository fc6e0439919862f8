"""The fields people fill in for us: overrides, pins and the pulse, and where they stand; pure.

They stand where a change reaches us (decision 0077): in HubSpot on the company, whose webhooks come to
us; in Salesforce on the profile, which is polled by ``SystemModstamp``, so that no trigger of the account
fires. They are people's for ever: no row of ours holds one (ownership ``human``). Neighbours:
``outbound`` has them installed, ``inbound`` has them read, ``human_inputs`` makes facts of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from integration.port import CrmRecord, FieldSpec, FieldType, FieldValues, ObjectSpec
from mappings.bindings import CrmEntry
from mappings.catalogue import CatalogueField
from mappings.naming import HUBSPOT, SALESFORCE, key_field, label, lookup_field, vendor_name
from success.desired import RecordKind

KIND, POINTS, REASON, UNTIL = "override_kind", "override_points", "override_reason", "override_ends_on"
SEGMENT, SEGMENT_UNTIL = "segment_pin", "segment_pin_ends_on"
STAGE, STAGE_UNTIL = "stage_pin", "stage_pin_ends_on"
PULSE = "pulse"

_KINDS = (("value", "Value"), ("cap", "Cap"), ("floor", "Floor"))
HUMAN: Final = (
    CatalogueField(
        KIND,
        FieldType.CHOICE,
        "What your override of health does: stand for the score, or hold it below or above your points.",
        choices=_KINDS,
    ),
    CatalogueField(POINTS, FieldType.NUMBER, "The points of your override, from 0 to 100.", decimals=1),
    CatalogueField(REASON, FieldType.TEXT, "Why you override health; an override without it does not count."),
    CatalogueField(
        UNTIL,
        FieldType.DATE,
        "The day on which your override ends, at most 90 days from now; empty means 90 days.",
    ),
    CatalogueField(SEGMENT, FieldType.TEXT, "The segment to hold the account in, by its key in the charter."),
    CatalogueField(SEGMENT_UNTIL, FieldType.DATE, "The day on which the pinned segment ends."),
    CatalogueField(STAGE, FieldType.TEXT, "The stage to hold the account in, by its key in the charter."),
    CatalogueField(STAGE_UNTIL, FieldType.DATE, "The day on which the pinned stage ends."),
    CatalogueField(PULSE, FieldType.NUMBER, "How the account feels to you, from 1 (worst) to 5 (best)."),
)
"""The fields, with what people read beside them."""

# Who saved a record last. HubSpot's default property "Updated by user ID" names a user; Salesforce's audit
# fields name one too, and who made the record: a profile is made by our own user (Object Reference).
HUBSPOT_AUTHOR: Final = "hs_updated_by_user_id"
SAVED_BY, SAVED_BY_NAME, MADE_BY = "LastModifiedById", "LastModifiedBy.Name", "CreatedById"
AUTHORS: Final[Mapping[str, tuple[str, ...]]] = {
    HUBSPOT: (HUBSPOT_AUTHOR,),
    SALESFORCE: (SAVED_BY, SAVED_BY_NAME, MADE_BY),
}


def holder(crm: CrmEntry, vendor: str) -> str:
    """Return the vendor's object on which people fill the fields in."""
    return crm.reads.account.object if vendor == HUBSPOT else vendor_name(RecordKind.PROFILE.value, vendor)


def human_names(vendor: str) -> tuple[str, ...]:
    """Return the vendor's names of the fields."""
    return tuple(vendor_name(entry.name, vendor) for entry in HUMAN)


def with_human_fields(specs: tuple[ObjectSpec, ...], crm: CrmEntry, vendor: str) -> tuple[ObjectSpec, ...]:
    """Return what install must ensure with the fields of people's among it.

    Not ``writable``: our own user is given the right to read them, and no more.
    """
    name = holder(crm, vendor)
    fields = tuple(
        FieldSpec(
            vendor_name(entry.name, vendor),
            label(entry.name),
            entry.type,
            choices=entry.choices,
            decimals=entry.decimals,
            description=entry.help,
            writable=False,
        )
        for entry in HUMAN
    )
    if name not in [spec.name for spec in specs]:
        return (*specs, ObjectSpec(name, name, name, fields))
    return tuple(
        replace(spec, fields=(*spec.fields, *fields)) if spec.name == name else spec for spec in specs
    )


def speaks(values: FieldValues, vendor: str) -> bool:
    """Return whether anything of people's is written in a record."""
    return any((values.get(name) or "").strip() for name in human_names(vendor))


def spoken_for(record: CrmRecord, crm: CrmEntry, vendor: str) -> str | None:
    """Return the account a profile speaks of; ``None`` where nobody wrote in it, or it is none of ours.

    Only so long does a record of ours hang under an account in the mirror: what we wrote ourselves is no
    fact and wakes nobody.
    """
    if record.object != holder(crm, vendor) or not speaks(record.values, vendor):
        return None
    ours = record.values.get(key_field(vendor))
    return (record.values.get(lookup_field(crm.reads.account.object)) or None) if ours else None


def without_idle_author(record: CrmRecord, vendor: str) -> CrmRecord:
    """Return the record without who saved it last where nobody's word stands in it.

    Else every save of a record would be news of it.
    """
    named = [name for name in AUTHORS[vendor] if record.values.get(name) is not None]
    if not named or speaks(record.values, vendor):
        return record
    return replace(record, values={**record.values, **dict.fromkeys(named)})
