"""Who settles what spans accounts, and in which order: accounts, owners, the portfolio, its segments.

Contacts come first and go their own way: forgetting goes through files and the CRM, which no one transaction
can enter, is owed before an installation is live, and keeps no error's words.
Neighbours: ``allocation`` is the mechanism, ``portfolio_look`` and ``owner_book`` settle; ``jobs`` and the
commands ask for the next look here.
"""

from __future__ import annotations

from sqlalchemy import Connection

from sync import allocation, owner_book, portfolio_look, proposals
from sync import look as looking
from sync.allocation import register
from sync.forget_contact import forget_next
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
    return frozenset({Scope.ACCOUNT, Scope.CONTACT, *allocation.REGISTRY})


def look_on(ws: Workspace, owner: str) -> object | None:
    """Forget who is to be forgotten, look at dirty accounts, and at what spans them once none is left.

    ``None``: nothing to do.
    """
    return forget_next(ws, owner) or looking.look(ws, owner) or allocation.allocate_next(ws, owner)
