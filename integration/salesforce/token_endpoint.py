"""Salesforce's token endpoint, version list and revocation: the calls made without an access token.

What the endpoint refuses is told with the remedy, for whoever holds the credentials.
Neighbours: ``auth`` decides when to sign in; ``transport`` lends its retrying sender.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Protocol
from urllib.parse import urlsplit

import jwt
from requests import Response

from integration.port import CrmError, Misconfigured, NeedsConsent, Unavailable
from integration.salesforce.auth import (
    AuthorizationCode,
    ClientCredentials,
    Grant,
    JwtBearer,
    SalesforceCredentials,
)
from integration.salesforce.errors import Failure, parse_failure
from integration.salesforce.ids import long_id
from integration.salesforce.limits import API_VERSION, ASSERTION_LIFE_S

OAUTH_PATH = "/services/oauth2/token"
VERSIONS_PATH = "/services/data"
JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
# ``id`` ends in /<organization id>/<user id>.
ID_URL_PARTS = 3
# "Revoke OAuth Tokens": 400 with these says that the token was dead before.
DEAD_TOKEN_ERRORS = frozenset({"invalid_token", "unsupported_token_type"})
REVOKE_PATH = "/services/oauth2/revoke"
# What to do, by the error's code and words its description holds (Help, "OAuth 2.0 Errors"); first match.
REMEDIES = (
    (
        "invalid_grant",
        "approved",
        "pre-authorise the user: assign it the permission set the app's policies name",
    ),
    (
        "invalid_grant",
        "audience",
        "set `audience`: https://login.salesforce.com, for a sandbox test.salesforce.com",
    ),
    (
        "invalid_grant",
        "assertion",
        "give the private key whose certificate the app holds, and check the clock",
    ),
    ("invalid_grant", "refresh token", "consent was withdrawn or the token is old: connect the org again"),
    ("inactive_user", "", "activate the integration user, or connect as another one"),
    ("inactive_org", "", "the org is locked, suspended or gone: its admin has to ask Salesforce"),
    ("invalid_app_access", "", "have an admin install the app in the org and permit the user"),
    ("invalid_client_id", "", "take the consumer key from the app, and wait ten minutes after making one"),
    ("invalid_client", "", "take the consumer secret from the app"),
    ("unsupported_grant_type", "", "enable this flow in the app's OAuth settings"),
    (
        "redirect_uri_mismatch",
        "",
        "enter CS_PUBLIC_URL/connect/salesforce/callback as the app's callback URL",
    ),
)
# Answers that an administrator mends by connecting again (Help, "OAuth 2.0 Errors").
CONSENT_ERRORS = frozenset(
    {"invalid_grant", "inactive_user", "inactive_org", "invalid_app_access", "access_denied"}
)

ENDED = "expired authorization code"
"""Said of a code a person's consent brought, and of an assertion whose ``exp`` is past (Help, as above)."""


class OpenSender(Protocol):
    """Sends a request that carries no access token, retrying what is transient."""

    def __call__(self, reason: str, method: str, url: str, form: Mapping[str, str] | None = None) -> Response:
        """Return an answer that is not transient, whatever its status."""
        ...


class TokenEndpoint:
    """Turns credentials into grants at ``base_url`` (login host or My Domain)."""

    def __init__(
        self,
        credentials: SalesforceCredentials,
        base_url: str,
        send: OpenSender,
        clock_now: Callable[[], datetime],
    ) -> None:
        """Sign in with ``credentials``; ``clock_now`` dates the assertion."""
        self._credentials = credentials
        self._base_url = base_url.rstrip("/")
        self._send = send
        self._clock_now = clock_now

    def sign_in(self, refresh_token: str | None) -> Grant:
        """Return a new grant, its version still empty.

        Raises NeedsConsent when the grant is gone, Misconfigured when the app is unknown or
        its secret wrong, Unavailable when the org's clock says that our assertion has ended.
        """
        answer = self._send("oauth", "POST", self._base_url + OAUTH_PATH, self._form(refresh_token))
        body = _json_object(answer)
        if answer.status_code != HTTPStatus.OK:
            raise self._refused(parse_failure(answer.status_code, body))
        return _grant(body)

    def newest_version(self, instance_url: str) -> str:
        """Return the newest version both sides speak ("Versions" resource, no sign-in needed)."""
        answer = self._send("versions", "GET", instance_url + VERSIONS_PATH)
        if answer.status_code != HTTPStatus.OK:
            raise Misconfigured(f"{instance_url} does not list API versions")
        ours = float(API_VERSION)
        listed = [row["version"] for row in answer.json() if float(row["version"]) <= ours]
        if not listed:
            raise Misconfigured(f"{instance_url} speaks no API version up to {API_VERSION}")
        return str(max(listed, key=float))

    def revoke(self, token: str) -> bool:
        """End a refresh token and the access tokens it brought; return whether it lived.

        Raises Misconfigured for any other refusal.
        """
        answer = self._send("disconnect", "POST", self._base_url + REVOKE_PATH, {"token": token})
        if answer.status_code == HTTPStatus.OK:
            return True
        failure = parse_failure(answer.status_code, _json_object(answer))
        if failure.code in DEAD_TOKEN_ERRORS:
            return False
        raise Misconfigured(f"{failure.status} {failure.code}: {failure.message}")

    def _refused(self, failure: Failure) -> CrmError:
        words = f"{failure.code}: {failure.message}".rstrip(": ")
        if isinstance(self._credentials, JwtBearer) and failure.message == ENDED:
            # No admin can mend it: the next assertion is good as soon as the clocks agree.
            return Unavailable(f"{words}; check this machine's clock, it is behind the org's")
        if remedy := _remedy(failure.code, failure.message):
            words = f"{words}; {remedy}"
        return NeedsConsent(words) if failure.code in CONSENT_ERRORS else Misconfigured(words)

    def _form(self, refresh_token: str | None) -> dict[str, str]:
        credentials = self._credentials
        if isinstance(credentials, JwtBearer):
            return {"grant_type": JWT_GRANT, "assertion": self._assertion(credentials)}
        form = {"client_id": credentials.client_id}
        if credentials.client_secret is not None:
            form["client_secret"] = credentials.client_secret
        if isinstance(credentials, ClientCredentials):
            return form | {"grant_type": "client_credentials"}
        if isinstance(credentials, AuthorizationCode):
            return form | {
                "grant_type": "authorization_code",
                "code": credentials.code,
                "code_verifier": credentials.verifier,
                "redirect_uri": credentials.redirect_uri,
            }
        token = refresh_token or credentials.refresh_token
        return form | {"grant_type": "refresh_token", "refresh_token": token}

    def _assertion(self, credentials: JwtBearer) -> str:
        expires = self._clock_now() + timedelta(seconds=ASSERTION_LIFE_S)
        claims = {
            "iss": credentials.client_id,
            "sub": credentials.username,
            "aud": credentials.audience,
            "exp": int(expires.timestamp()),
        }
        try:
            return jwt.encode(claims, credentials.private_key_pem, algorithm="RS256")
        except (ValueError, jwt.PyJWTError) as error:
            raise Misconfigured("the private key is not an RSA key in PEM form") from error


def _grant(body: Mapping[str, Any]) -> Grant:
    """Return the grant in a token answer, its ids of 18 characters.

    ``id`` ends in ``/<organization id>/<user id>``.
    """
    parts = urlsplit(str(body.get("id", ""))).path.rstrip("/").split("/")
    if len(parts) < ID_URL_PARTS or "access_token" not in body or "instance_url" not in body:
        raise Misconfigured("the token answer names no org; is the `id` scope granted?")
    try:
        organization_id, user_id = long_id(parts[-2]), long_id(parts[-1])
    except ValueError as error:
        raise Misconfigured(f"the token answer names no org: {error}") from error
    return Grant(
        access_token=str(body["access_token"]),
        instance_url=str(body["instance_url"]).rstrip("/"),
        organization_id=organization_id,
        user_id=user_id,
        refresh_token=body.get("refresh_token"),
    )


def _remedy(code: str, message: str) -> str:
    found = (what for name, part, what in REMEDIES if name == code and part in message.lower())
    return next(found, "")


def _json_object(answer: Response) -> Mapping[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
