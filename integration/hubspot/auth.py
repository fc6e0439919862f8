"""Access tokens: a service key as it is, or an OAuth grant refreshed before it expires.

Access tokens live 30 minutes; waiting for a 401 would count against certification (page
"Certification requirements"), so a token is renewed ahead: by one thread of one process,
for all that share the grant. What HubSpot answers is stored before it is used, a rotated
refresh token too. Neighbours: ``oauth_endpoint`` asks HubSpot, ``transport`` sends.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Final, Protocol

from integration.hubspot.oauth_endpoint import AppClient, TokenEndpoint, TokenSet
from integration.port import Misconfigured, NeedsConsent

REFRESH_AHEAD: Final = timedelta(minutes=5)
"""A token this close to its end is renewed first."""

MISCONFIGURED_FOR: Final = timedelta(minutes=1)
"""A client HubSpot does not know is not shown to it again for so long."""


@dataclass(frozen=True, slots=True)
class ServiceKey:
    """A static token of one account (service key or legacy private app token)."""

    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class OAuthGrant:
    """An app's client and a customer's grant to it."""

    client_id: str
    client_secret: str = field(repr=False)
    refresh_token: str = field(repr=False)

    @property
    def client(self) -> AppClient:
        """Return the app's side of the grant."""
        return AppClient(self.client_id, self.client_secret)


HubSpotCredentials = ServiceKey | OAuthGrant


class TokenStore(Protocol):
    """Where an installation's tokens live, encrypted, between processes."""

    def load(self) -> TokenSet | None:
        """Return the newest tokens, or ``None`` before the first refresh."""
        ...

    def save(self, tokens: TokenSet) -> None:
        """Keep ``tokens`` durably in place of older ones before returning."""
        ...

    def exclusive(self) -> AbstractContextManager[None]:
        """Hold the right to renew this installation's tokens, across processes.

        Entering raises Unavailable when somebody else holds it for too long.
        """
        ...


class MemoryTokenStore:
    """A token store that lives as long as the process: tests, demos, service keys."""

    def __init__(self, tokens: TokenSet | None = None) -> None:
        """Start with ``tokens``, or none."""
        self._tokens = tokens

    def load(self) -> TokenSet | None:
        """See ``TokenStore.load``."""
        return self._tokens

    def save(self, tokens: TokenSet) -> None:
        """See ``TokenStore.save``."""
        self._tokens = tokens

    def exclusive(self) -> AbstractContextManager[None]:
        """See ``TokenStore.exclusive``; within one process ``Auth``'s own lock is enough."""
        return nullcontext()


class Auth:
    """Gives the access token to send; thread-safe, refreshing once for all who wait."""

    def __init__(
        self,
        credentials: HubSpotCredentials,
        endpoint: TokenEndpoint,
        store: TokenStore,
        clock_now: Callable[[], datetime],
    ) -> None:
        """Use ``store`` first: another process may have refreshed already."""
        self._credentials = credentials
        self._endpoint = endpoint
        self._store = store
        self._now = clock_now
        self._tokens: TokenSet | None = None
        self._lock = Lock()
        self._refused: NeedsConsent | Misconfigured | None = None
        self._refused_until: datetime | None = None

    def access_token(self) -> str:
        """Return a token good for some minutes more.

        Raises NeedsConsent once the grant was refused, without asking HubSpot again: whoever
        connects anew makes a new ``Auth``. Raises Misconfigured or Unavailable as the endpoint does.
        """
        if isinstance(self._credentials, ServiceKey):
            return self._credentials.token
        tokens = self._tokens
        if tokens is None or not self._is_fresh(tokens):
            tokens = self._renew(self._credentials, stale="")
        return tokens.access_token

    def replace(self, rejected: str) -> bool:
        """Renew a token HubSpot answered 401 to; return whether there is another to try.

        Of many who were refused the same token one renews it; the others get what it got.
        """
        if isinstance(self._credentials, ServiceKey):
            return False
        return self._renew(self._credentials, stale=rejected).access_token != rejected

    def _renew(self, grant: OAuthGrant, stale: str) -> TokenSet:
        with self._lock:
            found = self._known(stale)
            if found is None:
                self._raise_known_refusal()
                with self._store.exclusive():
                    found = self._known(stale) or self._ask(grant)
            self._tokens = found
            return found

    def _known(self, stale: str) -> TokenSet | None:
        """Return fresh tokens another thread or process got meanwhile, unless ``stale`` are all there are."""
        if self._tokens is not None and self._serves(self._tokens, stale):
            return self._tokens
        stored = self._store.load()
        return stored if stored is not None and self._serves(stored, stale) else None

    def _ask(self, grant: OAuthGrant) -> TokenSet:
        held = self._store.load() or self._tokens
        refresh_token = held.refresh_token if held is not None else grant.refresh_token
        try:
            tokens = self._endpoint.refresh(grant.client, refresh_token, self._now())
        except NeedsConsent as error:
            self._refused, self._refused_until = error, None
            raise
        except Misconfigured as error:
            self._refused, self._refused_until = error, self._now() + MISCONFIGURED_FOR
            raise
        # Stored before it is used: were we killed in between, a rotated refresh token would be lost.
        self._store.save(tokens)
        return tokens

    def _raise_known_refusal(self) -> None:
        if self._refused is None:
            return
        if self._refused_until is None or self._now() < self._refused_until:
            raise type(self._refused)(str(self._refused))

    def _serves(self, tokens: TokenSet, stale: str) -> bool:
        return tokens.access_token != stale and self._is_fresh(tokens)

    def _is_fresh(self, tokens: TokenSet) -> bool:
        return self._now() + REFRESH_AHEAD < tokens.expires_at
