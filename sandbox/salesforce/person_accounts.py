"""Person accounts: accounts that are people, each with a contact of the same person.

Enabled by ``POST /_sandbox/org {"person_accounts": true}``, for ever. The record type makes the account a
person's; its ``Name`` is made of first and last name and never written. Source: Object Reference,
"Account" (person account fields); the refusal of ``Name`` as recorded in public issue threads.
"""

from __future__ import annotations

from typing import Final

from sandbox.salesforce.errors import dml
from sandbox.salesforce.org import Org
from sandbox.salesforce.record_types import FIELD, set_record_types
from sandbox.salesforce.schema import Field, SObject
from sandbox.salesforce.standard import flag, reference, text
from sandbox.salesforce.store import Change, Row

FLAG: Final = "IsPersonAccount"
_ONLY_PERSONS: Final = ("FirstName", "LastName", "PersonEmail")


def enable(org: Org) -> list[str]:
    """Turn person accounts on; return the ids of the record types Business_Account and PersonAccount."""
    account, contact = org.schema["Account"], org.schema["Contact"]
    if account.get(FLAG) is not None:
        return [one.id for one in account.record_types]
    person: tuple[Field, ...] = (
        flag(FLAG, "Is Person Account", writable=False),
        text("FirstName", "First Name", 40), text("LastName", "Last Name", 80),
        text("PersonEmail", "Email", 80, type="email"),
        reference("PersonContactId", "Contact ID", "Contact", createable=False, updateable=False,
                  path="PersonContact"),
    )  # fmt: skip
    for f in person:
        account.put(f)
    contact.put(flag(FLAG, "Is Person Account", writable=False))
    for name in ("Account", "Contact"):
        for row in list(org.store.table(name).values()):
            org.store.put(Change(), name, dict(row, **{FLAG: False}))
    types = [{"developer_name": "Business_Account", "name": "Business Account", "default": True},
             {"developer_name": "PersonAccount", "name": "Person Account", "person": True}]  # fmt: skip
    return set_record_types(org, "Account", types)


def name_person(obj: SObject, row: Row, given: set[str]) -> None:
    """Make a person's name of its parts, and refuse what its kind of account has no place for."""
    if obj.name != "Account" or obj.get(FLAG) is None:
        return
    persons = {one.id for one in obj.record_types if one.person}
    row[FLAG] = row.get(FIELD) in persons
    wrong = sorted(given & ({"Name"} if row[FLAG] else set(_ONLY_PERSONS)))
    if wrong:
        words = f"Account: bad field names on insert/update call: {', '.join(wrong)}"
        raise dml("INVALID_FIELD_FOR_INSERT_UPDATE", words, *wrong)
    if row[FLAG]:
        if not row.get("LastName"):
            raise dml("REQUIRED_FIELD_MISSING", "Required fields are missing: [LastName]", "LastName")
        row["Name"] = " ".join(part for part in (row.get("FirstName"), row["LastName"]) if part)


def keep_twin(org: Org, obj: SObject, row: Row, change: Change) -> None:
    """Make the contact of a person account, or bring it up to the account."""
    if obj.name != "Account" or not row.get(FLAG):
        return
    shared = {"FirstName": row.get("FirstName"), "LastName": row["LastName"], "Name": row["Name"],
              "Email": row.get("PersonEmail"), FLAG: True}  # fmt: skip
    twin = org.store.find("Contact", row["PersonContactId"]) if row.get("PersonContactId") else None
    if twin is not None:
        if any(twin.get(name) != value for name, value in shared.items()):
            stamps = {"SystemModstamp": org.stamp(), "LastModifiedDate": org.stamp()}
            org.store.put(change, "Contact", dict(twin, **shared, **stamps))
        return
    contact = org.schema["Contact"]
    made = dict.fromkeys(f.name for f in contact.fields.values() if f.formula is None)
    made |= {f.name: False for f in contact.fields.values() if f.type == "boolean"}
    audit = ("CreatedDate", "LastModifiedDate", "SystemModstamp")
    made |= dict.fromkeys(audit, org.stamp()) | shared
    made |= {"Id": org.next_id(contact), "AccountId": row["Id"], "OwnerId": row["OwnerId"],
             "CreatedById": row["LastModifiedById"], "LastModifiedById": row["LastModifiedById"]}  # fmt: skip
    org.store.put(change, "Contact", {k: v for k, v in made.items() if contact.get(k)})
    change.created.append(str(made["Id"]))
    row["PersonContactId"] = made["Id"]
    org.store.put(change, "Account", row)
