"""The tokens of an installation, sealed in the database and renewed by one process at a time.

Neighbours: the vendors' ``auth`` modules ask these stores; ``state/token_lease.py`` says who
renews; ``sync/connect.py`` opens ports with them.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from integration.hubspot.oauth_endpoint import TokenSet
from integration.port import Unavailable
from integration.salesforce.auth import Grant
from sync.runtime import Runtime
from sync.state import installations, token_lease
from sync.state.engine import reading, writing

TOKEN = "token"  # noqa: S105 - the kind of a secret, not one
LEASE = timedelta(seconds=60)
"""Longer than the token endpoints' own retries take; a process killed while renewing holds up no longer."""

WAIT_S = 60.0
LOOK_EVERY_S = 0.05


def hubspot_json(tokens: TokenSet) -> dict[str, Any]:
    """Return HubSpot's tokens as they are sealed."""
    return {**asdict(tokens), "expires_at": tokens.expires_at.isoformat()}


class HubSpotTokens:
    """HubSpot's tokens of one installation."""

    def __init__(self, runtime: Runtime, installation_id: str) -> None:
        """Keep the tokens of one installation."""
        self._sealed = _Sealed(runtime, installation_id)

    def load(self) -> TokenSet | None:
        """Return the newest tokens."""
        held = self._sealed.load()
        if held is None:
            return None
        expires_at = datetime.fromisoformat(held["expires_at"])
        return TokenSet(held["access_token"], held["refresh_token"], expires_at)

    def save(self, tokens: TokenSet) -> None:
        """Keep ``tokens`` durably before they are used."""
        self._sealed.save(hubspot_json(tokens))

    def exclusive(self) -> AbstractContextManager[None]:
        """Hold the right to renew, across processes. Raises Unavailable after a minute of waiting."""
        return self._sealed.exclusive()


class SalesforceGrants:
    """Salesforce's grant of one installation."""

    def __init__(self, runtime: Runtime, installation_id: str) -> None:
        """Keep the grant of one installation."""
        self._sealed = _Sealed(runtime, installation_id)

    def load(self) -> Grant | None:
        """Return the newest grant."""
        held = self._sealed.load()
        return None if held is None else Grant(**held)

    def save(self, grant: Grant) -> None:
        """Keep ``grant`` durably before it is used."""
        self._sealed.save(asdict(grant))

    def exclusive(self) -> AbstractContextManager[None]:
        """Hold the right to renew, across processes. Raises Unavailable after a minute of waiting."""
        return self._sealed.exclusive()


class _Sealed:
    """A JSON object sealed under the installation's ``token``."""

    def __init__(self, runtime: Runtime, installation_id: str) -> None:
        self._runtime = runtime
        self._id = installation_id

    def load(self) -> dict[str, Any] | None:
        with reading(self._runtime.engine) as conn:
            text = installations.load_secret(conn, self._runtime.box, self._id, TOKEN)
        return None if text is None else dict(json.loads(text))

    def save(self, value: dict[str, Any]) -> None:
        with writing(self._runtime.engine) as conn:
            now = self._runtime.clock.now()
            installations.save_secret(conn, self._runtime.box, self._id, now, TOKEN, json.dumps(value))

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        owner, ends = secrets.token_hex(16), time.monotonic() + WAIT_S
        while not self._claimed(owner):
            if time.monotonic() > ends:
                raise Unavailable(f"another process has been renewing the tokens of {self._id} for a minute")
            time.sleep(LOOK_EVERY_S)
        try:
            yield
        finally:
            with writing(self._runtime.engine) as conn:
                token_lease.release(conn, self._id, owner)

    def _claimed(self, owner: str) -> bool:
        """Take the lease if it is free; who waits only reads, so that nobody's writing is held up."""
        now = self._runtime.clock.now()
        with reading(self._runtime.engine) as conn:
            if not token_lease.is_free(conn, self._id, now):
                return False
        with writing(self._runtime.engine) as conn:
            return token_lease.claim(conn, self._id, owner, now, LEASE)
