"""Who saved a record last: ``LastModifiedById`` beside the values that stand.

Flows and triggers run as the user who saves (Apex guide, "Triggers and Order of Execution"), so what they
rewrite carries our own user. Neighbours: ``read`` reads, ``connector`` offers it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from integration.salesforce.ids import long_id
from integration.salesforce.read import Reader
from integration.salesforce.transport import Transport
from integration.witness import Saved

USER, NAME = "LastModifiedById", "LastModifiedBy.Name"


def last_saved(
    transport: Transport, reader: Reader, object_name: str, ids: Sequence[str], fields: Sequence[str]
) -> Mapping[str, Saved]:
    """See ``WitnessPort.last_saved``."""
    records = reader.read(object_name, ids, [*fields, USER, NAME], ())
    us = long_id(transport.grant.user_id)
    return {
        record.id: Saved(
            values={name: record.values[name] for name in fields},
            by=record.values[NAME] or record.values[USER] or "",
            at=record.source_at,
            ours=record.values[USER] == us,
        )
        for record in records
    }
