"""Salesforce's token endpoint and version list: the two calls made without an access token.

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

from integration.port import CrmError, Misconfigured, NeedsConsent
from integration.salesforce.auth import ClientCredentials, Grant, JwtBearer, SalesforceCredentials
from integration.salesforce.errors import parse_failure
from integration.salesforce.limits import API_VERSION, ASSERTION_LIFE_S

OAUTH_PATH = "/services/oauth2/token"
VERSIONS_PATH = "/services/data"
JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
# ``id`` ends in /<organization id>/<user id>.
ID_URL_PARTS = 3
# Answers that an administrator mends by connecting again (Help, "OAuth 2.0 Errors").
CONSENT_ERRORS = frozenset(
    {"invalid_grant", "inactive_user", "inactive_org", "invalid_app_access", "access_denied"}
)


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
        its secret wrong.
        """
        answer = self._send("oauth", "POST", self._base_url + OAUTH_PATH, self._form(refresh_token))
        body = _json_object(answer)
        if answer.status_code != HTTPStatus.OK:
            raise _sign_in_error(answer.status_code, body)
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

    def _form(self, refresh_token: str | None) -> dict[str, str]:
        credentials = self._credentials
        if isinstance(credentials, JwtBearer):
            return {"grant_type": JWT_GRANT, "assertion": self._assertion(credentials)}
        form = {"client_id": credentials.client_id}
        if credentials.client_secret is not None:
            form["client_secret"] = credentials.client_secret
        if isinstance(credentials, ClientCredentials):
            return form | {"grant_type": "client_credentials"}
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
    """Return the grant in a token answer; ``id`` ends in ``/<organization id>/<user id>``."""
    parts = urlsplit(str(body.get("id", ""))).path.rstrip("/").split("/")
    if len(parts) < ID_URL_PARTS or "access_token" not in body or "instance_url" not in body:
        raise Misconfigured("the token answer names no org; is the `id` scope granted?")
    return Grant(
        access_token=str(body["access_token"]),
        instance_url=str(body["instance_url"]).rstrip("/"),
        organization_id=parts[-2],
        user_id=parts[-1],
        refresh_token=body.get("refresh_token"),
    )


def _sign_in_error(status: int, body: Mapping[str, Any]) -> CrmError:
    failure = parse_failure(status, body)
    words = f"{failure.code}: {failure.message}"
    return NeedsConsent(words) if failure.code in CONSENT_ERRORS else Misconfigured(words)


def _json_object(answer: Response) -> Mapping[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
