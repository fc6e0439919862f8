"""The owners of an org: its users, inactive ones too, as records may be given to active ones only.

An inactive user keeps what they own, and no record may be given to them (Object Reference, "User":
``IsActive``; "INACTIVE_OWNER_OR_USER"). Users are never deleted. Customers who sign in to
a portal are users as well and may be very many; kinds that own no account are left out (the same page,
``UserType``). Neighbours: ``read``; ``integration.owners`` has the question.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from integration.owners import Owner
from integration.port import CrmRecord
from integration.salesforce.read import Selection, to_record
from integration.salesforce.shape import TimeColumns
from integration.salesforce.transport import Transport
from integration.salesforce.values import soql_text

OWN_NOTHING: Final = ("CspLitePortal", "CsnOnly", "Guest", "SelfService")
FIELDS: Final = ("Email", "FirstName", "LastName", "IsActive")
USERS: Final = Selection("User", FIELDS, times=TimeColumns(tells_deleted=False))


def read_owners(transport: Transport) -> list[Owner]:
    """Return every user who may own accounts, by id; one call per 2,000."""
    return [_owner(record) for record in _users(transport)]


def _users(transport: Transport) -> Iterator[CrmRecord]:
    kinds = ",".join(soql_text(kind) for kind in OWN_NOTHING)
    head = f"{USERS.head} WHERE UserType NOT IN ({kinds})"
    after, done = "", False
    while not done:
        answer = transport.query("read owners", f"{head}{after} ORDER BY Id")
        rows = answer["records"]
        yield from (to_record(USERS, row) for row in rows)
        done = bool(answer["done"]) or not rows
        after = f" AND Id > {soql_text(str(rows[-1]['Id']))}" if rows else ""


def _owner(record: CrmRecord) -> Owner:
    values = record.values
    return Owner(
        id=record.id,
        email=values["Email"] or "",
        first_name=values["FirstName"] or "",
        last_name=values["LastName"] or "",
        archived=values["IsActive"] != "true",
        created_at=record.created_at,
        changed_at=record.source_at,
    )
