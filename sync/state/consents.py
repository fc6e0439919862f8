"""Consents asked for and not answered yet: what ties an admin's return from the CRM to their leaving.

Kept in the database, because another web process may take the admin back. The state that
travels is kept as a hash only, the PKCE verifier sealed with what belongs to it. These rows belong to no
installation yet. Neighbours: ``sync/consent.py`` asks, ``webhooks/connect_pages.py`` speaks HTTP.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Column, Connection, Index, Table, Text, delete, insert, select, update

from sync.state.schema import Instant, metadata

consent_request = Table(
    "consent_request",
    metadata,
    Column("state_hash", Text, primary_key=True),
    Column("browser_hash", Text, nullable=False),
    Column("verifier", Text, nullable=False),
    Column("return_url", Text, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("taken_at", Instant),
    Index("ix_consent_request_expires_at", "expires_at"),
)

TOLD_FOR = timedelta(days=1)
"""A state that expired is told from one never made for so long."""


class Standing(StrEnum):
    """How a returning state is met; only ``TAKEN`` may go on."""

    TAKEN = "taken"
    UNKNOWN = "unknown"
    USED = "used"
    EXPIRED = "expired"
    OTHER_BROWSER = "other_browser"


@dataclass(frozen=True, slots=True)
class ConsentRequest:
    """A consent under way. ``verifier`` is sealed; ``return_url`` is empty where nothing was asked."""

    state_hash: str
    browser_hash: str
    verifier: str
    return_url: str
    expires_at: datetime


def put(conn: Connection, asked: ConsentRequest, now: datetime) -> None:
    """Keep a request; forget those that expired so long ago that nobody comes back with one."""
    conn.execute(delete(consent_request).where(consent_request.c.expires_at <= now - TOLD_FOR))
    conn.execute(
        insert(consent_request).values(
            state_hash=asked.state_hash,
            browser_hash=asked.browser_hash,
            verifier=asked.verifier,
            return_url=asked.return_url,
            expires_at=asked.expires_at,
        )
    )


def take(
    conn: Connection, state_hash: str, browser_hash: str, now: datetime
) -> tuple[Standing, ConsentRequest | None]:
    """Use a state up and return its request; of several at once only one gets it.

    A state that another browser brings is not used up: its own browser may still come.
    """
    mine = (consent_request.c.state_hash == state_hash) & (consent_request.c.browser_hash == browser_hash)
    taken = update(consent_request).where(mine, consent_request.c.taken_at.is_(None)).values(taken_at=now)
    won = conn.execute(taken).rowcount == 1
    held = select(consent_request).where(consent_request.c.state_hash == state_hash)
    row = conn.execute(held).one_or_none()
    if row is None:
        return Standing.UNKNOWN, None
    if row.browser_hash != browser_hash:
        return Standing.OTHER_BROWSER, None
    if not won:
        return Standing.USED, None
    if row.expires_at <= now:
        return Standing.EXPIRED, None
    found = ConsentRequest(row.state_hash, row.browser_hash, row.verifier, row.return_url, row.expires_at)
    return Standing.TAKEN, found
