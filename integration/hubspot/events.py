"""HubSpot webhook events read as signals; pure.

``webhooks/hubspot.py`` stores each event of a batch; ``sync/drain.py`` reads it through
here. Event names and fields: HubSpot page "Webhooks API". Events are not unique, not in
order and carry one property at most, so they only say which record to look at again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from integration.hubspot.connector import SINGULAR_NAMES, STANDARD_TYPE_IDS
from integration.port import Signal, SignalKind

OBJECTS: Final[Mapping[str, str]] = {singular: plural for plural, singular in SINGULAR_NAMES.items()}
KINDS: Final[Mapping[str, SignalKind]] = {
    "creation": SignalKind.CHANGED,
    "propertyChange": SignalKind.CHANGED,
    "associationChange": SignalKind.CHANGED,
    "restore": SignalKind.CHANGED,
    "deletion": SignalKind.DELETED,
    "privacyDeletion": SignalKind.FORGOTTEN,
    "merge": SignalKind.MERGED,
}
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
LAST_MILLISECOND: Final = 253_402_300_799_000
"""The end of the year 9999: later instants are no dates any more."""

_PLAIN: Final = json.JSONEncoder(default=str)
_NAMES_BY_TYPE_ID = {type_id: name for name, type_id in STANDARD_TYPE_IDS.items()}


def dedupe_key(event: Mapping[str, Any]) -> str:
    """Return the identity of an event, the same on every retry.

    ``eventId`` alone is not guaranteed unique; ``attemptNumber`` differs between retries.
    """
    parts = [
        event.get(name) for name in ("portalId", "subscriptionType", "objectId", "eventId", "occurredAt")
    ]
    sides = [event.get(name) for name in ("propertyName", "fromObjectId", "toObjectId")]
    return hashlib.sha256(_PLAIN.encode(parts + sides).encode()).hexdigest()


def read_event(event: Mapping[str, Any]) -> Signal:
    """Return what the event hints at; events we do not know are ``IGNORED``, never an error."""
    prefix, _, what = str(event.get("subscriptionType", "")).partition(".")
    name = OBJECTS.get(prefix) or _NAMES_BY_TYPE_ID.get(str(event.get("objectTypeId", "")), "")
    kind = KINDS.get(what, SignalKind.IGNORED) if name else SignalKind.IGNORED
    record_id = _record_id(event, what)
    return Signal(
        object=name,
        id=record_id,
        kind=kind if record_id else SignalKind.IGNORED,
        occurred_at=occurred_at(event) or EPOCH,
        merged_ids=_merged(event, record_id) if kind is SignalKind.MERGED else (),
        field=_text(event.get("propertyName")),
        value=_text(event.get("propertyValue")),
        other_end=_text(event.get("toObjectId")) if what == "associationChange" else None,
        unlinked=event.get("associationRemoved") is True,
    )


def occurred_at(event: Mapping[str, Any]) -> datetime | None:
    """Return when the event happened (UTC), ``None`` where it does not say or says no instant."""
    milliseconds = event.get("occurredAt")
    if not isinstance(milliseconds, int) or not 0 <= milliseconds <= LAST_MILLISECOND:
        return None
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _record_id(event: Mapping[str, Any], what: str) -> str:
    """Return the record to read: the survivor of a merge, the near side of an association."""
    if what == "merge":
        return _text(event.get("newObjectId") or event.get("primaryObjectId") or event.get("objectId")) or ""
    if what == "associationChange":
        return _text(event.get("fromObjectId") or event.get("objectId")) or ""
    return _text(event.get("objectId")) or ""


def _merged(event: Mapping[str, Any], survivor: str) -> tuple[str, ...]:
    others = event.get("mergedObjectIds")
    ids = [event.get("primaryObjectId"), *(others if isinstance(others, list) else ())]
    return tuple(sorted({str(one) for one in ids if one is not None} - {survivor}))


def _text(value: object) -> str | None:
    return None if value is None else str(value)
