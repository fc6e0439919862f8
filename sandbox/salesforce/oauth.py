"""Tokens: the four OAuth flows of section "Authorization" of the REST API guide, and their errors.

Apps are registered at ``POST /_sandbox/app``. An access token dies two hours (sandbox clock) after
its last use; a refresh gives a new refresh token and kills the old one.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import jwt

from sandbox.salesforce.org import API_USERNAME, Org

IDLE = timedelta(hours=2)
_JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ASSERTION_LIFE_S = 300
"""An assertion must end within about five minutes (Help, "OAuth 2.0 JWT Bearer Flow"); the words are ours."""

_LOGIN_HOST, _TEST_HOST = "https://login.salesforce.com", "https://test.salesforce.com"
_SCOPE = "refresh_token web api"


class OAuthError(Exception):
    """A refusal of the token endpoint: HTTP 400 with ``error`` and ``error_description``."""

    def __init__(self, error: str, description: str) -> None:
        """Carry the vendor's code and words."""
        super().__init__(description)
        self.error, self.description = error, description


@dataclass(slots=True)
class Session:
    """Who holds an access token, when it was last used (UTC), and the refresh token's family it is of."""

    user_id: str
    used: datetime
    family: str = ""


class Tokens:
    """Registered apps and the tokens given to them; kept with the org."""

    def __init__(self, org: Org) -> None:
        """Take up what the org's file holds."""
        self._org = org
        self._apps: dict[str, dict[str, Any]] = org.store.noted("apps", {})
        self._refresh: dict[str, dict[str, str]] = org.store.noted("refresh tokens", {})
        self._codes: dict[str, dict[str, str]] = {}
        live = org.store.noted("access tokens", {})
        self._sessions = {t: Session(v[0], datetime.fromisoformat(v[1]), *v[2:]) for t, v in live.items()}

    def register(self, body: dict[str, Any]) -> dict[str, Any]:
        """Register an app (the admin's work): consumer key, optional secret and public key, user, approval.

        Raises ValueError where the consumer key is missing.
        """
        if not body.get("consumer_key"):
            raise ValueError("consumer_key is required")
        username = body.get("username") or API_USERNAME
        user = self._org.user(username)
        user_id = user["Id"] if user else self._org.add_user(username, "", "Integration", username)
        app = {"secret": body.get("client_secret"), "user_id": user_id, "username": username,
               "public_key": body.get("public_key_pem"), "approved": body.get("approved", True)}  # fmt: skip
        self._apps[body["consumer_key"]] = app
        self._org.store.note("apps", self._apps)
        return {"consumer_key": body["consumer_key"], "username": username, "user_id": user_id}

    def revoke_all(self) -> int:
        """Kill every access and refresh token; return how many there were."""
        count = len(self._sessions) + len(self._refresh)
        self._sessions.clear()
        self._refresh.clear()
        self._save()
        return count

    def revoke(self, token: str) -> bool:
        """Kill one token, with a refresh token all access tokens it brought; return whether it lived."""
        held = self._refresh.pop(token, None)
        family = held["family"] if held else None
        ended = [one for one, s in self._sessions.items() if one == token or (family and s.family == family)]
        for one in ended:
            del self._sessions[one]
        self._save()
        return bool(ended) or held is not None

    def user_of(self, token: str) -> str | None:
        """Return the user of a live access token and note its use, or None."""
        session = self._sessions.get(token)
        now = self._org.now()
        if session is None or now - session.used > IDLE:
            return None
        session.used = now
        return session.user_id

    def grant(self, form: Mapping[str, str], basic: tuple[str, str] | None, base: str) -> dict[str, Any]:
        """Return the token endpoint's answer to a form. Raises OAuthError."""
        kind = form.get("grant_type", "")
        if kind == _JWT_GRANT:
            return self._by_jwt(form.get("assertion", ""), base)
        if kind == "client_credentials":
            app = self._authenticate(form, basic, need_secret=True)
            return self._answer(app["user_id"], base, signed=True)
        if kind == "authorization_code":
            return self._by_code(form, basic, base)
        if kind == "refresh_token":
            return self._by_refresh(form, basic, base)
        raise OAuthError("unsupported_grant_type", "grant type not supported")

    def authorize(self, args: Mapping[str, str]) -> str:
        """Return where the consent screen sends the browser: the code is given without asking."""
        key, redirect = args.get("client_id", ""), args.get("redirect_uri", "")
        if key not in self._apps:
            raise OAuthError("invalid_client_id", "client identifier invalid")
        if args.get("response_type") != "code":
            raise OAuthError("unsupported_response_type", "response type must be code")
        if not args.get("code_challenge") or args.get("code_challenge_method", "S256") != "S256":
            raise OAuthError("invalid_request", "missing required code challenge")
        code = "aPrx" + secrets.token_urlsafe(32)
        self._codes[code] = {"key": key, "redirect": redirect, "challenge": args["code_challenge"]}
        query = {"code": code} | ({"state": args["state"]} if "state" in args else {})
        return f"{redirect}{'&' if '?' in redirect else '?'}{urlencode(query)}"

    def _by_jwt(self, assertion: str, base: str) -> dict[str, Any]:
        try:
            claims = jwt.decode(assertion, options={"verify_signature": False})
            header = jwt.get_unverified_header(assertion)
        except jwt.InvalidTokenError:
            raise OAuthError("invalid_grant", "invalid assertion") from None
        app = self._apps.get(str(claims.get("iss")))
        if app is None:
            raise OAuthError("invalid_client_id", "client identifier invalid")
        self._check_signature(assertion, header, app)
        audience = claims.get("aud")
        if str(audience).rstrip("/") not in (self._login_host(), base):
            raise OAuthError("invalid_grant", "audience is invalid")
        if not isinstance(claims.get("exp"), int | float) or claims["exp"] <= self._org.now().timestamp():
            raise OAuthError("invalid_grant", "expired authorization code")
        if claims["exp"] > self._org.now().timestamp() + ASSERTION_LIFE_S:
            raise OAuthError("invalid_grant", "invalid assertion")
        user = self._org.user(str(claims.get("sub")))
        if user is None or user["Id"] != app["user_id"] or not app["approved"]:
            raise OAuthError("invalid_grant", "user hasn't approved this consumer")
        return self._answer(user["Id"], base, signed=False)

    def _login_host(self) -> str:
        """Return where this org's users sign in: sandboxes have a host of their own."""
        row = self._org.store.table("Organization")[self._org.org_id]
        return _TEST_HOST if row["IsSandbox"] else _LOGIN_HOST

    def _check_signature(self, assertion: str, header: dict[str, Any], app: dict[str, Any]) -> None:
        if header.get("alg") != "RS256" or not app.get("public_key"):
            raise OAuthError("invalid_grant", "invalid assertion")
        unchecked = {"verify_exp": False, "verify_aud": False, "verify_iat": False, "verify_nbf": False}
        try:
            jwt.decode(assertion, app["public_key"], algorithms=["RS256"], options=unchecked)  # type: ignore[arg-type]
        except jwt.InvalidTokenError:
            raise OAuthError("invalid_grant", "invalid assertion") from None

    def _authenticate(
        self, form: Mapping[str, str], basic: tuple[str, str] | None, *, need_secret: bool
    ) -> dict[str, Any]:
        key, secret = basic or (form.get("client_id", ""), form.get("client_secret", ""))
        app = self._apps.get(key)
        if app is None:
            raise OAuthError("invalid_client_id", "client identifier invalid")
        expected = app.get("secret")
        if (need_secret or expected) and not hmac.compare_digest(secret or "", expected or "\0"):
            raise OAuthError("invalid_client", "invalid client credentials")
        return {**app, "key": key}

    def _by_code(self, form: Mapping[str, str], basic: tuple[str, str] | None, base: str) -> dict[str, Any]:
        app = self._authenticate(form, basic, need_secret=False)
        code = self._codes.pop(form.get("code", ""), None)
        if code is None or code["key"] != app["key"]:
            raise OAuthError("invalid_grant", "expired authorization code")
        if code["redirect"] != form.get("redirect_uri", ""):
            raise OAuthError("redirect_uri_mismatch", "redirect_uri must match configuration")
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != code["challenge"].rstrip("="):
            raise OAuthError("invalid_grant", "invalid code verifier")
        return self._with_refresh(app["key"], app["user_id"], base, secrets.token_urlsafe(16))

    def _by_refresh(
        self, form: Mapping[str, str], basic: tuple[str, str] | None, base: str
    ) -> dict[str, Any]:
        app = self._authenticate(form, basic, need_secret=False)
        held = self._refresh.pop(form.get("refresh_token", ""), None)
        if held is None or held["key"] != app["key"]:
            raise OAuthError("invalid_grant", "expired access/refresh token")
        return self._with_refresh(app["key"], held["user_id"], base, held["family"])

    def _with_refresh(self, key: str, user_id: str, base: str, family: str) -> dict[str, Any]:
        token = "5Aep861" + secrets.token_urlsafe(48)
        self._refresh[token] = {"key": key, "user_id": user_id, "family": family}
        return {**self._answer(user_id, base, signed=True, family=family), "refresh_token": token}

    def _answer(self, user_id: str, base: str, *, signed: bool, family: str = "") -> dict[str, Any]:
        token = f"{self._org.org_id[:15]}!AQ{secrets.token_urlsafe(60)}"
        self._sessions[token] = Session(user_id, self._org.now(), family)
        self._save()
        identity = f"https://login.salesforce.com/id/{self._org.org_id}/{user_id}"
        body = {"access_token": token, "scope": _SCOPE if signed else "web api", "instance_url": base,
                "id": identity, "token_type": "Bearer"}  # fmt: skip
        if signed:
            body["issued_at"] = str(int(self._org.now().timestamp() * 1000))
            body["signature"] = base64.b64encode(hashlib.sha256(token.encode()).digest()).decode()
            body["api_instance_url"] = base
        return body

    def _save(self) -> None:
        now = self._org.now()
        self._sessions = {t: s for t, s in self._sessions.items() if now - s.used <= IDLE}
        self._org.store.note(
            "access tokens", {t: [s.user_id, s.used.isoformat(), s.family] for t, s in self._sessions.items()}
        )
        self._org.store.note("refresh tokens", self._refresh)
