"""Access tokens: a service key as it is, or an OAuth grant refreshed before it expires.

Access tokens live 30 minutes; waiting for a 401 would count against certification (page
"Certification requirements"), so a token is renewed ahead, by one thread at a time. What
HubSpot answers is stored, a rotated refresh token too. Neighbours: ``transport``.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from threading import Lock
from typing import Any, Final, Protocol
from urllib.parse import quote, urlencode

from requests import RequestException, Session

from integration.hubspot.connector import AUTHORIZE_URL, OPTIONAL_SCOPES, REQUIRED_SCOPES, Paths
from integration.hubspot.errors import problem_of
from integration.port import Misconfigured, NeedsConsent, RateLimited, Unavailable

REFRESH_AHEAD: Final = timedelta(minutes=5)
"""A token this close to its end is renewed first."""

_CONSENT_GONE: Final = frozenset({"invalid_grant", "access_denied"})


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


HubSpotCredentials = ServiceKey | OAuthGrant


@dataclass(frozen=True, slots=True)
class TokenSet:
    """Tokens as HubSpot gave them; ``expires_at`` is the access token's end (UTC)."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: datetime


class TokenStore(Protocol):
    """Where an installation's tokens live, encrypted, between processes."""

    def load(self) -> TokenSet | None:
        """Return the newest tokens, or ``None`` before the first refresh."""
        ...

    def save(self, tokens: TokenSet) -> None:
        """Keep ``tokens`` in place of older ones."""
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


class TokenEndpoint:
    """HubSpot's OAuth token endpoint: form bodies only, errors by RFC 6749's ``error``."""

    def __init__(self, session: Session, base_url: str, paths: Paths, count: Callable[[str], None]) -> None:
        """Call through ``session``; each call is counted under ``oauth``."""
        self._session = session
        self._url = f"{base_url}{paths.oauth}/token"
        self._count = count

    def refresh(self, grant: OAuthGrant, refresh_token: str, now: datetime) -> TokenSet:
        """Return new tokens. Raises NeedsConsent, Misconfigured or Unavailable."""
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        return self._ask(form, grant.client_id, grant.client_secret, refresh_token, now)

    def exchange_code(
        self, code: str, redirect_uri: str, client_id: str, client_secret: str, now: datetime
    ) -> TokenSet:
        """Return the first tokens of an installation, for the code its admin brought back."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
        return self._ask(form, client_id, client_secret, "", now)

    def _ask(
        self, form: dict[str, str], client_id: str, client_secret: str, refresh_token: str, now: datetime
    ) -> TokenSet:
        form = {**form, "client_id": client_id, "client_secret": client_secret}
        self._count("oauth")
        try:
            response = self._session.post(self._url, data=form)
        except RequestException as error:
            raise Unavailable(f"the token endpoint did not answer: {type(error).__name__}") from error
        body = _json_object(response.content)
        if response.status_code != HTTPStatus.OK:
            raise _token_error(response.status_code, body)
        return _token_set(body, refresh_token, now)


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

    def access_token(self) -> str:
        """Return a token good for some minutes more."""
        if isinstance(self._credentials, ServiceKey):
            return self._credentials.token
        tokens = self._tokens
        if tokens is None or not self._is_fresh(tokens):
            tokens = self._renew(self._credentials, stale="")
        return tokens.access_token

    def replace(self, rejected: str) -> bool:
        """Renew a token HubSpot answered 401 to; return whether there is another to try."""
        if isinstance(self._credentials, ServiceKey):
            return False
        return self._renew(self._credentials, stale=rejected).access_token != rejected

    def _renew(self, grant: OAuthGrant, stale: str) -> TokenSet:
        with self._lock:
            for known in (self._tokens, self._store.load()):
                if known is not None and known.access_token != stale and self._is_fresh(known):
                    self._tokens = known
                    return known
            held = self._store.load() or self._tokens
            refresh_token = held.refresh_token if held is not None else grant.refresh_token
            self._tokens = self._endpoint.refresh(grant, refresh_token, self._now())
            self._store.save(self._tokens)
            return self._tokens

    def _is_fresh(self, tokens: TokenSet) -> bool:
        return self._now() + REFRESH_AHEAD < tokens.expires_at


def authorize_url(client_id: str, redirect_uri: str, state: str) -> str:
    """Return the page that asks an admin for consent; scopes stand separated by ``%20``."""
    query = {
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "scope": " ".join(REQUIRED_SCOPES),
        "optional_scope": " ".join(OPTIONAL_SCOPES),
        "state": state,
    }
    return f"{AUTHORIZE_URL}?{urlencode(query, quote_via=quote)}"


def _token_error(status: int, body: dict[str, Any]) -> Exception:
    problem = problem_of(status, body)
    if problem.oauth in _CONSENT_GONE:
        return NeedsConsent(problem.message)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return RateLimited(problem.message, problem.policy)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Unavailable(problem.message)
    return Misconfigured(problem.message)


def _token_set(body: dict[str, Any], refresh_token: str, now: datetime) -> TokenSet:
    try:
        return TokenSet(
            access_token=str(body["access_token"]),
            refresh_token=str(body.get("refresh_token") or refresh_token),
            expires_at=now + timedelta(seconds=int(body["expires_in"])),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise Unavailable("the token endpoint answered without a token") from error


def _json_object(content: bytes) -> dict[str, Any]:
    try:
        body = json.loads(content)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
