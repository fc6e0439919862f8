"""What an org or portal will not have as the charter wants it, found by its description; pure.

Each is one question to the admin with the object, the field and the remedy, asked before anything is
written and again by ``colonnade doctor``. Page layouts are not looked at: what they alone require, the CRM
does not ask of an API. Neighbours: ``openings`` asks where deals begin, ``sync/install.py`` puts all of
them to the admin.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from integration.port import CrmDescription, FieldSpec, FieldType, ObjectSpec
from integration.record_ids import stored_id
from mappings.catalogue import DEALS
from mappings.charter import Charter
from mappings.homes import Homes
from mappings.inbound import read_queries
from mappings.naming import SALESFORCE
from mappings.outbound import object_specs
from success.desired import RecordKind

CURRENCY = "CurrencyIsoCode"
# An install replaces its own permission set whole, so nothing an admin adds there would stay.
GRANT = "in a permission set of the org's own that the integration user has (an install replaces ours)"


def objections(charter: Charter, vendor: str, found: CrmDescription, homes: Homes) -> Iterator[str]:
    """Yield everything in the description that keeps the charter from being read or written."""
    yield from unreadable(charter, vendor, found)
    yield from _unfilled_of_ours(charter, vendor, found, homes)
    deals = found.objects.get(charter.crm_for(vendor).reads.deal.object)
    if deals is not None:
        yield from _unfilled_of_deals(charter, vendor, deals, homes)
        yield from _unwritable_of_deals(charter, vendor, deals)


def unreadable(charter: Charter, vendor: str, found: CrmDescription) -> Iterator[str]:
    """Yield each object and field the charter reads that is not there, or hidden from our user."""
    for query in read_queries(charter, vendor, installed=False):
        spec = found.objects.get(query.object)
        if spec is None:
            yield f"{query.object}, which the charter reads, is not there or cannot be seen"
            continue
        held = {field.name.lower() for field in spec.fields}
        for name in query.fields:
            if name.lower() not in held and "." not in name:
                remedy = _mended(name, vendor, query.object)
                yield f"{query.object}.{name}, which the charter reads, is not there: {remedy}"


def _mended(name: str, vendor: str, object_name: str) -> str:
    if vendor != SALESFORCE:
        return "correct the charter"
    if name == CURRENCY:
        return "the org has one currency, so leave `currency` out of the charter's fields"
    return f"correct the charter, or where it is only hidden let the user read {object_name}.{name} {GRANT}"


def _unfilled_of_ours(charter: Charter, vendor: str, found: CrmDescription, homes: Homes) -> Iterator[str]:
    """Yield the required fields somebody added to our own objects, which nothing of ours can fill."""
    for spec in object_specs(charter, vendor, homes):
        standing = found.objects.get(spec.name)
        if standing is None or not spec.custom:
            continue
        ours = {field.name for field in spec.fields} | {spec.primary_field}
        written = {field.name for field in spec.fields if field.writable}
        for field in standing.fields:
            where = f"{spec.name}.{field.name}"
            if field.required and field.name not in ours:
                yield f"{where} is required of every record and is not ours: make it optional"
            elif field.name in written - {spec.primary_field} and not field.writable:
                yield f"{where} is read-only to the connected user: let it edit the field {GRANT}"


def _unfilled_of_deals(charter: Charter, vendor: str, deals: ObjectSpec, homes: Homes) -> Iterator[str]:
    """Yield the fields no deal can be made without, and that the charter gives no value."""
    crm = charter.crm_for(vendor)
    ours = {field.name for spec in object_specs(charter, vendor, homes) for field in spec.fields
            if spec.name == deals.name}  # fmt: skip
    begun = ours | set(_native_fields(charter, vendor))
    for field in deals.fields:
        lacking = [kind for kind in DEALS if field.name not in {*begun, *crm.writes.opening(kind).values}]
        if field.required and lacking:
            kinds = " and ".join(f"{kind.value}s" for kind in lacking)
            yield (
                f"{deals.name}.{field.name} ({field.label}) is required of every record, and the charter "
                f"gives {kinds} no value: add it to {_lines(vendor, lacking)}{_listed(field)}"
            )


def _unwritable_of_deals(charter: Charter, vendor: str, deals: ObjectSpec) -> Iterator[str]:
    """Yield what deals of ours would begin with and may not: no such field, read-only, no such value."""
    crm, held = charter.crm_for(vendor), {field.name: field for field in deals.fields}
    for name in _native_fields(charter, vendor):
        if name in held and not held[name].createable:
            yield f"{deals.name}.{name} is read-only to the connected user: let it edit the field {GRANT}"
    told: dict[str, list[RecordKind]] = {}
    for kind in DEALS:
        for name, value in crm.writes.opening(kind).values.items():
            words = _refusal(deals.name, name, held.get(name), value, vendor)
            if words:
                told.setdefault(words, []).append(kind)
    for words, kinds in told.items():
        yield f"{words}: correct it in {_lines(vendor, kinds)}"


def _refusal(object_name: str, name: str, field: FieldSpec | None, value: str, vendor: str) -> str:
    """Return why a deal may not begin with a value, in words; empty where it may."""
    where = f"{object_name}.{name}"
    if field is None:
        return f"{where}, which the charter writes, is not there or hidden from the connected user"
    if not field.createable:
        return f"{where}, which the charter writes, is read-only to the connected user"
    if field.restricted and value not in {one for one, _ in field.choices}:
        return f"{where} takes no {value!r}{_listed(field)}"
    if vendor == SALESFORCE and field.type is FieldType.REFERENCE:
        try:
            stored_id(vendor, value)
        except ValueError as error:
            return f"{where}: {error}"
    return ""


def _native_fields(charter: Charter, vendor: str) -> Mapping[str, None]:
    """Return the customer's own fields that every deal of ours begins with, in the charter's order."""
    fields = charter.crm_for(vendor).reads.deal.fields
    begun = (fields.name, fields.amount, fields.close_on, fields.stage, fields.pipeline, fields.owner_id,
             fields.currency)  # fmt: skip
    return {binding.field: None for binding in begun if binding is not None and binding.field}


def _lines(vendor: str, kinds: list[RecordKind]) -> str:
    return " and ".join(f"`crm.{vendor}.writes.{kind.value}.values`" for kind in kinds)


def _listed(field: FieldSpec) -> str:
    """Return the values a restricted field takes, as the end of a question."""
    shown = ", ".join(repr(value) for value, _ in field.choices)
    return f"; it takes {shown}" if field.restricted and shown else ""
