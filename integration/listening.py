"""Listening: a CRM that tells of changes over a stream it holds open, from a place one may come back to.

What is told is a hint where to look, as with webhooks; values serve to recognise our own writes. Beside
``port.CrmPort``; a CRM that only pushes or is only polled does not implement this. Neighbours:
``salesforce/pubsub`` does, ``sync/listen.py`` keeps what was heard.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol, runtime_checkable

from integration.port import CrmError, FieldValues


class Hint(StrEnum):
    """What to do about a change: read the records, read them as restored, or poll the whole object."""

    READ = "read"
    RESTORED = "restored"
    POLL = "poll"


@dataclass(frozen=True, slots=True)
class HeardChange:
    """One change: ``event_id`` is the same when it is told again, ``at`` is when it happened (UTC).

    ``object`` is empty where the CRM's words could not be read: then every object is meant. ``written`` are
    the values of a change that names us as its author, ``None`` for anybody else's.
    """

    event_id: str
    object: str
    ids: tuple[str, ...]
    hint: Hint
    at: datetime
    written: FieldValues | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    """What came at once, maybe nothing; ``place`` is where to go on after it."""

    place: str
    changes: tuple[HeardChange, ...] = field(default=())


class PlaceLost(CrmError):
    """The CRM cannot go on from the place given: what came since must be found by reading."""


class NotOffered(CrmError):
    """The CRM does not tell of its changes here: the edition, a missing channel or right, in its words."""


class Listening(Protocol):
    """A stream of changes, opened for one installation. ``close`` may be called by another thread."""

    def listen(self, place: str | None) -> Iterator[Heard]:
        """Yield what is told after ``place`` (from now on where ``None``), until closed.

        Asking for the next means that the one before is durable. Raises PlaceLost, NotOffered,
        NeedsConsent, RateLimited and Unavailable.
        """
        ...

    def close(self) -> None:
        """End the stream at once; ``listen`` ends without an error."""
        ...


@runtime_checkable
class ListeningPort(Protocol):
    """A CRM that can be listened to."""

    def open_listening(self, address: str) -> Listening:
        """Return a stream from the service at ``address``; nothing is called yet."""
        ...
