"""Usage events as they arrive: Segment ``track`` messages, validated one by one.

``webhooks/usage.py`` stores a batch unread; ``sync/usage.py`` reads it through here and
rolls it up. A message that cannot be a usage fact is refused with its reason, the rest go on.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
)

from mappings.usage_identity import registered_domain

FUTURE_TOLERANCE = timedelta(days=1)
FUTURE_MAX = timedelta(days=366)
"""How far ahead an event may be dated and still be kept until its day; beyond, it is a mistake."""
NOBODY = "unknown"
TIMED_ON_ARRIVAL = "colonnadeTimedOnArrival"
"""Marks a message whose time is the one it came at: it says nothing about which message it is."""
NUMBER_MAX = 10**9
"""The most one message may count: the sums of any number of batches stay within 64 bits."""
TEXT_MAX_BYTES = 500
"""The longest text: four of them are a key, and an index of PostgreSQL takes 2,700 bytes."""


def shown(text: str) -> str:
    """Return a text from outside as every database and file can hold it, cut to what a key may be."""
    plain = text.encode("utf-8", "backslashreplace").replace(b"\0", b"\\x00")
    return plain[:TEXT_MAX_BYTES].decode("utf-8", "ignore")


def _storable(text: str) -> str:
    """Return the text; raises ValueError for one that no database could hold."""
    if "\0" in text:
        raise ValueError("it holds a NUL character")
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise ValueError("it is not valid Unicode") from error
    if size > TEXT_MAX_BYTES:
        raise ValueError(f"it is longer than {TEXT_MAX_BYTES} bytes")
    return text


_Text = Annotated[str, AfterValidator(_storable)]
_Number = Annotated[int, Field(ge=0, le=NUMBER_MAX)]


class _Traits(BaseModel):
    model_config = ConfigDict(extra="ignore")

    email: _Text | None = None


class _Properties(BaseModel):
    model_config = ConfigDict(extra="ignore")

    email: _Text | None = None

    product: _Text = ""
    subscription: _Text | None = None
    account: _Text | None = None
    count: _Number = 1
    duration_s: _Number = 0
    errors: _Number = 0


class _Context(BaseModel):
    model_config = ConfigDict(extra="ignore")

    group_id: _Text | None = Field(default=None, validation_alias="groupId")
    traits: _Traits = _Traits()


class _Track(BaseModel):
    model_config = ConfigDict(extra="ignore")

    message_id: _Text = Field(validation_alias="messageId", min_length=1)
    event: _Text = Field(min_length=1)
    timestamp: AwareDatetime
    timed_on_arrival: bool = Field(default=False, validation_alias=TIMED_ON_ARRIVAL)
    user_id: _Text | None = Field(default=None, validation_alias="userId")
    anonymous_id: _Text | None = Field(default=None, validation_alias="anonymousId")
    properties: _Properties = _Properties()
    context: _Context = _Context()

    @property
    def user(self) -> str:
        """Return who it was; Segment's Python library sends both ids, the one it was not given as null."""
        return self.user_id or self.anonymous_id or ""


@dataclass(frozen=True, slots=True)
class UsageEvent:
    """One product event. ``account_ref`` is the product's own name for the account.

    ``day`` is the event's day in the installation's time zone; ``user`` is empty when the
    product did not say who. ``email_domain`` is what the user's address says of a company, empty where
    there is none. ``ahead``: it is dated later than a clock may be wrong, and waits for its day.
    ``timed_on_arrival``: ``at`` is when it came first, for want of a time of its own.
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
    email_domain: str = ""
    ahead: bool = False
    timed_on_arrival: bool = False

    def known_on(self, received_on: date) -> date:
        """Return the day from which it may be known of: its own, where it is dated ahead."""
        return max(self.day, received_on) if self.ahead else received_on

    def digest(self) -> str:
        """Return the hashes of the id and of the content by which a repeated delivery is known.

        The same id with other content is another fact, and is reported: both are counted. The user is
        told apart as the product names them; only a hash of that is kept. A time given on arrival
        is no content.
        """
        parts = [
            self.account_ref,
            self.line_ref,
            self.product,
            self.feature,
            self.user,
            "" if self.timed_on_arrival else self.at.isoformat(),
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


def read_message(
    message: object, zone: ZoneInfo, received_at: datetime, *, by_account: bool = True
) -> UsageEvent | RefusedEvent | None:
    """Return the event in one message, a refusal, or ``None`` for calls other than ``track``.

    Identify, group and page calls are valid Segment messages that say nothing about use. Without
    ``by_account`` an event may name a subscription or have a user's address in place of the account.
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
        return RefusedEvent(shown(str(message.get("messageId", ""))), shown(f"{place}: {first['msg']}"))
    return _event(track, zone, received_at, by_account=by_account)


def _event(
    track: _Track, zone: ZoneInfo, received_at: datetime, *, by_account: bool
) -> UsageEvent | RefusedEvent:
    account_ref = track.context.group_id or track.properties.account or ""
    domain = _email_domain(track)
    if not account_ref and (by_account or not (track.properties.subscription or domain)):
        return RefusedEvent(track.message_id, "no account is named (context.groupId or properties.account)")
    if track.timestamp > received_at + FUTURE_MAX:
        return RefusedEvent(track.message_id, f"dated {track.timestamp.isoformat()}, more than a year ahead")
    try:
        at, day = track.timestamp.astimezone(UTC), track.timestamp.astimezone(zone).date()
    except OverflowError:
        return RefusedEvent(track.message_id, f"dated {track.timestamp.isoformat()}, outside the calendar")
    properties = track.properties
    return UsageEvent(
        message_id=track.message_id,
        account_ref=account_ref,
        line_ref=properties.subscription or "",
        product=properties.product,
        feature=track.event,
        user="" if track.user == NOBODY else track.user,
        day=day,
        at=at,
        count=properties.count,
        duration_s=properties.duration_s,
        errors=properties.errors,
        email_domain=domain,
        ahead=track.timestamp > received_at + FUTURE_TOLERANCE,
        timed_on_arrival=track.timed_on_arrival,
    )


def _email_domain(track: _Track) -> str:
    """Return the registered domain of the user's address, where the event or the user's id has one."""
    told = (track.context.traits.email, track.properties.email, track.user)
    address = next((one for one in told if one and "@" in one), None)
    return (registered_domain(address) if address else None) or ""


def kept_user(installation_id: str, user: str) -> str:
    """Return under what a user is kept: as the product names them, an e-mail address as a hash of it."""
    if "@" not in user:
        return user
    return "@" + hashlib.sha256(f"{installation_id}\n{user}".encode()).hexdigest()[:32]
