"""A privacy deletion carried out: what is marked in the dirty set as a contact to be forgotten.

The mark is durable before the webhook's event counts as done, is held by a lease while it is worked on, and
stays until all is done. Neighbours: ``bury`` marks, the looks call ``forget_next``, ``forget`` does it.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sync.bury import FORGET
from sync.forget import UNDER_WAY, Forgotten, StillAtWork, carry_out, forget, meant_as_contact
from sync.state import dirty, persons
from sync.state.dirty import Claim, Scope
from sync.state.engine import reading, writing
from sync.state.leases import HOLD_S, Lease
from sync.workspace import Workspace

LEASE_S: Final = HOLD_S
TRY_AGAIN: Final = timedelta(minutes=10)
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ForgottenNext:
    """How many marks were worked on."""

    contacts: int


def forget_next(ws: Workspace, owner: str) -> ForgottenNext | None:
    """Forget whoever is marked and held by nobody, one at a time; ``None``: nobody is."""
    with writing(ws.runtime.engine) as conn:
        claims = dirty.claim(conn, ws.id, Scope.CONTACT, Lease(owner, ws.now(), LEASE_S, 1))
    for one in claims:
        _carry_out(ws, one)
    return ForgottenNext(len(claims)) if claims else None


def forget_contact(ws: Workspace, contact_id: str) -> Forgotten:
    """Forget the contact of an id: what it is known by here, from its records while there are any.

    ``contact_id`` may name a forgetting that was begun before: then that one is gone on with.
    """
    if contact_id.startswith(UNDER_WAY):
        with reading(ws.runtime.engine) as conn:
            jobs = persons.under_way(conn, ws.runtime.box, ws.id)
        done = [carry_out(ws, one) for one in jobs if UNDER_WAY + one.id == contact_id]
        return done[0] if done else Forgotten({}, 0, 0, 0)
    return forget(ws, meant_as_contact(ws, contact_id))


def _carry_out(ws: Workspace, claim: Claim) -> None:
    """Do what one mark asks for; what cannot be done now is tried again, by the mark of what was begun.

    An error is kept by its kind only, our own refusal aside: words of others may hold what is to be
    forgotten. No kind is passed on: a mark whose error nobody keeps is tried without end and told to nobody.
    """
    try:
        left = forget_contact(ws, claim.id).left if FORGET in claim.reasons else ()
    except StillAtWork as refusal:
        log.error("a person of %s cannot be forgotten yet: %s", ws.id, refusal)  # noqa: TRY400 - see above
        left = (str(refusal),)
    except Exception as error:  # noqa: BLE001 - see above
        kind = type(error).__name__
        log.error("a person of %s cannot be forgotten yet: %s", ws.id, kind)  # noqa: TRY400 - see above
        left = (kind,)
    with writing(ws.runtime.engine) as conn:
        if left:  # where another mark goes on with it, this one is gone already
            dirty.fail(conn, ws.id, claim, "; ".join(left), ws.now() + TRY_AGAIN)
        else:
            dirty.finish(conn, ws.id, [claim])
