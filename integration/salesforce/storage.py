"""How much data storage an org has left: ``DataStorageMB`` of the limits resource, whole megabytes.

The org computes it now and then, not with every write; rows in the recycle bin count. Source: REST API
guide, "Limits" (needs "View Setup and Configuration"); Salesforce help, "Data and File Storage Allocations".
Neighbours: ``write`` is refused with STORAGE_LIMIT_EXCEEDED when none is left.
"""

from __future__ import annotations

from typing import Final

from integration.port import Refused
from integration.salesforce.transport import Transport
from integration.storage import MEGABYTE, Storage

REMEDY: Final = (
    "see Storage Usage in the org's Setup; deleted records count until they leave the recycle bin; "
    "more can be bought"
)


def read_storage(transport: Transport) -> Storage | None:
    """Return what is left (reason ``storage``); ``None`` where the org does not show us its limits."""
    try:
        found = transport.request("storage", "GET", "limits").get("DataStorageMB")
    except Refused:
        return None
    if found is None:
        return None
    return Storage(int(found["Remaining"]) * MEGABYTE, int(found["Max"]) * MEGABYTE, REMEDY)
