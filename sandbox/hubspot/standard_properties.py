"""The properties a fresh portal has, from the compact lines of ``standard_properties.psv``.

A line is ``name|label|type|fieldType[|flags][|options]``.
Flags: ``r`` read-only value, ``u`` unique value. Only properties the sandbox fills or that a
customer-success integration is likely to touch are here; a real portal has several hundred.
Source: HubSpot's default property lists.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Final

_COMMON = """
hs_object_id|Record ID|number|number|r
hs_object_source|Record creation source|enumeration|select|r
hs_object_source_id|Record creation source ID|string|text|r
hs_object_source_label|Record source|enumeration|select|r
hs_updated_by_user_id|Updated by user ID|number|number|r
hubspot_owner_id|Owner|enumeration|select
hubspot_owner_assigneddate|Owner assigned date|datetime|date|r
hs_merged_object_ids|Merged record IDs|enumeration|checkbox|r
"""
_HS_TIMES = "hs_createdate|Object create date/time|datetime|date|r\n"
_MODIFIED = "hs_lastmodifieddate|Last Modified Date|datetime|date|r\n"

_ACTIVITY = _HS_TIMES + _MODIFIED + "hs_timestamp|Activity date|datetime|date\n"
GROUPS: Final[dict[str, tuple[str, str]]] = {
    "0-1": ("contactinformation", "Contact information"),
    "0-2": ("companyinformation", "Company information"),
    "0-3": ("dealinformation", "Deal information"),
    "0-5": ("ticketinformation", "Ticket information"),
    "0-7": ("productinformation", "Product information"),
    "0-8": ("lineiteminformation", "Line item information"),
    "0-14": ("quoteinformation", "Quote information"),
    "0-162": ("serviceinformation", "Service information"),
    "0-19": ("feedbackinformation", "Feedback information"),
    "0-18": ("communicationinformation", "Communication information"),
    "0-27": ("taskinformation", "Task information"),
    "0-46": ("noteinformation", "Note information"),
    "0-47": ("meetinginformation", "Meeting information"),
    "0-48": ("callinformation", "Call information"),
    "0-49": ("emailinformation", "Email information"),
}
_YES_NO = "true,false"
# Their values live elsewhere in the portal: owners, pipelines, stages.
_EXTERNAL = (
    "hubspot_owner_id",
    "pipeline",
    "dealstage",
    "hs_pipeline",
    "hs_pipeline_stage",
    "hs_merged_object_ids",
)


def parse_line(line: str, group: str, moment: str) -> dict[str, Any]:
    """Return the vendor-shaped property of one compact line; ``moment`` is its creation time."""
    name, label, kind, field_type, flags, options = (*line.split("|"), "", "")[:6]
    options = options or (_YES_NO if kind == "bool" else "")
    read_only = "r" in flags
    return {
        "updatedAt": moment,
        "createdAt": moment,
        "name": name,
        "label": label,
        "type": kind,
        "fieldType": field_type,
        "description": "",
        "groupName": group,
        "options": [
            {"label": value, "value": value, "displayOrder": order, "hidden": False}
            for order, value in enumerate(filter(None, options.split(",")))
        ],
        "displayOrder": -1,
        "calculated": False,
        "externalOptions": name in _EXTERNAL,
        "archived": False,
        "hasUniqueValue": "u" in flags,
        "hidden": False,
        "hubspotDefined": True,
        "modificationMetadata": {
            "archivable": False,
            "readOnlyDefinition": True,
            "readOnlyOptions": True,
            "readOnlyValue": read_only,
        },
        "formField": not read_only,
        "dataSensitivity": "non_sensitive",
    }


@cache
def _lines() -> dict[str, str]:
    text = Path(__file__).with_name("standard_properties.psv").read_text("utf-8")
    blocks: dict[str, str] = {}
    for block in text.split("\n[")[1:]:
        type_id, _, lines = block.partition("]\n")
        blocks[type_id] = lines + "\n"
    return blocks


def properties_of(type_id: str, moment: str) -> list[dict[str, Any]]:
    """Return the properties a fresh portal has on ``type_id``; any ``2-`` id gets the custom-object set."""
    if type_id.startswith("2-"):
        lines, group = _HS_TIMES + _MODIFIED, custom_group(type_id)[0]
    else:
        lines, group = _lines()[type_id], GROUPS[type_id][0]
        if type_id in ("0-18", "0-27", "0-46", "0-47", "0-48", "0-49"):
            lines = _ACTIVITY + lines
    return [parse_line(line, group, moment) for line in (lines + _COMMON).splitlines() if line]


def pipeline_properties(group: str, moment: str) -> list[dict[str, Any]]:
    """Return the two properties a custom object gets with its first pipeline."""
    lines = ("hs_pipeline|Pipeline|enumeration|select", "hs_pipeline_stage|Pipeline stage|enumeration|select")
    return [parse_line(line, group, moment) for line in lines]


def custom_group(type_id: str) -> tuple[str, str]:
    """Return (name, label) of the property group HubSpot makes for a custom object."""
    return f"custom_object_{type_id.replace('-', '_')}_information", "Information"
