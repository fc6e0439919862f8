"""From desired records to a CRM's rows, and to the objects and fields that must exist for them; pure.

``sync/install.py`` ensures ``object_specs``; ``sync/push.py`` sends what differs of ``to_rows``.
Names come from ``mappings.naming``, fields and their default owners from ``mappings.catalogue``,
where a kind of record stands from ``mappings.homes``; ``mappings.tasks`` makes tasks of milestones.

Limits on text: HubSpot 65,536 characters (properties guide); Salesforce Text 255, long text
32,768, custom object Name 80 and Opportunity Name 120 (object reference).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo

from integration.port import FieldSpec, FieldType, FieldValues, Link, ObjectSpec
from mappings.binding import Binding
from mappings.bindings import CrmEntry, Ownership
from mappings.catalogue import CATALOGUE, DEALS, LIST_FIELDS, OWN_OBJECTS, CatalogueField, Home, PlanStage
from mappings.charter import Charter
from mappings.choices import choices_of
from mappings.deal_lines import line_object, line_rows
from mappings.deal_roles import ROLES, role_seed
from mappings.homes import OBJECTS, TASKS, Homes
from mappings.human_fields import with_human_fields
from mappings.money import decimals_of
from mappings.naming import HUBSPOT, SALESFORCE, key_field, label, lookup_field, plural_label, vendor_name
from mappings.tasks import task_values
from mappings.typed import cut, write_noon, write_value
from success.desired import DesiredRecord, RecordKind, Value
from success.facts import Money
from success.snapshot_records import ACROSS
from success.wording.words import Words

HUBSPOT_TEXT_CHARACTERS = 65_536
SALESFORCE_TEXT_CHARACTERS = 255
SALESFORCE_LONG_TEXT_CHARACTERS = 32_768
SALESFORCE_OBJECT_NAME_CHARACTERS = 80
SALESFORCE_DEAL_NAME_CHARACTERS = 120
SALESFORCE_NAME = "Name"
SALESFORCE_RECORD_TYPE = "RecordTypeId"
HUBSPOT_CLOSE = "closedate"  # HubSpot's own close date is a datetime property (default deal properties)
HUBSPOT_PIPELINE, HUBSPOT_STAGE = "hs_pipeline", "hs_pipeline_stage"  # of objects but deals (Pipelines)

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


def object_specs(charter: Charter, vendor: str, homes: Homes = OBJECTS) -> tuple[ObjectSpec, ...]:
    """Return what install must ensure: our objects whole, our fields on the customer's, and people's.

    Native tasks need nothing: all their fields are HubSpot's own.
    """
    crm = charter.crm_for(vendor)
    own = [_own_object(kind, charter, vendor, homes) for kind in OWN_OBJECTS if homes.of[kind] is Home.OBJECT]
    account = _account_fields(charter, vendor, homes)
    key = _key_spec(vendor, unique=homes.has_unique_key(crm.reads.deal.object))
    deal = [key, *_deal_fields(charter, vendor)]
    lines = line_object(crm)
    ours = {crm.reads.account.object: account, crm.reads.deal.object: deal}
    ours |= {lines: [_key_spec(vendor)]} if lines else {}
    extended = [ObjectSpec(name, name, name, tuple(fields)) for name, fields in ours.items() if fields]
    return with_human_fields((*own, *extended), crm, vendor)


def to_rows(
    record: DesiredRecord,
    charter: Charter,
    vendor: str,
    *,
    owner_id: str | None = None,
    homes: Homes = OBJECTS,
) -> tuple[VendorWrite, ...]:
    """Return the rows one desired record becomes: its own first, then those on the account.

    There are none where the record stands with us only. ``owner_id`` seeds the owner of a deal or
    task (the account's owner, in the CRM's own ids).
    Raises ``KeyError`` for a field the catalogue does not have.
    """
    if record.kind in DEALS:
        deal = _deal_row(record, charter, vendor, owner_id, homes)
        return (deal, *_under_deal(record, charter.crm_for(vendor)))
    home, rows = homes.of[record.kind], []
    if home is Home.OBJECT:
        rows.append(_own_row(record, charter, vendor, homes))
    elif home is Home.TASK:
        rows.append(_task_row(record, charter, vendor, owner_id))
    rows += _account_rows(record, charter, vendor, homes)
    return tuple(rows)


def _under_deal(record: DesiredRecord, crm: CrmEntry) -> Iterator[VendorWrite]:
    """Yield the rows of a deal's lines, and the one of its contact roles."""
    holder, deal = crm.reads.contract_line.object, (crm.reads.deal.object, record.key)
    for line in line_rows(record, crm):
        yield VendorWrite(holder, line.key, seed=line.values, parent_keys=(deal,))
    if seed := role_seed(record, crm):
        yield VendorWrite(ROLES, f"{record.key}:roles", seed=seed, parent_keys=(deal,))


def own_object(kind: RecordKind, charter: Charter, vendor: str, homes: Homes = OBJECTS) -> str | None:
    """Return the vendor's object that holds records of ``kind``; ``None`` where they stand with us only."""
    reads = charter.crm_for(vendor).reads
    if kind in DEALS:
        return reads.deal.object
    places = {
        Home.OBJECT: vendor_name(kind.value, vendor),
        Home.ACCOUNT: reads.account.object,
        Home.TASK: TASKS,
        Home.MIRROR: None,
    }
    return places[homes.of[kind]]


def owned_objects(charter: Charter, vendor: str) -> frozenset[str]:
    """Return the vendor's objects whose records of ours begin with the account's owner (``to_rows``)."""
    deal = charter.crm_for(vendor).reads.deal
    deals = {deal.object} if deal.fields.owner_id and deal.fields.owner_id.field else set()
    return frozenset({TASKS, *deals})


def ownership(kind: RecordKind, name: str, crm: CrmEntry) -> Ownership:
    """Return who owns a field of ours: what the charter says, else seed for native fields, else ours."""
    chosen = crm.writes.ownership.get(kind, {}).get(name)
    native = any(entry.native for entry in CATALOGUE[kind] if entry.name == name)
    return chosen or (Ownership.SEED if native else Ownership.OURS)


def _own_object(kind: RecordKind, charter: Charter, vendor: str, homes: Homes) -> ObjectSpec:
    name, parents = vendor_name(kind.value, vendor), _parent_objects(kind, charter, vendor, homes)
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


def _parent_objects(kind: RecordKind, charter: Charter, vendor: str, homes: Homes) -> tuple[str, ...]:
    if kind is RecordKind.SNAPSHOT:
        return ()
    account = charter.crm_for(vendor).reads.account.object
    parent = _parent_kind(kind, homes)
    return (account,) if parent is None else (account, vendor_name(parent.value, vendor))


def _parent_kind(kind: RecordKind, homes: Homes) -> RecordKind | None:
    """Return the kind of ours a record hangs under, where that one is an object too."""
    parent = _PARENT_KIND.get(kind)
    return parent if parent is not None and homes.of[parent] is Home.OBJECT else None


def _account_fields(charter: Charter, vendor: str, homes: Homes) -> list[FieldSpec]:
    """Return our fields on the account: profile and plan fields, and the lookup to the profile."""
    writes = charter.crm_for(vendor).writes
    fields = [
        replace(_field_spec(entry, charter, vendor), name=name, label=shown)
        for kind in (RecordKind.PROFILE, RecordKind.PLAN)
        for entry, name, shown in fields_on_account(kind, charter, vendor, homes)
    ]
    if writes.profile_lookup and vendor == SALESFORCE:
        fields.append(_lookup_spec(vendor_name(RecordKind.PROFILE.value, vendor)))
    return fields


def fields_on_account(
    kind: RecordKind, charter: Charter, vendor: str, homes: Homes
) -> Iterator[tuple[CatalogueField, str, str]]:
    """Yield the fields of a kind that we keep on the account, with API name and label there.

    Those the charter asks for come first, in its order, then those its lists ask. The account has
    its name already.
    """
    entries = {entry.name: entry for entry in CATALOGUE[kind]}
    writes = charter.crm_for(vendor).writes
    listed = [LIST_FIELDS[one] for one in writes.lists] if vendor == HUBSPOT else []
    asked = [*writes.on_account, *listed] if kind is RecordKind.PROFILE else []
    whole = [name for name in entries if name != "name"] if homes.of[kind] is Home.ACCOUNT else []
    prefix = "" if kind is RecordKind.PROFILE else f"{kind.value}_"
    for name in dict.fromkeys([*asked, *whole]):
        yield entries[name], vendor_name(prefix + name, vendor), label(prefix + name)


def _deal_fields(charter: Charter, vendor: str) -> list[FieldSpec]:
    """Return our fields on the deal: those of renewals and expansions, each once."""
    entries = {entry.name: entry for kind in DEALS for entry in CATALOGUE[kind]}
    return [
        _field_spec(entry, charter, vendor)
        for entry in entries.values()
        if entry.native is None or entry.mirrored
    ]


def _field_spec(entry: CatalogueField, charter: Charter, vendor: str) -> FieldSpec:
    currency = charter.policies.reporting_currency
    return FieldSpec(
        name=vendor_name(entry.name, vendor),
        label=label(entry.name),
        type=entry.type,
        choices=choices_of(entry, charter),
        decimals=decimals_of(currency) if entry.type is FieldType.MONEY else entry.decimals,
        description=entry.help,
    )


def _key_spec(vendor: str, *, unique: bool = True) -> FieldSpec:
    help_text = "Colonnade's own key of this record; do not change it."
    return FieldSpec(key_field(vendor), label("key"), FieldType.TEXT, unique=unique, description=help_text)


def _lookup_spec(target: str) -> FieldSpec:
    name = lookup_field(target)
    text = name.removesuffix("__c").replace("_", " ")
    return FieldSpec(name, text, FieldType.REFERENCE, references=target)


def _own_row(record: DesiredRecord, charter: Charter, vendor: str, homes: Homes) -> VendorWrite:
    crm = charter.crm_for(vendor)
    values: dict[Ownership, dict[str, str | None]] = {owner: {} for owner in Ownership}
    for entry, value in _entries(record):
        name = vendor_name(entry.name, vendor)
        if (entry.name, vendor) == ("name", SALESFORCE):
            name = SALESFORCE_NAME
        owner = ownership(record.kind, entry.name, crm)
        values[owner][name] = _text(entry, value, _limit(entry, vendor, SALESFORCE_OBJECT_NAME_CHARACTERS))
    values[Ownership.OURS].update(plan_stage(record, homes))
    return VendorWrite(
        object=vendor_name(record.kind.value, vendor),
        key=record.key,
        ours=values[Ownership.OURS],
        seed=values[Ownership.SEED],
        parents=() if record.account_id == ACROSS else (Link(crm.reads.account.object, record.account_id),),
        parent_keys=_parent_keys(record, vendor, homes),
    )


def plan_stage(record: DesiredRecord, homes: Homes) -> dict[str, str | None]:
    """Return pipeline and stage of a plan that stands in a pipeline; HubSpot's own fields of an object."""
    if record.kind is not RecordKind.PLAN or homes.plan_stages is None:
        return {}
    late = record.fields.get("milestones_late")
    stage = PlanStage.LATE if isinstance(late, int) and late > 0 else PlanStage.ON_TRACK
    if record.fields.get("status") == "complete":
        stage = PlanStage.COMPLETE
    held = homes.plan_stages
    return {HUBSPOT_PIPELINE: held.pipeline, HUBSPOT_STAGE: held.stages[stage.name.lower()]}


def _parent_keys(record: DesiredRecord, vendor: str, homes: Homes) -> tuple[tuple[str, str], ...]:
    kind = _parent_kind(record.kind, homes)
    if kind is None or record.parent_key is None:
        return ()
    return ((vendor_name(kind.value, vendor), record.parent_key),)


def _task_row(record: DesiredRecord, charter: Charter, vendor: str, owner_id: str | None) -> VendorWrite:
    crm = charter.crm_for(vendor)
    owners = {entry.name: ownership(record.kind, entry.name, crm) for entry in CATALOGUE[record.kind]}
    words = Words(charter.language)
    values = task_values(record, ZoneInfo(charter.time_zone), owners, owner_id, words)
    return VendorWrite(
        object=TASKS,
        key=record.key,
        ours=values[Ownership.OURS],
        seed=values[Ownership.SEED],
        parents=(Link(crm.reads.account.object, record.account_id),),
    )


def _account_rows(record: DesiredRecord, charter: Charter, vendor: str, homes: Homes) -> list[VendorWrite]:
    """Return the row that updates the account itself, where something of the record stands there."""
    crm = charter.crm_for(vendor)
    held = dict(_entries(record))
    ours = {
        name: _text(entry, held[entry], _limit(entry, vendor, SALESFORCE_TEXT_CHARACTERS))
        for entry, name, _ in fields_on_account(record.kind, charter, vendor, homes)
        if entry in held and ownership(record.kind, entry.name, crm) is not Ownership.HUMAN
    }
    looked_up = record.kind is RecordKind.PROFILE and crm.writes.profile_lookup
    lookup = ((vendor_name(record.kind.value, vendor), record.key),) if looked_up else ()
    if not ours and not lookup:
        return []
    account = crm.reads.account.object
    return [VendorWrite(account, record.key, ours, parent_keys=lookup, record_id=record.account_id)]


def _deal_row(
    record: DesiredRecord, charter: Charter, vendor: str, owner_id: str | None, homes: Homes
) -> VendorWrite:
    crm = charter.crm_for(vendor)
    values: dict[Ownership, dict[str, str | None]] = {owner: {} for owner in Ownership}
    values[Ownership.SEED].update(_opening(record, crm, owner_id, homes))
    if not homes.has_unique_key(crm.reads.deal.object):
        values[Ownership.SEED][key_field(vendor)] = record.key
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


def _opening(
    record: DesiredRecord, crm: CrmEntry, owner_id: str | None, homes: Homes
) -> dict[str, str | None]:
    """Return what a deal of ours begins with: stage, pipeline, owner, currency and the charter's values."""
    opening, fields = crm.writes.opening(record.kind), crm.reads.deal.fields
    place = homes.openings.get(record.kind)
    amount = record.fields.get("amount")
    currency = amount.currency if isinstance(amount, Money) else None
    begun = (
        (fields.stage, place.stage if place else opening.stage),
        (fields.pipeline, place.pipeline if place else opening.place),
        (fields.owner_id, owner_id),
        (fields.currency, currency),
    )
    seeds: dict[str, str | None] = dict(opening.values)
    seeds |= {binding.field: text for binding, text in begun if binding and binding.field and text}
    if place is not None and place.record_type is not None:
        seeds[SALESFORCE_RECORD_TYPE] = place.record_type
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
