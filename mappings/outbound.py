"""From desired records to a CRM's rows, and to the objects and fields that must exist for them; pure.

``sync/install.py`` ensures ``object_specs``; ``sync/push.py`` sends what differs of ``to_rows``.
Names come from ``mappings.naming``, fields and their default owners from ``mappings.catalogue``.

Limits on text: HubSpot 65,536 characters (properties guide); Salesforce Text 255, long text
32,768, custom object Name 80 and Opportunity Name 120 (object reference).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo

from integration.port import FieldSpec, FieldType, FieldValues, Link, ObjectSpec
from mappings.bindings import Binding, CrmEntry, Ownership
from mappings.catalogue import CATALOGUE, DEALS, OWN_OBJECTS, CatalogueField
from mappings.charter import Charter
from mappings.money import decimals_of
from mappings.naming import HUBSPOT, SALESFORCE, key_field, label, lookup_field, plural_label, vendor_name
from mappings.typed import cut, write_noon, write_value
from success.desired import DesiredRecord, RecordKind, Value
from success.facts import Money

HUBSPOT_TEXT_CHARACTERS = 65_536
SALESFORCE_TEXT_CHARACTERS = 255
SALESFORCE_LONG_TEXT_CHARACTERS = 32_768
SALESFORCE_OBJECT_NAME_CHARACTERS = 80
SALESFORCE_DEAL_NAME_CHARACTERS = 120
SALESFORCE_NAME = "Name"
HUBSPOT_CLOSE = "closedate"  # HubSpot's own close date is a datetime property (default deal properties)
UNKNOWN_BAND = ("unknown", "Unknown")

_PARENT_KIND = {RecordKind.MILESTONE: RecordKind.PLAN}


@dataclass(frozen=True, slots=True)
class VendorWrite:
    """One row to write in a CRM, its values by who owns them.

    ``ours`` are kept true, ``seed`` are sent on creation only; ``human`` fields never get here.
    ``parents`` are records of the CRM it hangs under, ``parent_keys`` records of ours by
    (object, key). ``record_id`` is set where the row updates the account's own record, which is
    never created by us and has no external key.
    """

    object: str
    key: str
    ours: FieldValues = field(default_factory=dict)
    seed: FieldValues = field(default_factory=dict)
    parents: tuple[Link, ...] = ()
    parent_keys: tuple[tuple[str, str], ...] = ()
    record_id: str | None = None


def object_specs(charter: Charter, vendor: str) -> tuple[ObjectSpec, ...]:
    """Return what install must ensure: our objects whole, then our fields on the customer's objects."""
    crm = charter.crm_for(vendor)
    own = [_own_object(kind, charter, vendor) for kind in OWN_OBJECTS]
    account = _account_fields(charter, vendor)
    deal = [_key_spec(vendor), *_deal_fields(charter, vendor)]
    extended = [
        ObjectSpec(name, name, name, tuple(fields))
        for name, fields in ((crm.reads.account.object, account), (crm.reads.deal.object, deal))
        if fields
    ]
    return (*own, *extended)


def to_rows(
    record: DesiredRecord, charter: Charter, vendor: str, *, owner_id: str | None = None
) -> tuple[VendorWrite, ...]:
    """Return the rows one desired record becomes: its own first, then those on the account.

    ``owner_id`` seeds the owner of a deal (the account's owner, in the CRM's own ids).
    Raises ``KeyError`` for a field the catalogue does not have.
    """
    if record.kind in DEALS:
        return (_deal_row(record, charter, vendor, owner_id),)
    rows = [_own_row(record, charter, vendor)]
    if record.kind is RecordKind.PROFILE:
        rows += _account_rows(record, charter, vendor)
    return tuple(rows)


def own_object(kind: RecordKind, charter: Charter, vendor: str) -> str:
    """Return the vendor's object that holds records of ``kind``: ours, or the deal object."""
    return charter.crm_for(vendor).reads.deal.object if kind in DEALS else vendor_name(kind.value, vendor)


def ownership(kind: RecordKind, name: str, crm: CrmEntry) -> Ownership:
    """Return who owns a field of ours: what the charter says, else seed for native fields, else ours."""
    chosen = crm.writes.ownership.get(kind, {}).get(name)
    native = any(entry.native for entry in CATALOGUE[kind] if entry.name == name)
    return chosen or (Ownership.SEED if native else Ownership.OURS)


def _own_object(kind: RecordKind, charter: Charter, vendor: str) -> ObjectSpec:
    name, parents = vendor_name(kind.value, vendor), _parent_objects(kind, charter, vendor)
    primary = SALESFORCE_NAME if vendor == SALESFORCE else vendor_name("name", vendor)
    fields = [_key_spec(vendor)]
    fields += [
        _field_spec(entry, charter, vendor)
        for entry in CATALOGUE[kind]
        if (entry.name, vendor) != ("name", SALESFORCE)
    ]
    if vendor == SALESFORCE:
        fields += [_lookup_spec(parent) for parent in parents]
    return ObjectSpec(
        name=name,
        label=label(kind.value),
        plural=plural_label(kind.value),
        fields=tuple(fields),
        custom=True,
        parents=parents,
        primary_field=primary,
    )


def _parent_objects(kind: RecordKind, charter: Charter, vendor: str) -> tuple[str, ...]:
    account = charter.crm_for(vendor).reads.account.object
    parent = _PARENT_KIND.get(kind)
    return (account,) if parent is None else (account, vendor_name(parent.value, vendor))


def _account_fields(charter: Charter, vendor: str) -> list[FieldSpec]:
    """Return our fields on the account: copies of profile fields, and the lookup to the profile."""
    writes = charter.crm_for(vendor).writes
    copied = {entry.name: entry for entry in CATALOGUE[RecordKind.PROFILE]}
    fields = [_field_spec(copied[name], charter, vendor) for name in writes.on_account]
    if writes.profile_lookup and vendor == SALESFORCE:
        fields.append(_lookup_spec(vendor_name(RecordKind.PROFILE.value, vendor)))
    return fields


def _deal_fields(charter: Charter, vendor: str) -> list[FieldSpec]:
    """Return our fields on the deal: those of renewals and expansions, each once."""
    entries = {entry.name: entry for kind in DEALS for entry in CATALOGUE[kind]}
    return [
        _field_spec(entry, charter, vendor)
        for entry in entries.values()
        if entry.native is None or entry.mirrored
    ]


def _field_spec(entry: CatalogueField, charter: Charter, vendor: str) -> FieldSpec:
    bands = tuple((band.key, band.title) for band in charter.scorecard.bands)
    currency = charter.policies.reporting_currency
    return FieldSpec(
        name=vendor_name(entry.name, vendor),
        label=label(entry.name),
        type=entry.type,
        choices=(*bands, UNKNOWN_BAND) if entry.name == "band" else entry.choices,
        decimals=decimals_of(currency) if entry.type is FieldType.MONEY else entry.decimals,
        description=entry.help,
    )


def _key_spec(vendor: str) -> FieldSpec:
    help_text = "Colonnade's own key of this record; do not change it."
    return FieldSpec(key_field(vendor), label("key"), FieldType.TEXT, unique=True, description=help_text)


def _lookup_spec(target: str) -> FieldSpec:
    name = lookup_field(target)
    text = name.removesuffix("__c").replace("_", " ")
    return FieldSpec(name, text, FieldType.REFERENCE, references=target)


def _own_row(record: DesiredRecord, charter: Charter, vendor: str) -> VendorWrite:
    crm = charter.crm_for(vendor)
    values: dict[Ownership, dict[str, str | None]] = {owner: {} for owner in Ownership}
    for entry, value in _entries(record):
        name = vendor_name(entry.name, vendor)
        if (entry.name, vendor) == ("name", SALESFORCE):
            name = SALESFORCE_NAME
        owner = ownership(record.kind, entry.name, crm)
        values[owner][name] = _text(entry, value, _limit(entry, vendor, SALESFORCE_OBJECT_NAME_CHARACTERS))
    return VendorWrite(
        object=vendor_name(record.kind.value, vendor),
        key=record.key,
        ours=values[Ownership.OURS],
        seed=values[Ownership.SEED],
        parents=(Link(crm.reads.account.object, record.account_id),),
        parent_keys=_parent_keys(record, vendor),
    )


def _parent_keys(record: DesiredRecord, vendor: str) -> tuple[tuple[str, str], ...]:
    kind = _PARENT_KIND.get(record.kind)
    if kind is None or record.parent_key is None:
        return ()
    return ((vendor_name(kind.value, vendor), record.parent_key),)


def _account_rows(record: DesiredRecord, charter: Charter, vendor: str) -> list[VendorWrite]:
    """Return the row that updates the account itself, where the charter wants one."""
    crm = charter.crm_for(vendor)
    ours = {
        vendor_name(entry.name, vendor): _text(
            entry, value, _limit(entry, vendor, SALESFORCE_TEXT_CHARACTERS)
        )
        for entry, value in _entries(record)
        if entry.name in crm.writes.on_account
        and ownership(record.kind, entry.name, crm) is not Ownership.HUMAN
    }
    lookup = ((vendor_name(record.kind.value, vendor), record.key),) if crm.writes.profile_lookup else ()
    if not ours and not lookup:
        return []
    account = crm.reads.account.object
    return [VendorWrite(account, record.key, ours, parent_keys=lookup, record_id=record.account_id)]


def _deal_row(record: DesiredRecord, charter: Charter, vendor: str, owner_id: str | None) -> VendorWrite:
    crm = charter.crm_for(vendor)
    values: dict[Ownership, dict[str, str | None]] = {owner: {} for owner in Ownership}
    values[Ownership.SEED].update(_opening(record, crm, owner_id))
    for entry, value in _entries(record):
        limit = _limit(entry, vendor, SALESFORCE_DEAL_NAME_CHARACTERS)
        text, begun = _text(entry, value, limit), record.opening.get(entry.name, value)
        owner = ownership(record.kind, entry.name, crm)
        native = _native_field(entry, crm)
        if native == HUBSPOT_CLOSE and isinstance(begun, date):
            values[owner][native] = write_noon(begun, ZoneInfo(charter.time_zone))
        elif native is not None:
            values[owner][native] = _text(entry, begun, limit)
        if entry.native is None:
            values[owner][vendor_name(entry.name, vendor)] = text
        elif entry.mirrored:
            values[Ownership.OURS][vendor_name(entry.name, vendor)] = text
    return VendorWrite(
        object=crm.reads.deal.object,
        key=record.key,
        ours=values[Ownership.OURS],
        seed=values[Ownership.SEED],
        parents=(Link(crm.reads.deal.parent, record.account_id),),
    )


def _opening(record: DesiredRecord, crm: CrmEntry, owner_id: str | None) -> dict[str, str | None]:
    """Return what a deal of ours begins with: stage, pipeline, owner, currency and the charter's values."""
    opening, fields = crm.writes.opening(record.kind), crm.reads.deal.fields
    amount = record.fields.get("amount")
    currency = amount.currency if isinstance(amount, Money) else None
    begun = (
        (fields.stage, opening.stage),
        (fields.pipeline, opening.pipeline),
        (fields.owner_id, owner_id),
        (fields.currency, currency),
    )
    seeds: dict[str, str | None] = dict(opening.values)
    seeds |= {binding.field: text for binding, text in begun if binding and binding.field and text}
    return seeds


def _native_field(entry: CatalogueField, crm: CrmEntry) -> str | None:
    if entry.native is None:
        return None
    binding: Binding = getattr(crm.reads.deal.fields, entry.native)
    return binding.field


def _entries(record: DesiredRecord) -> list[tuple[CatalogueField, Value]]:
    """Return the record's fields with their catalogue entries, in the catalogue's order."""
    known = {entry.name: entry for entry in CATALOGUE[record.kind]}
    unknown = [name for name in record.fields if name not in known]
    if unknown:
        raise KeyError(f"{record.kind.value} has no field {', '.join(unknown)}")
    return [(entry, record.fields[name]) for name, entry in known.items() if name in record.fields]


def _text(entry: CatalogueField, value: Value, limit: int) -> str | None:
    """Return a value as the CRM takes it; numbers have the decimals their field keeps."""
    if isinstance(value, Decimal):
        value = value.quantize(Decimal(1).scaleb(-entry.decimals))
    text = write_value(value)
    return None if text is None else cut(text, limit)


def _limit(entry: CatalogueField, vendor: str, name_characters: int) -> int:
    if vendor == HUBSPOT:
        return HUBSPOT_TEXT_CHARACTERS
    if entry.type is FieldType.LONG_TEXT:
        return SALESFORCE_LONG_TEXT_CHARACTERS
    return name_characters if entry.name == "name" else SALESFORCE_TEXT_CHARACTERS
