"""HubSpot's OAuth token endpoint: form bodies, bounded retries, errors named by who can act.

Page "Manage OAuth tokens". Refusals are told apart by RFC 6749's ``error`` and HubSpot's
``status``: a grant that is gone is the customer's matter, a wrong client ours, and then no
customer may be disconnected for it. Neighbours: ``auth`` refreshes through it, the connect
page exchanges and introspects.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, ValidationError
from requests import RequestException, Response, Session
from requests.exceptions import InvalidSchema, InvalidURL, MissingSchema
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt
from tenacity import wait_exponential_jitter as exponential

from integration.hubspot.connector import Paths
from integration.hubspot.errors import MIGRATING_STATUS, problem_of
from integration.port import CrmError, Misconfigured, NeedsConsent, RateLimited, Unavailable

ATTEMPTS: Final = 3
TIMEOUTS_S: Final = (5.0, 10.0)
"""To connect, and for the answer: three tries end within a minute, as long as a renewal is exclusive."""

LONGEST_WAIT_S: Final = 5.0
"""A longer ``Retry-After`` is not slept upon but handed to the caller."""

_BACKOFF = exponential(multiplier=0.5, max=LONGEST_WAIT_S, jitter=0.5)
_CONSENT_GONE: Final = frozenset({"invalid_grant", "access_denied", "BAD_REFRESH_TOKEN", "BAD_HUB"})
_OUR_CLIENT: Final = frozenset({"invalid_client", "unauthorized_client"})
_PASSING: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.LOCKED, MIGRATING_STATUS})


@dataclass(frozen=True, slots=True)
class TokenSet:
    """Tokens as HubSpot gave them; ``expires_at`` is the access token's end (UTC)."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class AppClient:
    """The app's own credentials, and where HubSpot may send an admin back to."""

    client_id: str
    client_secret: str = field(repr=False)
    redirect_uri: str = ""


class TokenInfo(BaseModel):
    """What a token is, as HubSpot's introspection says; an unknown one is not ``active``."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    active: bool
    hub_id: int = 0
    hub_domain: str = ""
    app_id: int = 0
    user: str = ""
    scopes: tuple[str, ...] = ()


class TokenEndpoint:
    """The dated endpoints ``/oauth/{version}/token`` and below. Each try is counted under ``oauth``."""

    def __init__(
        self,
        session: Session,
        base_url: str,
        paths: Paths,
        count: Callable[[str], None],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Call through ``session``."""
        self._session = session
        self._url = f"{base_url}{paths.oauth}/token"
        self._count = count
        self._sleep = sleep

    def refresh(self, client: AppClient, refresh_token: str, now: datetime) -> TokenSet:
        """Return new tokens. Raises NeedsConsent, Misconfigured, RateLimited or Unavailable."""
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        return _token_set(self._ask(client, form), refresh_token, now)

    def exchange(self, client: AppClient, code: str, verifier: str, now: datetime) -> TokenSet:
        """Return the first tokens of an installation, for the code its admin brought back.

        Raises NeedsConsent for a code HubSpot does not take, otherwise as ``refresh``.
        """
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": client.redirect_uri}
        return _token_set(self._ask(client, {**form, "code_verifier": verifier}), "", now)

    def introspect(self, client: AppClient, access_token: str) -> TokenInfo:
        """Return whose token this is and what it may do. Raises as ``refresh``."""
        form = {"token": access_token, "token_type_hint": "access_token"}
        try:
            return TokenInfo.model_validate(self._ask(client, form, "/introspect"))
        except ValidationError as error:
            raise Unavailable("the introspection of the token cannot be read") from error

    def _ask(self, client: AppClient, form: dict[str, str], below: str = "") -> dict[str, Any]:
        retrying = Retrying(
            retry=retry_if_exception_type(Unavailable),
            wait=_wait_s,
            stop=lambda state: stop_after_attempt(ATTEMPTS)(state) or _asked_wait_s(state) > LONGEST_WAIT_S,
            sleep=self._sleep,
            reraise=True,
        )
        signed = {**form, "client_id": client.client_id, "client_secret": client.client_secret}
        return retrying(self._post, self._url + below, signed)

    def _post(self, url: str, form: dict[str, str]) -> dict[str, Any]:
        self._count("oauth")
        try:
            response = self._session.post(url, data=form, timeout=TIMEOUTS_S)
        except (InvalidURL, InvalidSchema, MissingSchema) as error:
            raise Misconfigured(f"{url} is not an address") from error
        except RequestException as error:
            # The error's own text may hold the form.
            raise Unavailable(f"the token endpoint did not answer: {type(error).__name__}") from None
        body = _json_object(response.content)
        if response.status_code != HTTPStatus.OK:
            raise _refusal(response, body)
        if body is None:
            raise Unavailable("the token endpoint answered 200 with something that is not JSON")
        return body


def _refusal(response: Response, body: dict[str, Any] | None) -> CrmError:
    """Return what to raise: a body without an OAuth error may come from something on the way."""
    status = response.status_code
    problem = problem_of(status, body)
    names = {problem.oauth, str((body or {}).get("status", ""))}
    wait_s = float(after) if (after := response.headers.get("Retry-After", "")).isdigit() else None
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return RateLimited(problem.message, problem.policy or "UNNAMED", wait_s)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _PASSING:
        return Unavailable(f"the token endpoint answered {status}: {problem.message}", wait_s)
    if names & _OUR_CLIENT or any(name.startswith("BAD_CLIENT") for name in names):
        return Misconfigured(
            f"HubSpot does not know our app by its client id and secret ({problem.message}); "
            "correct CS_HUBSPOT_CLIENT_ID and CS_HUBSPOT_CLIENT_SECRET"
        )
    if names & _CONSENT_GONE:
        return NeedsConsent(f"HubSpot takes our grant no longer ({problem.message})")
    if body is None:
        return Unavailable(f"the token endpoint answered {status} with something that is not JSON")
    return Misconfigured(f"the token endpoint refuses the request with {status}: {problem.message}")


def _token_set(body: dict[str, Any], refresh_token: str, now: datetime) -> TokenSet:
    try:
        tokens = TokenSet(
            access_token=str(body["access_token"]),
            refresh_token=str(body.get("refresh_token") or refresh_token),
            expires_at=now + timedelta(seconds=int(body["expires_in"])),
        )
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise Unavailable("the token endpoint answered without a token") from error
    if not tokens.access_token or not tokens.refresh_token:
        raise Unavailable("the token endpoint answered with an empty token")
    return tokens


def _json_object(content: bytes) -> dict[str, Any] | None:
    try:
        body = json.loads(content)
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def _wait_s(state: RetryCallState) -> float:
    return max(_asked_wait_s(state), _BACKOFF(state))


def _asked_wait_s(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome is not None else None
    return (error.retry_after_s or 0.0) if isinstance(error, Unavailable) else 0.0
