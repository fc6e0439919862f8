"""Saving one row: the checks Salesforce makes, in its words, then the save itself.

REST, collections, composite, bulk and the UI edits of the control endpoints all write through
``insert``, ``update``, ``upsert`` and ``delete``; each works within a ``Change`` that can be undone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sandbox.salesforce import flows, person_accounts, record_types
from sandbox.salesforce.coerce import coerce
from sandbox.salesforce.derive import after_save, derive
from sandbox.salesforce.errors import SfError, dml, no_such_column, resource_missing
from sandbox.salesforce.features import check_lock
from sandbox.salesforce.history_rows import record
from sandbox.salesforce.ids import to18
from sandbox.salesforce.org import Actor, Org
from sandbox.salesforce.rules import check_duplicates, check_validation
from sandbox.salesforce.schema import Field, SObject, goes_with
from sandbox.salesforce.standard_history import is_history
from sandbox.salesforce.storage import check_room
from sandbox.salesforce.store import Change, Row

Values = dict[str, Any]
RELEASED = "~released"
"""Beside the fields of a deleted row: what went with it and what pointed to it, for its restore."""
_OUTLIVING = frozenset({("OpportunityContactRole", "ContactId")})
"""Links that still name a record after it was deleted (object reference, OpportunityContactRole)."""
_LOCKING = ("Account", "Opportunity")


@dataclass(frozen=True, slots=True)
class Writer:
    """Who writes into which change, and what the request's headers allow."""

    org: Org
    actor: Actor
    change: Change
    allow_save: bool = False


def insert(w: Writer, obj: SObject, body: Values) -> str:
    """Create a row and return its id."""
    if not obj.createable or not w.actor.access.may(obj, "allowCreate"):
        raise dml("INSUFFICIENT_ACCESS_OR_READONLY", f"entity type {obj.name} does not support create")
    values = _values(w, obj, body, creating=True)
    check_room(w.org, obj.name)
    row_id = w.org.next_id(obj)
    row: Row = {f.name: _default(w, f) for f in obj.fields.values() if f.formula is None}
    row |= {f.name: v for f, v in values.items()} | {"Id": row_id}
    moment = w.org.stamp()
    audit = {"CreatedDate": moment, "CreatedById": w.actor.user_id}
    row |= {k: v for k, v in audit.items() if obj.get(k)}
    _name_automatically(w, obj, row)
    given = {f.name for f in values}
    _settle(obj, row, given)
    _require(obj, row)
    _save(w, obj, row, None, given)
    w.change.created.append(row_id)
    return row_id


def update(w: Writer, obj: SObject, row_id: str, body: Values) -> None:
    """Change fields of a row. Raises ENTITY_IS_DELETED or NOT_FOUND where it is not there."""
    old = existing(w.org, obj, row_id)
    if not obj.updateable or not w.actor.access.may(obj, "allowEdit"):
        raise dml("INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id", status=403)
    check_lock(w.org, w.actor, old["Id"])
    values = _values(w, obj, body, creating=False)
    row = dict(old) | {f.name: v for f, v in values.items()}
    given = {f.name for f in values}
    _settle(obj, row, given)
    _require(obj, row)
    _save(w, obj, row, old, given)


def upsert(
    w: Writer, obj: SObject, key: Field, value: Any, body: Values, *, update_only: bool = False
) -> tuple[str, bool]:
    """Update the row with an external key, or create it; return the id and whether it was created.

    Raises NOT_FOUND with ``update_only`` and no match; 300 ``MULTIPLE`` is the caller's, through
    ``matches``.
    """
    found = matches(w.org, obj, key, value)
    if len(found) > 1:
        words = f"{key.name}: more than one record found for external id field: {found}"
        raise dml("DUPLICATE_EXTERNAL_ID", words)
    if found:
        update(w, obj, found[0], body)
        return found[0], False
    if update_only or key.name == "Id":
        raise resource_missing()
    return insert(w, obj, {**body, key.name: value}), True


def matches(org: Org, obj: SObject, key: Field, value: Any) -> list[str]:
    """Return the ids of the live rows whose external key is ``value``."""
    wanted = coerce(key, value)
    if wanted is None:
        return []
    if key.name == "Id":
        return [str(existing(org, obj, wanted)["Id"])]
    if key.unique:
        holder = org.store.holder(obj.name, key.name, wanted)
        return [holder] if holder else []
    return org.store.holders(obj.name, key.name, wanted)


def delete(w: Writer, obj: SObject, row_id: str) -> None:
    """Move a row, and those that cannot live without it, to the recycle bin."""
    old = existing(w.org, obj, row_id)
    _lock(w, obj, old)
    if not obj.deletable or not w.actor.access.may(obj, "allowDelete"):
        raise dml("INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id", status=403)
    if obj.name == "Account":
        _keep_account(w.org, old)
    released = _release_children(w, obj, old)
    if obj.get("IsDeleted") is None:
        w.org.store.remove(w.change, obj.name, old["Id"])
        w.org.forget_sight()
        return
    hide(w, obj, old, **{RELEASED: released})
    after_save(w.org, obj.name, old, w.change)


def _keep_account(org: Org, account: Row) -> None:
    """Raise where an account has cases or activated contracts; opportunities go along, won ones too.

    Source: Help, "Considerations for Deleting Accounts"; that a person is asked about won ones is left out.
    """
    for name, shown, words in (("Case", "CaseNumber", "cases"), ("Contract", "ContractNumber", "contracts")):
        rows = [one for one in org.store.live(name) if one.get("AccountId") == account["Id"]]
        held = [one for one in rows if name == "Case" or one.get("Status") == "Activated"]
        if held:
            told = (
                f"Your attempt to delete {account['Name']} could not be completed because it is associated "
            )
            told += (
                f"with the following {words}.: {', '.join(str(one.get(shown) or one['Id']) for one in held)}"
            )
            raise dml("DELETE_FAILED", told)


def hide(w: Writer, obj: SObject, row: Row, **values: Any) -> None:
    """Put a row into the recycle bin (or, with ``IsDeleted`` false, out of it), stamped as a save is."""
    kept = {name: value for name, value in values.items() if name == RELEASED or obj.get(name)}
    _store(w, obj, dict(row, **{"IsDeleted": True, **kept}))


def _release_children(w: Writer, obj: SObject, parent: Row) -> list[tuple[str, str, str]]:
    released: list[tuple[str, str, str]] = []
    for child, link in list(w.org.schema.children_of(obj.name)):
        for row in [r for r in w.org.store.live(child.name) if r.get(link.name) == parent["Id"]]:
            if is_history(child):
                hide(w, child, row)
            elif goes_with(child, link):
                delete(w, child, row["Id"])
            elif (child.name, link.name) in _OUTLIVING:
                continue
            else:
                _store(w, child, dict(row, **{link.name: None}))
            released.append((child.name, row["Id"], link.name))
    return released


def existing(org: Org, obj: SObject, row_id: str) -> Row:
    """Return a live row by its 15- or 18-character id, in the vendor's refusals where there is none."""
    full = to18(row_id)
    row = org.store.find(obj.name, full) if full else None
    if row is None:
        words = "Provided external ID field does not exist or is not accessible: "
        raise resource_missing() if full else SfError("NOT_FOUND", words + row_id, 404)
    if row.get("IsDeleted"):
        raise dml("ENTITY_IS_DELETED", "entity is deleted", status=404)
    return row


def _values(w: Writer, obj: SObject, body: Values, *, creating: bool) -> dict[Field, Any]:
    seen = w.actor.access.fields(obj)
    values: dict[Field, Any] = {}
    refused: list[str] = []
    for name, value in body.items():
        if name == "attributes":
            continue
        f = seen.get(name.lower())
        if f is None:
            f, value = _by_external_key(w, obj, name, value)  # noqa: PLW2901 -- the parent's id replaces its key
        if (
            f.formula is not None
            or not (f.createable if creating else f.updateable)
            or not w.actor.access.edits(obj, f)
        ):
            refused.append(f.name)
        else:
            values[f] = coerce(f, value)
    if refused:
        words = f"Unable to create/update fields: {', '.join(refused)}. Please check the security "
        words += "settings of this field and verify that it is read/write for your profile or permission set."
        raise dml("INVALID_FIELD_FOR_INSERT_UPDATE", words, *refused)
    return values


def _by_external_key(w: Writer, obj: SObject, name: str, value: Any) -> tuple[Field, str | None]:
    """Return the reference field and id that ``{"CS_Plan__r": {"CS_Key__c": "…"}}`` names."""
    link = obj.relationship(name)
    if link is None or link.name.lower() not in w.actor.access.fields(obj):
        raise no_such_column(name, obj.name)
    if value is None:
        return link, None
    pairs = {k: v for k, v in value.items() if k != "attributes"} if isinstance(value, dict) else {}
    if len(pairs) != 1:
        raise SfError(
            "JSON_PARSER_ERROR", "Can not deserialize: unexpected object for a foreign key reference"
        )
    parent = w.actor.access.object(link.reference_to[0])
    ((key_name, key_value),) = pairs.items()
    key = w.actor.access.fields(parent).get(key_name.lower()) if parent else None
    if parent is None or key is None:
        raise no_such_column(key_name, link.reference_to[0])
    if not (key.external_id or key.name == "Id"):
        raise dml("INVALID_FIELD", f"{key.name} is not an External ID or indexed field for {parent.name}")
    found = matches(w.org, parent, key, key_value)
    if not found:
        words = f"Foreign key external ID: {key_value} not found for field {key.name} in entity {parent.name}"
        raise dml("INVALID_FIELD", words)
    return link, found[0]


def _default(w: Writer, f: Field) -> Any:
    if f.default == "<user>":
        return w.actor.user_id
    if f.type == "boolean":
        return bool(f.default)
    return f.default or None


def _name_automatically(w: Writer, obj: SObject, row: Row) -> None:
    name = obj.get("Name")
    if name is not None and name.auto_format:
        row["Name"] = _numbered(name.auto_format, w.org.count("auto:" + obj.name))
    elif obj.custom and row.get("Name") is None:
        row["Name"] = row["Id"]


def _numbered(pattern: str, number: int) -> str:
    before, _, rest = pattern.partition("{")
    zeros, _, after = rest.partition("}")
    return f"{before}{number:0{len(zeros)}d}{after}"


def _settle(obj: SObject, row: Row, given: set[str]) -> None:
    record_types.settle(obj, row, given)
    person_accounts.name_person(obj, row, given)


def _require(obj: SObject, row: Row) -> None:
    missing = [f.name for f in obj.fields.values() if f.required and row.get(f.name) is None]
    if missing:
        raise dml("REQUIRED_FIELD_MISSING", f"Required fields are missing: [{', '.join(missing)}]", *missing)


def _save(w: Writer, obj: SObject, row: Row, old: Row | None, given: set[str]) -> None:
    _lock(w, obj, row, old)
    _check_references(w, obj, row, given)
    _check_assignment(w, obj, row)
    flows.run(w.org, flows.BEFORE, obj, row, old)
    derive(w.org, obj.name, row, old, given)
    check_validation(w.org, obj, row, old)
    check_duplicates(w.org, obj.name, row, allow_save=w.allow_save)
    _check_unique(w, obj, row)
    _store(w, obj, row)
    person_accounts.keep_twin(w.org, obj, row, w.change)
    record(w.org, w.change, obj, row, old)
    after_save(w.org, obj.name, row, w.change)
    later = dict(row)
    if flows.run(w.org, flows.AFTER, obj, later, old):
        _store(w, obj, later)
    if obj.name == "PermissionSetAssignment":
        w.org.forget_sight()


def _lock(w: Writer, obj: SObject, *rows: Row | None) -> None:
    """Lock a row, what it hangs under and what that hangs under; a moved row locks where it was, too."""
    for row in rows:
        if row is not None:
            above = _parents(w.org, obj, row)
            further = [one for up in above for one in _parents(w.org, w.org.schema[up[0]], up[1])]
            w.org.locks.take([row["Id"], *(one["Id"] for _, one in (*above, *further))])


def _parents(org: Org, obj: SObject, row: Row) -> list[tuple[str, Row]]:
    links = [f for f in obj.fields.values() if f.type == "reference" and row.get(f.name)]
    found = [(f.reference_to[0], org.store.find(f.reference_to[0], row[f.name])) for f in links]
    return [(name, one) for name, one in found if one and (name in _LOCKING or name.endswith("__c"))]


def _store(w: Writer, obj: SObject, row: Row) -> None:
    moment = w.org.stamp()
    audit = {"SystemModstamp": moment, "LastModifiedDate": moment, "LastModifiedById": w.actor.user_id}
    row |= {k: v for k, v in audit.items() if obj.get(k)}
    w.org.store.put(w.change, obj.name, row)


def _check_references(w: Writer, obj: SObject, row: Row, given: set[str]) -> None:
    for name in given:
        f, value = obj.get(name), row.get(name)
        if f is None or f.type != "reference" or value is None:
            continue
        target = w.org.schema.by_prefix(value[:3])
        allowed = target is not None and (
            target.name in f.reference_to or (f.name == "WhatId" and target.custom)
        )
        if target is None or not allowed:
            raise dml("MALFORMED_ID", f"{f.label}: id value of incorrect type: {value}", f.name)
        found = w.org.store.find(target.name, value)
        if found is None:
            raise dml("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
        if found.get("IsDeleted"):
            raise dml("ENTITY_IS_DELETED", "entity is deleted")
        if name == "OwnerId" and found.get("IsActive") is False:
            words = f"operation performed with inactive user [{value}] as owner of {obj.name.lower()}"
            raise dml("INACTIVE_OWNER_OR_USER", words, name)


def _check_unique(w: Writer, obj: SObject, row: Row) -> None:
    for f in obj.fields.values():
        if not f.unique or row.get(f.name) is None:
            continue
        holder = w.org.store.holder(obj.name, f.name, row[f.name])
        if holder and holder != row["Id"]:
            raise dml(
                "DUPLICATE_VALUE",
                f"duplicate value found: {f.name} duplicates value on record with id: {holder}",
            )


def _check_assignment(w: Writer, obj: SObject, row: Row) -> None:
    if obj.name != "PermissionSetAssignment":
        return
    for other in w.org.store.live(obj.name):
        if other["AssigneeId"] == row["AssigneeId"] and other["PermissionSetId"] == row["PermissionSetId"]:
            words = f"Duplicate PermissionSetAssignment. Assignee: {row['AssigneeId']}; "
            raise dml("DUPLICATE_VALUE", words + f"Permission Set: {row['PermissionSetId']}")
