"""What HubSpot's consent page takes and refuses before it gives a code.

Source: HubSpot's "Manage OAuth tokens" and app configuration pages: the scopes asked for are exactly
the app's required ones, optional ones are granted where the account has them, and the redirect is
registered. The app's file is told to the sandbox through ``/_sandbox/portal``; as long as it was
not, whatever is asked for counts as required. ``api_oauth`` serves the page.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.hubspot.access import CUSTOM_SCOPES, STANDARD_SCOPES
from sandbox.hubspot.portal import Portal


class ConsentRefusedError(Exception):
    """The consent page shows this text instead of its button; no code is given."""


def consented(portal: Portal, args: Mapping[str, str]) -> tuple[str, ...]:
    """Return the scopes a click on the page would grant. Raises ConsentRefusedError."""
    app: dict[str, Any] = portal.services.settings.get("app") or {}
    if args.get("client_id") != portal.access.credentials()["client_id"]:
        raise ConsentRefusedError("The client_id is missing or unknown.")
    _check_redirect(app, args.get("redirect_uri", ""))
    asked = set(args.get("scope", "").split())
    _check_scopes(portal, app, asked)
    optional = set(args.get("optional_scope", "").split())
    granted = asked | (optional & _available(portal))
    return tuple(sorted(granted))


def _check_redirect(app: dict[str, Any], redirect: str) -> None:
    if not redirect.startswith(("https://", "http://localhost", "http://127.0.0.1")):
        raise ConsentRefusedError("The redirect_uri is missing or not https.")
    registered = app.get("redirect_urls")
    if registered is not None and redirect not in registered:
        raise ConsentRefusedError("The redirect_uri does not match a redirect URL of the app.")


def _available(portal: Portal) -> set[str]:
    custom = CUSTOM_SCOPES if portal.options.tier == "enterprise" else ()
    return {*STANDARD_SCOPES, *custom}


def _check_scopes(portal: Portal, app: dict[str, Any], asked: set[str]) -> None:
    if not asked:
        raise ConsentRefusedError("The scope is missing.")
    required = app.get("required_scopes")
    if required is not None and asked != set(required):
        odd = ", ".join(sorted(asked ^ set(required)))
        raise ConsentRefusedError(f"Authorization failed because there is a scope mismatch: {odd}.")
    beyond = asked - _available(portal)
    if beyond:
        raise ConsentRefusedError(
            f"This account does not have access to these scopes: {', '.join(sorted(beyond))}."
        )
