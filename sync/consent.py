"""An admin's consent on its way: what travels is tied to their browser, used once, for a quarter of an hour.

``begin`` makes a state that travels, bound to the browser's own secret, and a PKCE verifier that stays
here; ``take_state`` takes the state back. Nothing is stored of a portal or org before the CRM has said
whose token it is. Neighbours: ``consent_hubspot`` and ``consent_salesforce`` speak to the CRMs,
``webhooks/connect_pages.py`` speaks HTTP, ``state/consents.py`` keeps what is under way.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from mappings.charter import Charter
from sync.connect import Opening, keep_client, keep_settings
from sync.onboard import apply_charter
from sync.runtime import Runtime
from sync.state import charters, consents, installations
from sync.state.consents import ConsentRequest, Standing
from sync.state.engine import reading, writing
from sync.state.installations import Installation
from sync.state.schema import JsonValue
from sync.workspace import CONNECTIONS

STATE_LIVES: Final = timedelta(minutes=15)
"""Time for an admin to choose a portal or org and read what is asked for."""

VERIFIER: Final = "pkce_verifier"


class ConsentRefused(Exception):
    """The consent cannot go on; ``reason`` is a code, the message says what to do."""

    def __init__(self, reason: str, message: str) -> None:
        """Carry both."""
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Begun:
    """Where to send the admin, and the browser's own secret for its cookie."""

    url: str
    browser: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A consent under way: what travels (``state``), and what stays here until it comes back.

    ``login_url`` is where the admin consents, where there is a choice.
    """

    state: str
    browser: str
    verifier: str = field(repr=False)
    return_url: str = ""
    login_url: str = ""


@dataclass(frozen=True, slots=True)
class Granted:
    """A portal or org that is connected now; ``missing`` are the optional scopes its admin did not grant."""

    installation: Installation
    scopes: tuple[str, ...]
    missing: tuple[str, ...]
    return_url: str


def begin(
    runtime: Runtime, vendor: str, browser: str | None, *, return_url: str = "", login_url: str = ""
) -> Asked:
    """Keep a new consent under way for this browser (a new one where it has no secret) and return it."""
    verifier, held = secrets.token_urlsafe(48), browser or secrets.token_urlsafe(32)
    asked = Asked(secrets.token_urlsafe(32), held, verifier, return_url, login_url)
    now, state_hash = runtime.clock.now(), _state_hash(vendor, asked.state)
    stays = json.dumps({"verifier": verifier, "login_url": login_url})
    sealed = runtime.box.seal(state_hash, VERIFIER, stays)
    with writing(runtime.engine) as conn:
        row = ConsentRequest(state_hash, _hash(held), sealed, return_url, now + STATE_LIVES)
        consents.put(conn, row, now)
    return asked


def take_state(runtime: Runtime, vendor: str, state: str, browser: str | None) -> Asked:
    """Use a state up and return what was asked with it. Raises ConsentRefused."""
    state_hash = _state_hash(vendor, state)
    with writing(runtime.engine) as conn:
        standing, asked = consents.take(conn, state_hash, _hash(browser or ""), runtime.clock.now())
    if asked is None:
        raise ConsentRefused(standing.value, _STANDINGS[standing])
    stays = json.loads(runtime.box.open(state_hash, VERIFIER, asked.verifier))
    return Asked(state, browser or "", stays["verifier"], asked.return_url, stays["login_url"])


def keep(
    runtime: Runtime, found: Installation, opening: Opening, settings: Mapping[str, JsonValue]
) -> Installation:
    """Store a portal or org with what opens it, sealed, and its settings; return it as stored."""
    now = runtime.clock.now()
    with writing(runtime.engine) as conn:
        stored = installations.connect(conn, found)
        keep_client(conn, runtime.box, stored.id, now, opening)
        keep_settings(conn, stored, settings)
    CONNECTIONS.forget(stored.id)
    return stored


def first_charter(runtime: Runtime, installation_id: str, charter: Charter) -> None:
    """Bring ``charter`` into force where none is."""
    with reading(runtime.engine) as conn:
        held = charters.current(conn, installation_id, runtime.clock.now())
    if held is None:
        apply_charter(runtime, installation_id, charter, author="the connect page")


def _state_hash(vendor: str, state: str) -> str:
    """Return the hash under which a state is kept: one given out for one CRM is none for the other."""
    return _hash(f"{vendor}:{state}")


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


_STANDINGS: Final = {
    Standing.UNKNOWN: "This link was never given out here, or long ago. Start again.",
    Standing.USED: "This consent was brought back before. If nothing is connected, start again.",
    Standing.EXPIRED: "The consent took longer than a quarter of an hour. Start again.",
    Standing.OTHER_BROWSER: (
        "The consent was begun in another browser, or this one keeps no cookies. Start again in this one."
    ),
}
