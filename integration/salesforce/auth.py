"""Signing in to an org and renewing the access token, once at a time.

Salesforce promises no lifetime for an access token, so it is renewed when a call is refused
with INVALID_SESSION_ID, never on a clock. With refresh-token rotation each renewal kills the
token before it: renewals are therefore serialised (by a lock here and by
``TokenStore.exclusive`` across processes) and stored before they are used. Source: Salesforce
Help, "OAuth Authorization Flows"; packaging guide, "Secure Your Connected Apps and External
Client Apps". Neighbours: ``transport`` asks for the grant; ``token_endpoint`` speaks to the endpoint.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Protocol

from integration.port import NeedsConsent
from integration.salesforce.ids import same_id
from integration.salesforce.limits import API_VERSION

MOST_REFUSALS = 3
"""After so many tokens refused one after the other a call needs consent. The first may be old, and the second
one that another process stored and nobody used since, or one that ended before it was used."""


@dataclass(frozen=True, slots=True)
class JwtBearer:
    """Server-to-server sign-in as ``username`` with a key whose certificate the app holds.

    ``audience`` is the login host: ``https://test.salesforce.com`` for sandboxes.
    """

    client_id: str
    username: str
    private_key_pem: str = field(repr=False)
    audience: str = "https://login.salesforce.com"


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """Sign-in as the app's execution user; works on the My Domain host only."""

    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """The token a person's consent gave us; a stored newer one takes precedence."""

    client_id: str
    refresh_token: str = field(repr=False)
    client_secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class AuthorizationCode:
    """What a person's consent sent back, good once: it brings the first refresh token.

    ``verifier`` is the PKCE verifier whose challenge the consent was asked with; an app that is a public
    client has no secret.
    """

    client_id: str
    code: str = field(repr=False)
    verifier: str = field(repr=False)
    redirect_uri: str
    client_secret: str | None = field(default=None, repr=False)


SalesforceCredentials = JwtBearer | ClientCredentials | RefreshToken | AuthorizationCode


@dataclass(frozen=True, slots=True)
class Grant:
    """A live access to one org: its address, its ids and the version we speak with it."""

    access_token: str = field(repr=False)
    instance_url: str
    organization_id: str
    user_id: str
    api_version: str = ""
    refresh_token: str | None = field(default=None, repr=False)


class TokenStore(Protocol):
    """Where an installation's grant lives between calls and processes; encrypted by its owner."""

    def load(self) -> Grant | None:
        """Return the newest grant, or ``None`` before the first sign-in."""
        ...

    def save(self, grant: Grant) -> None:
        """Keep ``grant`` durably before returning."""
        ...

    def exclusive(self) -> AbstractContextManager[None]:
        """Hold the right to renew this installation's grant, across processes."""
        ...


class MemoryTokenStore:
    """A token store of one process, for demos and tests."""

    def __init__(self, grant: Grant | None = None) -> None:
        """Start with ``grant``, if there is one already."""
        self._grant = grant

    def load(self) -> Grant | None:
        """Return the grant saved last."""
        return self._grant

    def save(self, grant: Grant) -> None:
        """Keep ``grant`` until the process ends."""
        self._grant = grant

    def exclusive(self) -> AbstractContextManager[None]:
        """Return a no-op: the authenticator's own lock is enough within one process."""
        return nullcontext()


class TokenSource(Protocol):
    """Whoever turns credentials into a grant (``token_endpoint.TokenEndpoint``)."""

    def sign_in(self, refresh_token: str | None) -> Grant:
        """Return a new grant, its ``api_version`` still empty."""
        ...

    def newest_version(self, instance_url: str) -> str:
        """Return the newest API version the org lists, not above ours."""
        ...


class Authenticator:
    """Hands out the grant in force and renews it once per expiry. Thread-safe."""

    def __init__(self, source: TokenSource, store: TokenStore, organization_id: str = "") -> None:
        """Ask ``source`` for grants and keep them in ``store``.

        Where ``organization_id`` is given a grant to another org is refused, before any call is made with it.
        """
        self._source = source
        self._organization_id = organization_id
        self._store = store
        self._lock = threading.Lock()
        self._grant: Grant | None = None

    def current(self) -> Grant:
        """Return the grant in force, signing in when there is none.

        Raises NeedsConsent, Misconfigured or Unavailable as the token endpoint answers, and NeedsConsent
        where the credentials open another org than they did.
        """
        grant = self._grant
        return grant if grant is not None else self._obtain(lambda stored: stored is not None)

    def renew(self, refused: Grant) -> Grant:
        """Return a grant newer than ``refused``; whoever comes second gets the first one's."""
        return self._obtain(lambda stored: stored is not None and stored.access_token != refused.access_token)

    def _obtain(self, usable: Callable[[Grant | None], bool]) -> Grant:
        with self._lock, self._store.exclusive():
            stored = self._store.load()
            if stored is None or not stored.api_version or not usable(stored):
                stored = self._sign_in(stored)
            self._check_org(stored)
            self._grant = stored
            return stored

    def _check_org(self, grant: Grant) -> None:
        pinned = self._organization_id
        if pinned and not same_id(grant.organization_id, pinned):
            raise NeedsConsent(
                f"these credentials open org {grant.organization_id}, this installation is org {pinned}: "
                "nothing was read or written; a refreshed sandbox is a new org and is connected anew, "
                "else connect again with credentials of this org"
            )

    def _sign_in(self, before: Grant | None) -> Grant:
        grant = self._source.sign_in(before.refresh_token if before else None)
        self._check_org(grant)
        if grant.refresh_token is None and before is not None:
            grant = replace(grant, refresh_token=before.refresh_token)
        # The old refresh token is dead by now: losing the new one would mean asking for consent.
        self._store.save(grant)
        known = before.api_version if before else ""
        version = known if known == API_VERSION else self._source.newest_version(grant.instance_url)
        grant = replace(grant, api_version=version)
        self._store.save(grant)
        return grant
