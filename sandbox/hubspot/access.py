"""Who may call: OAuth tokens of the one app, the service key, their scopes, and the app's install state.

Source: HubSpot's "Manage OAuth tokens". Access tokens live 30 minutes by the sandbox clock;
the refresh token stays valid until it is revoked or the app is uninstalled. What the consent page
refuses is in ``consent``.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass
from typing import Any, Final

from sandbox.hubspot.errors import VendorError, error, missing_scopes
from sandbox.hubspot.times import stamp
from sandbox.server.app import Services

LIFE_SECONDS: Final = 1800
_OBJECTS = (
    "companies",
    "contacts",
    "deals",
    "line_items",
    "products",
    "quotes",
    "tickets",
    "services",
    "feedback_submissions",
    "carts",
    "goals",
    "invoices",
    "leads",
    "orders",
    "projects",
    "subscriptions",
    "users",
)
TOKEN_LENGTH: Final = 512
"""HubSpot says that tokens may be this long; every token here is, so that no column is too short."""
STANDARD_SCOPES: Final = (
    "oauth",
    "tickets",
    "e-commerce",
    "automation",
    "timeline",
    "crm.lists.read",
    "crm.lists.write",
    "crm.objects.owners.read",
    "sales-email-read",
    "crm.import",
    "crm.export",
    *(f"crm.objects.{name}.{verb}" for name in _OBJECTS for verb in ("read", "write")),
    *(f"crm.schemas.{name}.{verb}" for name in _OBJECTS for verb in ("read", "write")),
)
CUSTOM_SCOPES: Final = tuple(
    f"crm.{part}.custom.{verb}" for part in ("objects", "schemas") for verb in ("read", "write")
)


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose token a request carries."""

    scopes: frozenset[str]
    by_key: bool

    def need(self, scopes: tuple[str, ...]) -> None:
        """Raise 403 unless one of ``scopes`` is granted."""
        if not self.scopes.intersection(scopes):
            raise missing_scopes(scopes)


class Access:
    """Tokens and scopes; kept in the sandbox's file."""

    def __init__(self, services: Services, scopes: tuple[str, ...]) -> None:
        """Take up the kept state; a new file gets ``scopes`` and fresh secrets."""
        self._settings, self._clock = services.settings, services.clock
        self._state: dict[str, Any] = services.settings.get("access") or {
            "client_id": secrets.token_hex(16),
            "client_secret": secrets.token_hex(16),
            "refresh_token": f"na1-{secrets.token_hex(24)}",
            "service_key": f"pat-na1-{secrets.token_hex(16)}",
            "scopes": list(scopes),
            "key_scopes": list(scopes),
            "installed": True,
            "closed": False,
            "tokens": {},
            "codes": {},
        }
        self._save()

    def _save(self) -> None:
        self._settings.put("access", self._state)

    def credentials(self) -> dict[str, str]:
        """Return client id and secret, refresh token and service key."""
        return {
            name: self._state[name] for name in ("client_id", "client_secret", "refresh_token", "service_key")
        }

    @property
    def client_secret(self) -> str:
        """Return the app's secret, with which webhooks are signed."""
        secret: str = self._state["client_secret"]
        return secret

    @property
    def scopes(self) -> tuple[str, ...]:
        """Return the scopes the app was granted."""
        return tuple(self._state["scopes"])

    def grant(self, scopes: tuple[str, ...]) -> None:
        """Set the scopes of the app and of the service key; tokens already out change with them."""
        self._state["scopes"] = self._state["key_scopes"] = list(scopes)
        self._save()

    def caller(self, header: str) -> Caller:
        """Return whose token is in an ``Authorization`` header. Raises 401."""
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise _unauthenticated()
        if secrets.compare_digest(token.strip(), self._state["service_key"]):
            # HubSpot adds ``oauth`` to every service key.
            return Caller(frozenset(self._state["key_scopes"]) | {"oauth"}, by_key=True)
        expires = self._state["tokens"].get(token.strip())
        if expires is None or not self._state["installed"]:
            raise _unauthenticated()
        late = self._clock.now_ms() - expires
        if late >= 0:
            raise error(
                401,
                "EXPIRED_AUTHENTICATION",
                f"The OAuth token used to make this call expired {late // 1000} second(s) ago.",
                context={"expire time": [stamp(expires)]},
            )
        return Caller(frozenset(self._state["scopes"]), by_key=False)

    def check_client(self, client_id: str | None, client_secret: str | None) -> None:
        """Raise 400 ``invalid_client`` unless these are the app's."""
        if client_id != self._state["client_id"]:
            raise oauth_error("invalid_client", "BAD_CLIENT_ID", "missing or unknown client id")
        if client_secret != self._state["client_secret"]:
            raise oauth_error("invalid_client", "BAD_CLIENT_SECRET", "missing or invalid client secret")

    def refresh(self, refresh_token: str | None) -> dict[str, Any]:
        """Return a token answer. Raises 400 ``invalid_grant`` for a revoked or unknown refresh token."""
        if self._state.get("closed"):
            raise oauth_error("access_denied", "BAD_HUB", "unable to connect to the hub")
        if refresh_token != self._state["refresh_token"] or not self._state["installed"]:
            raise oauth_error("invalid_grant", "BAD_REFRESH_TOKEN", "missing or invalid refresh token")
        return self._issue()

    def authorise(self, redirect_uri: str, challenge: str | None, scopes: tuple[str, ...]) -> str:
        """Return a code, as after the admin's consent to ``scopes``.

        It works once, for this redirect and challenge, within ten minutes of the sandbox's clock.
        """
        code = secrets.token_hex(18)
        held = [redirect_uri, challenge, self._clock.now_ms() + 600_000, list(scopes)]
        self._state["codes"][code] = held
        self._save()
        return code

    def redeem(self, code: str | None, redirect_uri: str | None, verifier: str | None) -> dict[str, Any]:
        """Return a token answer for a code, installing the app. Raises 400."""
        held = self._state["codes"].pop(code or "", None)
        if held is None or held[2] < self._clock.now_ms():
            raise oauth_error("invalid_grant", "BAD_AUTH_CODE", "missing or unknown auth code")
        if held[0] != redirect_uri:
            raise oauth_error("invalid_grant", "BAD_REDIRECT_URI", "missing or invalid redirect uri")
        if held[1] is not None and held[1] != _challenge(verifier or ""):
            raise oauth_error("invalid_grant", "BAD_CODE_VERIFIER", "missing or invalid code_verifier")
        self._state["scopes"] = held[3]
        if not self._state["installed"]:
            self._state["installed"] = True
            self._state["refresh_token"] = f"na1-{secrets.token_hex(24)}"
        return self._issue()

    def _issue(self) -> dict[str, Any]:
        now = self._clock.now_ms()
        token = f"CN{secrets.token_urlsafe(TOKEN_LENGTH)}"[:TOKEN_LENGTH]
        live = {name: at for name, at in self._state["tokens"].items() if at > now - 86_400_000}
        self._state["tokens"] = {**live, token: now + LIFE_SECONDS * 1000}
        self._save()
        return {
            "token_type": "bearer",
            "token_use": "access_token",
            "refresh_token": self._state["refresh_token"],
            "access_token": token,
            "expires_in": LIFE_SECONDS,
            "scopes": self._state["scopes"],
        }

    def active(self, token: str | None) -> bool:
        """Return whether a token (access or refresh) would be taken now."""
        if not self._state["installed"]:
            return False
        expires = self._state["tokens"].get(token or "")
        return token == self._state["refresh_token"] or (
            expires is not None and expires > self._clock.now_ms()
        )

    def expires_at(self, token: str) -> int | None:
        """Return when an access token ends (ms), or None for the refresh token."""
        found: int | None = self._state["tokens"].get(token)
        return found

    def revoke(self, token: str | None) -> None:
        """Revoke a token; revoking the refresh token ends all access."""
        if token == self._state["refresh_token"]:
            self.uninstall()
        self._state["tokens"].pop(token or "", None)
        self._save()

    def close(self) -> None:
        """Close the account: its tokens are refused, and so is a refresh, as BAD_HUB."""
        self._state["closed"] = True
        self.uninstall()

    def uninstall(self) -> None:
        """End the installation: every token of the app is refused from now on."""
        self._state["installed"] = False
        self._state["tokens"] = {}
        self._save()


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _unauthenticated() -> VendorError:
    return error(
        401,
        "INVALID_AUTHENTICATION",
        "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find "
        "more details at https://developers.hubspot.com/docs/methods/auth/oauth-overview",
    )


def oauth_error(name: str, status: str, message: str) -> VendorError:
    """Return the 400 of the token endpoint: RFC 6749's ``error`` and HubSpot's own ``status``."""
    made = error(400, "VALIDATION_ERROR", message)
    made.body["status"] = status
    made.body["error"] = name
    made.body["error_description"] = message
    return made
