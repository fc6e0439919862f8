"""Usage events as they arrive: Segment ``track`` messages, validated one by one.

``webhooks/usage.py`` stores a batch unread; ``sync/usage.py`` reads it through here and
rolls it up. A message that cannot be a usage fact is refused with its reason, the rest go on.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from pydantic import AliasChoices, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

FUTURE_TOLERANCE = timedelta(days=1)
NOBODY = "unknown"


class _Properties(BaseModel):
    model_config = ConfigDict(extra="ignore")

    product: str = ""
    subscription: str | None = None
    account: str | None = None
    count: int = Field(default=1, ge=0)
    duration_s: int = Field(default=0, ge=0)
    errors: int = Field(default=0, ge=0)


class _Context(BaseModel):
    model_config = ConfigDict(extra="ignore")

    group_id: str | None = Field(default=None, validation_alias="groupId")


class _Track(BaseModel):
    model_config = ConfigDict(extra="ignore")

    message_id: str = Field(validation_alias="messageId", min_length=1)
    event: str = Field(min_length=1)
    timestamp: AwareDatetime
    user: str = Field(default="", validation_alias=AliasChoices("userId", "anonymousId"))
    properties: _Properties = _Properties()
    context: _Context = _Context()


@dataclass(frozen=True, slots=True)
class UsageEvent:
    """One product event. ``account_ref`` is the product's own name for the account.

    ``day`` is the event's day in the installation's time zone; ``user`` is empty when the
    product did not say who.
    """

    message_id: str
    account_ref: str
    line_ref: str
    product: str
    feature: str
    user: str
    day: date
    at: datetime
    count: int
    duration_s: int
    errors: int

    def digest(self) -> str:
        """Return the hashes of the id and of the content by which a repeated delivery is known.

        The same id with other content is another fact, and is reported: both are counted.
        """
        parts = [
            self.account_ref,
            self.line_ref,
            self.product,
            self.feature,
            self.user,
            self.at.isoformat(),
            self.count,
            self.duration_s,
            self.errors,
        ]
        return f"{_hash(self.message_id)}:{_hash(json.dumps(parts))}"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class RefusedEvent:
    """A message that cannot be a usage fact, and why."""

    message_id: str
    reason: str


def read_message(message: object, zone: ZoneInfo, received_at: datetime) -> UsageEvent | RefusedEvent | None:
    """Return the event in one message, a refusal, or ``None`` for calls other than ``track``.

    Identify, group and page calls are valid Segment messages that say nothing about use.
    """
    if not isinstance(message, dict):
        return RefusedEvent("", "a message is not an object")
    if message.get("type", "track") != "track":
        return None
    try:
        track = _Track.model_validate(message)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        return RefusedEvent(str(message.get("messageId", "")), f"{place}: {first['msg']}")
    return _event(track, zone, received_at)


def _event(track: _Track, zone: ZoneInfo, received_at: datetime) -> UsageEvent | RefusedEvent:
    account_ref = track.context.group_id or track.properties.account or ""
    if not account_ref:
        return RefusedEvent(track.message_id, "no account is named (context.groupId or properties.account)")
    if track.timestamp > received_at + FUTURE_TOLERANCE:
        return RefusedEvent(track.message_id, f"dated {track.timestamp.isoformat()}, more than a day ahead")
    properties = track.properties
    return UsageEvent(
        message_id=track.message_id,
        account_ref=account_ref,
        line_ref=properties.subscription or "",
        product=properties.product,
        feature=track.event,
        user="" if track.user == NOBODY else track.user,
        day=track.timestamp.astimezone(zone).date(),
        at=track.timestamp,
        count=properties.count,
        duration_s=properties.duration_s,
        errors=properties.errors,
    )
