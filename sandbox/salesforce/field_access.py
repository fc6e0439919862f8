"""Field-level security as an admin left it: fields the API user cannot see, or only read.

Set by ``POST /_sandbox/field_access``; ``access.py`` asks. Over what a permission set grants it wins, as
if no permission set granted the field any more. Source: Salesforce Help, "Field-Level Security": fields
that are required of every record have none.
"""

from __future__ import annotations

from typing import Final

from sandbox.salesforce.org import Org

HIDDEN: Final = "hidden"
READ_ONLY: Final = "read_only"


def set_field_access(org: Org, fields: dict[str, str]) -> int:
    """Take fields (``Object.Field``) from the API user; return how many are. Raises ValueError."""
    for path, how in fields.items():
        object_name, _, name = path.partition(".")
        obj = org.schema.get(object_name)
        f = obj.get(name) if obj else None
        if f is None or how not in (HIDDEN, READ_ONLY):
            raise ValueError(f"no such field, or neither {HIDDEN} nor {READ_ONLY}: {path!r}, {how!r}")
        if f.required:
            raise ValueError(f"{path} is required of every record and has no field-level security")
    org.withhold({path.lower(): how for path, how in fields.items()})
    return len(fields)
