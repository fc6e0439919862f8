"""OAuth: token, introspect, revoke, and the consent page in short; uninstalling the app.

Source: HubSpot's "Manage OAuth tokens" (dated endpoints take form bodies only) and app-install guide.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import Flask, Response, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from sandbox.hubspot.access import oauth_error
from sandbox.hubspot.consent import ConsentRefusedError, consented
from sandbox.hubspot.errors import invalid
from sandbox.hubspot.portal import Portal
from sandbox.hubspot.web import Call, Web
from sandbox.server.app import json_response, note


def register(web: Web, app: Flask, portal: Portal) -> None:
    """Put the OAuth handlers on the app."""
    web.open_route("POST", "oauth", "/token", token)
    web.open_route("POST", "oauth", "/token/introspect", introspect)
    web.open_route("POST", "oauth", "/token/revoke", revoke)
    web.route("DELETE", "appinstalls", "/external-install", uninstall)

    @app.get("/oauth/authorize")
    def _consent() -> BaseResponse:
        """Stand for the admin who clicks "Connect app": back to the redirect URI with a code."""
        args = request.args
        try:
            scopes = consented(portal, args)
        except ConsentRefusedError as refused:
            return Response(f"<html><body><h1>{refused}</h1></body></html>", 400, content_type="text/html")
        code = portal.access.authorise(args["redirect_uri"], args.get("code_challenge"), scopes)
        query = urlencode({"code": code, **({"state": args["state"]} if "state" in args else {})})
        joint = "&" if "?" in args["redirect_uri"] else "?"
        return redirect(f"{args['redirect_uri']}{joint}{query}")


def _form() -> dict[str, str]:
    note().object = "oauth"
    if request.mimetype != "application/x-www-form-urlencoded":
        raise invalid("The content type of this endpoint is application/x-www-form-urlencoded")
    return dict(request.form)


def token(portal: Portal) -> Response:
    """Answer an access token for a refresh token or an authorization code."""
    form = _form()
    portal.access.check_client(form.get("client_id"), form.get("client_secret"))
    grant = form.get("grant_type")
    if grant == "refresh_token":
        answer = portal.access.refresh(form.get("refresh_token"))
    elif grant == "authorization_code":
        answer = portal.access.redeem(form.get("code"), form.get("redirect_uri"), form.get("code_verifier"))
    else:
        raise oauth_error(
            "unsupported_grant_type", "BAD_GRANT_TYPE", f"missing or unknown grant type {grant}"
        )
    return json_response({**answer, "hub_id": portal.options.portal_id, "user_id": 7})


def introspect(portal: Portal) -> Response:
    """Answer what a token is; an unknown one is 200 ``active: false``."""
    form = _form()
    portal.access.check_client(form.get("client_id"), form.get("client_secret"))
    if not portal.access.active(form.get("token")):
        return json_response({"active": False})
    body: dict[str, Any] = {
        "active": True,
        "token": form["token"],
        "token_use": form.get("token_type_hint", "access_token"),
        "hub_id": portal.options.portal_id,
        "hub_domain": "sandbox.example",
        "app_id": portal.options.app_id,
        "client_id": form["client_id"],
        "user": "admin@sandbox.example",
        "user_id": 7,
        "scopes": list(portal.access.scopes),
        "is_private_distribution": portal.options.app != "marketplace",
    }
    return json_response(body)


def revoke(portal: Portal) -> Response:
    """Revoke a token."""
    form = _form()
    portal.access.check_client(form.get("client_id"), form.get("client_secret"))
    portal.access.revoke(form.get("token"))
    return json_response({})


def uninstall(call: Call) -> Response:
    """Uninstall the app from this portal; every token is refused from now on."""
    if call.caller.by_key:
        raise invalid("This endpoint takes an OAuth access token only")
    call.portal.access.uninstall()
    return Response(status=204)
