"""Who settles what spans accounts, and in which order: accounts, owners, the portfolio, its segments.

Neighbours: ``allocation`` is the mechanism, ``portfolio_look`` and ``owner_book`` settle; ``jobs`` and the
commands ask for the next look here.
"""

from __future__ import annotations

from sqlalchemy import Connection

from sync import allocation, owner_book, portfolio_look, proposals
from sync import look as looking
from sync.allocation import register
from sync.state.dirty import Scope
from sync.workspace import Workspace

register(Scope.OWNER, owner_book.OWNERS)
register(Scope.PORTFOLIO, portfolio_look.PORTFOLIO)
register(Scope.SEGMENT, portfolio_look.SEGMENTS)


def mark_spanning(conn: Connection, ws: Workspace, reason: str) -> None:
    """Ask for everything that spans accounts: owners' books, the portfolio's months and so its segments'."""
    proposals.mark_books(conn, ws, reason)
    portfolio_look.mark_months(conn, ws, reason)


def scopes() -> frozenset[Scope]:
    """Return the scopes that are looked at or settled: nobody is rung for rows of the others."""
    return frozenset({Scope.ACCOUNT, *allocation.REGISTRY})


def look_on(ws: Workspace, owner: str) -> object | None:
    """Look at dirty accounts, and at what spans them once none is left; ``None``: nothing to do."""
    return looking.look(ws, owner) or allocation.allocate_next(ws, owner)
