"""Instants and names the state's tests speak of."""

from datetime import UTC, datetime, timedelta

from sync.state.leases import Lease

A = "hubspot-1"
B = "hubspot-2"
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def lease(owner: str = "w1", at: datetime = NOW, limit: int = 100) -> Lease:
    """Return the terms of a one minute claim."""
    return Lease(owner, at, 60, limit)
