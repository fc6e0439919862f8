"""The contact roles a deal of ours begins with: those of the deals it continues; pure.

Which roles those are is known to Salesforce alone, so the row says only whose they are, and a push has them
copied. They are `seed` as a whole: one row for all of a deal's roles, done once, people's from then on.
Neighbours: ``outbound`` makes the deal, ``sync.push_whole`` and ``sync.push_roles`` have the roles copied.
"""

from __future__ import annotations

from integration.port import FieldValues
from mappings.bindings import CrmEntry
from success.desired import DesiredRecord, RecordKind

ROLES = "OpportunityContactRole"
COPIED_FROM = "OpportunityId"
"""The field of the row that names the earlier deals, by id, the latest first."""

_BETWEEN = ","


def role_object(crm: CrmEntry) -> str | None:
    """Return the object that holds the contact roles of our deals, ``None`` where none are copied."""
    wanted = crm.writes.renewal.contact_roles or crm.writes.expansion.contact_roles
    return ROLES if wanted else None


def role_seed(record: DesiredRecord, crm: CrmEntry) -> dict[str, str | None]:
    """Return from which deals a deal's roles are copied; nothing where there are none to copy."""
    if record.kind not in (RecordKind.RENEWAL, RecordKind.EXPANSION) or not record.continues:
        return {}
    wanted = crm.writes.opening(record.kind).contact_roles
    return {COPIED_FROM: _BETWEEN.join(record.continues)} if wanted else {}


def copied_from(seed: FieldValues) -> tuple[str, ...]:
    """Return the ids of the deals whose roles a row wants."""
    return tuple((seed.get(COPIED_FROM) or "").split(_BETWEEN))
