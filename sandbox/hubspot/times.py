"""HubSpot's way of writing instants: ISO 8601 UTC, milliseconds only where they are not zero."""

from __future__ import annotations

from functools import lru_cache

from sandbox.server.clock import epoch_ms, from_epoch_ms, parse_instant


@lru_cache(maxsize=200_000)
def stamp(ms: int) -> str:
    """Return ``2024-12-31T09:00:00Z`` or ``2024-12-31T09:00:00.250Z`` for milliseconds since 1970."""
    instant = from_epoch_ms(ms).replace(tzinfo=None)
    return instant.isoformat(timespec="milliseconds" if ms % 1000 else "seconds") + "Z"


@lru_cache(maxsize=200_000)
def to_ms(text: str) -> int:
    """Return milliseconds since 1970 of ``text``: milliseconds, an ISO date or an ISO instant.

    Raises ValueError for anything else.
    """
    stripped = text.strip()
    if stripped.lstrip("-").isdigit() and "-" not in stripped[1:]:
        return int(stripped)
    if len(stripped) < 10 or stripped[4] != "-" or stripped[7] != "-":
        raise ValueError(text)
    return epoch_ms(parse_instant(stripped))
