"""The owners of an org: its users, inactive ones too, as records may be given to active ones only.

An inactive user keeps what they own, and no record may be given to them (Object Reference, "User":
``IsActive``; "OPERATION_WITH_INACTIVE_USER_NOT_ALLOWED"). Users are never deleted. A queue that owns a
record is no user and is left out by ``read``. Neighbours: ``read``; ``integration.owners`` has the question.
"""

from __future__ import annotations

from typing import Final

from integration.owners import Owner
from integration.port import CrmRecord, ReadQuery
from integration.salesforce.read import Reader

USERS: Final = ReadQuery("User", ("Email", "FirstName", "LastName", "IsActive"))


def read_owners(reader: Reader) -> list[Owner]:
    """Return every user, by id; one call per 2,000."""
    return [_owner(record) for page in reader.iter_pages(USERS) for record in page.records]


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
