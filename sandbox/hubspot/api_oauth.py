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
from sandbox.hubspot.errors import invalid, not_found
from sandbox.hubspot.portal import Portal
from sandbox.hubspot.web import Call, Web
from sandbox.server.app import json_response, note


def register(web: Web, app: Flask, portal: Portal) -> None:
    """Put the OAuth handlers on the app."""
    web.open_route("POST", "oauth", "/token", token)
    web.open_route("POST", "oauth", "/token/introspect", introspect)
    web.open_route("POST", "oauth", "/token/revoke", revoke)
    web.route("DELETE", "appinstalls", "/external-install", uninstall)

    @app.get("/oauth/v1/access-tokens/<token_sent>")
    def _access_token(token_sent: str) -> Response:
        return _information_v1(portal, token_sent, "access_token")

    @app.get("/oauth/v1/refresh-tokens/<token_sent>")
    def _refresh_token(token_sent: str) -> Response:
        return _information_v1(portal, token_sent, "refresh_token")

    @app.delete("/oauth/v1/refresh-tokens/<token_sent>")
    def _revoke_v1(token_sent: str) -> Response:
        portal.access.revoke(token_sent)
        return Response(status=204)

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
    token_sent = form.get("token", "")
    if not portal.access.active(token_sent):
        return json_response({"active": False})
    return json_response(_info(portal, token_sent))


def _info(portal: Portal, token_sent: str) -> dict[str, Any]:
    expires = portal.access.expires_at(token_sent)
    body: dict[str, Any] = {
        "active": True,
        "token": token_sent,
        "token_use": "refresh_token" if expires is None else "access_token",
        "token_type": "bearer",
        "hub_id": portal.options.portal_id,
        "hub_domain": "sandbox.example",
        "app_id": portal.options.app_id,
        "client_id": portal.access.credentials()["client_id"],
        "user": "admin@sandbox.example",
        "user_id": 7,
        "scopes": list(portal.access.scopes),
    }
    if expires is None:
        return body
    left = (expires - portal.clock.now_ms()) // 1000
    private = portal.options.app != "marketplace"
    signed = _signed(portal, expires, private=private)
    return {**body, "expires_in": left, "is_private_distribution": private, "signed_access_token": signed}


def _signed(portal: Portal, expires: int, *, private: bool) -> dict[str, Any]:
    """Return the opaque part of an access token's information; nothing here can be verified with it."""
    return {
        "appId": portal.options.app_id,
        "expiresAt": expires,
        "hubId": portal.options.portal_id,
        "hublet": "na1",
        "installingUserId": 7,
        "isPrivateDistribution": private,
        "isServiceAccount": False,
        "isUserLevel": False,
        "newSignature": "",
        "scopes": "",
        "scopeToScopeGroupPks": "",
        "signature": "",
        "trialScopes": "",
        "trialScopeToScopeGroupPks": "",
        "userId": 7,
    }


def _information_v1(portal: Portal, token_sent: str, use: str) -> Response:
    """Answer the v1 page of a token, which needs no client. Raises 404."""
    note().object = "oauth"
    found = _info(portal, token_sent) if portal.access.active(token_sent) else None
    if found is None or found["token_use"] != use:
        raise not_found(f"{use} not found")
    return json_response({**found, "token_type": use.partition("_")[0]})


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
