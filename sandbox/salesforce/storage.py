"""Data storage: 2 KB a row whatever its width, the recycle bin included; no room, no new row.

Source: reference, "Storage": deleted rows count until they are purged, writes fail at 100 %. Rows of
setup (users, permission sets, stages) are not charged. ``POST /_sandbox/storage`` sets the limit.
Neighbours: ``write`` asks before a row is made, ``rest_limits`` shows what is left.
"""

from __future__ import annotations

from sandbox.salesforce.errors import dml
from sandbox.salesforce.org import STORAGE_NOTE, Org
from sandbox.salesforce.standard_history import is_history

KB_PER_ROW = 2
_SETUP = frozenset({"Organization", "User", "PermissionSet", "PermissionSetAssignment", "OpportunityStage"})


def used_kb(org: Org) -> int:
    """Return what the org's rows take, those in the recycle bin too; history takes none."""
    charged = [one.name for one in org.schema if one.name not in _SETUP and not is_history(one)]
    return sum(len(org.store.table(name)) for name in charged) * KB_PER_ROW


def limit_kb(org: Org) -> int:
    """Return what the org may take."""
    return org.storage_kb


def set_limit(org: Org, kilobytes: int) -> None:
    """Change what the org may take."""
    org.storage_kb = kilobytes
    org.store.note(STORAGE_NOTE, kilobytes)


def check_room(org: Org, object_name: str) -> None:
    """Raise STORAGE_LIMIT_EXCEEDED where another row of the object does not fit."""
    if object_name not in _SETUP and used_kb(org) + KB_PER_ROW > limit_kb(org):
        raise dml("STORAGE_LIMIT_EXCEEDED", "storage limit exceeded")


def data_storage(org: Org) -> dict[str, int]:
    """Return the entry DataStorageMB of ``/limits``, whole megabytes."""
    limit, used = limit_kb(org), used_kb(org)
    return {"Max": limit // 1024, "Remaining": max(0, limit - used) // 1024}
